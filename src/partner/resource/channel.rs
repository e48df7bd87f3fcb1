//! `kind: channel`: a way in or out at a transport.

use super::{Secret, SecretOrText, Way, parsed_option};
use serde::Deserialize;
use std::collections::BTreeMap;

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
