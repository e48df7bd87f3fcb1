//! The values of an envelope segment, kept when the segment itself is gone: acknowledgments repeat them as they came.

use crate::tree::Segment;

/// The values of one envelope segment as received, padding kept: all in one text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct HeaderValues {
    text: String,
    /// Of each value: its element and component, from 1, and where it ends in the text.
    ends: Vec<(usize, usize, usize)>,
}

impl HeaderValues {
    /// Those of `segment`.
    #[must_use]
    pub fn new(segment: &Segment<'_>) -> Self {
        let mut made = HeaderValues { text: String::new(), ends: Vec::with_capacity(segment.element_count()) };
        made.text.reserve(segment.raw().len());
        for (element, value) in (1..).zip(segment.elements()) {
            for (component, value) in (1..).zip(value.components()) {
                made.text.push_str(&value.text());
                made.ends.push((element, component, made.text.len()));
            }
        }
        made
    }

    /// How many elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.last().map_or(0, |&(element, ..)| element)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A component of an element, both numbered from 1; empty where there is none.
    #[must_use]
    pub fn value(&self, element: usize, component: usize) -> &str {
        let at = self.ends.iter().position(|&(one, other, _)| (one, other) == (element, component));
        at.map_or("", |at| self.at(at))
    }

    fn at(&self, at: usize) -> &str {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before].2);
        &self.text[begin..self.ends[at].2]
    }
}

impl std::fmt::Debug for HeaderValues {
    /// A list of elements, each a list of components.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<_> = self.ends.iter().enumerate().collect();
        let elements = all.chunk_by(|(_, one), (_, other)| one.0 == other.0);
        let components = |chunk: &[(usize, _)]| chunk.iter().map(|&(at, _)| self.at(at)).collect::<Vec<_>>();
        f.debug_list().entries(elements.map(components)).finish()
    }
}
