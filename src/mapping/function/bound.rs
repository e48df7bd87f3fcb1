//! `bound(first, list.field)`: the first or the last day of what a list says, for documents that must name it.

use super::agreed::values;
use super::{Function, Outcome, Spot};
use crate::entity::{Entity, Value};

pub struct Bound;

/// Length of `2026-01-31`.
const DAY: usize = 10;

impl Function for Bound {
    fn name(&self) -> &'static str {
        "bound"
    }

    fn help(&self) -> &'static str {
        "bound(first, list.field): the day as sent; when the entity has none, the first day that the field has in the \
         list, through lists in it, on writing. bound(last, list.field) is the last day. Weeks, months and periods do not \
         count. On reading every value passes."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("first, lines.schedule.at", "2026-01-31", "2026-01-31")]
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
        let (Some(entity), [which, path], None) = (spot.entity, arguments, &value) else { return Ok(value) };
        let days = days(entity, path);
        let found = if which == "last" { days.into_iter().max() } else { days.into_iter().min() };
        Ok(found.map(|day| day.to_owned().into()))
    }
}

/// The days at a path; of a day with a time, the day.
fn days<'e>(entity: &'e Entity, path: &str) -> Vec<&'e str> {
    let mut said = Vec::new();
    values(&entity.fields, path, &mut said);
    let day = |value: &'e Value| {
        let text = value.as_str()?;
        text.get(..DAY).filter(|day| !text.contains('/') && day.parse::<jiff::civil::Date>().is_ok())
    };
    said.into_iter().filter_map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_and_the_last_day_there_are() {
        let codes = super::super::Codes::new(None);
        let tables = crate::table::Tables::default();
        let day = |day: &str| json!({ "at": day });
        let entity = json!({ "type": "forecast", "lines": [{ "schedule": [day("2026-12-08"), day("2026-W40")] }, {},
            { "schedule": [day("2026-12-01T08:00"), day("2026-11-01/2027-02-01")] }] });
        let entity = Entity::from_json(&entity).expect("a forecast");
        let spot = Spot { entity: Some(&entity), ..Spot::new("x12", '.', &codes, &tables) };
        let put = |which: &str, value: Option<&str>| {
            let arguments = [which.to_owned(), "lines.schedule.at".to_owned()];
            Bound.put(&arguments, value.map(Value::from), &spot).expect("a day or none")
        };
        assert_eq!(put("first", None), Some("2026-12-01".into()));
        assert_eq!(put("last", None), Some("2026-12-08".into()));
        assert_eq!(put("last", Some("2027-01-01")), Some("2027-01-01".into()));
    }
}
