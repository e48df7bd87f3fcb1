//! `instead_of(field)`: a value that is written where another would stand.

use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct InsteadOf;

impl Function for InsteadOf {
    fn name(&self) -> &'static str {
        "instead_of"
    }

    fn help(&self) -> &'static str {
        "instead_of(field): on writing, stands where that field beside it would, when there is none; this is told as a \
         loss, for it comes back as that field. When there is one, only the loss is told. On reading every value passes."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("other", "AC", "AC")]
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        Ok(Some(wire))
    }

    fn keeps(&self, _wire: &[u8], _spot: &Spot<'_>) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let is_there = arguments.first().is_some_and(|field| spot.sibling(field).is_some());
        if value.is_some() {
            spot.lost.borrow_mut().push("a place of its own");
        }
        Ok(value.filter(|_| !is_there))
    }
}
