//! Keys that say when: `schedule` of pick-ups and `gather` of envelopes, `window` of channels. What they come to is computed by
//! `crate::schedule`, narrowed here by a calendar. Pure; it is asked with a time.

use super::calendar::{Calendar, WEEKDAYS, time_of_day, time_zone};
use super::shape::{Key, Shape, may};
use crate::clock::Timestamp;
use crate::schedule::{self, Schedule};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::time::Duration;

/// Times of a schedule that are held against its calendar for one in working time, at most.
const TIMES_LOOKED_AT: usize = 4_000;
/// Days that are looked at for one on which a window opens: a week and the day before.
const DAYS_LOOKED_AT: usize = 9;
/// The shortest time there is in the ledger.
const INSTANT: Duration = Duration::from_micros(1);

const TIMES: Shape = Shape::List(&Shape::Filled);

/// Keys of a schedule.
pub const KEYS: &[Key] = &[
    may("every", Shape::Filled, "So long after the last time: 30s, 5m, 2h, 1d"),
    may(
        "cron",
        Shape::Filled,
        "Five fields: minute, hour, day of the month, month, day of the week: */15 6-20 * * mon-fri",
    ),
    may("at", TIMES, "Times of day, such as 08:00"),
    may("zone", Shape::Filled, "IANA name of the time zone; the calendar's when left out, or UTC"),
    may("calendar", Shape::Filled, "Only in the working time of this calendar"),
];

/// Keys of a window.
pub const WINDOW_KEYS: &[Key] = &[
    may("calendar", Shape::Filled, "Open in the working time of this calendar"),
    may("from", Shape::Filled, "When it opens, such as 06:00"),
    may("to", Shape::Filled, "When it closes, such as 20:00; one before from is of the next day"),
    may("days", Shape::List(&Shape::Word(&WEEKDAYS)), "Days of the week on which it opens; all when left out"),
    may("zone", Shape::Filled, "IANA name of the time zone of from and to; UTC when left out"),
];

/// When something is to be done, as a resource says it: one of `every`, `cron` and `at`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// So long after the last time.
    #[serde(default)]
    pub every: Option<String>,
    /// An expression of cron.
    #[serde(default)]
    pub cron: Option<String>,
    /// Times of day.
    #[serde(default)]
    pub at: Vec<String>,
    /// IANA name of the time zone.
    #[serde(default)]
    pub zone: Option<String>,
    /// Only in the working time of this calendar.
    #[serde(default)]
    pub calendar: Option<String>,
}

impl When {
    /// What it comes to, in its zone, the calendar's, or UTC.
    ///
    /// # Errors
    /// What is wrong: the key and a sentence.
    pub fn schedule(&self, calendar: Option<&Calendar>) -> Result<Schedule, String> {
        let zone = match (&self.zone, calendar) {
            (Some(name), _) => time_zone(name).map_err(|why| format!("zone: {why}"))?,
            (None, Some(calendar)) => calendar.zone(),
            (None, None) => TimeZone::UTC,
        };
        match (&self.every, &self.cron, self.at.as_slice()) {
            (Some(every), None, []) => schedule::every(every).map_err(|why| format!("every: {why}")),
            (None, Some(cron), []) => schedule::cron(cron, zone).map_err(|why| format!("cron: {why}")),
            (None, None, at) if !at.is_empty() => {
                let times = at.iter().map(|text| time_of_day(text)).collect::<Result<Vec<_>, _>>();
                Ok(schedule::at(&times.map_err(|why| format!("at: {why}"))?, zone))
            }
            (None, None, _) => Err("every: expected one of every, cron and at, found none".to_owned()),
            _ => Err("every: expected one of every, cron and at, found several".to_owned()),
        }
    }

    /// The first time behind `after`, in the working time of the calendar; `None` where there is none.
    #[must_use]
    pub fn next(&self, after: Timestamp, calendar: Option<&Calendar>) -> Option<Timestamp> {
        let schedule = self.schedule(calendar).ok()?;
        let mut at = schedule.next(after)?;
        for _ in 0..TIMES_LOOKED_AT {
            let Some(calendar) = calendar.filter(|calendar| !calendar.is_working(at)) else { return Some(at) };
            let work = Some(calendar.next_working(at)).filter(|work| *work > at)?;
            at = match schedule {
                Schedule::Every(_) => work,
                Schedule::Times(_) => schedule.next(work.checked_sub(INSTANT).ok()?)?,
            };
        }
        None
    }
}

