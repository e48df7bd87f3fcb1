//! `refuse(x)`: a value that the document has no way to say, and that must not go unsaid.

use super::{Function, Outcome, Spot, plain};
use crate::entity::Value;

pub struct Refuse;

impl Function for Refuse {
    fn name(&self) -> &'static str {
        "refuse"
    }

    fn help(&self) -> &'static str {
        "refuse(x): on writing x is an error, for the document has no way to say it, and without it the rest would mean \
         something else. Other values pass, and on reading every value. refuse: any value is an error."
    }

    fn examples(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[("true", "A", "A")]
    }

    fn get(&self, _arguments: &[String], wire: Value, _spot: &Spot<'_>) -> Outcome {
        Ok(Some(wire))
    }

    fn keeps(&self, _wire: &[u8], _spot: &Spot<'_>) -> bool {
        true
    }

    fn is_steady(&self) -> bool {
        true
    }

    fn put(&self, arguments: &[String], value: Option<Value>, _spot: &Spot<'_>) -> Outcome {
        let refused = arguments.first().map_or("", String::as_str);
        match value {
            Some(value) if refused.is_empty() || plain(&value) == refused => {
                Err(format!("a value that the document can say, which {} is not", plain(&value)))
            }
            other => Ok(other),
        }
    }

    fn is_vital(&self, _arguments: &[String], _spot: &Spot<'_>) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn err_only_the_value_named() {
        let codes = crate::mapping::code::Codes::new(None);
        let tables = crate::table::Tables::default();
        let spot = Spot::new("edifact", '.', &codes, &tables);
        let put = |value: Option<Value>| Refuse.put(&["true".to_owned()], value, &spot);
        assert!(Refuse.put(&[], Some("A".into()), &spot).is_err());
        assert_eq!(Refuse.put(&[], None, &spot), Ok(None));
        assert_eq!(put(Some(false.into())), Ok(Some(false.into())));
        assert_eq!(put(None), Ok(None));
        assert!(put(Some(true.into())).is_err_and(|why| why.ends_with("which true is not")));
    }
}
