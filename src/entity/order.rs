//! What must agree inside an order: counts and sums as sent against its lines.

use super::view::View;
use super::{Entity, Tolerance, components, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use rust_decimal::Decimal;

/// Appends what does not agree. Totals that were not sent are not checked.
pub fn check(order: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    components::check(order, found);
    let quantity = |line: View<'_>| line.at("quantity.value").text()?.parse::<Decimal>().ok();
    let sent = order.text("totals.hash").and_then(|sent| sent.parse::<Decimal>().ok());
    // As with the number of lines, some count what the lines are made up of.
    let below = order.views("lines").flat_map(|line| line.field("components").items());
    let with_components = || order.views("lines").chain(below).map(quantity).sum::<Option<Decimal>>();
    if let (Some(sent), Some(sum)) = (sent, order.views("lines").map(quantity).sum::<Option<Decimal>>())
        && sent != sum
        && Some(sent) != with_components()
    {
        let expected = format!("{sum}, the sum of the quantities");
        // Partners compute hashes in several ways (points ignored, digits cut): told, not refused.
        let differs = finding(Fault::SumDiffers, "totals.hash", &expected, &sent.to_string());
        found.push(differs.severity(Severity::Warning));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn err_counts_and_hashes_that_differ() {
        let order = Entity::from_json(&json!({ "type": "order", "number": "1",
            "lines": [{ "quantity": { "value": "2.50" } }, { "quantity": { "value": "3" } }],
            "totals": { "lines": "3", "hash": "5.5" } }));
        let mut found = Vec::new();
        check(&order.expect("an order"), &Tolerance::default(), &mut found);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].message(),
            "totals.lines: sent total differs from the computed one: expected 2 lines, as there are, found 3"
        );
    }
}