/// When deliveries may go over a channel: in the working time of a calendar, or from one time of day to another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryWindow {
    /// Open in the working time of this calendar.
    #[serde(default)]
    pub calendar: Option<String>,
    /// When it opens.
    #[serde(default)]
    pub from: Option<String>,
    /// When it closes; before `from`: on the next day.
    #[serde(default)]
    pub to: Option<String>,
    /// Days of the week on which it opens; none: all.
    #[serde(default)]
    pub days: Vec<String>,
    /// IANA name of the time zone.
    #[serde(default)]
    pub zone: Option<String>,
}

impl DeliveryWindow {
    /// What is wrong with it, each with its key behind `window.`.
    pub(in crate::partner) fn check(&self, found: &mut Vec<String>) {
        let times = [("from", &self.from), ("to", &self.to)];
        for (key, text) in times {
            let why = text.as_ref().and_then(|text| time_of_day(text).err());
            found.extend(why.map(|why| format!("window.{key}: {why}")));
        }
        let why = self.zone.as_ref().and_then(|name| time_zone(name).err());
        found.extend(why.map(|why| format!("window.zone: {why}")));
        let has_own = self.from.is_some() || self.to.is_some() || self.zone.is_some() || !self.days.is_empty();
        match (self.calendar.is_some(), has_own) {
            (true, true) => {
                found.push("window.calendar: expected a calendar alone, or from and to, found both".to_owned());
            }
            (false, _) if self.from.is_none() || self.to.is_none() => {
                found.push("window: expected from and to, or a calendar".to_owned());
            }
            (false, _) if self.from == self.to => {
                let from = self.from.as_deref().unwrap_or_default();
                found.push(format!("window.to: expected another time than from, found {from} twice"));
            }
            _ => {}
        }
    }

    /// The time zone in which it is told.
    #[must_use]
    pub fn zone(&self, calendar: Option<&Calendar>) -> TimeZone {
        let own = || self.zone.as_ref().and_then(|name| time_zone(name).ok()).unwrap_or(TimeZone::UTC);
        calendar.map_or_else(own, Calendar::zone)
    }

    /// When something may go that is to go at a time: then, or when the window opens next.
    #[must_use]
    pub fn opens(&self, at: Timestamp, calendar: Option<&Calendar>) -> Timestamp {
        if let Some(calendar) = calendar {
            return calendar.next_working(at);
        }
        let time = |text: &Option<String>| text.as_ref().and_then(|text| time_of_day(text).ok());
        let (Some(from), Some(to)) = (time(&self.from), time(&self.to)) else { return at };
        let zone = self.zone(None);
        let yesterday = at.to_zoned(zone.clone()).date().yesterday().ok();
        let days = std::iter::successors(yesterday, |day| day.tomorrow().ok()).take(DAYS_LOOKED_AT);
        let mut open = days.filter(|day| self.is_of(*day)).filter_map(|day| open_on(&zone, day, from, to));
        open.find(|(_, closes)| at < *closes).map_or(at, |(opens, _)| opens.max(at))
    }

    fn is_of(&self, day: Date) -> bool {
        let word = WEEKDAYS[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())];
        self.days.is_empty() || self.days.iter().any(|one| one == word)
    }
}

