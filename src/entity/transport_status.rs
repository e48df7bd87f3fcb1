//! What must agree inside a transport status: the events of a consignment come in the order of time as far as one rules
//! the other out, and nothing has happened after the report was issued.

use super::{Entity, Tolerance, finding};
use crate::diagnostic::{Diagnostic, Fault};

/// Events of which the second cannot come before the first.
const ORDERS: [[&str; 2]; 3] =
    [["picked_up", "delivered"], ["departed", "delivered"], ["arrived_for_delivery", "delivered"]];
/// Events that are foretold.
const TO_COME: [&str; 3] = ["delivery_estimated", "arrival_estimated", "booked"];

/// Appends what does not agree.
pub fn check(status: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    let issued = status.text("issued").and_then(|issued| issued.get(..10));
    for (number, consignment) in status.views("consignments").enumerate() {
        let events: Vec<(&str, &str, String)> = consignment
            .field("events")
            .items()
            .enumerate()
            .filter_map(|(at, event)| {
                let place = format!("consignments[{}].events[{}].at", number + 1, at + 1);
                Some((event.field("kind").text()?, event.field("at").text()?, place))
            })
            .collect();
        for (kind, at, place) in &events {
            if let Some(issued) = issued.filter(|issued| at.get(..10) > Some(*issued) && !TO_COME.contains(kind)) {
                let expected = format!("{issued}, when the report was issued, or earlier");
                found.push(finding(Fault::DateOrder, place, &expected, at));
            }
        }
        for [first, second] in ORDERS {
            let find = |kind: &str| events.iter().find(|(one, ..)| *one == kind);
            if let (Some((_, before, _)), Some((_, after, place))) = (find(first), find(second))
                && after < before
            {
                let expected = format!("{before}, when it was {}, or later", first.replace('_', " "));
                found.push(finding(Fault::DateOrder, place, &expected, after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn err_events_that_cannot_have_been_so() {
        let status = json!({ "type": "transport_status", "issued": "2026-12-02T10:00", "consignments": [{ "events": [
            { "kind": "picked_up", "at": "2026-12-02T08:00" }, { "kind": "delivered", "at": "2026-12-01T08:00" },
            { "kind": "delivery_estimated", "at": "2026-12-05" }, { "kind": "delayed", "at": "2026-12-03" }] }] });
        let mut found = Vec::new();
        check(&Entity::from_json(&status).expect("a status"), &Tolerance::default(), &mut found);
        assert_eq!(
            found.iter().map(Diagnostic::message).collect::<Vec<_>>(),
            [
                "consignments[1].events[4].at: days in the wrong order: expected 2026-12-02, when the report was issued, or earlier, found 2026-12-03",
                "consignments[1].events[2].at: days in the wrong order: expected 2026-12-02T08:00, when it was picked up, or later, found 2026-12-01T08:00",
            ]
        );
    }
}
