//! Time as an argument: everything that needs "now" takes a `Timestamp` or a `Clock`.
//! It does not format dates of the standards; that is `mapping::function::date`.

pub use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A file with seconds by which the clock of a process is set off, read at every look. Fault tests set the clock with it.
pub const CLOCK_VARIABLE: &str = "PORTOLAN_CLOCK_FILE";
/// How far the clock of the machine may be behind the ledger's; one that was set back further is believed.
pub const AHEAD_MAX: Duration = Duration::from_secs(24 * 3600);

/// A source of the present time. The service runs on [`LedgerClock`]; tests hold a clock they move by hand.
pub trait Clock: Send + Sync {
    /// The present instant, UTC.
    fn now(&self) -> Timestamp;

    /// The present instant by the machine's clock, UTC: what others are told, who hold it against clocks of their own.
    fn machine(&self) -> Timestamp {
        self.now()
    }

    /// How far it is ahead of the machine's clock.
    fn ahead(&self) -> Duration {
        Duration::try_from(self.now().duration_since(self.machine())).unwrap_or_default()
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    // The one place that reads the machine's clock.
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
        let file = FILE.get_or_init(|| std::env::var_os(CLOCK_VARIABLE).map(PathBuf::from));
        let now = Timestamp::now();
        let Some(text) = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()) else { return now };
        now + jiff::SignedDuration::from_secs(text.trim().parse().unwrap_or(0))
    }
}

/// A clock that does not go back, so that nothing that waits for a time waits longer because somebody set the machine's
/// clock back. Then it goes on at half the speed until the machine's clock has caught up. Set back by more than [`AHEAD_MAX`], or
/// forward, it follows at once.
pub struct LedgerClock {
    machine: Arc<dyn Clock>,
    /// Time since some moment, which nobody sets.
    elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
    last: Mutex<Last>,
}

/// What was told last, and when by the time that nobody sets.
struct Last {
    told: Timestamp,
    at: Duration,
}

impl LedgerClock {
    /// A clock that begins no earlier than `not_before`, the last time that the ledger knows.
    #[must_use]
    pub fn new(machine: Arc<dyn Clock>, not_before: Option<Timestamp>) -> Self {
        let begin = Instant::now();
        Self::with_elapsed(machine, not_before, Box::new(move || begin.elapsed()))
    }

    fn with_elapsed(
        machine: Arc<dyn Clock>,
        not_before: Option<Timestamp>,
        elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
    ) -> Self {
        let told = not_before.unwrap_or(Timestamp::MIN);
        let last = Mutex::new(Last { told, at: elapsed() });
        Self { machine, elapsed, last }
    }
}

/// The time at which a ledger goes on whose last event has the time `last`, where the machine says `machine`.
#[must_use]
pub fn going_on(last: Option<Timestamp>, machine: Timestamp) -> Timestamp {
    last.filter(|last| !is_far_ahead(*last, machine)).map_or(machine, |last| last.max(machine))
}

fn is_far_ahead(told: Timestamp, machine: Timestamp) -> bool {
    Duration::try_from(told.duration_since(machine)).is_ok_and(|ahead| ahead > AHEAD_MAX)
}

impl Clock for LedgerClock {
    fn now(&self) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (machine, at) = (self.machine.now(), (self.elapsed)());
        let slow = last.told.saturating_add(at.saturating_sub(last.at) / 2).unwrap_or(machine);
        let told = if is_far_ahead(last.told, machine) {
            tracing::error!("The clock of this machine was set back by more than a day; what was due in between waits");
            machine
        } else {
            machine.max(slow)
        };
        *last = Last { told, at };
        last.told
    }

    fn machine(&self) -> Timestamp {
        self.machine.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two clocks that the test moves: seconds of the machine, and seconds that passed.
    #[derive(Clone, Default)]
    struct Hands(Arc<Mutex<(i64, u64)>>);

    impl Hands {
        fn set(&self, machine: i64, passed: u64) {
            *self.0.lock().expect("no panic held it") = (machine, passed);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.lock().expect("no panic held it").0).expect("a time")
        }
    }

    fn clock(hands: &Hands, not_before: Option<i64>) -> LedgerClock {
        let own = hands.clone();
        let elapsed = Box::new(move || Duration::from_secs(own.0.lock().expect("no panic held it").1));
        let not_before = not_before.map(|second| Timestamp::from_second(second).expect("a time"));
        LedgerClock::with_elapsed(Arc::new(hands.clone()), not_before, elapsed)
    }

    #[test]
    fn set_back_it_goes_on_at_half_the_speed_until_the_machine_has_caught_up() {
        let hands = Hands::default();
        hands.set(10_000, 0);
        let clock = clock(&hands, None);
        assert_eq!(clock.now().as_second(), 10_000);
        hands.set(10_000 - 3600, 0);
        assert_eq!((clock.now().as_second(), clock.ahead()), (10_000, Duration::from_secs(3600)));
        assert_eq!(clock.machine().as_second(), 10_000 - 3600);
        hands.set(10_000 - 3600 + 100, 100);
        assert_eq!((clock.now().as_second(), clock.ahead()), (10_050, Duration::from_secs(3550)));
        hands.set(10_000 + 3600, 7200);
        assert_eq!((clock.now().as_second(), clock.ahead()), (10_000 + 3600, Duration::ZERO));
    }

    #[test]
    fn set_forward_it_follows_at_once() {
        let hands = Hands::default();
        hands.set(10_000, 0);
        let clock = clock(&hands, None);
        assert_eq!(clock.now().as_second(), 10_000);
        hands.set(13_600, 1);
        assert_eq!((clock.now().as_second(), clock.ahead()), (13_600, Duration::ZERO));
    }

    #[test]
    fn it_begins_where_the_ledger_ended_unless_that_is_more_than_a_day_ahead() {
        let hands = Hands::default();
        hands.set(1_000_000, 0);
        assert_eq!(clock(&hands, Some(1_003_600)).now().as_second(), 1_003_600);
        assert_eq!(clock(&hands, Some(1_000_000 + 86_401)).now().as_second(), 1_000_000);
        assert_eq!(clock(&hands, Some(999_000)).now().as_second(), 1_000_000);
    }
}
