//! What must agree inside a catalogue: an article that can be told from others, prices that hold for some day and some
//! quantity.

use super::view::View;
use super::{Entity, Tolerance, components, days, finding, sums};
use crate::diagnostic::{Diagnostic, Fault};

/// Appends what does not agree.
pub fn check(catalogue: &Entity, _: &Tolerance, found: &mut Vec<Diagnostic>) {
    components::check(catalogue, found);
    for (at, line) in catalogue.views("lines").enumerate() {
        let path = format!("lines[{}]", at + 1);
        if line.at("item.ids").items().next().is_none() {
            let expected = "an id of the article, by which it can be ordered";
            found.push(finding(Fault::FieldMissing, &format!("{path}.item.ids"), expected, "nothing"));
        }
        offered(line, &path, found);
    }
}

/// The prices of a line.
fn offered(line: View<'_>, path: &str, found: &mut Vec<Diagnostic>) {
    for (at, price) in line.field("prices").items().enumerate() {
        let path = format!("{path}.prices[{}]", at + 1);
        days::in_order(price.at("valid.from"), price.at("valid.until"), &format!("{path}.valid.until"), found);
        let quantity = price.field("quantity");
        if let (Some(from), Some(until)) =
            (sums::decimal(quantity.field("from")), sums::decimal(quantity.field("until")))
            && until < from
        {
            let expected = format!("a quantity not below {from}");
            found.push(finding(
                Fault::FieldsDisagree,
                &format!("{path}.quantity.until"),
                &expected,
                &until.to_string(),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn err_articles_without_an_id_and_prices_that_hold_never() {
        let price = json!({ "amount": "1", "valid": { "from": "2026-02-01", "until": "2026-01-31" },
            "quantity": { "from": "100", "until": "99" } });
        let entity = json!({ "type": "catalogue", "number": "1", "totals": { "lines": "3" },
            "lines": [{ "item": { "description": ["Beans"] } },
                { "item": { "ids": [{ "scheme": "seller", "value": "A" }] }, "prices": [price] }] });
        let mut found = Vec::new();
        check(&Entity::from_json(&entity).expect("a catalogue"), &Tolerance::default(), &mut found);
        let places: Vec<_> = found.iter().map(|one| one.place.as_str()).collect();
        assert_eq!(
            places,
            [
                "totals.lines",
                "lines[1].item.ids",
                "lines[2].prices[1].valid.until",
                "lines[2].prices[1].quantity.until"
            ]
        );
    }
}
