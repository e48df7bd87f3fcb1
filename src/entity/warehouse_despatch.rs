//! What must agree inside a warehouse despatch: what was ordered, what was shipped and what is missing, and the total as
//! sent against the lines.

use super::{Entity, Tolerance, finding, sums};
use crate::diagnostic::{Diagnostic, Fault, Severity};

/// Appends what does not agree.
pub fn check(despatch: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    for (at, line) in despatch.views("lines").enumerate() {
        let (ordered, shipped) = (sums::decimal(line.field("ordered")), sums::decimal(line.field("quantity")));
        let (Some(ordered), Some(shipped), Some(sent)) = (ordered, shipped, sums::decimal(line.field("difference")))
        else {
            continue;
        };
        // Senders write what is missing without a sign as well.
        if sent.abs() != (shipped - ordered).abs() {
            let (path, expected) = (
                format!("lines[{}].difference", at + 1),
                format!("{}, what was shipped less what was ordered", shipped - ordered),
            );
            let differs = finding(Fault::SumDiffers, &path, &expected, &sent.to_string());
            found.push(differs.severity(Severity::Warning));
        }
    }
    // A line without a quantity was not shipped.
    let all = despatch.views("lines").filter_map(|line| sums::decimal(line.field("quantity")));
    sums::total(despatch, "totals.quantity", Some(all.sum()), found);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn err_a_difference_and_a_total_that_are_others() {
        let line = |difference: &str| json!({ "ordered": "60", "quantity": "55", "difference": difference });
        let lines = json!([line("5"), line("-5"), line("6"), { "ordered": "3" }]);
        let entity = json!({ "type": "warehouse_despatch", "lines": lines, "totals": { "quantity": "160" } });
        let mut found = Vec::new();
        check(&Entity::from_json(&entity).expect("a despatch"), &Tolerance::default(), &mut found);
        let places: Vec<_> = found.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(places, ["lines[3].difference", "totals.quantity"]);
    }
}
