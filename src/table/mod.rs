//! Lookup tables: rows that say the same thing in several languages, such as the buyer's, the seller's and the GS1
//! number of an item. A direction `from to to` is looked up in; each is unambiguous, or the table is refused.
//!
//! Rows may count on some days only. Tables come as data, and so does the day; where they are kept and who may change
//! them is not known here.

mod csv;

pub use csv::rows as csv_rows;

use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Rows of a table, at most; a catalogue beyond that wants a service of its own.
pub const ROWS_MAX: usize = 1_000_000;

/// What is wrong with rows, told at most; more of it is rarely another mistake.
pub const ERRORS_MAX: usize = 20;

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
    /// What stands for a value that is not there, by column.
    pub defaults: BTreeMap<String, String>,
    /// The columns with the first and the last day that a row counts, by their places.
    pub validity: [Option<usize>; 2],
    /// Its rows, a value a column.
    pub rows: Vec<Vec<String>>,
    /// For each direction the rows of a value.
    index: HashMap<(usize, usize), HashMap<String, Vec<usize>>>,
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
        for (at, key) in ["valid_from", "valid_until"].into_iter().enumerate() {
            if let Some(column) = file[key].as_str() {
                match table.place(column) {
                    Ok(place) => table.validity[at] = Some(place),
                    Err(message) => errors.push(wrong(key, message)),
                }
            }
        }
        for (column, value) in file["defaults"].as_object().into_iter().flatten() {
            match table.place(column) {
                Ok(_) => {
                    table.defaults.insert(column.clone(), value.as_str().unwrap_or_default().to_owned());
                }
                Err(message) => errors.push(wrong("defaults", message)),
            }
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
        Ok((self.place(from)?, self.place(to)?))
    }

    /// Where a column stands.
    fn place(&self, column: &str) -> Result<usize, String> {
        let place = self.columns.iter().position(|one| one == column.trim());
        place.ok_or_else(|| format!("expected one of the columns {}, found {column}", self.columns.join(", ")))
    }

    /// The first and the last day of a row; empty where it has none.
    fn days(&self, row: &[String]) -> [String; 2] {
        self.validity.map(|place| place.map(|place| row[place].clone()).unwrap_or_default())
    }

    /// Whether a row counts on a day, `2026-01-31`.
    fn counts(&self, row: usize, day: &str) -> bool {
        let [from, until] = self.days(&self.rows[row]);
        (from.is_empty() || from.as_str() <= day) && (until.is_empty() || day <= until.as_str())
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

    /// Indexes every direction; two rows that give different answers to one question on one day are an error naming both.
    fn build(&mut self, errors: &mut Vec<TableError>) {
        for (at, row) in self.rows.iter().enumerate() {
            let days = self.days(row);
            let is_day = |day: &String| day.parse::<jiff::civil::Date>().is_ok_and(|parsed| parsed.to_string() == *day);
            let message = match days.iter().find(|day| !day.is_empty() && !is_day(day)) {
                Some(day) => format!("expected a day such as 2026-01-31, found {day}"),
                None if !days[1].is_empty() && days[1] < days[0] => {
                    format!("expected a last day from {} on, found {}", days[0], days[1])
                }
                None => continue,
            };
            errors.push(wrong(&format!("rows[{}]", at + 1), message));
        }
        for &(from, to) in &self.directions {
            let mut index: HashMap<String, Vec<usize>> = HashMap::new();
            for (at, row) in
                self.rows.iter().enumerate().filter(|(_, row)| !row[from].is_empty() && !row[to].is_empty())
            {
                let same = index.entry(row[from].clone()).or_default();
                let other = &row[to];
                let clash = same.iter().find(|before| {
                    self.rows[**before][to] != *other && meet(&self.days(&self.rows[**before]), &self.days(row))
                });
                if let Some(&before) = clash {
                    let one = &self.rows[before][to];
                    let (from_name, to_name) = (&self.columns[from], &self.columns[to]);
                    let message = format!(
                        "ambiguous from {from_name} to {to_name}: {from_name} {} is {to_name} {one} in row {} and {other} \
                         in row {}",
                        row[from],
                        before + 1,
                        at + 1
                    );
                    errors.push(wrong(&format!("rows[{}]", at + 1), message));
                    if errors.len() >= ERRORS_MAX {
                        return;
                    }
                    continue;
                }
                // What says the same on the same days is not kept twice.
                let days = self.days(row);
                if !same.iter().any(|before| self.rows[*before][to] == *other && self.days(&self.rows[*before]) == days)
                {
                    same.push(at);
                }
            }
            self.index.insert((from, to), index);
        }
    }

    /// What a value of one column is in another on a day, `2026-01-31`.
    ///
    /// # Errors
    /// It is not there.
    pub fn lookup(&self, [from, to]: [&str; 2], value: &str, day: &str) -> Result<&str, Lack> {
        let direction = self.direction(&format!("{from} to {to}")).map_err(Lack::Direction)?;
        let index = self.index.get(&direction).ok_or_else(|| {
            Lack::Direction(format!("table {} has no direction `{from} to {to}`; add it to its directions", self.name))
        })?;
        let row = index.get(value).and_then(|rows| rows.iter().find(|row| self.counts(**row, day)));
        match (row, self.defaults.get(to)) {
            (Some(row), _) => Ok(&self.rows[*row][direction.1]),
            (None, Some(default)) => Ok(default),
            (None, None) => Err(Lack::Value(self.missing)),
        }
    }

    /// Its rows as CSV, the first line naming the columns.
    #[must_use]
    pub fn csv(&self) -> String {
        csv::text(std::iter::once(&self.columns).chain(&self.rows))
    }
}

