//! `decimal`: a number with its own decimal mark; the scale is kept.

use super::{Function, Outcome, Spot, text};
use crate::entity::{Value, is_plain_number, is_plain_number_of};

pub struct Decimal;

impl Function for Decimal {
    fn name(&self) -> &'static str {
        "decimal"
    }

    fn help(&self) -> &'static str {
        "decimal: an exact number; 12.50 stays 12.50. The decimal mark is the interchange's. decimal(n): on \
         writing one with more than n digits is refused."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("", r#""12.50""#, r#""12.50""#), ("", r#""-3""#, r#""-3""#)]
    }

    fn get(&self, _arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        if is_plain_number(text(&wire, "a number")?) {
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

    fn keeps(&self, wire: &[u8], _spot: &Spot<'_>) -> bool {
        is_plain_number_of(wire)
    }

    fn keeps_on_writing(&self, arguments: &[String], text: &str, spot: &Spot<'_>) -> bool {
        arguments.is_empty() && is_plain_number(text) && (spot.decimal == '.' || !text.contains('.'))
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let number = text(&value, "a number")?;
        if self.keeps_on_writing(arguments, number, spot) {
            return Ok(Some(value));
        }
        if !is_plain_number(number) {
            number.parse::<rust_decimal::Decimal>().map_err(|_| format!("a number, found {number}"))?;
        }
        if let Some(most) = most(arguments)
            && number.bytes().filter(u8::is_ascii_digit).count() > most
        {
            return Err(format!("a number of at most {most} digits, found {number}"));
        }
        match spot.decimal {
            '.' => Ok(Some(value)),
            mark => Ok(Some(number.replace('.', mark.encode_utf8(&mut [0; 4])).into())),
        }
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        // Four digits and two decimals, or as few as fit.
        let whole = 1 + dice(10usize.pow(most(arguments).unwrap_or(6).clamp(3, 6) as u32 - 2) - 1);
        Some(if dice(2) == 0 { whole.to_string() } else { format!("{whole}.{:02}", dice(100)) }.into())
    }
}

/// Digits that there is room for.
fn most(arguments: &[String]) -> Option<usize> {
    arguments.first()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn err_at_one_digit_more() {
        let put = |number: &str| {
            let codes = crate::mapping::code::Codes::new(None);
            let tables = crate::table::Tables::default();
            let spot = Spot::new("x12", '.', &codes, &tables);
            Decimal.put(&["5".to_owned()], Some(number.into()), &spot)
        };
        assert_eq!(put("-333.33"), Ok(Some("-333.33".into())));
        assert!(put("333.333").is_err_and(|why| why == "a number of at most 5 digits, found 333.333"));
    }
}
