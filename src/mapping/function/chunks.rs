//! `chunks(n)`: a list of lines none of which is longer than n characters.

use super::{Function, Outcome, Spot};
use crate::entity::Value;

pub struct Chunks;

impl Function for Chunks {
    fn name(&self) -> &'static str {
        "chunks"
    }

    fn help(&self) -> &'static str {
        "chunks(n): lines as they stand; on writing a longer line is cut into several of n characters at most."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("5", r#"["ab","cde"]"#, r#"["ab","cde"]"#)]
    }

    fn takes_list(&self) -> bool {
        true
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        Ok(Some(wire))
    }

    fn keeps(&self, _wire: &[u8], _spot: &Spot<'_>) -> bool {
        true
    }

    fn keeps_on_writing(&self, arguments: &[String], text: &str, _spot: &Spot<'_>) -> bool {
        text.len() <= size(arguments)
    }

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let size = size(arguments);
        let Some(Value::Array(lines)) = value else { return Ok(value) };
        if lines.iter().all(|line| line.as_str().is_some_and(|line| line.len() <= size)) {
            return Ok(Some(Value::Array(lines)));
        }
        let texts = lines.iter().filter_map(Value::as_str);
        Ok(Some(Value::Array(texts.flat_map(|line| pieces(line, size)).map(Value::from).collect())))
    }
}

/// Characters that a line may have.
fn size(arguments: &[String]) -> usize {
    arguments.first().and_then(|size| size.parse().ok()).unwrap_or(usize::MAX)
}

/// Cuts at the last blank before the limit where there is one.
pub fn pieces(line: &str, size: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest: Vec<char> = line.chars().collect();
    while rest.len() > size {
        let cut = rest[..size].iter().rposition(|c| *c == ' ').filter(|&at| at > 0).unwrap_or(size);
        let after = rest.split_off(cut);
        found.push(rest.iter().collect());
        rest = if after.first() == Some(&' ') { after[1..].to_vec() } else { after };
    }
    found.push(rest.iter().collect());
    found
}
