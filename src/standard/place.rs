//! Where each segment of a document stands in its definition: the loops as they occur, and what does not fit.
//!
//! One walk, no backtracking: each segment goes to the nearest place that leaves the fewest required segments behind,
//! looking on in the present loop first, then in the loops around it. What fits nowhere ahead is looked for behind
//! (out of order), as a segment or as the first one of a loop; else it has no home and is reported. The walk goes on. A
//! place that leaves nothing behind is known from the table of `order`, and nothing need be looked for.

mod pass; // where segments stand that were left out

pub use pass::LeftOut;

use super::definition::{Area, Derived, Directory, Document, Node, Usage};
use super::order::{Order, Spot};
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax, keep, shortened};
use crate::tree::{Run, Segment};
use std::sync::Arc;

/// Loops of a document usually have so many segments or more; room is made for as many.
const SEGMENTS_OF_LOOP: usize = 2;

/// A loop as it occurs in a document. Loop 0 is the document itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoopInstance {
    /// Area of the loop's node.
    pub area: Area,
    /// The loop it stands in; 0 for the document and its direct loops.
    pub parent: usize,
    /// Which trigger path, by its place in the list that all loops of a type share.
    path: u32,
}

/// Something directly inside a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// Ordinal of a segment of the run, from 0.
    Segment(usize),
    /// Index into [`Placement::loops`].
    Loop(usize),
}

/// The placing of one document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// The loops; 0 is the document.
    pub loops: Vec<LoopInstance>,
    /// For each segment of the run: area, and loop it was placed in; `None` for those that fit nowhere.
    pub homes: Vec<Option<(Area, usize)>>,
    paths: Arc<[String]>,
    /// Who stands in what, made when first asked for: validation does not.
    chain: Derived<Chain>,
}

/// The children of all loops in one list: a document has thousands of loops of two or three segments.
struct Chain {
    /// By loop: first and last of its children.
    ends: Vec<Option<(usize, usize)>>,
    /// Each child with its next sibling; the last has itself.
    links: Vec<(Child, usize)>,
}

impl Chain {
    /// Segments come in order, and a loop is numbered when its trigger comes: the first that has it as its home.
    fn new(placement: &Placement) -> Self {
        let mut chain = Chain { ends: vec![None; placement.loops.len()], links: Vec::new() };
        let mut opened = 1;
        for (ordinal, home) in placement.homes.iter().enumerate() {
            let Some((_, home)) = *home else { continue };
            if home == opened {
                chain.add(placement.loops[home].parent, Child::Loop(home));
                opened += 1;
            }
            chain.add(home, Child::Segment(ordinal));
        }
        chain
    }

    fn add(&mut self, instance: usize, child: Child) {
        let at = self.links.len();
        let (first, last) = self.ends[instance].unwrap_or((at, at));
        self.ends[instance] = Some((first, at));
        self.links.push((child, at));
        self.links[last].1 = at;
    }
}

impl Placement {
    /// Of a document whose loops are known: area, the loop around and the number of the path of each, the document first.
    #[must_use]
    pub fn of(loops: Vec<(Area, usize, usize)>, homes: Vec<Option<(Area, usize)>>, paths: Vec<String>) -> Self {
        let instance =
            |(area, parent, path)| LoopInstance { area, parent, path: u32::try_from(path).unwrap_or(u32::MAX) };
        let loops = loops.into_iter().map(instance).collect();
        Placement { loops, homes, paths: paths.into(), chain: Derived::default() }
    }

    /// The trigger path of a loop (`N1`, `LIN/PRI`), empty for the document.
    #[must_use]
    pub fn path(&self, instance: usize) -> &str {
        let path = self.loops.get(instance).and_then(|one| self.paths.get(one.path as usize));
        path.map_or("", String::as_str)
    }

    /// What stands directly in a loop, in the order of the bytes.
    pub fn children(&self, instance: usize) -> impl Iterator<Item = Child> + '_ {
        let chain = self.chain.get(|| Chain::new(self));
        let mut at = chain.ends.get(instance).copied().flatten().map(|(first, _)| first);
        std::iter::from_fn(move || {
            let here = at?;
            let (child, next) = *chain.links.get(here)?;
            at = Some(next).filter(|&next| next != here);
            Some(child)
        })
    }
}

