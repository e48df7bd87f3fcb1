//! `kind: calendar`: when somebody works: days of the week, hours, holidays, in a time zone. Pure; it is asked with a time.

use super::shape::{Key, Shape, may, must};
use crate::clock::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan as _, Zoned};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Days that are looked at for one that is worked on, at most; a calendar of holidays only has none.
const DAYS_LOOKED_AT: usize = 400;
/// Days of the week, as they are written.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Its keys.
pub const KEYS: &[Key] = &[
    must("time_zone", Shape::Filled, "IANA name such as Europe/Berlin, or UTC"),
    may("days", Shape::List(&Shape::Word(&WEEKDAYS)), "Days of the week that are worked on; mon to fri when left out"),
    may("from", Shape::Filled, "When work begins, such as 08:00; the whole day when left out"),
    may("to", Shape::Filled, "When it ends, such as 17:30"),
    may("holidays", Shape::List(&Shape::Date), "Days that are not worked on"),
];

/// A calendar.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// IANA name of its time zone.
    pub time_zone: String,
    /// Days of the week that are worked on.
    #[serde(default = "monday_to_friday")]
    pub days: Vec<String>,
    /// When work begins.
    #[serde(default)]
    pub from: Option<String>,
    /// When it ends.
    #[serde(default)]
    pub to: Option<String>,
    /// Days that are not worked on.
    #[serde(default)]
    pub holidays: Vec<Date>,
}

fn monday_to_friday() -> Vec<String> {
    WEEKDAYS[..5].iter().map(|day| (*day).to_owned()).collect()
}

/// A time of day as it is written: `08:00`.
///
/// # Errors
/// A sentence with what was expected.
pub fn time_of_day(text: &str) -> Result<Time, String> {
    let unfit = || format!("expected a time of day such as 08:00, found {text}");
    let (hour, minute) = text.split_once(':').ok_or_else(unfit)?;
    let is_plain = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain(hour) || !is_plain(minute) {
        return Err(unfit());
    }
    let parsed = |part: &str| part.parse::<i8>().map_err(|_| unfit());
    Time::new(parsed(hour)?, parsed(minute)?, 0, 0).map_err(|_| unfit())
}

/// A time zone by its name.
///
/// # Errors
/// A sentence with what was expected.
pub fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name)
        .map_err(|_| format!("expected the IANA name of a time zone such as Europe/Berlin, found {name}"))
}

/// When something is due that was begun: so many minutes later, in the working time of a calendar or by the clock.
#[must_use]
pub fn due(since: Timestamp, minutes: u64, calendar: Option<&Calendar>) -> Timestamp {
    match calendar {
        Some(calendar) => calendar.after_minutes(since, minutes),
        None => since + Duration::from_secs(minutes * 60),
    }
}

impl Calendar {
    /// Every day, all day, UTC.
    #[must_use]
    pub fn always() -> Self {
        let days = WEEKDAYS.iter().map(|day| (*day).to_owned()).collect();
        Calendar { time_zone: "UTC".to_owned(), days, from: None, to: None, holidays: Vec::new() }
    }

    /// What is wrong with it: key and sentence.
    pub(in crate::partner) fn check(&self, found: &mut Vec<String>) {
        found.extend(time_zone(&self.time_zone).err().map(|why| format!("time_zone: {why}")));
        for (key, text) in [("from", &self.from), ("to", &self.to)] {
            found.extend(text.as_ref().and_then(|text| time_of_day(text).err()).map(|why| format!("{key}: {why}")));
        }
        if self.begins() >= self.ends() {
            let (from, to) = (self.begins(), self.ends());
            found.push(format!("to: expected a time behind {from}, found {to}"));
        }
        if self.days.is_empty() {
            found.push("days: expected one day at least, found none".to_owned());
        }
    }

