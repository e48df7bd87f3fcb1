//! The document as rules look at it, made once: what stands in each loop by tag, and each element with its first
//! repetition, so that a rule finds its place without walking past everything else. It knows no rule.

use crate::standard::definition::Directory;
use crate::standard::place::{Child, Placement};
use crate::standard::tag::key;
use crate::tree::{Run, Segment, Value};
use std::borrow::Cow;
use std::ops::Range;

/// One value's address: segment ordinal, element, component (0 for a simple one).
pub type Address = (usize, u16, u16);

/// A tag as a number; what is no tag is 0, which no rule names.
type Tag = u32;

/// Something in a loop: its segment, or the trigger of a loop inside it with that loop.
pub type Seat = (usize, Option<usize>);

/// The document.
pub struct Source<'a> {
    placement: &'a Placement,
    /// Tag of each segment, and where its elements are.
    segments: Vec<(Tag, Range<u32>)>,
    elements: Vec<Element<'a>>,
    /// What stands in loops, by loop and tag; segments before loops, each in the order of the document.
    seats: Vec<((u32, Tag, bool), Seat)>,
    /// First segment of each loop.
    triggers: Vec<Option<usize>>,
}

/// An element.
struct Element<'a> {
    /// Its first repetition.
    value: Value<'a>,
    /// Whether anything stands in it, separators included.
    is_filled: bool,
    components: u16,
    /// Several components, or a place where the version has a composite.
    is_composite: bool,
    /// Number of its first cell; it has one more than components.
    cell: u32,
}

fn tag(text: &[u8]) -> Tag {
    key(text).unwrap_or_default()
}

impl<'a> Source<'a> {
    /// Looks a placed document over.
    pub fn new(run: &'a Run<'a>, placement: &'a Placement, directory: &Directory) -> Self {
        let mut source = Source {
            placement,
            segments: Vec::with_capacity(run.len()),
            elements: Vec::new(),
            seats: Vec::with_capacity(run.len() + placement.loops.len()),
            triggers: Vec::with_capacity(placement.loops.len()),
        };
        let mut composites = Composites { directory, known: Vec::new() };
        let mut cell = 0;
        for segment in run.segments() {
            let first = source.elements.len() as u32;
            let known = composites.of(&segment);
            for (at, value) in segment.elements().enumerate() {
                let count = if value.is_plain() { 1 } else { value.components().count() };
                let components = u16::try_from(count).unwrap_or(u16::MAX);
                let is_composite = components > 1 || known.get(at).copied().unwrap_or(false);
                let is_filled = !value.is_empty();
                let value = if value.is_plain() { value } else { value.repetitions().next().unwrap_or(value) };
                source.elements.push(Element { value, is_filled, components, is_composite, cell });
                cell += u32::from(components) + 1;
            }
            let name = segment.tag_text();
            source.segments.push((tag(name.as_bytes()), first..source.elements.len() as u32));
        }
        source.seat();
        source
    }

    fn seat(&mut self) {
        let loops = 0..self.placement.loops.len();
        for instance in loops.clone() {
            self.triggers.push(self.placement.children(instance).find_map(|child| match child {
                Child::Segment(segment) => Some(segment),
                Child::Loop(_) => None,
            }));
        }
        for at in loops {
            for child in self.placement.children(at) {
                let seat = match child {
                    Child::Segment(segment) => (segment, None),
                    Child::Loop(inner) => match self.triggers[inner] {
                        Some(trigger) => (trigger, Some(inner)),
                        None => continue,
                    },
                };
                self.seats.push(((at as u32, self.segments[seat.0].0, seat.1.is_some()), seat));
            }
        }
        self.seats.sort_by_key(|(key, seat)| (*key, seat.0));
    }

