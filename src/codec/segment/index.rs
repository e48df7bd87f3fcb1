//! The structural index: one pass over the bytes finds every separator that no release character protects.
//!
//! The scalar kernel stands here; [`super::kernel`] is the vector one, taken where the processor has it, and gives the
//! same marks for every input. It does not know BIN segments or the fixed ISA: the reader handles those.

use super::kernel;
use crate::tree::{Index, SegmentMark, Separators};

/// What each byte does, looked up once per byte.
pub struct Kinds {
    kind: [u8; 256],
    separators: Separators,
    is_vector: bool,
}

const DATA: u8 = 0;
const BREAK: u8 = 1;
const MARK: u8 = 2;
const RELEASE: u8 = 3;
const END: u8 = 4;
/// Data too, but no character that every character set writes alike: control characters and all from 0x7F on.
const ODD: u8 = 5;

impl Kinds {
    /// The table of one set of separators.
    #[must_use]
    pub fn new(separators: &Separators) -> Self {
        let mut kind = [DATA; 256];
        kind[..usize::from(b' ')].fill(ODD);
        kind[0x7F..].fill(ODD);
        kind[usize::from(b'\n')] = BREAK;
        if let Some(release) = separators.release {
            kind[usize::from(release)] = RELEASE;
        }
        let marks = [Some(separators.component), Some(separators.element), separators.repetition];
        for mark in marks.into_iter().flatten() {
            kind[usize::from(mark)] = MARK;
        }
        kind[usize::from(separators.segment)] = END;
        Kinds { kind, separators: *separators, is_vector: kernel::is_supported() }
    }

    /// The separators it was made of.
    #[must_use]
    pub fn separators(&self) -> &Separators {
        &self.separators
    }

    /// Whether the vector kernel may be used.
    #[must_use]
    pub fn is_vector(&self) -> bool {
        self.is_vector
    }
}

/// After which segment indexing stops.
pub struct Stop<'a> {
    /// Whether its tag may begin with this byte: of most segments no more is looked at.
    pub may_begin: &'a [bool; 256],
    /// Whether a tag is its.
    pub is_tag: &'a dyn Fn(&[u8]) -> bool,
}

impl Stop<'_> {
    /// After the last one.
    pub const NEVER: Stop<'static> = Stop { may_begin: &[false; 256], is_tag: &|_| false };
    /// After the first one.
    pub const AT_ONCE: Stop<'static> = Stop { may_begin: &[true; 256], is_tag: &|_| true };

    /// Whether it stops after the segment at `start..end` whose first separator stands at a place.
    #[inline]
    pub(super) fn is_after(&self, bytes: &[u8], (start, end): (usize, usize), mark: Option<&u32>) -> bool {
        self.may_begin[usize::from(bytes[start])]
            && (self.is_tag)(&bytes[start..mark.map_or(end, |&mark| end.min(mark as usize))])
    }
}

/// Indexes all of `bytes` into `index` (cleared first). Line ends and blanks before a tag belong to no segment; when
/// the terminator itself is a line end, the other line-end byte still counts as lead. A run without a final
/// terminator is told by [`Index::terminated`].
pub fn index(bytes: &[u8], separators: &Separators, index: &mut Index) {
    index.clear();
    segments(bytes, (0, 0), &Kinds::new(separators), index, &Stop::NEVER);
}

/// The same by the scalar kernel alone, whatever the processor has; tests and fuzzers compare the two.
pub fn index_bytewise(bytes: &[u8], separators: &Separators, index: &mut Index) {
    index.clear();
    segments_bytewise(bytes, (0, 0), &Kinds::new(separators), index, &Stop::NEVER);
}

/// Indexes the one segment that begins at or after `at` and appends it. Returns where the next may begin and its
/// line, or `None` when only lead is left.
pub fn segment(bytes: &[u8], at: usize, line: u32, kinds: &Kinds, index: &mut Index) -> Option<(usize, u32)> {
    segments(bytes, (at, line), kinds, index, &Stop::AT_ONCE)
}

/// Indexes segments from a place and its line on, and appends them, up to and with the one after which it stops. Returns
/// where the next may begin and its line, or `None` when only lead is left.
#[inline]
pub fn segments(
    bytes: &[u8],
    from: (usize, u32),
    kinds: &Kinds,
    index: &mut Index,
    stop: &Stop<'_>,
) -> Option<(usize, u32)> {
    if kinds.is_vector {
        kernel::segments(bytes, from, kinds, index, stop)
    } else {
        segments_bytewise(bytes, from, kinds, index, stop)
    }
}

