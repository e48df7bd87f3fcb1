//! The document as rules look at it, made once: what stands in each loop by tag, and the bytes of each component, so that
//! a rule finds its place without walking past everything else. It knows no rule.

use crate::mapping::notation::Tag;
use crate::standard::definition::{Directory, Place};
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
    /// Elements of segments that are not flat.
    elements: Vec<Element>,
    /// Where values of segments that are not flat stand in the bytes of the run. An element of one component is one cell; of
    /// others the whole of the first repetition is one, and then each component of that.
    ranges: Vec<(u32, u32)>,
    /// How many cells there are; those of a flat segment, one an element, stand nowhere but in the index.
    cells: usize,
    composites: Composites<'a>,
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
    /// Its elements: of a flat segment the separators before them in the index, of others among [`Source::elements`].
    elements: Range<u32>,
    /// Where a flat segment ends; of others its first range.
    end: u32,
    /// Its first cell.
    cell: u32,
    /// Where its layout begins.
    layout: u32,
    /// Which of the known tags it has.
    known: u32,
    /// Neither composites nor repetitions stand in it, and it is plain.
    is_flat: bool,
    /// Printable ASCII without release characters.
    is_plain: bool,
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
    pub fn new(run: &'a Run<'a>, placement: &Placement, directory: &'a Directory) -> Self {
        let marks = run.index.marks.len();
        let mut source = Source {
            run,
            segments: Vec::with_capacity(run.len()),
            elements: Vec::new(),
            ranges: Vec::new(),
            cells: 0,
            composites: Composites { directory, known: Vec::new(), recent: [0; RECENT] },
            loops: Vec::new(),
            seats: Vec::new(),
            layout: Vec::with_capacity(marks * 2 + run.len() * HEAD),
        };
        for segment in run.segments() {
            source.segment(&segment);
        }
        source.seat(placement);
        source
    }

    /// Adds a segment.
    fn segment(&mut self, segment: &Segment<'a>) {
        let mark = segment.mark();
        let tag = match self.run.index.wrapped {
            true => Tag::key(&segment.tag_bytes()),
            false => Tag::key(segment.tag()),
        };
        let known = self.composites.find(tag, || segment.tag_text());
        let (cell, layout) = (self.cells as u32, self.layout.len());
        self.layout.extend_from_slice(&tag.to_le_bytes());
        let is_flat = mark.is_flat && mark.is_plain;
        let (elements, end) = if is_flat {
            let marks = self.run.marks_at(mark);
            self.layout.extend_from_slice(&(marks.len() as u32).to_le_bytes());
            self.flat(marks, mark.end, known);
            (mark.first..mark.last, mark.end)
        } else {
            let (first, end) = (self.elements.len() as u32, self.ranges.len() as u32);
            // How many elements there are is known in the end.
            self.layout.extend_from_slice(&[0; 4]);
            let component = self.run.separators.component;
            for (at, value) in segment.elements().enumerate() {
                let is_composite = self.composites.is_composite(known, at);
                match value.separators() {
                    [] => self.simple(value.range(), value.is_empty(), is_composite, mark.is_plain),
                    // Nearly all are plain components.
                    marks if mark.is_plain && marks.iter().all(|&mark| self.run.bytes[mark as usize] == component) => {
                        self.plain_composite(value.range(), marks);
                    }
                    _ => self.composite(value, is_composite, mark.is_plain),
                }
            }
            let elements = first..self.elements.len() as u32;
            self.layout[layout + 4..layout + HEAD].copy_from_slice(&(elements.end - first).to_le_bytes());
            (elements, end)
        };
        let (layout, is_plain) = (layout as u32, mark.is_plain);
        self.segments.push(Line { tag, elements, end, cell, layout, known: known as u32, is_flat, is_plain });
    }

    /// Adds the elements of a flat segment.
    fn flat(&mut self, marks: &[u32], end: u32, known: usize) {
        self.cells += marks.len();
        let (bytes, composites) = (self.run.bytes, &self.composites.known[known].1);
        let layout = |before: u32, end: u32| {
            let (start, end) = (before as usize + 1, end as usize);
            if start == end {
                return BLANK;
            }
            let is_blank = bytes[end - 1] == b' ' && without_blanks(&bytes[start..end]).is_empty();
            if is_blank { BLANK | FILLED } else { FILLED }
        };
        let Some((&last, _)) = marks.split_last() else { return };
        let first = self.layout.len();
        self.layout.extend(marks.windows(2).map(|two| layout(two[0], two[1])));
        self.layout.push(layout(last, end));
        // Most segments have none.
        if composites.has_any {
            let own = self.layout[first..].iter_mut().zip(&composites.of_elements);
            own.for_each(|(layout, is_composite)| *layout |= if *is_composite { COMPOSITE } else { 0 });
        }
    }

    /// Adds an element of one component.
    #[inline]
    fn simple(&mut self, range: (u32, u32), is_empty: bool, is_composite: bool, is_plain: bool) {
        let cell = self.cells as u32;
        self.cells += 1;
        self.ranges.push(range);
        let is_blank = is_empty || self.is_blank_at(range, is_plain);
        self.elements.push(Element { cell, components: 1, is_filled: !is_empty, is_composite });
        self.layout.push(layout_of(is_blank, !is_empty, is_composite));
    }

    /// Adds an element of several components, which does not repeat and is plain.
    fn plain_composite(&mut self, (start, end): (u32, u32), marks: &[u32]) {
        let cell = self.cells as u32;
        let components = u16::try_from(marks.len() + 1).unwrap_or(u16::MAX);
        self.cells += usize::from(components) + 1;
        self.elements.push(Element { cell, components, is_filled: true, is_composite: true });
        self.layout.push(MANY | layout_of(false, true, true));
        self.layout.extend_from_slice(&components.to_le_bytes());
        // The whole, then each.
        self.add((start, end));
        let mut from = start;
        for &mark in &marks[..usize::from(components) - 1] {
            self.add((from, mark));
            from = mark + 1;
        }
        self.add((from, end));
    }

    #[inline]
    fn add(&mut self, range: (u32, u32)) {
        self.ranges.push(range);
        let is_blank = self.is_blank_at(range, true);
        self.layout.push(u8::from(is_blank));
    }

    /// Adds an element in which separators stand.
    fn composite(&mut self, value: Value<'a>, is_known: bool, is_plain: bool) {
        let (cell, first_range) = (self.cells as u32, self.ranges.len());
        let first = value.repetitions().next().unwrap_or(value);
        self.ranges.push(first.range());
        self.ranges.extend(first.components().map(|component| component.range()));
        // As many as the element has in all: what stands in further repetitions counts as there.
        let components = u16::try_from(value.components().count()).unwrap_or(u16::MAX);
        // One component several times is as good as a simple element.
        let cells = if components == 1 { 1 } else { usize::from(components) + 1 };
        self.ranges.resize(first_range + cells, (0, 0));
        self.cells += cells;
        let (is_filled, is_composite) = (!value.is_empty(), components > 1 || is_known);
        self.elements.push(Element { cell, components, is_filled, is_composite });
        self.layout.push(MANY | layout_of(false, is_filled, is_composite));
        self.layout.extend_from_slice(&components.to_le_bytes());
        for at in first_range..self.ranges.len() {
            let is_blank = self.is_blank_at(self.ranges[at], is_plain);
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
        let cell = |at: usize| self.segments.get(at).map_or(self.cells, |line| line.cell as usize);
        (segments.end <= self.segments.len()).then(|| {
            let cells = cell(segments.start)..cell(segments.end);
            Block { segments, instance, cells }
        })
    }

    /// All of an item that rules see but its texts and the loops in it, as bytes to compare.
    pub fn layout(&self, block: &Block) -> &[u8] {
        self.layout_of_segments(block.segments.clone())
    }

    fn layout_of_segments(&self, segments: Range<usize>) -> &[u8] {
        let layout = |at: usize| self.segments.get(at).map_or(self.layout.len(), |line| line.layout as usize);
        &self.layout[layout(segments.start)..layout(segments.end)]
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

    fn at(&self, segment: usize, element: u16) -> Option<Element> {
        let line = self.segments.get(segment)?;
        let number = u32::from(element).checked_sub(1)?;
        let at = line.elements.start.checked_add(number).filter(|at| *at < line.elements.end)?;
        if !line.is_flat {
            return self.elements.get(at as usize).copied();
        }
        let (cell, (start, end)) = (line.cell + number, self.flat_range(line, at));
        let is_composite = self.composites.is_composite(line.known as usize, number as usize);
        Some(Element { cell, components: 1, is_filled: start < end, is_composite })
    }

    /// Where the element of a flat segment stands, by the number of the separator before it.
    #[inline]
    fn flat_range(&self, line: &Line, at: u32) -> (u32, u32) {
        let marks = &self.run.index.marks;
        let end = if at + 1 < line.elements.end { marks[at as usize + 1] } else { line.end };
        (marks[at as usize] + 1, end)
    }

    /// Where a cell of a segment stands.
    #[inline]
    fn range(&self, line: &Line, cell: usize) -> (u32, u32) {
        let number = cell as u32 - line.cell;
        if line.is_flat {
            self.flat_range(line, line.elements.start + number)
        } else {
            self.ranges[(line.end + number) as usize]
        }
    }

    /// The value at an address, without the blanks at its end; empty where nothing stands.
    pub fn text(&self, address: Address) -> Cow<'a, str> {
        self.cell(address).map_or(Cow::Borrowed(""), |cell| self.text_of(address.0, cell))
    }

    /// The same of a cell of a segment.
    pub fn text_of(&self, segment: usize, cell: usize) -> Cow<'a, str> {
        let line = &self.segments[segment];
        self.text_at(self.range(line, cell), line.is_plain)
    }

    /// The bytes of the cell of a number in its segment, without the blanks at its end, where they are ASCII as they stand.
    #[inline(always)]
    pub fn bytes_at(&self, segment: usize, number: u32) -> Option<&'a [u8]> {
        let line = &self.segments[segment];
        let (start, end) = match line.is_flat {
            true => self.flat_range(line, line.elements.start + number),
            false if line.is_plain => self.ranges[(line.end + number) as usize],
            false => return None,
        };
        Some(without_blanks(&self.run.bytes[start as usize..end as usize]))
    }

    /// The number of a cell in its segment.
    pub fn number_of(&self, segment: usize, cell: usize) -> u32 {
        cell as u32 - self.segments[segment].cell
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

    /// Whether every value of a segment is blank or, as `is_done` says of its cell, done with.
    pub fn is_done(&self, segment: usize, is_done: impl Fn(usize) -> bool) -> bool {
        let line = &self.segments[segment];
        let layout = self.layout_of_segments(segment..segment + 1);
        let (mut rest, mut cell) = (&layout[HEAD..], line.cell as usize);
        let is_so = |blank: u8, cell: usize| blank & BLANK != 0 || is_done(cell);
        if line.is_flat {
            return rest.iter().zip(cell..).all(|(blank, cell)| is_so(*blank, cell));
        }
        while let Some((&head, behind)) = rest.split_first() {
            let (values, next) = match *behind {
                [low, high, ref behind @ ..] if head & MANY != 0 => {
                    let components = usize::from(u16::from_le_bytes([low, high]));
                    behind.split_at(if components == 1 { 1 } else { components + 1 })
                }
                _ => (std::slice::from_ref(&head), behind),
            };
            // Of several components the whole is no value of its own.
            let first = usize::from(values.len() > 1);
            if !values[first..].iter().zip(cell + first..).all(|(blank, cell)| is_so(*blank, cell)) {
                return false;
            }
            (rest, cell) = (next, cell + values.len());
        }
        true
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
        self.cells
    }
}

