//! The document as rules look at it, made once: what stands in each loop by tag, and the bytes of each component, so that
//! a rule finds its place without walking past everything else. It knows no rule.

use crate::mapping::notation::Tag;
use crate::standard::definition::Directory;
use crate::standard::place::Placement;
use crate::tree::{Run, Segment, Value};
use std::borrow::Cow;
use std::ops::Range;

/// One value's address: segment ordinal, element, component (0 for a simple one).
pub type Address = (usize, u16, u16);

/// Something in a loop: its segment, or the trigger of a loop inside it with that loop.
pub type Seat = (usize, Option<usize>);

/// The document.
pub struct Source<'a> {
    run: &'a Run<'a>,
    segments: Vec<Line>,
    elements: Vec<Element>,
    /// Where values stand in the bytes of the run. An element of one component is one cell; of others the whole of the first
    /// repetition is one, and then each component of that.
    cells: Vec<(u32, u32)>,
    loops: Vec<Loop>,
    /// What stands in loops, those of a loop together by tag, segments before loops, each in the order of the document.
    seats: Vec<(u32, Seat)>,
    /// See [`Source::layout`].
    layout: Vec<u8>,
}

/// An item: segments that stand together, and nothing else between them.
#[derive(Debug, Clone)]
pub struct Block {
    /// Its segments.
    pub segments: Range<usize>,
    /// The loop that it is, if it is one; those inside it have the numbers after.
    pub instance: Option<usize>,
    /// The cells of its segments.
    pub cells: Range<usize>,
}

/// A segment.
struct Line {
    tag: u32,
    elements: Range<u32>,
    /// Its first cell.
    cell: u32,
    /// Where its layout begins.
    layout: u32,
    /// Printable ASCII without release characters.
    is_plain: bool,
}

/// An element.
struct Element {
    /// Its first cell.
    cell: u32,
    components: u16,
    /// Whether anything stands in it, separators included.
    is_filled: bool,
    /// Several components, or a place where the version has a composite.
    is_composite: bool,
}

/// A loop.
struct Loop {
    trigger: Option<u32>,
    seats: Range<u32>,
    /// The tags of its seats, see [`Tag::bit`].
    tags: u64,
    /// One past its last segment, those of loops inside it included, when nothing else stands between.
    end: Option<u32>,
}

impl<'a> Source<'a> {
    /// Looks a placed document over.
    pub fn new(run: &'a Run<'a>, placement: &Placement, directory: &Directory) -> Self {
        let marks = run.index.marks.len();
        let mut source = Source {
            run,
            segments: Vec::with_capacity(run.len()),
            elements: Vec::with_capacity(marks),
            cells: Vec::with_capacity(marks * 2),
            loops: Vec::new(),
            seats: Vec::new(),
            layout: Vec::with_capacity(marks * 2),
        };
        let mut composites = Composites { directory, known: Vec::new() };
        for segment in run.segments() {
            let tag = match run.index.wrapped {
                true => Tag::key(&segment.tag_bytes()),
                false => Tag::key(segment.tag()),
            };
            source.segment(&segment, tag, composites.of(tag, || segment.tag_text()));
        }
        source.seat(placement);
        source
    }

    /// Adds a segment; `composites` says which of its elements the version has as such.
    fn segment(&mut self, segment: &Segment<'a>, tag: u32, composites: &[bool]) {
        let (first, cell, layout) = (self.elements.len() as u32, self.cells.len() as u32, self.layout.len());
        let mark = segment.mark();
        self.layout.extend_from_slice(&tag.to_le_bytes());
        // How many elements there are is known in the end.
        self.layout.extend_from_slice(&[0; 4]);
        let is_composite = |at: usize| composites.get(at).copied().unwrap_or(false);
        if mark.is_flat && mark.is_plain {
            let marks = self.run.marks_at(mark);
            for (at, before) in marks.iter().enumerate() {
                let end = marks.get(at + 1).copied().unwrap_or(mark.end);
                self.simple((before + 1, end), end == before + 1, is_composite(at), true);
            }
        } else {
            for (at, value) in segment.elements().enumerate() {
                match value.is_plain() {
                    true => self.simple(value.range(), value.is_empty(), is_composite(at), mark.is_plain),
                    false => self.composite(value, is_composite(at), mark.is_plain),
                }
            }
        }
        let elements = first..self.elements.len() as u32;
        self.layout[layout + 4..layout + 8].copy_from_slice(&(elements.end - elements.start).to_le_bytes());
        self.segments.push(Line { tag, elements, cell, layout: layout as u32, is_plain: mark.is_plain });
    }