    /// The time zone; UTC where the name is none, which was told when it was applied.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        time_zone(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    fn begins(&self) -> Time {
        self.from.as_ref().and_then(|text| time_of_day(text).ok()).unwrap_or(Time::MIN)
    }

    fn ends(&self) -> Time {
        self.to.as_ref().and_then(|text| time_of_day(text).ok()).unwrap_or(Time::MAX)
    }

    /// Whether a day is worked on.
    #[must_use]
    pub fn is_working_day(&self, day: Date) -> bool {
        let at = match day.weekday() {
            Weekday::Monday => 0,
            Weekday::Tuesday => 1,
            Weekday::Wednesday => 2,
            Weekday::Thursday => 3,
            Weekday::Friday => 4,
            Weekday::Saturday => 5,
            Weekday::Sunday => 6,
        };
        self.days.iter().any(|one| one == WEEKDAYS[at]) && !self.holidays.contains(&day)
    }

    /// Whether somebody works at this time.
    #[must_use]
    pub fn is_working(&self, at: Timestamp) -> bool {
        let local = at.to_zoned(self.zone());
        let time = local.time();
        self.is_working_day(local.date()) && time >= self.begins() && (time < self.ends() || self.to.is_none())
    }

    /// When work goes on: the time itself, or the next beginning.
    #[must_use]
    pub fn next_working(&self, at: Timestamp) -> Timestamp {
        if self.is_working(at) {
            return at;
        }
        let local = at.to_zoned(self.zone());
        let days = std::iter::successors(Some(local.date()), |day| day.tomorrow().ok()).take(DAYS_LOOKED_AT);
        let mut begins = days.filter(|day| self.is_working_day(*day)).filter_map(|day| self.moment(day, self.begins()));
        begins.find(|begin| *begin >= at).unwrap_or(at)
    }

    /// The time at which so many minutes have been worked since another.
    #[must_use]
    pub fn after_minutes(&self, since: Timestamp, minutes: u64) -> Timestamp {
        let mut left = SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(i64::MAX / 60));
        let mut at = self.next_working(since);
        for _ in 0..DAYS_LOOKED_AT {
            let end = self.end_of_work(at);
            let worked = at.until(end).map(SignedDuration::try_from).and_then(|span| span).unwrap_or(left);
            if worked >= left {
                return at.checked_add(left).unwrap_or(Timestamp::MAX);
            }
            left -= worked;
            at = self.next_working(end);
        }
        at
    }

    /// The end of the working time that a time lies in.
    fn end_of_work(&self, at: Timestamp) -> Timestamp {
        let day = at.to_zoned(self.zone()).date();
        let end = match &self.to {
            Some(_) => self.moment(day, self.ends()),
            None => day.tomorrow().ok().and_then(|next| self.moment(next, Time::MIN)),
        };
        end.unwrap_or(Timestamp::MAX)
    }

    /// The newest passing of a time of day on a working day that is not behind `now`, and when that day began.
    #[must_use]
    pub fn last_passed(&self, by: Time, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let today = now.to_zoned(self.zone()).date();
        let days = std::iter::successors(Some(today), |day| day.yesterday().ok()).take(DAYS_LOOKED_AT);
        let mut passed = days.filter(|day| self.is_working_day(*day)).filter_map(|day| {
            let (at, begin) = (self.moment(day, by)?, self.moment(day, Time::MIN)?);
            (at <= now).then_some((at, begin))
        });
        passed.next()
    }

    /// A time of day as an instant; one that clocks leave out is the next that they show.
    fn moment(&self, day: Date, time: Time) -> Option<Timestamp> {
        day.to_datetime(time).to_zoned(self.zone()).ok().as_ref().map(Zoned::timestamp)
    }
}

/// Whether a time of day lies between two, of which the second may be on the next day.
#[must_use]
pub fn is_between(time: Time, from: Time, to: Time) -> bool {
    if from <= to { time >= from && time < to } else { time >= from || time < to }
}