/// Places the segments of `run`, a whole document with header and trailer, by the definition.
#[must_use]
pub fn place(document: &Document, directory: &Directory, run: &Run<'_>) -> (Placement, Vec<Diagnostic>) {
    let mut walk = Walk::new(document, directory, run);
    while walk.next().is_some() {}
    walk.end()
}

/// A loop being read: how far in its nodes, and how often the present one occurred.
#[derive(Clone, Copy)]
struct Frame<'d> {
    nodes: &'d [Node],
    /// Number of the first of them in the table of `order`.
    first: usize,
    at: usize,
    count: u32,
    instance: usize,
}

/// A place a segment could go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    /// How many frames stay open.
    depth: usize,
    /// Which node of the last of them.
    node: usize,
    /// Required nodes left behind, one more when the maximum is passed.
    cost: usize,
}

/// A document being placed, segment by segment.
pub(super) struct Walk<'d> {
    document: &'d Document,
    directory: &'d Directory,
    run: &'d Run<'d>,
    order: &'d Order,
    syntax: Syntax,
    frames: Vec<Frame<'d>>,
    placement: Placement,
    faults: Vec<Diagnostic>,
    /// Where items went that were left out.
    passed: Vec<pass::Passed<'d>>,
}

impl<'d> Walk<'d> {
    /// Begins.
    pub(super) fn new(document: &'d Document, directory: &'d Directory, run: &'d Run<'d>) -> Self {
        let syntax = Syntax::of(&document.standard);
        let order = document.order(directory);
        let frames = vec![Frame { nodes: &document.nodes, first: 0, at: 0, count: 0, instance: 0 }];
        let placement = Placement {
            loops: Vec::with_capacity(1 + run.len() / SEGMENTS_OF_LOOP),
            homes: Vec::with_capacity(run.len()),
            paths: order.paths().clone(),
            chain: Derived::default(),
        };
        let mut walk =
            Walk { document, directory, run, order, syntax, frames, placement, faults: Vec::new(), passed: Vec::new() };
        walk.placement.loops.push(LoopInstance { area: Area::Heading, parent: 0, path: 0 });
        walk
    }