    /// Adds an element of one component.
    #[inline]
    fn simple(&mut self, range: (u32, u32), is_empty: bool, is_composite: bool, is_plain: bool) {
        let cell = self.cells.len() as u32;
        self.cells.push(range);
        let is_blank = is_empty || self.text_at(range, is_plain).is_empty();
        self.elements.push(Element { cell, components: 1, is_filled: !is_empty, is_composite });
        self.layout.push(u8::from(is_blank) | u8::from(!is_empty) << 1 | u8::from(is_composite) << 2);
    }

    /// Adds an element in which separators stand.
    fn composite(&mut self, value: Value<'a>, is_known: bool, is_plain: bool) {
        let cell = self.cells.len() as u32;
        let first = value.repetitions().next().unwrap_or(value);
        self.cells.push(first.range());
        self.cells.extend(first.components().map(|component| component.range()));
        // As many as the element has in all: what stands in further repetitions counts as there.
        let count = value.components().count();
        let components = u16::try_from(count).unwrap_or(u16::MAX);
        // One component several times is as good as a simple element.
        let cells = if components == 1 { 1 } else { count + 1 };
        self.cells.resize(cell as usize + cells, (0, 0));
        let (is_filled, is_composite) = (!value.is_empty(), components > 1 || is_known);
        self.elements.push(Element { cell, components, is_filled, is_composite });
        self.layout.push(MANY | u8::from(is_filled) << 1 | u8::from(is_composite) << 2);
        self.layout.extend_from_slice(&components.to_le_bytes());
        for at in cell as usize..self.cells.len() {
            let is_blank = self.text_at(self.cells[at], is_plain).is_empty();
            self.layout.push(u8::from(is_blank));
        }
    }

    /// Segments come in order, and a loop is numbered when its trigger comes: the first that has it as its home.
    fn seat(&mut self, placement: &Placement) {
        let mut counts = vec![0u32; placement.loops.len()];
        let mut triggers: Vec<Option<u32>> = vec![None; placement.loops.len()];
        for (ordinal, home) in placement.homes.iter().enumerate() {
            let Some((_, home)) = *home else { continue };
            counts[home] += 1;
            triggers[home].get_or_insert(ordinal as u32);
        }
        for inner in placement.loops.iter().zip(&triggers).skip(1) {
            counts[inner.0.parent] += u32::from(inner.1.is_some());
        }
        let mut end = 0;
        for (count, trigger) in counts.iter_mut().zip(&triggers) {
            let first = end;
            end += std::mem::replace(count, first);
            self.loops.push(Loop { trigger: *trigger, seats: first..end, tags: Tag::ANY, end: None });
        }
        self.close(placement);
        // Where the next seat of a loop goes.
        let mut next = counts;
        self.seats.resize(end as usize, (0, (0, None)));
        let mut put = |home: usize, seat: Seat, segments: &[Line], seats: &mut Vec<(u32, Seat)>| {
            seats[next[home] as usize] = (segments[seat.0].tag, seat);
            next[home] += 1;
        };
        for (ordinal, home) in placement.homes.iter().enumerate() {
            let Some((_, home)) = *home else { continue };
            if home > 0 && triggers[home] == Some(ordinal as u32) {
                put(placement.loops[home].parent, (ordinal, Some(home)), &self.segments, &mut self.seats);
            }
            put(home, (ordinal, None), &self.segments, &mut self.seats);
        }
        for one in &mut self.loops {
            let seats = &mut self.seats[one.seats.start as usize..one.seats.end as usize];
            let key = |(tag, seat): &(u32, Seat)| (*tag, seat.1.is_some());
            if !seats.is_sorted_by_key(key) {
                seats.sort_by_key(key);
            }
            one.tags = seats.iter().fold(Tag::ANY, |tags, (tag, _)| tags | Tag::bit(*tag));
        }
    }

