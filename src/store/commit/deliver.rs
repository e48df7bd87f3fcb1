//! A delivery's way: `sending` is on disk before the first byte leaves, what came of it after the answer.

use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::ack::{self, Said};
use crate::store::as2;
use crate::store::call::{self, NewAnswer};
use crate::store::delivery::{self, Change, Delivery, DeliveryState};
use crate::store::error::{Result, StoreError};
use crate::store::job::{self, Job};
use crate::store::lane;
use crate::store::mailbox::{self, Placing};
use crate::store::matching;
use crate::store::payload::Files;
use crate::store::value::{Actor, Micros};

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// The receiver has it.
    Delivered,
    /// It failed for now; again at this instant.
    Retry(Timestamp),
    /// Nobody knows; again at this instant, under the same key.
    Uncertain(Timestamp),
    /// The receiver has the bytes; its receipt comes later, until this instant.
    Awaiting(Timestamp),
    /// Nobody knows, and the agreement says to hold then.
    Hold,
    /// Retries are spent, or it can never succeed.
    Park,
}

/// An attempt's answer, for the books.
#[derive(Debug, Default)]
pub struct AttemptFacts {
    /// Status of the answer.
    pub status: Option<u16>,
    /// Why it went as it did: a stable word.
    pub code: Option<String>,
    /// The same for people.
    pub detail: Option<String>,
    /// What the answer says of the documents, where it is an acknowledgment: its kind, and that.
    pub said: Option<(String, Said)>,
    /// The receipt of AS2 that the answer is, header lines and body.
    pub receipt: Option<Vec<u8>>,
    /// Where it lies from this commit on, when that is what delivers it.
    pub placed: Option<Placing>,
    /// The document that the answer is.
    pub answer: Option<NewAnswer>,
}

const SENDABLE: [DeliveryState; 5] = [
    DeliveryState::Ready,
    DeliveryState::Leased,
    DeliveryState::RetryWait,
    DeliveryState::Uncertain,
    DeliveryState::AwaitingReceipt,
];

