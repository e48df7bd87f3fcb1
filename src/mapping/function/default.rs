//! `default(x)`: a value for documents that must have one, when the entity has none.

use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct Default;

impl Function for Default {
    fn name(&self) -> &'static str {
        "default"
    }

    fn help(&self) -> &'static str {
        "default(x): on writing, x when the entity has no value; default(x, field): only when that field beside it has \
         one. On reading nothing is added."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("stand_alone", "blanket", "blanket")]
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

    fn is_steady_on_writing(&self) -> bool {
        true
    }

    fn keeps_on_writing(&self, _arguments: &[String], _text: &str, _spot: &Spot<'_>) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        if arguments.get(1).is_some_and(|field| spot.sibling(field).is_none()) {
            return Ok(value);
        }
        Ok(value.or_else(|| arguments.first().map(|default| default.clone().into())))
    }
}
