//! `ordinal(list)`: which of its list an item is, where it has no number of its own.

use super::{Function, Outcome, Spot};
use crate::entity::{Map, Value, View};

pub struct Ordinal;

impl Function for Ordinal {
    fn name(&self) -> &'static str {
        "ordinal"
    }

    fn help(&self) -> &'static str {
        "ordinal(list): the number as sent; when the item has none, which item of that list it is, from 1, on writing; \
         lists.inner counts within the item around. On reading every value passes."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("lines", "2", "2"), ("lines.responses", "2-A", "2-A")]
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
        if value.is_some() {
            return Ok(value);
        }
        let list = arguments.first().map_or("", String::as_str);
        let place = spot.fields.zip(spot.entity).and_then(|(fields, entity)| {
            let View::Fields(item) = fields else { return None };
            place(&entity.fields, list, item)
        });
        Ok(place.map(|place| (place + 1).to_string().into()))
    }
}

/// The place of an object itself, not of one that is equal, in a list below others.
fn place(fields: &Map, list: &str, item: &Map) -> Option<usize> {
    let (name, inner) = list.split_once('.').map_or((list, None), |(name, inner)| (name, Some(inner)));
    let mut items = fields.get(name)?.as_array()?.iter().filter_map(Value::as_object);
    match inner {
        None => items.position(|one| std::ptr::eq(one, item)),
        Some(inner) => items.find_map(|one| place(one, inner, item)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Entity;
    use serde_json::json;

    #[test]
    fn items_that_are_equal_have_numbers_of_their_own() {
        let response = json!({ "status": "substituted" });
        let answer = json!({ "type": "order_response", "lines": [
            { "responses": [response] }, { "responses": [{ "status": "accepted" }, response, response] }] });
        let answer = Entity::from_json(&answer).expect("an answer");
        let (codes, tables) = (crate::mapping::code::Codes::new(None), crate::table::Tables::default());
        let arguments = ["lines.responses".to_owned()];
        let mut numbers = Vec::new();
        for line in answer.list("lines") {
            for one in line["responses"].as_array().expect("a list") {
                let fields = one.as_object().map(View::from);
                let spot = Spot { fields, entity: Some(&answer), ..Spot::new("ubl", '.', &codes, &tables) };
                let sent = Ordinal.put(&arguments, Some("7".into()), &spot);
                assert_eq!(sent, Ok(Some("7".into())));
                numbers.push(Ordinal.put(&arguments, None, &spot).expect("a number"));
            }
        }
        assert_eq!(numbers, ["1", "1", "2", "3"].map(|number| Some(Value::from(number))));
    }
}
