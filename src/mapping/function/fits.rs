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
         that another rule for the list can take it. fits(n, field): also when that field beside it has a value."
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
        let most = arguments.first().and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
        let has_beside = arguments.get(1).is_some_and(|field| spot.sibling(field).is_some());
        if has_beside || body.contains('\n') || body.chars().count() > most {
            return Err(format!("one line of at most {most} characters"));
        }
        Ok(Some(value))
    }
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
            Fits.put(&["3".to_owned()], Some(text.into()), &spot)
        };
        assert_eq!(fits("abc"), Ok(Some("abc".into())));
        assert!(fits("abcd").is_err() && fits("a\nb").is_err());
    }
}
