//! The document as rules look at it, so that a rule finds its place without walking past everything else: what stands in
//! each loop by tag, and where each component stands. Of all segments only tags are looked at, and in which loop they are;
//! the rest is found out where rules walk. Nearly all of a document is laid by stencils, which look at the index themselves
//! (`states`). It knows no rule.

use crate::mapping::notation::Tag;
use crate::standard::definition::{Directory, Place};
use crate::standard::place::Placement;
use crate::tree::{Run, SegmentMark, Value};
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;

/// One value's address: segment ordinal, element, component (0 for a simple one).
pub type Address = (usize, u16, u16);

/// Something in a loop: its segment, or the trigger of a loop inside it with that loop.
pub type Seat = (usize, Option<usize>);

/// The document.
pub struct Source<'a> {
    run: &'a Run<'a>,
    placement: &'a Placement,
    /// Of each segment what a form begins with, see [`Source::heads`].
    heads: Vec<u64>,
    /// Of each segment where what is known of it stands in `details`, once it was looked at.
    looked: Vec<Cell<u32>>,
    details: RefCell<Details<'a>>,
    loops: Vec<Loop>,
    /// What stands in each loop, once it was looked at.
    seats: Vec<OnceCell<Box<Seats>>>,
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

/// What is known of segments that rules looked at.
struct Details<'a> {
    segments: Vec<Detail>,
    /// Elements of segments that are not flat.
    elements: Vec<Element>,
    /// Where values of segments that are not flat stand in the bytes of the run. An element of one component is one cell; of
    /// others the whole of the first repetition is one, and then each component of that.
    ranges: Vec<(u32, u32)>,
    composites: Composites<'a>,
}

/// A segment that rules looked at.
#[derive(Clone, Copy)]
struct Detail {
    /// Its elements, where it is not flat.
    elements: (u32, u32),
    /// Its first range, where it is not flat.
    range: u32,
    /// Which of the known tags it has.
    known: u32,
}

/// An element.
#[derive(Clone, Copy)]
struct Element {
    /// Its first cell.
    cell: u32,
    components: u16,
    /// Whether anything stands in it, separators included.
    is_filled: bool,
    /// Several components, or a place where the version has a composite.
    is_composite: bool,
}

/// A stretch of the bytes, without the blanks at its end where its segment is plain.
#[derive(Clone, Copy)]
pub struct Span {
    start: u32,
    end: u32,
    /// It stands in a segment of printable ASCII without release characters.
    is_plain: bool,
}

impl Span {
    /// From where one begins to where another ends.
    pub fn to(self, last: Span) -> Span {
        Span { end: last.end, ..self }
    }
}

/// A loop: its first segment, and one past its last, those of loops inside it included.
#[derive(Clone, Copy)]
struct Loop {
    trigger: u32,
    end: u32,
    /// Other segments stand between its own.
    is_broken: bool,
}

/// A loop that no segment has as its home, and of which so nothing is known.
const UNSEEN: u32 = u32::MAX;

/// What stands in a loop by tag, segments before loops, each in the order of the document.
struct Seats {
    all: Vec<(u32, Seat)>,
    /// Their tags, see [`Tag::bit`].
    tags: u64,
}

impl<'a> Source<'a> {
    /// Looks a placed document over.
    pub fn new(run: &'a Run<'a>, placement: &'a Placement, directory: &'a Directory) -> Self {
        let composites = Composites { directory, known: Vec::new() };
        let details = Details { segments: Vec::new(), elements: Vec::new(), ranges: Vec::new(), composites };
        let mut seats = Vec::new();
        seats.resize_with(placement.loops.len(), OnceCell::new);
        let mut source = Source {
            run,
            placement,
            heads: Vec::with_capacity(run.len()),
            looked: vec![Cell::new(UNSEEN); run.len()],
            details: RefCell::new(details),
            loops: vec![Loop { trigger: UNSEEN, end: UNSEEN, is_broken: false }; placement.loops.len()],
            seats,
        };
        for mark in &run.index.segments {
            let tag = if run.index.wrapped { source.wrapped_tag(mark) } else { Tag::key(run.tag_at(mark)) };
            let (separators, is_flat) = (u64::from(mark.last - mark.first), u64::from(mark.is_flat));
            source.heads.push(u64::from(tag) << 32 | separators << 1 | is_flat);
        }
        source.find_loops();
        source
    }

