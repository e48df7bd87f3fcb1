//! Documents that wait for company: made and tried, they leave in one interchange with others of their agreement, when
//! these are enough or time is up. The commit that lets them leave is `commit/gather.rs`.

use super::Store;
use super::error::Result;
use super::job::{self, JobKind};
use super::value::Micros;
use super::writer::Tx;
use crate::clock::Timestamp;
use serde::Serialize;
use sqlx::Row as _;

/// When an interchange has enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enough {
    /// Documents.
    pub documents: usize,
    /// Bytes of documents.
    pub bytes: u64,
    /// Whether they leave at their time only, however many there are.
    pub is_timed: bool,
}

/// A document about to wait.
#[derive(Debug, Clone)]
pub struct NewGathered {
    /// The agreement that it leaves under.
    pub agreement: String,
    /// `test` or `production`.
    pub environment: String,
    /// The document it was made from.
    pub document_id: String,
    /// What its control number belongs to for ever.
    pub owner: String,
    /// By which those that wait are ordered: as their transmissions came in.
    pub place: String,
    /// Number of the order, invoice …
    pub business_number: Option<String>,
    /// What it says, as JSON.
    pub draft: Vec<u8>,
    /// Bytes on the wire, were it alone.
    pub size: u64,
    /// When it leaves at the latest.
    pub due_at: Timestamp,
    /// When there are enough.
    pub enough: Enough,
}

/// A document that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// Its id.
    pub gathered_id: String,
    /// The document it was made from.
    pub document_id: String,
    /// What its control number belongs to.
    pub owner: String,
    /// Number of the order, invoice …
    pub business_number: Option<String>,
    /// What it says, as JSON.
    pub draft: Vec<u8>,
    /// Bytes on the wire, were it alone.
    pub size: u64,
}

/// What is told of a document that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Waiting {
    /// The agreement that it leaves under.
    pub agreement: String,
    /// When it leaves at the latest.
    pub due_at: Micros,
}

/// The subject of the job that lets documents leave.
fn subject(agreement: &str, environment: &str) -> String {
    format!("{agreement}/{environment}")
}

/// Agreement and environment of such a job.
#[must_use]
pub fn of_subject(subject: &str) -> Option<(&str, &str)> {
    subject.rsplit_once('/')
}

/// Lets a document wait; `sealed` is its draft.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    (gathered_id, sealed): (&str, &[u8]),
    new: &NewGathered,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO gathered (gathered_id, agreement, environment, document_id, owner, place, business_number,
         draft, size, due_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(gathered_id)
    .bind(&new.agreement)
    .bind(&new.environment)
    .bind(&new.document_id)
    .bind(&new.owner)
    .bind(&new.place)
    .bind(&new.business_number)
    .bind(sealed)
    .bind(i64::try_from(new.size).unwrap_or(i64::MAX))
    .bind(Micros::from(new.due_at))
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Takes documents that leave off the list.
pub(crate) async fn remove(tx: &mut Tx<'_>, gathered_id: &str) -> Result<()> {
    let query = sqlx::query("DELETE FROM gathered WHERE gathered_id = $1").bind(gathered_id);
    query.execute(&mut *tx.connection).await?;
    Ok(())
}

/// Sees to it that those that wait leave when they are enough, or when the first of them is due.
pub(crate) async fn schedule(
    tx: &mut Tx<'_>,
    (agreement, environment): (&str, &str),
    enough: Enough,
    now: Timestamp,
) -> Result<()> {
    let row = sqlx::query(
        "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT), CAST(COALESCE(MIN(due_at), 0) AS BIGINT)
         FROM gathered WHERE agreement = $1 AND environment = $2",
    )
    .bind(agreement)
    .bind(environment)
    .fetch_one(&mut *tx.connection)
    .await?;
    let (count, bytes, due_at): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    if count == 0 {
        return Ok(());
    }
    let is_full = usize::try_from(count).is_ok_and(|count| count >= enough.documents)
        || u64::try_from(bytes).is_ok_and(|bytes| bytes >= enough.bytes);
    let run_at = if is_full && !enough.is_timed { now } else { Timestamp::from_microsecond(due_at).unwrap_or(now) };
    job::hasten(tx, JobKind::Gather, &subject(agreement, environment), run_at, now).await
}

impl Store {
    /// Seals the draft of a document that is to wait, under an id of its own.
    pub(crate) fn sealed_draft(&self, new: &NewGathered, now: Timestamp) -> Result<(String, Vec<u8>)> {
        let gathered_id = self.new_id("gat", now);
        let sealed = self.master_key().seal_all(&gathered_id, &new.draft, self.random())?;
        Ok((gathered_id, sealed))
    }

    /// Those that wait under an agreement, in the order in which they came in, as many as are enough; those that are due by then,
    /// where a time is given.
    ///
    /// # Errors
    /// The database failed, or a draft cannot be opened.
    pub async fn gathered(
        &self,
        (agreement, environment): (&str, &str),
        enough: Enough,
        due_until: Option<Timestamp>,
    ) -> Result<Vec<Gathered>> {
        let rows = sqlx::query(
            "SELECT gathered_id, document_id, owner, business_number, draft, size FROM gathered
             WHERE agreement = $1 AND environment = $2 AND due_at <= $4 ORDER BY place LIMIT $3",
        )
        .bind(agreement)
        .bind(environment)
        .bind(i64::try_from(enough.documents).unwrap_or(i64::MAX))
        .bind(due_until.map_or(Micros(i64::MAX), Micros::from))
        .fetch_all(self.reader())
        .await?;
        let (mut found, mut bytes) = (Vec::new(), 0u64);
        for row in rows {
            let (gathered_id, sealed): (String, Vec<u8>) = (row.get(0), row.get(4));
            let size = u64::try_from(row.get::<i64, _>(5)).unwrap_or(0);
            bytes = bytes.saturating_add(size);
            if bytes > enough.bytes && !found.is_empty() {
                break;
            }
            found.push(Gathered {
                draft: self.master_key().open_all(&gathered_id, &sealed)?,
                gathered_id,
                document_id: row.get(1),
                owner: row.get(2),
                business_number: row.get(3),
                size,
            });
        }
        Ok(found)
    }

    /// What a document waits for, if anything.
    ///
    /// # Errors
    /// The database failed.
    pub async fn waiting(&self, document_id: &str) -> Result<Vec<Waiting>> {
        let query = "SELECT agreement, due_at FROM gathered WHERE document_id = $1 ORDER BY place";
        Ok(sqlx::query_as(query).bind(document_id).fetch_all(self.reader()).await?)
    }

    /// How many documents wait.
    ///
    /// # Errors
    /// The database failed.
    pub async fn waiting_count(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM gathered").fetch_one(self.reader()).await?)
    }
}
