//! `kind: route`: where what came in under one agreement goes out under another.

use super::shape::{Key, Shape, must};
use serde::Deserialize;

/// Its keys.
pub const KEYS: &[Key] =
    &[must("from", Shape::Filled, "An agreement of way in"), must("to", Shape::Filled, "An agreement of way out")];

/// Where what comes in under one agreement goes out under another.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// An agreement of way in.
    pub from: String,
    /// An agreement of way out.
    pub to: String,
}
