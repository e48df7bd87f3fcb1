//! Five fields as crontab(5) has them: minute, hour, day of the month, month, day of the week, with names, lists, ranges and steps.
//! Two fields for days that are both restricted mean days of either; one that begins with `*` is not restricted. Nicknames such as
//! `@daily` are not read.

use super::{Days, HOUR, Schedule, Times};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Characters of an expression, at most.
const CHARACTERS_MAX: usize = 500;
/// A year that has all days.
const LEAP_YEAR: i16 = 2024;

/// A field: what it is called, what may stand there, and names for that.
struct Field {
    name: &'static str,
    min: u8,
    max: u8,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", min: 0, max: 59, names: &[] },
    Field { name: "hour", min: 0, max: 23, names: &[] },
    Field { name: "day of the month", min: 1, max: 31, names: &[] },
    Field {
        name: "month",
        min: 1,
        max: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field { name: "day of the week", min: 0, max: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];
/// Sunday, written as the last day of a week.
const LAST_SUNDAY: u8 = 7;

/// Reads an expression.
///
/// # Errors
/// A sentence with the field, the place, what was expected and what was found.
pub fn cron(text: &str, zone: TimeZone) -> Result<Schedule, String> {
    if text.chars().count() > CHARACTERS_MAX {
        return Err(format!("expected {CHARACTERS_MAX} characters at most, found {}", text.chars().count()));
    }
    let words = words(text);
    if words.len() != FIELDS.len() {
        return Err(format!(
            "expected five fields (minute, hour, day of the month, month, day of the week) such as */15 6-20 * * mon-fri, \
             found {} in {}",
            words.len(),
            text.escape_debug()
        ));
    }
    let mut bits = [0; FIELDS.len()];
    for ((field, (at, word)), bits) in FIELDS.iter().zip(&words).zip(&mut bits) {
        *bits = field.read(*at, word)?;
    }
    let [minutes, hours, days, months, weekdays] = bits;
    let is_restricted = |at: usize| !words[at].1.starts_with('*');
    let days = Days {
        months,
        days,
        weekdays: weekdays | (weekdays >> LAST_SUNDAY),
        is_either: is_restricted(2) && is_restricted(4),
    };
    if !is_ever(&days) {
        let (at, word) = words[2];
        return Err(format!(
            "expected a day that its months have, found {word} for the day of the month at character {at}"
        ));
    }
    let set = |bits: u64, max: u16| (0..max).filter(move |at| bits >> at & 1 == 1);
    let minutes: Vec<u16> =
        set(hours, 24).flat_map(|hour| set(minutes, HOUR).map(move |minute| hour * HOUR + minute)).collect();
    let is_hourly = set(hours, 24).count() == 24;
    Ok(Schedule::Times(Times { days, minutes, is_hourly, zone }))
}

/// The words of a text, each with the place of its first character, from 1 on.
fn words(text: &str) -> Vec<(usize, &str)> {
    let place = |word: &str| text[..word.as_ptr() as usize - text.as_ptr() as usize].chars().count() + 1;
    text.split_whitespace().map(|word| (place(word), word)).collect()
}

/// Whether a day of the month is in one of the months.
fn is_ever(days: &Days) -> bool {
    let is_in = |month: i8, day: i8| Date::new(LEAP_YEAR, month, day).is_ok_and(|_| days.days >> day & 1 == 1);
    days.is_either || (1..=12).any(|month| days.months >> month & 1 == 1 && (1..=31).any(|day| is_in(month, day)))
}

impl Field {
    /// The numbers that a field names, as bits. `at` is its place in the text.
    fn read(&self, at: usize, word: &str) -> Result<u64, String> {
        let (mut bits, mut at) = (0, at);
        for item in word.split(',') {
            bits |= self.item(at, item)?;
            at += item.chars().count() + 1;
        }
        Ok(bits)
    }

    /// One of a list: `*`, a number, a range, each of these but the number with a step.
    fn item(&self, at: usize, item: &str) -> Result<u64, String> {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let behind = at + range.chars().count() + 1;
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.min, if self.max == LAST_SUNDAY { self.max - 1 } else { self.max }),
            None if step.is_some() => {
                let wrong = format!("* or a range such as {}-{} before the step", self.min, self.max);
                return Err(self.unfit(at, &wrong, range));
            }
            None => {
                let one = self.number(at, range)?;
                (one, one)
            }
            Some((first, last)) => {
                let first = self.number(at, first)?;
                let at = at + range.chars().position(|c| c == '-').unwrap_or(0) + 1;
                // A week that ends on Sunday.
                let last = match self.number(at, last)? {
                    0 if self.max == LAST_SUNDAY && first > 0 => LAST_SUNDAY,
                    last => last,
                };
                if last < first {
                    return Err(self.unfit(
                        at,
                        "the end of a range behind its beginning, or two ranges in a list",
                        range,
                    ));
                }
                (first, last)
            }
        };
        let span = self.max - self.min;
        let step = match step {
            None => 1,
            Some(text) => match text.parse::<u8>() {
                Ok(step) if (1..=span).contains(&step) && text.bytes().all(|byte| byte.is_ascii_digit()) => step,
                _ => return Err(self.unfit(behind, &format!("a step from 1 to {span}"), text)),
            },
        };
        Ok((first..=last).step_by(usize::from(step)).fold(0, |bits, number| bits | 1 << number))
    }

