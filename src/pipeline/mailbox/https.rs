//! Mailboxes over HTTPS: the same folders and files as over SFTP, for who shows a token of the mailbox. What is put is a
//! transmission by the commit that its 201 is answered after; what was taken under a lease comes back unless it is confirmed.

use super::folders::{MailboxFiles, Use};
use super::gate::{MailboxGate, may_come_from};
use super::ranges::Ranges;
use super::upload::{Target, keep};
use crate::clock::Timestamp;
use crate::partner::{MailboxFolder, Repeats};
use crate::pipeline::measure;
use crate::pipeline::reach::from_hexadecimal;
use crate::pipeline::receive::{location, unavailable};
use crate::pipeline::state::Service;
use crate::pipeline::telemetry;
use crate::store::claim::NewClaim;
use crate::store::commit::receive::Reception;
use crate::store::mailbox::{Held, LEASE_FILES_MAX, LEASE_SECONDS, MailboxFile, Mark};
use crate::store::{Actor, Cursor, PAGE_ROWS_MAX, Page as RowPage, Spool, StoreError};
use crate::transport::http::mailbox::{AskedLease, Done, Doors, Fetched, Kept, Lying, Mailbox, Page};
use crate::transport::http::receive::{Answer, Intake, Refusal};
use crate::transport::sftp::files::{Files as _, Refused, Status};
use crate::transport::sftp::path::check_name;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::future::ready;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The answer to a file that was taken.
const CREATED: u16 = 201;
const JSON: &str = "application/json";

/// Lets in to the mailboxes of a service.
pub struct MailboxDoors(pub Arc<Service>);

fn refusal(status: u16, code: &'static str, detail: impl Into<String>) -> Refusal {
    Refusal { status, code, detail: detail.into() }
}

impl Doors for MailboxDoors {
    fn open<'d>(
        &'d self,
        mailbox: &'d str,
        shown: Option<&'d str>,
        address: IpAddr,
    ) -> BoxFuture<'d, Result<Arc<dyn Mailbox>, Refusal>> {
        Box::pin(async move {
            let service = &self.0;
            if !service.mailboxes.bans().hears(address, service.now()) {
                let detail = "too many wrong proofs came from this address; come back in a quarter of an hour";
                return Err(refusal(429, "NOT-HEARD", detail));
            }
            let scope = format!("mailbox:{mailbox}");
            let shown = shown
                .and_then(|shown| shown.split_once(' '))
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let token = match shown {
                Some((_, token)) => service.store.token(token.trim(), service.now()).await,
                None => Ok(None),
            };
            let token = token.map_err(|error| unavailable(&error))?.filter(|token| token.scope == scope);
            let directory = service.directory();
            let found = directory.mailbox(mailbox).filter(|found| may_come_from(found, address));
            let (Some(token), Some(found)) = (token, found) else {
                metrics::counter!("portolan_mailbox_requests_total", "outcome" => "refused").increment(1);
                measure::not_let_in("partner");
                MailboxGate(service.clone()).count_failure(None, address).await;
                let detail =
                    "expected Authorization: Bearer with a token of this mailbox, from an address that may come in";
                return Err(refusal(401, "NOT-AUTHENTICATED", detail));
            };
            service.mailboxes.bans().succeeded(address);
            metrics::counter!("portolan_mailbox_requests_total", "outcome" => "in").increment(1);
            let Some(seat) = service.mailboxes.seat(mailbox, found.sessions) else {
                let detail =
                    format!("{} requests of this mailbox are under way; come back in a few seconds", found.sessions);
                return Err(refusal(429, "SESSIONS-MANY", detail));
            };
            let actor = Actor(format!("token:{}", token.token_id));
            let files = MailboxFiles { service: service.clone(), mailbox: mailbox.to_owned(), address, actor };
            Ok(Arc::new(Visit { files, _seat: seat }) as Arc<dyn Mailbox>)
        })
    }
}

/// A mailbox, for one request.
struct Visit {
    files: MailboxFiles,
    _seat: super::Seat,
}

