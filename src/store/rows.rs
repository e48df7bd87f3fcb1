//! Many rows of one table in one INSERT: the way to the database and back costs more than a row does.
//! It knows no table; the aggregates say which columns there are.

use super::error::Result;
use super::value::Micros;
use super::writer::Tx;
use sqlx::AssertSqlSafe;

/// Rows of one statement, at most. Fewer are split into powers of two, so that few different statements are prepared.
const ROWS_MAX: usize = 32;

/// What stands in one place of a row.
#[derive(Debug, Clone)]
pub(crate) enum Cell<'r> {
    Text(&'r str),
    TextOrNull(Option<&'r str>),
    Owned(String),
    Number(i64),
    NumberOrNull(Option<i64>),
    Bytes(&'r [u8]),
    BytesOrNull(Option<&'r [u8]>),
}

impl From<Micros> for Cell<'_> {
    fn from(at: Micros) -> Self {
        Cell::Number(at.0)
    }
}

/// Rows that are gathered for one table.
pub(crate) struct Rows<'r> {
    head: &'static str,
    tail: &'static str,
    width: usize,
    cells: Vec<Cell<'r>>,
}

impl<'r> Rows<'r> {
    /// `head` is the statement up to its values, such as `INSERT INTO t (a, b)`.
    pub(crate) fn new(head: &'static str) -> Self {
        Self { head, tail: "", width: 1, cells: Vec::new() }
    }

    /// What stands behind the values, such as an ON CONFLICT.
    pub(crate) fn then(mut self, tail: &'static str) -> Self {
        self.tail = tail;
        self
    }

    /// One more row; all have as many cells as `head` names columns.
    pub(crate) fn push<const WIDTH: usize>(&mut self, row: [Cell<'r>; WIDTH]) {
        self.width = WIDTH;
        self.cells.extend(row);
    }

    /// Inserts them all; how many were inserted.
    pub(crate) async fn insert(self, tx: &mut Tx<'_>) -> Result<u64> {
        let mut inserted = 0;
        let mut rest = self.cells.as_slice();
        while !rest.is_empty() {
            let rows = largest_power_of_two(rest.len() / self.width).min(ROWS_MAX);
            let (cells, others) = rest.split_at(rows * self.width);
            rest = others;
            // Safe: the text consists of `&'static str` fragments and placeholders only.
            let text = format!("{} VALUES {} {}", self.head, places(rows, self.width), self.tail);
            let mut query = sqlx::query(AssertSqlSafe(text));
            for cell in cells {
                query = match cell {
                    Cell::Text(text) => query.bind(*text),
                    Cell::TextOrNull(text) => query.bind(*text),
                    Cell::Owned(text) => query.bind(text.as_str()),
                    Cell::Number(number) => query.bind(*number),
                    Cell::NumberOrNull(number) => query.bind(*number),
                    Cell::Bytes(bytes) => query.bind(*bytes),
                    Cell::BytesOrNull(bytes) => query.bind(*bytes),
                };
            }
            inserted += query.execute(&mut *tx.connection).await?.rows_affected();
        }
        Ok(inserted)
    }
}

/// The largest that is not more than `count`, which is at least 1.
fn largest_power_of_two(count: usize) -> usize {
    1 << count.max(1).ilog2()
}

/// `($1, $2), ($3, $4)` for two rows of two.
fn places(rows: usize, width: usize) -> String {
    let row = |row: usize| {
        let places: Vec<_> = (1..=width).map(|at| format!("${}", row * width + at)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_through_all_rows() {
        assert_eq!(places(2, 3), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(places(1, 1), "($1)");
    }

    #[test]
    fn rows_are_split_into_powers_of_two() {
        assert_eq!([1, 2, 3, 4, 23, 64].map(largest_power_of_two), [1, 2, 2, 4, 16, 64]);
    }
}
