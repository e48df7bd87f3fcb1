//! `flag(yes, no)`: true or false by two codes.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Flag;

impl Function for Flag {
    fn name(&self) -> &'static str {
        "flag"
    }

    fn help(&self) -> &'static str {
        "flag(yes, no): true for the first code, false for the second; other codes are not taken. flag(yes) knows true only."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("C, A", "C", "true"), ("C, A", "A", "false")]
    }

    fn get(&self, arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let code = text(&wire, "a code")?;
        match arguments.iter().position(|one| one == code) {
            Some(at) => Ok(Some((at == 0).into())),
            // Another code is neither: the value stays where it is.
            None => Ok(None),
        }
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let yes = value.as_bool().ok_or_else(|| format!("true or false, found {value}"))?;
        Ok(arguments.get(usize::from(!yes)).map(|code| code.clone().into()))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        Some((dice(arguments.len()) == 0).into())
    }
}
