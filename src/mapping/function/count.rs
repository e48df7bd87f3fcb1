//! `count(list)`: a number of items as sent; computed when the entity has none.

use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct Count;

impl Function for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn help(&self) -> &'static str {
        "count(list): the count as sent; when the entity has none, the items of its list are counted on writing."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("lines", r#""2""#, r#""2""#)]
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        Ok(Some(wire))
    }

    fn supplies(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let list = arguments.first().map_or("", String::as_str);
        Ok(value.or_else(|| Some(spot.entity?.list(list).len().to_string().into())))
    }

    fn sample(&self, arguments: &[String], _dice: &mut dyn FnMut(usize) -> usize, spot: &Spot<'_>) -> Option<Value> {
        Some(spot.entity?.list(arguments.first()?).len().to_string().into())
    }
}
