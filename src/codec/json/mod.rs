//! JSON documents (RFC 8259) as their definitions lay them out (`standard::layout`): one input is one document. Members are
//! fields, lists are records that repeat.
//!
//! Read by a reader of our own: what is wanted is where each value stands, how it is written, and that a member comes twice,
//! which `serde_json` tells of none.

mod decode;
mod encode;
mod project;
mod read;

pub use decode::{from_json, to_json};
pub use encode::document;
pub use project::{note, project};

/// Lists and objects inside one another, at most.
pub const DEPTH_MAX: usize = 128;
