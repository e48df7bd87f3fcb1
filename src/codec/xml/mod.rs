//! XML documents: UBL, cXML, CII and whatever else `standards/` has contents for. One input is one document, and one
//! interchange without an envelope of its own segments; what stands for the envelope (sender, number, guide) are values of
//! the document itself.

mod cut;
mod decode;
mod encode;
mod envelope;
mod project;

pub use cut::{Cut, cut, entities};
pub use decode::{Unfit, from_json, to_json};
pub use encode::encode;
pub use envelope::{note, root};
pub use project::project;

/// Elements inside one another, at most; documents of business have some twenty.
pub const DEPTH_MAX: usize = 200;
