//! Whether a text is a value of the form that its definition asks for (XML Schema part 2, lexical forms). It converts
//! nothing.

use crate::standard::content::Form;
use crate::standard::validate;

/// What was expected, when a text is not of its form.
#[must_use]
pub fn refusal(form: Form, text: &str) -> Option<&'static str> {
    let (fits, expected) = match form {
        Form::Text => return None,
        Form::Number => (is_number(text, true), "a number such as -12.50"),
        Form::Integer => (is_number(text, false), "a whole number"),
        Form::Boolean => (matches!(text, "true" | "false" | "0" | "1"), "true or false"),
        Form::Date => (is_date(without_zone(text)), "a date such as 2026-01-31"),
        Form::Time => (is_time(without_zone(text)), "a time such as 09:30:00"),
        Form::DateTime => (is_date_time(text), "a date, or a date and time such as 2026-01-31T09:30:00"),
        Form::Code => (!text.contains(['\n', '\t']), "a code on one line"),
        Form::Binary => (is_base64(text), "base64"),
    };
    (!fits).then_some(expected)
}

/// No time zone lies further from UTC (XML Schema part 2, 3.2.7.3).
const ZONE_MAX: &str = "14:00";
/// A year that XML Schema does not have.
const YEAR_ZERO: &str = "0000";

fn is_number(text: &str, has_fraction: bool) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && all(fraction) && !(whole.is_empty() && fraction.is_empty()) && (has_fraction || !digits.contains('.'))
}

/// The text without `Z`, `+01:00` or `-01:00` behind it.
fn without_zone(text: &str) -> &str {
    if let Some(text) = text.strip_suffix('Z') {
        return text;
    }
    let split = text.len().checked_sub(6).and_then(|at| text.split_at_checked(at));
    match split {
        Some((before, zone)) if zone.starts_with(['+', '-']) && is_clock(&zone[1..]) && &zone[1..] <= ZONE_MAX => {
            before
        }
        _ => text,
    }
}

/// `HH:MM`.
fn is_clock(text: &str) -> bool {
    let two = |text: &str, max: u8| text.len() == 2 && text.parse::<u8>().is_ok_and(|number| number <= max);
    text.split_once(':').is_some_and(|(hour, minute)| two(hour, 23) && two(minute, 59))
}

fn is_date(text: &str) -> bool {
    let Some((year, day)) = text.split_at_checked(4) else { return false };
    let digits: String = [year, &day.replace('-', "")].concat();
    year != YEAR_ZERO
        && day.len() == 6
        && day.starts_with('-')
        && day.as_bytes().get(3) == Some(&b'-')
        && validate::is_date(&digits)
}

fn is_time(text: &str) -> bool {
    // The end of a day, which no clock shows but the standard has.
    if let Some(rest) = text.strip_prefix("24:00:00") {
        let is_zero = |fraction: &str| !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
        return rest.is_empty() || rest.strip_prefix('.').is_some_and(is_zero);
    }
    let Some((clock, seconds)) = text.split_at_checked(5) else { return false };
    let seconds = seconds.strip_prefix(':').unwrap_or_default();
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_clock(clock) && whole.len() == 2 && whole.parse::<u8>().is_ok_and(|second| second <= 59) && is_fraction
}

fn is_date_time(text: &str) -> bool {
    match text.split_once('T') {
        Some((date, time)) => is_date(date) && is_time(without_zone(time)),
        None => is_date(without_zone(text)),
    }
}

fn is_base64(text: &str) -> bool {
    let letters = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    letters.clone().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
        && letters.count() % 4 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_take_what_they_are_and_nothing_else() {
        for (form, good, bad) in [
            (Form::Number, &["1", "-1.50", ".5", "+3."][..], &["", "1,5", "1e3", "-", ".", "12O"][..]),
            (Form::Integer, &["7", "-7"], &["7.0", "x"]),
            (Form::Boolean, &["true", "0"], &["yes", "TRUE"]),
            (
                Form::Date,
                &["2026-01-31", "2026-01-31Z", "2024-02-29+01:00"],
                &["2026-02-30", "20260131", "31.01.2026", "2026-1-1", "ä", "0000-01-01", "2026-01-31+14:30"],
            ),
            (
                Form::Time,
                &[
                    "09:30:00",
                    "09:30:00.5Z",
                    "23:59:59-05:00",
                    "24:00:00",
                    "09:30:00+14:00",
                    "24:00:00.00",
                    "24:00:00.0Z",
                ],
                &["9:30:00", "24:00:01", "24:00:00.5", "23:59:60", "09:30", "09:30:00."],
            ),
            (Form::Time, &[], &["24:00:00.4", "24:00:00.", "24:00:00.:::", "24:00:00.2040", "24:00:000"]),
            (
                Form::DateTime,
                &["2026-01-31T09:30:00", "2026-01-31T09:30:00+02:00", "2026-01-31"],
                &["T09:30:00", "2026-01-31 09:30:00"],
            ),
            (Form::Code, &["EUR", "Door to Door"], &["E\nR"]),
            (Form::Binary, &["YWJj", "YWI=\n"], &["YWJ", "Y$Jj"]),
        ] {
            good.iter().for_each(|text| assert_eq!(refusal(form, text), None, "{text}"));
            bad.iter().for_each(|text| assert!(refusal(form, text).is_some(), "{form:?} {text}"));
        }
    }
}
