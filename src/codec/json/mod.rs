//! JSON documents (RFC 8259) as their definitions lay them out (`standard::layout`), one or several behind one another in an
//! input. Members are fields, lists are records that repeat.
//!
//! Read by a reader of our own: what is wanted is where each value stands, how it is written, and that a member comes twice,
//! which `serde_json` tells of none.

mod cut;
mod decode;
mod encode;
mod infer;
mod pointed;
mod project;
mod read;

pub use cut::Cutter;
pub use decode::{from_json, to_json};
pub use encode::document;
pub use infer::{InferError, infer};
pub use pointed::{Pointed, pointed};
pub use project::{note, project};

/// Lists and objects inside one another, at most.
pub const DEPTH_MAX: usize = 128;
/// Values of a document, at most; each takes some hundred bytes while it is read.
pub const VALUES_MAX: usize = 2_000_000;
