//! A file was taken from a folder: transmission, job, and the row by which it is known when it is seen again, before anything is
//! done to it there.

use super::receive::{Arrival, insert_all};
use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::as2::Beside;
use crate::store::error::{Result, StoreError};
use crate::store::payload::Files;
use crate::store::pickup::{self, Seen};
use crate::store::transmission::NewTransmission;
use crate::store::value::Actor;

/// What taking a file comes to: the id of its row, and whether it is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PickedUp {
    /// It is a transmission from now on.
    New(String),
    /// It has the bytes of the one that was taken last, and makes no work.
    Unchanged(String),
    /// It was taken before; only what is to be done to it there is still to be done.
    Known(String),
}

/// By what a file counts as one that was taken before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBy {
    /// It stays there, and is known by its bytes alone.
    pub stays: bool,
    /// It makes no work where the file that the channel took last, or took last under this name, has its bytes.
    pub skips_unchanged: bool,
}

impl Store {
    /// Takes a file that was read whole. It is known where its name, size and bytes are those of the one that was taken last, and
    /// either nothing was done to that one yet or its time is the same, or as [`KnownBy`] says.
    ///
    /// # Errors
    /// The database failed; then nothing was kept.
    pub async fn pickup(
        &self,
        new: NewTransmission,
        seen: Seen,
        known_by: KnownBy,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<PickedUp> {
        let files = Files::of([&new.content]);
        let actor = actor.clone();
        let done = self
            .write("pickup", move |mut tx| {
                Box::pin(async move {
                    let digest = new.content.digest().to_owned();
                    let before = pickup::newest(&mut tx, &seen.channel, Some(&seen.name)).await?;
                    let is_same = |one: &pickup::PickupFile| {
                        let is_here = one.settled.is_none() || known_by.stays || one.modified_at == seen.modified_at;
                        one.digest == digest && one.size == seen.size && is_here
                    };
                    if let Some(before) = before.clone().filter(is_same) {
                        return Ok(PickedUp::Known(before.pickup_file_id));
                    }
                    if known_by.skips_unchanged {
                        let last = pickup::newest(&mut tx, &seen.channel, None).await?;
                        let mut both = [before, last].into_iter().flatten();
                        if let Some(same) = both.find(|one| one.digest == digest && one.size == seen.size) {
                            let of = (digest.as_str(), same.transmission_id.as_str());
                            return Ok(PickedUp::Unchanged(pickup::insert(&mut tx, &seen, of, true, now).await?));
                        }
                    }
                    let transmission_id = new.transmission_id.clone();
                    let arrival = Arrival { new, key: None, beside: Beside::default(), actor, now };
                    insert_all(&mut tx, std::slice::from_ref(&arrival)).await?;
                    let id = pickup::insert(&mut tx, &seen, (&digest, &transmission_id), false, now).await?;
                    Ok(PickedUp::New(id))
                })
            })
            .await;
        if !matches!(done, Ok(PickedUp::New(_)) | Err(StoreError::Unknown(_))) {
            files.remove();
        }
        done
    }
}
