//! A file being dropped. It counts when its CLOSE, or the rename that it waits for, is answered: by then its bytes and
//! its row are on disk, by the commit that any other way in has. Until then nothing of it is in the ledger.

use super::drafts::{Closed, Draft, Drafts, locked, unkept};
use crate::partner::Repeats;
use crate::pipeline::state::Service;
use crate::store::claim::NewClaim;
use crate::store::commit::receive::Reception;
use crate::store::transmission::NewTransmission;
use crate::store::{Actor, Content, Direction, Result as StoreResult, StoreError};
use crate::transport::http::otlp::TraceId;
use crate::transport::sftp::files::{Done, Entry, Refused, Upload};
use futures_util::future::BoxFuture;
use serde_json::json;
use std::future::ready;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// What a file is, as long as nobody looked into it.
const CONTENT_TYPE: &str = "application/octet-stream";
/// What a repeat is answered: as the first time.
const ANSWERED: u16 = 200;

/// What is said to who drops a file for which there is no room.
const NO_SPACE: &str = "no space left; nothing was lost, send it again later";

/// Where a file is dropped, and by whom.
#[derive(Clone)]
pub(super) struct Target {
    pub service: Arc<Service>,
    pub drafts: Arc<Drafts>,
    pub mailbox: String,
    pub channel: String,
    pub folder: String,
    /// Bytes of a file, at most.
    pub limit: u64,
    pub repeats: Repeats,
    pub address: IpAddr,
    pub actor: Actor,
}

impl Target {
    /// The same bytes under the same name are the same file: its client never heard that it was taken.
    pub fn claim(&self, name: &str, content: &Content) -> NewClaim {
        NewClaim {
            scope: format!("sftp:{}", self.mailbox),
            key: format!("{}/{name} {}", self.folder, content.digest()),
            answer_status: ANSWERED,
            answer_body: Vec::new(),
        }
    }
}

/// An upload that was opened.
pub(super) struct Opened {
    pub target: Target,
    pub name: String,
    pub draft: Arc<Mutex<Draft>>,
    pub opening: u64,
    /// It counts only when it is renamed.
    pub waits_for_rename: bool,
}

impl Opened {
    fn still(&self, draft: &Draft) -> Done<()> {
        if draft.opening == self.opening {
            return Ok(());
        }
        Err(Refused::failed("another session writes to this file now"))
    }

    /// Changes what is there. A client that is refused something may close the file all the same: then it does not count.
    fn change(&self, work: impl FnOnce(&mut Draft) -> Done<()>) -> Done<()> {
        let mut draft = locked(&self.draft);
        self.still(&draft)?;
        let done = work(&mut draft);
        draft.has_failed |= done.is_err();
        done
    }
}

impl Upload for Opened {
    fn entry(&self) -> Entry {
        let draft = locked(&self.draft);
        Entry { name: self.name.clone(), size: draft.size, at: draft.at, may_write: true }
    }

    fn write(&mut self, offset: u64, bytes: Vec<u8>) -> BoxFuture<'_, Done<()>> {
        let (service, limit) = (&self.target.service, self.target.limit);
        Box::pin(ready(self.change(|draft| {
            match service.store.has_room() {
                // Each packet of an upload fails alike; it is told once.
                Err(_) if draft.has_failed => return Err(Refused::failed(NO_SPACE)),
                room => room.map_err(|error| refusal(&error))?,
            }
            draft.write(&service.store, offset, &bytes, limit, service.now())
        })))
    }

    fn resize(&mut self, size: u64) -> BoxFuture<'_, Done<()>> {
        let (service, limit) = (&self.target.service, self.target.limit);
        Box::pin(ready(self.change(|draft| draft.resize(&service.store, size, limit, service.now()))))
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, Done<()>> {
        Box::pin(async move {
            {
                let mut draft = locked(&self.draft);
                self.still(&draft)?;
                draft.whole()?;
                draft.is_closed = true;
            }
            if self.waits_for_rename {
                return Ok(());
            }
            take(&self.target, &self.name, &self.name, &self.draft).await
        })
    }
}

