//! The kinds of resource and how they are read. A file may hold many, in any order; what counts is kind and name.

use super::ack::{AckPolicy, Expect, one_or_many};
use super::duplicate::{Duplicate, DuplicateKey};
use crate::yaml::{self, Node};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The kinds there are.
pub const KINDS: [&str; 4] = ["partner", "channel", "agreement", "route"];

/// A resource with its body as JSON; every scalar is text.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// One of [`KINDS`].
    pub kind: String,
    /// Unique in its kind.
    pub name: String,
    /// Everything but kind and name.
    pub body: Value,
    /// Where it stands, for messages: `file.yaml:12`; empty for what comes from the ledger.
    pub place: String,
}

/// What is wrong with resources: where, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceError {
    /// `file.yaml:12` or `agreement/orders`.
    pub place: String,
    /// Expected and found.
    pub message: String,
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for ResourceError {}

impl Resource {
    /// `agreement/orders`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// Reads the body as its kind.
    pub(super) fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, ResourceError> {
        serde_json::from_value(self.body.clone()).map_err(|error| self.error(&error.to_string()))
    }

    pub(super) fn error(&self, message: &str) -> ResourceError {
        let place = if self.place.is_empty() { self.id() } else { format!("{}: {}", self.place, self.id()) };
        ResourceError { place, message: message.to_owned() }
    }
}

/// Reads the resources of a file; `file` is its name for messages.
///
/// # Errors
/// All that is wrong, each with its line.
pub fn parse(file: &str, text: &str) -> Result<Vec<Resource>, Vec<ResourceError>> {
    let wrong = |line: usize, message: String| ResourceError { place: format!("{file}:{line}"), message };
    let nodes = yaml::documents(text).map_err(|error| vec![wrong(error.line, error.message)])?;
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for node in &nodes {
        if node.text() == Some("") {
            continue;
        }
        match one(node) {
            Ok((kind, name, body)) => {
                found.push(Resource { kind, name, body, place: format!("{file}:{}", node.line) });
            }
            Err(message) => errors.push(wrong(node.line, message)),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn one(node: &Node) -> Result<(String, String, Value), String> {
    let text = |key: &str| node.get(key).and_then(Node::text).filter(|text| !text.is_empty());
    let kind = text("kind").ok_or_else(|| format!("expected a key kind, one of {}", KINDS.join(", ")))?;
    if !KINDS.contains(&kind) {
        let nearest = KINDS.iter().find(|known| known.get(..2) == kind.get(..2));
        let hint = nearest.map_or(String::new(), |known| format!("; did you mean {known}?"));
        return Err(format!("expected a kind of {}, found {kind}{hint}", KINDS.join(", ")));
    }
    let name = text("name").ok_or_else(|| format!("expected a key name: what this {kind} is called"))?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if name.len() > 64 || !name.chars().all(is_plain) || name.starts_with(['-', '.']) {
        return Err(format!("expected a name of up to 64 of a-z, 0-9, - _ . (not first), found {name}"));
    }
    let Value::Object(mut body) = node.to_json() else { return Err("expected keys and values".to_owned()) };
    body.shift_remove("kind");
    body.shift_remove("name");
    Ok((kind.to_owned(), name.to_owned(), Value::Object(body)))
}

/// Reads a scalar, which is always text in our files, as something else.
pub(super) fn parsed<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let expected = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default().to_owned();
    text.parse().map_err(|_| serde::de::Error::custom(format!("expected a value of type {expected}, found {text:?}")))
}

fn parsed_option<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    parsed(deserializer).map(Some)
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

/// The name of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// As set with `portolan secret set`.
    pub secret: String,
}

/// Plain text, or the name of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum SecretOrText {
    /// The name of a secret.
    Secret(Secret),
    /// The text itself.
    Text(String),
}

/// Which way a channel or agreement goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From a partner to us.
    In,
    /// From us to a partner.
    Out,
}

/// How a sender proves who it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Auth {
    /// `Authorization: Bearer`, with a token of this channel (`portolan token create --channel NAME`).
    Token,
    /// `Authorization: Basic`.
    Basic {
        /// User name.
        user: String,
        /// Its password.
        password: Secret,
    },
}

/// A way in or out at a transport.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// `http`.
    pub transport: String,
    /// In or out.
    pub way: Way,
    /// Who may send here, or who is reached; none: every partner.
    #[serde(default)]
    pub partners: Vec<String>,
    /// In: how senders prove who they are.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Out: where to.
    #[serde(default)]
    pub url: Option<String>,
    /// Out: header lines to send.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretOrText>,
    /// Out: networks such as 10.0.0.0/8 that may be reached although they are not public.
    #[serde(default)]
    pub allow_networks: Vec<String>,
    /// In: bytes of a body, where another limit than the instance's is wanted.
    #[serde(default, deserialize_with = "parsed_option")]
    pub body_bytes: Option<u64>,
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

/// How our envelopes look to this partner.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct EnvelopeProfile {
    /// Sender's id.
    pub sender: Option<PartyId>,
    /// Receiver's id.
    pub receiver: Option<PartyId>,
    /// X12 GS02 where it is not ISA06.
    pub group_sender: String,
    /// X12 GS03 where it is not ISA08.
    pub group_receiver: String,
    /// X12 GS08 where it is not the plain version.
    pub group_version: String,
    /// Element, component, repetition separator and terminator as they stand in a row, `*>^~`; EDIFACT `+:*'`.
    pub separators: Option<String>,
    /// `none`, `lf`, `crlf` after each terminator.
    pub line_end: Option<String>,
    /// EDIFACT: `UNOA` to `UNOY`.
    pub repertoire: Option<String>,
    /// First control number; later ones count on.
    #[serde(deserialize_with = "parsed_option")]
    pub first_number: Option<u64>,
}

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
    #[serde(default, deserialize_with = "one_or_many")]
    pub expect: Vec<Expect>,
    /// In: what happens to repeats.
    #[serde(default)]
    pub duplicate: Duplicate,
    /// In: how they are told.
    #[serde(default)]
    pub duplicate_key: DuplicateKey,
    /// In: for how many days an interchange is remembered; for ever when left out.
    #[serde(default, deserialize_with = "parsed_option")]
    pub duplicate_window_days: Option<u32>,
    /// Out: what an uncertain delivery leads to.
    #[serde(default)]
    pub on_uncertain: OnUncertain,
}

fn production() -> Environment {
    Environment::Production
}

/// Where what comes in under one agreement goes out under another.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// An agreement of way in.
    pub from: String,
    /// An agreement of way out.
    pub to: String,
}
