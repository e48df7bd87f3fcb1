//! What must agree inside an answer to an order: what is answered against what was ordered, the document's status
//! against its lines', and the days. That a seller confirms less than was ordered is business, not a fault of the
//! document: it is told as a warning, line by line.

use super::value::Value;
use super::{Entity, Tolerance, finding, order};
use crate::diagnostic::{Diagnostic, Fault};
use rust_decimal::Decimal;

/// Statuses of an answer that stand for the rest of the line when it names no quantity, or zero.
const NOT_COMING: [&str; 2] = ["rejected", "deleted"];

/// Appends what does not agree.
pub fn check(response: &Entity, tolerance: &Tolerance, found: &mut Vec<Diagnostic>) {
    order::check(response, tolerance, found);
    for (at, line) in response.list("lines").iter().enumerate() {
        conserved(line, &format!("lines[{}]", at + 1), found);
    }
    status(response, found);
    if let (Some(issued), Some(ordered)) = (response.text("issued"), response.text("order.issued"))
        && issued.get(..10) < ordered.get(..10)
    {
        let expected = format!("a day not before {ordered}, when the order was issued");
        found.push(finding(Fault::DateOrder, "issued", &expected, issued));
    }
}

/// The answers to a line make up what was ordered.
fn conserved(line: &Value, path: &str, found: &mut Vec<Diagnostic>) {
    let answers = line["responses"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(ordered) = decimal(&line["quantity"]["value"]).filter(|_| !answers.is_empty()) else { return };
    let unit = &line["quantity"]["unit"];
    let mut answered = Decimal::ZERO;
    for answer in answers {
        let quantity = decimal(&answer["quantity"]["value"]);
        let is_rest = quantity.is_none_or(|quantity| quantity.is_zero())
            && answer["status"].as_str().is_some_and(|status| NOT_COMING.iter().any(|one| status.starts_with(one)));
        let other_unit =
            !answer["quantity"]["unit"].is_null() && !unit.is_null() && answer["quantity"]["unit"] != *unit;
        // What is not comparable is not compared.
        let Some(quantity) = quantity.filter(|_| !is_rest && !other_unit) else { return };
        answered += quantity;
    }
    if answered != ordered {
        let expected = format!("{ordered} answered in all, as ordered");
        let path = format!("{path}.responses");
        found.push(finding(Fault::QuantityDiffers, &path, &expected, &told(answers, answered)));
    }
}

/// `70 (accepted 60, backordered 10)`.
fn told(answers: &[Value], sum: Decimal) -> String {
    let one = |answer: &Value| {
        let status = answer["status"].as_str().or(answer["status"]["code"].as_str()).unwrap_or_default();
        format!("{status} {}", answer["quantity"]["value"].as_str().unwrap_or_default())
    };
    format!("{sum} ({})", answers.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn decimal(value: &Value) -> Option<Decimal> {
    value.as_str()?.parse().ok()
}

/// A document that is accepted or rejected as a whole has no line that is otherwise.
fn status(response: &Entity, found: &mut Vec<Diagnostic>) {
    let Some(whole @ ("accepted" | "rejected")) = response.text("status") else { return };
    let lines = response.list("lines").iter().enumerate();
    let other = lines.filter_map(|(at, line)| Some((at + 1, line["status"].as_str()?)));
    // Rejected for a reason is rejected too, accepted and already shipped is accepted.
    for (number, status) in other.filter(|(_, status)| !status.starts_with(whole) && *status != "no_action") {
        let expected = format!("{whole}, as the answer as a whole is");
        found.push(finding(Fault::StatusDiffers, &format!("lines[{number}].status"), &expected, status));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use serde_json::{Value, json};

    fn found(fields: Value) -> Vec<String> {
        let mut fields = fields;
        fields["type"] = "order_response".into();
        let mut found = Vec::new();
        check(&Entity::from_json(&fields).expect("an entity"), &Tolerance::default(), &mut found);
        assert!(found.iter().all(|one| one.severity == Severity::Warning || one.fault == Fault::SumDiffers));
        found.iter().map(Diagnostic::message).collect()
    }

    fn line(ordered: &str, answers: &[(&str, &str)]) -> Value {
        let one =
            |(status, value): &(&str, &str)| json!({ "status": status, "quantity": { "value": value, "unit": "EA" } });
        json!({ "quantity": { "value": ordered, "unit": "EA" }, "responses": answers.iter().map(one).collect::<Vec<_>>() })
    }

    #[test]
    fn ok_answers_that_make_up_the_line() {
        let lines = json!([
            line("100", &[("accepted", "60"), ("backordered", "40.0")]),
            line("24", &[("rejected", "0")]),
            line("24", &[("rejected_item_unknown", "0")]),
            line("24", &[])
        ]);
        assert_eq!(found(json!({ "lines": lines })), Vec::<String>::new());
    }

    #[test]
    fn err_answers_that_do_not() {
        let lines = json!([line("5", &[("accepted", "5")]), line("100", &[("accepted", "60"), ("backordered", "10")])]);
        assert_eq!(
            found(json!({ "lines": lines })),
            [
                "lines[2].responses: answered quantity is not the ordered one: expected 100 answered in all, as ordered, \
              found 70 (accepted 60, backordered 10)"
            ]
        );
    }

    #[test]
    fn err_status_of_the_whole_against_the_lines() {
        let lines = json!([{ "status": "accepted_shipped" }, { "status": "backordered" }, { "status": "rejected" }]);
        assert_eq!(found(json!({ "status": "accepted", "lines": lines.clone() })).len(), 2);
        assert_eq!(found(json!({ "status": "rejected", "lines": lines.clone() })).len(), 2);
        assert_eq!(found(json!({ "status": "accepted_with_changes", "lines": lines })).len(), 0);
    }

    #[test]
    fn err_answered_before_it_was_ordered() {
        let days = |issued: &str| json!({ "issued": issued, "order": { "issued": "2026-11-24" } });
        assert_eq!(found(days("2026-11-24T09:00")), Vec::<String>::new());
        assert_eq!(
            found(days("2026-11-23")),
            [
                "issued: days in the wrong order: expected a day not before 2026-11-24, when the order was issued, found \
              2026-11-23"
            ]
        );
    }
}
