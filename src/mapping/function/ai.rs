//! `ai(00)`: a GS1 application identifier in front of a number.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Ai;

impl Function for Ai {
    fn name(&self) -> &'static str {
        "ai"
    }

    fn help(&self) -> &'static str {
        "ai(00, 18): a number of 18 digits behind the GS1 application identifier 00, as in a GM mark: 00 or (00) is taken \
         off where it stands, other identifiers in brackets are left to other rules; it is always written. ai(00, 18, \
         only): so is a number without it."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("00, 18", r#""00340123450000000017""#, r#""340123450000000017""#)]
    }

    fn get(&self, arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let number = text(&wire, "a number")?;
        let [identifier, length, rest @ ..] = arguments else { return Ok(Some(wire)) };
        let bare = number.strip_prefix(identifier.as_str()).filter(|rest| length.parse() == Ok(rest.len()));
        let bracketed = number.strip_prefix(&format!("({identifier})"));
        match bracketed.or(bare) {
            Some(rest) => Ok(Some(rest.trim().into())),
            None if number.starts_with('(') || !rest.is_empty() => Ok(None),
            None => Ok(Some(wire)),
        }
    }

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let identifier = arguments.first().map_or("", String::as_str);
        Ok(Some(format!("{identifier}{}", text(&value, "a number")?).into()))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        let length: usize = arguments.get(1)?.parse().ok()?;
        Some((0..length).map(|_| char::from(b'1' + (dice(9)) as u8)).collect::<String>().into())
    }
}