    /// Segments of this tag directly in a loop, then the loops in it that this tag begins.
    pub fn seats(&self, instance: usize, name: &str) -> impl Iterator<Item = Seat> {
        let (instance, tag) = (instance as u32, tag(name.as_bytes()));
        let first = self.seats.partition_point(|(key, _)| (key.0, key.1) < (instance, tag));
        self.seats[first..].iter().take_while(move |(key, _)| (key.0, key.1) == (instance, tag)).map(|(_, seat)| *seat)
    }

    /// The next loop in a loop that this tag begins after a segment.
    pub fn next_loop(&self, instance: usize, name: &str, segment: usize) -> Option<Seat> {
        let wanted = (instance as u32, tag(name.as_bytes()), true);
        let next = self.seats.partition_point(|(key, seat)| (*key, seat.0) <= (wanted, segment));
        self.seats.get(next).filter(|(key, _)| *key == wanted).map(|(_, seat)| *seat)
    }

    /// The first segment of a loop.
    pub fn trigger(&self, instance: usize) -> Option<usize> {
        self.triggers.get(instance).copied().flatten()
    }

    /// Whether a segment has this tag.
    pub fn tag_is(&self, segment: usize, name: &str) -> bool {
        self.segments.get(segment).is_some_and(|(own, _)| *own == tag(name.as_bytes()))
    }

    fn element(&self, segment: usize, element: u16) -> Option<&Element<'a>> {
        let (_, range) = self.segments.get(segment)?;
        let at = range.start.checked_add(u32::from(element).checked_sub(1)?)?;
        self.elements.get(at as usize).filter(|_| at < range.end)
    }

    /// The value at an address, without the blanks at its end; empty where nothing stands.
    pub fn text(&self, (segment, element, component): Address) -> Cow<'a, str> {
        let Some(found) = self.element(segment, element) else { return Cow::Borrowed("") };
        let value = match component {
            0 => Some(found.value),
            1 if found.value.is_plain() => Some(found.value),
            component => found.value.component(component.into()),
        };
        match value.map(|value| value.text()) {
            None => Cow::Borrowed(""),
            Some(Cow::Borrowed(text)) => Cow::Borrowed(text.trim_end_matches(' ')),
            Some(Cow::Owned(text)) => Cow::Owned(text.trim_end_matches(' ').to_owned()),
        }
    }

    /// Whether anything stands in an element.
    pub fn is_filled(&self, segment: usize, element: u16) -> bool {
        self.element(segment, element).is_some_and(|element| element.is_filled)
    }

    /// How many components an element has; 0 where there is none.
    pub fn components(&self, segment: usize, element: u16) -> u16 {
        self.element(segment, element).map_or(0, |element| element.components)
    }

    /// Whether an element that is there is a composite.
    pub fn is_composite(&self, segment: usize, element: u16) -> Option<bool> {
        self.element(segment, element).map(|element| element.is_composite)
    }

    /// A number for the address, unlike all others of the document; `None` where nothing stands.
    pub fn cell(&self, (segment, element, component): Address) -> Option<usize> {
        let found = self.element(segment, element)?;
        (component <= found.components).then(|| found.cell as usize + usize::from(component))
    }

    /// How many numbers there are.
    pub fn cells(&self) -> usize {
        self.elements.last().map_or(0, |last| last.cell as usize + usize::from(last.components) + 1)
    }
}

/// Which elements of a segment the version defines as composites; asked once a tag.
struct Composites<'d> {
    directory: &'d Directory,
    known: Vec<(Vec<u8>, Vec<bool>)>,
}

impl Composites<'_> {
    fn of(&mut self, segment: &Segment<'_>) -> &[bool] {
        let tag = segment.tag();
        let at = self.known.iter().position(|(known, _)| known == tag).unwrap_or_else(|| {
            let definition = self.directory.segments.get(&*segment.tag_text());
            let elements = definition.map(|one| one.elements.as_slice()).unwrap_or_default();
            let composites = elements.iter().map(|place| self.directory.composites.contains_key(&place.id)).collect();
            self.known.push((tag.to_vec(), composites));
            self.known.len() - 1
        });
        &self.known[at].1
    }
}