    /// Finds where loops end: those inside a loop have numbers after it, and so have been seen before it from behind.
    fn close(&mut self, placement: &Placement) {
        let mut found: Vec<(u32, u32)> = vec![(0, 0); placement.loops.len()];
        for (ordinal, home) in placement.homes.iter().enumerate() {
            let Some((_, home)) = *home else { continue };
            let (count, end) = &mut found[home];
            (*count, *end) = (*count + 1, ordinal as u32 + 1);
        }
        for at in (1..found.len()).rev() {
            let ((count, end), parent) = (found[at], placement.loops[at].parent);
            found[parent] = (found[parent].0 + count, found[parent].1.max(end));
            let trigger = self.loops[at].trigger;
            self.loops[at].end = trigger.is_some_and(|trigger| end - trigger == count).then_some(end);
        }
    }

    /// The item that a loop is; `None` when something else stands between its segments.
    pub fn block(&self, instance: usize) -> Option<Block> {
        let own = self.loops.get(instance).filter(|_| instance > 0)?;
        self.block_of(own.trigger? as usize..own.end? as usize, Some(instance))
    }

    /// The item that these segments are.
    pub fn block_of(&self, segments: Range<usize>, instance: Option<usize>) -> Option<Block> {
        let cell = |at: usize| self.segments.get(at).map_or(self.cells.len(), |line| line.cell as usize);
        (segments.end <= self.segments.len()).then(|| {
            let cells = cell(segments.start)..cell(segments.end);
            Block { segments, instance, cells }
        })
    }

    /// All of an item that rules see but its texts and the loops in it, as bytes to compare.
    pub fn layout(&self, block: &Block) -> &[u8] {
        let layout = |at: usize| self.segments.get(at).map_or(self.layout.len(), |line| line.layout as usize);
        &self.layout[layout(block.segments.start)..layout(block.segments.end)]
    }

    /// Segments of this tag directly in a loop, then the loops in it that this tag begins.
    pub fn seats(&self, instance: usize, tag: &Tag) -> impl Iterator<Item = Seat> {
        let (seats, tag) = (self.seats_in(instance), tag.number());
        let first = seats.partition_point(|(own, _)| *own < tag);
        seats[first..].iter().take_while(move |(own, _)| *own == tag).map(|(_, seat)| *seat)
    }

    /// The tags of what stands directly in a loop, see [`Tag::bit`].
    pub fn tags(&self, instance: usize) -> u64 {
        self.loops.get(instance).map_or(Tag::ANY, |one| one.tags)
    }

    /// The next loop in a loop that this tag begins after a segment.
    pub fn next_loop(&self, instance: usize, tag: &Tag, segment: usize) -> Option<Seat> {
        let seats = self.seats_in(instance);
        let wanted = (tag.number(), true);
        let next = seats.partition_point(|(tag, seat)| ((*tag, seat.1.is_some()), seat.0) <= (wanted, segment));
        seats.get(next).filter(|(tag, seat)| (*tag, seat.1.is_some()) == wanted).map(|(_, seat)| *seat)
    }

    fn seats_in(&self, instance: usize) -> &[(u32, Seat)] {
        let seats = self.loops.get(instance).map_or(0..0, |one| one.seats.clone());
        &self.seats[seats.start as usize..seats.end as usize]
    }

    /// The first segment of a loop.
    pub fn trigger(&self, instance: usize) -> Option<usize> {
        self.loops.get(instance)?.trigger.map(|trigger| trigger as usize)
    }

    /// Whether a segment has this tag.
    pub fn tag_is(&self, segment: usize, tag: &Tag) -> bool {
        self.segments.get(segment).is_some_and(|line| line.tag == tag.number())
    }