/// A refusal of the mailbox as HTTP says it.
fn told(refused: Refused) -> Refusal {
    let (status, code) = match refused.status {
        Status::NoSuchFile => (404, "NOT-FOUND"),
        Status::PermissionDenied => (403, "NOT-ALLOWED"),
        _ => (503, "NOT-NOW"),
    };
    refusal(status, code, refused.text)
}

/// A file as it is told.
fn item(file: &MailboxFile) -> Value {
    json!({ "name": file.name, "id": file.mailbox_file_id, "size": file.size, "digest": file.digest,
        "created_at": file.created_at, "transmission": file.transmission_id, "fetched": file.fetched,
        "fetched_at": file.fetched_at, "leased": file.leased, "leased_until": file.leased_until })
}

impl Visit {
    fn store(&self) -> &crate::store::Store {
        &self.files.service.store
    }

    fn now(&self) -> Timestamp {
        self.files.service.now()
    }

    /// A folder out of which files are taken.
    fn outward(&self, folder: &str) -> Result<(), Refusal> {
        match self.files.folder(folder).map_err(told)? {
            Use::Out => Ok(()),
            Use::In(_) => {
                Err(refusal(403, "NOT-ALLOWED", format!("what is dropped in {folder} is not read back, nor taken")))
            }
        }
    }

    fn held(&self, folder: &str, lease: String, names: Option<Vec<String>>) -> Result<Held, Refusal> {
        self.outward(folder)?;
        if names.as_ref().is_some_and(|names| names.len() > LEASE_FILES_MAX as usize) {
            let detail = format!("a lease holds up to {LEASE_FILES_MAX} files; name as many at most");
            return Err(refusal(400, "BODY-INVALID", detail));
        }
        Ok(Held { mailbox: self.files.mailbox.clone(), folder: folder.to_owned(), lease, names })
    }
}

/// A lease that is another's by now, or our own failure.
fn lost(error: &StoreError) -> Refusal {
    match error {
        StoreError::Conflict(names) => {
            let detail = format!(
                "not held under this lease, or taken by another since it ended: {names}; nothing was changed, name the others \
                 without these"
            );
            refusal(409, "LEASE-LOST", detail)
        }
        error => unavailable(error),
    }
}

fn lasting(seconds: u32) -> Result<Duration, Refusal> {
    if LEASE_SECONDS.contains(&seconds) {
        return Ok(Duration::from_secs(u64::from(seconds)));
    }
    let (least, most) = (LEASE_SECONDS.start(), LEASE_SECONDS.end());
    Err(refusal(400, "BODY-INVALID", format!("expected {least} to {most} seconds, found {seconds}")))
}