    fn number(&self, at: usize, text: &str) -> Result<u8, String> {
        if let Some(named) = self.names.iter().position(|name| text.eq_ignore_ascii_case(name)) {
            return Ok(self.min + u8::try_from(named).unwrap_or(0));
        }
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| is_plain && (self.min..=self.max).contains(number));
        number.ok_or_else(|| {
            let names = match (self.names.first(), self.names.last()) {
                (Some(first), Some(last)) => format!(" or {first} to {last}"),
                _ => String::new(),
            };
            self.unfit(at, &format!("{} to {}{names}", self.min, self.max), text)
        })
    }

    fn unfit(&self, at: usize, expected: &str, found: &str) -> String {
        let found = if found.is_empty() { "nothing".to_owned() } else { found.escape_debug().to_string() };
        format!("expected {expected} for the {} at character {at}, found {found}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn err_what_is_no_cron_is_told_with_its_place() {
        for (text, expected) in [
            (
                "",
                "expected five fields (minute, hour, day of the month, month, day of the week) such as */15 6-20 * * mon-fri, found 0 in ",
            ),
            ("* * * *", "expected five fields"),
            ("@daily", "expected five fields"),
            ("0 0 * * * *", "found 6 in 0 0 * * * *"),
            ("60 * * * *", "expected 0 to 59 for the minute at character 1, found 60"),
            ("0  24 * * *", "expected 0 to 23 for the hour at character 4, found 24"),
            ("0 6-25 * * *", "expected 0 to 23 for the hour at character 5, found 25"),
            (
                "0 20-6 * * *",
                "expected the end of a range behind its beginning, or two ranges in a list for the hour at character 6, found 20-6",
            ),
            ("0 0 0 * *", "expected 1 to 31 for the day of the month at character 5, found 0"),
            ("0 0 L * *", "expected 1 to 31 for the day of the month at character 5, found L"),
            ("0 0 * juno *", "expected 1 to 12 or jan to dec for the month at character 7, found juno"),
            ("0 0 * * mon,thr", "expected 0 to 7 or sun to sat for the day of the week at character 13, found thr"),
            ("*/0 * * * *", "expected a step from 1 to 59 for the minute at character 3, found 0"),
            ("0 */ * * *", "expected a step from 1 to 23 for the hour at character 5, found nothing"),
            (
                "5/15 * * * *",
                "expected * or a range such as 0-59 before the step for the minute at character 1, found 5",
            ),
            ("1,,2 * * * *", "expected 0 to 59 for the minute at character 3, found nothing"),
            ("-1 * * * *", "expected 0 to 59 for the minute at character 1, found nothing"),
            ("0 0 30 2 *", "expected a day that its months have, found 30 for the day of the month at character 5"),
            ("0 0 31 4,6 *", "expected a day that its months have"),
        ] {
            let told = cron(text, TimeZone::UTC).expect_err(text);
            assert!(told.contains(expected), "{text}: {told}");
        }
        assert!(cron(&"*".repeat(501), TimeZone::UTC).expect_err("long").contains("500 characters at most"));
    }

    #[test]
    fn names_and_numbers_are_the_same() {
        for (one, other) in [
            ("0 0 * jan-mar SUN,mon", "0 0 * 1-3 0,1"),
            ("0 0 * * 5-7", "0 0 * * fri-sun"),
            ("*/20 * * * *", "0,20,40 0-23 * * *"),
            ("0 0 * * *", "0 0 * * 0-6"),
        ] {
            let read = |text| match cron(text, TimeZone::UTC).expect(text) {
                Schedule::Times(times) => {
                    let days =
                        (1..=31).filter_map(|day| Date::new(2026, 3, day).ok()).filter(|day| times.days.has(*day));
                    (times.minutes.clone(), times.is_hourly, days.collect::<Vec<_>>())
                }
                Schedule::Every(_) => panic!("times"),
            };
            assert_eq!(read(one), read(other), "{one}");
        }
    }
}
