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

/// The certificates of a TLS listener: one in files, PEM, where a relative path starts at the data directory; or some that
/// are resources, of which the client's name for us chooses. What changes is taken over without a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate, then those that lead to its root.
    pub certificate: Option<PathBuf>,
    /// Its private key: PKCS#8, PKCS#1 or SEC1.
    pub key: Option<PathBuf>,
    /// Names of resources of kind certificate with a key; the first is shown to those who name none of them.
    pub resources: Vec<String>,
}

impl Default for Partner {
    fn default() -> Self {
        Self { listen: "0.0.0.0:8080".to_owned(), tls: None }
    }
}
