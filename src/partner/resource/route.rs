//! `kind: route`: where what came in under one agreement goes out under another.

use serde::Deserialize;

/// Where what comes in under one agreement goes out under another.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// An agreement of way in.
    pub from: String,
    /// An agreement of way out.
    pub to: String,
}
