//! What lookup tables lack: a work list, an entry for each distinct question. When a table gets the answer the entry
//! goes, in the commit that changes the table.

use super::Store;
use super::error::Result;
use super::select::Select;
use super::value::{Micros, Page, storable};
use super::writer::Tx;
use crate::clock::Timestamp;

/// A question that a table could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMissing {
    /// The table.
    pub table: String,
    /// Where the value was looked for.
    pub column: String,
    /// The column it was to become.
    pub wanted: String,
    /// The value.
    pub value: String,
    /// Transmissions wait for it.
    pub holds: bool,
    /// The document that asked, or the transmission that waits.
    pub seen_in: String,
}

/// An entry of the work list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct MissingLookup {
    /// Its id.
    pub missing_lookup_id: String,
    /// The table.
    pub table_name: String,
    /// Where the value was looked for.
    pub column_name: String,
    /// The column it was to become.
    pub wanted: String,
    /// The value.
    pub value: String,
    /// Transmissions wait for it.
    pub is_holding: i64,
    /// How often it was asked for; the same document twice in a row counts once.
    pub seen: i64,
    /// The first document or transmission that asked.
    pub first_seen_in: String,
    /// The last one.
    pub last_seen_in: String,
    /// When it was asked first.
    pub created_at: Micros,
    /// When it was asked last.
    pub changed_at: Micros,
}

/// Notes a question.
pub(crate) async fn note(tx: &mut Tx<'_>, new: &NewMissing, now: Timestamp) -> Result<()> {
    let id = tx.id("mis", now);
    sqlx::query(
        "INSERT INTO missing_lookup (missing_lookup_id, table_name, column_name, wanted, value, is_holding, seen,
         first_seen_in, last_seen_in, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $8, $8)
         ON CONFLICT (table_name, column_name, wanted, value) DO UPDATE SET
         seen = missing_lookup.seen + CASE WHEN missing_lookup.last_seen_in = excluded.last_seen_in THEN 0 ELSE 1 END,
         is_holding = excluded.is_holding, last_seen_in = excluded.last_seen_in, changed_at = excluded.changed_at",
    )
    .bind(id)
    .bind(&new.table)
    .bind(&new.column)
    .bind(&new.wanted)
    .bind(storable(&new.value))
    .bind(i64::from(new.holds))
    .bind(&new.seen_in)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Takes an answered question off the list.
pub(crate) async fn forget(tx: &mut Tx<'_>, missing_lookup_id: &str) -> Result<()> {
    let query = sqlx::query("DELETE FROM missing_lookup WHERE missing_lookup_id = $1").bind(missing_lookup_id);
    query.execute(&mut *tx.connection).await?;
    Ok(())
}

const SELECT: &str =
    "SELECT missing_lookup_id, table_name, column_name, wanted, value, is_holding, seen, first_seen_in,
                      last_seen_in, created_at, changed_at FROM missing_lookup WHERE 1 = 1";

impl Store {
    /// The work list, newest first, of one table where it is named.
    ///
    /// # Errors
    /// The database failed.
    pub async fn missing_lookups(&self, table: Option<&str>, page: &Page) -> Result<Vec<MissingLookup>> {
        let select = Select::new(SELECT).text("table_name =", table).page("missing_lookup_id", page);
        select.all(self.reader()).await
    }

    /// All entries of a table.
    ///
    /// # Errors
    /// The database failed.
    pub async fn all_missing_lookups(&self, table: &str) -> Result<Vec<MissingLookup>> {
        Select::new(SELECT).text("table_name =", Some(table)).all(self.reader()).await
    }
}
