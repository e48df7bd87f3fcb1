//! `unsaid(code)`: a value that the document says by what it is.

use super::{Function, Outcome, Spot, plain};
use crate::entity::Value;

pub struct Unsaid;

impl Function for Unsaid {
    fn name(&self) -> &'static str {
        "unsaid"
    }

    fn help(&self) -> &'static str {
        "unsaid(x): on writing, nothing for x, which is meant where nothing stands. On reading every value passes."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("despatch_advice", "ready_for_despatch", "ready_for_despatch")]
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

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        Ok(value.filter(|value| arguments.first().is_none_or(|unsaid| plain(value) != *unsaid)))
    }
}
