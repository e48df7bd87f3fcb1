//! XML documents: UBL, cXML, CII and whatever else `standards/` has contents for. One input is one document, and one
//! interchange without an envelope of its own segments; what stands for the envelope (sender, number, guide) are values of
//! the document itself.

mod cut;
mod decode;
mod encode;
mod envelope;
mod project;
mod value;

pub use cut::{Cut, cut, entities};
pub use decode::{Unfit, from_json, to_json};
pub use encode::encode;
pub use envelope::{note, root};
pub use project::{Projected, project};

use crate::tree::Separators;

/// What separates the values of a document that was projected onto segments: characters that XML cannot hold.
pub const SEPARATORS: Separators =
    Separators { component: 0x1F, element: 0x1D, repetition: None, release: None, segment: 0x1C, decimal: b'.' };

/// Elements inside one another, at most; documents of business have some twenty.
pub const DEPTH_MAX: usize = 200;
