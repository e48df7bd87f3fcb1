//! `kind: alert`: what is watched, from when on it is too much, and how bad that is. What an instance watches without being told
//! stands in `alerts/alerts.yaml`; an alert of the same name takes its place. How it is looked at is `pipeline::alarm`'s, who is
//! told is a recipient's.

use super::calendar::time_of_day;
use super::shape::{Key, Shape, may, must};
use super::webhook::{check_events, wants};
use super::{Environment, Resource, parse, parsed_option};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// The alerts of an instance that says nothing of them.
const PACKED: &str = include_str!("../../../alerts/alerts.yaml");

/// Declares what can be watched, each with its word and the keys that it takes beside those of all.
macro_rules! watches {
    ($($(#[doc = $doc:literal])* $variant:ident = $word:literal [$($key:literal),*]),+ $(,)?) => {
        /// What can be watched.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
        pub enum Watch { $($(#[doc = $doc])* #[serde(rename = $word)] $variant),+ }

        impl Watch {
            /// All, in the order of the manual.
            pub const ALL: &'static [Watch] = &[$(Watch::$variant),+];
            /// Their words.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Watch::$variant => $word),+ }
            }

            /// What it is, for people.
            #[must_use]
            pub fn help(self) -> String {
                match self { $(Watch::$variant => concat!($($doc),*).trim().to_owned()),+ }
            }

            /// The keys that it takes beside watch, title, severity, enabled and count.
            #[must_use]
            pub fn keys(self) -> &'static [&'static str] {
                match self { $(Watch::$variant => &[$($key),*]),+ }
            }
        }
    };
}

watches! {
    /// Events of the ledger, so many within so many minutes.
    Events = "events" ["events", "within_minutes", "partners", "channels", "documents", "codes"],
    /// Documents that failed.
    Failed = "failed" ["partners", "channels", "documents", "codes", "environment"],
    /// Transmissions and documents that are held.
    Held = "held" ["partners", "channels", "documents", "codes", "environment", "minutes"],
    /// What is held while its sender waits for an answer that is due within hours.
    Unanswered = "unanswered" ["channels", "codes"],
    /// Deliveries that are parked, or held because nobody knows whether they arrived.
    Parked = "parked" ["partners", "channels", "codes"],
    /// Deliveries that are tried for longer than so many minutes.
    Retrying = "retrying" ["partners", "channels", "codes", "minutes"],
    /// Deliveries whose lane stands, since its first is parked or held.
    Lane = "lane" ["partners", "channels", "codes", "minutes"],
    /// Channels that fail again and again and are probed only, for longer than so many minutes.
    Circuit = "circuit" ["channels", "minutes"],
    /// Acknowledgments that did not come in time.
    Overdue = "overdue" ["partners", "codes"],
    /// Acknowledgments by which a partner refused what we sent.
    Rejected = "rejected" ["partners", "codes"],
    /// Acknowledgments that fit nothing we sent.
    Unmatched = "unmatched" ["partners", "codes"],
    /// Jobs that are due and wait for longer than so many minutes.
    Backlog = "backlog" ["codes", "minutes"],
    /// Nothing from somebody by a time of day, or for so many minutes.
    Silence = "silence" ["partners", "channels", "documents", "by", "calendar", "minutes"],
    /// Too many or too few transmissions within so many minutes.
    Rate = "rate" ["partners", "channels", "within_minutes", "at_least", "at_most", "calendar"],
    /// Files of a mailbox that its partner does not fetch for longer than so many minutes.
    Unfetched = "unfetched" ["channels", "minutes"],
    /// Folders that cannot be looked at or have too many files for longer than so many minutes, and files there that wait for somebody.
    Pickup = "pickup" ["channels", "codes", "minutes"],
    /// Partners, channels, agreements and routes that are paused for longer than so many minutes.
    Paused = "paused" ["partners", "channels", "codes", "minutes"],
    /// Strangers who say to be a partner and do not prove it, so many within an hour.
    Refused = "refused" ["channels", "partners"],
    /// Addresses that are not heard for a while since they guessed, and mailboxes whose password is barred since it was guessed at.
    Barred = "barred" ["codes"],
    /// A channel that has no certificate or key that counts from within so many days on.
    Certificate = "certificate" ["channels", "partners", "codes", "days"],
    /// Certificates that partners signed with or announced, and nobody accepted or refused.
    Offered = "offered" ["channels", "partners"],
    /// Certificates that were announced to a partner, and that it did not answer in time or refused within the last week.
    Announced = "announced" ["channels", "partners", "codes"],
    /// Webhooks that were given up, or fail for longer than so many minutes.
    Webhook = "webhook" ["codes", "minutes"],
    /// A collector that takes no traces for longer than so many minutes.
    Collector = "collector" ["minutes"],
    /// Mails and posts about alarms that could not be sent.
    Notice = "notice" ["codes"],
    /// Less room on the disk of the data directory than so many percent, or so many megabytes.
    Disk = "disk" ["percent", "megabytes"],
    /// The sums of the ledger do not hold: something vanished.
    Balance = "balance" [],
    /// Something of our own goes wrong: the ledger, a certificate of the listener, resources that do not fit.
    Trouble = "trouble" ["codes"],
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody should know.
    Warning,
    /// Somebody has to do something.
    #[default]
    Error,
    /// Now, also at night.
    Critical,
}

impl Severity {
    /// All, the mildest first.
    pub const ALL: [Severity; 3] = [Severity::Warning, Severity::Error, Severity::Critical];
    /// Their words.
    pub const WORDS: [&'static str; 3] = ["warning", "error", "critical"];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of a word; the worst where it is none.
    #[must_use]
    pub fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|one| one.as_str() == word).unwrap_or(Self::Critical)
    }
}

const NAMES: Shape = Shape::List(&Shape::Filled);
/// Minutes of a year.
const MINUTES_MAX: u64 = 366 * 24 * 60;
/// Minutes of a week: how far back events are counted, at most.
const WITHIN_MINUTES_MAX: u64 = 7 * 24 * 60;

/// Its keys.
pub const KEYS: &[Key] = &[
    must("watch", Shape::Word(Watch::WORDS), "What is watched"),
    may("title", Shape::Filled, "What it is called in mails"),
    may("severity", Shape::Word(&Severity::WORDS), "warning, error (when left out) or critical"),
    may("enabled", Shape::Word(&["yes", "no"]), "no: it is not looked at"),
    may("count", Shape::Number(1, 1_000_000), "From how many on; 1 when left out"),
    may("events", NAMES, "Types of events, delivery.parked or delivery.*"),
    may("within_minutes", Shape::Number(1, WITHIN_MINUTES_MAX), "Within which time they are counted; 60 when left out"),
    may("partners", NAMES, "Of these partners only"),
    may("channels", NAMES, "Of these channels only"),
    may("documents", NAMES, "Of these types only, 850 or INVOIC; a * at the end stands for anything"),
    may("codes", NAMES, "With these codes only; HTTP-5* stands for all that begin so"),
    may("environment", Shape::Word(&["test", "production"]), "Of this environment only"),
    may("minutes", Shape::Number(0, MINUTES_MAX), "For how long"),
    may("days", Shape::Number(1, 366), "How many days ahead; 30 when left out"),
    may("by", Shape::Filled, "By when, such as 10:00, on working days of the calendar"),
    may("calendar", Shape::Filled, "The calendar; every day in UTC when left out"),
    may("at_least", Shape::Number(1, 1_000_000_000), "Fewer are too few"),
    may("at_most", Shape::Number(0, 1_000_000_000), "More are too many"),
    may("percent", Shape::Number(1, 99), "Percent of the disk that must be free; 10 when left out"),
    may("megabytes", Shape::Number(1, 1_000_000_000), "Megabytes that must be free; 1024 when left out"),
];
/// Keys that all take.
const OF_ALL: [&str; 5] = ["watch", "title", "severity", "enabled", "count"];

/// What is watched.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// What.
    pub watch: Watch,
    /// What it is called in mails.
    #[serde(default)]
    pub title: Option<String>,
    /// How bad it is.
    #[serde(default)]
    pub severity: Severity,
    /// `no`: it is not looked at.
    #[serde(default)]
    pub enabled: Option<String>,
    /// From how many on.
    #[serde(default, deserialize_with = "parsed_option")]
    pub count: Option<i64>,
    /// Types of events.
    #[serde(default)]
    pub events: Vec<String>,
    /// Within which time they are counted.
    #[serde(default, deserialize_with = "parsed_option")]
    pub within_minutes: Option<u64>,
    /// Of these partners only; none: of all.
    #[serde(default)]
    pub partners: Vec<String>,
    /// Of these channels only; none: of all.
    #[serde(default)]
    pub channels: Vec<String>,
    /// Of these types only; none: of all.
    #[serde(default)]
    pub documents: Vec<String>,
    /// With these codes only; none: with any.
    #[serde(default)]
    pub codes: Vec<String>,
    /// Of this environment only.
    #[serde(default)]
    pub environment: Option<Environment>,
    /// For how long.
    #[serde(default, deserialize_with = "parsed_option")]
    pub minutes: Option<u64>,
    /// How many days ahead.
    #[serde(default, deserialize_with = "parsed_option")]
    pub days: Option<u32>,
    /// By when.
    #[serde(default)]
    pub by: Option<String>,
    /// The calendar.
    #[serde(default)]
    pub calendar: Option<String>,
    /// Fewer are too few.
    #[serde(default, deserialize_with = "parsed_option")]
    pub at_least: Option<i64>,
    /// More are too many.
    #[serde(default, deserialize_with = "parsed_option")]
    pub at_most: Option<i64>,
    /// Percent that must be free.
    #[serde(default, deserialize_with = "parsed_option")]
    pub percent: Option<u64>,
    /// Megabytes that must be free.
    #[serde(default, deserialize_with = "parsed_option")]
    pub megabytes: Option<u64>,
}

/// Whether one of the patterns fits; none: everything does. A `*` at the end stands for anything.
#[must_use]
pub fn fits(patterns: &[String], value: Option<&str>) -> bool {
    let one = |pattern: &String| match (pattern.strip_suffix('*'), value) {
        (Some(begin), Some(value)) => value.starts_with(begin),
        (None, Some(value)) => pattern == value,
        (begin, None) => begin == Some(""),
    };
    patterns.is_empty() || patterns.iter().any(one)
}

impl Watch {
    /// Whether what it finds is over by itself as time passes, and happened all the same.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Events | Self::Rate | Self::Refused | Self::Barred)
    }
}

