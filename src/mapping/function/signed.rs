//! `signed`: an amount or quantity of a credit that some senders write with a minus.

use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct Signed;

impl Function for Signed {
    fn name(&self) -> &'static str {
        "signed"
    }

    fn help(&self) -> &'static str {
        "signed: a credit note's amounts are positive in the entity. When the document writes them with a minus (`select` \
         says with `negative: PLACE` where that shows), the sign is turned on reading; `negative_in` keeps that, and on \
         writing to the same standard the sign is turned back."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("", r#""12.50""#, r#""12.50""#)]
    }

    fn get(&self, _arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        Ok(Some(if spot.is_negative { turned(wire) } else { wire }))
    }

    fn keeps(&self, _wire: &[u8], spot: &Spot<'_>) -> bool {
        !spot.is_negative
    }

    fn keeps_on_writing(&self, _arguments: &[String], _text: &str, spot: &Spot<'_>) -> bool {
        !is_negative(spot)
    }

    fn put(&self, _arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        Ok(if is_negative(spot) { value.map(turned) } else { value })
    }
}

/// Whether the entity came from a document of this standard that writes its amounts with a minus.
fn is_negative(spot: &Spot<'_>) -> bool {
    spot.entity.and_then(|entity| entity.text("negative_in")) == Some(spot.standard)
}

/// The number with the other sign; zero has none.
fn turned(value: Value) -> Value {
    let Some(text) = value.as_str() else { return value };
    match text.strip_prefix('-') {
        Some(digits) => digits.into(),
        None if text.bytes().all(|byte| matches!(byte, b'0' | b'.' | b',')) => value,
        None => format!("-{text}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_turn_and_turn_back() {
        for (one, other) in [("12.50", "-12.50"), ("-3", "3"), ("0.00", "0.00")] {
            assert_eq!(turned(one.into()), other, "{one}");
            assert_eq!(turned(turned(one.into())), one, "{one}");
        }
    }
}
