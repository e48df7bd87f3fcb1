//! What reading made of one item, kept for the next of the same form; see `mapping/stencil.rs`. It fits an item of the same
//! segments with the same elements filled, the same texts where selectors compare, and functions that take their values
//! as they did. Making one is `record`'s.
//!
//! Whether it fits is asked of the index: tag and number of separators of each segment, then of each separator what it
//! separates and whether anything stands behind it, then the few texts that decide. Where each value stands is known by
//! the separators around it; so nothing is looked for.
//!
//! Laid over an item it fills the holes of a template (`entity/template.rs`), one after the other: with the bytes as they
//! stand where the functions leave them so, with what a function appends where that is soon done (`get_text`), with what
//! became of the same text before where it always becomes the same, else with what the functions make. Which of these it is
//! is settled when the stencil is made. The item keeps those texts and the template; its fields are made when someone asks
//! for them.

use super::source::{Address, Block, Span};
use super::{At, Reader};
use crate::entity::{Filling, FillingMark, Map, Part, Template, Value};
use crate::mapping::function::{self, Beside, Call, Spot};
use crate::mapping::notation::Rule;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Segments of an item that a stencil is made of; longer ones are hardly ever alike.
const SEGMENTS_MAX: usize = 64;

/// What reading made of an item.
pub struct Stencil {
    pub(super) form: Form,
    /// Texts that decided something.
    pub(super) said: Vec<(Where, Box<[u8]>)>,
    /// What functions were asked for that became no part of the item.
    pub(super) aside: Vec<Leaf>,
    /// The item; `None` where what stands there is none.
    pub(super) item: Option<Item>,
    /// What is known of each cell afterwards.
    pub(super) after: Vec<u8>,
}

/// All that rules see of an item but its texts.
#[derive(PartialEq)]
pub(super) struct Form {
    /// See [`super::Source::heads`].
    heads: Vec<u64>,
    /// See [`super::Source::states`].
    states: Vec<u8>,
    /// The loop that each segment stands in, counted from the item's; none where the item is no loop.
    homes: Vec<usize>,
    /// What was known of each cell before.
    cells: Vec<u8>,
}

/// A value's place.
#[derive(Clone, Copy)]
pub(super) struct Where {
    /// Its segment counted from the item's first.
    pub address: Address,
    /// The separators of the item behind which it stands, the first and the last.
    pub gaps: (usize, usize),
}

impl Where {
    /// Where it stands, of an item whose values stand in these places.
    #[inline(always)]
    fn span(self, spans: &[Span]) -> Span {
        spans[self.gaps.0].to(spans[self.gaps.1])
    }
}

/// An item: a template, and what fills its holes, in their order.
pub(super) struct Item {
    pub template: Arc<Template>,
    pub leaves: Vec<(Leaf, Part)>,
}

/// What functions made of a value, or of several.
pub(super) struct Leaf {
    pub places: Vec<Where>,
    /// They were given as a list.
    pub is_list: bool,
    pub calls: Vec<Call>,
    pub kind: Kind,
    /// What the functions looked at beside it.
    pub looked: Vec<Beside>,
    pub way: Way,
    /// Texts that came before and what was made of them, when a text always becomes the same.
    pub known: RefCell<Vec<Made>>,
}

/// How the holes of a value are filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A text as it stands.
    Kept,
    /// A text that always becomes the same: with what it became before.
    Known,
    /// A text that becomes a text: as functions append it, or as they make it.
    Appended,
    /// Each text of a list as it stands, where functions leave them so.
    EachKept,
    /// With what functions make.
    Made,
}

impl Way {
    /// The way of a value that became a part of an item, or none.
    pub(super) fn of(calls: &[Call], is_list: bool, looked: &[Beside], places: usize, part: Option<&Part>) -> Self {
        let is_text = |part: &Part| matches!(part, Part::Text(_));
        match part {
            _ if !is_list && calls.is_empty() && part.is_none_or(is_text) => Way::Kept,
            _ if !is_list && calls.iter().all(|call| call.function.is_steady()) => Way::Known,
            Some(Part::Text(_)) if !is_list => Way::Appended,
            Some(Part::List(parts)) if is_list && looked.is_empty() && parts.len() == places => {
                if parts.iter().all(is_text) { Way::EachKept } else { Way::Made }
            }
            _ => Way::Made,
        }
    }
}

