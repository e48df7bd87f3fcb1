//! Segments of drafts that are alike: what they have in common stands once, in a form, and of each item there are only its
//! texts, one after the other. Lines of a document are such items. Their values are made when someone asks for them; who
//! writes bytes lays the texts between what stands around them. Who finds out what is alike is `mapping`; how bytes are
//! written is the codec's.

use super::draft::DraftValue;
use compact_str::CompactString;
use std::sync::{Arc, OnceLock};

/// Where a text of a segment stands, and what it is where it is the same in every item.
#[derive(Debug, Clone)]
pub struct DraftPlace {
    /// Element, from 1.
    pub element: u16,
    /// Component, from 1.
    pub component: u16,
    /// What always stands there; else each item has a text for it.
    pub said: Option<CompactString>,
}

/// A segment of a form.
#[derive(Debug)]
pub struct FormSegment {
    /// The tag.
    pub tag: CompactString,
    /// By element and component; none of the texts is empty.
    pub places: Vec<DraftPlace>,
    /// The first text of an item that stands in it, and one past the last.
    texts: (usize, usize),
}

/// What the segments of items have in common.
#[derive(Debug)]
pub struct DraftForm {
    segments: Vec<FormSegment>,
    /// What stands around the texts, in the styles that came first.
    between: [OnceLock<Between>; STYLES],
}

/// Styles of which a form keeps what stands around its texts; an instance has few, and most partners the same.
const STYLES: usize = 3;

/// What stands around the texts of a form in one style.
#[derive(Debug)]
pub struct Between {
    /// The style, as whoever writes numbers it.
    pub style: u64,
    /// The bytes before each text of a segment and after the last one; none where they cannot be written as they are.
    pub segments: Vec<Option<Vec<Box<[u8]>>>>,
}

impl DraftForm {
    /// Segments with their places.
    #[must_use]
    pub fn new(segments: Vec<(CompactString, Vec<DraftPlace>)>) -> Self {
        let mut next = 0;
        let segment = |(tag, places): (CompactString, Vec<DraftPlace>)| {
            let first = next;
            next += places.iter().filter(|place| place.said.is_none()).count();
            FormSegment { tag, places, texts: (first, next) }
        };
        DraftForm { segments: segments.into_iter().map(segment).collect(), between: Default::default() }
    }

    /// The segments.
    #[must_use]
    pub fn segments(&self) -> &[FormSegment] {
        &self.segments
    }

    /// What stands around the texts in a style, made once by `make`; `None` when other styles came before it.
    #[inline]
    pub fn between(&self, style: u64, make: impl Fn() -> Between) -> Option<&Between> {
        self.between.iter().map(|one| one.get_or_init(&make)).find(|one| one.style == style)
    }
}

/// The texts of one item.
#[derive(Debug)]
pub struct DraftTexts {
    form: Arc<DraftForm>,
    text: String,
    /// Where each text ends.
    ends: Vec<u32>,
}

/// A text is hardly ever longer.
const TEXT_BYTES: usize = 16;

impl DraftTexts {
    /// The texts of an item, none of them empty, in the order of the places that always say something else.
    #[must_use]
    pub fn of<'t>(form: &Arc<DraftForm>, texts: impl ExactSizeIterator<Item = &'t str>) -> Self {
        let (mut text, mut ends) = (String::with_capacity(texts.len() * TEXT_BYTES), Vec::with_capacity(texts.len()));
        for one in texts {
            debug_assert!(!one.is_empty());
            text.push_str(one);
            ends.push(text.len() as u32);
        }
        DraftTexts { form: form.clone(), text, ends }
    }

    fn end(&self, count: usize) -> usize {
        count.checked_sub(1).map_or(0, |last| self.ends[last] as usize)
    }
}

/// One segment of an item.
#[derive(Debug, Clone)]
pub struct Laid {
    texts: Arc<DraftTexts>,
    number: u32,
    /// Its values, once someone asked for them.
    values: OnceLock<Vec<DraftValue>>,
}

impl Laid {
    pub(super) fn new(texts: Arc<DraftTexts>, number: usize) -> Self {
        Laid { texts, number: number as u32, values: OnceLock::new() }
    }

    /// What it has in common with others.
    #[must_use]
    pub fn form(&self) -> &DraftForm {
        &self.texts.form
    }

    /// Which of the form's segments it is.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number as usize
    }

    /// The segment of the form.
    pub(super) fn segment(&self) -> &FormSegment {
        &self.texts.form.segments[self.number()]
    }

    /// Its texts, one after the other.
    #[must_use]
    #[inline]
    pub fn text(&self) -> &str {
        let (first, last) = self.segment().texts;
        &self.texts.text[self.texts.end(first)..self.texts.end(last)]
    }

    /// Each of its texts.
    #[inline]
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (first, last) = self.segment().texts;
        let mut start = self.texts.end(first);
        self.texts.ends[first..last].iter().map(move |&end| {
            let text = &self.texts.text[start..end as usize];
            start = end as usize;
            text
        })
    }

    /// Its values, made when first asked for.
    pub(super) fn values(&self) -> &[DraftValue] {
        self.values.get_or_init(|| {
            let mut texts = self.texts();
            let value = |place: &DraftPlace| {
                let own = || texts.next().unwrap_or_default().into();
                let text = place.said.clone().unwrap_or_else(own);
                DraftValue { element: place.element, component: place.component, text }
            };
            self.segment().places.iter().map(value).collect()
        })
    }

    /// The text of a component, without making all of them.
    pub(super) fn get(&self, element: u16, component: u16) -> &str {
        let mut texts = self.texts();
        for place in &self.segment().places {
            let text = place.said.as_deref().or_else(|| texts.next());
            if (place.element, place.component) == (element, component) {
                return text.unwrap_or_default();
            }
        }
        ""
    }
}
