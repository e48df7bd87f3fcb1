//! What must agree inside an inventory report: the places of a stock make it up, a movement says whether goods came or
//! went when it says why.

use super::{Entity, Tolerance, components, finding, sums};
use crate::diagnostic::{Diagnostic, Fault};

/// Appends what does not agree.
pub fn check(report: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    components::check(report, found);
    for (at, line) in report.views("lines").enumerate() {
        let path = format!("lines[{}]", at + 1);

        for (at, stock) in line.field("stocks").items().enumerate() {
            let path = format!("{path}.stocks[{}]", at + 1);
            sums::made_up(stock, "parts", &path, found);
            if !stock.field("reason").is_null() && stock.field("direction").is_null() {
                let expected = "whether it came or went, since there is a reason for it";
                found.push(finding(Fault::FieldMissing, &format!("{path}.direction"), expected, "nothing"));
            }
        }
    }
    let stocks = report.views("lines").flat_map(|line| sums::quantities(line, "stocks"));
    sums::total(report, "totals.hash", stocks.map(|(value, _)| sums::decimal(value)).sum(), found);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn err_places_that_do_not_make_up_the_stock_and_a_reason_for_no_movement() {
        let quantity = |value: &str| json!({ "value": value, "unit": "EA" });
        let entity = json!({ "type": "inventory_report", "number": "1", "totals": { "hash": "9" }, "lines": [{ "stocks": [
            { "quantity": quantity("5"), "parts": [{ "quantity": quantity("2") }, { "quantity": quantity("2") }] },
            { "quantity": quantity("3"), "reason": "consumption" },
            { "quantity": quantity("2"), "reason": "delivery", "direction": "out" }] }] });
        let mut found = Vec::new();
        check(&Entity::from_json(&entity).expect("a report"), &Tolerance::default(), &mut found);
        let places: Vec<_> = found.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(places, ["lines[1].stocks[1].quantity", "lines[1].stocks[2].direction", "totals.hash"]);
    }
}
