//! `kind: partner`: who we deal with, by all the ids it has in envelopes.

use super::pace::{self, Rate};
use super::parsed_option;
use super::shape::{Key, Shape, may, must};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// Its keys.
pub const KEYS: &[Key] = &[
    must("party_ids", Shape::List(&Shape::PartyId), "The ids it has in envelopes, QUALIFIER:ID"),
    may("title", Shape::Text, "What people call it"),
    may("groups", Shape::List(&Shape::Filled), "Groups whose mappings and guides count for it"),
    may("concurrency", pace::AT_ONCE, "Deliveries at once, over all its channels"),
    may("rate", pace::RATE, "So many attempts within a time, over all its channels"),
];

/// A partner.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// What people call it.
    #[serde(default)]
    pub title: String,
    /// The ids it has in envelopes.
    pub party_ids: Vec<PartyId>,
    /// Groups it belongs to: mappings and guides of a group count for its partners.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Deliveries at once, over all its channels; as many as these allow when left out.
    #[serde(default, deserialize_with = "parsed_option")]
    pub concurrency: Option<usize>,
    /// So many attempts within a time, over all its channels.
    #[serde(default)]
    pub rate: Option<Rate>,
}

/// A party id as envelopes carry it: `ZZ:ACME`; without a qualifier any will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyId {
    /// ISA05, UNB 0007; `None`: any.
    pub scheme: Option<String>,
    /// ISA06, UNB 0004, without padding.
    pub value: String,
}

impl<'de> Deserialize<'de> for PartyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (scheme, value) = match text.split_once(':') {
            Some((scheme, value)) => (Some(scheme.to_owned()), value),
            None => (None, text.as_str()),
        };
        if value.trim().is_empty() {
            return Err(serde::de::Error::custom(format!("expected QUALIFIER:ID, such as ZZ:ACME, found {text:?}")));
        }
        Ok(PartyId { scheme, value: value.trim().to_owned() })
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scheme {
            Some(scheme) => write!(f, "{scheme}:{}", self.value),
            None => f.write_str(&self.value),
        }
    }
}