/// The next passing of a time of day, behind `at`.
#[must_use]
pub fn next_passing(zone: &TimeZone, time: Time, at: Timestamp) -> Timestamp {
    let local = at.to_zoned(zone.clone());
    let on = |day: Date| day.to_datetime(time).to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    let today = on(local.date()).filter(|moment| *moment > at);
    let next = || local.date().tomorrow().ok().and_then(on);
    today.or_else(next).or_else(|| at.checked_add(24.hours()).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn office() -> Calendar {
        Calendar {
            time_zone: "Europe/Berlin".into(),
            days: monday_to_friday(),
            from: Some("08:00".into()),
            to: Some("17:00".into()),
            holidays: vec!["2026-12-25".parse().expect("a day")],
        }
    }

    #[test]
    fn work_goes_on_after_nights_weekends_and_holidays() {
        let office = office();
        let next = |text: &str| office.next_working(at(text)).to_string();
        assert_eq!(next("2026-11-27T09:00:00Z"), "2026-11-27T09:00:00Z");
        assert_eq!(next("2026-11-27T16:00:00Z"), "2026-11-30T07:00:00Z", "Friday at five, until Monday");
        assert_eq!(next("2026-12-24T18:00:00Z"), "2026-12-28T07:00:00Z", "over a holiday and a weekend");
        assert_eq!(next("2026-06-01T03:00:00Z"), "2026-06-01T06:00:00Z", "in summer it begins an hour earlier");
        assert!(!office.is_working(at("2026-12-25T10:00:00Z")));
    }

    #[test]
    fn minutes_are_counted_while_somebody_works() {
        let office = office();
        let after = |text: &str, minutes| office.after_minutes(at(text), minutes).to_string();
        assert_eq!(after("2026-11-27T15:30:00Z", 30), "2026-11-27T16:00:00Z");
        assert_eq!(after("2026-11-27T15:30:00Z", 60), "2026-11-30T07:30:00Z");
        assert_eq!(after("2026-11-28T12:00:00Z", 600), "2026-12-01T08:00:00Z", "nine hours on Monday, one on Tuesday");
        let always = Calendar::always();
        assert_eq!(always.after_minutes(at("2026-11-28T12:00:00Z"), 3000).to_string(), "2026-11-30T14:00:00Z");
    }

    #[test]
    fn a_deadline_of_working_days() {
        let office = office();
        let ten = time_of_day("10:00").expect("a time");
        let last =
            |text: &str| office.last_passed(ten, at(text)).map(|(at, begin)| (at.to_string(), begin.to_string()));
        let expected = |at: &str, begin: &str| Some((at.to_owned(), begin.to_owned()));
        assert_eq!(last("2026-11-27T09:00:00Z"), expected("2026-11-27T09:00:00Z", "2026-11-26T23:00:00Z"));
        assert_eq!(last("2026-11-30T08:59:59Z"), expected("2026-11-27T09:00:00Z", "2026-11-26T23:00:00Z"));
        let idle = Calendar { days: Vec::new(), ..office };
        assert_eq!(idle.last_passed(ten, at("2026-11-27T09:00:00Z")), None);
    }

    #[test]
    fn a_time_between_two_may_pass_midnight() {
        let time = |text| time_of_day(text).expect("a time");
        let night = |text| is_between(time(text), time("22:00"), time("07:00"));
        assert!(night("22:00") && night("23:59") && night("06:59") && !night("07:00") && !night("12:00"));
        assert!(
            is_between(time("12:00"), time("08:00"), time("17:00"))
                && !is_between(time("17:00"), time("08:00"), time("17:00"))
        );
        let berlin = time_zone("Europe/Berlin").expect("a zone");
        let next = |text: &str| next_passing(&berlin, time("07:00"), at(text)).to_string();
        assert_eq!(next("2026-11-27T05:00:00Z"), "2026-11-27T06:00:00Z");
        assert_eq!(next("2026-11-27T06:00:00Z"), "2026-11-28T06:00:00Z");
    }

    #[test]
    fn err_what_is_no_calendar() {
        let wrong = Calendar {
            time_zone: "Europe/Berln".into(),
            days: Vec::new(),
            from: Some("8 o'clock".into()),
            to: Some("24:00".into()),
            holidays: Vec::new(),
        };
        let mut found = Vec::new();
        wrong.check(&mut found);
        for expected in
            ["time_zone: expected the IANA", "from: expected a time", "to: expected a time", "days: expected one"]
        {
            assert!(found.iter().any(|one| one.starts_with(expected)), "{expected} in {found:?}");
        }
        found.clear();
        Calendar { from: Some("17:00".into()), to: Some("08:00".into()), ..office() }.check(&mut found);
        assert!(found[0].starts_with("to: expected a time behind"), "{found:?}");
    }
}
