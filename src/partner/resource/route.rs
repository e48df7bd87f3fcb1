//! `kind: route`: where what came in under one agreement goes out under another.

use super::shape::{Key, Shape, may, must};
use crate::partner::ack::one_or_many;
use serde::Deserialize;

/// Its keys.
pub const KEYS: &[Key] = &[
    must("from", Shape::Filled, "An agreement of way in"),
    must("to", Shape::Filled, "An agreement of way out"),
    may("when", Shape::Filled, "The condition under which it takes a document; every one when left out"),
    may(
        "through",
        Shape::Either(&[Shape::Filled, Shape::List(&Shape::Filled)]),
        "Transformations that documents go through, in this order",
    ),
];

/// Where what comes in under one agreement goes out under another.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// An agreement of way in.
    pub from: String,
    /// An agreement of way out.
    pub to: String,
    /// The condition under which it takes a document.
    #[serde(default)]
    pub when: Option<String>,
    /// Transformations by name, in order.
    #[serde(default, deserialize_with = "one_or_many")]
    pub through: Vec<String>,
}
