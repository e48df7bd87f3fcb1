//! XML documents: UBL, cXML, CII and whatever else `standards/` has contents for. One input is one document, and one
//! interchange without an envelope of its own segments; what stands for the envelope (sender, number, guide) are values of
//! the document itself.

mod cut;
mod decode;
mod encode;
mod envelope;
mod outline;
mod project;
mod text;
mod value;

pub use cut::{Start, entities, start};
pub use decode::{Unfit, from_json, to_json};
pub use encode::encode;
pub use envelope::{note, root};
pub use outline::{ELEMENTS_MAX, Element, Outline, in_parts, outline};
pub use project::project;
pub use text::{Text, charset, declared, escaped, read, text, width};

/// Elements inside one another, at most; documents of business have some twenty.
pub const DEPTH_MAX: usize = 200;

/// Bytes of the name of an element or attribute, at most; the longest of the standards has some eighty.
pub const NAME_BYTES_MAX: usize = 256;

/// Bytes of a document, at most: it is held whole, with its text and what is made of it.
pub const XML_BYTES_MAX: usize = 256 << 20;

/// Bytes before the root element that are looked through for it; more begins like XML and is none.
pub const PROLOG_BYTES_MAX: usize = 1 << 20;

/// Whether a character may stand in XML 1.0 (section 2.2); those that may not are what separates values here.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}
