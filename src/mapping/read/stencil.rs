//! What reading made of one item, kept for the next of the same form; see `mapping/stencil.rs`. It fits an item of the same
//! segments with the same elements filled, the same texts where selectors compare, and functions that take their values
//! as they did. Making one is `record`'s.
//!
//! Laid over an item it fills the holes of a template (`entity/template.rs`), one after the other: with the bytes as they
//! stand where the functions leave them so, with what a function appends where that is soon done (`get_text`), with what
//! became of the same text before where it always becomes the same, else with what the functions make. The item keeps
//! those texts and the template; its fields are made when someone asks for them.

use super::source::{Address, Block};
use super::{At, Reader};
use crate::entity::{Filling, Map, Part, Template, Text, Value};
use crate::mapping::function::{self, Beside, Call, Spot};
use crate::mapping::notation::Rule;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Segments of an item that a stencil is made of; longer ones are hardly ever alike.
const SEGMENTS_MAX: usize = 64;

/// What reading made of an item.
pub struct Stencil {
    pub(super) form: Form,
    /// Texts that decided something.
    pub(super) said: Vec<(Where, Text)>,
    /// What functions were asked for that became no part of the item.
    pub(super) aside: Vec<Leaf>,
    /// The item; `None` where what stands there is none.
    pub(super) item: Option<Item>,
    /// The cells that were taken, counted from the item's first.
    pub(super) taken: Vec<usize>,
}

/// All that rules see of an item but its texts.
#[derive(PartialEq)]
pub(super) struct Form {
    /// See [`super::Source::layout`].
    layout: Vec<u8>,
    /// The loop that each segment stands in, counted from the item's; none where the item is no loop.
    homes: Vec<usize>,
    /// What was known of each cell before.
    cells: Vec<u8>,
}

/// A value's place, counted from the item's first segment and first cell.
#[derive(Clone, Copy)]
pub(super) struct Where {
    pub address: Address,
    pub cell: usize,
    /// Of the cell in its segment.
    pub number: u32,
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
    /// Texts that came before and what was made of them, when a text always becomes the same.
    pub known: Option<RefCell<Vec<Made>>>,
}

/// A text, and what functions made of it.
pub(super) type Made = (Text, Option<Value>);

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

impl Reader<'_> {
    /// The fields of an item: by a stencil that fits it, else as `walk` reads them by the rules.
    pub(super) fn by_stencil(
        &mut self,
        rules: &[Rule],
        at: At,
        walk: impl Fn(&mut Self) -> Option<Map>,
    ) -> Option<Map> {
        let block = if self.recording.is_some() || rules.is_empty() { None } else { self.block(at) };
        let (Some(block), Some(stencils)) = (block, &mut self.stencils) else { return walk(self) };
        let mut set = std::mem::take(stencils.of(rules));
        let under = set.follower.and_then(|rule| rules[rule].under());
        // What follows may belong to the item, and is not in its form.
        let is_whole = !under.is_some_and(|(tag, under)| self.is_followed(at, tag, under));
        let mut filling = std::mem::take(&mut self.filling);
        let laid = if is_whole { set.lay(|stencil| stencil.lay(self, &block, &mut filling)) } else { None };
        self.filling = filling;
        let item = match laid {
            Some((front, item)) => self.laid(&block, item, &set.stencils[front].taken, walk),
            None if is_whole && set.wants_more() => {
                let (item, stencil) = self.record(block, under.map(|(_, under)| under), walk);
                set.keep(stencil);
                item
            }
            None => walk(self),
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
        item: Option<Map>,
        cells: &[usize],
        walk: impl Fn(&mut Self) -> Option<Map>,
    ) -> Option<Map> {
        let mark = self.claimed.mark();
        let first = block.cells.start;
        cells.iter().for_each(|cell| self.claimed.take_cell(first + cell));
        if cfg!(debug_assertions) {
            let (taken, faults) = (self.claimed.cells.clone(), self.faults.len());
            self.claimed.undo(mark);
            let walked = walk(self);
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
            layout: self.source.layout(block).to_vec(),
            homes: self.homes(block).collect(),
            cells: self.claimed.cells[block.cells.clone()].to_vec(),
        }
    }

    /// The loop of each segment, counted from the item's; nothing where the item is no loop.
    fn homes(&self, block: &Block) -> impl Iterator<Item = usize> {
        let within = block.instance.map(|first| (first, &self.placement.homes[block.segments.clone()]));
        within.into_iter().flat_map(|(first, homes)| homes.iter().flatten().map(move |(_, instance)| instance - first))
    }
}

impl Stencil {
    /// The item that the stencil shows, if it fits.
    fn lay(&self, reader: &Reader<'_>, block: &Block, filling: &mut Filling) -> Option<Option<Map>> {
        if self.fits(reader, block) { self.item(reader, block, filling) } else { None }
    }

    fn fits(&self, reader: &Reader<'_>, block: &Block) -> bool {
        self.form.layout == reader.source.layout(block)
            && self.form.cells == reader.claimed.cells[block.cells.clone()]
            && reader.homes(block).eq(self.form.homes.iter().copied())
            && self.said.iter().all(|(place, text)| {
                let (segment, cell) = (block.segments.start + place.address.0, block.cells.start + place.cell);
                match reader.source.bytes_at(segment, place.number) {
                    Some(bytes) => bytes == text.as_bytes(),
                    None => reader.source.text_of(segment, cell) == text.as_str(),
                }
            })
    }