    /// Places the next segment, where there is one; returns the number of its rules, where its place tells it.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Option<u32>> {
        let ordinal = self.placement.homes.len();
        let mark = self.run.index.segments.get(ordinal)?;
        if let Some((known, spot)) = self.known(self.run.tag_at(mark)) {
            let segment = || self.run.segment(ordinal);
            debug_assert_eq!(segment().and_then(|one| self.best(&one.tag_text())), Some(known));
            self.follow(known, spot);
            return Some(spot.rules);
        }
        self.take(&self.run.segment(ordinal)?);
        Some(None)
    }

    /// Goes to a place that leaves nothing behind.
    #[inline]
    fn follow(&mut self, known: Candidate, spot: &Spot) {
        self.frames.truncate(known.depth);
        let Some(frame) = self.frames.last_mut() else { return };
        frame.count = if known.node == frame.at { frame.count + 1 } else { 1 };
        frame.at = known.node;
        let (nodes, home) = (frame.nodes, frame.instance);
        self.settle(&nodes[known.node], home, spot);
    }

    #[cold]
    fn take(&mut self, segment: &Segment<'_>) {
        let tag = segment.tag_text();
        let Some(best) = self.best(&tag) else { return self.behind(segment) };
        while self.frames.len() > best.depth {
            self.leave(segment);
        }
        let Some(frame) = self.frames.last_mut() else { return };
        let nodes = frame.nodes;
        let skipped = first_open(frame)..best.node;
        let again = best.node == frame.at && frame.count > 0;
        frame.count = if again { frame.count + 1 } else { 1 };
        frame.at = best.node;
        let (count, node, home) = (frame.count, &nodes[best.node], frame.instance);
        let spot = self.order.spot(frame.first + best.node);
        for missing in nodes.get(skipped).unwrap_or_default().iter().filter(|node| node.usage == Usage::Required) {
            self.missing(missing, segment);
        }
        if node.max.is_some_and(|max| count > max) {
            self.too_many(node, count, segment);
        }
        self.settle(node, home, spot);
    }

    /// Puts the segment into a loop, at one of its nodes; a trigger opens its own loop first.
    #[inline(always)] // for every segment
    fn settle(&mut self, node: &'d Node, mut home: usize, spot: &Spot) {
        if spot.is_loop {
            let nodes = node.body.as_ref().map_or(&[][..], |body| &body.nodes);
            let instance = self.placement.loops.len();
            self.placement.loops.push(LoopInstance { area: spot.area, parent: home, path: spot.path });
            self.frames.push(Frame { nodes, first: spot.inside as usize, at: 0, count: 1, instance });
            home = instance;
        }
        self.placement.homes.push(Some((spot.area, home)));
    }

    /// The place that leaves nothing behind, where the table knows it and its maximum is not reached; with what is
    /// known of it.
    #[inline(always)] // for every segment
    fn known(&self, tag: &[u8]) -> Option<(Candidate, &'d Spot)> {
        let frame = self.frames.last().filter(|frame| frame.count > 0)?;
        let number = self.order.next(frame.first + frame.at, tag)?;
        let spot = self.order.spot(number);
        let (depth, node) = (spot.depth as usize, number - spot.first as usize);
        let frame = &self.frames[depth - 1];
        // A loop that came too late stands behind what has been read around it.
        let is_open = node > frame.at || (node == frame.at && frame.count < spot.max);
        is_open.then_some((Candidate { depth, node, cost: 0 }, spot))
    }

    /// The cheapest place ahead, the innermost of equals.
    fn best(&self, tag: &str) -> Option<Candidate> {
        let mut left_behind = 0;
        let mut best: Option<Candidate> = None;
        for (index, frame) in self.frames.iter().enumerate().rev() {
            let mut cost = left_behind;
            for (node, definition) in frame.nodes.iter().enumerate().skip(frame.at) {
                let here = node == frame.at;
                if definition.tag == tag && !(here && frame.instance != 0 && node == 0) {
                    let full = here && definition.max.is_some_and(|max| frame.count >= max);
                    let cost = cost + usize::from(full);
                    if best.is_none_or(|best| cost < best.cost) {
                        best = Some(Candidate { depth: index + 1, node, cost });
                    }
                    if cost == 0 {
                        return best;
                    }
                }
                if definition.usage == Usage::Required && !(here && frame.count > 0) {
                    cost += 1;
                }
            }
            left_behind = cost;
        }
        best
    }

    /// Closes the innermost loop and reports what it still lacks.
    fn leave(&mut self, next: &Segment<'_>) {
        let Some(frame) = self.frames.pop() else { return };
        let from = first_open(&frame);
        for node in frame.nodes.iter().skip(from).filter(|node| node.usage == Usage::Required) {
            self.missing(node, next);
        }
    }

    /// No place ahead: out of order when there was one behind, else it has no home.
    fn behind(&mut self, segment: &Segment<'_>) {
        let tag = segment.tag_text();
        let was = self.frames.iter().enumerate().rev().find_map(|(depth, frame)| {
            let passed = frame.nodes.iter().take(frame.at).skip(usize::from(frame.instance != 0));
            let mut found = passed.enumerate().filter(|(_, node)| node.tag == tag);
            found.next().map(|(at, node)| (depth, at + usize::from(frame.instance != 0), node))
        });
        let Some((depth, at, node)) = was else { return self.homeless(segment) };
        let frame = &self.frames[depth];
        let expected = format!("{tag} before {}", frame.nodes[frame.at].tag);
        let home = frame.instance;
        let finding = self.finding(Fault::SegmentOutOfOrder, &tag, segment).because(expected, &*tag);
        keep(&mut self.faults, finding);
        if node.body.is_none() {
            self.placement.homes.push(Some((node.area, home)));
            return;
        }
        // The first segment of a loop: what follows it belongs to it, so it is opened where it should have stood.
        while self.frames.len() > depth + 1 {
            self.leave(segment);
        }
        let Some(frame) = self.frames.last() else { return };
        let (number, nodes, home) = (frame.first + at, frame.nodes, frame.instance);
        self.settle(&nodes[at], home, self.order.spot(number));
    }

    /// Neither ahead nor behind: unexpected here, of another document type, unknown, or no tag at all.
    fn homeless(&mut self, segment: &Segment<'_>) {
        let tag = segment.tag_text();
        let foreign = |name: &str| format!("a segment of {}, which {tag} ({name}) is not", self.document.kind);
        let (fault, expected) = if tag.is_empty() {
            (Fault::SegmentEmpty, "a tag".to_owned())
        } else if let Some(definition) = self.directory.segments.get(&tag) {
            let mut loops = Vec::new();
            loops_with(&self.document.nodes, "", &tag, &mut loops);
            loops.sort_by_key(|(path, is_trigger)| (*is_trigger, path.matches('/').count()));
            match loops.first() {
                Some(("", _)) => (Fault::SegmentUnexpected, format!("{tag} in its place among the others")),
                Some((path, _)) => {
                    (Fault::SegmentUnexpected, format!("{tag} inside loop {path}, after its first segment"))
                }
                None => (Fault::SegmentForeign, foreign(&definition.name)),
            }
        } else if let Some(name) = self.directory.other_segments.get(&*tag) {
            (Fault::SegmentForeign, foreign(name))
        } else if is_tag(&tag, self.syntax) {
            (Fault::SegmentUnknown, "a segment of this version".to_owned())
        } else {
            (Fault::SegmentTag, tag_form(self.syntax).to_owned())
        };
        self.placement.homes.push(None);
        let finding = self.finding(fault, &tag, segment).because(expected, &*tag);
        keep(&mut self.faults, finding);
    }

    /// The document has ended.
    pub(super) fn end(mut self) -> (Placement, Vec<Diagnostic>) {
        if let Some(last) = self.run.segments().next_back() {
            while !self.frames.is_empty() {
                self.leave(&last);
            }
        }
        (self.placement, self.faults)
    }

    fn missing(&mut self, node: &Node, before: &Segment<'_>) {
        let mut finding = self.finding(Fault::SegmentMissing, &node.tag, before);
        finding = finding.because(format!("{} before {}", node.tag, shortened(&*before.tag_text())), "");
        if let Some(body) = &node.body {
            finding.loop_path.clone_from(&body.path);
        }
        keep(&mut self.faults, finding);
    }

    fn too_many(&mut self, node: &Node, count: u32, segment: &Segment<'_>) {
        let fault = if node.body.is_some() { Fault::LoopTooMany } else { Fault::SegmentTooMany };
        let expected = format!("at most {}", node.max.unwrap_or(u32::MAX));
        let finding = self.finding(fault, &node.tag, segment).because(expected, count.to_string());
        keep(&mut self.faults, finding);
    }

    fn finding(&self, fault: Fault, tag: &str, at: &Segment<'_>) -> Diagnostic {
        let ordinal = u32::try_from(at.ordinal() + 1).unwrap_or(u32::MAX);
        let position = Position { segment: ordinal, ..Position::default() };
        let place = if tag.is_empty() { format!("segment {ordinal}") } else { tag.to_owned() };
        let mut finding = Diagnostic::new(self.syntax, fault).place(place, tag, position).at(
            at.offset(),
            at.raw().len() as u64,
            at.line(),
        );
        let instance = self.frames.last().map_or(0, |frame| frame.instance);
        self.placement.path(instance).clone_into(&mut finding.loop_path);
        finding
    }
}

