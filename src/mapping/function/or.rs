//! `or(field)`: a value for documents that must have one, which is that of another field unless it is said.

use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct Or;

impl Function for Or {
    fn name(&self) -> &'static str {
        "or"
    }

    fn help(&self) -> &'static str {
        "or(field): on writing, the value of that field beside when the entity has none, as all of an order is still to \
         come where nothing else is said. On reading every value passes."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("quantity.value", "10", "10")]
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

    fn keeps_on_writing(&self, _arguments: &[String], _text: &str, _spot: &Spot<'_>) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        Ok(value.or_else(|| Some(spot.sibling(arguments.first()?)?.value())))
    }
}
