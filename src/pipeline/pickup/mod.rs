//! Files that we fetch: channels of way in whose other side is a folder, here or on a partner's server. Each is looked at as often
//! as it says, one round at a time (`round`), or at the times of its schedule (`time`). A file is in the ledger, synced and committed, before anything is done to it there,
//! so that a kill at any moment loses nothing and takes nothing twice.

mod round;
mod time;

use super::state::Service;
use super::turns::Turns;
use crate::clock::Timestamp;
use crate::partner::{Channel, Way};
use crate::store::pause::PauseKind;
use crate::store::{Micros, Result, StoreError};
use crate::transport::place::Trouble;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often it is seen whose turn it is.
const TICK: Duration = Duration::from_millis(500);
/// Folders that are looked at at once.
const PLACES: usize = 8;
/// How long to wait after a failure where the configuration has no schedule.
const WAIT_UNSAID: Duration = Duration::from_secs(60);
/// How long a stop waits for a round.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// Files in trouble that are told, of one channel.
const TROUBLES_MAX: usize = 100;

/// A file that could not be taken, or to which nothing could be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileTrouble {
    /// Its name.
    pub name: String,
    /// What is wrong and what to do.
    pub reason: String,
    /// Since when.
    pub since: Micros,
    /// When it is tried again.
    pub next_at: Micros,
    /// What it was then; one that changed is tried at once.
    #[serde(skip)]
    was: (u64, i64),
}

/// How a channel is doing since this process began.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PickupState {
    /// When it was looked last, and that went well.
    pub looked_at: Option<Micros>,
    /// Files that were meant for the channel then.
    pub listed: usize,
    /// Rounds in a row that failed, without those for which there was no room here.
    pub failures: i64,
    /// Since when.
    pub failing_since: Option<Micros>,
    /// Why: a stable word.
    pub code: Option<String>,
    /// The same for people.
    pub reason: Option<String>,
    /// When it is looked next.
    pub next_at: Option<Micros>,
    /// Since when more files lie there than are listed at once; none: they do not.
    pub cut_since: Option<Micros>,
    /// Files that wait for somebody.
    pub troubles: Vec<FileTrouble>,
}

impl PickupState {
    /// What is said of a folder with more files than are listed at once.
    #[must_use]
    pub fn cut() -> String {
        format!("more than {} files for it lie there, and those behind are not seen", round::LISTED_MAX)
    }
}

/// What is known of a channel between two rounds.
#[derive(Default)]
struct Known {
    channel: Option<Channel>,
    state: PickupState,
    /// The files of the last look, with size and time.
    seen: HashMap<String, (u64, i64)>,
    /// Those of them that were taken and stay.
    kept: HashMap<String, (u64, i64)>,
    troubles: BTreeMap<String, FileTrouble>,
    /// Looks that followed one whose time came by its schedule.
    following: u32,
    /// It was paused when it was due last: the time at hand is of no schedule.
    is_paused: bool,
}

/// What of pick-ups lives in this process only.
#[derive(Default)]
pub struct Pickups(Mutex<HashMap<String, Known>>);

impl Pickups {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a channel is doing.
    #[must_use]
    pub fn state(&self, name: &str) -> PickupState {
        let all = self.all();
        let Some(known) = all.get(name) else { return PickupState::default() };
        PickupState { troubles: known.troubles.values().cloned().collect(), ..known.state.clone() }
    }

    /// Whether it is a channel's turn. One that was changed begins anew.
    fn is_due(&self, name: &str, channel: &Channel, now: Timestamp) -> bool {
        let mut all = self.all();
        let known = all.entry(name.to_owned()).or_default();
        if known.channel.as_ref() != Some(channel) {
            *known = Known { channel: Some(channel.clone()), ..Known::default() };
        }
        known.state.next_at.is_none_or(|at| at.0 <= now.as_microsecond())
    }

    /// Resources have changed, calendars perhaps: when a schedule has its next time is found anew.
    pub fn forget_times(&self) {
        for known in self.all().values_mut().filter(|one| one.following == 0 && one.state.failures == 0) {
            if known.channel.as_ref().and_then(|one| one.pickup.as_ref()).is_some_and(|one| one.schedule.is_some()) {
                known.state.next_at = None;
            }
        }
    }

    fn with<T>(&self, name: &str, work: impl FnOnce(&mut Known) -> T) -> T {
        work(self.all().entry(name.to_owned()).or_default())
    }
}

/// Why a round ended before its end.
enum Failed {
    /// The place, or what is needed to reach it: a stable word and a sentence.
    Place(&'static str, String),
    /// The disk here is full, or what is left of it is kept.
    Full(String),
    /// The ledger.
    Store(StoreError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error.is_full() {
            true => Failed::Full(error.to_string()),
            false => Failed::Store(error),
        }
    }
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused { code, reason } => Failed::Place(code, reason),
            Trouble::NotReached(reason) => Failed::Place("NOT-REACHED", reason),
            other => Failed::Place("FOLDER", other.to_string()),
        }
    }
}

