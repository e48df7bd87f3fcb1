//! `known(list)`: a code of a list, others being left to other rules.

use super::code::Code;
use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct Known;

impl Function for Known {
    fn name(&self) -> &'static str {
        "known"
    }

    fn help(&self) -> &'static str {
        "known(list): as code(list), but a code that the list does not have is left to other rules."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("party_role", "ST", "ship_to")]
    }

    fn get(&self, arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        Ok(Code.get(arguments, wire, spot)?.filter(Value::is_string))
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn is_steady_on_writing(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        Code.put(arguments, value, spot)
    }

    fn is_vital(&self, arguments: &[String], spot: &Spot<'_>) -> bool {
        Code.is_vital(arguments, spot)
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, spot: &Spot<'_>) -> Option<Value> {
        Code.sample(arguments, dice, spot)
    }
}
