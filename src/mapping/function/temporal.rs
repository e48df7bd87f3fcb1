//! `temporal(n)`: a point or stretch of time whose format code stands in component n (EDIFACT 2379).

use super::{Beside, Function, Outcome, Spot, date, text};
use crate::entity::Value;

pub struct Temporal;

impl Function for Temporal {
    fn name(&self) -> &'static str {
        "temporal"
    }

    fn help(&self) -> &'static str {
        "temporal(n): by the format in component n: 101 and 102 a date, 201 to 204 a date with time, 610 a month, 616 a \
         week, 718 a period of days; the shortest format that holds the value is written."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("3", r#""20260131""#, "2026-01-31")]
    }

    fn get(&self, arguments: &[String], wire: Value, spot: &Spot<'_>) -> Outcome {
        let written = text(&wire, "a date or time")?;
        let format = spot.look(Beside::Component(component(arguments)));
        let wrong = || format!("a value of format {format}, found {written}");
        let day = |digits: &str| date::read(digits).map(|date| date.to_string());
        let part = |from: usize, to: usize| written.get(from..to);
        let clock = |from: usize| {
            let (hours, minutes) = (part(from, from + 2)?, part(from + 2, from + 4)?);
            let seconds = part(from + 4, from + 6).map_or(String::new(), |seconds| format!(":{seconds}"));
            let time = format!("{hours}:{minutes}{seconds}");
            time.parse::<jiff::civil::Time>().ok().map(|_| time)
        };
        let read = match (format.as_str(), written.len()) {
            ("101", 6) | ("102" | "", 8) => day(written),
            ("201", 10) | ("202", 12) => {
                part(0, 6).and_then(day).zip(clock(6)).map(|(day, time)| format!("{day}T{time}"))
            }
            ("203", 12) | ("204", 14) => {
                part(0, 8).and_then(day).zip(clock(8)).map(|(day, time)| format!("{day}T{time}"))
            }
            ("610", 6) => part(0, 4).zip(part(4, 6)).map(|(year, month)| format!("{year}-{month}")),
            ("616", 6) => part(0, 4).zip(part(4, 6)).map(|(year, week)| format!("{year}-W{week}")),
            ("718", 16) => {
                part(0, 8).and_then(day).zip(part(8, 16).and_then(day)).map(|(from, to)| format!("{from}/{to}"))
            }
            // Formats without a canonical counterpart travel as they are, with their code.
            _ => Some(format!("{format}:{written}")),
        };
        read.map(|value| Some(value.into())).ok_or_else(wrong)
    }

    fn get_text(&self, arguments: &[String], wire: &[u8], spot: &Spot<'_>, text: &mut Vec<u8>) -> bool {
        let is_day = matches!(spot.look(Beside::Component(component(arguments))).as_str(), "102" | "");
        is_day && date::Date.get_text(&[], wire, spot, text)
    }

    fn is_steady_on_writing(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let value = text(&value, "a date or time")?;
        let (value, fraction) = value.split_once('.').filter(|_| value.contains('T')).unwrap_or((value, ""));
        if !fraction.is_empty() {
            spot.lost.borrow_mut().push("a place for fractions of a second");
        }
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        let (format, written) = match (value.len(), digits.len()) {
            (10, 8) => ("102", digits),
            (16, 12) => ("203", digits),
            (19, 14) => ("204", digits),
            (7, 6) => ("610", digits),
            (8, 6) if value.contains('W') => ("616", digits),
            (21, 16) => ("718", digits),
            _ => match value.split_once(':') {
                Some((format, written)) if format.len() <= 3 => (format, written.to_owned()),
                _ => return Err(format!("a date, a date with time, a month, a week or a period, found {value}")),
            },
        };
        spot.written.borrow_mut().push((Beside::Component(component(arguments)), format.to_owned()));
        Ok(Some(written.into()))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, spot: &Spot<'_>) -> Option<Value> {
        date::Date.sample(arguments, dice, spot)
    }
}

fn component(arguments: &[String]) -> u16 {
    arguments.first().and_then(|number| number.parse().ok()).unwrap_or(3)
}
