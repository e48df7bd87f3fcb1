//! `when(field)`: a value that is only written beside another.

use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct When;

impl Function for When {
    fn name(&self) -> &'static str {
        "when"
    }

    fn help(&self) -> &'static str {
        "when(field): on writing, nothing unless that field beside it has a value. On reading every value passes."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("value", "AC", "AC")]
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
        let is_there = arguments.first().is_some_and(|field| spot.sibling(field).is_some());
        Ok(value.filter(|_| is_there))
    }
}
