//! `moment`: a day and the time of day, which stand in two places. Time zones have no part in it.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Moment;

/// Stands where there is no time of day.
const NO_TIME: &str = "00:00:00";

impl Function for Moment {
    fn name(&self) -> &'static str {
        "moment"
    }

    fn help(&self) -> &'static str {
        "moment: a day in the first place and the time of day in the second as one. 00:00:00 stands for no time, and alone \
         for nothing."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("", r#"["2026-01-31","09:30:00"]"#, "2026-01-31T09:30:00"), ("", r#"["2026-01-31"]"#, "2026-01-31")]
    }

    fn takes_list(&self) -> bool {
        true
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let Value::Array(parts) = &wire else { return Err(format!("a day and a time of day, found {wire}")) };
        let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
        let wrong = || format!("a day 2026-01-31 and a time 09:30:00, found {}", parts.join(" "));
        match parts[..] {
            [NO_TIME] => Ok(None),
            [day] | [day, NO_TIME] if is_day(day) => Ok(Some(day.into())),
            [day, time] if is_day(day) && is_time(time) => Ok(Some(format!("{day}T{time}").into())),
            _ => Err(wrong()),
        }
    }

    fn put(&self, _arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let written = text(&value, "a date")?;
        let (day, time) = written.split_once('T').map_or((written, None), |(day, time)| (day, Some(time)));
        if !is_day(day) || !time.is_none_or(is_time) {
            return Err(format!("a date such as 2026-01-31 or 2026-01-31T09:30, found {written}"));
        }
        let time = time.map(|time| {
            if time.len() > NO_TIME.len() {
                spot.lost.borrow_mut().push("a place for parts of a second");
            }
            format!("{}{}", &time[..time.len().min(NO_TIME.len())], &NO_TIME[time.len().min(NO_TIME.len())..])
        });
        Ok(Some(Value::Array([Some(day.to_owned()), time].into_iter().flatten().map(Value::from).collect())))
    }

    fn sample(&self, _arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        let day = format!("20{:02}-{:02}-{:02}", 20 + dice(20), 1 + dice(12), 1 + dice(28));
        let time = (dice(3) == 0).then(|| format!("T{:02}:{:02}:{:02}", 1 + dice(23), dice(60), dice(60)));
        Some(format!("{day}{}", time.unwrap_or_default()).into())
    }
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_time(text: &str) -> bool {
    text.is_ascii() && text.parse::<jiff::civil::Time>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::code::Codes;
    use crate::table::Tables;

    #[test]
    fn no_time_is_none_and_what_is_no_moment_is_refused() {
        let (codes, tables) = (Codes::new(None), Tables::default());
        let spot = Spot::new("idoc", '.', &codes, &tables);
        let get = |parts: &[&str]| {
            Moment.get(&[], Value::Array(parts.iter().map(|part| Value::from(*part)).collect()), &spot)
        };
        assert_eq!(get(&["2026-01-31", "00:00:00"]), Ok(Some("2026-01-31".into())));
        assert_eq!(get(&["00:00:00"]), Ok(None));
        for parts in [&["09:30:00"][..], &["2026-01-31", "2026-02-01"], &["2026-01-31", "noon"], &[]] {
            assert!(get(parts).is_err(), "{parts:?}");
        }
        let put = |text: &str| Moment.put(&[], Some(text.into()), &spot);
        let written = |parts: [&str; 2]| Ok(Some(Value::Array(parts.map(Value::from).to_vec())));
        assert_eq!(put("2026-01-31T09:30"), written(["2026-01-31", "09:30:00"]));
        assert!(spot.lost.borrow().is_empty());
        assert_eq!(put("2026-01-31T09:30:12.75"), written(["2026-01-31", "09:30:12"]));
        assert_eq!(*spot.lost.borrow(), ["a place for parts of a second"]);
        for text in ["2026-01", "2026-W05", "2026-01-31/2026-02-02", "2026-01-31T25:00"] {
            assert!(put(text).is_err(), "{text}");
        }
    }
}
