//! A message as it stands under its encryption, out of what the ledger kept of it: for evidence, and to find out what a partner
//! digested.

use crate::store::as2::SealedMessage;
use crate::store::{PayloadReader, Result, Store, StoreError};
use crate::transport::as2::frame::around;
use crate::transport::as2::mime::Headers;
use std::io::{self, Read};

/// Where such a message is.
pub(super) enum Clear {
    /// With its header lines.
    Whole(String),
    /// Its header lines stand elsewhere.
    Body(Vec<u8>, String),
    /// What stands around its payload, the payload, and where that belongs.
    Around(String, String, u64),
}

impl Clear {
    /// Of a message that we sealed; it stands by itself where it is not encrypted.
    pub fn of(kept: &SealedMessage) -> Option<Clear> {
        if let Some(id) = &kept.clear_payload_id {
            let at = kept.payload_at.and_then(|at| u64::try_from(at).ok());
            return Some(match at {
                None => Clear::Whole(id.clone()),
                Some(at) => Clear::Around(id.clone(), kept.of_payload_id.clone(), at),
            });
        }
        let headers = Headers(serde_json::from_str(&kept.headers).ok()?);
        Some(Clear::Body(headers.of_entity(), kept.payload_id.clone()))
    }

    /// Reads it from its begin; off the runtime's threads.
    ///
    /// # Errors
    /// It is not kept any more, or cannot be read.
    pub async fn open(&self, store: &Store) -> Result<Box<dyn Read + Send>> {
        Ok(match self {
            Clear::Whole(id) => Box::new(store.open_payload(id).await?),
            Clear::Body(head, id) => {
                let body: PayloadReader = store.open_payload(id).await?;
                Box::new(io::Cursor::new(head.clone()).chain(body))
            }
            Clear::Around(frame, payload, at) => {
                let (frame, payload) = (store.open_payload(frame).await?, store.open_payload(payload).await?);
                let unfit = |error: io::Error| StoreError::Damaged(format!("the message of a payload: {error}"));
                // Only a few lines stand before a payload, and those are read here.
                around(frame, payload, *at).map_err(unfit)?
            }
        })
    }
}