impl Alert {
    /// Whether it is looked at.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.as_deref() != Some("no")
    }

    /// Whether it watches events of a type.
    #[must_use]
    pub fn wants(&self, event_type: &str) -> bool {
        self.watch == Watch::Events && wants(&self.events, event_type)
    }

    /// Minutes within which events are counted.
    #[must_use]
    pub fn within_minutes(&self) -> u64 {
        self.within_minutes.unwrap_or(60)
    }

    /// What is wrong with it by itself: key and sentence. `written` are the keys that it has.
    pub(in crate::partner) fn check<'k>(&self, written: impl Iterator<Item = &'k str>, found: &mut Vec<String>) {
        let watch = self.watch.as_str();
        for key in written.filter(|key| !OF_ALL.contains(key) && !self.watch.keys().contains(key)) {
            let taken = OF_ALL[1..].iter().chain(self.watch.keys()).copied().collect::<Vec<_>>().join(", ");
            found.push(format!("{key}: expected with watch: {watch} one of {taken}, found {key}"));
        }
        check_events(&self.events, found);
        if self.events.iter().any(|one| one.starts_with("alarm.") || one.starts_with('*')) {
            found.push("events: expected none of alarm.*, which alerts make themselves".to_owned());
        }
        match self.watch {
            Watch::Events if self.events.is_empty() => {
                found.push("events: expected a type of events such as transmission.rejected, found none".to_owned());
            }
            Watch::Silence if self.partners.is_empty() && self.channels.is_empty() => {
                found.push("partners: expected from whom something is awaited, or channels, found neither".to_owned());
            }
            Watch::Silence if self.by.is_some() == self.minutes.is_some() => {
                found.push("by: expected a time of day, or minutes without anything; one of the two".to_owned());
            }
            Watch::Rate if self.at_least.is_none() && self.at_most.is_none() => {
                found.push("at_least: expected it, or at_most, found neither".to_owned());
            }
            _ => {}
        }
        found.extend(self.by.as_ref().and_then(|by| time_of_day(by).err()).map(|why| format!("by: {why}")));
    }
}

