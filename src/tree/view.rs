//! Views over an indexed run: segments, elements, components, repetitions as slices of the input.

use super::{Charset, Index, SegmentMark, Separators};
use std::borrow::Cow;

/// A stretch of the input with its index.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The bytes, lead and line ends included.
    pub bytes: &'a [u8],
    /// Offset of `bytes[0]` in the whole input.
    pub offset: u64,
    /// Line of `bytes[0]` in the whole input, from 1.
    pub line: u64,
    /// The separators of the interchange.
    pub separators: &'a Separators,
    /// The character set of its values.
    pub charset: Charset,
    /// Where the separators stand in `bytes`.
    pub index: &'a Index,
}

impl<'a> Run<'a> {
    /// How many segments.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.index.segments.len()
    }

    /// Whether there is no segment.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.index.segments.is_empty()
    }

    /// The segment of ordinal `at`, from 0.
    #[must_use]
    #[inline]
    pub fn segment(&self, at: usize) -> Option<Segment<'a>> {
        self.index.segments.get(at).map(|&mark| Segment { run: *self, mark, ordinal: at })
    }

    /// The separators inside the segment at a mark.
    #[must_use]
    #[inline]
    pub fn marks_at(&self, mark: &SegmentMark) -> &'a [u32] {
        &self.index.marks[mark.first as usize..mark.last as usize]
    }

    /// The bytes of an element, numbered from 1, of the segment at a mark without composites and repetitions; empty past
    /// the last.
    #[must_use]
    #[inline]
    pub fn flat_at(&self, mark: &SegmentMark, number: usize) -> &'a [u8] {
        let marks = self.marks_at(mark);
        let Some(&before) = number.checked_sub(1).and_then(|at| marks.get(at)) else { return &[] };
        let end = marks.get(number).map_or(mark.end, |&next| next);
        &self.bytes[before as usize + 1..end as usize]
    }

    /// The tag of the segment at a mark; see [`Segment::tag`].
    #[must_use]
    #[inline]
    pub fn tag_at(&self, mark: &SegmentMark) -> &'a [u8] {
        let end = self.marks_at(mark).first().map_or(mark.end, |&first| first);
        &self.bytes[mark.start as usize..end as usize]
    }

    /// A value's bytes without release characters, and without the line ends of a wrapped interchange.
    fn unescaped(&self, raw: &'a [u8]) -> Cow<'a, [u8]> {
        let raw = without_wraps(*self, raw);
        let Some(release) = self.separators.release.filter(|release| raw.contains(release)) else { return raw };
        let mut bytes = Vec::with_capacity(raw.len());
        let mut rest = raw.iter();
        while let Some(&byte) = rest.next() {
            // A release character at the very end releases nothing and stands for itself.
            bytes.push(if byte == release { rest.next().copied().unwrap_or(byte) } else { byte });
        }
        Cow::Owned(bytes)
    }

    /// A value's bytes as text: released and decoded.
    #[must_use]
    pub fn text_of(&self, raw: &'a [u8]) -> Cow<'a, str> {
        match self.unescaped(raw) {
            Cow::Borrowed(bytes) => self.charset.decode(bytes),
            Cow::Owned(bytes) => Cow::Owned(self.charset.decode(&bytes).into_owned()),
        }
    }

    /// All segments in order.
    #[inline]
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = Segment<'a>> + use<'a> {
        let run = *self;
        run.index.segments.iter().enumerate().map(move |(ordinal, &mark)| Segment { run, mark, ordinal })
    }
}

/// One segment of a run.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    run: Run<'a>,
    mark: SegmentMark,
    ordinal: usize,
}

impl<'a> Segment<'a> {
    /// Ordinal within the run, from 0.
    #[must_use]
    #[inline]
    pub fn ordinal(&self) -> usize {
        self.ordinal
    }

    /// Where it and its separators stand.
    #[must_use]
    #[inline]
    pub fn mark(&self) -> &SegmentMark {
        &self.mark
    }

