//! `kind: agreement`: what was agreed for one document type, one way, with one partner, in one environment.

use super::{AckPolicy, EnvelopeProfile, Expect, Way, parsed_option};
use serde::{Deserialize, Serialize};

/// What two parties agreed on for one document type.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// In or out.
    pub way: Way,
    /// With whom.
    pub partner: String,
    /// `x12/004010/850`.
    pub document: String,
    /// Test or production.
    #[serde(default = "production")]
    pub environment: Environment,
    /// First day, `2026-01-31`.
    #[serde(default, deserialize_with = "parsed_option")]
    pub valid_from: Option<jiff::civil::Date>,
    /// Last day.
    #[serde(default, deserialize_with = "parsed_option")]
    pub valid_until: Option<jiff::civil::Date>,
    /// Out: over which channel.
    #[serde(default)]
    pub channel: Option<String>,
    /// Out: what the envelope says.
    #[serde(default)]
    pub envelope: EnvelopeProfile,
    /// In: what the sender gets.
    #[serde(default)]
    pub ack: Option<AckPolicy>,
    /// Out: what we expect.
    #[serde(default)]
    pub expect: Option<Expect>,
    /// In: what happens to repeats.
    #[serde(default)]
    pub duplicate: Duplicate,
    /// Out: what an uncertain delivery leads to.
    #[serde(default)]
    pub on_uncertain: OnUncertain,
}

fn production() -> Environment {
    Environment::Production
}

/// Test or production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// ISA15 T, UNB 0035 1.
    Test,
    /// All else.
    Production,
}

impl Environment {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

/// What happens to an interchange that came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Duplicate {
    /// It is processed all the same.
    Allow,
    /// It is held for a person.
    Hold,
    /// It is kept as a duplicate and goes no further.
    #[default]
    Reject,
}

/// What an uncertain delivery leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum OnUncertain {
    /// It goes again under the same key.
    #[default]
    Repeat,
    /// A person decides.
    Hold,
}