/// A text, and what functions made of it: the texts of its holes.
pub(super) struct Made {
    wire: Box<[u8]>,
    holes: Filling,
}

/// Texts of one place that are kept with what was made of them: units and other codes.
const KNOWN_MAX: usize = 8;

/// As much of what a function returned as decides anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Object,
    Plain,
}

impl Kind {
    pub(super) fn of(value: Option<&Value>) -> Self {
        match value {
            None => Kind::Nothing,
            Some(Value::Object(_)) => Kind::Object,
            Some(_) => Kind::Plain,
        }
    }
}

/// What was read of an item.
pub(super) enum Got {
    /// Its fields.
    Fields(Map),
    /// It is the last in the filling of the reader, where it begins at a mark.
    Laid(FillingMark),
}

impl Reader<'_> {
    /// An item: by a stencil that fits it, else as `walk` reads it by the rules.
    pub(super) fn by_stencil(
        &mut self,
        rules: &[Rule],
        at: At,
        walk: impl Fn(&mut Self) -> Option<Map>,
    ) -> Option<Got> {
        let block = if self.recording.is_some() || rules.is_empty() { None } else { self.block(at) };
        let (Some(block), Some(stencils)) = (block, &mut self.stencils) else { return walk(self).map(Got::Fields) };
        let mut set = std::mem::take(stencils.of(rules));
        let under = set.follower.and_then(|rule| rules[rule].under());
        // What follows may belong to the item, and is not in its form.
        let is_whole = !under.is_some_and(|(tag, under)| self.is_followed(at, tag, under));
        let (mut filling, mut spans) = (std::mem::take(&mut self.filling), std::mem::take(&mut self.spans));
        let lay = |stencil: &Stencil| stencil.lay(self, &block, &mut spans, &mut filling);
        let laid = if is_whole { set.lay(lay) } else { None };
        (self.filling, self.spans) = (filling, spans);
        let item = match laid {
            Some((front, item)) => self.laid(&block, item, &set.stencils[front].after, walk),
            None if is_whole && set.wants_more() => {
                let (item, stencil) = self.record(block, under.map(|(_, under)| under), walk);
                set.keep(stencil);
                item.map(Got::Fields)
            }
            None => walk(self).map(Got::Fields),
        };
        if let Some(stencils) = &mut self.stencils {
            *stencils.of(rules) = set;
        }
        item
    }

    /// The item as the stencil has it, its values taken; builds for tests let the rules walk too.
    fn laid(
        &mut self,
        block: &Block,
        item: Option<Got>,
        after: &[u8],
        walk: impl Fn(&mut Self) -> Option<Map>,
    ) -> Option<Got> {
        let mark = self.claimed.mark();
        self.claimed.take_block(block.cells.start, after);
        if cfg!(debug_assertions) {
            let (taken, faults) = (self.claimed.cells.clone(), self.faults.len());
            self.claimed.undo(mark);
            let walked = walk(self);
            let item = match &item {
                Some(Got::Laid(mark)) => self.filling.show(*mark),
                Some(Got::Fields(fields)) => Some(fields.clone()),
                None => None,
            };
            let print = |item: &Option<Map>| item.clone().map(|fields| Value::Object(fields).to_string());
            assert_eq!(print(&item), print(&walked), "a stencil makes the item that the rules make");
            assert_eq!(item, walked, "the fields are what the JSON says");
            assert!(taken == self.claimed.cells, "a stencil takes what the rules take: {walked:?}");
            assert_eq!(faults, self.faults.len(), "nothing is told of an item that has a stencil");
        }
        item
    }

    /// The segments of an item, when they stand together.
    fn block(&self, at: At) -> Option<Block> {
        let block = match at {
            At::Loop(instance) => self.source.block(instance),
            At::Segment(segment) => self.source.block_of(segment..segment + 1, None),
            At::Slot(..) => None,
        };
        block.filter(|block| block.segments.len() <= SEGMENTS_MAX)
    }

    pub(super) fn form(&self, block: &Block) -> Form {
        Form {
            heads: self.source.heads(block).to_vec(),
            states: self.source.states(block),
            homes: self.homes(block).collect(),
            cells: self.claimed.cells[block.cells.clone()].to_vec(),
        }
    }

    /// The loop of each segment, counted from the item's; nothing where the item is no loop.
    fn homes(&self, block: &Block) -> impl Iterator<Item = usize> {
        let within = block.instance.map(|first| (first, &self.placement.homes[block.segments.clone()]));
        within.into_iter().flat_map(|(first, homes)| homes.iter().flatten().map(move |(_, instance)| instance - first))
    }

    /// Whether the segments of an item stand in these loops.
    fn has_homes(&self, block: &Block, wanted: &[usize]) -> bool {
        let Some(first) = block.instance else { return wanted.is_empty() };
        let homes = &self.placement.homes[block.segments.clone()];
        let is_there = |(home, wanted): (&Option<_>, &usize)| matches!(home, Some((_, one)) if *one == first + wanted);
        homes.len() == wanted.len() && homes.iter().zip(wanted).all(is_there)
    }
}

