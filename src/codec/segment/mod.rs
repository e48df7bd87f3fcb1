//! What X12 and EDIFACT share. Everything that differs between them stands in `codec::x12` and `codec::edifact`.

pub mod index; // the kernel that finds every separator
mod piece;

pub use piece::{Piece, PieceKind};