    /// From the tag's first byte up to, not including, the terminator.
    #[must_use]
    #[inline]
    pub fn raw(&self) -> &'a [u8] {
        &self.run.bytes[self.mark.start as usize..self.mark.end as usize]
    }

    /// The tag's bytes. In EDIFACT the tag may carry components (explicit nesting, syntax 1 to 3); only the part
    /// before the first separator is the tag.
    #[must_use]
    #[inline]
    pub fn tag(&self) -> &'a [u8] {
        self.run.tag_at(&self.mark)
    }

    /// The tag's bytes without the line ends of a wrapped interchange.
    #[must_use]
    pub fn tag_bytes(&self) -> Cow<'a, [u8]> {
        without_wraps(self.run, self.tag())
    }

    /// The tag as text.
    #[must_use]
    pub fn tag_text(&self) -> Cow<'a, str> {
        match self.tag_bytes() {
            Cow::Borrowed(tag) => String::from_utf8_lossy(tag),
            Cow::Owned(tag) => Cow::Owned(String::from_utf8_lossy(&tag).into_owned()),
        }
    }

    /// The line ends and blanks between the terminator before and the tag.
    #[must_use]
    pub fn lead(&self) -> &'a [u8] {
        let before = self.ordinal.checked_sub(1).map_or(0, |at| self.run.index.segments[at].end + 1);
        &self.run.bytes[before as usize..self.mark.start as usize]
    }

    /// Whether the segment ends with its terminator, not with the input.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        (self.mark.end as usize) < self.run.bytes.len()
    }

    /// Position within the run one past the terminator.
    #[must_use]
    pub fn after(&self) -> usize {
        (self.mark.end as usize + 1).min(self.run.bytes.len())
    }

    /// Offset of the tag in the whole input.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.run.offset + u64::from(self.mark.start)
    }

    /// Line of the tag in the whole input, from 1.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.run.line + u64::from(self.mark.line)
    }

    /// Number of elements, the tag not counted; empty ones count.
    #[must_use]
    pub fn element_count(&self) -> usize {
        if self.mark.is_flat {
            return self.separators_in().len();
        }
        let element = self.run.separators.element;
        self.separators_in().iter().filter(|&&mark| self.run.bytes[mark as usize] == element).count()
    }

    /// The element of `number`, from 1; `None` past the last. Walking all elements is cheaper by [`Segment::elements`].
    #[must_use]
    pub fn element(&self, number: usize) -> Option<Value<'a>> {
        let at = number.checked_sub(1)?;
        if !self.mark.is_flat {
            return self.elements().nth(at);
        }
        let marks = self.separators_in();
        let start = marks.get(at)? + 1;
        Some(Value { run: self.run, start, end: marks.get(number).map_or(self.mark.end, |&next| next), marks: &[] })
    }

    /// The elements in order, the tag left out.
    #[inline]
    pub fn elements(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (run, end, is_flat, marks) = (self.run, self.mark.end, self.mark.is_flat, self.separators_in());
        let (bytes, element) = (run.bytes, run.separators.element);
        // How many of the separators stand before the next one of elements.
        let inside = move |marks: &[u32]| {
            let mut count = 0;
            while !is_flat && marks.get(count).is_some_and(|&mark| bytes.get(mark as usize) != Some(&element)) {
                count += 1;
            }
            count
        };
        // What stands before the first element separator is the tag's.
        let mut rest = &marks[inside(marks)..];
        std::iter::from_fn(move || {
            let (&before, behind) = rest.split_first()?;
            let (marks, next) = behind.split_at(inside(behind));
            rest = next;
            Some(Value { run, start: before + 1, end: next.first().map_or(end, |&next| next), marks })
        })
    }

    #[inline]
    fn separators_in(&self) -> &'a [u32] {
        self.run.marks_at(&self.mark)
    }
}

/// An element, one repetition of it, or one component: a slice with the separators inside it.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    run: Run<'a>,
    start: u32,
    end: u32,
    marks: &'a [u32],
}

impl<'a> Value<'a> {
    /// The bytes as they stand, release characters included.
    #[must_use]
    #[inline]
    pub fn raw(&self) -> &'a [u8] {
        &self.run.bytes[self.start as usize..self.end as usize]
    }

    /// Whether nothing stands here.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end || (self.run.index.wrapped && self.raw().iter().all(|&byte| is_line_end(byte)))
    }

    /// Offset in the whole input.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.run.offset + u64::from(self.start)
    }

    /// Whether separators stand inside: the value is a composite or repeats.
    #[must_use]
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.marks.is_empty()
    }

    /// The separators inside.
    #[must_use]
    #[inline]
    pub fn separators(&self) -> &'a [u32] {
        self.marks
    }

    /// The repetitions; a value that does not repeat is its own only one.
    pub fn repetitions(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        self.split(self.run.separators.repetition)
    }

    /// The components; a simple value is its own only one.
    pub fn components(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        self.split(Some(self.run.separators.component))
    }

    /// The component of `number`, from 1.
    #[must_use]
    pub fn component(&self, number: usize) -> Option<Value<'a>> {
        self.components().nth(number.checked_sub(1)?)
    }

    /// Its first byte in the run, and one past its last.
    #[must_use]
    #[inline]
    pub fn range(&self) -> (u32, u32) {
        (self.start, self.end)
    }

    /// The value without release characters, and without the line ends of a wrapped interchange.
    #[must_use]
    pub fn unescaped(&self) -> Cow<'a, [u8]> {
        self.run.unescaped(self.raw())
    }

    /// The value as text: released and decoded by the interchange's character set.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        self.run.text_of(self.raw())
    }

    fn split(&self, separator: Option<u8>) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (run, end, marks) = (self.run, self.end, self.marks);
        let mut start = Some((self.start, 0usize));
        std::iter::from_fn(move || {
            let (from, first) = start?;
            let next = marks[first..].iter().position(|&m| Some(run.bytes[m as usize]) == separator);
            let last = next.map_or(marks.len(), |n| first + n);
            let stop = if next.is_some() { marks[last] } else { end };
            start = next.is_some().then(|| (stop + 1, last + 1));
            Some(Value { run, start: from, end: stop, marks: &marks[first..last] })
        })
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// The bytes without the line ends that a wrapped interchange has anywhere.
fn without_wraps<'a>(run: Run<'a>, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    if !run.index.wrapped || !bytes.iter().any(|&byte| is_line_end(byte)) {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(bytes.iter().copied().filter(|&byte| !is_line_end(byte)).collect())
}
