//! A partner's own mapping: rules laid over a packed mapping, or over another partner's or group's that stands on one.

use super::notation::{self, Body, Mapping, Rule};
use super::{Mappings, file, stranger};
use crate::inherit::{self, Layer, Override};
use serde_json::Value;

/// What is wrong with a mapping of a partner: under which key, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct OverError {
    /// `base`, `rules.number`.
    pub key: String,
    /// Expected and found.
    pub message: String,
}

impl Mappings {
    /// The mapping `name`, whose file and whose partners' bases `own` gives; packed ones are named by document type. With
    /// it, what the partners' files change of what they stand on.
    ///
    /// # Errors
    /// What is wrong.
    pub fn over(&self, name: &str, own: impl Fn(&str) -> Option<Value>) -> Result<(Mapping, Vec<Override>), OverError> {
        let layers = self.layers_over(name, own)?;
        let wrong = |key: &str, message: String| OverError { key: key.to_owned(), message };
        let parts =
            layers.iter().rev().find_map(|layer| <[&str; 3]>::try_from(layer.name.split('/').collect::<Vec<_>>()).ok());
        let Some([standard, version, document]) = parts else {
            return Err(wrong(
                "base",
                "expected a mapping such as x12/004010/850 below them all, found none".to_owned(),
            ));
        };
        let mapping = notation::mapping(
            [standard, version, document],
            &self.here(standard, version, document),
            &inherit::joined(&layers),
        )
        .and_then(|mapping| stranger::refuse(&mapping).map(|()| mapping));
        let mapping = mapping.map_err(|error| {
            let known =
                ["entity", "select", "constants", "repeated", "parts", "rules", "file"].contains(&error.place.as_str());
            let key = if known { error.place.clone() } else { format!("rules.{}", error.place) };
            wrong(&key, error.to_string())
        })?;
        let mut overrides = inherit::overrides(&layers);
        overrides.retain(|one| !one.layer.contains('/'));
        Ok((mapping, overrides))
    }

    /// The files of a partner's mapping, the lowest first.
    fn layers_over(&self, name: &str, own: impl Fn(&str) -> Option<Value>) -> Result<Vec<Layer>, OverError> {
        let find = |name: &str| {
            if !name.contains('/') {
                return own(name).map(Ok);
            }
            let text = file(self.overlay.as_deref(), &format!("{name}.yaml"))?;
            Some(crate::yaml::document(&text).map(|node| node.to_json()).map_err(|error| format!("{name}: {error}")))
        };
        let layers = inherit::layers(name, find, |_| false);
        let wrong = |message: String| OverError { key: "base".to_owned(), message };
        layers.map(|(layers, _)| layers).map_err(|error| wrong(error.to_string()))
    }

    /// What a packed mapping, or one of the overlay, changes of the mapping it stands on.
    ///
    /// # Errors
    /// It is not there, or malformed.
    pub fn overrides(&self, name: &str) -> Result<Vec<Override>, OverError> {
        self.layers_over(name, |_| None).map(|layers| inherit::overrides(&layers))
    }
}

impl Mapping {
    /// The document type it is for: `x12/004010/850`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.standard, self.version, self.document)
    }

    /// The lookups that its rules ask for: table, column in the document, column in the entity.
    #[must_use]
    pub fn lookups(&self) -> Vec<[String; 3]> {
        let mut found = Vec::new();
        collect(&self.rules, &mut found);
        found
    }
}

fn collect(rules: &[Rule], found: &mut Vec<[String; 3]>) {
    for rule in rules {
        match &rule.body {
            Body::One(_, calls) | Body::Many(_, calls) | Body::Computed(calls) => {
                let lookups = calls.iter().filter(|call| call.function.name() == "lookup");
                found.extend(
                    lookups.map(|call| std::array::from_fn(|at| call.arguments.get(at).cloned().unwrap_or_default())),
                );
            }
            Body::Each(each) => collect(&each.rules, found),
            Body::Slots(slots) => collect(&slots.rules, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn own(name: &str) -> Option<Value> {
        match name {
            "acme" => Some(json!({ "base": "grocers", "rules": { "number": "BEG04" } })),
            "grocers" => Some(json!({ "base": "x12/004010/850", "rules": { "release": "none",
                "contract": "REF[01=ZZ].02 | lookup(items, buyer, gtin)" } })),
            "wrong" => Some(json!({ "base": "x12/004010/850", "rules": { "number": "BEG03 | dat" } })),
            "ring" => Some(json!({ "base": "ring" })),
            "bare" => Some(json!({ "entity": "order", "rules": {} })),
            _ => None,
        }
    }

    #[test]
    fn a_partner_over_its_group_over_the_standard() {
        let mappings = Mappings::new(None);
        let (mapping, overrides) = mappings.over("acme", own).expect("a mapping");
        assert_eq!(mapping.name(), "x12/004010/850");
        assert_eq!(mapping.lookups(), [["items", "buyer", "gtin"].map(str::to_owned)]);
        let told: Vec<_> = overrides.iter().map(ToString::to_string).collect();
        assert!(told.contains(&"rules.number: BEG03 → BEG04 (acme)".to_owned()), "{told:?}");
        assert!(told.iter().all(|one| one.ends_with("(acme)") || one.ends_with("(grocers)")), "{told:?}");
    }

    #[test]
    fn err_what_is_wrong_is_told_by_key() {
        let mappings = Mappings::new(None);
        let error = |name: &str| mappings.over(name, own).expect_err(name).to_string();
        assert!(
            error("wrong").starts_with("rules.number: ") && error("wrong").contains("found dat"),
            "{}",
            error("wrong")
        );
        assert_eq!(error("ring"), "base: turns in a circle: ring ← ring");
        assert!(error("bare").contains("expected a mapping such as"), "{}", error("bare"));
        assert!(error("nobody").contains("no nobody"), "{}", error("nobody"));
    }
}
