//! What all formats share whose documents have no segments of their own: XML, tables, lines of fixed width, JSON. Each reads
//! its documents into rows, which are laid out here as the one tree of segments, and writes them from the elements that a
//! draft is made of. What stands between the values, each knows itself.

mod element;
mod projected;
mod value;
mod written;

pub use element::{Element, facts};
pub use projected::{Cell, Laying, Projected, Row, Span, without_number};
pub use value::refusal;
pub use written::{number, time};

use crate::tree::Separators;

/// What separates the values of a document that was projected onto segments: characters that XML cannot hold, and that are
/// taken from the values of the others.
pub const SEPARATORS: Separators =
    Separators { component: 0x1F, element: 0x1D, repetition: None, release: None, segment: 0x1C, decimal: b'.' };
