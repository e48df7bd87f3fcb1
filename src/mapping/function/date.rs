//! `date`: a day as CCYYMMDD (or YYMMDD) in the document, as 2026-01-31 in the entity, with the time of day from the
//! element beside it.

use super::time::Time;
use super::{Beside, Function, Outcome, Spot, text};
use crate::entity::{Text, Value};

pub struct Date;

/// Two-digit years below this are of this century (X12.6 leaves it to the partners; most draw the line here).
const CENTURY_TURN: i16 = 70;

impl Function for Date {
    fn name(&self) -> &'static str {
        "date"
    }

    fn help(&self) -> &'static str {
        "date: CCYYMMDD or YYMMDD; CCYYMMDD is written. date(3): with the time of day in element 3 of the segment. \
         date(3, 0000): where a time must stand, 0000 stands for none. date(7, 6=002): beside a time, element 6 says 002; \
         a time beside another code is left where it is."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("", r#""20260131""#, "2026-01-31")]
    }

    fn get(&self, arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        let digits = text(&wire, "a date")?;
        let date = read(digits).ok_or_else(|| format!("a date CCYYMMDD, found {digits}"))?;
        // A time that is said to be another one is not this day's.
        let is_own = label(arguments).is_none_or(|(element, said)| (spot.beside)(element) == said);
        let clock = clock(arguments).filter(|_| is_own).map(|element| spot.look(element));
        let clock = clock.filter(|clock| !clock.is_empty() && Some(clock) != arguments.get(1));
        if let (Some(_), Some((element, _))) = (&clock, label(arguments)) {
            spot.look(element);
        }
        let Some(clock) = clock else { return Ok(Some(in_iso(date).into())) };
        let time = Time.get(&[], clock.into(), spot)?;
        Ok(time.as_ref().and_then(Value::as_str).map(|time| format!("{date}T{time}").into()))
    }

    fn get_text(&self, arguments: &[String], wire: &[u8], spot: &Spot<'_>, text: &mut Vec<u8>) -> bool {
        let &[a, b, c, d, e, f, g, h] = wire else { return false };
        let is_day = || is_day([a, b, c, d, e, f, g, h]);
        let is_own = label(arguments).is_none_or(|(element, said)| (spot.beside)(element) == said);
        let has_clock = clock(arguments).is_some_and(|element| is_own && !spot.look(element).is_empty());
        let is_made = !has_clock && is_day();
        if is_made {
            text.extend_from_slice(&[a, b, c, d, b'-', e, f, b'-', g, h]);
        }
        is_made
    }

    fn is_steady_on_writing(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let written = text(&value, "a date")?;
        let wrong = || format!("a date 2026-01-31, found {written}");
        let (day, time) = written.split_once('T').map_or((written, None), |(day, time)| (day, Some(time)));
        let day: jiff::civil::Date = day.parse().map_err(|_| wrong())?;
        if day.year() < 0 {
            return Err(wrong());
        }
        match (time, clock(arguments)) {
            (Some(time), Some(element)) => {
                spot.written.borrow_mut().push((element, time.replace([':', '.'], "")));
                let label = label(arguments).map(|(element, said)| (element, said.to_owned()));
                spot.written.borrow_mut().extend(label);
            }
            (None, Some(_)) if label(arguments).is_some() => {}
            (None, Some(element)) => {
                spot.written.borrow_mut().extend(arguments.get(1).map(|none| (element, none.clone())));
            }
            (Some(_), None) => spot.lost.borrow_mut().push("a place for the time of day"),
            (None, None) => {}
        }
        Ok(Some(digits(day).into()))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, spot: &Spot<'_>) -> Option<Value> {
        let day = format!("20{:02}-{:02}-{:02}", 20 + dice(20), 1 + dice(12), 1 + dice(28));
        let time = clock(arguments).filter(|_| dice(3) == 0).and_then(|_| Time.sample(&[], dice, spot));
        Some(time.as_ref().and_then(Value::as_str).map_or(day.clone(), |time| format!("{day}T{time}")).into())
    }
}

/// Whether eight digits are a day of the calendar, as `read` has it.
fn is_day(digits: [u8; 8]) -> bool {
    let [a, b, c, d, e, f, g, h] = digits.map(|digit| i16::from(digit) - i16::from(b'0'));
    let (year, month, day) = (a * 1000 + b * 100 + c * 10 + d, e * 10 + f, g * 10 + h);
    digits.iter().all(u8::is_ascii_digit) && jiff::civil::Date::new(year, month as i8, day as i8).is_ok()
}

fn clock(arguments: &[String]) -> Option<Beside> {
    arguments.first()?.parse().ok().map(Beside::Element)
}

/// `6=002`: what says of the time what it is, and where that stands.
fn label(arguments: &[String]) -> Option<(Beside, &str)> {
    let (element, said) = arguments.get(1)?.split_once('=')?;
    Some((Beside::Element(element.trim().parse().ok()?), said.trim()))
}

/// `2026-01-31`.
pub fn in_iso(date: jiff::civil::Date) -> Text {
    let digits = digits(date);
    let mut text = Text::with_capacity(10);
    let parts = [&digits[..4], "-", &digits[4..6], "-", &digits[6..]];
    parts.into_iter().for_each(|part| text.push_str(part));
    text
}

/// `20260131`.
fn digits(date: jiff::civil::Date) -> Text {
    let number = i32::from(date.year()) * 10_000 + i32::from(date.month()) * 100 + i32::from(date.day());
    let mut text = Text::with_capacity(8);
    for place in [10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1] {
        let digit = u8::try_from(number / place % 10).unwrap_or_default();
        text.push(char::from(b'0' + digit));
    }
    text
}

/// Eight or six digits as a day of the calendar.
pub fn read(digits: &str) -> Option<jiff::civil::Date> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let (year, rest) = match digits.len() {
        8 => (number(0, 4)?, 4),
        6 => (number(0, 2).map(|year| if year < CENTURY_TURN { 2000 + year } else { 1900 + year })?, 2),
        _ => return None,
    };
    let small = |number: i16| i8::try_from(number).ok();
    jiff::civil::Date::new(year, small(number(rest, rest + 2)?)?, small(number(rest + 2, rest + 4)?)?).ok()
}
