//! Taking over from another system: where its control numbers had come to, and which interchanges it has seen.

use super::Store;
use super::audit;
use super::error::{Result, StoreError};
use super::value::{Actor, Micros};
use crate::clock::Timestamp;
use serde_json::json;

impl Store {
    /// Sets the next number of sequences, all or none.
    ///
    /// # Errors
    /// One would go backwards, and a number would be used twice; or the database failed.
    pub async fn seed_sequences(&self, next: Vec<(String, u64)>, actor: &Actor, now: Timestamp) -> Result<()> {
        let actor = actor.clone();
        self.write("seed", move |mut tx| {
            Box::pin(async move {
                for (sequence_id, wanted) in next {
                    let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
                    let present: Option<i64> = sqlx::query_scalar("SELECT next FROM sequence WHERE sequence_id = $1")
                        .bind(&sequence_id)
                        .fetch_optional(&mut *tx.connection)
                        .await?;
                    if let Some(present) = present.filter(|present| wanted < *present) {
                        return Err(StoreError::Conflict(format!(
                            "sequence {sequence_id}: expected {present} or more, found {wanted}; numbers do not go \
                             backwards, or one would travel twice"
                        )));
                    }
                    sqlx::query(
                        "INSERT INTO sequence (sequence_id, next) VALUES ($1, $2)
                         ON CONFLICT (sequence_id) DO UPDATE SET next = excluded.next",
                    )
                    .bind(&sequence_id)
                    .bind(wanted)
                    .execute(&mut *tx.connection)
                    .await?;
                    let (before, after) = (json!(present), json!(wanted));
                    let object = format!("sequence/{sequence_id}");
                    audit::append(&mut tx, &actor, "sequence.seed", &object, (Some(&before), Some(&after)), now)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Notes interchanges that were seen before this instance took over; returns how many were new to it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn seed_seen(&self, keys: Vec<String>, note: &str, actor: &Actor, now: Timestamp) -> Result<u64> {
        let (note, actor) = (note.to_owned(), actor.clone());
        self.write("seed", move |mut tx| {
            Box::pin(async move {
                let mut count = 0;
                for key in keys {
                    let done = sqlx::query(
                        "INSERT INTO seen_interchange (seen_interchange_id, note, actor, created_at)
                         VALUES ($1, $2, $3, $4) ON CONFLICT (seen_interchange_id) DO NOTHING",
                    )
                    .bind(&key)
                    .bind(&note)
                    .bind(&actor.0)
                    .bind(Micros::from(now))
                    .execute(&mut *tx.connection)
                    .await?;
                    count += done.rows_affected();
                }
                let after = json!({ "interchanges": count, "note": note });
                audit::append(&mut tx, &actor, "interchange.seed", "seen_interchange", (None, Some(&after)), now)
                    .await?;
                Ok(count)
            })
        })
        .await
    }

    /// Where an interchange was seen before this instance took over; `None` when it was not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn seen_before(&self, business_key: &str) -> Result<Option<String>> {
        let query = sqlx::query_scalar("SELECT note FROM seen_interchange WHERE seen_interchange_id = $1");
        Ok(query.bind(business_key).fetch_optional(self.reader()).await?)
    }
}
