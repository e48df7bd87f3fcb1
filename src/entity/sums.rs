//! A quantity as sent against the quantities that it should be the sum of. It tells a warning: partners count in several
//! ways, and what was sent stays as it was sent.

use super::view::View;
use super::{Entity, finding};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use rust_decimal::Decimal;

/// The quantities of a list's items, with their units.
pub(super) fn quantities<'v>(of: View<'v>, list: &str) -> impl Iterator<Item = (View<'v>, View<'v>)> + use<'v> {
    of.field(list).items().map(|item| match item.field("quantity") {
        plain if plain.text().is_some() => (plain, View::Nothing),
        quantity => (quantity.field("value"), quantity.field("unit")),
    })
}

/// Appends a warning where `parts` do not make up the quantity of `whole`; parts of another unit are not compared.
pub(super) fn made_up(whole: View<'_>, list: &str, path: &str, found: &mut Vec<Diagnostic>) {
    let (value, unit) = (whole.at("quantity.value"), whole.at("quantity.unit"));
    let mut parts = quantities(whole, list).peekable();
    if parts.peek().is_none() {
        return;
    }
    let is_same = |other: View<'_>| other.is_null() || unit.is_null() || other == unit;
    let sum = parts.map(|(part, other)| decimal(part).filter(|_| is_same(other))).sum::<Option<Decimal>>();
    if let (Some(sent), Some(sum)) = (decimal(value), sum)
        && sent != sum
    {
        let expected = format!("{sum}, the sum of its {list}");
        tell(&format!("{path}.quantity"), &expected, sent, found);
    }
}

/// Appends a warning where a total as sent is not the sum.
pub(super) fn total(entity: &Entity, total: &str, sum: Option<Decimal>, found: &mut Vec<Diagnostic>) {
    let sent = entity.text(total).and_then(|sent| sent.parse::<Decimal>().ok());
    if let (Some(sent), Some(sum)) = (sent, sum)
        && sent != sum
    {
        tell(total, &format!("{sum}, the sum of the quantities"), sent, found);
    }
}

fn tell(path: &str, expected: &str, sent: Decimal, found: &mut Vec<Diagnostic>) {
    found.push(finding(Fault::SumDiffers, path, expected, &sent.to_string()).severity(Severity::Warning));
}

/// A number, when it is one.
pub(super) fn decimal(value: View<'_>) -> Option<Decimal> {
    value.text()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(whole: serde_json::Value) -> Vec<String> {
        let entity = Entity::from_json(&json!({ "type": "any", "whole": [whole] })).expect("an entity");
        let mut found = Vec::new();
        made_up((&entity.list("whole")[0]).into(), "parts", "whole", &mut found);
        assert!(found.iter().all(|one| one.severity == Severity::Warning));
        found.iter().map(Diagnostic::message).collect()
    }

    #[test]
    fn ok_parts_that_make_up_the_whole_or_cannot_be_compared() {
        let whole = json!({ "value": "10", "unit": "EA" });
        for parts in [json!(null), json!([]), json!([{ "quantity": "4" }, { "quantity": "6.0" }])] {
            assert_eq!(found(json!({ "quantity": whole, "parts": parts })), Vec::<String>::new());
        }
        let other = json!([{ "quantity": { "value": "1", "unit": "CT" } }]);
        assert_eq!(found(json!({ "quantity": whole, "parts": other })), Vec::<String>::new());
    }

    #[test]
    fn err_parts_that_do_not() {
        let parts = json!([{ "quantity": { "value": "4", "unit": "EA" } }, { "quantity": { "value": "7" } }]);
        assert_eq!(
            found(json!({ "quantity": { "value": "10", "unit": "EA" }, "parts": parts })),
            ["whole.quantity: sent total differs from the computed one: expected 11, the sum of its parts, found 10"]
        );
    }
}