/// The same for any processor.
fn segments_bytewise(
    bytes: &[u8],
    (from, line): (usize, u32),
    kinds: &Kinds,
    index: &mut Index,
    stop: &Stop<'_>,
) -> Option<(usize, u32)> {
    let (mut next, mut line) = (from, line);
    let mut found = None;
    loop {
        let start = skip_lead(bytes, next, &kinds.separators);
        if start >= bytes.len() {
            return found;
        }
        line += breaks(&bytes[next..start]);
        let first = index.marks.len();
        let Scan { end, feeds, is_plain } = scan(bytes, start, kinds, &mut index.marks);
        let last = index.marks.len();
        let is_flat = index.marks[first..].iter().all(|&mark| bytes[mark as usize] == kinds.separators.element);
        let mark = SegmentMark {
            start: start as u32,
            end: end as u32,
            first: first as u32,
            last: last as u32,
            line,
            is_plain,
            is_flat,
        };
        index.segments.push(mark);
        index.terminated = end < bytes.len();
        line += feeds + u32::from(bytes.get(end) == Some(&b'\n'));
        next = end + 1;
        found = Some((next, line));
        if !index.terminated || stop.is_after(bytes, (start, end), index.marks.get(first)) {
            return found;
        }
    }
}

/// What was seen up to a terminator.
struct Scan {
    /// Place of the terminator, or the length of the bytes.
    end: usize,
    /// Line feeds passed.
    feeds: u32,
    /// All passed bytes are printable ASCII and none is a release character: every value is what its bytes say.
    is_plain: bool,
}

/// Pushes the marks from `from` up to the terminator.
fn scan(bytes: &[u8], from: usize, kinds: &Kinds, marks: &mut Vec<u32>) -> Scan {
    let (mut position, mut feeds, mut is_plain) = (from, 0, true);
    while let Some(&byte) = bytes.get(position) {
        match kinds.kind[usize::from(byte)] {
            DATA => {}
            BREAK => (feeds, is_plain) = (feeds + 1, false),
            MARK => {
                marks.push(position as u32);
                is_plain &= matches!(byte, b' '..=b'~');
            }
            RELEASE => {
                is_plain = false;
                position += 1;
                feeds += u32::from(bytes.get(position) == Some(&b'\n'));
            }
            ODD => is_plain = false,
            _ => return Scan { end: position, feeds, is_plain },
        }
        position += 1;
    }
    Scan { end: bytes.len(), feeds, is_plain }
}

/// Where the first terminator from a place on stands; the length of the bytes when there is none.
#[must_use]
pub fn terminator(bytes: &[u8], from: usize, kinds: &Kinds) -> usize {
    scan(bytes, from, kinds, &mut Vec::new()).end
}

/// How many line feeds.
#[must_use]
pub fn breaks(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u32
}

/// Where the next tag begins: past line ends, blanks, tabs and NUL, unless one of them is a separator here.
#[must_use]
#[inline]
pub fn skip_lead(bytes: &[u8], from: usize, separators: &Separators) -> usize {
    let lead =
        |byte: u8| byte <= b' ' && matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0) && !separators.is_special(byte);
    let mut at = from.min(bytes.len());
    while bytes.get(at).is_some_and(|&byte| lead(byte)) {
        at += 1;
    }
    at
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

    /// Draws bytes, most of them separators of some kind.
    fn adversarial(length: usize, seed: &mut u64, alphabet: &[u8]) -> Vec<u8> {
        let mut draw = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 33) as usize
        };
        (0..length).map(|_| alphabet[draw() % alphabet.len()]).collect()
    }

    #[test]
    fn both_kernels_find_the_same() {
        if !kernel::is_supported() {
            return; // The scalar kernel is then the only one.
        }
        let newline = Separators { segment: b'\n', ..Separators::EDIFACT };
        let repeating = Separators { repetition: Some(b'^'), ..Separators::X12 };
        let alike = Separators { element: b'?', component: b'\n', ..Separators::EDIFACT };
        let high = Separators { element: 0xFF, component: 0x80, release: Some(0), ..Separators::EDIFACT };
        let alphabets: [&[u8]; 5] =
            [b"A+?'", b"AB:+?'\n\r *~^>", b"?", b"?'\n", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\x00\x7F\x80\xFF+'?"];
        let mut seed = 4711;
        let mut compared = 0;
        for separators in [Separators::EDIFACT, Separators::X12, newline, repeating, alike, high] {
            let kinds = Kinds::new(&separators);
            for (alphabet, length) in alphabets.iter().flat_map(|one| (0..200).map(move |length| (one, length))) {
                let bytes = adversarial(length, &mut seed, alphabet);
                for from in [0, length / 3, length.saturating_sub(1), length] {
                    // All segments, one, and those up to a short tag.
                    for last in [usize::MAX, 0, 2] {
                        let stop = Stop { may_begin: &[true; 256], is_tag: &|tag| last == 0 || tag.len() == last };
                        let (mut fast, mut slow) = (Index::default(), Index::default());
                        let found = kernel::segments(&bytes, (from, 7), &kinds, &mut fast, &stop);
                        let wanted = segments_bytewise(&bytes, (from, 7), &kinds, &mut slow, &stop);
                        assert_eq!((found, fast), (wanted, slow), "{separators:?} {}", bytes.escape_ascii());
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(compared, 6 * 5 * 200 * 4 * 3);
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