/// The alerts of an instance that says nothing of them.
#[must_use]
pub fn packed() -> &'static [Resource] {
    static ALL: OnceLock<Vec<Resource>> = OnceLock::new();
    // A test reads them; in a binary that was built they are fit.
    ALL.get_or_init(|| parse("alerts.yaml", PACKED).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn the_packed_ones_watch_everything_that_needs_no_partner_named() {
        let watched: BTreeSet<Watch> = packed()
            .iter()
            .map(|one| {
                assert_eq!((one.kind.as_str(), one.check_shape()), ("alert", Vec::new()), "{}", one.name);
                let alert: Alert = serde_json::from_value(one.body.clone()).expect("an alert");
                let mut found = Vec::new();
                alert.check(one.body.as_object().expect("keys").keys().map(String::as_str), &mut found);
                assert!(found.is_empty() && alert.is_enabled(), "{}: {found:?}", one.name);
                alert.watch
            })
            .collect();
        let lacking: Vec<_> = Watch::ALL.iter().filter(|one| !watched.contains(one)).collect();
        assert_eq!(lacking, [&Watch::Silence, &Watch::Rate], "who is awaited, and how much, only its people know");
    }

    #[test]
    fn patterns() {
        let fit =
            |patterns: &[&str], value| fits(&patterns.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>(), value);
        assert!(fit(&[], None) && fit(&["HTTP-5*"], Some("HTTP-503")) && fit(&["*"], None));
        assert!(
            !fit(&["HTTP-5*"], Some("HTTP-404")) && !fit(&["REFUSED"], None) && !fit(&["REFUSED"], Some("REFUSED-2"))
        );
    }

    #[test]
    fn err_each_watch_takes_its_own_keys() {
        let problems = |body: serde_json::Value| {
            let alert: Alert = serde_json::from_value(body.clone()).expect("an alert");
            let mut found = Vec::new();
            alert.check(body.as_object().expect("keys").keys().map(String::as_str), &mut found);
            found.join("\n")
        };
        assert!(problems(json!({ "watch": "disk", "by": "10:00" })).contains("by: expected with watch: disk one of"));
        assert!(problems(json!({ "watch": "silence", "by": "10:00" })).contains("from whom something is awaited"));
        let both = json!({ "watch": "silence", "partners": ["lamps"], "by": "10:00", "minutes": "5" });
        assert!(problems(both).contains("one of the two"));
        assert!(problems(json!({ "watch": "events", "events": ["alarm.raised"] })).contains("none of alarm"));
        assert!(problems(json!({ "watch": "events", "events": ["delivery.parkd"] })).contains("did you mean"));
        assert!(problems(json!({ "watch": "events" })).contains("a type of events"));
        assert!(problems(json!({ "watch": "rate" })).contains("at_most"));
        assert_eq!(problems(json!({ "watch": "silence", "partners": ["lamps"], "by": "10:00" })), "");
    }
}
