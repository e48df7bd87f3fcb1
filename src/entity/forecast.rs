//! What must agree inside a forecast: days in order and inside the plan, hours and places that make up their day, and
//! quantities that never fall where they add up.

use super::view::View;
use super::{Entity, Tolerance, components, days, finding, sums};
use crate::diagnostic::{Diagnostic, Fault, Severity};

/// Appends what does not agree.
pub fn check(forecast: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    components::check(forecast, found);
    let horizon = View::from(&forecast.fields).field("horizon");
    days::in_order(horizon.field("from"), horizon.field("until"), "horizon.until", found);
    let adds_up = forecast.text("quantities") == Some("cumulative");
    for (at, line) in forecast.views("lines").enumerate() {
        let path = format!("lines[{}]", at + 1);
        for (at, receipt) in line.field("receipts").items().enumerate() {
            let path = format!("{path}.receipts[{}].until", at + 1);
            days::in_order(receipt.field("at"), receipt.field("until"), &path, found);
        }
        for (at, entry) in line.field("schedule").items().enumerate() {
            let path = format!("{path}.schedule[{}]", at + 1);
            days::in_order(entry.field("at"), entry.field("until"), &format!("{path}.until"), found);
            sums::made_up(entry, "deliveries", &path, found);
            sums::made_up(entry, "times", &path, found);
        }
        if adds_up {
            rising(line, &path, found);
        }
    }
    let all = forecast.views("lines").flat_map(|line| sums::quantities(line, "schedule"));
    sums::total(forecast, "totals.hash", all.map(|(value, _)| sums::decimal(value)).sum(), found);
}

/// Quantities that add up from one day to the next never fall.
fn rising(line: View<'_>, path: &str, found: &mut Vec<Diagnostic>) {
    let mut before = None;
    for (at, (value, _)) in sums::quantities(line, "schedule").enumerate() {
        let Some(value) = sums::decimal(value) else { return };
        if let Some(before) = before.filter(|before| value < *before) {
            let (place, expected) =
                (format!("{path}.schedule[{}].quantity", at + 1), format!("{before} or more, since quantities add up"));
            let differs = finding(Fault::SumDiffers, &place, &expected, &value.to_string());
            found.push(differs.severity(Severity::Warning));
        }
        before = Some(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn places(quantities: &str) -> Vec<String> {
        let entry = |value: &str, at: &str, times: serde_json::Value| json!({ "quantity": { "value": value }, "at": at, "until": "2026-12-04", "times": times });
        let entity = json!({ "type": "forecast", "quantities": quantities, "totals": { "hash": "17" },
            "horizon": { "from": "2026-12-31", "until": "2026-12-01" },
            "lines": [{ "receipts": [{ "at": "2026-02-01", "until": "2026-01-01" }], "schedule": [
                entry("10", "2026-12-01", json!([{ "quantity": "4" }, { "quantity": "6" }])),
                entry("8", "2026-12-05", json!([{ "quantity": "7" }]))] }] });
        let mut found = Vec::new();
        check(&Entity::from_json(&entity).expect("a forecast"), &Tolerance::default(), &mut found);
        found.into_iter().map(|one| one.place).collect()
    }

    #[test]
    fn err_days_and_quantities_that_disagree() {
        let all = [
            "horizon.until",
            "lines[1].receipts[1].until",
            "lines[1].schedule[2].until",
            "lines[1].schedule[2].quantity",
            "totals.hash",
        ];
        assert_eq!(places("discrete"), all);
        let mut rising = all.to_vec();
        rising.insert(4, "lines[1].schedule[2].quantity");
        assert_eq!(places("cumulative"), rising);
    }
}