/// Whether two spans of days have a day in common.
fn meet(one: &[String; 2], other: &[String; 2]) -> bool {
    let begins_in_time =
        |[from, _]: &[String; 2], [_, until]: &[String; 2]| from.is_empty() || until.is_empty() || from <= until;
    begins_in_time(one, other) && begins_in_time(other, one)
}

/// All tables at hand, by name, as they are on a day.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// By name.
    pub all: BTreeMap<String, Arc<Table>>,
    /// The day, `2026-01-31`; rows that count on some days only are looked at by it.
    pub day: String,
}

impl Tables {
    /// The same on another day.
    #[must_use]
    pub fn on(&self, day: String) -> Self {
        Tables { all: self.all.clone(), day }
    }

    /// What a value of one column of a table is in another.
    ///
    /// # Errors
    /// It is not there, or the table is not.
    pub fn lookup(&self, table: &str, from: &str, to: &str, value: &str) -> Result<&str, Lack> {
        let Some(found) = self.all.get(table) else {
            let known: Vec<_> = self.all.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
            return Err(Lack::Direction(format!("no table {table}; {known}")));
        };
        found.lookup([from, to], value, &self.day)
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
        assert_eq!(table.lookup(["buyer", "gtin"], "B-1", ""), Ok("4012345678901"));
        assert_eq!(table.lookup(["gtin", "buyer"], "4012345678918", ""), Ok("B-2"));
        assert_eq!(table.lookup(["buyer", "gtin"], "B-9", ""), Err(Lack::Value(Missing::Hold)));
        assert!(
            matches!(table.lookup(["gtin", "seller"], "x", ""), Err(Lack::Direction(text)) if text.contains("gtin to seller"))
        );
        assert!(
            matches!(table.lookup(["gtin", "ean"], "x", ""), Err(Lack::Direction(text)) if text.contains("buyer, seller"))
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

    fn prices(rows: Value) -> Result<Table, Vec<TableError>> {
        let file = json!({ "columns": ["item", "price", "from", "until"], "directions": ["item to price"],
            "valid_from": "from", "valid_until": "until", "rows": rows });
        Table::read("prices", &file)
    }

    #[test]
    fn ok_rows_count_from_their_first_to_their_last_day() {
        let rows =
            json!([["A", "1", "", "2026-01-31"], ["A", "2", "2026-02-01", "2026-02-28"], ["A", "3", "2026-04-01", ""]]);
        let table = prices(rows).expect("a table");
        for (day, price) in [
            ("2025-07-01", Some("1")),
            ("2026-01-31", Some("1")),
            ("2026-02-01", Some("2")),
            ("2026-03-01", None),
            ("2026-04-01", Some("3")),
            ("2031-01-01", Some("3")),
        ] {
            assert_eq!(table.lookup(["item", "price"], "A", day).ok(), price, "{day}");
        }
    }

    #[test]
    fn err_rows_of_one_day_that_differ_and_days_that_are_none() {
        let rows = json!([
            ["A", "1", "", "2026-01-31"],
            ["A", "2", "2026-01-31", ""],
            ["B", "1", "31.1.2026", ""],
            ["B", "1", "20260101", ""],
            ["B", "1", "2026-06-01", "2026-01-01"]
        ]);
        let errors = prices(rows).expect_err("wrong");
        let told: Vec<_> = errors.iter().map(|error| (error.key.as_str(), error.message.as_str())).collect();
        assert_eq!(told[0], ("rows[3]", "expected a day such as 2026-01-31, found 31.1.2026"));
        assert_eq!(told[1], ("rows[4]", "expected a day such as 2026-01-31, found 20260101"));
        assert_eq!(told[2], ("rows[5]", "expected a last day from 2026-06-01 on, found 2026-01-01"));
        assert_eq!(told[3].0, "rows[2]");
        assert!(told[3].1.starts_with("ambiguous from item to price: item A is price 1 in row 1"), "{told:?}");
    }

    #[test]
    fn ok_a_default_stands_for_what_is_not_there() {
        let file = json!({ "columns": ["a", "b"], "directions": ["a to b", "b to a"], "defaults": { "b": "none" }, "missing": "error",
            "rows": [["1", "one"]] });
        let table = Table::read("t", &file).expect("a table");
        assert_eq!(table.lookup(["a", "b"], "2", ""), Ok("none"));
        assert_eq!(table.lookup(["b", "a"], "two", ""), Err(Lack::Value(Missing::Error)), "only for its column");
    }

    #[test]
    fn ok_csv_out_and_in() {
        let file =
            json!({ "columns": ["a", "b"], "rows": [["1", "plain"], ["2", "with, \"quotes\"\nand lines"], ["", " "]] });
        let table = Table::read("t", &file).expect("a table");
        let again = json!({ "columns": ["a", "b"], "rows": csv_rows(&table.csv()).expect("rows") });
        assert_eq!(Table::read("t", &again).map(|table| table.rows), Ok(table.rows));
    }

    #[test]
    fn err_all_that_is_wrong_is_told_by_key() {
        let file = json!({ "columns": ["a", "b", "a"], "directions": ["a to c", "a"], "missing": "ask",
            "valid_from": "z", "defaults": { "y": "" }, "rows": [["1"], "x"] });
        let errors = Table::read("t", &file).expect_err("wrong");
        let keys: Vec<_> = errors.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(
            keys,
            ["columns[3]", "missing", "valid_from", "defaults", "directions[1]", "directions[2]", "rows[1]", "rows[2]"]
        );
    }
}
