//! `by_length(field, n CODE, …)`: one of a family of codes, chosen by the length of a field beside it.

use super::{Function, Outcome, Spot, length};
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

    fn is_steady_on_writing(&self) -> bool {
        true
    }

    fn measures<'a>(&self, arguments: &'a [String]) -> Option<&'a str> {
        arguments.first().map(String::as_str)
    }

    fn keeps_on_writing(&self, arguments: &[String], text: &str, _spot: &Spot<'_>) -> bool {
        !family(arguments).any(|(_, code)| code == text)
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(code) = value.as_ref().and_then(Value::as_str) else { return Ok(value) };
        if self.keeps_on_writing(arguments, code, spot) {
            return Ok(value);
        }
        let field = arguments.first().map_or("", String::as_str);
        let length = length(spot.sibling(field).and_then(View::text));
        let chosen = family(arguments).find(|(wanted, _)| wanted.parse() == Ok(length)).map(|(_, code)| code);
        Ok(chosen.map(Value::from).or(value))
    }
}

/// The lengths and their codes. A length is some digits, so that its end is soon found.
fn family(arguments: &[String]) -> impl Iterator<Item = (&str, &str)> {
    arguments.iter().skip(1).filter_map(|one| {
        let end = one.bytes().position(|byte| byte == b' ')?;
        Some((&one[..end], &one[end + 1..]))
    })
}
