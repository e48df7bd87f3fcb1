//! `computed(amount)`: an amount of an invoice as sent; what its lines come to when the entity has none.

use super::{Function, Outcome, Spot};
use crate::entity::{self, Value, View};

pub struct Computed;

impl Function for Computed {
    fn name(&self) -> &'static str {
        "computed"
    }

    fn help(&self) -> &'static str {
        "computed(payable): the amount as sent; when the entity has none, what its lines, allowances and taxes come to \
         is written: line_net, lines_net, tax_exclusive, tax, tax_inclusive or payable. computed(tax, totals.tax): only \
         when the entity has no such field, as when it came without these totals from a standard that has them."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("payable", r#""119.00""#, r#""119.00""#)]
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

    fn keeps_on_writing(&self, _arguments: &[String], _text: &str, _spot: &Spot<'_>) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let (Some(entity), Some(sums), Some(name)) = (spot.entity, spot.sums, arguments.first()) else {
            return Ok(value);
        };
        let is_complete = arguments.get(1).is_some_and(|field| entity::get(&entity.fields, field).is_some());
        if value.is_some() || is_complete {
            return Ok(value);
        }
        let amount = sums.computed_in(name, spot.fields.unwrap_or(View::Nothing));
        Ok(amount.map(|amount| entity::rounded(amount).to_string().into()))
    }
}
