//! What must agree inside a warehouse order: the total as sent against its lines.

use super::{Entity, Tolerance, sums};
use crate::diagnostic::Diagnostic;

/// Appends what does not agree.
pub fn check(order: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    let all = order.views("lines").map(|line| sums::decimal(line.at("quantity.value")));
    sums::total(order, "totals.quantity", all.sum(), found);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn err_a_total_that_differs() {
        let lines = json!([{ "quantity": { "value": "24" } }, { "quantity": { "value": "6" } }]);
        for (sent, told) in [("30", 0), ("31", 1)] {
            let entity = json!({ "type": "warehouse_order", "lines": lines, "totals": { "quantity": sent } });
            let mut found = Vec::new();
            check(&Entity::from_json(&entity).expect("an order"), &Tolerance::default(), &mut found);
            assert_eq!(found.len(), told, "{sent}");
        }
    }
}
