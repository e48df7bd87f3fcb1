//! Lookup tables: rows that say the same thing in several languages, such as the buyer's, the seller's and the GS1
//! number of an item. A direction `from to to` is looked up in; each is unambiguous, or the table is refused.
//!
//! Tables come as data; where they are kept and who may change them is not known here.

mod csv;

pub use csv::rows as csv_rows;

use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Rows of a table, at most; a catalogue beyond that wants a service of its own.
pub const ROWS_MAX: usize = 1_000_000;

/// What a value that is not in the table leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// The document goes on, with a warning.
    #[default]
    Warning,
    /// The document fails.
    Error,
    /// Its transmission waits until the table has the value.
    Hold,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// Which columns lead to which, by their places.
    pub directions: Vec<(usize, usize)>,
    /// What a value that is not there leads to.
    pub missing: Missing,
    /// Its rows, a value a column.
    pub rows: Vec<Vec<String>>,
    /// For each direction the row of a value.
    index: HashMap<(usize, usize), HashMap<String, usize>>,
}

/// What is wrong with a table: under which key, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    /// `columns`, `rows[3]`.
    pub key: String,
    /// Expected and found.
    pub message: String,
}

/// Why a lookup gives nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// No row has the value, or the row has nothing to give for it.
    Value(Missing),
    /// There is no such table, column or direction; the sentence says so.
    Direction(String),
}

impl Table {
    /// Reads a table from what its file says.
    ///
    /// # Errors
    /// All that is wrong, ambiguous rows in pairs.
    pub fn read(name: &str, file: &Value) -> Result<Table, Vec<TableError>> {
        let mut errors = Vec::new();
        let mut table = Table { name: name.to_owned(), columns: texts(&file["columns"]), ..Table::default() };
        if table.columns.len() < 2 {
            errors.push(wrong("columns", "expected the names of two columns or more".to_owned()));
        }
        for (at, column) in table.columns.iter().enumerate() {
            if table.columns[..at].contains(column) {
                errors.push(wrong(&format!("columns[{}]", at + 1), format!("column {column} stands twice")));
            }
        }
        match file["missing"].as_str() {
            None | Some("warning") => {}
            Some("error") => table.missing = Missing::Error,
            Some("hold") => table.missing = Missing::Hold,
            Some(other) => errors.push(wrong("missing", format!("expected warning, error or hold, found {other}"))),
        }
        for (at, text) in texts(&file["directions"]).iter().enumerate() {
            match table.direction(text) {
                Ok(direction) => table.directions.push(direction),
                Err(message) => errors.push(wrong(&format!("directions[{}]", at + 1), message)),
            }
        }
        for (at, row) in file["rows"].as_array().into_iter().flatten().enumerate() {
            match table.row(row) {
                Ok(row) => table.rows.push(row),
                Err(message) => errors.push(wrong(&format!("rows[{}]", at + 1), message)),
            }
        }
        if table.rows.len() > ROWS_MAX {
            errors.push(wrong("rows", format!("expected at most {ROWS_MAX} rows, found {}", table.rows.len())));
        }
        table.build(&mut errors);
        if errors.is_empty() { Ok(table) } else { Err(errors) }
    }

    /// `buyer to gtin`.
    fn direction(&self, text: &str) -> Result<(usize, usize), String> {
        let (from, to) = text.split_once(" to ").ok_or_else(|| format!("expected COLUMN to COLUMN, found {text}"))?;
        let find = |column: &str| {
            let place = self.columns.iter().position(|one| one == column.trim());
            place.ok_or_else(|| format!("expected one of the columns {}, found {column}", self.columns.join(", ")))
        };
        Ok((find(from)?, find(to)?))
    }

    /// A list in the order of the columns, or an object by their names.
    fn row(&self, row: &Value) -> Result<Vec<String>, String> {
        match row {
            Value::Array(_) => {
                let values = texts(row);
                let (expected, found) = (self.columns.len(), values.len());
                if found == expected { Ok(values) } else { Err(format!("expected {expected} values, found {found}")) }
            }
            Value::Object(object) => {
                if let Some(other) = object.keys().find(|key| !self.columns.contains(*key)) {
                    return Err(format!("expected columns {}, found {other}", self.columns.join(", ")));
                }
                let value = |column: &String| row[column].as_str().unwrap_or_default().to_owned();
                Ok(self.columns.iter().map(value).collect())
            }
            _ => Err("expected a list of values, or columns with values".to_owned()),
        }
    }

