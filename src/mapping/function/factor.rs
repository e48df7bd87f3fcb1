//! `factor(CODE n, …)`: a code that stands for a number, such as "price per hundred" for 100.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;
use rust_decimal::Decimal;

pub struct Factor;

impl Function for Factor {
    fn name(&self) -> &'static str {
        "factor"
    }

    fn help(&self) -> &'static str {
        "factor(HP 100, TP 1000): the number that a code stands for; other codes are left to other rules. On writing \
         nothing stands for 1, and a number without a code is an error, for without it the price would be another."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("HP 100, TP 1000", "HP", r#""100""#), ("HP 100, TP 1000", "TP", r#""1000""#)]
    }

    fn get(&self, arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let code = text(&wire, "a code")?;
        Ok(pairs(arguments).find(|(one, _)| *one == code).map(|(_, number)| number.into()))
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn is_steady_on_writing(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let number: Decimal = text(&value, "a number")?.parse().map_err(|_| format!("a number, found {value}"))?;
        if number == Decimal::ONE {
            return Ok(None);
        }
        let fits = |(_, one): &(&str, &str)| one.parse() == Ok(number);
        let known = || pairs(arguments).map(|(_, number)| number).collect::<Vec<_>>().join(", ");
        let found = pairs(arguments).find(fits).map(|(code, _)| code.into());
        found.map(Some).ok_or_else(|| format!("1 or one of {}, found {number}", known()))
    }

    fn is_vital(&self, _arguments: &[String], _spot: &Spot<'_>) -> bool {
        true
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        Some(pairs(arguments).nth(dice(arguments.len()))?.1.into())
    }
}

fn pairs(arguments: &[String]) -> impl Iterator<Item = (&str, &str)> {
    arguments.iter().filter_map(|one| one.split_once(' '))
}