impl Store {
    /// Begins an attempt. Returns the delivery, with the number of this attempt, once `sending` is on disk.
    ///
    /// # Errors
    /// The lease was lost, the delivery is not to be sent any more, or the database failed.
    pub async fn deliver_sending(&self, job: &Job, remote: &str, now: Timestamp) -> Result<Delivery> {
        let (job, remote) = (job.clone(), remote.to_owned());
        self.write("deliver_sending", move |mut tx| {
            Box::pin(async move {
                job::check_lease(&mut tx, &job).await?;
                let mut found = delivery::find(&mut tx, &job.subject).await?;
                lane::check(&mut tx, &found).await?;
                let number = found.attempts + 1;
                let id = tx.id("att", now);
                sqlx::query(
                    "INSERT INTO attempt (attempt_id, delivery_id, number, node, remote, started_at)
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(id)
                .bind(&job.subject)
                .bind(number)
                .bind(tx.node)
                .bind(remote)
                .bind(Micros::from(now))
                .execute(&mut *tx.connection)
                .await?;
                let change = Change { attempt: Some(number), ..Change::default() };
                let to = DeliveryState::Sending;
                delivery::change_found(&mut tx, &found, &SENDABLE, to, change, &Actor::system(), now).await?;
                found.attempts = number;
                Ok(found)
            })
        })
        .await
    }

    /// Ends an attempt.
    ///
    /// # Errors
    /// The lease was lost, or the database failed; the delivery is then uncertain and goes again.
    pub async fn deliver_result(&self, job: &Job, end: AttemptEnd, facts: AttemptFacts, now: Timestamp) -> Result<()> {
        let job = job.clone();
        let files = facts.answer.as_ref().map(NewAnswer::files);
        let done = self.write("deliver_result", move |mut tx| {
            Box::pin(async move {
                job::check_lease(&mut tx, &job).await?;
                // A receipt that came before the answer says more than that, and than that none came.
                let early = match end {
                    AttemptEnd::Delivered => None,
                    _ => as2::came_early(&mut tx, &job.subject).await?,
                };
                let mut facts = facts;
                let end = match early {
                    Some(as2::Early::Proved) => {
                        (facts.code, facts.detail) = (None, None);
                        AttemptEnd::Delivered
                    }
                    Some(as2::Early::Refused) => {
                        facts.code = Some(as2::RECEIPT_REFUSED.to_owned());
                        facts.detail = Some(as2::EARLY_REFUSAL.to_owned());
                        AttemptEnd::Park
                    }
                    None => end,
                };
                let (to, next_at) = match end {
                    AttemptEnd::Awaiting(at) => (DeliveryState::AwaitingReceipt, Some(at)),
                    AttemptEnd::Delivered => (DeliveryState::Delivered, None),
                    AttemptEnd::Retry(at) => (DeliveryState::RetryWait, Some(at)),
                    AttemptEnd::Uncertain(at) => (DeliveryState::Uncertain, Some(at)),
                    AttemptEnd::Hold => (DeliveryState::Held, None),
                    AttemptEnd::Park => (DeliveryState::Parked, None),
                };
                let change =
                    Change { code: facts.code.as_deref(), reason: facts.detail.as_deref(), next_at, attempt: None };
                let from = [DeliveryState::Sending];
                let found = delivery::change(&mut tx, &job.subject, &from, to, change, &Actor::system(), now).await?;
                if to == DeliveryState::Delivered {
                    ack::received(&mut tx, &found.transmission_id, now).await?;
                }
                if let Some(placing) = &facts.placed {
                    mailbox::deliver(&mut tx, placing, &found, now).await?;
                }
                let mut sent = None;
                if let Some(receipt) = &facts.receipt {
                    as2::receipted(&mut tx, &job.subject, receipt).await?;
                }
                if to == DeliveryState::Delivered && (facts.receipt.is_some() || early.is_some()) {
                    sent = as2::drop_sent(&mut tx, &job.subject, now).await?;
                }
                if let Some((kind, said)) = &facts.said {
                    matching::answered_at_once(&mut tx, &found, (kind, said), now).await?;
                }
                sqlx::query(
                    "UPDATE attempt SET outcome = $2, status = $3, detail = $4, ended_at = $5
                     WHERE delivery_id = $1 AND ended_at IS NULL",
                )
                .bind(&job.subject)
                .bind(to)
                .bind(facts.status.map(i64::from))
                .bind(&facts.detail)
                .bind(Micros::from(now))
                .execute(&mut *tx.connection)
                .await?;
                if let Some(answer) = facts.answer {
                    call::answered(&mut tx, &job.subject, answer, now).await?;
                }
                match next_at {
                    Some(at) => job::again(&mut tx, &job, at).await?,
                    None => job::finish(&mut tx, &job).await?,
                }
                Ok(sent)
            })
        });
        let done = done.await;
        if done.as_ref().is_err_and(|error| !matches!(error, StoreError::Unknown(_))) {
            files.into_iter().for_each(Files::remove);
        }
        self.remove_purged(done?.as_slice());
        Ok(())
    }

    /// Parks a delivery without an attempt: its channel is gone, or its job is poison.
    ///
    /// # Errors
    /// The lease was lost, or the database failed.
    pub async fn deliver_park(&self, job: &Job, code: &str, reason: &str, now: Timestamp) -> Result<()> {
        let (job, code, reason) = (job.clone(), code.to_owned(), reason.to_owned());
        self.write("deliver_park", move |mut tx| {
            Box::pin(async move {
                job::check_lease(&mut tx, &job).await?;
                let change = Change { code: Some(&code), reason: Some(&reason), ..Change::default() };
                let to = DeliveryState::Parked;
                let from = [SENDABLE.as_slice(), &[DeliveryState::Sending]].concat();
                delivery::change(&mut tx, &job.subject, &from, to, change, &Actor::system(), now).await?;
                job::finish(&mut tx, &job).await
            })
        })
        .await
    }

    /// Marks an awaited acknowledgment as overdue; the job of its deadline is done.
    ///
    /// # Errors
    /// The lease was lost, or the database failed.
    pub async fn acknowledge_overdue(&self, job: &Job, now: Timestamp) -> Result<bool> {
        let job = job.clone();
        self.write("acknowledge", move |mut tx| {
            Box::pin(async move {
                job::check_lease(&mut tx, &job).await?;
                let is_overdue = ack::overdue(&mut tx, &job.subject, now).await?;
                job::finish(&mut tx, &job).await?;
                Ok(is_overdue)
            })
        })
        .await
    }
}
