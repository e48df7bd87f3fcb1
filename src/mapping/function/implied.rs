//! `implied(n)`: a number whose last n digits are decimals, without a mark (X12 type Nn).

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;
use rust_decimal::Decimal;

pub struct Implied;

/// Digits of a number that surely fits.
const DIGITS_MAX: usize = 18;

impl Function for Implied {
    fn name(&self) -> &'static str {
        "implied"
    }

    fn help(&self) -> &'static str {
        "implied(n): 12500 with n = 2 is 125.00; a finer number than n decimals is refused on writing."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("2", r#""12500""#, r#""125.00""#), ("2", r#""-5""#, r#""-0.05""#)]
    }

    fn get(&self, arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let digits = text(&wire, "a number")?;
        let number: i64 = digits.parse().map_err(|_| format!("digits, found {digits}"))?;
        Ok(Some(Decimal::new(number, places(arguments)).to_string().into()))
    }

    fn get_text(&self, arguments: &[String], wire: &[u8], _spot: &Spot<'_>, text: &mut Vec<u8>) -> bool {
        let places = places(arguments) as usize;
        // Zeros in front go, and fewer digits than places need some.
        let is_made = (1..=DIGITS_MAX).contains(&wire.len())
            && wire.len() > places
            && wire.iter().all(u8::is_ascii_digit)
            && (wire[0] != b'0' || wire.len() == places + 1);
        if is_made {
            let (whole, part) = wire.split_at(wire.len() - places);
            text.extend_from_slice(whole);
            text.extend_from_slice(if places > 0 { b"." } else { b"" });
            text.extend_from_slice(part);
        }
        is_made
    }

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let number: Decimal = text(&value, "a number")?.parse().map_err(|_| format!("a number, found {value}"))?;
        let places = places(arguments);
        let mut scaled = number.normalize();
        if scaled.scale() > places {
            return Err(format!("at most {places} decimals, found {number}"));
        }
        scaled.rescale(places);
        Ok(Some(scaled.mantissa().to_string().into()))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        Some(Decimal::new(i64::try_from(1 + dice(99_999)).ok()?, places(arguments)).to_string().into())
    }
}

fn places(arguments: &[String]) -> u32 {
    arguments.first().and_then(|places| places.parse().ok()).unwrap_or(0)
}
