//! `[partner]`: the listener that partners reach. It has no administration.

use serde::Deserialize;

/// Where partners reach us.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partner {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
}

impl Default for Partner {
    fn default() -> Self {
        Self { listen: "0.0.0.0:8080".to_owned() }
    }
}
