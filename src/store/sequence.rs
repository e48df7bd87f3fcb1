//! Sequences of control numbers. A number belongs to its owner for ever: asked again, after a crash say, the owner gets
//! the same one, so that nothing leaves twice under two numbers and no number is skipped. What was taken for an interchange of
//! which an equal one was written first, so that it turns out to be a duplicate, stays unused.

use super::Store;
use super::error::Result;
use super::value::Micros;
use super::writer::Tx;
use crate::clock::Timestamp;
use sqlx::Row as _;

impl Store {
    /// The numbers of `owner` in several sequences, in their order; taken now if it has none yet. A sequence begins at
    /// `start` when it is new.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_numbers(&self, wanted: Vec<(String, u64)>, owner: &str, now: Timestamp) -> Result<Vec<u64>> {
        let owner = owner.to_owned();
        self.write("sequence", move |mut tx| {
            Box::pin(async move {
                let mut numbers = Vec::new();
                for (sequence_id, start) in &wanted {
                    numbers.push(take(&mut tx, sequence_id, *start, &owner, now).await?);
                }
                Ok(numbers)
            })
        })
        .await
    }

    /// All sequences with the number that comes next.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sequences(&self) -> Result<Vec<(String, i64)>> {
        let rows =
            sqlx::query("SELECT sequence_id, next FROM sequence ORDER BY sequence_id").fetch_all(self.reader()).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

async fn take(tx: &mut Tx<'_>, sequence_id: &str, start: u64, owner: &str, now: Timestamp) -> Result<u64> {
    let owned: Option<i64> =
        sqlx::query_scalar("SELECT number FROM sequence_number WHERE sequence_id = $1 AND owner = $2")
            .bind(sequence_id)
            .bind(owner)
            .fetch_optional(&mut *tx.connection)
            .await?;
    if let Some(number) = owned {
        return Ok(u64::try_from(number).unwrap_or(0));
    }
    let next: i64 = sqlx::query_scalar(
        "INSERT INTO sequence (sequence_id, next) VALUES ($1, $2)
         ON CONFLICT (sequence_id) DO UPDATE SET next = sequence.next + 1 RETURNING next",
    )
    .bind(sequence_id)
    .bind(i64::try_from(start).unwrap_or(1) + 1)
    .fetch_one(&mut *tx.connection)
    .await?;
    let number = next - 1;
    let id = tx.id("seq", now);
    sqlx::query(
        "INSERT INTO sequence_number (sequence_number_id, sequence_id, owner, number, created_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(sequence_id)
    .bind(owner)
    .bind(number)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(u64::try_from(number).unwrap_or(0))
}
