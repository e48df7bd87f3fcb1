//! `fits(n)`: a text of one line and n characters; a longer one is left to another rule.

use super::{Function, Outcome, Spot, text};
use crate::entity::Value;

pub struct Fits;

impl Function for Fits {
    fn name(&self) -> &'static str {
        "fits"
    }

    fn help(&self) -> &'static str {
        "fits(n): a text as it stands; on writing one that has more than n characters, or several lines, is refused, so \
         that another rule for the list can take it. fits(n, field): also when that field beside it has a value. \
         fits(12..12): so is one of fewer than the first number."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("80", "Call first", "Call first")]
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        Ok(Some(wire))
    }

    fn keeps(&self, _wire: &[u8], _spot: &Spot<'_>) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, spot: &Spot<'_>) -> Outcome {
        let Some(value) = value else { return Ok(None) };
        let body = text(&value, "a text")?;
        let (least, most) = bounds(arguments);
        let has_beside = arguments.get(1).is_some_and(|field| spot.sibling(field).is_some());
        let count = body.chars().count();
        if has_beside || body.contains('\n') || count > most {
            return Err(format!("one line of at most {most} characters"));
        }
        if count < least {
            return Err(format!("at least {least} characters"));
        }
        Ok(Some(value))
    }

    fn sample(&self, arguments: &[String], dice: &mut dyn FnMut(usize) -> usize, _spot: &Spot<'_>) -> Option<Value> {
        let (least, most) = bounds(arguments);
        let digit = |roll: usize| char::from(b'0' + (roll % 10) as u8);
        (least > 0).then(|| (0..least + dice(most - least + 1)).map(|_| digit(dice(10))).collect::<String>().into())
    }
}

/// The fewest and the most characters.
fn bounds(arguments: &[String]) -> (usize, usize) {
    let first = arguments.first().map_or("", String::as_str);
    let (least, most) = first.split_once("..").unwrap_or(("0", first));
    (least.parse().unwrap_or(0), most.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn err_at_one_character_more() {
        let fits = |text: &str| {
            let codes = crate::mapping::code::Codes::new(None);
            let tables = crate::table::Tables::default();
            let spot = Spot::new("x12", '.', &codes, &tables);
            Fits.put(&["2..3".to_owned()], Some(text.into()), &spot)
        };
        assert!(fits("a").is_err() && fits("ab").is_ok());
        assert_eq!(fits("abc"), Ok(Some("abc".into())));
        assert!(fits("abcd").is_err() && fits("a\nb").is_err());
    }
}
