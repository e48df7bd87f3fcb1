//! Segments of drafts that are alike: what they have in common stands once, in a form, and of each item there are only its
//! texts, one after the other. Lines of a document are such items. Their values are made when someone asks for them; who
//! writes bytes lays the texts between what stands around them. Who finds out what is alike is `mapping`; how bytes are
//! written is the codec's.

use super::draft::DraftValue;
use compact_str::CompactString;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Where a text of a segment stands, and which.
#[derive(Debug, Clone)]
pub struct DraftPlace {
    /// Element, from 1.
    pub element: u16,
    /// Component, from 1.
    pub component: u16,
    /// What stands there.
    pub text: PlaceText,
}

/// What stands at a place of a form; never empty.
#[derive(Debug, Clone)]
pub enum PlaceText {
    /// The same in every item.
    Said(CompactString),
    /// The text of this number, of those that each item has.
    Own(u32),
}

/// A segment of a form.
#[derive(Debug)]
pub struct FormSegment {
    /// The tag.
    pub tag: CompactString,
    /// By element and component.
    pub places: Vec<DraftPlace>,
    texts: Vec<u32>,
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
    /// The same of all segments of an item, where all of them can be written so.
    pub whole: Option<Whole>,
}

/// What stands around the texts of an item that is written at once.
#[derive(Debug)]
pub struct Whole {
    /// Its segments by their numbers, in the order in which the first such item had them.
    pub order: Vec<u32>,
    /// All bytes that stand between, one after the other.
    pub bytes: Vec<u8>,
    /// Where the bytes before each text end, and the number of the text.
    pub texts: Vec<(u32, u32)>,
}

impl FormSegment {
    /// The numbers of an item's texts that stand in it, in the order of the places.
    #[must_use]
    pub fn texts(&self) -> &[u32] {
        &self.texts
    }
}

impl DraftForm {
    /// Segments with their places.
    #[must_use]
    pub fn new(segments: Vec<(CompactString, Vec<DraftPlace>)>) -> Self {
        let own = |place: &DraftPlace| match place.text {
            PlaceText::Said(_) => None,
            PlaceText::Own(number) => Some(number),
        };
        let segment = |(tag, places): (CompactString, Vec<DraftPlace>)| {
            let texts = places.iter().filter_map(own).collect();
            FormSegment { tag, places, texts }
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
    text: Box<str>,
    ends: Ends,
}

/// Where each text of an item ends: usually there are few, and they are short.
#[derive(Debug)]
enum Ends {
    Few([u16; FEW_ENDS]),
    Many(Box<[u32]>),
}

/// Texts of an item whose ends stand in place.
const FEW_ENDS: usize = 24;

impl Ends {
    fn of(ends: &[u32]) -> Self {
        if ends.len() > FEW_ENDS || ends.last().is_some_and(|&last| last > u32::from(u16::MAX)) {
            return Ends::Many(ends.into());
        }
        let mut few = [0; FEW_ENDS];
        few.iter_mut().zip(ends).for_each(|(few, &end)| *few = end as u16);
        Ends::Few(few)
    }

    #[inline]
    fn at(&self, number: usize) -> usize {
        match self {
            Ends::Few(ends) => usize::from(ends[number]),
            Ends::Many(ends) => ends[number] as usize,
        }
    }
}

impl DraftTexts {
    /// The texts of an item, none of them empty, one after the other, and where each ends: by their numbers in the form.
    #[must_use]
    pub fn of(form: &Arc<DraftForm>, text: &str, ends: &[u32]) -> Self {
        DraftTexts { form: form.clone(), text: text.into(), ends: Ends::of(ends) }
    }

    /// All of them, one after the other.
    #[must_use]
    pub fn all(&self) -> &str {
        &self.text
    }

    /// A text by its number.
    #[must_use]
    pub fn text(&self, number: u32) -> &str {
        &self.text[self.range(number)]
    }

    /// The same as bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self, number: u32) -> &[u8] {
        &self.text.as_bytes()[self.range(number)]
    }

    /// Where a text stands among all of them.
    #[must_use]
    #[inline]
    pub fn range(&self, number: u32) -> Range<usize> {
        let number = number as usize;
        number.checked_sub(1).map_or(0, |before| self.ends.at(before))..self.ends.at(number)
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
    pub fn form(&self) -> &Arc<DraftForm> {
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

    /// The texts of its item.
    #[must_use]
    pub fn item(&self) -> &DraftTexts {
        &self.texts
    }

    /// Whether another segment is of the same item.
    #[must_use]
    #[inline]
    pub fn is_beside(&self, other: &Laid) -> bool {
        Arc::ptr_eq(&self.texts, &other.texts)
    }

    /// Each of its texts.
    #[inline]
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.segment().texts.iter().map(|&number| self.texts.text(number))
    }

    /// Its values, made when first asked for.
    pub(super) fn values(&self) -> &[DraftValue] {
        self.values.get_or_init(|| {
            let value = |place: &DraftPlace| {
                let text = self.text_at(place).into();
                DraftValue { element: place.element, component: place.component, text }
            };
            self.segment().places.iter().map(value).collect()
        })
    }

    /// The text of a component, without making all of them.
    pub(super) fn get(&self, element: u16, component: u16) -> &str {
        let mut places = self.segment().places.iter();
        let found = places.find(|place| (place.element, place.component) == (element, component));
        found.map_or("", |place| self.text_at(place))
    }

    fn text_at<'t>(&'t self, place: &'t DraftPlace) -> &'t str {
        match &place.text {
            PlaceText::Said(text) => text,
            PlaceText::Own(number) => self.texts.text(*number),
        }
    }
}