/// Looks at all folders until told to stop.
pub async fn run(service: Arc<Service>, stop: CancellationToken) {
    let (mut running, mut turns) = (JoinSet::new(), Turns::new(PLACES));
    while !stop.is_cancelled() {
        while let Some(ended) = running.try_join_next_with_id() {
            turns.ended(ended);
        }
        let directory = service.directory();
        let places = directory.channels().filter(|(_, one)| one.way == Way::In && one.pickup.is_some());
        let due = places.filter(|(name, channel)| service.pickups.is_due(name, channel, service.now()));
        let due: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        for name in turns.next(&due) {
            let Some(channel) = directory.channel(&name).cloned() else { continue };
            let (service, stop, own) = (service.clone(), stop.clone(), name.clone());
            let begun = running.spawn(async move {
                if let Err(error) = one(&service, &own, &channel, &stop).await
                    && !matches!(error, StoreError::Stopped)
                {
                    tracing::error!(channel = own, error = %error, "Files could not be picked up; they will be");
                }
            });
            turns.begun(begun.id(), name);
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = stop.cancelled() => {}
        }
    }
    let all = async { while running.join_next().await.is_some() {} };
    // What was not taken by then lies there at the next start.
    let _ = tokio::time::timeout(STOP_WAIT, all).await;
}

/// One round of a channel, and when the next is.
async fn one(service: &Service, name: &str, channel: &Channel, stop: &CancellationToken) -> Result<()> {
    let Some(pickup) = &channel.pickup else { return Ok(()) };
    let every = Duration::from_secs(pickup.every_seconds);
    if service.store.paused(service.now()).await?.of(PauseKind::Channel, name).is_some() {
        // What lies there waits there, and that nobody looks is no failure.
        service.pickups.with(name, |known| {
            let looked_at = known.state.looked_at;
            known.state =
                PickupState { looked_at, next_at: Some((service.now() + every).into()), ..PickupState::default() };
            known.troubles.clear();
            known.is_paused = true;
        });
        return Ok(());
    }
    if service.pickups.with(name, |known| std::mem::take(&mut known.is_paused)) && pickup.schedule.is_some() {
        service.pickups.with(name, |known| known.state.next_at = None);
    }
    if let Some(when) = &pickup.schedule
        && !time::is_time(service, name, when).await?
    {
        return Ok(());
    }
    let began = service.now();
    let done = round::round(service, (name, channel, pickup), stop).await;
    let now = service.now();
    match done {
        Ok(looked) => {
            let next_at = time::next(service, name, pickup, looked, began).await?;
            let (was_failing, was_cut) = service.pickups.with(name, |known| {
                let (was_failing, was_cut) = (known.state.code.is_some(), known.state.cut_since);
                known.state = PickupState {
                    looked_at: Some(now.into()),
                    listed: looked.listed,
                    next_at: Some(next_at),
                    cut_since: looked.is_cut.then(|| was_cut.unwrap_or(now.into())),
                    ..PickupState::default()
                };
                (was_failing, was_cut)
            });
            if looked.is_cut && was_cut.is_none() {
                tracing::warn!(channel = name, "More files lie in its folder than are listed at once");
            }
            if was_failing {
                tracing::info!(channel = name, "Its folder can be looked at again");
            }
            Ok(())
        }
        Err(failed) => {
            let (before, was) = service.pickups.with(name, |known| (known.state.failures, known.state.code.clone()));
            let count = i64::try_from(service.config.delivery.retry_seconds.len()).unwrap_or(i64::MAX);
            let backoff = |failures: i64| service.retry_delay(failures.min(count), None).unwrap_or(WAIT_UNSAID);
            let (failures, wait) = after(&failed, before, every, backoff);
            let (code, reason, own) = match failed {
                Failed::Place(code, reason) => (code, reason, None),
                Failed::Full(reason) => ("STORAGE-FULL", reason, None),
                Failed::Store(error) => ("LEDGER", "the ledger failed".to_owned(), Some(error)),
            };
            if was.is_none() {
                tracing::warn!(channel = name, code, reason, "Its folder cannot be looked at");
            }
            service.pickups.with(name, |known| {
                let state = &mut known.state;
                state.failures = failures;
                state.failing_since = state.failing_since.or(Some(now.into()));
                (state.code, state.reason) = (Some(code.to_owned()), Some(reason));
                state.next_at = Some((now + wait).into());
            });
            own.map_or(Ok(()), Err)
        }
    }
}

/// How many rounds in a row failed after one more, and how long the folder is left alone. That the disk here is full says nothing
/// of the place: it is looked at as often as ever, so that it goes on when there is room.
fn after(failed: &Failed, before: i64, every: Duration, backoff: impl Fn(i64) -> Duration) -> (i64, Duration) {
    match failed {
        Failed::Full(_) => (before, every),
        Failed::Place(..) | Failed::Store(_) => (before + 1, backoff(before + 1).max(every)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_left_alone_for_longer_when_it_fails_and_not_when_there_is_no_room_here() {
        let every = Duration::from_secs(5);
        let waits =
            |failed: Failed| after(&failed, 3, every, |failures| Duration::from_secs(100 * failures.unsigned_abs()));
        let full = StoreError::NoRoom { reserve_mb: 1024, free_mb: 10 };
        assert_eq!(waits(full.into()), (3, every));
        assert_eq!(waits(StoreError::Unfit("No space left on device".to_owned()).into()), (3, every));
        assert_eq!(waits(Trouble::NotReached("away".to_owned()).into()), (4, Duration::from_secs(400)));
        assert_eq!(waits(StoreError::Unreachable.into()), (4, Duration::from_secs(400)));
    }
}
