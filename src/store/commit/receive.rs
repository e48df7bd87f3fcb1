//! A transmission came in: its bytes, its row, the sender's key and the job, all before the sender is answered.

use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::as2::{self, Beside};
use crate::store::claim::{self, NewClaim};
use crate::store::error::{Result, StoreError};
use crate::store::job;
use crate::store::payload::Files;
use crate::store::refusal;
use crate::store::transmission::{self, NewTransmission, TransmissionState};
use crate::store::value::{Actor, storable};
use crate::store::writer::Tx;
use sqlx::Executor as _;

/// What became of a reception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reception {
    /// It is in the ledger.
    New,
    /// The same key with the same bytes came before; this was answered.
    Replay {
        /// What came then.
        transmission_id: String,
        /// Status of the answer then.
        status: u16,
        /// Body of the answer then.
        body: Vec<u8>,
    },
    /// The same key with other bytes came before: an alarm.
    Conflict {
        /// What came then.
        transmission_id: String,
    },
}

/// What came in, on its way to its commit.
pub(crate) struct Arrival {
    pub new: NewTransmission,
    pub key: Option<NewClaim>,
    pub beside: Beside,
    pub actor: Actor,
    pub now: Timestamp,
}

impl Store {
    /// Takes a transmission in. When this returns [`Reception::New`], it is on disk and will be translated.
    ///
    /// # Errors
    /// The database failed; then nothing was kept.
    pub async fn receive(
        &self,
        new: NewTransmission,
        key: Option<NewClaim>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Reception> {
        self.receive_beside(new, key, Beside::default(), actor, now).await
    }

    /// The same, with what AS2 keeps beside it by the same commit.
    ///
    /// # Errors
    /// The database failed; then nothing was kept.
    pub async fn receive_beside(
        &self,
        new: NewTransmission,
        key: Option<NewClaim>,
        beside: Beside,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Reception> {
        let files = Files::of([&new.content].into_iter().chain(&beside.clear));
        let done = match self.intake() {
            Ok(intake) => intake.take(Arrival { new, key, beside, actor: actor.clone(), now }).await,
            Err(error) => Err(error),
        };
        if !matches!(done, Ok(Reception::New) | Err(StoreError::Unknown(_))) {
            files.remove();
        }
        done
    }
}

impl Store {
    /// Keeps what came in and was answered for good in the same call, so that nothing of it is to be done any more: it was
    /// refused, or handed on. When this returns, it is on disk.
    ///
    /// # Errors
    /// The database failed; then nothing was kept.
    pub async fn settle(
        &self,
        new: NewTransmission,
        state: TransmissionState,
        told: (&str, &str),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        self.settle_counted(new, state, None, told, actor, now).await.map(drop)
    }

    /// Notes that somebody was refused who did not prove to be a partner, and `claims` to be this one. Each is counted; true:
    /// it is also a transmission of its own, as the first [`STRANGERS_KEPT_MAX`](refusal::STRANGERS_KEPT_MAX) in an hour are.
    ///
    /// # Errors
    /// The database failed; then nothing was noted.
    pub async fn settle_stranger(
        &self,
        new: NewTransmission,
        claims: Option<&str>,
        told: (&str, &str),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let claims = claims.unwrap_or_default().to_owned();
        self.settle_counted(new, TransmissionState::Rejected, Some(claims), told, actor, now).await
    }

    async fn settle_counted(
        &self,
        new: NewTransmission,
        state: TransmissionState,
        stranger: Option<String>,
        (code, reason): (&str, &str),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let files = Files::of([&new.content]);
        let (code, reason, actor) = (code.to_owned(), storable(reason), actor.clone());
        let done = self
            .write("settle", move |mut tx| {
                Box::pin(async move {
                    if let Some(claims) = stranger
                        && !refusal::count(&mut tx, &new.channel, &claims, now).await?
                    {
                        return Ok(false);
                    }
                    transmission::insert(&mut tx, (&new, &actor, now), TransmissionState::Stored).await?;
                    let change =
                        transmission::Change { code: Some(&code), reason: Some(&reason), ..Default::default() };
                    let from = [TransmissionState::Stored];
                    transmission::change(&mut tx, &new.transmission_id, &from, state, change, &actor, now).await?;
                    Ok(true)
                })
            })
            .await;
        if done.as_ref().is_err_and(|error| !matches!(error, StoreError::Unknown(_))) {
            files.remove();
        }
        done
    }
}

/// Takes arrivals in, in a piece of work. Commonly all are new and are written together; where that fails, a key came
/// before say, each is looked at by itself.
pub(crate) async fn take_all(tx: &mut Tx<'_>, arrivals: &[Arrival]) -> Result<Vec<Result<Reception>>> {
    tx.connection.execute("SAVEPOINT arrivals").await?;
    let together = insert_all(tx, arrivals).await;
    if matches!(together, Ok(true)) {
        tx.connection.execute("RELEASE SAVEPOINT arrivals").await?;
        return Ok(arrivals.iter().map(|_| Ok(Reception::New)).collect());
    }
    undo(tx, together.as_ref().err()).await?;
    let mut answers = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        let answer = take(tx, arrival).await;
        if let Err(error) = &answer {
            undo(tx, Some(error)).await?;
        }
        tx.connection.execute("RELEASE SAVEPOINT arrivals").await?;
        tx.connection.execute("SAVEPOINT arrivals").await?;
        answers.push(answer);
    }
    tx.connection.execute("RELEASE SAVEPOINT arrivals").await?;
    Ok(answers)
}

/// Undoes what was written since the savepoint. Where that is gone, since a full disk ended the transaction say, the
/// `error` before is what is told.
async fn undo(tx: &mut Tx<'_>, error: Option<&StoreError>) -> Result<()> {
    let undone = tx.connection.execute("ROLLBACK TO SAVEPOINT arrivals").await;
    undone.map(drop).map_err(|own| error.map_or_else(|| own.into(), StoreError::for_another))
}

/// Writes arrivals with what belongs to them; false when a key was not free, and then it has to be undone.
pub(crate) async fn insert_all(tx: &mut Tx<'_>, arrivals: &[Arrival]) -> Result<bool> {
    let new: Vec<_> = arrivals.iter().map(|one| (&one.new, &one.actor, one.now)).collect();
    transmission::insert_all(tx, &new, TransmissionState::Stored).await?;
    let keys: Vec<_> = arrivals
        .iter()
        .filter_map(|one| {
            Some((one.key.as_ref()?, one.new.transmission_id.as_str(), one.new.content.digest(), one.now))
        })
        .collect();
    if claim::insert_all(tx, &keys).await? < keys.len() {
        return Ok(false);
    }
    let jobs: Vec<_> =
        arrivals.iter().map(|one| (one.new.transmission_id.as_str(), one.new.channel.as_str(), one.now)).collect();
    job::translate_all(tx, &jobs).await?;
    let besides: Vec<_> =
        arrivals.iter().map(|one| (one.new.transmission_id.as_str(), &one.beside, &one.actor, one.now)).collect();
    as2::keep_beside(tx, &besides).await?;
    Ok(true)
}

/// Takes one arrival in, whose key may have come before.
async fn take(tx: &mut Tx<'_>, arrival: &Arrival) -> Result<Reception> {
    if let Some(key) = &arrival.key
        && let Some(earlier) = claim::find(tx, &key.scope, &key.key).await?
    {
        let transmission_id = earlier.transmission_id;
        if earlier.digest != arrival.new.content.digest() {
            return Ok(Reception::Conflict { transmission_id });
        }
        let status = u16::try_from(earlier.answer_status).unwrap_or(500);
        return Ok(Reception::Replay { transmission_id, status, body: earlier.answer_body });
    }
    if insert_all(tx, std::slice::from_ref(arrival)).await? {
        return Ok(Reception::New);
    }
    Err(StoreError::Conflict(format!("the key of {} was taken while it was looked for", arrival.new.transmission_id)))
}
