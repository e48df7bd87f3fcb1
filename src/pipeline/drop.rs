//! Deliveries into folders, here or on a partner's server: written under a temporary name, synced where the place can, and renamed.
//! Its name is the same at each attempt and no other delivery's, so that a repeat looks first: what lies there whole is delivered.

use super::deliver::attempted;
use super::file_name::file_name;
use super::pace::{self, Reached};
use super::places::{PlaceOf, place_of};
use super::state::Service;
use crate::partner::Channel;
use crate::store::commit::deliver::{AttemptEnd, AttemptFacts};
use crate::store::delivery::Delivery;
use crate::store::job::Job;
use crate::store::payload::Payload;
use crate::store::transmission::Transmission;
use crate::store::{Result, StoreError, hexadecimal};
use crate::transport::http::send::SLOWEST_BYTES_A_SECOND;
use crate::transport::place::{Done, Place, Trouble};
use crate::transport::source::Source;
use aws_lc_rs::digest::{Context, SHA256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Names that are tried in one attempt.
const NAMES_TRIED: usize = 22;

/// Runs a deliver job whose channel is a folder.
///
/// # Errors
/// The lease was lost, or the ledger failed; the job is then run again, and looks first.
pub(super) async fn deliver(
    service: &Service,
    (job, given): (&Job, &mut pace::Place),
    delivery: &Delivery,
    transmission: &Transmission,
    channel: &Channel,
) -> Result<Reached> {
    let source = match service.store.payload_source(&transmission.payload_id).await {
        Ok(source) => source,
        Err(error) if !error.is_lasting() => return Err(error),
        Err(error) => return park(service, job, "STORAGE", &format!("its bytes cannot be read: {error}")).await,
    };
    let of = match place_of(service, channel).await {
        Ok(of) => of,
        Err(unready) => {
            let (code, reason) = unready.told()?;
            return park(service, job, code, &reason).await;
        }
    };
    let wanted = file_name(service, delivery, transmission, channel).await?;
    let own = (delivery.delivery_id.as_str(), delivery.channel.as_str());
    let name = service.store.dropped_name(own, &wanted, None, service.now()).await?;
    let sending = service.store.deliver_sending(job, &format!("{}/{name}", of.shown()), service.now()).await?;
    service.pace.send(&service.directory(), given, service.now());
    let in_doubt = AtomicBool::new(false);
    let payload = source.payload().clone();
    let payload_size = payload.size;
    let putting = Putting {
        service,
        own,
        wanted: &wanted,
        of: &of,
        source: Arc::new(source),
        payload,
        is_repeat: sending.attempts > 1,
        in_doubt: &in_doubt,
    };
    let patience = patience(service.config.delivery.attempt_seconds, payload_size);
    let begin = Instant::now();
    let done = tokio::time::timeout(patience, putting.put(name.clone())).await;
    let took = begin.elapsed();
    let late = || Ended::Place(Trouble::NotReached(format!("it was not done within {} s", patience.as_secs())));
    let done = match done.unwrap_or_else(|_| Err(late())) {
        Err(Ended::Store(error)) => return Err(error),
        Err(Ended::Place(trouble)) => Err(trouble),
        Ok(last) => Ok(last),
    };
    let later = |reason: String, at: fn(crate::clock::Timestamp) -> AttemptEnd, code: &'static str| match service
        .delivery_delay(&sending, sending.attempts, None)
    {
        Some(delay) => (at(service.now() + delay), code, reason),
        None => (AttemptEnd::Park, "RETRIES-SPENT", format!("{reason}; all retries are spent")),
    };
    let (reached, word, (end, code, reason)) = match done {
        Ok(last) => {
            let reason = if last == name { String::new() } else { format!("it lies there as {last}") };
            (Reached::Yes, "delivered", (AttemptEnd::Delivered, "", reason))
        }
        Err(trouble) if in_doubt.load(Ordering::SeqCst) => {
            let reason = format!("its name was being given when the answer was lost: {trouble}");
            let end = match sending.on_uncertain.as_str() {
                "hold" => (AttemptEnd::Hold, "UNCERTAIN", reason),
                _ => match later(reason, AttemptEnd::Uncertain, "UNCERTAIN") {
                    // It stays in doubt, and whoever sends it again is told.
                    (AttemptEnd::Park, _, reason) => (AttemptEnd::Park, "UNCERTAIN", reason),
                    waits => waits,
                },
            };
            (Reached::No, "uncertain", end)
        }
        Err(Trouble::Refused { code, reason }) => (Reached::Untold, "permanent", (AttemptEnd::Park, code, reason)),
        // A full disk there, a right that somebody gives: another time it may go.
        Err(Trouble::File(reason)) => (Reached::Yes, "transient", later(reason, AttemptEnd::Retry, "REFUSED")),
        Err(other) => (Reached::No, "transient", later(other.to_string(), AttemptEnd::Retry, "NOT-REACHED")),
    };
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let facts = AttemptFacts { code: filled(code), detail: filled(&reason), ..AttemptFacts::default() };
    attempted(service, &sending, word, took).await;
    service.store.deliver_result(job, end, facts, service.now()).await?;
    Ok(reached)
}

async fn park(service: &Service, job: &Job, code: &str, reason: &str) -> Result<Reached> {
    service.store.deliver_park(job, code, reason, service.now()).await?;
    Ok(Reached::Nothing)
}

/// Why an attempt ended.
enum Ended {
    Place(Trouble),
    Store(StoreError),
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        Ended::Place(trouble)
    }
}

