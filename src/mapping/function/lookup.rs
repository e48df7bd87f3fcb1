//! `lookup(table, from, to)`: a value as another column of a lookup table has it.

use super::{Function, Outcome, Spot, text};
use crate::diagnostic::{Lookup as Sought, Severity};
use crate::entity::Value;
use crate::table::{Lack, Missing};

pub struct Lookup;

impl Function for Lookup {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn help(&self) -> &'static str {
        "lookup(table, from, to): on reading the value of column from becomes that of column to, on writing the other \
         way round. What the table has not is LOOKUP-MISSING, is kept on the work list, and stays where it is; \
         lookup(table, from, to, keep): it passes as it is."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("items, buyer, gtin", "B-100", r#""4012345678901""#), ("items, buyer, gtin, keep", "B-200", "B-200")]
    }

    fn get(&self, arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        let [table, from, to, ..] = arguments else { return Err("lookup(table, from, to)".to_owned()) };
        look(arguments, [table, from, to], wire, spot)
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let [table, from, to, ..] = arguments else { return Err("lookup(table, from, to)".to_owned()) };
        value.map_or(Ok(None), |value| look(arguments, [table, to, from], value, spot))
    }

    fn is_vital(&self, _arguments: &[String], _spot: &Spot<'_>) -> bool {
        true
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, spot: &Spot<'_>) -> Option<Value> {
        let table = spot.tables.all.get(arguments.first()?)?;
        let row = table.rows.get(dice(table.rows.len()))?;
        let column = table.columns.iter().position(|column| Some(column) == arguments.get(2))?;
        Some(row[column].clone().into())
    }
}

fn look(arguments: &[String], [table, from, to]: [&String; 3], value: Value, spot: &Spot<'_>) -> Outcome {
    let sought = text(&value, "a value to look up")?.trim_end();
    let (missing, expected) = match spot.tables.lookup(table, from, to, sought) {
        Ok(found) => return Ok(Some(found.into())),
        Err(Lack::Value(missing)) => (missing, format!("a row of table {table} with {to} for {from} {sought}")),
        Err(Lack::Direction(sentence)) => (Missing::Error, sentence),
    };
    let lookup = Sought {
        table: table.clone(),
        column: from.clone(),
        to: to.clone(),
        value: sought.to_owned(),
        holds: missing == Missing::Hold,
        expected: expected.clone(),
        severity: if missing == Missing::Warning { Severity::Warning } else { Severity::Error },
    };
    spot.missed.borrow_mut().push(lookup);
    if arguments.get(3).is_some_and(|word| word == "keep") { Ok(Some(value)) } else { Err(expected) }
}
