//! Calls that get their answer in the same call: what came of the transmission that each brought, read from the ledger, so that
//! a call that is repeated after a crash is answered like the first. Nothing here waits; the pipeline does.

use super::Store;
use super::as2::Beside;
use super::delivery::{self, Change, Delivery, DeliveryState};
use super::error::Result;
use super::job::{self, JobKind};
use super::payload::Files;
use super::transmission::{NewTransmission, Transmission};
use super::value::{Actor, Micros};
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::store::commit::receive::{self, Arrival};

/// Answers of receivers that one transmission may lead to: one that is sent on to who answers it again ends some time.
pub const ANSWERS_MAX: i64 = 16;
/// Deliveries of a call that are looked at.
const DELIVERIES_MAX: i64 = 1000;

/// What a receiver answered, on its way into the ledger.
#[derive(Debug)]
pub struct NewAnswer {
    /// What came.
    pub transmission: NewTransmission,
    /// The transmission that all of it began with.
    pub origin_id: String,
}

impl NewAnswer {
    /// Files of its bytes, to be removed where it is not kept.
    pub(crate) fn files(&self) -> Files {
        Files::of([&self.transmission.content])
    }
}

/// What came of the transmission of a call.
#[derive(Debug)]
pub struct Course {
    /// The transmission, then what receivers answered, oldest first.
    pub received: Vec<Transmission>,
    /// What was made of the documents in them, oldest first; one that was resubmitted is left out, since another has its place.
    pub deliveries: Vec<Delivery>,
}

/// What became of an answer that was to be handed over in its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedOver {
    /// It is delivered by this.
    Now,
    /// It has left already, or is leaving just now, over another channel; the call gets the same bytes.
    Before,
    /// It was resubmitted: another delivery has its place, and this one is handed over to nobody.
    Replaced,
}

