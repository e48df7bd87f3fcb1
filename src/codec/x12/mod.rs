//! X12: how an interchange announces its separators, and what its envelope says.

mod acknowledge;
mod answers;
mod check;
pub mod encode; // whole interchanges, and their parts one by one
mod envelope;
mod open;

pub use acknowledge::Acknowledging;
pub use answers::{answers, technical_answer};
pub use check::check;
pub use encode::{encode, encode_judged};
pub use envelope::note;
pub use open::{binary_end, is_binary, open};

/// Tags of the envelope: interchange, group and document header, then the trailers from the inside out.
pub const ENVELOPE_TAGS: [&[u8]; 6] = [b"ISA", b"GS", b"ST", b"SE", b"GE", b"IEA"];
