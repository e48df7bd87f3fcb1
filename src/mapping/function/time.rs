//! `time`: a time of day as HHMM (or HHMMSS, HHMMSSDD) in the document, as 13:45 in the entity.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Time;

impl Function for Time {
    fn name(&self) -> &'static str {
        "time"
    }

    fn help(&self) -> &'static str {
        "time: HHMM, HHMMSS or HHMMSSDD; seconds and their hundredths are written when there are any."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("", r#""1345""#, "13:45"), ("", r#""134530""#, "13:45:30"), ("", r#""13453099""#, "13:45:30.99")]
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        let digits = text(&wire, "a time")?;
        let wrong = || format!("a time HHMM or HHMMSS, found {digits}");
        let part = |from: usize| digits.get(from..from + 2).ok_or_else(wrong);
        let time = match digits.len() {
            4 => format!("{}:{}", part(0)?, part(2)?),
            6 => format!("{}:{}:{}", part(0)?, part(2)?, part(4)?),
            7 | 8 => format!("{}:{}:{}.{}", part(0)?, part(2)?, part(4)?, digits.get(6..).ok_or_else(wrong)?),
            _ => return Err(wrong()),
        };
        time.parse::<jiff::civil::Time>().map(|_| Some(time.into())).map_err(|_| wrong())
    }

    fn put(&self, _arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        Ok(Some(text(&value, "a time")?.replace([':', '.'], "").into()))
    }

    fn sample(&self, _arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        Some(format!("{:02}:{:02}", dice(24), dice(60)).into())
    }
}
