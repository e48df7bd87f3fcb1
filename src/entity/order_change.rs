//! What must agree inside a change of an order: totals against the lines, what is still to come against what is ordered,
//! what a change does against what it names, and the days.

use super::arithmetic::number;
use super::view::View;
use super::{Entity, Tolerance, finding, order};
use crate::diagnostic::{Diagnostic, Fault};

/// What is done to a line that the order has already, so that the change must say which.
const OF_THE_ORDER: [&str; 3] = ["change", "delete", "none"];

/// Appends what does not agree.
pub fn check(change: &Entity, tolerance: &Tolerance, found: &mut Vec<Diagnostic>) {
    order::check(change, tolerance, found);
    let is_cancelled = change.text("purpose") == Some("cancellation");
    for (at, line) in change.views("lines").enumerate() {
        let path = format!("lines[{}]", at + 1);
        let action = line.field("action").text();
        if is_cancelled && action == Some("add") {
            let place = format!("{path}.action");
            found.push(finding(Fault::FieldsDisagree, &place, "no line added to an order that is cancelled", "add"));
        }
        let is_named = ["number", "order.line"].iter().any(|path| line.at(path).text().is_some());
        let has_ids = line.at("item.ids").items().next().is_some();
        if action.is_some_and(|action| OF_THE_ORDER.contains(&action)) && !is_named && !has_ids {
            found.push(finding(Fault::FieldsDisagree, &path, "a number or an item id, to find the line by", "neither"));
        }
        remaining(line, &path, found);
    }
    if let (Some(issued), Some(ordered)) = (change.text("issued"), change.text("order.issued"))
        && issued.get(..10) < ordered.get(..10)
    {
        let expected = format!("a day not before {ordered}, when the order was issued");
        found.push(finding(Fault::DateOrder, "issued", &expected, issued));
    }
}

/// No more is still to come than is ordered.
fn remaining(line: View<'_>, path: &str, found: &mut Vec<Diagnostic>) {
    let quantity = number(line, "quantity.value");
    if let (Some(remaining), Some(quantity)) = (number(line, "remaining"), quantity)
        && remaining > quantity
    {
        let expected = format!("{quantity} at most, as is ordered");
        let place = format!("{path}.remaining");
        found.push(finding(Fault::FieldsDisagree, &place, &expected, &remaining.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn said(change: Value) -> Vec<String> {
        let mut change = change;
        change["type"] = "order_change".into();
        let mut found = Vec::new();
        check(&Entity::from_json(&change).expect("a change"), &Tolerance::default(), &mut found);
        found.iter().map(Diagnostic::message).collect()
    }

    #[test]
    fn ok_a_change_that_holds_together() {
        let lines = json!([
            { "number": "1", "action": "increase", "quantity": { "value": "10" }, "remaining": "10.0" },
            { "action": "add", "quantity": { "value": "5" } },
            { "action": "delete", "item": { "ids": [{ "scheme": "gtin", "value": "4000862141404" }] } }
        ]);
        let change =
            json!({ "purpose": "change", "issued": "2026-11-26", "order": { "issued": "2026-11-24" }, "lines": lines });
        assert_eq!(said(change), Vec::<String>::new());
    }

    #[test]
    fn err_each_difference_is_told_by_itself() {
        let lines = json!([{ "number": "1", "action": "add", "quantity": { "value": "10" }, "remaining": "12" }, { "action": "delete" }]);
        let change = json!({ "purpose": "cancellation", "issued": "2026-11-23", "order": { "issued": "2026-11-24" },
            "lines": lines });
        assert_eq!(
            said(change),
            [
                "lines[1].action: fields do not agree: expected no line added to an order that is cancelled, found add",
                "lines[1].remaining: fields do not agree: expected 10 at most, as is ordered, found 12",
                "lines[2]: fields do not agree: expected a number or an item id, to find the line by, found neither",
                "issued: days in the wrong order: expected a day not before 2026-11-24, when the order was issued, found 2026-11-23",
            ]
        );
    }
}
