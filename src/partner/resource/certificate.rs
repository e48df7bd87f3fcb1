//! `kind: certificate`: a partner's certificate, or one of ours with the name of its private key. What stands in the PEM is
//! read elsewhere.

use super::Secret;
use super::shape::{Key, SECRET, Shape, may, must};
use serde::Deserialize;

/// Its keys.
pub const KEYS: &[Key] = &[
    must("pem", Shape::Filled, "The certificate, as text that begins with -----BEGIN CERTIFICATE-----"),
    may("key", SECRET, "Ours only: its private key, in PEM"),
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
}