    /// The item, unless a function does another thing than it did.
    fn item(&self, reader: &Reader<'_>, block: &Block, filling: &mut Filling) -> Option<Option<Map>> {
        let here = Cell::new((0, 0, 0));
        let beside = |beside| reader.text(super::beside(here.get(), beside)).into_owned();
        let spot = reader.spot(&beside, None);
        let laying = Laying { reader, block, here: &here, spot: &spot };
        if !self.aside.iter().all(|leaf| laying.does_as_before(leaf)) {
            return None;
        }
        let item = match &self.item {
            Some(item) => {
                filling.begin();
                if !item.leaves.iter().all(|(leaf, part)| laying.fill(leaf, part, filling)) {
                    return None;
                }
                Some(filling.end(&item.template)?)
            }
            None => None,
        };
        spot.missed.borrow().is_empty().then_some(item)
    }
}

/// A stencil over an item.
struct Laying<'s> {
    reader: &'s Reader<'s>,
    block: &'s Block,
    /// The value that functions work on.
    here: &'s Cell<Address>,
    spot: &'s Spot<'s>,
}

impl Laying<'_> {
    /// Fills the holes of a part with what the functions make of a value; whether that is of the form that it was.
    fn fill(&self, leaf: &Leaf, part: &Part, filling: &mut Filling) -> bool {
        let is_filled = match part {
            Part::Text(_) if !leaf.is_list => {
                self.bytes(leaf.places[0]).is_some_and(|wire| self.fill_one(leaf, wire, filling))
            }
            // Nothing is filled unless all is.
            Part::List(parts)
                if leaf.is_list && leaf.looked.is_empty() && parts.iter().all(|part| matches!(part, Part::Text(_))) =>
            {
                let is_kept = |bytes: &[u8]| function::keep(&leaf.calls, bytes, self.spot);
                let are_kept = || leaf.places.iter().all(|place| self.bytes(*place).is_some_and(is_kept));
                parts.len() == leaf.places.len() && are_kept() && {
                    leaf.places.iter().for_each(|place| {
                        filling.hole(|text| text.extend_from_slice(self.bytes(*place).unwrap_or_default()));
                    });
                    true
                }
            }
            _ => false,
        };
        is_filled || matches!(self.value(leaf), Some(Some(value)) if filling.value(part, &value))
    }

    /// The same of a single text that becomes a text, where that is known or soon found.
    fn fill_one(&self, leaf: &Leaf, wire: &[u8], filling: &mut Filling) -> bool {
        if leaf.calls.is_empty() {
            filling.hole(|text| text.extend_from_slice(wire));
            return true;
        }
        if let Some(known) = &leaf.known {
            let known = known.borrow();
            let found =
                known.iter().find(|(text, _)| text.as_bytes() == wire).and_then(|(_, made)| made.as_ref()?.as_str());
            if let Some(made) = found {
                filling.hole(|text| text.extend_from_slice(made.as_bytes()));
                return true;
            }
        }
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
        // What no function looks at is what it is, and nobody asks for it here.
        if leaf.calls.is_empty() {
            return true;
        }
        let is_known = |known: &RefCell<Vec<Made>>| {
            let wire = self.bytes(leaf.places[0]);
            wire.is_some_and(|wire| known.borrow().iter().any(|(text, _)| text.as_bytes() == wire))
        };
        leaf.known.as_ref().is_some_and(is_known) || self.value(leaf).is_some()
    }

    /// The bytes of a value, where they are ASCII as they stand.
    fn bytes(&self, place: Where) -> Option<&[u8]> {
        self.reader.source.bytes_at(self.block.segments.start + place.address.0, place.number)
    }

    /// What the functions make of a value, unless it is of another kind than it was.
    fn value(&self, leaf: &Leaf) -> Option<Option<Value>> {
        let (segments, cells) = (self.block.segments.start, self.block.cells.start);
        let text = |place: &Where| {
            let text = self.reader.source.text_of(segments + place.address.0, cells + place.cell);
            Value::String(text.into())
        };
        let first = leaf.places.first()?;
        let wire = if leaf.is_list { Value::Array(leaf.places.iter().map(text).collect()) } else { text(first) };
        if leaf.calls.is_empty() {
            return Some(Some(wire));
        }
        if let Some(known) = &leaf.known
            && let Some((_, made)) = known.borrow().iter().find(|(text, _)| wire == *text.as_str())
        {
            return Some(made.clone());
        }
        let text = leaf.known.as_ref().and_then(|_| wire.as_str().map(Text::from));
        self.look_from(leaf);
        let made = function::get(&leaf.calls, wire, self.spot).ok()?;
        let mut looked = self.spot.looked.borrow_mut();
        let is_same = *looked == leaf.looked && Kind::of(made.as_ref()) == leaf.kind;
        looked.clear();
        if let (true, Some(known), Some(text)) = (is_same, &leaf.known, text) {
            let mut known = known.borrow_mut();
            known.truncate(KNOWN_MAX - 1);
            known.insert(0, (text, made.clone()));
        }
        is_same.then_some(made)
    }
}