    #[cold]
    fn wrapped_tag(&self, mark: &SegmentMark) -> u32 {
        let line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let tag: Vec<u8> = self.run.tag_at(mark).iter().copied().filter(|byte| !line_end(byte)).collect();
        Tag::key(&tag)
    }

    /// Finds where loops begin and end: each ends where the first segment comes that is not inside it.
    fn find_loops(&mut self) {
        let placement = self.placement;
        let mut open: Vec<usize> = vec![0];
        for (ordinal, home) in placement.homes.iter().enumerate() {
            // What has no home stands between the segments of every loop.
            let home = home.map_or(0, |(_, home)| home);
            if open.last() == Some(&home) {
                continue;
            }
            if self.loops.get(home).is_some_and(|one| one.trigger == UNSEEN) && home > 0 {
                self.open(placement.loops[home].parent, ordinal, &mut open);
                self.loops[home].trigger = ordinal as u32;
                open.push(home);
            } else {
                self.open(home, ordinal, &mut open);
            }
        }
        self.open(0, placement.homes.len(), &mut open);
    }

    /// Closes the loops inside one, and opens it again where it was closed: then others stand between its segments.
    fn open(&mut self, wanted: usize, ordinal: usize, open: &mut Vec<usize>) {
        let mut again = Vec::new();
        let mut around = wanted;
        let depth = loop {
            match open.iter().rposition(|one| *one == around) {
                Some(depth) => break depth + 1,
                None => again.push(around),
            }
            around = self.placement.loops[around].parent;
        };
        for one in open.drain(depth..) {
            self.loops[one].end = ordinal as u32;
        }
        for one in again.into_iter().rev() {
            self.loops[one].is_broken = true;
            open.push(one);
        }
    }

    /// The item that a loop is; `None` when something else stands between its segments.
    pub fn block(&self, instance: usize) -> Option<Block> {
        let own = self.loops.get(instance).filter(|one| instance > 0 && one.trigger != UNSEEN && !one.is_broken)?;
        self.block_of(own.trigger as usize..own.end as usize, Some(instance))
    }

    /// The item that these segments are.
    pub fn block_of(&self, segments: Range<usize>, instance: Option<usize>) -> Option<Block> {
        let marks = &self.run.index.segments;
        let first = marks.get(segments.start).map_or(self.cells(), cell_of);
        let end = marks.get(segments.end).map_or(self.cells(), cell_of);
        (segments.end <= marks.len()).then_some(Block { segments, instance, cells: first..end })
    }

    /// Of each segment of an item its tag, how many separators it has, and whether all of them separate elements.
    #[inline]
    pub fn heads(&self, block: &Block) -> &[u64] {
        &self.heads[block.segments.clone()]
    }

    /// All of an item that rules see beside its heads, but its texts and the loops in it: of each separator which it is, and
    /// whether anything stands behind it.
    pub fn states(&self, block: &Block) -> Vec<u8> {
        let states = |mark| self.gaps(mark).map(move |gap| self.state(mark, gap));
        self.marks(block).iter().flat_map(states).collect()
    }

    /// Whether an item of certain heads has certain states; then where what stands behind each separator does.
    pub fn has_states(&self, block: &Block, states: &[u8], spans: &mut Vec<Span>) -> bool {
        let mut states = states;
        spans.clear();
        spans.reserve(states.len());
        for mark in self.marks(block) {
            let Some((&first, others)) = self.run.marks_at(mark).split_first() else { continue };
            let Some((own, rest)) = states.split_at_checked(others.len() + 1) else { return false };
            let mut before = first;
            for (&next, &state) in others.iter().zip(own) {
                if !self.has_state(mark, (before, next), state, spans) {
                    return false;
                }
                before = next;
            }
            if !self.has_state(mark, (before, mark.end), own[others.len()], spans) {
                return false;
            }
            states = rest;
        }
        true
    }

