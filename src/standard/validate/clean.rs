//! The short way of clean input: whether a segment is surely without fault, by the tables of `rules` and on the bytes
//! as they stand. It says nothing of what is wrong, and where it is not sure (repetitions, blanks at the end, codes with
//! release characters, UTF-8 beyond ASCII) it says no; then the check in words looks at the segment.

use super::element::{is_date_in, is_number_in, is_time_in};
use crate::standard::definition::ElementType;
use crate::standard::rules::{CODE_BYTES_MAX, Content, PLACES_MAX, PlaceRule, Rules, code_key};
use crate::tree::{Charset, Run, SegmentMark, Separators};

/// The bytes of a document with the rules of its version.
pub struct Clean<'a> {
    run: &'a Run<'a>,
    values: Values<'a>,
    /// The segments that number a node of a tree, with the numbers of their rules.
    pub nodes: Vec<(SegmentMark, usize)>,
}

/// Bytes with values in them, and the rules of a version.
pub(super) struct Values<'a> {
    rules: Rules<'a>,
    bytes: &'a [u8],
    separators: Separators,
    charset: Charset,
    /// All values at hand are printable ASCII without release characters.
    is_plain: bool,
}

impl<'a> Clean<'a> {
    /// Prepares for the segments of a run.
    pub fn new(rules: Rules<'a>, run: &'a Run<'a>) -> Self {
        let values = Values { charset: run.charset, ..Values::plain(rules, run.bytes, *run.separators) };
        Clean { run, values, nodes: Vec::new() }
    }

    /// Whether the segment at this mark is without fault; `number` is that of its rules, where it is known already. One
    /// without rules has none to break.
    pub fn segment(&mut self, mark: &SegmentMark, number: Option<u32>) -> bool {
        let rules = self.values.rules;
        let number = number.map(|number| number as usize).or_else(|| rules.segment(self.run.tag_at(mark)));
        let Some(number) = number else { return !self.run.index.wrapped };
        let rows = rules.rows(number);
        if rows.node.is_some() {
            self.nodes.push((*mark, number));
        }
        let (marks, places) = (self.run.marks_at(mark), &rows.places);
        self.values.is_plain = mark.is_plain;
        if !mark.is_plain && self.run.index.wrapped {
            return false;
        }
        let filled = match marks {
            [] => Some(0),
            _ if mark.is_flat => self.values.flat(places, marks, mark.end),
            _ => self.values.nested(places, marks, mark.end),
        };
        filled.is_some_and(|filled| rows.allows(filled))
    }
}

impl<'a> Values<'a> {
    /// Bytes whose values are printable ASCII without release characters.
    pub(super) fn plain(rules: Rules<'a>, bytes: &'a [u8], separators: Separators) -> Self {
        Values { rules, bytes, separators, charset: Charset::Utf8, is_plain: true }
    }

    /// The elements of a segment whose separators all separate elements: which are filled, if none is wrong.
    fn flat(&self, places: &[PlaceRule], marks: &[u32], end: u32) -> Option<u64> {
        let (mut filled, mut from) = (0u64, marks.first()? + 1);
        for count in 0..marks.len() {
            let to = marks.get(count + 1).map_or(end, |&next| next);
            if from != to {
                let place = places.get(count)?;
                let is_clean = match place.content {
                    Content::Value(kind) => self.value(kind, place, from, to),
                    Content::Composite(rows) => self.composite(rows as usize, (from, to), &[]),
                    Content::Anything => true,
                };
                if !is_clean {
                    return None;
                }
                filled |= 1 << (count % PLACES_MAX);
            } else if count + 1 == marks.len() {
                return None; // An empty element at the end is needless, which is told.
            }
            from = to + 1;
        }
        Some(filled)
    }

    /// The same of any segment.
    fn nested(&self, places: &[PlaceRule], marks: &[u32], end: u32) -> Option<u64> {
        let element = self.separators.element;
        let (mut filled, mut count, mut rest) = (0u64, 0, marks);
        while let Some((&before, behind)) = rest.split_first() {
            if self.byte(before) != element {
                return None; // A component or repetition of the tag.
            }
            let inside = behind.iter().position(|&mark| self.byte(mark) == element).unwrap_or(behind.len());
            let (inner, next) = behind.split_at(inside);
            let (from, to) = (before + 1, next.first().map_or(end, |&next| next));
            if from != to {
                let place = places.get(count)?;
                let is_clean = match place.content {
                    Content::Value(kind) => inner.is_empty() && self.value(kind, place, from, to),
                    Content::Composite(rows) => self.composite(rows as usize, (from, to), inner),
                    Content::Anything => true,
                };
                if !is_clean {
                    return None;
                }
                filled |= 1 << (count % PLACES_MAX);
            } else if next.is_empty() {
                return None;
            }
            (count, rest) = (count + 1, next);
        }
        Some(filled)
    }