/// Takes in what a receiver answered, to be translated, in the commit that says that it has ours.
pub(crate) async fn answered(tx: &mut Tx<'_>, delivery_id: &str, new: NewAnswer, now: Timestamp) -> Result<()> {
    let NewAnswer { transmission, origin_id } = new;
    let transmission_id = transmission.transmission_id.clone();
    let actor = Actor(format!("answer:{delivery_id}"));
    let arrival = Arrival { new: transmission, key: None, beside: Beside::default(), actor, now };
    receive::insert_all(tx, &[arrival]).await?;
    sqlx::query("INSERT INTO answer (transmission_id, delivery_id, origin_id, created_at) VALUES ($1, $2, $3, $4)")
        .bind(transmission_id)
        .bind(delivery_id)
        .bind(origin_id)
        .bind(Micros::from(now))
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

impl Store {
    /// What came of a transmission so far.
    ///
    /// # Errors
    /// The database failed.
    pub async fn course(&self, origin_id: &str) -> Result<Course> {
        let mut received = self.received(origin_id).await?;
        loop {
            let deliveries = sqlx::query_as(concat!(
                "SELECT ",
                delivery::columns!(),
                " FROM delivery WHERE transmission_id IN (
                     SELECT made.transmission_id FROM document AS source
                     JOIN document_source ON document_source.source_id = source.document_id
                     JOIN document AS made ON made.document_id = document_source.document_id
                     WHERE source.transmission_id IN
                     (SELECT CAST($1 AS TEXT) UNION SELECT transmission_id FROM answer WHERE origin_id = $1))
                 AND NOT EXISTS (SELECT 1 FROM delivery later WHERE later.resubmit_of = delivery.delivery_id)
                 ORDER BY created_at, delivery_id LIMIT $2",
            ))
            .bind(origin_id)
            .bind(DELIVERIES_MAX)
            .fetch_all(self.reader())
            .await?;
            // One commit has a delivery arrive and keeps its answer, or ends a translation and makes deliveries: between the two
            // questions it would look as if nothing were to come any more.
            let again = self.received(origin_id).await?;
            if again == received {
                return Ok(Course { received, deliveries });
            }
            received = again;
        }
    }

    /// The transmission of a call and the answers of others to what was made of it.
    async fn received(&self, origin_id: &str) -> Result<Vec<Transmission>> {
        Ok(sqlx::query_as(
            "SELECT transmission_id, direction, channel, partner, environment, state, code, reason, duplicate_of, digest, size,
             content_type, file_name, payload_id, created_at, changed_at FROM transmission
             WHERE transmission_id IN (SELECT CAST($1 AS TEXT) UNION SELECT transmission_id FROM answer WHERE origin_id = $1)
             ORDER BY created_at, transmission_id",
        )
        .bind(origin_id)
        .fetch_all(self.reader())
        .await?)
    }

    /// The transmission that an outgoing one goes back to: what its documents were made from, or, where that answered a
    /// delivery of ours, what that was about. `None`: it was made from no document. Besides, how many answers that one has.
    ///
    /// # Errors
    /// The database failed.
    pub async fn origin_of(&self, transmission_id: &str) -> Result<Option<(String, i64)>> {
        let found: Option<String> = sqlx::query_scalar(
            "SELECT COALESCE(answer.origin_id, source.transmission_id) FROM document AS made
             JOIN document_source ON document_source.document_id = made.document_id
             JOIN document AS source ON source.document_id = document_source.source_id
             LEFT JOIN answer ON answer.transmission_id = source.transmission_id
             WHERE made.transmission_id = $1 ORDER BY made.number, source.document_id LIMIT 1",
        )
        .bind(transmission_id)
        .fetch_optional(self.reader())
        .await?;
        let Some(origin_id) = found else { return Ok(None) };
        let answers: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM answer WHERE origin_id = $1")
            .bind(&origin_id)
            .fetch_one(self.reader())
            .await?;
        Ok(Some((origin_id, answers)))
    }

    /// The transmissions that an outgoing one's documents were made from, each once: `Content-Type` and payload. `limit` of them at
    /// most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn made_from(&self, transmission_id: &str, limit: u32) -> Result<Vec<(String, String)>> {
        let query = "SELECT transmission.content_type, transmission.payload_id FROM transmission
             WHERE transmission.transmission_id IN (SELECT source.transmission_id FROM document AS made
              JOIN document_source ON document_source.document_id = made.document_id
              JOIN document AS source ON source.document_id = document_source.source_id
              WHERE made.transmission_id = $1)
             ORDER BY transmission.transmission_id LIMIT $2";
        Ok(sqlx::query_as(query).bind(transmission_id).bind(i64::from(limit)).fetch_all(self.reader()).await?)
    }

    /// The delivery that a transmission answers, if it answers one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn answers_delivery(&self, transmission_id: &str) -> Result<Option<String>> {
        let query = "SELECT delivery_id FROM answer WHERE transmission_id = $1";
        Ok(sqlx::query_scalar(query).bind(transmission_id).fetch_optional(self.reader()).await?)
    }

    /// A delivery is handed over in the call that waits for it: it is delivered, whoever else was about to send it. One that
    /// has left or is leaving goes its own way on.
    ///
    /// # Errors
    /// A person holds or cancelled it, or the database failed.
    pub async fn hand_over(&self, delivery_id: &str, remote: &str, now: Timestamp) -> Result<HandedOver> {
        let (delivery_id, remote) = (delivery_id.to_owned(), remote.to_owned());
        self.write("hand_over", move |mut tx| {
            Box::pin(async move {
                let found = delivery::find(&mut tx, &delivery_id).await?;
                let later = sqlx::query("SELECT delivery_id FROM delivery WHERE resubmit_of = $1").bind(&delivery_id);
                if later.fetch_optional(&mut *tx.connection).await?.is_some() {
                    return Ok(HandedOver::Replaced);
                }
                if found.has_left() {
                    return Ok(HandedOver::Before);
                }
                let number = found.attempts + 1;
                let id = tx.id("att", now);
                sqlx::query(
                    "INSERT INTO attempt (attempt_id, delivery_id, number, node, remote, outcome, started_at, ended_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
                )
                .bind(id)
                .bind(&delivery_id)
                .bind(number)
                .bind(tx.node)
                .bind(remote)
                .bind(DeliveryState::Delivered)
                .bind(Micros::from(now))
                .execute(&mut *tx.connection)
                .await?;
                let change = Change { attempt: Some(number), ..Change::default() };
                let from =
                    [DeliveryState::Ready, DeliveryState::Leased, DeliveryState::RetryWait, DeliveryState::Parked];
                let to = DeliveryState::Delivered;
                delivery::change_found(&mut tx, &found, &from, to, change, &Actor::system(), now).await?;
                super::ack::received(&mut tx, &found.transmission_id, now).await?;
                job::drop_for(&mut tx, JobKind::Deliver, &delivery_id).await?;
                Ok(HandedOver::Now)
            })
        })
        .await
    }
}
