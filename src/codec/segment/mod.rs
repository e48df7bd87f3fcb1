//! What X12 and EDIFACT share. Everything that differs between them stands in `codec::x12` and `codec::edifact`.

mod check;
mod decode;
mod encode;
mod envelope;
pub mod index; // the kernel that finds every separator
mod inspect;
mod piece;
mod reader;

pub use check::{EnvelopeCheck, EnvelopeFinding, element_finding, text};
pub use decode::decode;
pub use encode::{EncodeError, encode};
pub use envelope::{Envelope, PartyId};
pub use inspect::{DocumentReport, GroupReport, Inspection, InterchangeReport, Placed};
pub use piece::{Piece, PieceKind};
pub use reader::{Limits, Opening, Reader};
