//! `kind: channel`: a way in or out at a transport.

use super::shape::{Key, SECRET, SECRET_OR_TEXT, Shape, may, must};
use super::{Secret, SecretOrText, Way, parsed_option};
use serde::Deserialize;
use std::collections::BTreeMap;

const BASIC: Shape =
    Shape::Object(&[must("user", Shape::Filled, "User name"), must("password", SECRET, "Its password")]);
const AUTH: Shape =
    Shape::Either(&[Shape::Word(&["token"]), Shape::Object(&[must("basic", BASIC, "Authorization: Basic")])]);

/// Its keys.
pub const KEYS: &[Key] = &[
    must("transport", Shape::Word(&["http"]), "The transport"),
    must("way", Shape::Word(&["in", "out"]), "From a partner to us, or from us to a partner"),
    may("partners", Shape::List(&Shape::Filled), "Who may send here, or who is reached; none: every partner"),
    may("auth", AUTH, "In: how senders prove who they are"),
    may("url", Shape::Filled, "Out: where to"),
    may("headers", Shape::Map(&SECRET_OR_TEXT), "Out: header lines to send"),
    may("allow_networks", Shape::List(&Shape::Filled), "Out: networks that may be reached although not public"),
    may("document", Shape::Filled, "In: what is sent here, where it does not say it itself: csv/1/Order"),
    may("body_bytes", Shape::Number(1, u64::MAX), "In: bytes of a body, at most"),
];

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
    /// In: the document type of what is sent here, where the bytes do not say it: a table, lines of fixed width, JSON.
    #[serde(default)]
    pub document: Option<String>,
    /// In: bytes of a body, where another limit than the instance's is wanted.
    #[serde(default, deserialize_with = "parsed_option")]
    pub body_bytes: Option<u64>,
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