/// In a layout, of each element: nothing stands there but blanks.
const BLANK: u8 = 1;
/// In a layout, of each element: something stands there.
const FILLED: u8 = 1 << 1;
/// In a layout, of each element: several components, or a place for them.
const COMPOSITE: u8 = 1 << 2;
/// In a layout, of each element: more than one component may follow: how many, and which of the cells are blank.
const MANY: u8 = 1 << 7;
/// Tag and number of elements, with which the layout of a segment begins.
const HEAD: usize = 8;

#[inline]
fn layout_of(is_blank: bool, is_filled: bool, is_composite: bool) -> u8 {
    let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    bit(is_blank, BLANK) | bit(is_filled, FILLED) | bit(is_composite, COMPOSITE)
}

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
    known: Vec<(u32, Known)>,
    /// Where among the known a tag was found last, by some of its bits.
    recent: [u8; RECENT],
}

/// The composites of a tag.
struct Known {
    /// Of each element that the version defines, whether it is one.
    of_elements: Vec<bool>,
    has_any: bool,
}

/// Tags that are found at once, about so many as a document has.
const RECENT: usize = 64;

impl Composites<'_> {
    /// Which of the known tags this one is.
    fn find<'t>(&mut self, tag: u32, name: impl FnOnce() -> Cow<'t, str>) -> usize {
        let slot = (tag ^ tag >> 5 ^ tag >> 13) as usize % RECENT;
        let recent = usize::from(self.recent[slot]);
        if self.known.get(recent).is_some_and(|(known, _)| *known == tag) {
            return recent;
        }
        let found = self.known.iter().position(|(known, _)| *known == tag).unwrap_or_else(|| {
            let definition = self.directory.segments.get(&name());
            let elements = definition.map(|one| one.elements.as_slice()).unwrap_or_default();
            let is_composite = |place: &Place| self.directory.composites.contains_key(&place.id);
            let of_elements: Vec<bool> = elements.iter().map(is_composite).collect();
            let has_any = of_elements.contains(&true);
            self.known.push((tag, Known { of_elements, has_any }));
            self.known.len() - 1
        });
        self.recent[slot] = u8::try_from(found).unwrap_or_default();
        found
    }

    fn is_composite(&self, known: usize, element: usize) -> bool {
        self.known[known].1.of_elements.get(element).copied().unwrap_or(false)
    }
}
