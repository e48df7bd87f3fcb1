//! When something is to be done: after so long, at times of day, or as an expression of cron says it, in a time zone. Pure: it is
//! asked with a time. It knows no calendars; who has one narrows what comes out (`partner::resource::schedule`).
//!
//! Where clocks are put forward, a time that they leave out is the first that they show behind it. Where they are put back, a
//! time that they show twice counts once, the first time. Only what is to be done in every hour is done in every hour that passes,
//! and a minute that is left out there is left out.

mod cron;

pub use cron::cron;

use crate::clock::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use std::time::Duration;

/// Days that are looked at for one that fits: calendars of years repeat after 28, and across a century after 40.
const DAYS_LOOKED_AT: usize = 41 * 366;
/// The longest time between two, in seconds: a week.
const EVERY_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;
/// Minutes of an hour.
const HOUR: u16 = 60;

/// When something is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// So long after the last time.
    Every(Duration),
    /// At minutes of days.
    Times(Times),
}

/// Minutes of days, in a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    days: Days,
    /// Minutes since midnight, ascending.
    minutes: Vec<u16>,
    /// Whether they are of every hour.
    is_hourly: bool,
    zone: TimeZone,
}

/// Which days: a bit for each number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days {
    months: u64,
    days: u64,
    /// Bit 0 is Sunday.
    weekdays: u64,
    /// One of both is enough, the day of the month or of the week.
    is_either: bool,
}

impl Days {
    const ALL: Days = Days { months: u64::MAX, days: u64::MAX, weekdays: u64::MAX, is_either: false };

    fn has(&self, day: Date) -> bool {
        let bit = |bits: u64, at: i8| bits >> at & 1 == 1;
        let of_month = bit(self.days, day.day());
        let of_week = bit(self.weekdays, day.weekday().to_sunday_zero_offset());
        let fits = if self.is_either { of_month || of_week } else { of_month && of_week };
        bit(self.months, day.month()) && fits
    }
}

/// A time between two, such as `90s`, `5m`, `2h`, `1d`; from a second to a week.
///
/// # Errors
/// A sentence with what was expected.
pub fn every(text: &str) -> Result<Schedule, String> {
    let unfit =
        || format!("expected a time such as 30s, 5m, 2h or 1d, of a week at most, found {}", text.escape_debug());
    let (count, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(unfit)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(unfit()),
    };
    let count = Some(count).filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()));
    let seconds = count.and_then(|count| count.parse::<u64>().ok()).and_then(|count| count.checked_mul(seconds));
    let seconds = seconds.filter(|seconds| (1..=EVERY_SECONDS_MAX).contains(seconds)).ok_or_else(unfit)?;
    Ok(Schedule::Every(Duration::from_secs(seconds)))
}

/// Every day at these times of day, to the minute.
#[must_use]
pub fn at(times: &[Time], zone: TimeZone) -> Schedule {
    let minute = |time: &Time| time.hour().unsigned_abs() as u16 * HOUR + time.minute().unsigned_abs() as u16;
    let mut minutes: Vec<u16> = times.iter().map(minute).collect();
    minutes.sort_unstable();
    minutes.dedup();
    Schedule::Times(Times { days: Days::ALL, minutes, is_hourly: false, zone })
}

impl Schedule {
    /// The first time behind `after`; `None` where there is none.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Schedule::Every(every) => after.checked_add(*every).ok(),
            Schedule::Times(times) => times.next(after),
        }
    }
}

impl Times {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        // What clocks leave out at the end of yesterday may be done today.
        let first = after.to_zoned(self.zone.clone()).date().yesterday().ok()?;
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(DAYS_LOOKED_AT);
        let mut found: Option<Timestamp> = None;
        for day in days {
            let of_day = if self.days.has(day) { self.first_of(day, after) } else { None };
            if let Some(found) = found {
                // Clocks that are put back over midnight show the next day before the rest of this one.
                return Some(of_day.map_or(found, |other| other.min(found)));
            }
            found = of_day;
        }
        found
    }

    /// The first time of a day that is behind `after`.
    fn first_of(&self, day: Date, after: Timestamp) -> Option<Timestamp> {
        let mut found: Option<Timestamp> = None;
        for minute in &self.minutes {
            let Ok(time) = Time::new((minute / HOUR) as i8, (minute % HOUR) as i8, 0, 0) else { continue };
            let (first, second) = passes(&self.zone, day.to_datetime(time), self.is_hourly);
            let second = second.filter(|at| self.is_hourly && *at > after);
            found = [found, first.filter(|at| *at > after), second].into_iter().flatten().min();
            // Only what is shown a second time may lie behind what is written behind it.
            if first.is_some_and(|at| at > after) {
                break;
            }
        }
        found
    }
}