struct Putting<'p> {
    service: &'p Service,
    /// The delivery and its channel.
    own: (&'p str, &'p str),
    wanted: &'p str,
    of: &'p PlaceOf,
    source: Arc<dyn Source>,
    payload: Payload,
    /// An earlier attempt may have put it there.
    is_repeat: bool,
    /// Set while its name is being given.
    in_doubt: &'p AtomicBool,
}

impl Putting<'_> {
    /// Puts it there; the name under which it lies.
    async fn put(self, mut name: String) -> std::result::Result<String, Ended> {
        let mut place = self.of.open().await?;
        for _ in 0..NAMES_TRIED {
            let temporary = temporary(&name);
            if self.is_there(&mut *place, &name).await? {
                if self.is_repeat && self.is_ours(&mut *place, &name).await? {
                    // One was left where names are given by linking. Whether it is removed does not matter.
                    let _ = place.remove(&temporary).await;
                    return Ok(name);
                }
                name = self.next(&name).await?;
                continue;
            }
            place.put(&temporary, self.source.clone()).await?;
            crate::fail::fail_point("drop.put");
            self.in_doubt.store(true, Ordering::SeqCst);
            let renamed = place.rename(&temporary, &name).await;
            // Where its connection was lost, nobody knows.
            self.in_doubt.store(matches!(renamed, Err(Trouble::NotReached(_))), Ordering::SeqCst);
            match renamed {
                Ok(()) => {
                    crate::fail::fail_point("drop.renamed");
                    return Ok(name);
                }
                Err(Trouble::Taken) => {
                    let _ = place.remove(&temporary).await;
                    name = self.next(&name).await?;
                }
                Err(trouble) => return Err(trouble.into()),
            }
        }
        let reason = format!("all names like {} are taken there; clear the folder, or mend file_name", self.wanted);
        Err(Trouble::File(reason).into())
    }

    async fn next(&self, taken: &str) -> std::result::Result<String, Ended> {
        let named = self.service.store.dropped_name(self.own, self.wanted, Some(taken), self.service.now()).await;
        named.map_err(Ended::Store)
    }

    async fn is_there(&self, place: &mut dyn Place, name: &str) -> Done<bool> {
        match place.look(name).await {
            Ok(found) => Ok(found.is_some()),
            // A folder, say: the name is not free.
            Err(Trouble::File(_)) => Ok(true),
            Err(trouble) => Err(trouble),
        }
    }

    /// Whether what lies there is what is to be put there: by its size, and by its bytes where they may be read.
    async fn is_ours(&self, place: &mut dyn Place, name: &str) -> Done<bool> {
        let Ok(Some(found)) = place.look(name).await else { return Ok(false) };
        if i64::try_from(found.size) != Ok(self.payload.size) {
            return Ok(false);
        }
        let mut context = Context::new(&SHA256);
        let read = place
            .read(name, &mut |bytes| {
                context.update(bytes);
                Ok(())
            })
            .await;
        match read {
            Ok(()) => Ok(hexadecimal(context.finish().as_ref()) == self.payload.digest),
            // Many servers let us write and not read.
            Err(Trouble::File(_)) => Ok(true),
            Err(trouble) => Err(trouble),
        }
    }
}

/// How long an attempt may take: as for a post, no server is waited for that is slower than the least pace. Each of its answers has
/// a time of its own besides.
fn patience(attempt_seconds: u64, size: i64) -> Duration {
    Duration::from_secs(attempt_seconds + u64::try_from(size).unwrap_or(0) / SLOWEST_BYTES_A_SECOND)
}

/// The name under which a file is written: one that those who look for whole files leave alone.
fn temporary(name: &str) -> String {
    format!(".{name}.part")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_has_the_time_that_a_slow_line_needs() {
        assert_eq!(patience(60, 0), Duration::from_secs(60));
        let gigabyte = 1 << 30;
        // A megabit a second.
        assert!(patience(60, gigabyte) > Duration::from_secs((gigabyte as u64) * 8 / 1_000_000));
    }
}
