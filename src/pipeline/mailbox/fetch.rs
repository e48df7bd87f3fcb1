//! A file being fetched. Who read all of it and closed it has it: that is noted, with an event, before the close is answered. So
//! has who read it in parts, one after the other or beside each other (`parts`), and who read on to the end and then ended the session.

use super::drafts::unkept;
use super::ranges::Ranges;
use crate::pipeline::state::Service;
use crate::pipeline::telemetry;
use crate::store::mailbox::{MailboxFile, Mark};
use crate::store::{Actor, PayloadReader, StoreError};
use crate::transport::sftp::files::{Done, Entry, Fetch, Refused};
use futures_util::future::BoxFuture;
use std::io::Read as _;
use std::net::IpAddr;
use std::sync::Arc;

/// A file that was opened.
pub(super) struct Opened {
    service: Arc<Service>,
    file: MailboxFile,
    entry: Entry,
    actor: Actor,
    address: IpAddr,
    source: Source,
    seen: Ranges,
    /// It was asked what lies behind its last byte: who does that has what is before it, however it was come by.
    is_at_end: bool,
}

enum Source {
    /// A small one.
    Memory(Vec<u8>),
    /// A large one: a reader and how far it has come; none while it is at work, or after it failed.
    Reader(Option<Box<(PayloadReader, u64)>>),
}

impl Opened {
    pub async fn new(
        service: Arc<Service>,
        file: MailboxFile,
        entry: Entry,
        (actor, address): (Actor, IpAddr),
    ) -> Done<Self> {
        let reader = service.store.open_payload(&file.payload_id).await.map_err(|error| unread(&error))?;
        let source = match reader.again() {
            Some(mut whole) => {
                let mut bytes = Vec::new();
                whole.read_to_end(&mut bytes).map_err(|error| unread(&error))?;
                Source::Memory(bytes)
            }
            None => Source::Reader(Some(Box::new((reader, 0)))),
        };
        Ok(Self { service, file, entry, actor, address, source, seen: Ranges::default(), is_at_end: false })
    }

    /// Bytes of a large file. Clients read in order; who goes elsewhere costs one block more.
    async fn read_on(&mut self, offset: u64, most: usize) -> Result<Vec<u8>, StoreError> {
        let Source::Reader(place) = &mut self.source else { return Ok(Vec::new()) };
        let (reader, at) = match place.take() {
            Some(there) => *there,
            None => (self.service.store.open_payload(&self.file.payload_id).await?, 0),
        };
        let id = self.file.payload_id.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut reader = reader;
            let damaged = |error: std::io::Error| StoreError::Damaged(format!("{id}: {error}"));
            if offset != at {
                reader.go_to(offset).map_err(damaged)?;
            }
            let mut bytes = Vec::with_capacity(most);
            reader.by_ref().take(most as u64).read_to_end(&mut bytes).map_err(damaged)?;
            Ok::<_, StoreError>((reader, bytes))
        });
        let (reader, bytes) = read.await.map_err(|error| StoreError::Unfit(format!("fetch: {error}")))??;
        *place = Some(Box::new((reader, offset + bytes.len() as u64)));
        Ok(bytes)
    }
}

impl Fetch for Opened {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    fn read(&mut self, offset: u64, most: usize) -> BoxFuture<'_, Done<Vec<u8>>> {
        Box::pin(async move {
            if offset >= self.entry.size {
                self.is_at_end = true;
                return Ok(Vec::new());
            }
            let bytes = match &self.source {
                Source::Memory(all) => {
                    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
                    all[start..all.len().min(start.saturating_add(most))].to_vec()
                }
                Source::Reader(_) => self.read_on(offset, most).await.map_err(|error| unread(&error))?,
            };
            // With too many holes it is not seen as whole: then it stays unfetched, which is the safe side.
            let until = offset + bytes.len() as u64;
            let _ = self.seen.add(offset, until);
            // A session that is lost is noticed late, when its client has gone on in another.
            let (of, now) = ((self.file.mailbox_file_id.as_str(), self.address), self.service.now());
            self.service.mailboxes.parts().left(of, (offset, until), self.entry.size, now);
            Ok(bytes)
        })
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, Done<()>> {
        Box::pin(async move {
            let (size, now) = (self.entry.size, self.service.now());
            if self.is_at_end {
                let _ = self.seen.add(size.saturating_sub(1), size);
            }
            let of = (self.file.mailbox_file_id.as_str(), self.address);
            if !self.service.mailboxes.parts().closed(of, &self.seen, size, now) {
                return Ok(());
            }
            let (store, address) = (&self.service.store, self.address.to_string());
            let noted = store.mailbox_mark(&self.file, Mark::Fetched, &address, &self.actor, now).await;
            noted.map_err(|error| unkept(&error))?;
            let trace_id = telemetry::trace_id(&self.service, &self.file.transmission_id).await;
            tracing::info!(
                trace_id,
                transmission.id = self.file.transmission_id,
                delivery.id = self.file.delivery_id,
                "Fetched from its mailbox"
            );
            Ok(())
        })
    }

    fn left(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if self.is_at_end {
                // What could not be noted is told in the log; nobody is there who could be told.
                let _ = self.close().await;
            }
        })
    }
}

fn unread(error: &dyn std::fmt::Display) -> Refused {
    tracing::error!(error = %error, "A file of a mailbox cannot be read");
    Refused::failed("it cannot be read now; try again later")
}
