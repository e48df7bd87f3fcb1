//! The kinds of resource and how they are read. A file may hold many, in any order; what counts is kind and name.

mod agreement;
mod channel;
mod envelope;
mod partner;
mod route;

pub use agreement::{Agreement, Duplicate, Environment, OnUncertain};
pub use channel::{Auth, Channel};
pub use envelope::EnvelopeProfile;
pub use partner::{Partner, PartyId};
pub use route::Route;

use crate::yaml::{self, Node};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
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
fn parsed<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let expected = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default().to_owned();
    text.parse().map_err(|_| serde::de::Error::custom(format!("expected a value of type {expected}, found {text:?}")))
}

fn parsed_option<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    parsed(deserializer).map(Some)
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

/// When an acknowledgment is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum AckRule {
    /// For everything.
    Always,
    /// When something is wrong.
    OnError,
    /// When the envelope asks for it.
    #[default]
    OnRequest,
    /// Never.
    Never,
}

/// Which acknowledgments a sender gets, and where.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AckPolicy {
    /// TA1, CONTRL on the interchange alone.
    #[serde(default)]
    pub technical: AckRule,
    /// 997, 999, CONTRL.
    #[serde(default = "always")]
    pub functional: AckRule,
    /// The outgoing channel it goes over.
    pub channel: String,
}

fn always() -> AckRule {
    AckRule::Always
}

/// An acknowledgment that we expect.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// `997`, `999`, `contrl`.
    pub kind: String,
    /// Minutes until it is overdue.
    #[serde(deserialize_with = "parsed")]
    pub within_minutes: u32,
}
