//! What must agree inside a sales report: its days in order, and the places of an activity, which make it up.

use super::view::View;
use super::{Entity, Tolerance, components, days, sums};
use crate::diagnostic::Diagnostic;

/// Appends what does not agree.
pub fn check(report: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    components::check(report, found);
    let period = View::from(&report.fields).field("period");
    days::in_order(period.field("from"), period.field("until"), "period.until", found);
    for (at, line) in report.views("lines").enumerate() {
        let path = format!("lines[{}]", at + 1);

        for (at, activity) in line.field("activities").items().enumerate() {
            sums::made_up(activity, "deliveries", &format!("{path}.activities[{}]", at + 1), found);
        }
    }
    let all = report.views("lines").flat_map(|line| sums::quantities(line, "activities"));
    sums::total(report, "totals.hash", all.map(|(value, _)| sums::decimal(value)).sum(), found);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn err_days_and_places_that_disagree() {
        let quantity = |value: &str| json!({ "value": value, "unit": "EA" });
        let entity = json!({ "type": "sales_report", "totals": { "hash": "4" },
            "period": { "from": "2026-11-08", "until": "2026-11-07" },
            "lines": [{ "activities": [{ "quantity": quantity("5"), "deliveries": [{ "quantity": quantity("4") }] }] }] });
        let mut found = Vec::new();
        check(&Entity::from_json(&entity).expect("a report"), &Tolerance::default(), &mut found);
        let places: Vec<_> = found.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(places, ["period.until", "lines[1].activities[1].quantity", "totals.hash"]);
    }
}
