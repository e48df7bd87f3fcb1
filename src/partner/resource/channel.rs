//! `kind: channel`: a way in or out at a transport.

use super::as2::{self, As2};
use super::shape::{Key, SECRET, SECRET_OR_TEXT, Shape, may, must};
use super::{PartyId, Secret, SecretOrText, Way, parsed_option};
use serde::Deserialize;
use std::collections::BTreeMap;

const BASIC: Shape =
    Shape::Object(&[must("user", Shape::Filled, "User name"), must("password", SECRET, "Its password")]);
const AUTH: Shape =
    Shape::Either(&[Shape::Word(&["token"]), Shape::Object(&[must("basic", BASIC, "Authorization: Basic")])]);

/// Of a channel in that takes cXML.
const CXML_KEYS: &[Key] = &[
    must("secret", SECRET, "The SharedSecret that proves who sends"),
    may(
        "senders",
        Shape::List(&Shape::PartyId),
        "Who may bring it, DOMAIN:ID, such as a network; none: the partner itself",
    ),
    may("receivers", Shape::List(&Shape::PartyId), "Who we are, DOMAIN:ID; none: To is not looked at"),
    may("punchout", Shape::Filled, "Where PunchOutSetupRequests are answered; none: they are not taken"),
];

/// Its keys.
pub const KEYS: &[Key] = &[
    must("transport", Shape::Word(&["http", "as2", "sftp"]), "The transport"),
    must("way", Shape::Word(&["in", "out"]), "From a partner to us, or from us to a partner"),
    may("partners", Shape::List(&Shape::Filled), "Who may send here, or who is reached; none: every partner"),
    may("auth", AUTH, "In: how senders prove who they are"),
    may("cxml", Shape::Object(CXML_KEYS), "In: cXML is answered in the call that brings it"),
    may("as2", Shape::Object(as2::KEYS), "Of transport as2: the pair of names, and how messages are protected"),
    may("mailbox", Shape::Filled, "Of transport sftp: the mailbox that the files go through"),
    may("folder", Shape::Filled, "Of transport sftp: its folder; in where files come in, out where they go out"),
    may("file_name", Shape::Filled, "Of transport sftp, out: what files are called, with facts in braces"),
    may("url", Shape::Filled, "Out: where to; in with cxml: where partners reach it, told in its profile"),
    may("headers", Shape::Map(&SECRET_OR_TEXT), "Out: header lines to send"),
    may("allow_networks", Shape::List(&Shape::Filled), "Networks that may be reached although not public"),
    may("document", Shape::Filled, "In: what is sent here, where it does not say it itself: csv/1/Order"),
    may("body_bytes", Shape::Number(1, u64::MAX), "In: bytes of a body, at most"),
];

/// A way in or out at a transport.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// `http`, `as2` or `sftp`.
    pub transport: String,
    /// In or out.
    pub way: Way,
    /// Who may send here, or who is reached; none: every partner.
    #[serde(default)]
    pub partners: Vec<String>,
    /// In: how senders prove who they are.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// In: cXML is answered in the call that brings it.
    #[serde(default)]
    pub cxml: Option<Cxml>,
    /// Of transport `as2`: the pair of names, and how messages are protected.
    #[serde(default)]
    pub as2: Option<As2>,
    /// Of transport `sftp`: the mailbox that the files go through.
    #[serde(default)]
    pub mailbox: Option<String>,
    /// Of transport `sftp`: its folder; none: `in` where files come in, `out` where they go out.
    #[serde(default)]
    pub folder: Option<String>,
    /// Of transport `sftp`, out: what files are called, with facts in braces.
    #[serde(default)]
    pub file_name: Option<String>,
    /// Out: where to; in with cXML: where partners reach it.
    #[serde(default)]
    pub url: Option<String>,
    /// Out: header lines to send.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretOrText>,
    /// Networks such as 10.0.0.0/8 that may be reached although they are not public.
    #[serde(default)]
    pub allow_networks: Vec<String>,
    /// In: the document type of what is sent here, where the bytes do not say it: a table, lines of fixed width, JSON.
    #[serde(default)]
    pub document: Option<String>,
    /// In: bytes of a body, where another limit than the instance's is wanted.
    #[serde(default, deserialize_with = "parsed_option")]
    pub body_bytes: Option<u64>,
}

impl Channel {
    /// The folder of its mailbox.
    #[must_use]
    pub fn folder(&self) -> &str {
        let usual = if self.way == Way::In { "in" } else { "out" };
        self.folder.as_deref().unwrap_or(usual)
    }
}

/// How cXML is taken.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cxml {
    /// The SharedSecret of Sender.
    pub secret: Secret,
    /// Who may be its Sender; none: the partner itself.
    #[serde(default)]
    pub senders: Vec<PartyId>,
    /// Who we are in To; none: any.
    #[serde(default)]
    pub receivers: Vec<PartyId>,
    /// Where PunchOutSetupRequests are answered.
    #[serde(default)]
    pub punchout: Option<String>,
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
