//! How documents of an agreement are cut into several, as it is written down: checked here as far as it can be without the
//! entity. How it is done is `entity::split`'s.

use super::parsed_option;
use super::shape::{Key, Shape, may, must};
use crate::entity::split::{KEYS_MAX, PLACEHOLDERS, SAME_NUMBER, SplitKey, SplitRule};
use crate::partner::ack::one_or_many;
use serde::Deserialize;

/// Most lines that may be asked for: more than any document that is read here has.
const LINES_MAX: u64 = 10_000_000;

/// Its keys.
pub const KEYS: &[Key] = &[
    may("lines_max", Shape::Number(1, LINES_MAX), "How many lines a document may have"),
    may(
        "by",
        Shape::Either(&[Shape::Filled, Shape::List(&Shape::Filled)]),
        "A document for each value of a field of the lines: parties[role=ship_to]",
    ),
    must(
        "number",
        Shape::Filled,
        "How their numbers are made of {number} {part} {parts} {key}; {number} alone: they share it",
    ),
    may("reference", Shape::Filled, "As which kind of reference they name the number of the whole"),
    may(
        "of_the_whole",
        Shape::Word(&["refuse", "leave_out"]),
        "What becomes of totals and amounts that are true of no part",
    ),
];

/// How documents are cut.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Lines of one document, at most; as many as there are when left out.
    #[serde(default, deserialize_with = "parsed_option")]
    pub lines_max: Option<usize>,
    /// A document for each value of these fields of the lines, or each combination of their values.
    #[serde(default, deserialize_with = "one_or_many")]
    pub by: Vec<String>,
    /// How the numbers of the parts are made.
    pub number: String,
    /// The kind of reference by which a part names the whole.
    #[serde(default)]
    pub reference: Option<String>,
    /// What becomes of what is true of no part.
    #[serde(default)]
    pub of_the_whole: OfTheWhole,
}

/// What becomes of what is said of all lines together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum OfTheWhole {
    /// The document fails.
    #[default]
    Refuse,
    /// It is left out and told.
    LeaveOut,
}

impl Split {
    /// The rule that it says.
    ///
    /// # Errors
    /// All that is wrong, each beginning with its key.
    pub fn rule(&self) -> Result<SplitRule, Vec<String>> {
        let (mut by, mut found) = (Vec::new(), Vec::new());
        let keys = &self.by;
        for (at, key) in keys.iter().enumerate() {
            let place = if keys.len() > 1 { format!("split.by[{}]", at + 1) } else { "split.by".to_owned() };
            match SplitKey::parse(key) {
                Ok(key) => by.push(key),
                Err(sentence) => found.push(format!("{place}: {sentence}")),
            }
        }
        if keys.len() > KEYS_MAX {
            found.push(format!("split.by: expected {KEYS_MAX} fields at most, found {}", keys.len()));
        }
        if keys.is_empty() && self.lines_max.is_none() {
            found.push("split: expected lines_max, by, or both, which say where a document is cut".to_owned());
        }
        self.check_number(!keys.is_empty(), &mut found);
        let leaves_out = self.of_the_whole == OfTheWhole::LeaveOut;
        let (number, reference) = (self.number.clone(), self.reference.clone());
        if found.is_empty() {
            Ok(SplitRule { by, lines_max: self.lines_max, number, reference, leaves_out })
        } else {
            Err(found)
        }
    }

    fn check_number(&self, has_keys: bool, found: &mut Vec<String>) {
        let named = super::envelope::placeholders(&self.number);
        for name in &named {
            if !PLACEHOLDERS.contains(&name.as_str()) {
                let hint = crate::near::hint(name, &PLACEHOLDERS);
                found.push(format!("split.number: no placeholder {{{name}}}{hint}"));
            }
        }
        let has = |name: &str| named.iter().any(|one| one == name);
        if has("key") && !has_keys {
            found.push("split.number: expected {key} with split.by only, for without it there is none".to_owned());
        }
        if self.number != SAME_NUMBER && !has("part") && !has("key") {
            found.push(format!(
                "split.number: expected {{part}} or {{key}} in it, or {SAME_NUMBER} where all parts are to have the number of \
                 the whole, found {}",
                self.number
            ));
        }
        if self.number.matches('{').count() != self.number.matches('}').count() {
            found.push(format!("split.number: expected each {{ to be closed by }}, found {}", self.number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(split: serde_json::Value) -> Result<SplitRule, Vec<String>> {
        serde_json::from_value::<Split>(split).expect("a split").rule()
    }

    #[test]
    fn ok_one_key_or_several() {
        let one = rule(json!({ "by": "order.number", "number": "{number}-{key}" })).expect("a rule");
        assert_eq!((one.by.len(), one.lines_max, one.leaves_out), (1, None, false));
        let two = json!({ "by": ["parties[role=ship_to]", "dates[role=delivery].at"], "lines_max": "200",
            "number": "{number}", "of_the_whole": "leave_out", "reference": "order" });
        let two = rule(two).expect("a rule");
        assert_eq!((two.by.len(), two.lines_max, two.leaves_out), (2, Some(200), true));
    }

    #[test]
    fn err_what_cannot_be_meant_is_told_by_key() {
        for (split, expected) in [
            (json!({ "number": "{number}-{part}" }), "split: expected lines_max, by, or both"),
            (json!({ "lines_max": "5", "number": "{number}-{pat}" }), "no placeholder {pat}; did you mean part?"),
            (
                json!({ "lines_max": "5", "number": "{number}-{key}" }),
                "split.number: expected {key} with split.by only",
            ),
            (json!({ "lines_max": "5", "number": "{number}-x" }), "split.number: expected {part} or {key} in it"),
            (json!({ "lines_max": "5", "number": "{part}-{number" }), "split.number: expected each { to be closed"),
            (json!({ "by": ["lines[", "a.b"], "number": "{part}" }), "split.by[1]: expected a path such as"),
            (json!({ "by": ["a", "b", "c", "d", "e"], "number": "{part}" }), "split.by: expected 4 fields at most"),
        ] {
            let found = rule(split.clone()).expect_err("wrong");
            assert!(found.iter().any(|one| one.starts_with(expected) || one.contains(expected)), "{split}: {found:?}");
        }
    }
}