    /// The bit of a segment's tag, see [`Tag::bit`].
    pub fn tag_bit(&self, segment: usize) -> u64 {
        Tag::ANY | self.segments.get(segment).map_or(0, |line| Tag::bit(line.tag))
    }

    fn at(&self, segment: usize, element: u16) -> Option<&Element> {
        let range = &self.segments.get(segment)?.elements;
        let at = range.start.checked_add(u32::from(element).checked_sub(1)?)?;
        self.elements.get(at as usize).filter(|_| at < range.end)
    }

    /// The value at an address, without the blanks at its end; empty where nothing stands.
    pub fn text(&self, address: Address) -> Cow<'a, str> {
        self.cell(address).map_or(Cow::Borrowed(""), |cell| self.text_of(address.0, cell))
    }

    /// The same of a cell of a segment.
    pub fn text_of(&self, segment: usize, cell: usize) -> Cow<'a, str> {
        self.text_at(self.cells[cell], self.segments[segment].is_plain)
    }

    fn text_at(&self, (start, end): (u32, u32), is_plain: bool) -> Cow<'a, str> {
        let bytes = &self.run.bytes[start as usize..end as usize];
        if is_plain {
            // All of it is ASCII.
            return Cow::Borrowed(std::str::from_utf8(without_blanks(bytes)).unwrap_or_default());
        }
        match self.run.text_of(bytes) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(' ')),
            Cow::Owned(text) => Cow::Owned(text.trim_end_matches(' ').to_owned()),
        }
    }

    /// Whether the value at an address is empty.
    pub fn is_blank(&self, address: Address) -> bool {
        self.cell(address).is_none_or(|cell| self.text_of(address.0, cell).is_empty())
    }

    /// How many elements a segment has.
    pub fn element_count(&self, segment: usize) -> u16 {
        let count = self.segments.get(segment).map_or(0, |line| line.elements.len());
        u16::try_from(count).unwrap_or(u16::MAX)
    }

    /// Whether anything stands in an element.
    pub fn is_filled(&self, segment: usize, element: u16) -> bool {
        self.at(segment, element).is_some_and(|element| element.is_filled)
    }

    /// How many components an element has; 0 where there is none.
    pub fn components(&self, segment: usize, element: u16) -> u16 {
        self.at(segment, element).map_or(0, |element| element.components)
    }

    /// Whether an element that is there is a composite.
    pub fn is_composite(&self, segment: usize, element: u16) -> Option<bool> {
        self.at(segment, element).map(|element| element.is_composite)
    }

    /// The cell of an address; `None` where nothing stands. The one component of an element is its only cell.
    pub fn cell(&self, (segment, element, component): Address) -> Option<usize> {
        let found = self.at(segment, element)?;
        let part = if found.components == 1 { 0 } else { usize::from(component) };
        (component <= found.components).then(|| found.cell as usize + part)
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.cells.len()
    }
}

/// In a layout: more than one component may follow.
const MANY: u8 = 1 << 7;

fn without_blanks(bytes: &[u8]) -> &[u8] {
    let last = bytes.iter().rposition(|&byte| byte != b' ');
    &bytes[..last.map_or(0, |last| last + 1)]
}

/// Which elements of a segment the version defines as composites; asked once a tag.
struct Composites<'d> {
    directory: &'d Directory,
    known: Vec<(u32, Vec<bool>)>,
}

impl Composites<'_> {
    fn of<'t>(&mut self, tag: u32, name: impl FnOnce() -> Cow<'t, str>) -> &[bool] {
        let at = self.known.iter().position(|(known, _)| *known == tag).unwrap_or_else(|| {
            let definition = self.directory.segments.get(&name());
            let elements = definition.map(|one| one.elements.as_slice()).unwrap_or_default();
            let composites = elements.iter().map(|place| self.directory.composites.contains_key(&place.id)).collect();
            self.known.push((tag, composites));
            self.known.len() - 1
        });
        &self.known[at].1
    }
}
