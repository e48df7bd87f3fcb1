//! `Retry-After` (RFC 9110, 10.2.3): seconds, or a date in one of the three forms of HTTP (5.6.7). The cap is the reader's.

use crate::clock::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use std::time::Duration;

/// `Sun, 06 Nov 1994 08:49:37 GMT`, which is sent today.
const FIXED: &str = "%a, %d %b %Y %H:%M:%S";
/// `Sunday, 06-Nov-94 08:49:37 GMT`, of RFC 850; the year has two digits.
const OLD: &str = "%A, %d-%b-%y %H:%M:%S";
/// `Sun Nov  6 08:49:37 1994`, of asctime in C.
const ASCTIME: &str = "%a %b %e %H:%M:%S %Y";
/// A year of two digits that seems to lie further ahead than this is the last one that ended so (RFC 9110, 5.6.7).
const AHEAD_YEARS_MAX: i16 = 50;
const CENTURY: i16 = 100;

/// How long a receiver wants to be left alone; none where it says nothing that is understood. What is over already is at once.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are a long time all the same.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = date(text, now)?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

fn date(text: &str, now: Timestamp) -> Option<DateTime> {
    let read = |form: &str, text: &str| strtime::parse(form, text).ok()?.to_datetime().ok();
    let Some(text) = text.strip_suffix(" GMT") else { return read(ASCTIME, text) };
    if let Some(found) = read(FIXED, text) {
        return Some(found);
    }
    // Its day of the week is that of the right century, whatever two digits are taken for: it is not looked at.
    let (_, rest) = text.split_once(", ")?;
    let form = OLD.split_once(", ").map_or(OLD, |(_, form)| form);
    let found = read(form, rest)?;
    let year = now.to_zoned(TimeZone::UTC).year();
    let mut own = year - year.rem_euclid(CENTURY) + found.year().rem_euclid(CENTURY);
    if own > year + AHEAD_YEARS_MAX {
        own -= CENTURY;
    }
    found.with().year(own).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_in_all_three_forms_are_waited_for() {
        let now: Timestamp = "2026-11-27T10:00:00.250Z".parse().expect("a moment");
        let after = |text: &str| retry_after(text, now).map(|wait| wait.as_millis());
        for (text, millis) in [
            ("120", 120_000),
            (" 0 ", 0),
            ("Fri, 27 Nov 2026 10:00:30 GMT", 29_750),
            ("Friday, 27-Nov-26 10:00:30 GMT", 29_750),
            ("Fri Nov 27 10:00:30 2026", 29_750),
            ("Tue Dec  1 10:00:00 2026", 345_599_750),
            ("Tue, 01 Dec 2026 10:00:00 GMT", 345_599_750),
            // Over: at once.
            ("Fri, 27 Nov 2026 09:59:59 GMT", 0),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ] {
            assert_eq!(after(text), Some(millis), "{text}");
        }
        assert!(after("99999999999999999999999").is_some_and(|millis| millis > 1 << 60), "for ever");
        let (old, next) = (after("Friday, 01-Jan-77 00:00:00 GMT"), after("Friday, 01-Jan-76 00:00:00 GMT"));
        assert_eq!((old, next.is_some_and(|millis| millis > 0)), (Some(0), true), "51 years ahead are 49 behind");
    }

    #[test]
    fn what_is_no_time_is_not_guessed_at() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().expect("a moment");
        for text in [
            "",
            "soon",
            "-5",
            "1.5",
            "2026-11-27T10:00:30Z",
            "Fri, 27 Nov 2026 10:00:30 CET",
            "Fri, 27 Nov 2026 10:00:30",
            "Fri, 31 Nov 2026 10:00:30 GMT",
            "Fri, 27 Nov 2026 25:00:30 GMT",
        ] {
            assert_eq!(retry_after(text, now), None, "{text}");
        }
    }
}
