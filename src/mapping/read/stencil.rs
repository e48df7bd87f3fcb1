//! What reading made of one item, kept for the next of the same form; see `mapping/stencil.rs`. It fits an item of the same
//! segments with the same elements filled, the same texts where selectors compare, and functions that take their values
//! as they did. Making one is `record`'s.

use super::source::{Address, Block};
use super::{At, Reader};
use crate::entity::{Key, Map, Text, Value};
use crate::mapping::function::{self, Beside, Call, Spot};
use crate::mapping::notation::Rule;
use std::cell::{Cell, RefCell};

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
    pub(super) item: Option<Vec<(Key, Node)>>,
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
}

/// A part of an item.
pub(super) enum Node {
    Value(Leaf),
    Object(Vec<(Key, Node)>),
    List(Vec<Node>),
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
    /// The last text and what was made of it, when a text always becomes the same.
    pub last: Option<RefCell<Option<Last>>>,
}

/// A text, and what functions made of it.
pub(super) type Last = (Text, Option<Value>);

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
        let laid = if is_whole { set.lay(|stencil| stencil.lay(self, &block)) } else { None };
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
    fn lay(&self, reader: &Reader<'_>, block: &Block) -> Option<Option<Map>> {
        if self.fits(reader, block) { self.item(reader, block) } else { None }
    }

    fn fits(&self, reader: &Reader<'_>, block: &Block) -> bool {
        self.form.layout == reader.source.layout(block)
            && self.form.cells == reader.claimed.cells[block.cells.clone()]
            && reader.homes(block).eq(self.form.homes.iter().copied())
            && self.said.iter().all(|(place, text)| {
                let (segment, cell) = (block.segments.start + place.address.0, block.cells.start + place.cell);
                reader.source.text_of(segment, cell) == text.as_str()
            })
    }

    /// The item, unless a function does another thing than it did.
    fn item(&self, reader: &Reader<'_>, block: &Block) -> Option<Option<Map>> {
        let here = Cell::new((0, 0, 0));
        let beside = |beside| reader.text(super::beside(here.get(), beside)).into_owned();
        let spot = reader.spot(&beside, None);
        let laying = Laying { reader, block, here: &here, spot: &spot };
        self.aside.iter().try_for_each(|leaf| laying.value(leaf).map(drop))?;
        let item = match &self.item {
            Some(fields) => Some(laying.object(fields)?),
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
    fn object(&self, fields: &[(Key, Node)]) -> Option<Map> {
        let mut map = Map::with_capacity(fields.len());
        for (key, node) in fields {
            map.append(key.clone(), self.node(node)?);
        }
        Some(map)
    }

    fn node(&self, node: &Node) -> Option<Value> {
        match node {
            Node::Value(leaf) => self.value(leaf)?,
            Node::Object(fields) => self.object(fields).map(Value::Object),
            Node::List(items) => items.iter().map(|item| self.node(item)).collect::<Option<_>>().map(Value::Array),
        }
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
        if let Some(last) = &leaf.last
            && let Some((text, made)) = &*last.borrow()
            && wire == *text.as_str()
        {
            return Some(made.clone());
        }
        let text = leaf.last.as_ref().and_then(|_| wire.as_str().map(Text::from));
        let (segment, element, component) = first.address;
        self.here.set((segments + segment, element, component));
        let made = function::get(&leaf.calls, wire, self.spot).ok()?;
        let mut looked = self.spot.looked.borrow_mut();
        let is_same = *looked == leaf.looked && Kind::of(made.as_ref()) == leaf.kind;
        looked.clear();
        if let (true, Some(last), Some(text)) = (is_same, &leaf.last, text) {
            *last.borrow_mut() = Some((text, made.clone()));
        }
        is_same.then_some(made)
    }
}