impl Mailbox for Visit {
    fn folders(&self) -> Value {
        let directory = self.files.service.directory();
        let folders = directory.mailbox_folders(&self.files.mailbox).into_iter();
        let way = |folder: MailboxFolder<'_>| match folder {
            MailboxFolder::In(..) => "in",
            MailboxFolder::Out => "out",
            MailboxFolder::Errors => "errors",
        };
        json!({ "folders": folders.map(|(name, folder)| json!({ "name": name, "way": way(folder) })).collect::<Vec<_>>() })
    }

    fn list<'m>(&'m self, folder: &'m str, page: &'m Page) -> BoxFuture<'m, Result<Value, Refusal>> {
        Box::pin(async move {
            let full = if page.limit == 0 { PAGE_ROWS_MAX } else { page.limit.min(PAGE_ROWS_MAX) };
            if let Use::In(target) = self.files.folder(folder).map_err(told)? {
                // By name, and so is the page: what is on its way has no row.
                let after = page.after.as_deref().unwrap_or_default();
                let behind = target.drafts.list(folder).into_iter().filter(|(name, ..)| name.as_str() > after);
                let some: Vec<_> = behind.take(full as usize).collect();
                let next = some.last().filter(|_| some.len() == full as usize).map(|(name, ..)| name.clone());
                let item = |(name, size, at): &(String, u64, Timestamp)| json!({ "name": name, "size": size, "changed_at": at.as_microsecond(), "unfinished": true });
                return Ok(json!({ "items": some.iter().map(item).collect::<Vec<_>>(), "next": next }));
            }
            let after = page.after.as_ref().map(|text| text.parse::<Cursor>()).transpose();
            let after = after.map_err(|error| refusal(400, "CURSOR-INVALID", error.to_string()))?;
            let (page, since) = (RowPage { after, limit: full }, self.files.fetched_since());
            let rows = self.store().mailbox_folder_page(&self.files.mailbox, folder, since, &page).await;
            let rows = rows.map_err(|error| unavailable(&error))?;
            let last = rows.last().filter(|_| rows.len() == full as usize);
            let next =
                last.map(|last| Cursor { created_at: last.created_at, id: last.mailbox_file_id.clone() }.to_string());
            Ok(json!({ "items": rows.iter().map(item).collect::<Vec<_>>(), "next": next }))
        })
    }

    fn fetch<'m>(&'m self, folder: &'m str, name: &'m str) -> BoxFuture<'m, Result<Lying, Refusal>> {
        Box::pin(async move {
            self.outward(folder)?;
            let file = self.files.lying(folder, name).await.map_err(told)?;
            let source = self.store().payload_source(&file.payload_id).await.map_err(|error| unavailable(&error))?;
            let digest = from_hexadecimal(&source.payload().digest).unwrap_or_default();
            let (service, actor, address) = (self.files.service.clone(), self.files.actor.clone(), self.files.address);
            let at = file.created_at.timestamp();
            let fetched = Arc::new(Going { service, file, actor, address });
            Ok(Lying { source: Arc::new(source), digest, at, fetched })
        })
    }

    fn put(
        &self,
        folder: &str,
        name: &str,
        content_type: &str,
        key: Option<String>,
    ) -> Result<Box<dyn Intake>, Refusal> {
        let Use::In(target) = self.files.folder(folder).map_err(told)? else {
            return Err(refusal(403, "NOT-ALLOWED", format!("files are fetched from {folder}, not dropped into it")));
        };
        check_name(name).map_err(|refused| refusal(400, "NAME-INVALID", refused.text))?;
        let directory = self.files.service.directory();
        if self.files.configured(&directory).map_err(told)?.is_temporary(name) {
            let detail = "this is a name that waits for its rename over SFTP; here a file counts whole or not at all, send it \
                          under its own name";
            return Err(refusal(422, "NAME-TEMPORARY", detail));
        }
        target.service.store.has_room().map_err(|error| unavailable(&error))?;
        let spool = target.service.store.spool(target.limit, self.now()).leaving_reserve();
        let (name, content_type) = (name.to_owned(), content_type.to_owned());
        Ok(Box::new(Put { target, name, content_type, key, spool }))
    }

    fn remove<'m>(&'m self, folder: &'m str, name: &'m str) -> BoxFuture<'m, Result<(), Refusal>> {
        Box::pin(async move { self.files.remove(folder, name).await.map_err(told) })
    }

    fn lease<'m>(&'m self, folder: &'m str, asked: &'m AskedLease) -> BoxFuture<'m, Result<Value, Refusal>> {
        Box::pin(async move {
            self.outward(folder)?;
            if !(1..=LEASE_FILES_MAX).contains(&asked.files) {
                let detail = format!("expected 1 to {LEASE_FILES_MAX} files, found {}", asked.files);
                return Err(refusal(400, "BODY-INVALID", detail));
            }
            let (lasts, since) = (lasting(asked.seconds)?, self.files.fetched_since());
            let of = (self.files.mailbox.as_str(), folder);
            let leased = self.store().mailbox_lease(of, (asked.files, lasts), since, self.now()).await;
            let leased = leased.map_err(|error| unavailable(&error))?;
            let items: Vec<Value> = leased.files.iter().map(item).collect();
            Ok(json!({ "lease": leased.lease, "until": leased.until.as_microsecond(), "items": items }))
        })
    }

    fn confirm<'m>(&'m self, folder: &'m str, done: Done) -> BoxFuture<'m, Result<Value, Refusal>> {
        Box::pin(async move {
            let (held, address) = (self.held(folder, done.lease, Some(done.files))?, self.files.address.to_string());
            let confirmed = self.store().mailbox_confirm(&held, &address, &self.files.actor, self.now()).await;
            confirmed.map_err(|error| lost(&error))?;
            Ok(json!({ "confirmed": held.names }))
        })
    }

    fn hold<'m>(&'m self, folder: &'m str, kept: Kept) -> BoxFuture<'m, Result<Value, Refusal>> {
        Box::pin(async move {
            let lasts = kept.seconds.map(lasting).transpose()?;
            let (held, now) = (self.held(folder, kept.lease, kept.files)?, self.now());
            let names = self.store().mailbox_hold(&held, lasts, now).await.map_err(|error| lost(&error))?;
            Ok(match lasts {
                Some(lasts) => json!({ "held": names, "until": (now + lasts).as_microsecond() }),
                None => json!({ "given_back": names }),
            })
        })
    }
}