impl Stencil {
    /// The item that the stencil shows, if it fits.
    fn lay(
        &self,
        reader: &Reader<'_>,
        block: &Block,
        spans: &mut Vec<Span>,
        filling: &mut Filling,
    ) -> Option<Option<Got>> {
        if self.fits(reader, block, spans) { self.item(reader, block, spans, filling) } else { None }
    }

    fn fits(&self, reader: &Reader<'_>, block: &Block, spans: &mut Vec<Span>) -> bool {
        let source = &reader.source;
        self.form.heads == source.heads(block)
            && source.has_states(block, &self.form.states, spans)
            && self.form.cells == reader.claimed.cells[block.cells.clone()]
            && reader.has_homes(block, &self.form.homes)
            && self.said.iter().all(|(place, text)| {
                let span = place.span(spans);
                match source.bytes_in(span) {
                    Some(bytes) => is_same(bytes, text),
                    None => is_same(source.text_in(span).as_bytes(), text),
                }
            })
    }

    /// The item, unless a function does another thing than it did.
    fn item(&self, reader: &Reader<'_>, block: &Block, spans: &[Span], filling: &mut Filling) -> Option<Option<Got>> {
        let here = Cell::new((0, 0, 0));
        let beside = |beside| reader.text(super::beside(here.get(), beside)).into_owned();
        let spot = reader.spot(&beside, None);
        let laying = Laying { reader, block, spans, here: &here, spot: &spot };
        if !self.aside.iter().all(|leaf| laying.does_as_before(leaf)) {
            return None;
        }
        let mark = filling.mark();
        let (is_laid, item) = match &self.item {
            Some(item) if item.template.parts().is_empty() => (true, Some(Got::Fields(Map::new()))),
            Some(item) => {
                filling.begin();
                let is_filled = item.leaves.iter().all(|(leaf, part)| laying.fill(leaf, part, filling));
                (is_filled && filling.end(mark, &item.template), Some(Got::Laid(mark)))
            }
            None => (true, None),
        };
        if is_laid && spot.missed.borrow().is_empty() {
            return Some(item);
        }
        filling.undo(mark);
        None
    }
}

/// Whether two texts are the same; most that are compared have few characters.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && (if one.len() > 8 { one == other } else { one.iter().zip(other).all(|(a, b)| a == b) })
}

/// A stencil over an item.
struct Laying<'s, 'a> {
    reader: &'s Reader<'a>,
    block: &'s Block,
    /// Where its texts stand.
    spans: &'s [Span],
    /// The value that functions work on.
    here: &'s Cell<Address>,
    spot: &'s Spot<'s>,
}

impl Laying<'_, '_> {
    /// Fills the holes of a part with what the functions make of a value; whether that is of the form that it was.
    fn fill(&self, leaf: &Leaf, part: &Part, filling: &mut Filling) -> bool {
        match leaf.way {
            Way::Kept => match self.bytes(leaf.places[0]) {
                Some(wire) => filling.text(wire),
                None => filling.text(self.text(leaf.places[0]).as_bytes()),
            },
            Way::Known => self.fill_known(leaf, part, filling),
            Way::Appended => {
                let wire = self.bytes(leaf.places[0]);
                wire.is_some_and(|wire| self.append(leaf, wire, filling)) || self.fill_made(leaf, part, filling)
            }
            Way::EachKept => {
                let is_kept = |bytes: &[u8]| function::keep(&leaf.calls, bytes, self.spot);
                // Nothing is filled unless all is.
                if leaf.places.iter().all(|place| self.bytes(*place).is_some_and(is_kept)) {
                    leaf.places.iter().filter_map(|place| self.bytes(*place)).all(|wire| filling.text(wire))
                } else {
                    self.fill_made(leaf, part, filling)
                }
            }
            Way::Made => self.fill_made(leaf, part, filling),
        }
    }