/// The first node of a frame that has not occurred yet.
fn first_open(frame: &Frame<'_>) -> usize {
    frame.at + usize::from(frame.count > 0)
}

/// The loops that have a segment of this tag, and whether it is the trigger of a loop there; empty for the document.
fn loops_with<'d>(nodes: &'d [Node], path: &'d str, tag: &str, found: &mut Vec<(&'d str, bool)>) {
    for node in nodes {
        if node.tag == tag {
            found.push((path, node.body.is_some()));
        }
        if let Some(body) = &node.body {
            // The trigger is a node of its own loop as well; it stands where the loop does.
            loops_with(body.nodes.get(1..).unwrap_or_default(), &body.path, tag, found);
        }
    }
}

/// X12: two or three characters (X12.6, 3.5); EDIFACT: three (ISO 9735-1, 7.2); the first a letter.
fn is_tag(tag: &str, syntax: Syntax) -> bool {
    let lengths = if syntax == Syntax::X12 { 2..=3 } else { 3..=3 };
    lengths.contains(&tag.len())
        && tag.starts_with(|first: char| first.is_ascii_uppercase())
        && tag.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn tag_form(syntax: Syntax) -> &'static str {
    if syntax == Syntax::X12 {
        "2 or 3 capital letters or digits, a letter first"
    } else {
        "3 capital letters or digits, a letter first"
    }
}
