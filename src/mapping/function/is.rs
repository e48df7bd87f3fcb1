//! `is(x)`: a value that the place itself means, as the element of the seller means that the party is the seller.

use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct Is;

impl Function for Is {
    fn name(&self) -> &'static str {
        "is"
    }

    fn help(&self) -> &'static str {
        "is(x), without a place: the item that stands here is x. On writing, only an item whose field is x is this rule's; \
         nothing is written for it. is(x, y, z): so is one whose field is y or z, which comes back as x."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("seller", "seller", "seller")]
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
        let own = arguments.first().map_or("", String::as_str);
        match value {
            // What follows from the place, on reading.
            None if spot.entity.is_none() => Ok(Some(own.into())),
            Some(value) if arguments.iter().any(|one| value.as_str() == Some(one)) => {
                if value.as_str() != Some(own) {
                    spot.lost.borrow_mut().push("a value of its own");
                }
                Ok(Some(value))
            }
            _ => Err(own.to_owned()),
        }
    }
}
