//! What must agree inside a remittance advice: what is paid in all against its lines, a line against what was taken off
//! of its document, and the days. What is held back, and whether rightly, is business.

use super::view::View;
use super::{Entity, Tolerance, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use rust_decimal::Decimal;

/// Appends what does not agree.
pub fn check(advice: &Entity, tolerance: &Tolerance, found: &mut Vec<Diagnostic>) {
    total(advice, tolerance, found);
    for (at, line) in advice.views("lines").enumerate() {
        reduced(line, &format!("lines[{}].paid", at + 1), tolerance, found);
        paid_before_issued(advice, line, &format!("lines[{}].document.issued", at + 1), found);
    }
}

/// A payment without lines is told of elsewhere.
fn total(advice: &Entity, tolerance: &Tolerance, found: &mut Vec<Diagnostic>) {
    let sent = advice.text("amount").and_then(|sent| sent.parse::<Decimal>().ok());
    let sum = advice.views("lines").map(|line| decimal(line, "paid")).sum::<Option<Decimal>>();
    if let (Some(sent), Some(sum), false) = (sent, sum, advice.list("lines").is_empty())
        && sent != sum
    {
        let expected = format!("{sum}, the sum of what is paid in the lines");
        let differs = finding(Fault::SumDiffers, "amount", &expected, &sent.to_string());
        let is_agreed = (sent - sum).abs() <= tolerance.total;
        found.push(if is_agreed { differs.severity(Severity::Warning) } else { differs });
    }
}

/// The amount of a document less discount and adjustments is what is paid of it. Partners write what they take off with
/// a minus or without, so that either will do, and a difference is told and not refused.
fn reduced(line: View<'_>, path: &str, tolerance: &Tolerance, found: &mut Vec<Diagnostic>) {
    let discount = decimal(line, "discount");
    let adjusted = line.field("adjustments").items().map(|one| decimal(one, "amount")).collect::<Option<Vec<_>>>();
    let (Some(paid), Some(amount), Some(adjusted)) = (decimal(line, "paid"), decimal(line, "amount"), adjusted) else {
        return;
    };
    // Without a reason for less, less is a part of it.
    if discount.is_none() && adjusted.is_empty() {
        return;
    }
    let adjusted: Decimal = adjusted.into_iter().sum();
    let net = amount - discount.unwrap_or_default().abs();
    let is_close = |sum: Decimal| (sum - paid).abs() <= tolerance.line;
    if !is_close(net + adjusted) && !is_close(net - adjusted) {
        let expected = format!("{}, the amount less discount and adjustments", net + adjusted);
        let differs = finding(Fault::SumDiffers, path, &expected, &paid.to_string());
        found.push(differs.severity(Severity::Warning));
    }
}

fn paid_before_issued(advice: &Entity, line: View<'_>, path: &str, found: &mut Vec<Diagnostic>) {
    let issued = line.at("document.issued").text();
    if let (Some(advised), Some(issued)) = (advice.text("issued"), issued)
        && advised.get(..10) < issued.get(..10)
    {
        let expected = format!("a day not after {advised}, when the advice was issued");
        found.push(finding(Fault::DateOrder, path, &expected, issued).severity(Severity::Warning));
    }
}

fn decimal(value: View<'_>, field: &str) -> Option<Decimal> {
    value.field(field).text()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(fields: Value) -> Vec<String> {
        let mut fields = fields;
        fields["type"] = "remittance".into();
        let mut found = Vec::new();
        check(&Entity::from_json(&fields).expect("an entity"), &Tolerance::default(), &mut found);
        found.iter().map(Diagnostic::message).collect()
    }

    #[test]
    fn ok_payments_that_add_up() {
        let lines = json!([
            { "paid": "98.00", "amount": "100.00", "discount": "2.00" },
            { "paid": "40", "amount": "50", "adjustments": [{ "amount": "-10" }] },
            { "paid": "40", "amount": "50", "adjustments": [{ "amount": "10" }] },
            { "paid": "5", "amount": "50" },
            { "paid": "-3.00" }
        ]);
        assert_eq!(found(json!({ "amount": "180", "lines": lines })), Vec::<String>::new());
        assert_eq!(found(json!({ "amount": "180" })), Vec::<String>::new());
    }

    #[test]
    fn err_sums_and_days_that_do_not_agree() {
        let lines = json!([
            { "paid": "90", "amount": "100", "discount": "2", "document": { "issued": "2026-12-02" } },
            { "paid": "10" }
        ]);
        assert_eq!(
            found(json!({ "amount": "99", "issued": "2026-12-01T09:00", "lines": lines })),
            [
                "amount: sent total differs from the computed one: expected 100, the sum of what is paid in the lines, found 99",
                "lines[1].paid: sent total differs from the computed one: expected 98, the amount less discount and adjustments, found 90",
                "lines[1].document.issued: days in the wrong order: expected a day not after 2026-12-01T09:00, when the advice was issued, found 2026-12-02",
            ]
        );
    }
}
