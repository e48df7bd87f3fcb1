//! A transmission that somebody gave to be sent as it is: its bytes, its row, its delivery, and the key under which it was given.
//! What is in it, and whether its channel takes it, is the pipeline's.

use super::receive::Reception;
use crate::clock::Timestamp;
use crate::store::as2::{Leaving, leave};
use crate::store::claim::{self, NewClaim};
use crate::store::error::{Result, StoreError};
use crate::store::payload::Files;
use crate::store::value::Actor;
use crate::store::{Store, audit};
use serde_json::json;

impl Store {
    /// Lets a transmission leave; where its key came before, what was answered then. When this returns [`Reception::New`], it is on
    /// disk and will be delivered.
    ///
    /// # Errors
    /// The database failed; then nothing was kept.
    pub async fn submit(
        &self,
        leaving: Leaving,
        key: Option<NewClaim>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Reception> {
        let (files, actor) = (Files::of([&leaving.0.content]), actor.clone());
        let done = self
            .write("submit", move |mut tx| {
                Box::pin(async move {
                    let (new, _) = &leaving;
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
                    leave(&mut tx, &leaving, &actor, now).await?;
                    if let Some(key) = &key {
                        let claiming = (key, new.transmission_id.as_str(), new.content.digest(), now);
                        claim::insert_all(&mut tx, &[claiming]).await?;
                    }
                    let object = format!("transmission/{}", new.transmission_id);
                    let after = json!({ "channel": new.channel, "sha256": new.content.digest() });
                    audit::append(&mut tx, &actor, "submit", &object, (None, Some(&after)), now).await?;
                    Ok(Reception::New)
                })
            })
            .await;
        if !matches!(done, Ok(Reception::New) | Err(StoreError::Unknown(_))) {
            files.remove();
        }
        done
    }
}
