//! The sums of the ledger, counted in one place. To count them reads much of the ledger, so what was counted last is remembered with
//! its time, and nothing is counted again before a pause that is many times as long. Whoever asks has the last, or waits a
//! moment for what is being counted.

use super::state::Service;
use crate::clock::Timestamp;
use crate::store::count::Balance;
use crate::store::{Result, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// From the begin of a count to that of the next, in times that it took: so it takes 2 percent of one core at most.
pub const PAUSE_TIMES: u32 = 50;
/// How long a machine waits for what is being counted; then it has what was counted before.
const MACHINE_WAITS: Duration = Duration::from_millis(500);
/// The same for a person.
const PERSON_WAITS: Duration = Duration::from_secs(5);

/// What was counted at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The equations of the ledger.
    pub balances: Vec<Balance>,
    /// How many acknowledgments that we await or got are in each level and state.
    pub ack_states: Vec<(String, String, i64)>,
    /// How many documents have each acknowledgment status, in and out.
    pub ack_counts: Vec<(String, String, i64)>,
    /// When.
    pub at: Timestamp,
    /// How long that took.
    pub took: Duration,
    /// Which count it is, from 1.
    number: u64,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// One that asks again and again.
    ByMachine,
    /// Somebody who wants to see how it is now: counted at once, unless that takes longer than a person waits.
    ByPerson,
}

impl Asked {
    fn waits(self) -> Duration {
        match self {
            Asked::ByMachine => MACHINE_WAITS,
            Asked::ByPerson => PERSON_WAITS,
        }
    }

    /// Whether it is counted anew, where what was counted `at` some time took so long.
    fn is_due(self, last: Option<(Timestamp, Duration)>, now: Timestamp) -> bool {
        let Some((at, took)) = last else { return true };
        let is_quick = self == Asked::ByPerson && took <= PERSON_WAITS;
        // What was counted in a time to come was so by a clock that was set right since.
        is_quick || now < at || now >= at + took * PAUSE_TIMES
    }
}

/// What was counted last.
#[derive(Debug)]
pub struct Sums {
    last: watch::Sender<Option<Arc<Counted>>>,
    wanted: Notify,
    by_person: AtomicBool,
    begun: AtomicU64,
}

impl Default for Sums {
    fn default() -> Self {
        Sums {
            last: watch::Sender::new(None),
            wanted: Notify::new(),
            by_person: AtomicBool::new(false),
            begun: AtomicU64::new(0),
        }
    }
}

impl Sums {
    /// What was counted last, if anything was.
    #[must_use]
    pub fn last(&self) -> Option<Arc<Counted>> {
        self.last.borrow().clone()
    }

    fn is_due(&self, asked: Asked, now: Timestamp) -> bool {
        asked.is_due(self.last().map(|last| (last.at, last.took)), now)
    }

    /// What was counted last; counted anew where that is due. Then whoever asks waits a moment for it.
    pub async fn counted(&self, asked: Asked, now: Timestamp) -> Option<Arc<Counted>> {
        if !self.is_due(asked, now) {
            return self.last();
        }
        // A person wants what was begun after the question, a machine whatever is newer.
        let known = match asked {
            Asked::ByPerson => self.begun.load(Ordering::SeqCst),
            Asked::ByMachine => self.last().map_or(0, |last| last.number),
        };
        let mut coming = self.last.subscribe();
        if asked == Asked::ByPerson {
            self.by_person.store(true, Ordering::SeqCst);
        }
        self.wanted.notify_one();
        let newer = coming.wait_for(|last| last.as_ref().is_some_and(|last| last.number > known));
        // Whether it came in time or not, the last is the answer.
        drop(tokio::time::timeout(asked.waits(), newer).await);
        self.last()
    }

