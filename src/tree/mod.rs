//! The one tree: a view over a structural index of the bytes. Nothing is copied; every byte stays where it came.
//!
//! A [`Run`] is a stretch of input (an envelope segment, a whole document) with its separators and the [`Index`] of
//! them; [`Segment`] and [`Value`] are views that unescape and decode only when asked. The kernel that fills the
//! index lives in `codec::segment`; what segments mean lives in `standard`.

mod charset;
mod draft;
mod interchange;
mod laid; // segments of drafts that are alike
mod separators;
mod view;

pub use charset::{Charset, in_repertoire};
pub use draft::{DraftSegment, DraftValue};
pub use interchange::{Agreed, DocumentDraft, GroupDraft, InterchangeDraft, Style};
pub use laid::{Between, DraftForm, DraftPlace, DraftTexts, FormSegment, Laid, PlaceText, Whole};
pub use separators::Separators;
pub use view::{Run, Segment, Value};

/// One segment within its run: byte positions relative to the run's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentMark {
    /// First byte of the tag; what stands between the terminator before and this byte is lead (line ends, blanks).
    pub start: u32,
    /// Position of the terminator, or one past the last byte when it is missing.
    pub end: u32,
    /// First of this segment's separators in [`Index::marks`].
    pub first: u32,
    /// One past its last separator there (the terminator is not among them).
    pub last: u32,
    /// Line of the tag, counted from the run's first line as 0.
    pub line: u32,
    /// All is printable ASCII without release characters: every value is what its bytes say.
    pub is_plain: bool,
    /// It has neither composites nor repetitions: all its separators separate elements.
    pub is_flat: bool,
}

/// A document has about one separator in so many bytes, and one segment; few have more.
const BYTES_OF_MARK: usize = 4;
const BYTES_OF_SEGMENT: usize = 24;

/// Where the separators stand: the structure of a run, without a copy of its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// Positions of unreleased element, component and repetition separators, ascending.
    pub marks: Vec<u32>,
    /// The segments, in order.
    pub segments: Vec<SegmentMark>,
    /// The last segment has its terminator.
    pub terminated: bool,
    /// The interchange was wrapped to a fixed line length: line ends inside segments are no data.
    pub wrapped: bool,
}

impl Index {
    /// Empties the index and keeps its memory.
    pub fn clear(&mut self) {
        self.marks.clear();
        self.segments.clear();
        self.terminated = true;
    }

    /// Makes room for a run of so many bytes, as documents usually are: less would grow step by step, and be copied at each.
    pub fn make_room(&mut self, bytes: usize) {
        self.marks.reserve(bytes / BYTES_OF_MARK);
        self.segments.reserve(bytes / BYTES_OF_SEGMENT);
    }

    /// Takes back the last segment.
    pub fn drop_last(&mut self) {
        if let Some(segment) = self.segments.pop() {
            self.marks.truncate(segment.first as usize);
            self.terminated = true;
        }
    }
}
