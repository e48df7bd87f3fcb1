//! The structural index: one pass over the bytes finds every separator that no release character protects.
//!
//! This is the scalar kernel; a vector one stands beside it later behind the same function and must give the same
//! marks for every input. It does not know BIN segments or the fixed ISA: the reader cuts those out first.

use crate::tree::{Index, SegmentMark, Separators};

/// Indexes `bytes` into `index` (cleared first). Line ends and blanks before a tag belong to no segment; when the
/// terminator itself is a line end, the other line-end byte still counts as lead. Returns nothing: a run without a
/// final terminator is said by `index.terminated`.
pub fn index(bytes: &[u8], separators: &Separators, index: &mut Index) {
    index.clear();
    let kind = classify(separators);
    let mut at = 0usize;
    let mut line = 0u32;
    while at < bytes.len() {
        let (start, lines) = skip_lead(bytes, at, separators);
        line += lines;
        if start == bytes.len() {
            break;
        }
        let first = index.marks.len() as u32;
        let mut position = start;
        let mut breaks = 0u32;
        let mut terminated = false;
        while position < bytes.len() {
            let byte = bytes[position];
            match kind[usize::from(byte)] {
                DATA => {}
                BREAK => breaks += 1,
                MARK => index.marks.push(position as u32),
                RELEASE => position += 1,
                _ => {
                    terminated = true;
                    break;
                }
            }
            position += 1;
        }
        let end = position.min(bytes.len());
        let last = index.marks.len() as u32;
        index.segments.push(SegmentMark { start: start as u32, end: end as u32, first, last, line });
        index.terminated = terminated;
        line += breaks + u32::from(terminated && bytes[end] == b'\n');
        at = end + 1;
    }
}

const DATA: u8 = 0;
const BREAK: u8 = 1;
const MARK: u8 = 2;
const RELEASE: u8 = 3;
const END: u8 = 4;

fn classify(separators: &Separators) -> [u8; 256] {
    let mut kind = [DATA; 256];
    kind[usize::from(b'\n')] = BREAK;
    if let Some(release) = separators.release {
        kind[usize::from(release)] = RELEASE;
    }
    for mark in [Some(separators.component), Some(separators.element), separators.repetition].into_iter().flatten() {
        kind[usize::from(mark)] = MARK;
    }
    kind[usize::from(separators.segment)] = END;
    kind
}

/// Skips line ends, blanks and tabs before a tag; returns where the tag begins and how many lines were passed.
fn skip_lead(bytes: &[u8], from: usize, separators: &Separators) -> (usize, u32) {
    let mut at = from;
    let mut lines = 0;
    while let Some(&byte) = bytes.get(at) {
        if !matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0) || separators.is_special(byte) {
            break;
        }
        lines += u32::from(byte == b'\n');
        at += 1;
    }
    (at, lines)
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
}
