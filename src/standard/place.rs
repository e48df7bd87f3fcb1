//! Where each segment of a document stands in its definition: the loops as they occur, and what does not fit.

/// A loop as it occurs in a document. Loop 0 is the document itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoopInstance {
    /// Trigger path (`N1`, `LIN/PRI`), empty for the document.
    pub path: String,
    /// Area of the loop's node.
    pub area: super::definition::Area,
    /// The loop it stands in; 0 for the document and its direct loops.
    pub parent: usize,
    /// What stands directly in it, in the order of the bytes.
    pub children: Vec<Child>,
}

/// Something directly inside a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// Ordinal of a segment of the run, from 0.
    Segment(usize),
    /// Index into [`Placement::loops`].
    Loop(usize),
}

/// The placing of one document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// The loops; 0 is the document.
    pub loops: Vec<LoopInstance>,
    /// For each segment of the run: area, and loop it was placed in; `None` for those that fit nowhere.
    pub homes: Vec<Option<(super::definition::Area, usize)>>,
}