    /// Indexes every direction; two rows that give different answers to one question are an error naming both.
    fn build(&mut self, errors: &mut Vec<TableError>) {
        for &(from, to) in &self.directions {
            let mut index: HashMap<String, usize> = HashMap::new();
            for (at, row) in
                self.rows.iter().enumerate().filter(|(_, row)| !row[from].is_empty() && !row[to].is_empty())
            {
                let before = *index.entry(row[from].clone()).or_insert(at);
                let (one, other) = (&self.rows[before][to], &row[to]);
                if one != other {
                    let (from_name, to_name) = (&self.columns[from], &self.columns[to]);
                    let message = format!(
                        "ambiguous from {from_name} to {to_name}: {from_name} {} is {to_name} {one} in row {} and {other} \
                         in row {}",
                        row[from],
                        before + 1,
                        at + 1
                    );
                    errors.push(wrong(&format!("rows[{}]", at + 1), message));
                }
            }
            self.index.insert((from, to), index);
        }
    }

    /// What a value of one column is in another.
    ///
    /// # Errors
    /// It is not there.
    pub fn lookup(&self, from: &str, to: &str, value: &str) -> Result<&str, Lack> {
        let direction = self.direction(&format!("{from} to {to}")).map_err(Lack::Direction)?;
        let index = self.index.get(&direction).ok_or_else(|| {
            Lack::Direction(format!("table {} has no direction `{from} to {to}`; add it to its directions", self.name))
        })?;
        let row = index.get(value).ok_or(Lack::Value(self.missing))?;
        Ok(&self.rows[*row][direction.1])
    }
}

/// All tables at hand, by name. Cheap to share.
#[derive(Debug, Clone, Default)]
pub struct Tables(pub BTreeMap<String, Arc<Table>>);

impl Tables {
    /// What a value of one column of a table is in another.
    ///
    /// # Errors
    /// It is not there, or the table is not.
    pub fn lookup(&self, table: &str, from: &str, to: &str, value: &str) -> Result<&str, Lack> {
        let Some(found) = self.0.get(table) else {
            let known: Vec<_> = self.0.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
            return Err(Lack::Direction(format!("no table {table}; {known}")));
        };
        found.lookup(from, to, value)
    }
}

fn wrong(key: &str, message: String) -> TableError {
    TableError { key: key.to_owned(), message }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn items(rows: Value) -> Result<Table, Vec<TableError>> {
        let file = json!({ "columns": ["buyer", "seller", "gtin"],
            "directions": ["buyer to gtin", "gtin to buyer", "seller to gtin"], "missing": "hold", "rows": rows });
        Table::read("items", &file)
    }

    #[test]
    fn a_value_is_found_both_ways() {
        let table = items(json!([["B-1", "S-1", "4012345678901"], { "buyer": "B-2", "gtin": "4012345678918" }]));
        let table = table.expect("a table");
        assert_eq!(table.lookup("buyer", "gtin", "B-1"), Ok("4012345678901"));
        assert_eq!(table.lookup("gtin", "buyer", "4012345678918"), Ok("B-2"));
        assert_eq!(table.lookup("buyer", "gtin", "B-9"), Err(Lack::Value(Missing::Hold)));
        assert!(
            matches!(table.lookup("gtin", "seller", "x"), Err(Lack::Direction(text)) if text.contains("gtin to seller"))
        );
        assert!(
            matches!(table.lookup("gtin", "ean", "x"), Err(Lack::Direction(text)) if text.contains("buyer, seller"))
        );
    }

    #[test]
    fn err_ambiguous_rows_are_named_both_in_their_direction() {
        // Two buyers' numbers for one article: fine from buyer to gtin, ambiguous on the way back.
        let errors = items(json!([["B-1", "S-1", "G"], ["B-2", "S-1", "G"]])).expect_err("ambiguous");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].key, "rows[2]");
        let message = "ambiguous from gtin to buyer: gtin G is buyer B-1 in row 1 and B-2 in row 2";
        assert_eq!(errors[0].message, message);
        assert!(items(json!([["B-1", "S-1", "G"], ["B-1", "S-1", "G"]])).is_ok(), "the same twice says the same");
        assert!(items(json!([["B-1", "", ""], ["B-1", "", ""]])).is_ok(), "nothing is no answer");
    }

    #[test]
    fn err_all_that_is_wrong_is_told_by_key() {
        let file = json!({ "columns": ["a", "b", "a"], "directions": ["a to c", "a"], "missing": "ask", "rows": [["1"], "x"] });
        let errors = Table::read("t", &file).expect_err("wrong");
        let keys: Vec<_> = errors.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, ["columns[3]", "missing", "directions[1]", "directions[2]", "rows[1]", "rows[2]"]);
    }
}
