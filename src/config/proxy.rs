//! `[proxy]`: what goes out over HTTP goes through it, unless a channel says otherwise.

use serde::Deserialize;

/// A proxy of HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Its address, `http://proxy.example:3128`.
    pub url: String,
    /// Its user, where it asks for one.
    #[serde(default)]
    pub user: Option<String>,
    /// The name of the secret that is its password.
    #[serde(default)]
    pub password: Option<String>,
    /// Hosts that are reached without it: `example.com` with all below it, `10.0.0.0/8`, `*`.
    #[serde(default)]
    pub no_proxy: Vec<String>,
}
