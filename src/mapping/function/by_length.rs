//! `by_length(field, n CODE, …)`: one of a family of codes, chosen by the length of a field beside it.

use super::{Function, Outcome, Spot};
use crate::entity::{Value, View};

pub struct ByLength;

impl Function for ByLength {
    fn name(&self) -> &'static str {
        "by_length"
    }

    fn help(&self) -> &'static str {
        "by_length(field, 12 UP, 13 EN): every code passes on reading; when one of the named codes is to be written, it \
         becomes the one for the length of the field beside it, so that a GTIN is marked by the form it is written in."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("value, 12 UP, 13 EN", "UP", "UP"), ("value, 12 UP, 13 EN", "VN", "VN")]
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        Ok(Some(wire))
    }

    fn keeps(&self, _wire: &[u8], _spot: &Spot<'_>) -> bool {
        true
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(code) = value.as_ref().and_then(Value::as_str) else { return Ok(value) };
        // What ends otherwise is none of the family, and most codes are not.
        if !arguments.iter().skip(1).any(|one| one.ends_with(code)) {
            return Ok(value);
        }
        let family = || arguments.iter().skip(1).filter_map(|one| one.split_once(' '));
        if !family().any(|(_, one)| one == code) {
            return Ok(value);
        }
        let field = arguments.first().map_or("", String::as_str);
        let length = spot.sibling(field).and_then(View::text).map_or(0, |text| text.chars().count());
        let chosen = family().find(|(wanted, _)| wanted.parse() == Ok(length)).map(|(_, code)| code);
        Ok(chosen.map(Value::from).or(value))
    }
}
