//! Places of a document as rules name them: `heading:N1[01=ST]/N3.01..02`. Where they lie in one document is found by
//! `read` and `write`.

use super::{NotationError, wrong};
use crate::standard::definition::Area;
use crate::standard::names::split_outside;
use crate::standard::tag;

/// A place in a document, relative to a loop, a segment or a slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Part of the document; any when `None`.
    pub area: Option<Area>,
    /// Begins at the loop around the segment at hand (`^/`).
    pub is_outer: bool,
    /// Begins at the document (`//`): what stands there once is said of every item.
    pub is_root: bool,
    /// Loops to go into, by trigger, with conditions on the trigger.
    pub loops: Vec<(Tag, Vec<Selector>)>,
    /// The segment; empty for "the segment at hand".
    pub tag: Tag,
    /// Conditions on the segment.
    pub selectors: Vec<Selector>,
    /// First and last element, from 1; 0 when the place is a whole segment.
    pub elements: (u16, u16),
    /// First and last component, from 1; 0 when the element is simple or taken whole.
    pub components: (u16, u16),
    /// Elements from one to the next of a range.
    pub step: u16,
    /// In a slot: elements on from its first.
    pub offset: Option<u16>,
}

impl Place {
    /// The tags of which one must stand in the loop at hand for anything to be there; see [`Tag::bit`].
    pub(super) fn needs(&self) -> u64 {
        let first = self.loops.first().map_or(&self.tag, |(tag, _)| tag);
        if self.is_outer || self.is_root || first.is_empty() { Tag::ANY } else { Tag::bit(first.number()) }
    }

    /// Whether it lies in the segment that begins the loop around (`^/02`).
    #[must_use]
    pub fn is_of_loop_around(&self) -> bool {
        self.is_outer && self.loops.is_empty() && self.tag.is_empty()
    }

    /// Whether it lies in the segment at hand, whichever that is.
    #[must_use]
    pub fn is_own(&self) -> bool {
        !self.is_outer && !self.is_root && self.loops.is_empty() && self.tag.is_empty() && self.selectors.is_empty()
    }
}

/// A tag, as text and as a number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tag {
    text: String,
    number: u32,
}

impl Tag {
    /// The bit that every set of tags has.
    pub const ANY: u64 = 1 << 63;

    /// A tag.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Tag { text: text.to_owned(), number: Tag::key(text.as_bytes()) }
    }

    /// The number of a tag; 0 of what is none.
    #[must_use]
    pub fn key(text: &[u8]) -> u32 {
        tag::key(text).unwrap_or_default()
    }

    /// The number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// A bit for a set of tags. Others may have the same, so that a set tells for certain only what is not in it.
    #[must_use]
    pub fn bit(number: u32) -> u64 {
        let hash = number.wrapping_mul(0x9E37_79B1) >> 26;
        1 << hash.min(62)
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq<Tag> for String {
    fn eq(&self, other: &Tag) -> bool {
        *self == other.text
    }
}

impl std::ops::Deref for Tag {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// A condition on a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `[01.1=2|10]`: the element (and component) has one of the values; the first is written.
    Is(u16, u16, Vec<String>),
    /// `[TaxScheme/ID=VAT]`: what stands in a loop inside has one of the values; the first is written.
    Inside(Box<Place>, Vec<String>),
    /// `[2]`: the occurrence.
    Occurrence(usize),
}

/// Reads `heading:N1[01=ST]/N3.01..02`, `BEG03`, `PO106..PO125 step 2`, `C507` is written `DTM01.2`; in a list `02`,
/// `.1`, `+1`.
///
/// # Errors
/// What part is not understood.
pub fn place(text: &str) -> Result<Place, NotationError> {
    let mut found = Place { step: 1, ..Place::default() };
    let (mut rest, step) = text.split_once(" step ").map_or((text, None), |(rest, step)| (rest, Some(step)));
    if let Some(step) = step {
        found.step = step.trim().parse().map_err(|_| wrong(text, "a number after step", step))?;
    }
    rest = rest.trim();
    if let Some(outer) = rest.strip_prefix("^/") {
        (found.is_outer, rest) = (true, outer);
    }
    if let Some(inside) = rest.strip_prefix("//") {
        (found.is_root, rest) = (true, inside);
    }
    for area in Area::ALL {
        if let Some(inside) = rest.strip_prefix(area.name()).and_then(|rest| rest.strip_prefix(':')) {
            (found.area, rest) = (Some(area), inside);
        }
    }
    let mut steps = split_outside(rest, '/');
    let last = steps.pop().unwrap_or_default();
    for one in steps {
        let (tag, selectors, after) = tagged(text, one)?;
        if !after.is_empty() || tag.is_empty() {
            return Err(wrong(text, "a loop's trigger before /", one));
        }
        found.loops.push((Tag::new(&tag), selectors));
    }
    let (tag, selectors, after) = tagged(text, last)?;
    (found.tag, found.selectors) = (Tag::new(&tag), selectors);
    numbers(text, after, &mut found)?;
    Ok(found)
}

/// Tag and selectors at the beginning, and what follows them.
fn tagged<'t>(whole: &str, text: &'t str) -> Result<(String, Vec<Selector>, &'t str), NotationError> {
    let starts_with_letter = text.starts_with(|c: char| c.is_ascii_uppercase());
    // A tag has two or three characters; the third belongs to it unless two digits alone follow it (N1 in N101).
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|byte| !byte.is_ascii_uppercase() && !byte.is_ascii_digit()).unwrap_or(bytes.len());
    let length = match (starts_with_letter, end) {
        (false, _) => 0,
        (true, 0..=3) => end,
        // The short form: the last two digits are the element.
        (true, 4 | 5) => end - 2,
        (true, _) => 3,
    };
    let (tag, mut rest) = text.split_at(length);
    let mut selectors = Vec::new();
    while let Some(inside) = rest.strip_prefix('[') {
        let (selector, after) = inside.split_once(']').ok_or_else(|| wrong(whole, "a closing ]", rest))?;
        selectors.push(self::selector(whole, selector)?);
        rest = after;
    }
    Ok((tag.to_owned(), selectors, rest))
}

