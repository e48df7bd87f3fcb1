//! `lines(n)`: a text over several places, a line each.

use super::chunks::pieces;
use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Lines;

impl Function for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn help(&self) -> &'static str {
        "lines(n): the places as one text with line feeds between; on writing a line longer than n is cut."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("70", r#"["one","two"]"#, "one\ntwo")]
    }

    fn takes_list(&self) -> bool {
        true
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let Value::Array(lines) = wire else { return Ok(Some(wire)) };
        let lines: Vec<_> = lines.iter().filter_map(Value::as_str).collect();
        Ok((!lines.is_empty()).then(|| lines.join("\n").into()))
    }

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let size = arguments.first().and_then(|size| size.parse().ok()).unwrap_or(usize::MAX);
        let lines = text(&value, "a text")?.split('\n').flat_map(|line| pieces(line, size));
        Ok(Some(Value::Array(lines.map(Value::from).collect())))
    }
}