/// When clocks show a time: once, not at all, or twice. One that they leave out is the first that they show behind it, unless it
/// `may_lack`.
fn passes(zone: &TimeZone, time: DateTime, may_lack: bool) -> (Option<Timestamp>, Option<Timestamp>) {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset.to_timestamp(time).ok(), None),
        AmbiguousOffset::Fold { before, after } => (before.to_timestamp(time).ok(), after.to_timestamp(time).ok()),
        AmbiguousOffset::Gap { .. } if may_lack => (None, None),
        AmbiguousOffset::Gap { after, .. } => {
            // By the new offset it lies before clocks are put forward.
            let before = after.to_timestamp(time).ok();
            (before.and_then(|before| zone.following(before).next()).map(|change| change.timestamp()), None)
        }
    }
}

/// When clocks show a time of a day, the first time; one that they leave out is the first that they show behind it.
#[must_use]
pub fn moment(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    passes(zone, time, false).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("a zone")
    }

    fn moment_of(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// The next times behind one, as clocks of the zone show them.
    fn next(text: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = cron(text, zone(zone_name)).expect("a schedule");
        let times = std::iter::successors(schedule.next(moment_of(after)), |at| schedule.next(*at)).take(count);
        times.map(|at| at.to_zoned(zone(zone_name)).strftime("%a %F %H:%M %:z").to_string()).collect()
    }

    #[test]
    fn cron_as_its_users_expect_it() {
        for (text, expected) in [
            ("*/15 6-20 * * mon-fri", ["Fri 2026-11-27 20:45 +00:00", "Mon 2026-11-30 06:00 +00:00"]),
            ("0 8,17 * * *", ["Sat 2026-11-28 08:00 +00:00", "Sat 2026-11-28 17:00 +00:00"]),
            ("5-59/20 0 1 jan,jul *", ["Fri 2027-01-01 00:05 +00:00", "Fri 2027-01-01 00:25 +00:00"]),
            ("0 0 13 * fri", ["Fri 2026-12-04 00:00 +00:00", "Fri 2026-12-11 00:00 +00:00"]),
            ("0 0 */2 * fri", ["Fri 2026-12-11 00:00 +00:00", "Fri 2026-12-25 00:00 +00:00"]),
            ("0 0 * * 7", ["Sun 2026-11-29 00:00 +00:00", "Sun 2026-12-06 00:00 +00:00"]),
            ("0 0 * * fri-sun", ["Sat 2026-11-28 00:00 +00:00", "Sun 2026-11-29 00:00 +00:00"]),
            ("0 12 31 * *", ["Thu 2026-12-31 12:00 +00:00", "Sun 2027-01-31 12:00 +00:00"]),
            ("0 12 29 2 *", ["Tue 2028-02-29 12:00 +00:00", "Sun 2032-02-29 12:00 +00:00"]),
        ] {
            assert_eq!(next(text, "UTC", "2026-11-27T20:30:00Z", 2), expected, "{text}");
        }
        let century = next("0 12 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1);
        assert_eq!(century, ["Fri 2104-02-29 12:00 +00:00"], "2100 has none");
    }

    #[test]
    fn clocks_that_are_put_forward_leave_no_time_out() {
        for (name, after, text, expected) in [
            ("Europe/Berlin", "2026-03-28T12:00:00Z", "30 2 * * *", "Sun 2026-03-29 03:00 +02:00"),
            ("America/New_York", "2026-03-07T12:00:00Z", "30 2 * * *", "Sun 2026-03-08 03:00 -04:00"),
            ("Australia/Lord_Howe", "2026-10-03T12:00:00Z", "15 2 * * *", "Sun 2026-10-04 02:30 +11:00"),
            // A country that left a day out, to be on the other side of the line.
            ("Pacific/Apia", "2011-12-30T00:00:00Z", "0 8 30 12 *", "Sat 2011-12-31 00:00 +14:00"),
        ] {
            assert_eq!(next(text, name, after, 1), [expected], "{name}");
        }
        // What falls together is one.
        let berlin = next("0,15,30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:59:00Z", 2);
        assert_eq!(berlin, ["Sun 2026-03-29 03:00 +02:00", "Sun 2026-03-29 03:15 +02:00"]);
        // What is of every hour has no hour to make up.
        let hourly = next("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 2);
        assert_eq!(hourly, ["Sun 2026-03-29 01:30 +01:00", "Sun 2026-03-29 03:30 +02:00"]);
    }

    #[test]
    fn clocks_that_are_put_back_double_no_time() {
        for (name, after, text, expected) in [
            (
                "Europe/Berlin",
                "2026-10-24T12:00:00Z",
                "30 2 * * *",
                ["Sun 2026-10-25 02:30 +02:00", "Mon 2026-10-26 02:30 +01:00"],
            ),
            (
                "America/New_York",
                "2026-10-31T12:00:00Z",
                "30 1 * * *",
                ["Sun 2026-11-01 01:30 -04:00", "Mon 2026-11-02 01:30 -05:00"],
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-04T12:00:00Z",
                "45 1 * * *",
                ["Sun 2026-04-05 01:45 +11:00", "Mon 2026-04-06 01:45 +10:30"],
            ),
            (
                "Asia/Kathmandu",
                "2026-10-24T12:00:00Z",
                "45 5 * * *",
                ["Sun 2026-10-25 05:45 +05:45", "Mon 2026-10-26 05:45 +05:45"],
            ),
        ] {
            assert_eq!(next(text, name, after, 2), expected, "{name}");
        }
        let hourly = next("30 * * * *", "Europe/Berlin", "2026-10-24T23:50:00Z", 3);
        let expected = ["Sun 2026-10-25 02:30 +02:00", "Sun 2026-10-25 02:30 +01:00", "Sun 2026-10-25 03:30 +01:00"];
        assert_eq!(hourly, expected, "every hour that passes");
    }

    #[test]
    fn times_of_day_and_times_between() {
        let clock = |hour, minute| Time::new(hour, minute, 0, 0).expect("a time");
        let twice = at(&[clock(17, 30), clock(8, 0), clock(8, 0)], zone("Asia/Kathmandu"));
        let first = twice.next(moment_of("2026-11-27T02:14:59Z")).expect("a time");
        assert_eq!(first.to_string(), "2026-11-27T02:15:00Z");
        assert_eq!(twice.next(first).expect("a time").to_string(), "2026-11-27T11:45:00Z");
        for (text, seconds) in [("90s", 90), ("5m", 300), ("2h", 7200), ("7d", 604_800)] {
            assert_eq!(every(text), Ok(Schedule::Every(Duration::from_secs(seconds))), "{text}");
        }
        for text in ["", "5", "m", "0m", "8d", "-5m", "+5m", "5 m", "1.5h", "5M", "99999999999999999999d", "5µ"] {
            let told = every(text).expect_err(text);
            assert!(told.starts_with("expected a time such as 30s, 5m"), "{told}");
        }
    }

    /// The minutes from `begin` on at which `times` are due, by walking through each and looking at what clocks show.
    fn walked(times: &Times, begin: Timestamp, minutes: usize) -> Vec<Timestamp> {
        let shown = |at: Timestamp| at.to_zoned(times.zone.clone()).datetime();
        let is_meant = |time: DateTime| {
            times.days.has(time.date()) && times.minutes.contains(&(time.hour() as u16 * HOUR + time.minute() as u16))
        };
        let all = (0..minutes).map(|count| begin + Duration::from_secs(60 * count as u64));
        let is_due = |at: &Timestamp| {
            let (now, before) = (shown(*at), shown(*at - Duration::from_secs(60)));
            if times.is_hourly {
                return is_meant(now);
            }
            let is_repeat = (1..=180).any(|back| shown(*at - Duration::from_secs(60 * back)) == now);
            let left_out = std::iter::successors(Some(before + 1.minute()), |time| Some(*time + 1.minute()));
            (is_meant(now) && !is_repeat) || left_out.take_while(|time| *time < now).any(is_meant)
        };
        all.filter(is_due).collect()
    }

    /// Next is always later, and nothing between is left out, held against a walk through every minute of days on which clocks change.
    #[test]
    fn next_is_what_a_walk_through_all_minutes_finds() {
        let texts = [
            "*/7 * * * *",
            "13 */3 * * *",
            "*/10 1-3 * * *",
            "0,29,59 0-3,23 * * sun",
            "45 1 * 3,4,10,11 *",
            "30 2 29 3 sat",
            "1 0 1-7 * mon",
            "59 23 * * *",
        ];
        let grounds = [
            ("Europe/Berlin", "2026-03-28T20:00:00Z"),
            ("Europe/Berlin", "2026-10-24T20:00:00Z"),
            ("America/New_York", "2026-03-08T02:00:00Z"),
            ("America/New_York", "2026-11-01T02:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T10:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T10:00:00Z"),
            ("Asia/Kathmandu", "2026-03-28T20:00:00Z"),
            // Clocks that are put forward at midnight, and back over it.
            ("Africa/Cairo", "2026-04-23T18:00:00Z"),
            ("Africa/Cairo", "2026-10-29T18:00:00Z"),
        ];
        let mut count = 0;
        for ((name, begin), text) in grounds.iter().flat_map(|ground| texts.iter().map(move |text| (ground, text))) {
            let schedule = cron(text, zone(name)).expect("a schedule");
            let Schedule::Times(times) = &schedule else { panic!("times") };
            let begin = moment_of(begin);
            let expected = walked(times, begin, 30 * 60);
            let end = begin + Duration::from_secs(30 * 60 * 60);
            let just_before = begin - Duration::from_secs(1);
            let found = std::iter::successors(schedule.next(just_before), |at| schedule.next(*at));
            let found: Vec<_> = found.take_while(|at| *at < end).collect();
            assert_eq!(found, expected, "{text} in {name}");
            count += found.len();
        }
        assert!(count > 1000, "{count}");
    }
}