/// Takes an upload into the ledger under `name`. When this returns `Ok`, it is on disk.
///
/// # Errors
/// It was not kept; the upload is still there.
pub(super) async fn take(target: &Target, lies_as: &str, name: &str, draft: &Arc<Mutex<Draft>>) -> Done<()> {
    let closed = Arc::new(locked(draft).begin_taking()?);
    let taken = take_closed(target, name, draft, &closed).await;
    if taken.is_err() {
        locked(draft).give_up(closed.opening());
        return taken;
    }
    target.drafts.remove_this(&target.folder, lies_as, draft);
    Ok(())
}

async fn take_closed(target: &Target, name: &str, draft: &Mutex<Draft>, closed: &Arc<Closed>) -> Done<()> {
    target.service.store.has_room().map_err(|error| refusal(&error))?;
    let content = poured(target, closed.clone()).await.map_err(|error| refusal(&error))?;
    if locked(draft).opening != closed.opening() {
        // It may have changed while it was read.
        return Err(Refused::failed("another session writes to it"));
    }
    let key = (target.repeats == Repeats::Answered).then(|| target.claim(name, &content));
    let transmission_id = target.service.store.new_id("tra", target.service.now());
    let kept = keep(target, &transmission_id, name, (content, CONTENT_TYPE), key).await;
    // The key holds the digest, so that other bytes have another key.
    if let Reception::Conflict { transmission_id } = kept.map_err(|error| refusal(&error))? {
        return Err(refusal(&StoreError::Conflict(format!("{transmission_id} has this name and digest"))));
    }
    Ok(())
}

/// Keeps a file that is whole; a repeat is noted with what came then. When this returns, it is on disk.
///
/// # Errors
/// The database failed; then nothing was kept.
pub(super) async fn keep(
    target: &Target,
    transmission_id: &str,
    name: &str,
    (content, content_type): (Content, &str),
    key: Option<NewClaim>,
) -> StoreResult<Reception> {
    let (service, now, size) = (&target.service, target.service.now(), content.size());
    let new = NewTransmission {
        transmission_id: transmission_id.to_owned(),
        direction: Direction::In,
        channel: target.channel.clone(),
        partner: None,
        environment: None,
        content,
        content_type: content_type.to_owned(),
        file_name: Some(name.to_owned()),
        headers: json!({ "mailbox": target.mailbox, "folder": target.folder, "address": target.address }),
    };
    let reception = service.store.receive(new, key, &target.actor, now).await?;
    match &reception {
        Reception::New => {
            crate::fail::fail_point("mailbox.taken");
            tracing::info!(
                trace_id = %TraceId::of(transmission_id),
                transmission.id = transmission_id,
                transmission.channel = target.channel,
                "Received"
            );
            metrics::counter!("portolan_received_total", "channel" => target.channel.clone()).increment(1);
            service.arrived.notify_one();
        }
        Reception::Replay { transmission_id, .. } => {
            tracing::info!(
                trace_id = %TraceId::of(transmission_id),
                transmission.id = transmission_id,
                transmission.channel = target.channel,
                "Dropped again"
            );
            service.store.mailbox_repeated(transmission_id, &target.actor, now).await?;
        }
        Reception::Conflict { transmission_id } => {
            tracing::warn!(
                trace_id = %TraceId::of(transmission_id),
                transmission.id = transmission_id,
                transmission.channel = target.channel,
                "Key used again"
            );
            return Ok(reception);
        }
    }
    target.drafts.note_taken(&target.folder, name, size, now);
    Ok(reception)
}

/// Its bytes, sealed and synced.
async fn poured(target: &Target, closed: Arc<Closed>) -> StoreResult<Content> {
    let mut spool = target.service.store.spool(target.limit, target.service.now()).leaving_reserve();
    let done = tokio::task::spawn_blocking(move || {
        closed.pour(&mut spool)?;
        spool.finish_blocking()
    });
    done.await.map_err(|error| StoreError::Unfit(format!("upload: {error}")))?
}

/// Why it was not kept, without our paths.
fn refusal(error: &StoreError) -> Refused {
    if error.is_full() {
        tracing::error!(error = %error, "An upload was not kept");
        return Refused::failed(NO_SPACE);
    }
    unkept(error)
}
