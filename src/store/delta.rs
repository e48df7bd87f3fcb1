//! What came last under each number of an agreement that says `unchanged: skip`: a digest, by which a document that says the same
//! again is known. It is noted in the commit that writes the document, so that one without the other is never there.

use super::Store;
use super::error::{Result, StoreError};
use super::value::{Micros, storable};
use super::writer::Tx;
use crate::clock::Timestamp;

/// Numbers that are named of those that vanished; the others are counted.
pub const VANISHED_NAMED_MAX: usize = 20;

/// What came under a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelta {
    /// The agreement.
    pub agreement: String,
    /// The number.
    pub number: String,
    /// Of what it says.
    pub digest: String,
    /// The digest that was known when it was judged; none: the number was new.
    pub known: Option<String>,
    /// The document that is made of it; none where it says nothing new.
    pub document_id: Option<String>,
}

/// Numbers that a transmission does not have any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vanished {
    /// How many.
    pub count: i64,
    /// The first of them.
    pub numbers: Vec<String>,
}

/// When the transmission came whose id stands in a row of `delta`: the place of its first event among all. It is not its time,
/// which the clock may have set back.
const ITS_ARRIVAL: &str =
    "(SELECT event.sequence FROM event WHERE event.transmission_id = delta.transmission_id AND event.number = 1)";

/// A transmission that is held against what came last: which, and when it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'t> {
    /// Its id.
    pub transmission_id: &'t str,
    /// The place of its first event among all.
    pub sequence: i64,
}

/// When a transmission came.
pub(crate) async fn arrival<'t>(tx: &mut Tx<'_>, transmission_id: &'t str) -> Result<Arrival<'t>> {
    let sequence = "SELECT sequence FROM event WHERE transmission_id = $1 AND number = 1";
    let sequence: i64 = sqlx::query_scalar(sequence).bind(transmission_id).fetch_one(&mut *tx.connection).await?;
    Ok(Arrival { transmission_id, sequence })
}

/// Notes what came under a number. Of two transmissions at once that both have it, it stays that of the later one, whichever of
/// them writes last: the later one has it, and does not lack it.
///
/// # Errors
/// Another transmission brought something under this number since it was judged: it is to be judged anew.
pub(crate) async fn note(tx: &mut Tx<'_>, new: &NewDelta, own: Arrival<'_>, now: Timestamp) -> Result<()> {
    let transmission_id = own.transmission_id;
    let number = storable(&new.number);
    let query = match new.known {
        None => "INSERT INTO delta (agreement, number, digest, document_id, transmission_id, changed_at)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (agreement, number) DO NOTHING"
            .to_owned(),
        Some(_) => format!(
            "UPDATE delta SET digest = $3, document_id = COALESCE($4, document_id),
             transmission_id = CASE WHEN {ITS_ARRIVAL} > $8 THEN transmission_id ELSE $5 END, changed_at = $6
             WHERE agreement = $1 AND number = $2 AND digest = $7"
        ),
    };
    let query = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(&new.agreement)
        .bind(&number)
        .bind(&new.digest)
        .bind(&new.document_id)
        .bind(transmission_id)
        .bind(Micros::from(now));
    let query = match &new.known {
        None => query,
        Some(known) => query.bind(known).bind(own.sequence),
    };
    if query.execute(&mut *tx.connection).await?.rows_affected() > 0 {
        return Ok(());
    }
    let by = sqlx::query_scalar("SELECT transmission_id FROM delta WHERE agreement = $1 AND number = $2")
        .bind(&new.agreement)
        .bind(&number)
        .fetch_optional(&mut *tx.connection)
        .await?;
    let by = by.unwrap_or_else(|| "a change of its agreement".to_owned());
    Err(StoreError::Overtaken { transmission: transmission_id.to_owned(), by })
}

/// The numbers of an agreement that came before a transmission, which is a whole, and that it does not have any more; they are
/// forgotten. What a later whole has, which may have ended first, is there. None where not all of its documents could be read,
/// since nobody knows which those are.
pub(crate) async fn vanished(tx: &mut Tx<'_>, agreement: &str, own: Arrival<'_>) -> Result<Option<Vanished>> {
    let unread = "SELECT COUNT(*) FROM document WHERE transmission_id = $1 AND processing IN ('failed', 'held')";
    let unread: i64 = sqlx::query_scalar(unread).bind(own.transmission_id).fetch_one(&mut *tx.connection).await?;
    if unread > 0 {
        return Ok(None);
    }
    let gone = format!("FROM delta WHERE agreement = $1 AND transmission_id <> $2 AND {ITS_ARRIVAL} < $3");
    let numbers = format!("SELECT number {gone} ORDER BY number LIMIT $4");
    let numbers: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(numbers))
        .bind(agreement)
        .bind(own.transmission_id)
        .bind(own.sequence)
        .bind(i64::try_from(VANISHED_NAMED_MAX).unwrap_or(i64::MAX))
        .fetch_all(&mut *tx.connection)
        .await?;
    if numbers.is_empty() {
        return Ok(None);
    }
    let gone = sqlx::query(sqlx::AssertSqlSafe(format!("DELETE {gone}")))
        .bind(agreement)
        .bind(own.transmission_id)
        .bind(own.sequence)
        .execute(&mut *tx.connection)
        .await?;
    Ok(Some(Vanished { count: i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX), numbers }))
}

/// What a document said is not what came last, for it did not leave: the same again is to be looked at.
pub(crate) async fn forget_document(tx: &mut Tx<'_>, document_id: &str) -> Result<()> {
    sqlx::query("DELETE FROM delta WHERE document_id = $1").bind(document_id).execute(&mut *tx.connection).await?;
    Ok(())
}

/// Nothing is known of an agreement any more: it takes what is unchanged, or is gone.
pub(crate) async fn forget(tx: &mut Tx<'_>, agreement: &str) -> Result<()> {
    sqlx::query("DELETE FROM delta WHERE agreement = $1").bind(agreement).execute(&mut *tx.connection).await?;
    Ok(())
}

impl Store {
    /// The digest of what came last under a number of an agreement.
    ///
    /// # Errors
    /// The database failed.
    pub async fn known_digest(&self, agreement: &str, number: &str) -> Result<Option<String>> {
        let query = "SELECT digest FROM delta WHERE agreement = $1 AND number = $2";
        let query = sqlx::query_scalar(query).bind(agreement).bind(storable(number));
        Ok(query.fetch_optional(self.reader()).await?)
    }

    /// How many documents of a transmission are in the ledger.
    ///
    /// # Errors
    /// The database failed.
    pub async fn document_count(&self, transmission_id: &str) -> Result<u64> {
        let query = "SELECT COUNT(*) FROM document WHERE transmission_id = $1";
        let count: i64 = sqlx::query_scalar(query).bind(transmission_id).fetch_one(self.reader()).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
