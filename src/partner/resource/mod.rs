//! The kinds of resource and how they are read. A file may hold many, in any order; what counts is kind and name.

mod agreement;
mod alert;
mod as2;
pub(in crate::partner) mod auth;
pub mod calendar; // when somebody works
mod certificate;
mod channel;
mod envelope;
mod files;
mod mailbox;
mod overlay;
mod pace; // how fast is sent
mod partner;
mod recipient;
mod route;
mod schedule; // when: schedules and windows
pub mod shape; // keys of each kind: errors and schemas
mod split;
mod turn; // order and urgency of what leaves
mod webhook;

pub use agreement::{Agreement, Attachments, Environment, OnUncertain, Vanished};
pub use alert::{Alert, Severity, Watch, fits, packed};
pub use as2::{As2, Compress, Legacy, LineEnds, MICS, Receipt, Required};
pub use auth::{Auth, Basic, OAuth1, OAuth2, Signed};
pub use calendar::Calendar;
pub use certificate::{Certificate, Signs};
pub use channel::{AnswerPolicy, Channel, ChannelProxy, Cxml, ProxyLogin, ReceiptAuth, Shown};
pub use envelope::{DOCUMENTS_MAX, EnvelopeProfile, PLACEHOLDERS, RequestAck, Una};
pub use files::{HostKey, Pickup, Server, Then, Unchanged};
pub(super) use files::{check_local, check_remote};
pub(super) use mailbox::is_folder;
pub use mailbox::{Mailbox, Repeats, is_temporary};
pub use pace::{CONCURRENCY, Circuit, Per, Rate, Retry};
pub use partner::{Partner, PartyId};
pub use recipient::{Form, Posted, Quiet, Recipient, is_address};
pub use route::Route;
pub use schedule::{DeliveryWindow, When};
pub use split::{OfTheWhole, Split};
pub use turn::{Order, Priority, lane};
pub use webhook::{EVENT_TYPES, Webhook};

use crate::yaml::{self, Node};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The kinds there are.
pub const KINDS: [&str; 15] = [
    "partner",
    "channel",
    "auth",
    "certificate",
    "mailbox",
    "agreement",
    "route",
    "mapping",
    "transformation",
    "guide",
    "table",
    "webhook",
    "alert",
    "recipient",
    "calendar",
];

/// A resource with its body as JSON; every scalar is text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// One of [`KINDS`].
    pub kind: String,
    /// Unique in its kind.
    pub name: String,
    /// Everything but kind and name.
    pub body: Value,
    /// Where it stands, for messages: `file.yaml:12`; empty for what comes from the ledger.
    pub place: String,
    /// Lines of its keys by path, where it came from a file.
    pub lines: BTreeMap<String, usize>,
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

    /// Everything in which the body is not of its kind's shape, each at its line.
    #[must_use]
    pub fn check_shape(&self) -> Vec<ResourceError> {
        let Some(kind) = shape::find(&self.kind) else {
            return vec![self.error(&format!("expected a kind of {}, found {}", KINDS.join(", "), self.kind))];
        };
        let mut wrong = shape::check(kind, &self.body);
        // What lies in the ledger may have been taken before this was asked; that keeps no instance from starting.
        if !self.place.is_empty() {
            wrong.extend(shape::users(kind, &self.body));
        }
        wrong.iter().map(|(key, message)| self.error_at(key, message)).collect()
    }

    /// What is wrong at a key: `file.yaml:14: agreement/orders: envelope.sender: …`, at the line of that key or the
    /// nearest around it.
    #[must_use]
    pub fn error_at(&self, key: &str, message: &str) -> ResourceError {
        let message = if key.is_empty() { message.to_owned() } else { format!("{key}: {message}") };
        let mut error = self.error(&message);
        if let Some(place) = self.line_of(key) {
            error.place = format!("{place}: {}", self.id());
        }
        error
    }

    /// `file.yaml:14`, the line of a key or the nearest around it; none where the resource was not read from a file.
    #[must_use]
    pub fn line_of(&self, key: &str) -> Option<String> {
        let (file, _) = self.place.rsplit_once(':')?;
        let mut around = key;
        while !around.is_empty() {
            if let Some(line) = self.lines.get(around) {
                return Some(format!("{file}:{line}"));
            }
            around = around.rfind(['.', '[']).map_or("", |end| &around[..end]);
        }
        None
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
    let (found, errors) = parse_all(file, text);
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// The resources of a file that can be told apart, and what is wrong with the rest.
#[must_use]
pub fn parse_all(file: &str, text: &str) -> (Vec<Resource>, Vec<ResourceError>) {
    let wrong = |line: usize, message: String| ResourceError { place: format!("{file}:{line}"), message };
    let nodes = match yaml::documents(text) {
        Ok(nodes) => nodes,
        Err(error) => return (Vec::new(), vec![wrong(error.line, error.message)]),
    };
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for node in &nodes {
        if node.text() == Some("") {
            continue;
        }
        match one(node) {
            Ok((kind, name, body)) => {
                found.push(Resource { kind, name, body, place: format!("{file}:{}", node.line), lines: node.lines() });
            }
            Err(message) => errors.push(wrong(node.line, message)),
        }
    }
    (found, errors)
}

fn one(node: &Node) -> Result<(String, String, Value), String> {
    let text = |key: &str| node.get(key).and_then(Node::text).filter(|text| !text.is_empty());
    let kind = text("kind").ok_or_else(|| format!("expected a key kind, one of {}", KINDS.join(", ")))?;
    if !KINDS.contains(&kind) {
        let hint = crate::near::hint(kind, &KINDS);
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
pub(in crate::partner) fn parsed<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<T, D::Error> {
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
