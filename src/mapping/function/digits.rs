//! `digits(n)`: a number of exactly n digits, as an SSCC is among other names of packages.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Digits;

impl Function for Digits {
    fn name(&self) -> &'static str {
        "digits"
    }

    fn help(&self) -> &'static str {
        "digits(n): a number of n digits; what is none is left to other rules on reading, and refused on writing."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("18", r#""340123450000000017""#, r#""340123450000000017""#)]
    }

    fn get(&self, arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let fits = is_number(arguments, text(&wire, "a number")?);
        Ok(fits.then_some(wire))
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        if is_number(arguments, text(&value, "a number")?) {
            return Ok(Some(value));
        }
        Err(format!("{} digits, found {value}", arguments.first().map_or("", String::as_str)))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        let length: usize = arguments.first()?.parse().ok()?;
        Some((0..length).map(|_| char::from(b'1' + u8::try_from(dice(9)).unwrap_or(0))).collect::<String>().into())
    }
}

fn is_number(arguments: &[String], text: &str) -> bool {
    let length = arguments.first().and_then(|number| number.parse().ok());
    length == Some(text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
