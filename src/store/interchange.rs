//! Interchanges: what each envelope said, and the business key by which a repeat is told.

use super::Store;
use super::error::{Result, StoreError};
use super::value::{Direction, Micros, storable};
use super::writer::Tx;
use crate::clock::Timestamp;
use serde_json::Value;

/// An interchange about to be written.
#[derive(Debug, Clone)]
pub struct NewInterchange {
    /// Its id.
    pub interchange_id: String,
    /// Place in the transmission, from 1.
    pub number: u32,
    /// In or out.
    pub direction: Direction,
    /// `x12`, `edifact`.
    pub format: String,
    /// `scheme:value`.
    pub sender: String,
    /// `scheme:value`.
    pub receiver: String,
    /// As written.
    pub control_number: String,
    /// `test` or `production`.
    pub environment: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// How many documents it has.
    pub document_count: u32,
    /// Format, parties and control number: what must not come twice. `None` when it need not be unique.
    pub business_key: Option<String>,
    /// Another transmission's under the key was known when this one was judged. One that came meanwhile forbids the commit.
    pub was_seen: bool,
    /// The key counts among those that came since then; `None`: for ever.
    pub remembered_since: Option<Timestamp>,
    /// Faults of the envelope, a JSON array.
    pub report: Value,
}

/// An interchange as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Interchange {
    /// Its id.
    pub interchange_id: String,
    /// What carried it.
    pub transmission_id: String,
    /// Place in the transmission, from 1.
    pub number: i64,
    /// `x12`, `edifact`.
    pub format: String,
    /// `scheme:value`.
    pub sender: String,
    /// `scheme:value`.
    pub receiver: String,
    /// As written.
    pub control_number: String,
    /// `test` or `production`.
    pub environment: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// How many documents it has.
    pub document_count: i64,
    /// The one that came before.
    pub duplicate_of: Option<String>,
    /// Faults of the envelope, a JSON array.
    pub report: String,
}

const COLUMNS: &str = "SELECT interchange_id, transmission_id, number, format, sender, receiver, control_number, \
                       environment, digest, document_count, duplicate_of, report FROM interchange";

/// An interchange of which nothing went on does not stand in the way of its corrected repeat: only those with a document
/// that did not fail count, or one that said nothing new, or without documents the very same bytes. `$1` is the business key,
/// `$2` the digest, `$3` how far back one looks.
const COUNTS: &str = "business_key = $1 AND created_at >= $3 AND (
    unchanged > 0
    OR EXISTS (SELECT 1 FROM document WHERE document.interchange_id = interchange.interchange_id
            AND (document.processing IS NULL OR document.processing <> 'failed'))
    OR (document_count = 0 AND digest = $2))";

/// Writes the row. A business key that is taken leaves it without one and points to the earlier interchange.
///
/// # Errors
/// The key was taken by another transmission since it was judged: it is a repeat, and to be judged anew.
pub(crate) async fn insert(tx: &mut Tx<'_>, transmission_id: &str, new: &NewInterchange, now: Timestamp) -> Result<()> {
    let business_key = new.business_key.as_deref().map(storable);
    let earlier: Option<(String, String)> = match &business_key {
        Some(key) => {
            let query = format!("SELECT interchange_id, transmission_id FROM interchange WHERE {COUNTS}");
            let query = sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(key).bind(&new.digest);
            let query = query.bind(since(new.remembered_since));
            query.fetch_optional(&mut *tx.connection).await?
        }
        None => None,
    };
    let overtaken = earlier.as_ref().filter(|(_, by)| by != transmission_id && !new.was_seen);
    if let Some((_, by)) = overtaken {
        return Err(StoreError::Overtaken { transmission: transmission_id.to_owned(), by: by.clone() });
    }
    if let (Some(key), None) = (&business_key, &earlier) {
        let freed = sqlx::query("UPDATE interchange SET business_key = NULL WHERE business_key = $1").bind(key);
        freed.execute(&mut *tx.connection).await?;
    }
    let key = business_key.as_ref().filter(|_| earlier.is_none());
    sqlx::query(
        "INSERT INTO interchange (interchange_id, transmission_id, number, direction, format, sender, receiver,
         control_number, environment, digest, document_count, business_key, duplicate_of, report, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&new.interchange_id)
    .bind(transmission_id)
    .bind(i64::from(new.number))
    .bind(new.direction)
    .bind(&new.format)
    .bind(storable(&new.sender))
    .bind(storable(&new.receiver))
    .bind(storable(&new.control_number))
    .bind(&new.environment)
    .bind(&new.digest)
    .bind(i64::from(new.document_count))
    .bind(key)
    .bind(earlier.map(|(interchange_id, _)| interchange_id))
    .bind(new.report.to_string())
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// So many more documents of it said nothing new; none of them is a row.
pub(crate) async fn says_nothing_new(tx: &mut Tx<'_>, interchange_id: &str, count: u32) -> Result<()> {
    sqlx::query("UPDATE interchange SET unchanged = unchanged + $2 WHERE interchange_id = $1")
        .bind(interchange_id)
        .bind(i64::from(count))
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

fn since(instant: Option<Timestamp>) -> Micros {
    instant.map_or(Micros(0), Micros::from)
}

impl Store {
    /// The interchanges of a transmission, in order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn interchanges(&self, transmission_id: &str) -> Result<Vec<Interchange>> {
        let query = format!("{COLUMNS} WHERE transmission_id = $1 ORDER BY number");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(transmission_id).fetch_all(self.reader()).await?)
    }

    /// The interchange that holds a business key since some instant, if something of it went on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn interchange_by_key(
        &self,
        business_key: &str,
        digest: &str,
        remembered_since: Option<Timestamp>,
    ) -> Result<Option<Interchange>> {
        let query = format!("{COLUMNS} WHERE {COUNTS}");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(storable(business_key)).bind(digest);
        let query = query.bind(since(remembered_since));
        Ok(query.fetch_optional(self.reader()).await?)
    }
}
