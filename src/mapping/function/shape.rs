//! `shape(list)`: the code of the shape of a tree.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Shape;

impl Function for Shape {
    fn name(&self) -> &'static str {
        "shape"
    }

    fn help(&self) -> &'static str {
        "shape(list): the code of the shape of the tree, tares and packs counting as one; a shape without a code is not \
         written. What is read gives way to the shape that the tree has."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("structure", "0001", "S-O-P-I")]
    }

    fn get(&self, arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        let list = arguments.first().map_or("", String::as_str);
        let canonical = spot.codes.canonical(list, spot.standard, text(&wire, "a code")?);
        Ok(canonical.map(Value::from).or(Some(wire)))
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let list = arguments.first().map_or("", String::as_str);
        let mut levels: Vec<&str> = text(&value, "a shape")?.split('-').collect();
        // Tare, pack and subpack are all packaging.
        levels.iter_mut().filter(|level| matches!(**level, "T" | "Q")).for_each(|level| *level = "P");
        let mut seen = Vec::new();
        for level in levels {
            if !seen.contains(&level) {
                seen.push(level);
            }
        }
        Ok(spot.codes.preferred(list, spot.standard, &seen.join("-")).map(Value::from))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, spot: &Spot<'_>) -> Option<Value> {
        let all = spot.codes.canonicals(arguments.first()?, spot.standard);
        Some(all.get(dice(all.len()))?.clone().into())
    }
}
