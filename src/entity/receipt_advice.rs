//! What must agree inside a receipt advice: totals against the lines, what came against what was sent and what is said to
//! be wrong, and the days. That less came than was sent is business, not a fault of the document; that nobody says so is
//! told as a warning.

use super::view::View;
use super::{Entity, Tolerance, components, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use rust_decimal::Decimal;

/// Appends what does not agree. What was not sent is not checked.
pub fn check(receipt: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    components::check(receipt, found);
    let sent = receipt.text("totals.hash").and_then(|sent| sent.parse::<Decimal>().ok());
    let sum: Decimal = receipt.views("lines").filter_map(|line| number(line, "quantity.value")).sum();
    if let Some(sent) = sent.filter(|sent| *sent != sum) {
        let expected = format!("{sum}, the sum of the quantities received");
        // Partners compute hashes in several ways (points ignored, digits cut): told, not refused.
        let differs = finding(Fault::SumDiffers, "totals.hash", &expected, &sent.to_string());
        found.push(differs.severity(Severity::Warning));
    }
    for (at, line) in receipt.views("lines").enumerate() {
        explained(line, &format!("lines[{}].quantity", at + 1), found);
    }
    days(receipt, found);
}

fn number(value: View<'_>, path: &str) -> Option<Decimal> {
    value.at(path).text()?.parse().ok()
}

/// What was despatched, less what is short and more what is over, is what came. Only quantities of one unit are compared.
fn explained(line: View<'_>, path: &str, found: &mut Vec<Diagnostic>) {
    let (Some(came), Some(despatched)) = (number(line, "quantity.value"), number(line, "despatched.value")) else {
        return;
    };
    let unit = line.at("quantity.unit");
    let differences: Vec<View<'_>> = line.field("differences").items().collect();
    let mut units = differences.iter().map(|one| one.at("quantity.unit")).chain([line.at("despatched.unit")]);
    if units.any(|one| one != unit) {
        return;
    }
    let of = |reason: &str| -> Decimal {
        let fitting = differences.iter().filter(|one| one.field("reason").text() == Some(reason));
        fitting.filter_map(|one| number(*one, "quantity.value")).sum()
    };
    let (short, over) = (of("short") + of("not_received"), of("over") + of("over_returned"));
    let expected = despatched - short + over;
    // Without a word for it, a difference by itself says as much.
    let is_said = number(line, "difference").is_some_and(|said| despatched + said == came);
    if came != expected && !is_said {
        let expected = format!("{expected}, what was despatched with what is short and over");
        let differs = finding(Fault::FieldsDisagree, path, &expected, &came.to_string());
        found.push(differs);
    }
}

/// Nothing is received before it is shipped, nor told of before it is received.
fn days(receipt: &Entity, found: &mut Vec<Diagnostic>) {
    let Some(received) = receipt.text("received").and_then(|day| day.get(..10)) else { return };
    let shipped = receipt.views("dates").find(|one| one.field("role").text() == Some("shipped"));
    let shipped = shipped.and_then(|one| one.field("at").text()?.get(..10));
    if let Some(shipped) = shipped.filter(|shipped| *shipped > received) {
        let expected = format!("{shipped}, when it was shipped, or later");
        found.push(finding(Fault::DateOrder, "received", &expected, received));
    }
    if let Some(issued) = receipt.text("issued").filter(|issued| issued.get(..10) < Some(received)) {
        let expected = format!("{received}, when the goods came in, or later");
        found.push(finding(Fault::DateOrder, "issued", &expected, issued));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn said(receipt: Value) -> Vec<String> {
        let mut found = Vec::new();
        check(&Entity::from_json(&receipt).expect("a receipt"), &Tolerance::default(), &mut found);
        found.iter().map(Diagnostic::message).collect()
    }

    fn each(value: &str) -> Value {
        json!({ "value": value, "unit": "EA" })
    }

    #[test]
    fn ok_differences_that_are_said() {
        let lines = json!([
            { "quantity": each("10"), "despatched": each("10.0") },
            { "quantity": each("8"), "despatched": each("10"), "differences": [{ "reason": "short", "quantity": each("2") }] },
            { "quantity": each("12"), "despatched": each("10"), "difference": "2" },
            { "quantity": each("1"), "despatched": { "value": "12", "unit": "CA" } },
            { "returned": each("3") }
        ]);
        let receipt = json!({ "type": "receipt_advice", "issued": "2026-12-02", "received": "2026-12-01T10:00",
            "dates": [{ "role": "shipped", "at": "2026-12-01" }], "lines": lines,
            "totals": { "lines": "5", "hash": "31" } });
        assert_eq!(said(receipt), Vec::<String>::new());
    }

    #[test]
    fn err_each_difference_is_told_by_itself() {
        let lines = json!([{ "quantity": each("7"), "despatched": each("10"),
            "differences": [{ "reason": "short", "quantity": each("2") }, { "reason": "damaged", "quantity": each("1") }] }]);
        let receipt = json!({ "type": "receipt_advice", "issued": "2026-11-30", "received": "2026-12-01",
            "dates": [{ "role": "shipped", "at": "2026-12-02" }], "lines": lines,
            "totals": { "lines": "2", "hash": "8" } });
        assert_eq!(
            said(receipt),
            [
                "totals.lines: sent total differs from the computed one: expected 1 lines, as there are, found 2",
                "totals.hash: sent total differs from the computed one: expected 7, the sum of the quantities received, found 8",
                "lines[1].quantity: fields do not agree: expected 8, what was despatched with what is short and over, found 7",
                "received: days in the wrong order: expected 2026-12-02, when it was shipped, or later, found 2026-12-01",
                "issued: days in the wrong order: expected 2026-12-01, when the goods came in, or later, found 2026-11-30",
            ]
        );
    }
}
