//! `[admin]`: the listener of API and metrics. It belongs on an address that partners do not reach.

use serde::Deserialize;

/// Where we reach ourselves.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9080".to_owned() }
    }
}
