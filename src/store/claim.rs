//! Claims: a sender's key, taken once; a repeat is told from a reuse by the digest, and answered as before.

use super::Store;
use super::error::Result;
use super::value::Micros;
use super::writer::Tx;
use crate::clock::Timestamp;

/// A key about to be taken, with the answer a repeat gets.
#[derive(Debug, Clone)]
pub struct NewClaim {
    /// Whose keys: the channel, or the pair of AS2 names.
    pub scope: String,
    /// The sender's key.
    pub key: String,
    /// Status of the answer.
    pub answer_status: u16,
    /// Body of the answer.
    pub answer_body: Vec<u8>,
}

/// A key that was taken.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Claim {
    /// What was received under it.
    pub transmission_id: String,
    /// SHA-256 of that.
    pub digest: String,
    /// Status of the answer.
    pub answer_status: i64,
    /// Body of the answer.
    pub answer_body: Vec<u8>,
}

const SELECT: &str =
    "SELECT transmission_id, digest, answer_status, answer_body FROM claim WHERE scope = $1 AND key = $2";

/// The claim on a key, seen from inside a commit.
pub(crate) async fn find(tx: &mut Tx<'_>, scope: &str, key: &str) -> Result<Option<Claim>> {
    Ok(sqlx::query_as(SELECT).bind(scope).bind(key).fetch_optional(&mut *tx.connection).await?)
}

pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    new: NewClaim,
    transmission_id: &str,
    digest: &str,
    now: Timestamp,
) -> Result<()> {
    let id = tx.id("clm", now);
    sqlx::query(
        "INSERT INTO claim (claim_id, scope, key, digest, transmission_id, outcome, answer_status, answer_body,
         created_at) VALUES ($1, $2, $3, $4, $5, 'accepted', $6, $7, $8)",
    )
    .bind(id)
    .bind(new.scope)
    .bind(new.key)
    .bind(digest)
    .bind(transmission_id)
    .bind(i64::from(new.answer_status))
    .bind(new.answer_body)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

impl Store {
    /// The claim on a key, if it was taken.
    ///
    /// # Errors
    /// The database failed.
    pub async fn claim(&self, scope: &str, key: &str) -> Result<Option<Claim>> {
        Ok(sqlx::query_as(SELECT).bind(scope).bind(key).fetch_optional(self.reader()).await?)
    }
}
