//! `count(list)`: a number of items as sent; computed when the entity has none.

use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct Count;

impl Function for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn help(&self) -> &'static str {
        "count(list): the count as sent; when the entity has none, the items of its list are counted on writing. \
         count(list, parts): where items have such parts, list and parts are counted, whatever was sent; count(list, -parts): \
         the list without them."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("lines", r#""2""#, r#""2""#)]
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        Ok(Some(wire))
    }

    fn keeps(&self, _wire: &[u8], _spot: &Spot<'_>) -> bool {
        true
    }

    fn supplies(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let items = spot.entity.map_or(&[][..], |entity| entity.list(arguments.first().map_or("", String::as_str)));
        let parts = arguments.get(1).map_or("", String::as_str);
        let of = |item: &Value| item[parts.trim_start_matches('-')].as_array().map_or(0, Vec::len);
        let below: usize = items.iter().map(of).sum();
        let counted = items.len() + if parts.starts_with('-') { 0 } else { below };
        Ok(value.filter(|_| below == 0).or_else(|| Some(counted.to_string().into())))
    }

    fn sample(&self, arguments: &[String], _dice: &mut dyn FnMut(usize) -> usize, spot: &Spot<'_>) -> Option<Value> {
        self.put(arguments, None, spot).ok()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Entity;

    #[test]
    fn parts_are_counted_or_not_as_the_rule_says() {
        let order =
            |lines: serde_json::Value| Entity::from_json(&serde_json::json!({ "type": "order", "lines": lines }));
        let put = |entity: &Entity, arguments: &[&str], value: Option<&str>| {
            let codes = crate::mapping::code::Codes::new(None);
            let tables = crate::table::Tables::default();
            let spot = Spot { entity: Some(entity), ..Spot::new("x12", '.', &codes, &tables) };
            let arguments: Vec<_> = arguments.iter().map(|one| (*one).to_owned()).collect();
            Count
                .put(&arguments, value.map(Value::from), &spot)
                .map(|value| value.and_then(|one| one.as_str().map(str::to_owned)))
        };
        let kits = order(serde_json::json!([{ "components": [{}, {}] }, {}])).expect("an order");
        let plain = order(serde_json::json!([{}, {}])).expect("an order");
        for (entity, parts, sent, written) in [
            (&kits, "components", Some("2"), "4"),
            (&kits, "-components", Some("4"), "2"),
            (&kits, "-components", None, "2"),
            (&plain, "components", Some("3"), "3"),
            (&plain, "components", None, "2"),
        ] {
            assert_eq!(put(entity, &["lines", parts], sent), Ok(Some(written.to_owned())), "{parts} {sent:?}");
        }
    }
}
