//! `scheme(name)`: an id whose scheme the place itself says, such as a carrier's SCAC in CAD04.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Scheme;

impl Function for Scheme {
    fn name(&self) -> &'static str {
        "scheme"
    }

    fn help(&self) -> &'static str {
        "scheme(scac): an id of that scheme, read as {scheme, value}; an id of another scheme is refused on writing."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("scac", "ABCD", r#"{"scheme":"scac","value":"ABCD"}"#)]
    }

    fn get(&self, arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let (value, scheme) = (text(&wire, "an id")?, arguments.first().ok_or("a scheme as argument")?);
        Ok(Some([("scheme", scheme.as_str().into()), ("value", value.into())].into()))
    }

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let wanted = arguments.first().map_or("", String::as_str);
        if value["scheme"] != wanted || !value["value"].is_string() {
            return Err(format!("an id of scheme {wanted}, found {value}"));
        }
        Ok(Some(value["value"].clone()))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        let letters: String = (0..4).map(|_| char::from(b'A' + u8::try_from(dice(26)).unwrap_or(0))).collect();
        Some([("scheme", arguments.first()?.as_str().into()), ("value", letters.into())].into())
    }
}
