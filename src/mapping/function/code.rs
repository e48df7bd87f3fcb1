//! `code(list)`: a code of the standard and its canonical counterpart.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Code;

impl Function for Code {
    fn name(&self) -> &'static str {
        "code"
    }

    fn help(&self) -> &'static str {
        "code(list): the canonical code of mappings/code/<list>.yaml; a code without one is kept as {list, code} and \
         goes back only to its own standard. code(list, x): when a code cannot be written, x is."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("party_role", "ST", "ship_to"), ("party_role", "QQ", r#"{"list":"x12/party_role","code":"QQ"}"#)]
    }

    fn get(&self, arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        let code = text(&wire, "a code")?;
        let list = arguments.first().map_or("", String::as_str);
        let canonical = spot.codes.canonical(list, spot.standard, code);
        Ok(Some(canonical.map_or_else(
            || [("list", format!("{}/{list}", spot.standard).into()), ("code", code.into())].into(),
            |canonical| canonical.into(),
        )))
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn is_steady_on_writing(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let list = arguments.first().map_or("", String::as_str);
        let written = match value.as_str() {
            Some(canonical) => match spot.codes.preferred(list, spot.standard, canonical) {
                Some(code) => Ok(Some(code.into())),
                None => Err(format!("a code of list {list} that {} has, found {canonical}", spot.standard)),
            },
            None if is_own(value["list"].as_str(), spot.standard, list) => Ok(Some(value["code"].clone())),
            None => Err(format!("a canonical code of list {list}, found {value}")),
        };
        let instead = || arguments.get(1).and_then(|code| spot.codes.preferred(list, spot.standard, code));
        written.or_else(|expected| {
            let code = instead().ok_or(expected)?;
            spot.lost.borrow_mut().push("a code of its own");
            Ok(Some(code.into()))
        })
    }

    fn is_vital(&self, arguments: &[String], spot: &Spot<'_>) -> bool {
        spot.codes.is_vital(arguments.first().map_or("", String::as_str))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, spot: &Spot<'_>) -> Option<Value> {
        let all = spot.codes.canonicals(arguments.first()?, spot.standard);
        Some(all.get(dice(all.len()))?.clone().into())
    }
}

/// Whether a code without a counterpart is of this list of this standard: `x12/unit`.
fn is_own(named: Option<&str>, standard: &str, list: &str) -> bool {
    named.and_then(|named| named.strip_prefix(standard)?.strip_prefix('/')) == Some(list)
}
