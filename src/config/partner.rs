//! `[partner]`: the listener that partners reach. It has no administration.

use serde::Deserialize;
use std::path::PathBuf;

/// Where partners reach us.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partner {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// With it the listener speaks HTTPS, without it HTTP.
    pub tls: Option<Tls>,
}

/// Files of a TLS listener, PEM; a relative path starts at the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate, then those that lead to its root.
    pub certificate: PathBuf,
    /// Its private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

impl Default for Partner {
    fn default() -> Self {
        Self { listen: "0.0.0.0:8080".to_owned(), tls: None }
    }
}