    #[inline]
    fn byte(&self, at: u32) -> u8 {
        self.bytes[at as usize]
    }

    #[inline(never)]
    fn composite(&self, number: usize, (mut from, to): (u32, u32), inner: &[u32]) -> bool {
        let rows = self.rules.rows(number);
        let places = &rows.places;
        let component = self.separators.component;
        let mut filled = 0u64;
        for count in 0..=inner.len() {
            let end = inner.get(count).map_or(to, |&mark| mark);
            if end != to && self.byte(end) != component {
                return false; // It repeats.
            }
            if from != end {
                let Some(place) = places.get(count) else { return false };
                if let Content::Value(kind) = place.content
                    && !self.value(kind, place, from, end)
                {
                    return false;
                }
                filled |= 1 << (count % PLACES_MAX);
            }
            from = end + 1;
        }
        rows.allows(filled)
    }

    /// A value that is not empty.
    #[inline(always)]
    pub(super) fn value(&self, kind: ElementType, place: &PlaceRule, from: u32, to: u32) -> bool {
        let length = match kind {
            ElementType::Text | ElementType::Code if self.is_plain => Some(to - from),
            _ => self.typed(kind, place.is_coded(), (from, to)),
        };
        let Some(length) = length else { return false };
        place.min <= length
            && length <= place.max
            && self.byte(to - 1) != b' '
            && (!place.is_coded() || self.code(from, to).is_some_and(|code| self.rules.has_code(place, code)))
    }

    /// Whether a value is made of digits alone, up to eight of them; of others it is not said.
    #[inline]
    fn is_digits(&self, from: u32, to: u32) -> bool {
        // A digit is 0x30 to 0x39: its high half is 3, and stays 3 when 6 is added. All bytes are looked at together.
        const HIGH: u64 = 0xF0F0_F0F0_F0F0_F0F0;
        const THREE: u64 = 0x3030_3030_3030_3030;
        const SIX: u64 = 0x0606_0606_0606_0606;
        let Some(bytes) = self.code(from, to) else { return false };
        let own = u64::MAX >> (8 * (CODE_BYTES_MAX as u32 - (to - from)));
        (bytes & HIGH) == (THREE & own) && ((bytes + (SIX & own)) & HIGH) == (THREE & own)
    }

    /// The length that counts of a value of its type; none of one that is of another, or is not surely of it.
    #[inline(never)]
    fn typed(&self, kind: ElementType, is_coded: bool, (from, to): (u32, u32)) -> Option<u32> {
        let value = &self.bytes[from as usize..to as usize];
        let is_of_type = match kind {
            ElementType::Number | ElementType::Implied(_) if self.is_digits(from, to) => true,
            ElementType::Number => {
                return is_number_in(value, Some(self.separators.decimal)).map(|digits| digits as u32);
            }
            ElementType::Implied(_) => return is_number_in(value, None).map(|digits| digits as u32),
            ElementType::Text | ElementType::Code if !is_coded => return self.characters(value),
            ElementType::Date => is_date_in(value),
            ElementType::Time => is_time_in(value),
            ElementType::Text | ElementType::Code => value.iter().all(|&byte| self.is_own(byte)),
            ElementType::Letters => value.iter().all(|&byte| self.is_own(byte) && !byte.is_ascii_digit()),
            ElementType::Binary => false, // Its rules are others: the second look has them.
        };
        is_of_type.then_some(value.len() as u32)
    }

    /// Printable ASCII that is no release character.
    fn is_own(&self, byte: u8) -> bool {
        matches!(byte, b' '..=b'~') && Some(byte) != self.separators.release
    }

    /// How many characters a text has, release characters not counted; none where one is a control character, or where
    /// bytes may be less than a character.
    fn characters(&self, value: &[u8]) -> Option<u32> {
        let (mut count, mut rest) = (0, value.iter());
        while let Some(&byte) = rest.next() {
            let byte = if Some(byte) == self.separators.release { *rest.next()? } else { byte };
            let is_printable = matches!(byte, b' '..=b'~') || (byte >= 0xA0 && self.charset == Charset::Latin1);
            if !is_printable {
                return None;
            }
            count += 1;
        }
        Some(count)
    }

    /// A code as the number that sets hold: eight bytes are read and those that are not its own shifted away, where the
    /// run has so many.
    #[inline]
    fn code(&self, from: u32, to: u32) -> Option<u64> {
        let (from, to) = (from as usize, to as usize);
        match self.bytes.get(from..).and_then(<[u8]>::first_chunk::<CODE_BYTES_MAX>) {
            Some(&eight) if to - from <= CODE_BYTES_MAX => {
                let unused = 8 * (CODE_BYTES_MAX - (to - from));
                Some(u64::from_le_bytes(eight) << unused >> unused)
            }
            _ => code_key(&self.bytes[from..to]),
        }
    }
}
