//! `kind: partner`: who we deal with, by all the ids it has in envelopes.

use serde::{Deserialize, Deserializer};
use std::fmt;

/// A partner.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// What people call it.
    #[serde(default)]
    pub title: String,
    /// The ids it has in envelopes.
    pub party_ids: Vec<PartyId>,
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
