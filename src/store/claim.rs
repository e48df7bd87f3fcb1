//! Claims: a sender's key, taken once; a repeat is told from a reuse by the digest, and answered as before.

use super::Store;
use super::error::Result;
use super::rows::{Cell, Rows};
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

/// A key to be taken, by what was received under it, the digest of that, and when.
pub(crate) type Claiming<'c> = (&'c NewClaim, &'c str, &'c str, Timestamp);

/// Takes keys; how many were free.
pub(crate) async fn insert_all(tx: &mut Tx<'_>, all: &[Claiming<'_>]) -> Result<usize> {
    let mut rows = Rows::new(
        "INSERT INTO claim (claim_id, scope, key, digest, transmission_id, outcome, answer_status, answer_body,
         created_at)",
    )
    .then("ON CONFLICT (scope, key) DO NOTHING");
    for (new, transmission_id, digest, now) in all {
        rows.push([
            Cell::Owned(tx.id("clm", *now)),
            Cell::Text(&new.scope),
            Cell::Text(&new.key),
            Cell::Text(digest),
            Cell::Text(transmission_id),
            Cell::Text("accepted"),
            Cell::Number(i64::from(new.answer_status)),
            Cell::Bytes(&new.answer_body),
            Micros::from(*now).into(),
        ]);
    }
    Ok(usize::try_from(rows.insert(tx).await?).unwrap_or(usize::MAX))
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
