//! What must agree inside an adjustment: its amount against its lines, each with its direction, and the days.

use super::arithmetic::number;
use super::view::View;
use super::{Entity, Tolerance, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use rust_decimal::Decimal;

/// Appends what does not agree. An adjustment with a line that names no amount is not added up.
pub fn check(adjustment: &Entity, tolerance: &Tolerance, found: &mut Vec<Diagnostic>) {
    let whole = adjustment.text("direction");
    // Some write what is debited with a minus and say so by the direction as well.
    let signed = |line: View<'_>| {
        let amount = number(line, "amount")?.abs();
        Some(if line.field("direction").text() == whole { amount } else { -amount })
    };
    let sent = adjustment.text("amount").and_then(|sent| sent.parse::<Decimal>().ok());
    let sum = adjustment.views("lines").map(signed).sum::<Option<Decimal>>();
    if let (Some(sent), Some(sum), false) = (sent, sum, adjustment.list("lines").is_empty())
        && sent.abs() != sum
    {
        let expected = format!("{sum}, the sum of the lines by their direction");
        let differs = finding(Fault::SumDiffers, "amount", &expected, &sent.to_string());
        let is_agreed = (sent.abs() - sum).abs() <= tolerance.total;
        found.push(if is_agreed { differs.severity(Severity::Warning) } else { differs });
    }
    if let (Some(issued), Some(invoiced)) = (adjustment.text("issued"), adjustment.text("invoice.issued"))
        && issued.get(..10) < invoiced.get(..10)
    {
        let expected = format!("a day not before {invoiced}, when the invoice was issued");
        found.push(finding(Fault::DateOrder, "issued", &expected, issued));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn said(fields: Value) -> Vec<String> {
        let mut fields = fields;
        fields["type"] = "adjustment".into();
        let mut found = Vec::new();
        check(&Entity::from_json(&fields).expect("an adjustment"), &Tolerance::default(), &mut found);
        found.iter().map(Diagnostic::message).collect()
    }

    #[test]
    fn ok_lines_that_add_up_by_their_direction() {
        let lines = json!([{ "direction": "credit", "amount": "-25.00" }, { "direction": "debit", "amount": "40.00" }]);
        assert_eq!(said(json!({ "direction": "debit", "amount": "15.00", "lines": lines })), Vec::<String>::new());
        let lines = json!([{ "direction": "debit" }]);
        assert_eq!(said(json!({ "direction": "debit", "amount": "15.00", "lines": lines })), Vec::<String>::new());
    }

    #[test]
    fn err_sum_and_day() {
        let lines = json!([{ "direction": "credit", "amount": "25.00" }]);
        let found = said(json!({ "direction": "debit", "amount": "25.00", "lines": lines, "issued": "2026-11-30",
            "invoice": { "issued": "2026-12-01" } }));
        assert_eq!(
            found,
            [
                "amount: sent total differs from the computed one: expected -25.00, the sum of the lines by their direction, found 25.00",
                "issued: days in the wrong order: expected a day not before 2026-12-01, when the invoice was issued, found 2026-11-30",
            ]
        );
    }
}
