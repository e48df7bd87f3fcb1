//! How fast a channel or a partner is sent to: how many at once, how many in a time, when it is tried again, and when it is left
//! alone. How that is kept is `pipeline::pace`'s.

use super::shape::{Key, Shape, may, must};
use super::{parsed, parsed_option};
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// Deliveries at once over one channel that says nothing, so that a slow partner does not take all places.
pub const CONCURRENCY: usize = 4;
/// The most that may be said.
const CONCURRENCY_MAX: u64 = 256;
/// Attempts in one second, minute or hour, the most that may be said: each is remembered for so long.
const RATE_COUNT_MAX: u64 = 10_000;
/// Delays of one schedule.
const DELAYS_MAX: usize = 64;
/// The longest delay, a week in seconds.
const DELAY_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;
/// Minutes of a month: the longest that anything is tried.
const GIVE_UP_MINUTES_MAX: u64 = 31 * 24 * 60;
/// How far delays are spread either way, in percent.
const JITTER_PERCENT: u64 = 20;
/// Failures in a row after which a channel that says nothing is left alone.
const CIRCUIT_FAILURES: u32 = 5;
/// Seconds between probes of one that says nothing.
const CIRCUIT_SECONDS: u64 = 30;

const RATE_KEYS: &[Key] = &[
    must("count", Shape::Number(1, RATE_COUNT_MAX), "So many attempts"),
    must("per", Shape::Word(&["second", "minute", "hour"]), "Within any second, minute or hour"),
];
const RETRY_KEYS: &[Key] = &[
    must("seconds", Shape::List(&Shape::Number(1, DELAY_SECONDS_MAX)), "Seconds between attempts, one after the other"),
    may("jitter_percent", Shape::Number(0, 90), "How far they are spread either way; 20 when left out"),
    may(
        "give_up_minutes",
        Shape::Number(1, GIVE_UP_MINUTES_MAX),
        "After the delays listed, the last repeats until a delivery is so old; without it a delivery is parked after them",
    ),
];
const CIRCUIT_KEYS: &[Key] = &[
    may("failures", Shape::Number(1, 1_000), "Failures in a row after which it is left alone; 5 when left out"),
    may("seconds", Shape::Number(1, 24 * 60 * 60), "How long between probes; 30 when left out"),
];
/// Of [`Rate`].
pub(super) const RATE: Shape = Shape::Object(RATE_KEYS);
/// Of [`Retry`].
pub(super) const RETRY: Shape = Shape::Object(RETRY_KEYS);
/// Of [`Circuit`].
pub(super) const CIRCUIT: Shape = Shape::Object(CIRCUIT_KEYS);
/// Of how many go at once.
pub(super) const AT_ONCE: Shape = Shape::Number(1, CONCURRENCY_MAX);

/// So many attempts within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many.
    #[serde(deserialize_with = "parsed")]
    pub count: usize,
    /// Within which time.
    pub per: Per,
}

/// A time in which attempts are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Any second.
    Second,
    /// Any minute.
    Minute,
    /// Any hour.
    Hour,
}

impl Per {
    /// How long it is.
    #[must_use]
    pub fn time(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 60 * 60,
        })
    }
}

/// When a delivery that failed for now is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Seconds between attempts.
    #[serde(deserialize_with = "all_parsed")]
    pub seconds: Vec<u64>,
    /// How far they are spread either way, in percent.
    #[serde(default, deserialize_with = "parsed_option")]
    pub jitter_percent: Option<u64>,
    /// After those that are listed, the last delay repeats until a delivery is so old.
    #[serde(default, deserialize_with = "parsed_option")]
    pub give_up_minutes: Option<u64>,
}

fn all_parsed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let number = |text: String| text.parse().map_err(|_| format!("expected a whole number, found {text:?}"));
    texts.into_iter().map(number).collect::<Result<_, String>>().map_err(serde::de::Error::custom)
}

impl Retry {
    /// The delay before attempt `attempt + 1` of a delivery of some age, or `None` when that was the last. `dice`, from 0 to
    /// 1, spreads it; what the receiver asked for is the least.
    #[must_use]
    pub fn delay(&self, attempt: i64, age: Duration, asked: Option<Duration>, dice: f64) -> Option<Duration> {
        let at = usize::try_from(attempt).unwrap_or(1).saturating_sub(1);
        let seconds = match (self.seconds.get(at), self.give_up_minutes) {
            (Some(seconds), _) => *seconds,
            (None, Some(_)) => *self.seconds.last()?,
            (None, None) => return None,
        };
        #[allow(clippy::cast_precision_loss)]
        let jitter = self.jitter_percent.unwrap_or(JITTER_PERCENT) as f64 / 100.0;
        let own = Duration::from_secs(seconds).mul_f64(1.0 - jitter + 2.0 * jitter * dice);
        let delay = asked.map_or(own, |asked| asked.max(own));
        // Those that are listed are all tried, however old it is by then.
        let end = self.give_up_minutes.filter(|_| at >= self.seconds.len());
        (end.is_none_or(|minutes| age + delay <= Duration::from_secs(minutes * 60))).then_some(delay)
    }

    /// What is wrong with it by itself.
    pub(in crate::partner) fn check(&self, found: &mut Vec<String>) {
        let count = self.seconds.len();
        if count == 0 || count > DELAYS_MAX {
            found.push(format!("retry.seconds: expected 1 to {DELAYS_MAX} delays, found {count}"));
        }
    }
}

/// When a channel that fails is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Circuit {
    /// After so many failures in a row.
    #[serde(default, deserialize_with = "parsed_option")]
    pub failures: Option<u32>,
    /// Seconds between probes.
    #[serde(default, deserialize_with = "parsed_option")]
    pub seconds: Option<u64>,
}

impl Circuit {
    /// Failures in a row after which only probes go.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures.unwrap_or(CIRCUIT_FAILURES)
    }

    /// How long it is left alone between probes.
    #[must_use]
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(CIRCUIT_SECONDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_delay_repeats_only_until_it_is_given_up() {
        let retry = |give_up_minutes| Retry { seconds: vec![10, 60], jitter_percent: Some(0), give_up_minutes };
        let secs = Duration::from_secs;
        let delay = |give_up, attempt, age| retry(give_up).delay(attempt, secs(age), None, 0.5);
        assert_eq!((delay(None, 1, 0), delay(None, 2, 0), delay(None, 3, 0)), (Some(secs(10)), Some(secs(60)), None));
        assert_eq!((delay(Some(5), 9, 240), delay(Some(5), 9, 241)), (Some(secs(60)), None));
        assert_eq!(
            retry(None).delay(1, secs(0), Some(secs(30)), 0.5),
            Some(secs(30)),
            "what was asked for is the least"
        );
        assert_eq!(delay(Some(5), 2, 9_999), Some(secs(60)), "what is listed is tried, however old it is");
        let spread = Retry { jitter_percent: Some(50), ..retry(None) };
        assert_eq!(
            (spread.delay(1, secs(0), None, 0.0), spread.delay(1, secs(0), None, 1.0)),
            (Some(secs(5)), Some(secs(15)))
        );
    }
}