    /// Counts, if that is due.
    ///
    /// # Errors
    /// The database failed; what was counted before stays.
    pub async fn count(&self, store: &Store, now: Timestamp) -> Result<()> {
        let asked = match self.by_person.swap(false, Ordering::SeqCst) {
            true => Asked::ByPerson,
            false => Asked::ByMachine,
        };
        if !self.is_due(asked, now) {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let counted = Counted { number, ..count(store, now).await? };
        self.last.send_replace(Some(Arc::new(counted)));
        Ok(())
    }
}

/// Counts now, whenever that was done last.
///
/// # Errors
/// The database failed.
pub async fn count(store: &Store, now: Timestamp) -> Result<Counted> {
    let begin = tokio::time::Instant::now();
    let balances = store.balances().await?;
    let (ack_states, ack_counts) = (store.ack_states().await?, store.ack_counts().await?);
    Ok(Counted { balances, ack_states, ack_counts, at: now, took: begin.elapsed(), number: 0 })
}

/// Counts when somebody asks, until told to stop.
pub async fn run(service: Arc<Service>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = service.sums.wanted.notified() => {}
            () = stop.cancelled() => return,
        }
        let done = tokio::select! {
            done = service.sums.count(&service.store, service.now()) => done,
            () = stop.cancelled() => return,
        };
        match done {
            Ok(()) | Err(StoreError::Stopped) => service.trouble.over("SUMS"),
            Err(error) => {
                tracing::error!(error = %error, "The sums of the ledger could not be counted; they will be");
                service.trouble.note("SUMS", &error.to_string(), service.now());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SystemRandom;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + milliseconds).expect("a time")
    }

    fn took(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn what_took_long_is_counted_again_after_a_long_pause() {
        let (machine, person) = (Asked::ByMachine, Asked::ByPerson);
        assert!(machine.is_due(None, at(0)) && person.is_due(None, at(0)));
        // 20 ms: a pause of a second.
        let quick = Some((at(0), took(20)));
        assert_eq!([0, 999, 1000, 2000].map(|now| machine.is_due(quick, at(now))), [false, false, true, true]);
        assert_eq!([0, 1, 999].map(|now| person.is_due(quick, at(now))), [true; 3], "a person sees how it is now");
        // 6 s: a pause of five minutes, for persons as well.
        let slow = Some((at(0), took(6000)));
        for asked in [machine, person] {
            assert_eq!([0, 299_999, 300_000].map(|now| asked.is_due(slow, at(now))), [false, false, true]);
        }
        assert!(machine.is_due(slow, at(-1)), "the clock was ahead");
    }

    async fn ledger(folder: &std::path::Path) -> Store {
        Store::init(folder, &SystemRandom).expect("a data directory");
        let opened = Store::open(folder, None, Arc::new(SystemRandom), "test", at(0)).await;
        opened.expect("a ledger").0
    }

    #[tokio::test]
    async fn it_is_counted_after_the_pause_and_not_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, sums) = (ledger(folder.path()).await, Sums::default());
        assert_eq!(sums.last(), None);
        sums.count(&store, at(0)).await.expect("counts");
        let first = sums.last().expect("it was counted");
        assert_eq!((first.number, first.at), (1, at(0)));
        assert!(first.balances.len() >= 7 && first.balances.iter().all(|one| one.holds), "{:?}", first.balances);
        // As if it had taken two seconds.
        let slow = |seconds: u64| Counted { took: took(seconds * 1000), ..Counted::clone(&first) };
        sums.last.send_replace(Some(Arc::new(slow(2))));
        sums.count(&store, at(99_999)).await.expect("not yet");
        assert_eq!(sums.last().map(|last| last.number), Some(1), "not before the pause is over");
        sums.count(&store, at(100_000)).await.expect("counts");
        let second = sums.last().expect("it was counted");
        assert_eq!((second.number, second.at), (2, at(100_000)));
        assert!(second.took < took(2000), "{:?}", second.took);
        // A person's question goes before the pause, but not where that takes long.
        for (seconds, number) in [(2_u64, 3), (60, 3)] {
            sums.last.send_replace(Some(Arc::new(Counted { number, ..slow(seconds) })));
            sums.by_person.store(true, Ordering::SeqCst);
            sums.count(&store, at(1)).await.expect("a look");
            let is_new = sums.last().is_some_and(|last| last.at == at(1));
            assert_eq!(is_new, seconds == 2, "{seconds}");
        }
        store.close().await;
    }

    #[tokio::test]
    async fn who_asks_waits_a_moment_and_has_the_last_where_nothing_newer_comes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, sums) = (ledger(folder.path()).await, Arc::new(Sums::default()));
        let counting = tokio::spawn({
            let (store, sums) = (store.clone(), sums.clone());
            async move {
                sums.wanted.notified().await;
                sums.count(&store, at(0)).await.expect("counts");
                sums.wanted.notified().await;
            }
        });
        let first = sums.counted(Asked::ByMachine, at(0)).await.expect("it was counted for whoever asked");
        assert_eq!(first.at, at(0));
        // Nobody counts any more: the last is given, late by a moment.
        let long = at(10_000_000);
        assert_eq!(sums.counted(Asked::ByMachine, long).await.expect("the last").at, at(0));
        counting.await.expect("it was asked for");
        store.close().await;
    }
}