    #[inline(always)]
    fn has_state(&self, mark: &SegmentMark, (before, end): (u32, u32), state: u8, spans: &mut Vec<Span>) -> bool {
        let (bytes, start, is_plain) = (self.run.bytes, before + 1, mark.is_plain);
        let kind = if mark.is_flat { 0 } else { self.kind(bytes[before as usize]) };
        if start == end {
            spans.push(Span { start, end, is_plain });
            return state == kind;
        }
        if is_plain && bytes[end as usize - 1] != b' ' {
            spans.push(Span { start, end, is_plain });
            return state == kind | FILLED;
        }
        let found = kind | self.filled_state((start, end), is_plain);
        let length =
            if is_plain { without_blanks(&bytes[start as usize..end as usize]).len() as u32 } else { end - start };
        spans.push(Span { start, end: start + length, is_plain });
        state == found
    }

    #[inline]
    fn marks(&self, block: &Block) -> &'a [SegmentMark] {
        &self.run.index.segments[block.segments.clone()]
    }

    /// Each separator of a segment, and where what stands behind it ends.
    fn gaps(&self, mark: &SegmentMark) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        let (marks, end) = (self.run.marks_at(mark), mark.end);
        let last = marks.last().map(|&last| (last, end));
        marks.windows(2).map(|two| (two[0], two[1])).chain(last)
    }

    fn state(&self, mark: &SegmentMark, (before, end): (u32, u32)) -> u8 {
        let kind = if mark.is_flat { 0 } else { self.kind(self.run.bytes[before as usize]) };
        if before + 1 == end { kind } else { kind | self.filled_state((before + 1, end), mark.is_plain) }
    }

    /// How many separators segments have.
    pub fn separators(&self, segments: Range<usize>) -> usize {
        self.run.index.segments[segments].iter().map(|mark| self.run.marks_at(mark).len()).sum()
    }

    /// What a separator separates.
    fn kind(&self, byte: u8) -> u8 {
        let separators = self.run.separators;
        if byte == separators.element {
            return 0;
        }
        let is_repetition = Some(byte) == separators.repetition;
        if byte == separators.component && is_repetition {
            COMPONENT | REPETITION
        } else if is_repetition {
            REPETITION
        } else {
            COMPONENT
        }
    }

    /// Whether anything stands in a range that is not empty.
    fn filled_state(&self, range: (u32, u32), is_plain: bool) -> u8 {
        let bytes = &self.run.bytes[range.0 as usize..range.1 as usize];
        let is_empty = self.run.index.wrapped && bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        let state = if is_empty { 0 } else { FILLED };
        if self.is_blank_at(range, is_plain) { state | BLANK } else { state }
    }

    /// What is known of a segment, found out when first asked for.
    fn detail(&self, segment: usize) -> Detail {
        let at = self.looked[segment].get();
        if at != UNSEEN {
            return self.details.borrow().segments[at as usize];
        }
        let Details { segments, elements, ranges, composites } = &mut *self.details.borrow_mut();
        let (first, range) = (elements.len() as u32, ranges.len() as u32);
        let known = composites.find((self.heads[segment] >> 32) as u32, || {
            self.run.segment(segment).map_or(Cow::Borrowed(""), |one| one.tag_text())
        });
        let (mark, mut cell) = (&self.run.index.segments[segment], 0);
        if !is_flat(mark) {
            for (at, value) in self.run.segment(segment).iter().flat_map(|one| one.elements()).enumerate() {
                let is_composite = composites.is_composite(known, at);
                let before = ranges.len();
                let components = components_of(&value, ranges);
                let is_composite = components > 1 || is_composite;
                let is_filled = components > 1 || !value.is_empty();
                elements.push(Element { cell, components, is_filled, is_composite });
                cell += (ranges.len() - before) as u32;
            }
        }
        let detail = Detail { elements: (first, elements.len() as u32), range, known: known as u32 };
        self.looked[segment].set(segments.len() as u32);
        segments.push(detail);
        detail
    }

    /// What stands in a loop, found out when first asked for.
    fn seats_in(&self, instance: usize) -> &Seats {
        static NONE: Seats = Seats { all: Vec::new(), tags: Tag::ANY };
        self.seats.get(instance).map_or(&NONE, |seats| seats.get_or_init(|| Box::new(self.seat(instance))))
    }

    fn seat(&self, instance: usize) -> Seats {
        let placement = self.placement;
        let (own, all) = (self.loops[instance], placement.homes.len());
        let is_somewhere = instance > 0 && own.trigger != UNSEEN;
        let (first, end) = if is_somewhere { (own.trigger as usize, own.end as usize) } else { (0, all) };
        let homes = placement.homes[first..end].iter().enumerate();
        let segments = homes.filter(|(_, home)| home.is_some_and(|(_, home)| home == instance));
        let segments = segments.map(|(at, _)| (first + at, None));
        // Loops inside have numbers after it.
        let inside = (instance + 1..self.loops.len()).take_while(|&one| {
            let trigger = self.loops[one].trigger;
            trigger == UNSEEN || (trigger as usize) < end
        });
        let inside = inside.filter(|&one| placement.loops[one].parent == instance && self.loops[one].trigger != UNSEEN);
        let inside = inside.map(|one| (self.loops[one].trigger as usize, Some(one)));
        let tag = |seat: Seat| ((self.heads[seat.0] >> 32) as u32, seat);
        let mut all: Vec<(u32, Seat)> = segments.chain(inside).map(tag).collect();
        let key = |(tag, seat): &(u32, Seat)| (*tag, seat.1.is_some());
        if !all.is_sorted_by_key(key) {
            all.sort_by_key(key);
        }
        let tags = all.iter().fold(Tag::ANY, |tags, (tag, _)| tags | Tag::bit(*tag));
        Seats { all, tags }
    }

    /// Segments of this tag directly in a loop, then the loops in it that this tag begins.
    pub fn seats(&self, instance: usize, tag: &Tag) -> impl Iterator<Item = Seat> {
        let (seats, tag) = (self.seats_in(instance).all.as_slice(), tag.number());
        let first = seats.partition_point(|(own, _)| *own < tag);
        seats[first..].iter().take_while(move |(own, _)| *own == tag).map(|(_, seat)| *seat)
    }

    /// The tags of what stands directly in a loop, see [`Tag::bit`].
    pub fn tags(&self, instance: usize) -> u64 {
        self.seats_in(instance).tags
    }

    /// The next loop in a loop that this tag begins after a segment.
    pub fn next_loop(&self, instance: usize, tag: &Tag, segment: usize) -> Option<Seat> {
        let seats = self.seats_in(instance).all.as_slice();
        let wanted = (tag.number(), true);
        let next = seats.partition_point(|(tag, seat)| ((*tag, seat.1.is_some()), seat.0) <= (wanted, segment));
        seats.get(next).filter(|(tag, seat)| (*tag, seat.1.is_some()) == wanted).map(|(_, seat)| *seat)
    }

    /// The first segment of a loop.
    pub fn trigger(&self, instance: usize) -> Option<usize> {
        self.loops.get(instance).filter(|one| one.trigger != UNSEEN).map(|one| one.trigger as usize)
    }

    /// Whether a segment has this tag.
    pub fn tag_is(&self, segment: usize, tag: &Tag) -> bool {
        self.heads.get(segment).is_some_and(|head| (head >> 32) as u32 == tag.number())
    }

    /// The bit of a segment's tag, see [`Tag::bit`].
    pub fn tag_bit(&self, segment: usize) -> u64 {
        Tag::ANY | self.heads.get(segment).map_or(0, |head| Tag::bit((head >> 32) as u32))
    }

    fn at(&self, segment: usize, element: u16) -> Option<Element> {
        let mark = self.run.index.segments.get(segment)?;
        let number = u32::from(element).checked_sub(1)?;
        if is_flat(mark) {
            if number >= mark.last - mark.first {
                return None;
            }
            let (start, end) = self.span(mark, (number, number + 1));
            let known = self.detail(segment).known;
            let is_composite = self.details.borrow().composites.is_composite(known as usize, number as usize);
            return Some(Element { cell: number, components: 1, is_filled: start < end, is_composite });
        }
        let (first, end) = self.detail(segment).elements;
        let at = first.checked_add(number).filter(|at| *at < end)?;
        self.details.borrow().elements.get(at as usize).copied()
    }

    /// What stands between two separators of a segment; the one after the last is its end.
    #[inline]
    fn span(&self, mark: &SegmentMark, (from, to): (u32, u32)) -> (u32, u32) {
        let marks = self.run.marks_at(mark);
        (marks[from as usize] + 1, marks.get(to as usize).map_or(mark.end, |&next| next))
    }

    /// Behind which separators of its segment a cell stands, the first and the last; `None` of what is no stretch of it.
    pub fn gaps_of(&self, segment: usize, cell: usize) -> Option<(usize, usize)> {
        let mark = self.run.index.segments.get(segment)?;
        let (start, end) = self.range(segment, cell);
        let marks = self.run.marks_at(mark);
        let from = marks.binary_search(&start.checked_sub(1)?).ok()?;
        let to = if end == mark.end { marks.len() } else { marks.binary_search(&end).ok()? };
        (from < to).then_some((from, to - 1))
    }

    /// Where a cell of a segment stands.
    fn range(&self, segment: usize, cell: usize) -> (u32, u32) {
        let mark = &self.run.index.segments[segment];
        let number = (cell - cell_of(mark)) as u32;
        if is_flat(mark) {
            return self.span(mark, (number, number + 1));
        }
        let first = self.detail(segment).range;
        self.details.borrow().ranges[(first + number) as usize]
    }

    /// The value at an address, without the blanks at its end; empty where nothing stands.
    pub fn text(&self, address: Address) -> Cow<'a, str> {
        self.cell(address).map_or(Cow::Borrowed(""), |cell| self.text_of(address.0, cell))
    }

    fn text_of(&self, segment: usize, cell: usize) -> Cow<'a, str> {
        self.text_at(self.range(segment, cell), self.run.index.segments[segment].is_plain)
    }

    /// The text of a stretch, without the blanks at its end.
    pub fn text_in(&self, span: Span) -> Cow<'a, str> {
        self.text_at((span.start, span.end), span.is_plain)
    }

    /// The same as bytes, where they are ASCII as they stand.
    #[inline(always)]
    pub fn bytes_in(&self, span: Span) -> Option<&'a [u8]> {
        span.is_plain.then(|| &self.run.bytes[span.start as usize..span.end as usize])
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

    fn is_blank_at(&self, (start, end): (u32, u32), is_plain: bool) -> bool {
        match is_plain {
            true => without_blanks(&self.run.bytes[start as usize..end as usize]).is_empty(),
            false => self.text_at((start, end), false).is_empty(),
        }
    }

    /// Whether every value of a segment is blank or done with; `is_done` says so of what is known of a cell.
    pub fn is_done(&self, segment: usize, cells: &[u8], is_done: impl Fn(u8) -> bool) -> bool {
        let mark = &self.run.index.segments[segment];
        let cells = &cells[self.cells_of(segment)];
        if mark.is_flat {
            let Some((&first, others)) = self.run.marks_at(mark).split_first() else { return true };
            let mut before = first;
            for (&next, &known) in others.iter().zip(cells) {
                if !is_done(known) && !self.is_blank_in(mark, (before, next)) {
                    return false;
                }
                before = next;
            }
            return is_done(cells[others.len()]) || self.is_blank_in(mark, (before, mark.end));
        }
        let mut cell = 0;
        // Of several components the whole is a cell too, but no value of its own.
        let mut gaps = self.gaps(mark).map(|gap| (self.kind(self.run.bytes[gap.0 as usize]), gap)).peekable();
        while gaps.next_if(|(kind, _)| *kind != 0).is_some() {}
        while let Some((kind, gap)) = gaps.next() {
            if kind & REPETITION != 0 {
                return false;
            }
            cell += usize::from(kind == 0 && gaps.peek().is_some_and(|(kind, _)| *kind != 0));
            if !is_done(cells[cell]) && !self.is_blank_in(mark, gap) {
                return false;
            }
            cell += 1;
        }
        true
    }

    #[inline]
    fn is_blank_in(&self, mark: &SegmentMark, (before, end): (u32, u32)) -> bool {
        before + 1 == end || self.is_blank_at((before + 1, end), mark.is_plain)
    }

    /// Whether the value at an address is empty.
    pub fn is_blank(&self, address: Address) -> bool {
        self.cell(address).is_none_or(|cell| self.text_of(address.0, cell).is_empty())
    }

    /// How many elements a segment has.
    pub fn element_count(&self, segment: usize) -> u16 {
        let count = self.run.segment(segment).map_or(0, |one| one.element_count());
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
        let mark = self.run.index.segments.get(segment)?;
        if is_flat(mark) {
            let number = usize::from(element).checked_sub(1)?;
            return (number < self.run.marks_at(mark).len() && component <= 1).then_some(cell_of(mark) + number);
        }
        let found = self.at(segment, element)?;
        let part = if found.components == 1 { 0 } else { usize::from(component) };
        (component <= found.components).then_some(cell_of(mark) + found.cell as usize + part)
    }

    /// The cells of a segment.
    pub fn cells_of(&self, segment: usize) -> Range<usize> {
        let mark = &self.run.index.segments[segment];
        cell_of(mark)..mark.last as usize * CELLS
    }

    /// How many cells there are, those included that no value has.
    pub fn cells(&self) -> usize {
        self.run.index.marks.len() * CELLS
    }
}

