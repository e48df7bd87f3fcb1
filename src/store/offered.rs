//! Certificates that signed a message or receipt of a channel and are none of the partner's: kept to be looked at and accepted
//! by a person, never trusted by themselves. Of each channel only the newest are kept, so that nobody can fill the ledger; those that wait for an answer stay
//! before others, for a partner that is known asked for it.

use super::Store;
use super::as2::{Leaving, leave};
use super::audit;
use super::error::{Result, StoreError};
use super::select::Select;
use super::value::{Actor, Micros, storable};
use super::writer::Tx;
use crate::clock::Timestamp;

/// Certificates of a channel that are kept; the one that was seen longest ago goes, and one that waits for an answer last.
pub const OFFERED_MAX: i64 = 20;
/// Bytes of one that is kept.
pub const OFFERED_BYTES_MAX: usize = 16 * 1024;

/// What it signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// A message that came in.
    Message,
    /// A receipt for what went out.
    Receipt,
    /// Nothing yet: it came in a certificate exchange message, which one that is trusted signed.
    Exchange,
}

/// A certificate as it was offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// SHA-256 of it, in lower-case hexadecimal.
    pub fingerprint: String,
    /// On which channel.
    pub channel: String,
    /// Who said to be its owner.
    pub partner: Option<String>,
    /// It, in DER.
    pub der: Vec<u8>,
    /// What it signed.
    pub signed: Signed,
    /// That: the id of a transmission or a delivery, or a Message-ID.
    pub seen_in: String,
    /// What an answer refers to, where one is wanted, as JSON.
    pub reference: Option<String>,
}

/// One of the list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Offered {
    /// SHA-256 of it, in lower-case hexadecimal.
    pub fingerprint: String,
    /// On which channel.
    pub channel: String,
    /// Who said to be its owner.
    pub partner: Option<String>,
    /// It, in DER.
    pub der: Vec<u8>,
    /// What it signed last: `message` or `receipt`; `exchange` where it came in a message of another.
    pub signed: String,
    /// That.
    pub seen_in: String,
    /// What an answer refers to, where one is wanted, as JSON.
    pub reference: Option<String>,
    /// How often it came.
    pub seen: i64,
    /// When it came first.
    pub created_at: Micros,
    /// When it came last.
    pub changed_at: Micros,
}

impl Store {
    /// Keeps a certificate that was offered; whether it is new on its channel. One that is too large is not kept. The same
    /// message again, after a crash, does not ask for an answer again.
    ///
    /// # Errors
    /// The database failed.
    pub async fn offer_certificate(&self, offer: Offer, now: Timestamp) -> Result<bool> {
        if offer.der.len() > OFFERED_BYTES_MAX {
            return Ok(false);
        }
        // With what it signed, that it is refused is noted next.
        self.write("settle", move |mut tx| Box::pin(async move { keep(&mut tx, &offer, now).await })).await
    }

    /// All that are kept, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn offered_certificates(&self) -> Result<Vec<Offered>> {
        Select::new(
            "SELECT fingerprint, channel, partner, der, signed, seen_in, reference, seen, created_at, changed_at
             FROM offered_certificate WHERE 1 = 1",
        )
        .then("ORDER BY changed_at DESC, channel, fingerprint")
        .all(self.reader())
        .await
    }

    /// Lets the answer to a request leave, once: who asks again gets it again.
    ///
    /// # Errors
    /// The database failed; then nothing leaves.
    pub async fn answer_certificate(
        &self,
        (fingerprint, channel): (&str, &str),
        leaving: Leaving,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let (fingerprint, channel, actor) = (fingerprint.to_owned(), channel.to_owned(), actor.clone());
        self.write("as2_receipt", move |mut tx| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE offered_certificate SET reference = NULL
                     WHERE fingerprint = $1 AND channel = $2 AND reference IS NOT NULL",
                )
                .bind(&fingerprint)
                .bind(&channel)
                .execute(&mut *tx.connection)
                .await?;
                let is_wanted = done.rows_affected() > 0;
                if is_wanted {
                    leave(&mut tx, &leaving, &actor, now).await?;
                }
                Ok(is_wanted)
            })
        })
        .await
    }

    /// Takes one off the list, of all channels.
    ///
    /// # Errors
    /// There is none of that fingerprint, or the database failed.
    pub async fn refuse_certificate(&self, fingerprint: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (fingerprint, actor) = (fingerprint.to_owned(), actor.clone());
        self.write("settle", move |mut tx| {
            Box::pin(async move {
                let query = "DELETE FROM offered_certificate WHERE fingerprint = $1";
                let done = sqlx::query(query).bind(&fingerprint).execute(&mut *tx.connection).await?;
                if done.rows_affected() == 0 {
                    return Err(StoreError::NotFound { what: "offered certificate", id: fingerprint });
                }
                let object = format!("certificate/{fingerprint}");
                audit::append(&mut tx, &actor, "certificate.refuse", &object, (None, None), now).await
            })
        })
        .await
    }
}

async fn keep(tx: &mut Tx<'_>, offer: &Offer, now: Timestamp) -> Result<bool> {
    let signed = match offer.signed {
        Signed::Message => "message",
        Signed::Receipt => "receipt",
        Signed::Exchange => "exchange",
    };
    let seen: i64 = sqlx::query_scalar(
        "INSERT INTO offered_certificate (fingerprint, channel, partner, der, signed, seen_in, seen, created_at, changed_at,
         reference) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $8)
         ON CONFLICT (fingerprint, channel) DO UPDATE SET seen = offered_certificate.seen + 1,
         signed = excluded.signed, seen_in = excluded.seen_in, changed_at = excluded.changed_at,
         reference = CASE WHEN offered_certificate.seen_in = excluded.seen_in THEN offered_certificate.reference
          ELSE COALESCE(excluded.reference, offered_certificate.reference) END
         RETURNING seen",
    )
    .bind(&offer.fingerprint)
    .bind(&offer.channel)
    .bind(&offer.partner)
    .bind(&offer.der)
    .bind(signed)
    .bind(storable(&offer.seen_in))
    .bind(Micros::from(now))
    .bind(offer.reference.as_deref().map(storable))
    .fetch_one(&mut *tx.connection)
    .await?;
    if seen > 1 {
        return Ok(false);
    }
    sqlx::query(
        "DELETE FROM offered_certificate WHERE channel = $1 AND fingerprint NOT IN
         (SELECT fingerprint FROM offered_certificate WHERE channel = $1
          ORDER BY (reference IS NULL), changed_at DESC, fingerprint LIMIT $2)",
    )
    .bind(&offer.channel)
    .bind(OFFERED_MAX)
    .execute(&mut *tx.connection)
    .await?;
    Ok(true)
}