fn selector(whole: &str, text: &str) -> Result<Selector, NotationError> {
    let Some((at, values)) = text.split_once('=') else {
        let number = text.parse().map_err(|_| wrong(whole, "[occurrence] or [element=value]", text))?;
        return Ok(Selector::Occurrence(number));
    };
    let (element, component) = at.split_once('.').unwrap_or((at, "0"));
    let number = |text: &str| text.trim().parse().map_err(|_| wrong(whole, "an element number", at));
    let values = values.split('|').map(|value| value.trim().to_owned()).collect();
    Ok(Selector::Is(number(element)?, number(component)?, values))
}

/// Element and component numbers after the tag: `03`, `.03`, `.03.1`, `06..PO125`, `+1`, `.1..5` in a slot.
fn numbers(whole: &str, text: &str, found: &mut Place) -> Result<(), NotationError> {
    let parse = |digits: &str| digits.parse::<u16>().map_err(|_| wrong(whole, "a number", digits));
    if let Some(offset) = text.strip_prefix('+') {
        let (offset, component) = offset.split_once('.').unwrap_or((offset, "0"));
        found.offset = Some(parse(offset)?);
        found.components = (parse(component)?, parse(component)?);
        return Ok(());
    }
    let (from, to) = text.split_once("..").map_or((text, None), |(from, to)| (from, Some(to)));
    // `PO106..PO125` repeats the tag for the reader's sake.
    let to = to.map(|to| to.strip_prefix(&*found.tag).unwrap_or(to).trim_start_matches('.'));
    let is_slot = found.tag.is_empty() && found.selectors.is_empty() && from.starts_with('.');
    let from = from.strip_prefix('.').unwrap_or(from);
    if from.is_empty() {
        return Ok(());
    }
    match (is_slot, from.split_once('.')) {
        (true, _) => {
            let first = parse(from)?;
            (found.offset, found.components) = (Some(0), (first, to.map_or(Ok(first), parse)?));
        }
        (false, Some((element, component))) => {
            let (element, component) = (parse(element)?, parse(component)?);
            found.elements = (element, element);
            found.components = (component, to.map_or(Ok(component), parse)?);
        }
        (false, None) => {
            let element = parse(from)?;
            found.elements = (element, to.map_or(Ok(element), parse)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_places() {
        let short = place("BEG03").expect("a place");
        assert_eq!((&*short.tag, short.elements), ("BEG", (3, 3)));
        let two = place("N101").expect("a place");
        assert_eq!((&*two.tag, two.elements), ("N1", (1, 1)));
        let deep = place("heading:N1[01=ST]/N3[2].01..02").expect("a place");
        assert_eq!(deep.area, Some(Area::Heading));
        assert_eq!(deep.loops, [(Tag::new("N1"), vec![Selector::Is(1, 0, vec!["ST".into()])])]);
        assert_eq!((&*deep.tag, deep.elements), ("N3", (1, 2)));
        let pairs = place("PO106..PO125 step 2").expect("a place");
        assert_eq!((pairs.elements, pairs.step), ((6, 25), 2));
        let component = place("DTM[01.1=137].01.2").expect("a place");
        assert_eq!((component.elements, component.components), ((1, 1), (2, 2)));
        assert_eq!(place("NAD04.1..5").expect("a place").components, (1, 5));
        assert_eq!(place(".2").expect("a place").components, (2, 2));
        assert_eq!(place("+1").expect("a place").offset, Some(1));
        assert_eq!(place("02").expect("a place").elements, (2, 2));
        assert_eq!(&*place("PRI/CUX").expect("a place").tag, "CUX");
        let outer = place("^/PIA[01=3].02..06").expect("a place");
        assert_eq!((outer.is_outer, &*outer.tag, outer.elements), (true, "PIA", (2, 6)));
        let root = place("//heading:BFR04").expect("a place");
        assert_eq!((root.is_root, root.area, &*root.tag, root.elements), (true, Some(Area::Heading), "BFR", (4, 4)));
    }

    #[test]
    fn err_places() {
        assert!(place("BEG[03").is_err());
        assert!(place("BEG[x]").is_err());
        assert!(place("N1/").is_ok_and(|place| place.tag.is_empty()) || place("N1/").is_err());
    }
}
