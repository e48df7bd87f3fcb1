//! `prefer(field)`: a field beside that goes before the rule's own on writing.

use super::{Function, Outcome, Spot};
use crate::entity::{Value, View};

pub struct Prefer;

impl Function for Prefer {
    fn name(&self) -> &'static str {
        "prefer"
    }

    fn help(&self) -> &'static str {
        "prefer(field): on writing, that field beside goes before the rule's own when it is there, as the order's line \
         number before the answer's. On reading it is not filled."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("order.line", "10", "10")]
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

    fn is_steady(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let preferred = arguments.first().and_then(|field| spot.sibling(field)).map(View::value);
        Ok(preferred.or(value))
    }

    fn writes<'a>(&self, arguments: &'a [String]) -> Option<&'a str> {
        arguments.first().map(String::as_str)
    }
}
