//! `agreed(list.field, other, …)`: what the items of a list say together.

use super::{Function, Outcome, Spot};
use crate::entity::{Map, Value};

pub struct Agreed;

impl Function for Agreed {
    fn name(&self) -> &'static str {
        "agreed"
    }

    fn help(&self) -> &'static str {
        "agreed(list.field, other): the value as sent; when the entity has none, what all items of the list say on \
         writing, or other when they differ. agreed(list.field, other, a, b): what they agree in only when it is a or b."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("lines.quantity.unit, mixed", "EA", "EA")]
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
        let (Some(fields), [path, other, may_be @ ..], None) = (spot.fields, arguments, &value) else {
            return Ok(value);
        };
        let mut said = Vec::new();
        let fields = fields.value();
        fields.as_object().into_iter().for_each(|fields| values(fields, path, &mut said));
        let Some(first) = said.first() else { return Ok(None) };
        let fits = may_be.is_empty() || first.as_str().is_some_and(|first| may_be.iter().any(|one| one == first));
        let agree = said.iter().all(|one| one == first) && fits;
        Ok(Some(if agree { (*first).clone() } else { other.clone().into() }))
    }
}

/// All values at a path that goes through lists.
pub(super) fn values<'v>(fields: &'v Map, path: &str, found: &mut Vec<&'v Value>) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let Some(value) = fields.get(first) else { return };
    let items = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    match rest {
        None => found.extend(items),
        Some(rest) => items.iter().filter_map(Value::as_object).for_each(|inner| values(inner, rest, found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::View;
    use serde_json::json;

    #[test]
    fn what_the_items_say() {
        let codes = super::super::Codes::new(None);
        let tables = crate::table::Tables::default();
        let spoken = |statuses: &[&str], arguments: &str| {
            let lines: Vec<_> = statuses.iter().map(|status| json!({ "status": status })).collect();
            let fields = Value::from(json!({ "lines": lines }));
            let spot = Spot { fields: Some(View::from(&fields)), ..Spot::new("x12", '.', &codes, &tables) };
            let arguments: Vec<_> = arguments.split(' ').map(str::to_owned).collect();
            Agreed.put(&arguments, None, &spot).expect("a value or none")
        };
        assert_eq!(spoken(&["accepted", "accepted"], "lines.status mixed"), Some("accepted".into()));
        assert_eq!(spoken(&["accepted", "rejected"], "lines.status mixed"), Some("mixed".into()));
        assert_eq!(spoken(&["late", "late"], "lines.status mixed accepted rejected"), Some("mixed".into()));
        assert_eq!(spoken(&[], "lines.status mixed"), None);
    }
}