/// Cells that there are for each separator: an element of several components has one more than separators, of one it has one.
const CELLS: usize = 2;

/// The first cell of a segment.
fn cell_of(mark: &SegmentMark) -> usize {
    mark.first as usize * CELLS
}

/// Whether each element of a segment is one value, which is what its bytes say.
fn is_flat(mark: &SegmentMark) -> bool {
    mark.is_flat && mark.is_plain
}

/// Adds where the cells of an element stand; returns how many components it has.
fn components_of(value: &Value<'_>, ranges: &mut Vec<(u32, u32)>) -> u16 {
    if value.separators().is_empty() {
        ranges.push(value.range());
        return 1;
    }
    let (before, first) = (ranges.len(), value.repetitions().next().unwrap_or(*value));
    ranges.push(first.range());
    ranges.extend(first.components().map(|component| component.range()));
    // As many as the element has in all: what stands in further repetitions counts as there.
    let components = u16::try_from(value.components().count()).unwrap_or(u16::MAX);
    // One component several times is as good as a simple element.
    let cells = if components == 1 { 1 } else { usize::from(components) + 1 };
    ranges.resize(before + cells, (0, 0));
    components
}

/// In a state: nothing stands there but blanks.
const BLANK: u8 = 1;
/// In a state: something stands there.
const FILLED: u8 = 1 << 1;
/// In a state: the separator before is one of components.
const COMPONENT: u8 = 1 << 2;
/// In a state: the separator before is one of repetitions.
const REPETITION: u8 = 1 << 3;