/// When a window opens that begins on a day, and when it closes.
fn open_on(zone: &TimeZone, day: Date, from: Time, to: Time) -> Option<(Timestamp, Timestamp)> {
    let end = if to <= from { day.tomorrow().ok()? } else { day };
    Some((schedule::moment(zone, day.to_datetime(from))?, schedule::moment(zone, end.to_datetime(to))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn office() -> Calendar {
        let office =
            json!({ "time_zone": "Europe/Berlin", "from": "08:00", "to": "17:00", "holidays": ["2026-12-25"] });
        serde_json::from_value(office).expect("a calendar")
    }

    fn when(keys: Value) -> When {
        serde_json::from_value(keys).expect("a schedule")
    }

    #[test]
    fn only_in_working_time() {
        let next = |keys: Value, after: &str| when(keys).next(at(after), Some(&office())).map(|at| at.to_string());
        let is = |text: &str| Some(text.to_owned());
        let hourly = json!({ "cron": "30 * * * *" });
        assert_eq!(next(hourly.clone(), "2026-11-27T14:30:00Z"), is("2026-11-27T15:30:00Z"));
        assert_eq!(next(hourly, "2026-11-27T15:30:00Z"), is("2026-11-30T07:30:00Z"), "Friday evening to Monday");
        let ten = json!({ "at": ["10:00"] });
        assert_eq!(
            next(ten, "2026-12-24T09:00:00Z"),
            is("2026-12-28T09:00:00Z"),
            "over a holiday, in the calendar's zone"
        );
        let elsewhere = json!({ "at": ["10:00"], "zone": "America/New_York" });
        assert_eq!(next(elsewhere, "2026-11-27T00:00:00Z"), is("2026-11-27T15:00:00Z"));
        let every = json!({ "every": "2h" });
        assert_eq!(next(every.clone(), "2026-11-27T10:00:00Z"), is("2026-11-27T12:00:00Z"));
        assert_eq!(next(every, "2026-11-27T15:00:00Z"), is("2026-11-30T07:00:00Z"), "when work begins");
        assert_eq!(next(json!({ "at": ["20:00"] }), "2026-11-27T15:00:00Z"), None, "nobody works then");
    }

    #[test]
    fn err_what_is_no_schedule() {
        for (keys, expected) in [
            (json!({}), "every: expected one of every, cron and at, found none"),
            (json!({ "every": "5m", "cron": "* * * * *" }), "every: expected one of every, cron and at, found several"),
            (json!({ "every": "5" }), "every: expected a time such as"),
            (json!({ "cron": "61 * * * *" }), "cron: expected 0 to 59 for the minute at character 1, found 61"),
            (json!({ "at": ["8:00"] }), "at: expected a time of day such as 08:00, found 8:00"),
            (json!({ "at": ["08:00"], "zone": "Berlin" }), "zone: expected the IANA name"),
        ] {
            let told = when(keys.clone()).schedule(None).expect_err("nothing fit");
            assert!(told.starts_with(expected), "{keys}: {told}");
        }
    }

    #[test]
    fn a_window_opens_at_its_time() {
        let window = |keys: Value| serde_json::from_value::<DeliveryWindow>(keys).expect("a window");
        let day = window(json!({ "from": "06:00", "to": "20:00", "zone": "Europe/Berlin", "days": ["mon", "fri"] }));
        let night = window(json!({ "from": "22:00", "to": "05:00", "days": ["fri"] }));
        let office_hours = window(json!({ "calendar": "office" }));
        let cases = [
            (&day, "2026-11-27T10:00:00Z", "2026-11-27T10:00:00Z"),
            (&day, "2026-11-27T04:59:59Z", "2026-11-27T05:00:00Z"),
            (&day, "2026-11-27T19:00:00Z", "2026-11-30T05:00:00Z"),
            (&day, "2026-06-01T03:30:00Z", "2026-06-01T04:00:00Z"),
            (&night, "2026-11-28T04:59:59Z", "2026-11-28T04:59:59Z"),
            (&night, "2026-11-28T05:00:00Z", "2026-12-04T22:00:00Z"),
        ];
        for (window, from, expected) in cases {
            assert_eq!(window.opens(at(from), None).to_string(), expected, "{window:?} at {from}");
        }
        assert_eq!(office_hours.opens(at("2026-12-24T20:00:00Z"), Some(&office())).to_string(), "2026-12-28T07:00:00Z");
    }

    #[test]
    fn err_what_is_no_window() {
        for (keys, expected) in [
            (json!({}), "window: expected from and to, or a calendar"),
            (json!({ "from": "06:00" }), "window: expected from and to, or a calendar"),
            (json!({ "from": "06:00", "to": "06:00" }), "window.to: expected another time than from"),
            (json!({ "from": "6", "to": "20:00" }), "window.from: expected a time of day"),
            (json!({ "from": "06:00", "to": "20:00", "zone": "X" }), "window.zone: expected the IANA name"),
            (
                json!({ "calendar": "office", "from": "06:00", "to": "20:00" }),
                "window.calendar: expected a calendar alone",
            ),
        ] {
            let mut found = Vec::new();
            serde_json::from_value::<DeliveryWindow>(keys.clone()).expect("a window").check(&mut found);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{keys}: {found:?}");
        }
    }
}
