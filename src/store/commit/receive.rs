//! A transmission came in: its bytes, its row, the sender's key and the job, all before the sender is answered.

use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::claim::{self, NewClaim};
use crate::store::error::{Result, StoreError};
use crate::store::job::{self, JobKind};
use crate::store::transmission::{self, NewTransmission, TransmissionState};
use crate::store::value::Actor;

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
        let file = new.content.file();
        let actor = actor.clone();
        let done = self
            .write("receive", move |mut tx| {
                Box::pin(async move {
                    if let Some(key) = &key
                        && let Some(earlier) = claim::find(&mut tx, &key.scope, &key.key).await?
                    {
                        let transmission_id = earlier.transmission_id;
                        if earlier.digest != new.content.digest() {
                            return Ok(Reception::Conflict { transmission_id });
                        }
                        let status = u16::try_from(earlier.answer_status).unwrap_or(500);
                        return Ok(Reception::Replay { transmission_id, status, body: earlier.answer_body });
                    }
                    let (transmission_id, digest) = (new.transmission_id.clone(), new.content.digest().to_owned());
                    transmission::insert(&mut tx, new, TransmissionState::Stored, &actor, now).await?;
                    if let Some(key) = key {
                        claim::insert(&mut tx, key, &transmission_id, &digest, now).await?;
                    }
                    job::insert(&mut tx, JobKind::Translate, &transmission_id, now, now).await?;
                    Ok(Reception::New)
                })
            })
            .await;
        let may_be_there = matches!(done, Ok(Reception::New) | Err(StoreError::Unknown(_)));
        if let (Some(path), false) = (file, may_be_there) {
            // The bytes are not wanted; should removing fail, the next start removes them.
            let _ = std::fs::remove_file(path);
        }
        done
    }
}
