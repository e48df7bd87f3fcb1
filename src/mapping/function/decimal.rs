//! `decimal`: a number with its own decimal mark; the scale is kept.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Decimal;

impl Function for Decimal {
    fn name(&self) -> &'static str {
        "decimal"
    }

    fn help(&self) -> &'static str {
        "decimal: an exact number; 12.50 stays 12.50. The decimal mark is the interchange's."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("", r#""12.50""#, r#""12.50""#), ("", r#""-3""#, r#""-3""#)]
    }

    fn get(&self, _arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        if is_plain(text(&wire, "a number")?) {
            return Ok(Some(wire));
        }
        let written = text(&wire, "a number")?.trim();
        // A comma is a decimal mark whatever UNA says (ISO 9735-1, 10.1).
        let plain = written.replace([spot.decimal, ','], ".");
        let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
        let zero = if digits.starts_with('.') { "0" } else { "" };
        let number = format!("{sign}{zero}{}", digits.strip_suffix('.').unwrap_or(digits));
        match number.parse::<rust_decimal::Decimal>() {
            Ok(_) => Ok(Some(number.into())),
            Err(_) => Err(format!("a number, found {written}")),
        }
    }

    fn put(&self, _arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let number = text(&value, "a number")?;
        if is_plain(number) && (spot.decimal == '.' || !number.contains('.')) {
            return Ok(Some(value));
        }
        number.parse::<rust_decimal::Decimal>().map_err(|_| format!("a number, found {number}"))?;
        Ok(Some(number.replace('.', &spot.decimal.to_string()).into()))
    }

    fn sample(&self, _arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        let whole = 1 + dice(9999);
        Some(if dice(2) == 0 { whole.to_string() } else { format!("{whole}.{:02}", dice(100)) }.into())
    }
}

/// Digits with at most one point among them, not too many to be exact: what nothing need be done about.
fn is_plain(text: &str) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let points = bytes.iter().filter(|&&byte| byte == b'.').count();
    let fits = bytes.len() <= DIGITS_MAX && points <= 1 && digit(bytes.first()) && digit(bytes.last());
    fits && bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// Digits and a point that a decimal holds exactly, whatever they are.
const DIGITS_MAX: usize = 28;
