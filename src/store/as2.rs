//! Messages of AS2 that go out: sealed once, since what is encrypted anew is other bytes, and a receiver knows a repeat by
//! them; and the receipts that came for them. What stands in them is not looked at here.

use super::error::Result;
use super::job::{self, Job};
use super::value::Micros;
use super::writer::Tx;
use super::{Content, Store, payload};
use crate::clock::Timestamp;

/// A message as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SealedMessage {
    /// Where its bytes are.
    pub payload_id: String,
    /// Header lines in order, names and values, as JSON.
    pub headers: String,
    /// The digest that its receipt has to name: `sha-256`.
    pub digest: String,
    /// What that is.
    pub mic: Vec<u8>,
}

impl Store {
    /// The message of a delivery, if it was sealed already.
    ///
    /// # Errors
    /// The database failed.
    pub async fn as2_message(&self, delivery_id: &str) -> Result<Option<SealedMessage>> {
        let query = "SELECT payload_id, headers, digest, mic FROM as2_message WHERE delivery_id = $1";
        Ok(sqlx::query_as(query).bind(delivery_id).fetch_optional(self.reader()).await?)
    }

    /// The receipt that came for a delivery, header lines and body.
    ///
    /// # Errors
    /// The database failed.
    pub async fn as2_receipt(&self, delivery_id: &str) -> Result<Option<Vec<u8>>> {
        let query = "SELECT receipt FROM as2_message WHERE delivery_id = $1 AND receipt IS NOT NULL";
        Ok(sqlx::query_scalar(query).bind(delivery_id).fetch_optional(self.reader()).await?)
    }

    /// Keeps a message before it is sent for the first time.
    ///
    /// # Errors
    /// The lease was lost, or the database failed; then nothing was kept.
    pub async fn keep_as2_message(
        &self,
        job: &Job,
        content: Content,
        headers: String,
        (digest, mic): (String, Vec<u8>),
        now: Timestamp,
    ) -> Result<SealedMessage> {
        let (job, file) = (job.clone(), content.file());
        let message = SealedMessage { payload_id: content.payload_id().to_owned(), headers, digest, mic };
        let kept = message.clone();
        let done = self
            .write("as2_message", move |mut tx| {
                Box::pin(async move {
                    job::check_lease(&mut tx, &job).await?;
                    payload::insert(&mut tx, &content, "application/pkcs7-mime", now).await?;
                    sqlx::query(
                        "INSERT INTO as2_message (delivery_id, payload_id, headers, digest, mic, created_at)
                         VALUES ($1, $2, $3, $4, $5, $6)",
                    )
                    .bind(&job.subject)
                    .bind(&message.payload_id)
                    .bind(&message.headers)
                    .bind(&message.digest)
                    .bind(&message.mic)
                    .bind(Micros::from(now))
                    .execute(&mut *tx.connection)
                    .await?;
                    Ok(())
                })
            })
            .await;
        match done {
            Ok(()) => Ok(kept),
            Err(error) => {
                if let (Some(path), false) = (file, matches!(error, super::StoreError::Unknown(_))) {
                    // The bytes are not wanted; should removing fail, the next start removes them.
                    let _ = std::fs::remove_file(path);
                }
                Err(error)
            }
        }
    }
}

/// Keeps the receipt of a delivery, in the commit that ends its attempt.
pub(crate) async fn receipted(tx: &mut Tx<'_>, delivery_id: &str, receipt: &[u8]) -> Result<()> {
    let query = "UPDATE as2_message SET receipt = $2 WHERE delivery_id = $1";
    sqlx::query(query).bind(delivery_id).bind(receipt).execute(&mut *tx.connection).await?;
    Ok(())
}
