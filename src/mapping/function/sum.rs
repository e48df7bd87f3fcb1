//! `sum(list, field)`: a total as sent; computed when the entity has none.

use super::{Function, Outcome, Spot};
use crate::entity::Value;
use crate::entity::get;
use rust_decimal::Decimal;

pub struct Sum;

impl Function for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn help(&self) -> &'static str {
        "sum(list, field): the total as sent; when the entity has none, the field is added up over the list on writing."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("lines, quantity.value", r#""2.5""#, r#""2.5""#)]
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

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        if value.is_some() {
            return Ok(value);
        }
        let (Some(entity), [list, field]) = (spot.entity, arguments) else { return Ok(None) };
        let number = |item: &Value| get(item.as_object()?, field)?.as_str()?.parse::<Decimal>().ok();
        let total: Option<Decimal> = entity.list(list).iter().map(number).sum();
        Ok(total.map(|total| total.to_string().into()))
    }
}