#[inline]
fn without_blanks(bytes: &[u8]) -> &[u8] {
    match bytes {
        [.., b' '] => {
            let last = bytes.iter().rposition(|&byte| byte != b' ');
            &bytes[..last.map_or(0, |last| last + 1)]
        }
        _ => bytes,
    }
}

/// Which elements of a segment the version defines as composites; asked once a tag.
struct Composites<'d> {
    directory: &'d Directory,
    /// Of each element of a tag that the version defines, whether it is one.
    known: Vec<(u32, Vec<bool>)>,
}

impl Composites<'_> {
    /// Which of the known tags this one is.
    fn find<'t>(&mut self, tag: u32, name: impl FnOnce() -> Cow<'t, str>) -> usize {
        self.known.iter().position(|(known, _)| *known == tag).unwrap_or_else(|| {
            let definition = self.directory.segments.get(&name());
            let elements = definition.map(|one| one.elements.as_slice()).unwrap_or_default();
            let is_composite = |place: &Place| self.directory.composites.contains_key(&place.id);
            self.known.push((tag, elements.iter().map(is_composite).collect()));
            self.known.len() - 1
        })
    }

    fn is_composite(&self, known: usize, element: usize) -> bool {
        self.known[known].1.get(element).copied().unwrap_or(false)
    }
}