/// A file on its way out.
struct Going {
    service: Arc<Service>,
    file: MailboxFile,
    actor: Actor,
    address: IpAddr,
}

impl Fetched for Going {
    fn part(&self, start: u64, until: u64) {
        let (id, now) = (&self.file.mailbox_file_id, self.service.now());
        let size = u64::try_from(self.file.size).unwrap_or(0);
        // Should these parts be all of it by chance, it stays unfetched, which is the safe side.
        let _ = self.service.mailboxes.parts().add((id, self.address), &Ranges::of(start, until), size, now);
    }

    fn whole(&self, start: u64, until: u64) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let (id, now) = (&self.file.mailbox_file_id, self.service.now());
            let size = u64::try_from(self.file.size).unwrap_or(0);
            if !self.service.mailboxes.parts().add((id, self.address), &Ranges::of(start, until), size, now) {
                return Ok(());
            }
            let (store, address) = (&self.service.store, self.address.to_string());
            let noted = store.mailbox_mark(&self.file, Mark::Fetched, &address, &self.actor, now).await;
            noted.map_err(|error| {
                tracing::error!(error = %error, "A fetch was not noted");
                io::Error::other("it could not be noted")
            })?;
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
}

/// A file being put.
struct Put {
    target: Target,
    name: String,
    content_type: String,
    key: Option<String>,
    spool: Spool,
}

impl Intake for Put {
    fn write<'w>(&'w mut self, bytes: &'w [u8]) -> BoxFuture<'w, Result<(), Refusal>> {
        Box::pin(ready(self.spool.write(bytes).map_err(|error| unavailable(&error))))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Answer, Refusal>> {
        Box::pin(async move { self.take().await })
    }
}

fn body(transmission_id: &str, name: &str) -> Vec<u8> {
    json!({ "transmission": transmission_id, "name": name, "state": "stored" }).to_string().into_bytes()
}

impl Put {
    async fn take(self) -> Result<Answer, Refusal> {
        let (target, name) = (self.target, self.name);
        let content = self.spool.finish().await.map_err(|error| unavailable(&error))?;
        let id = target.service.store.new_id("tra", target.service.now());
        let answer = body(&id, &name);
        let has_key = self.key.is_some();
        let key = match self.key {
            Some(key) => Some(NewClaim {
                scope: format!("http:{}", target.channel),
                key,
                answer_status: CREATED,
                answer_body: answer.clone(),
            }),
            // The same file again, also where it came over SFTP before.
            None => (target.repeats == Repeats::Answered).then(|| target.claim(&name, &content)),
        };
        let kept = keep(&target, &id, &name, (content, &self.content_type), key).await;
        let (transmission_id, answer, replayed) = match kept.map_err(|error| unavailable(&error))? {
            Reception::New => (id, answer, false),
            Reception::Replay { transmission_id, body: earlier, .. } => {
                let answer = if has_key { earlier } else { body(&transmission_id, &name) };
                (transmission_id, answer, true)
            }
            Reception::Conflict { transmission_id } => {
                let detail = format!(
                    "this Idempotency-Key came before with other bytes, as {transmission_id}; use a new key for new content"
                );
                return Err(refusal(422, "KEY-REUSED", detail));
            }
        };
        let location = location(&transmission_id);
        Ok(Answer { status: CREATED, content_type: JSON.into(), headers: Vec::new(), body: answer, location, replayed })
    }
}
