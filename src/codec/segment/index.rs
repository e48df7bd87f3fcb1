//! The structural index: one pass over the bytes finds every separator that no release character protects.
//!
//! This is the scalar kernel; a vector one stands beside it later behind the same function and must give the same
//! marks for every input. It does not know BIN segments or the fixed ISA: the reader handles those.

use crate::tree::{Index, SegmentMark, Separators};

/// What each byte does, looked up once per byte.
pub struct Kinds([u8; 256]);

const DATA: u8 = 0;
const BREAK: u8 = 1;
const MARK: u8 = 2;
const RELEASE: u8 = 3;
const END: u8 = 4;

impl Kinds {
    /// The table of one set of separators.
    #[must_use]
    pub fn new(separators: &Separators) -> Self {
        let mut kind = [DATA; 256];
        kind[usize::from(b'\n')] = BREAK;
        if let Some(release) = separators.release {
            kind[usize::from(release)] = RELEASE;
        }
        let marks = [Some(separators.component), Some(separators.element), separators.repetition];
        for mark in marks.into_iter().flatten() {
            kind[usize::from(mark)] = MARK;
        }
        kind[usize::from(separators.segment)] = END;
        Kinds(kind)
    }
}

/// Indexes all of `bytes` into `index` (cleared first). Line ends and blanks before a tag belong to no segment; when
/// the terminator itself is a line end, the other line-end byte still counts as lead. A run without a final
/// terminator is told by [`Index::terminated`].
pub fn index(bytes: &[u8], separators: &Separators, index: &mut Index) {
    index.clear();
    let kinds = Kinds::new(separators);
    let (mut at, mut line) = (0, 0);
    while let Some(next) = segment(bytes, at, line, separators, &kinds, index) {
        (at, line) = next;
    }
}

/// Indexes the one segment that begins at or after `at` and appends it. Returns where the next may begin and its
/// line, or `None` when only lead is left.
pub fn segment(
    bytes: &[u8],
    at: usize,
    line: u32,
    separators: &Separators,
    kinds: &Kinds,
    index: &mut Index,
) -> Option<(usize, u32)> {
    let start = skip_lead(bytes, at, separators);
    if start >= bytes.len() {
        return None;
    }
    let line = line + breaks(&bytes[at..start]);
    let first = index.marks.len() as u32;
    let (end, inside) = scan(bytes, start, kinds, &mut index.marks);
    let last = index.marks.len() as u32;
    index.terminated = end < bytes.len();
    index.segments.push(SegmentMark { start: start as u32, end: end as u32, first, last, line });
    Some((end + 1, line + inside + u32::from(bytes.get(end) == Some(&b'\n'))))
}

/// Pushes the marks from `from` up to the terminator; returns the terminator's place (or the length of `bytes`) and
/// the line breaks passed.
pub fn scan(bytes: &[u8], from: usize, kinds: &Kinds, marks: &mut Vec<u32>) -> (usize, u32) {
    let mut position = from;
    let mut inside = 0;
    while let Some(&byte) = bytes.get(position) {
        match kinds.0[usize::from(byte)] {
            DATA => {}
            BREAK => inside += 1,
            MARK => marks.push(position as u32),
            RELEASE => {
                position += 1;
                inside += u32::from(bytes.get(position) == Some(&b'\n'));
            }
            _ => return (position, inside),
        }
        position += 1;
    }
    (bytes.len(), inside)
}

/// How many line feeds.
#[must_use]
pub fn breaks(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u32
}

/// Where the next tag begins: past line ends, blanks, tabs and NUL, unless one of them is a separator here.
#[must_use]
pub fn skip_lead(bytes: &[u8], from: usize, separators: &Separators) -> usize {
    let lead = |byte: u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0) && !separators.is_special(byte);
    bytes[from.min(bytes.len())..].iter().position(|&byte| !lead(byte)).map_or(bytes.len(), |n| from + n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Charset, Run};

    fn texts(bytes: &[u8], separators: Separators) -> Vec<Vec<Vec<String>>> {
        let mut found = Index::default();
        index(bytes, &separators, &mut found);
        let run = Run { bytes, offset: 0, line: 1, separators: &separators, charset: Charset::Latin1, index: &found };
        run.segments()
            .map(|segment| {
                std::iter::once(vec![segment.tag_text().into_owned()])
                    .chain(segment.elements().map(|e| e.components().map(|c| c.text().into_owned()).collect()))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn release_characters_are_resolved() {
        let found = texts(b"FTX+AAI+++5?+3??:b?''\r\nUNS+S'", Separators::EDIFACT);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0][4], ["5+3?", "b'"]);
        assert_eq!(found[1], [["UNS"], ["S"]]);
    }

    #[test]
    fn newline_may_be_the_terminator() {
        let found = texts(b"ST*850*0001\nBEG*00*SA\r\nSE*2", Separators { segment: b'\n', ..Separators::X12 });
        assert_eq!(found.len(), 3);
        assert_eq!(found[1], [["BEG"], ["00"], ["SA\r"]]);
    }

    #[test]
    fn empty_segments_and_missing_terminators_are_kept() {
        let separators = Separators::EDIFACT;
        let mut found = Index::default();
        index(b"A''B+", &separators, &mut found);
        assert_eq!(found.segments.len(), 3);
        assert!(!found.terminated);
        assert_eq!((found.segments[1].start, found.segments[1].end), (2, 2));
    }

    #[test]
    fn lines_are_counted_from_the_tag() {
        let mut found = Index::default();
        index(b"A+1'\r\nB+x\ny'\nC'", &Separators::EDIFACT, &mut found);
        assert_eq!(found.segments.iter().map(|s| s.line).collect::<Vec<_>>(), [0, 1, 3]);
    }
}
