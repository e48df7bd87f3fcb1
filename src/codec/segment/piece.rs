//! What a reader hands out, one after another: the pieces of an input in byte order. Joined they are the input.

use crate::codec::table::Sheet;
use crate::diagnostic::{Diagnostic, Syntax};
use crate::standard::place::LeftOut;
use crate::tree::Run;
use std::sync::Arc;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PieceKind {
    /// Bytes outside any interchange; its run has no segments.
    Between,
    /// ISA, or UNA and UNB (UNA is lead, not a segment).
    InterchangeHeader,
    /// GS or UNG.
    GroupHeader,
    /// ST…SE or UNH…UNT; the trailer may be missing.
    Document,
    /// Segments inside an interchange but in no document: TA1, ISB, or strays.
    Loose,
    /// GE or UNE.
    GroupTrailer,
    /// IEA or UNZ, with the line ends that follow it.
    InterchangeTrailer,
}

/// One piece. Ordinals count from 1 within what holds them; 0 where there is none.
#[derive(Debug, Clone)]
pub struct Piece<'a> {
    /// What it is.
    pub kind: PieceKind,
    /// Whose syntax.
    pub syntax: Syntax,
    /// Interchange within the input.
    pub interchange: u32,
    /// Group within the interchange.
    pub group: u32,
    /// Document within the group, or within the interchange when there are no groups.
    pub document: u32,
    /// Bytes and index. A UNA stands in the run's bytes before the UNB segment.
    pub run: Run<'a>,
    /// What of a document was left out, where not all of it was read.
    pub left_out: &'a [LeftOut],
    /// What is known of a file that its definition lays out.
    pub sheet: Option<Arc<Sheet>>,
    /// What the reader itself found wrong in or before this piece.
    pub faults: Vec<Diagnostic>,
}

impl Piece<'_> {
    /// How many segments it has, those that were left out among them.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.run.len() + self.left_out.iter().map(LeftOut::segments).sum::<usize>()
    }
}
