//! `iso`: dates as XML writes them (ISO 8601, `2026-01-31`, `2026-01-31T09:30:00`), which is how entities have them. A
//! time zone is left out on reading: entities have local dates, as the other standards do.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;
use jiff::civil;

pub struct Iso;

/// Stands where a time must stand and there is none.
const NO_TIME: &str = "00:00:00";

impl Function for Iso {
    fn name(&self) -> &'static str {
        "iso"
    }

    fn help(&self) -> &'static str {
        "iso(day): a date 2026-01-31; iso(clock): a date with time, where T00:00:00 stands for a date without. A time zone \
         behind it is left out."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[
            ("day", "2026-01-31", "2026-01-31"),
            ("clock", "2026-01-31T09:30:00", "2026-01-31T09:30:00"),
            ("clock", "2026-01-31T00:00:00", "2026-01-31"),
        ]
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let written = text(&wire, "a date")?;
        let wrong = || format!("a date such as 2026-01-31, found {written}");
        let (day, rest) = written.split_at_checked(10).ok_or_else(wrong)?;
        day.parse::<civil::Date>().map_err(|_| wrong())?;
        let Some(time) = rest.strip_prefix('T') else {
            return if is_zone(rest) { Ok(Some(day.into())) } else { Err(wrong()) };
        };
        let end = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (time, zone) = time.split_at(end);
        let is_time = time.parse::<civil::Time>().is_ok();
        match (is_time && is_zone(zone), time) {
            (false, _) => Err(wrong()),
            (true, NO_TIME) => Ok(Some(day.into())),
            (true, time) => Ok(Some(format!("{day}T{time}").into())),
        }
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let written = text(&value, "a date")?;
        let wrong = || format!("a date such as 2026-01-31, found {written}");
        let (day, time) = written.split_once('T').map_or((written, None), |(day, time)| (day, Some(time)));
        day.parse::<civil::Date>().ok().filter(|_| day.len() == 10).ok_or_else(wrong)?;
        let is_clock = arguments.first().is_some_and(|form| form == "clock");
        match (is_clock, time) {
            (true, None) => Ok(Some(format!("{day}T{NO_TIME}").into())),
            (true, Some(time)) if time.len() == 5 => Ok(Some(format!("{day}T{time}:00").into())),
            (true, Some(_)) => Ok(Some(value)),
            (false, None) => Ok(Some(value)),
            (false, Some(_)) => {
                spot.lost.borrow_mut().push("a place for the time of day");
                Ok(Some(day.into()))
            }
        }
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        let day = format!("20{:02}-{:02}-{:02}", 20 + dice(20), 1 + dice(12), 1 + dice(28));
        let with_time = arguments.first().is_some_and(|form| form == "clock") && dice(3) == 0;
        let time = with_time.then(|| format!("T{:02}:{:02}:{:02}", 1 + dice(23), dice(60), dice(60)));
        Some(format!("{day}{}", time.unwrap_or_default()).into())
    }
}

/// Nothing, `Z`, or an offset such as `+01:00`.
fn is_zone(text: &str) -> bool {
    let offset = text.strip_prefix(['+', '-']).and_then(|offset| offset.split_once(':'));
    let two = |digits: &str| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    matches!(text, "" | "Z") || offset.is_some_and(|(hours, minutes)| two(hours) && two(minutes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::code::Codes;
    use crate::table::Tables;

    #[test]
    fn zones_are_left_out_and_what_is_no_date_is_refused() {
        let (codes, tables) = (Codes::new(None), Tables::default());
        let spot = Spot::new("cxml", '.', &codes, &tables);
        let get = |text: &str| Iso.get(&[], text.into(), &spot);
        for (wire, expected) in [
            ("2026-01-31Z", "2026-01-31"),
            ("2026-01-31+01:00", "2026-01-31"),
            ("2026-01-31T09:30:00-08:00", "2026-01-31T09:30:00"),
            ("2026-01-31T09:30:00.123Z", "2026-01-31T09:30:00.123"),
            ("2026-01-31T00:00:00+00:00", "2026-01-31"),
        ] {
            assert_eq!(get(wire), Ok(Some(expected.into())), "{wire}");
        }
        for wire in ["20260131", "2026-02-30", "2026-01-31 09:30", "2026-01-31T9", "2026-01-31+1", "today"] {
            assert!(get(wire).is_err(), "{wire}");
        }
    }
}