    fn fill_made(&self, leaf: &Leaf, part: &Part, filling: &mut Filling) -> bool {
        matches!(self.value(leaf), Some(Some(value)) if filling.value(part, &value))
    }

    /// The same of a text that always becomes the same: as it did before.
    fn fill_known(&self, leaf: &Leaf, part: &Part, filling: &mut Filling) -> bool {
        if let Some(wire) = self.bytes(leaf.places[0])
            && let Some(made) = leaf.known.borrow().iter().find(|made| is_same(&made.wire, wire))
        {
            filling.add(&made.holes);
            return true;
        }
        let text = self.text(leaf.places[0]);
        if let Some(made) = leaf.known.borrow().iter().find(|made| is_same(&made.wire, text.as_bytes())) {
            filling.add(&made.holes);
            return true;
        }
        let mut holes = Filling::default();
        let is_filled = self.fill_made(leaf, part, &mut holes);
        if is_filled {
            filling.add(&holes);
            leaf.keep(text.as_bytes(), holes);
        }
        is_filled
    }

    /// The same of a text that becomes a text, where a function soon appends it.
    fn append(&self, leaf: &Leaf, wire: &[u8], filling: &mut Filling) -> bool {
        self.look_from(leaf);
        filling.hole_if(|text| {
            let is_made = function::get_text(&leaf.calls, wire, self.spot, text);
            let mut looked = self.spot.looked.borrow_mut();
            let is_same = *looked == leaf.looked;
            looked.clear();
            is_made && is_same
        })
    }

    /// Functions look at what stands beside a value.
    fn look_from(&self, leaf: &Leaf) {
        let (segment, element, component) = leaf.places[0].address;
        self.here.set((self.block.segments.start + segment, element, component));
    }

    /// Whether the functions do with a value that becomes no part of the item what they did before.
    fn does_as_before(&self, leaf: &Leaf) -> bool {
        match leaf.way {
            // What no function looks at is what it is, and nobody asks for it here.
            Way::Kept => true,
            Way::Known => {
                let is_known = |wire: &[u8]| leaf.known.borrow().iter().any(|made| is_same(&made.wire, wire));
                if self.bytes(leaf.places[0]).is_some_and(is_known) {
                    return true;
                }
                let text = self.text(leaf.places[0]);
                let is_same = is_known(text.as_bytes()) || self.value(leaf).is_some();
                if is_same && !is_known(text.as_bytes()) {
                    leaf.keep(text.as_bytes(), Filling::default());
                }
                is_same
            }
            _ => self.value(leaf).is_some(),
        }
    }

    /// The bytes of a value, where they are ASCII as they stand.
    #[inline(always)]
    fn bytes(&self, place: Where) -> Option<&[u8]> {
        self.reader.source.bytes_in(place.span(self.spans))
    }

    fn text(&self, place: Where) -> Cow<'_, str> {
        self.reader.source.text_in(place.span(self.spans))
    }

    /// What the functions make of a value, unless it is of another kind than it was.
    fn value(&self, leaf: &Leaf) -> Option<Option<Value>> {
        let text = |place: &Where| Value::String(self.text(*place).into());
        let first = leaf.places.first()?;
        let wire = if leaf.is_list { Value::Array(leaf.places.iter().map(text).collect()) } else { text(first) };
        if leaf.calls.is_empty() {
            return Some(Some(wire));
        }
        self.look_from(leaf);
        let made = function::get(&leaf.calls, wire, self.spot).ok()?;
        let mut looked = self.spot.looked.borrow_mut();
        let is_same = *looked == leaf.looked && Kind::of(made.as_ref()) == leaf.kind;
        looked.clear();
        is_same.then_some(made)
    }
}

impl Leaf {
    /// Keeps what became of a text.
    fn keep(&self, wire: &[u8], holes: Filling) {
        let mut known = self.known.borrow_mut();
        known.truncate(KNOWN_MAX - 1);
        known.insert(0, Made { wire: wire.into(), holes });
    }
}
