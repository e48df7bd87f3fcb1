//! What X12 and EDIFACT share. Everything that differs between them stands in `codec::x12` and `codec::edifact`.

mod acknowledge;
mod ahead; // documents judged by several threads, told in order
mod answer;
mod check;
mod decode;
mod encode;
mod envelope;
mod guess;
mod header;
pub mod index; // the kernel that finds every separator
mod inspect;
mod judge;
mod kernel; // the index of 64 bytes at once
mod leave; // what leaves is read again, items that are alike once
mod numbers; // control numbers that were used
mod piece;
mod reader;
mod recognise;
mod write;

pub use acknowledge::{Acknowledging, Acknowledgment, GroupAnswer, GroupOfAnswers, Loops, Tally, acknowledge};
pub use ahead::{Ahead, Share, Step, Work};
pub use answer::{ANSWERS, AckChoice, Answer, Answered, Stamp, Verdict, When, is_noted, place_word};
pub use check::{EnvelopeCheck, EnvelopeFinding, element_finding, text};
pub use decode::{Decoded, decode, decode_to};
pub use encode::{EncodeError, encode, encode_to};
pub use envelope::{Envelope, PartyId};
pub use guess::{FIRST_BYTES, seems};
pub use header::HeaderValues;
pub use inspect::{DocumentReport, GroupReport, Inspection, InterchangeReport, unfit_definitions};
pub use judge::{GuideChoice, Judge, Judged, Placed, folder_of};
pub use leave::Written;
pub use piece::{Piece, PieceKind};
pub use reader::{Limits, Opening, Reader};
pub use write::Writer;
