//! `kind: certificate`: a partner's certificate, or one of ours with the name of its private key. What stands in the PEM is
//! read elsewhere.

use super::Secret;
use super::shape::{Key, SECRET, Shape, may, must};
use serde::Deserialize;

/// Its keys.
pub const KEYS: &[Key] = &[
    must("pem", Shape::Filled, "The certificate, as text that begins with -----BEGIN CERTIFICATE-----"),
    may("key", SECRET, "Ours only: its private key, in PEM"),
    may("signs", Shape::Word(&["at_once", "once_accepted"]), "Ours only: from when on it signs for a partner"),
];

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The certificate in PEM; where several stand there, the first counts.
    pub pem: String,
    /// Ours only: the name of its private key.
    #[serde(default)]
    pub key: Option<Secret>,
    /// Ours only: from when on it signs for a partner, within its days.
    #[serde(default)]
    pub signs: Signs,
}

/// From when on a certificate of ours signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Signs {
    /// From its first day.
    #[default]
    AtOnce,
    /// From when the partner accepted it, which it was told of by `portolan certificate announce`.
    OnceAccepted,
}
