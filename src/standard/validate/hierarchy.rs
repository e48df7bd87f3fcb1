//! Trees told by numbers: each HL (X12) or CPS (EDIFACT) has a number and names the one above it. Numbers must be
//! there once, parents must come before, and levels must stand as the structure code says.
//!
//! Which segments these are follows from their elements; `rules` says so.

use super::{At, Check};
use crate::diagnostic::{Diagnostic, Fault, Severity, Syntax, keep};
use crate::standard::definition::Directory;
use crate::standard::place::Placement;
use crate::standard::rules::{CHILD, LEVEL, code_key};
use crate::tree::{Run, Segment, SegmentMark};
use std::collections::{HashMap, HashSet};

/// Steps that are gone up in search of a circle; a longer one is told as a parent that does not come before.
const CIRCLE_MAX: usize = 64;

/// A node as it stands in the document.
struct Node<'a> {
    segment: Segment<'a>,
    occurrence: u32,
    id: String,
    parent: String,
    level: String,
    child: String,
}

/// Appends what does not hold together. `marks` are the segments that number a node, where the interchange is not wrapped.
pub(super) fn check(
    directory: &Directory,
    syntax: Syntax,
    run: &Run<'_>,
    (placement, marks): (&Placement, &[(SegmentMark, usize)]),
    faults: &mut Vec<Diagnostic>,
) {
    let levels = levels(directory, run);
    let is_in_order = !run.index.wrapped && is_in_order(directory, run, levels, marks);
    // The tests of debug builds go both ways.
    if is_in_order && cfg!(not(debug_assertions)) {
        return;
    }
    let (nodes, told_before) = (nodes(directory, run), faults.len());
    let all: HashMap<&str, usize> = nodes.iter().enumerate().rev().map(|(at, node)| (node.id.as_str(), at)).collect();
    let parents: HashSet<&str> = nodes.iter().map(|node| node.parent.as_str()).collect();
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let loop_path = match placement.homes.get(node.segment.ordinal()) {
            Some(Some((_, home))) => placement.path(*home),
            _ => "",
        };
        let occurrence = (nodes.len() > 1).then_some(node.occurrence);
        let check = Check { directory, syntax, run, segment: node.segment, occurrence, loop_path, faults: Vec::new() };
        let told = Told { check, nodes: &nodes, all: &all, parents: &parents, by_id: &by_id, node };
        let level = levels.as_ref().and_then(|levels| told.level(levels));
        let found = [told.number(), told.parent(at), level, told.child()];
        found.into_iter().flatten().for_each(|finding| keep(faults, finding));
        by_id.entry(node.id.as_str()).or_insert(at);
    }
    debug_assert!(!is_in_order || faults.len() == told_before, "{:?}", &faults[told_before..]);
}

fn nodes<'a>(directory: &Directory, run: &'a Run<'_>) -> Vec<Node<'a>> {
    let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
    let rules = directory.rules();
    let node = |segment: Segment<'a>| {
        rules.segment(&segment.tag_bytes()).and_then(|number| rules.rows(number).node)?;
        let definition = directory.segments.get(&segment.tag_text())?;
        let ids: Vec<&str> = definition.elements.iter().map(|place| place.id.as_str()).collect();
        let occurrence = seen.entry(segment.tag().to_vec()).or_default();
        *occurrence += 1;
        let text = |id: &str| ids.iter().position(|one| *one == id).map_or(String::new(), |at| value(&segment, at + 1));
        let (id, parent) = (value(&segment, 1), value(&segment, 2));
        Some(Node { occurrence: *occurrence, id, parent, level: text(LEVEL), child: text(CHILD), segment })
    };
    run.segments().filter_map(node).collect()
}

fn value(segment: &Segment<'_>, element: usize) -> String {
    segment.element(element).map_or(String::new(), |value| value.text().trim().to_owned())
}

/// The steps that the document's structure code stands for.
fn levels<'d>(directory: &'d Directory, run: &Run<'_>) -> Option<&'d Vec<Vec<String>>> {
    if directory.hierarchies.is_empty() {
        return None;
    }
    let rules = directory.rules();
    let code = run.segments().find_map(|segment| {
        let at = rules.segment(&segment.tag_bytes()).and_then(|number| rules.rows(number).structure)?;
        Some(value(&segment, at))
    });
    directory.hierarchies.get(&code?)
}

/// What the short way remembers of a node.
struct Seen {
    /// Its step among the levels.
    step: Option<usize>,
    /// Its has-child code.
    child: u8,
    has_child: bool,
}

/// The short way: nodes numbered 1, 2, 3 … as they come, each under one before it, on a level that may stand there and
/// with the right word on children. Of everything else it says no, and the long way looks at it.
fn is_in_order(
    directory: &Directory,
    run: &Run<'_>,
    levels: Option<&Vec<Vec<String>>>,
    marks: &[(SegmentMark, usize)],
) -> bool {
    let rules = directory.rules();
    // The levels as numbers, each with its step.
    let steps = levels.into_iter().flatten().enumerate();
    let levels: Option<Vec<(u64, usize)>> = steps
        .flat_map(|(step, levels)| levels.iter().map(move |one| Some((code_key(one.as_bytes())?, step))))
        .collect();
    let Some(levels) = levels else { return false };
    let mut seen: Vec<Seen> = Vec::with_capacity(marks.len());
    for (mark, number) in marks {
        let Some([level, child]) = rules.rows(*number).node else { continue };
        let element = |at: Option<usize>| at.map_or(&[][..], |at| run.flat_at(mark, at));
        let (level, child) = (element(level), element(child));
        let is_simple = mark.is_plain && mark.is_flat && !level.contains(&b' ') && child.len() <= 1;
        let (id, parent) = (run.flat_at(mark, 1), run.flat_at(mark, 2));
        if !is_simple || self::number(id) != Some(seen.len() + 1) {
            return false;
        }
        let above = self::number(parent).filter(|&above| above <= seen.len());
        if above.is_none() && !parent.is_empty() {
            return false;
        }
        let level = code_key(level);
        let step = levels.iter().find(|(key, _)| Some(*key) == level).map(|&(_, step)| step);
        let fits = match (step, above) {
            (None, _) => true,
            (Some(own), None) => own == 0,
            (Some(own), Some(above)) => seen[above - 1].step.is_none_or(|above| above <= own),
        };
        if !fits {
            return false;
        }
        if let Some(above) = above {
            seen[above - 1].has_child = true;
        }
        seen.push(Seen { step, child: child.first().copied().unwrap_or_default(), has_child: false });
    }
    seen.iter().all(|node| !matches!((node.has_child, node.child), (true, b'0') | (false, b'1')))
}

/// A number as it is usually written, from 1 and without zeros before it.
fn number(text: &[u8]) -> Option<usize> {
    let fits =
        text.first().is_some_and(|&first| first != b'0') && text.len() <= 9 && text.iter().all(u8::is_ascii_digit);
    fits.then(|| text.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
}

/// One node among the others.
struct Told<'a> {
    check: Check<'a>,
    nodes: &'a [Node<'a>],
    /// The first node of each number.
    all: &'a HashMap<&'a str, usize>,
    /// The numbers that are parents of some node.
    parents: &'a HashSet<&'a str>,
    /// The nodes before this one.
    by_id: &'a HashMap<&'a str, usize>,
    node: &'a Node<'a>,
}

impl Told<'_> {
    fn finding(&self, fault: Fault, element: usize, expected: String, found: &str) -> Diagnostic {
        let at = At { element, component: 0, repetition: 0 };
        self.check.finding(fault, Some(at), self.node.segment.element(element)).because(expected, found)
    }

    fn number(&self) -> Option<Diagnostic> {
        let id = self.node.id.as_str();
        let first = self.by_id.get(id).filter(|_| !id.is_empty())?;
        let tag = self.node.segment.tag_text();
        let expected = format!("a number of its own, as {tag}[{}] has this one", self.nodes[*first].occurrence);
        Some(self.finding(Fault::HierarchyNumber, 1, expected, id))
    }

    fn parent(&self, at: usize) -> Option<Diagnostic> {
        let parent = self.node.parent.as_str();
        if parent.is_empty() || self.by_id.contains_key(parent) {
            return None;
        }
        let tag = self.node.segment.tag_text();
        let expected = format!("the number of a {tag} before this one");
        let fault = if self.is_in_circle(at) { Fault::HierarchyCircle } else { Fault::HierarchyParent };
        Some(self.finding(fault, 2, expected, parent))
    }

    /// Whether the way up from a node leads back to it.
    fn is_in_circle(&self, at: usize) -> bool {
        let mut above = at;
        for _ in 0..CIRCLE_MAX {
            let parent = self.nodes[above].parent.as_str();
            let Some(&next) = self.all.get(parent).filter(|_| !parent.is_empty()) else { return false };
            if next == at {
                return true;
            }
            above = next;
        }
        false
    }

    /// Levels that the structure code does not name are the partners' affair.
    fn level(&self, levels: &[Vec<String>]) -> Option<Diagnostic> {
        let step = |level: &str| levels.iter().position(|step| step.iter().any(|one| one == level));
        let own = step(&self.node.level)?;
        let above = self.by_id.get(self.node.parent.as_str()).map(|&at| self.nodes[at].level.as_str());
        let (fits, expected) = match above {
            Some(above) => (step(above).is_none_or(|above| above <= own), format!("a level that stands under {above}")),
            None => (own == 0 || !self.node.parent.is_empty(), format!("level {} at the top", levels[0].join(" or "))),
        };
        let at = self.check.element_of(LEVEL)?;
        (!fits).then(|| self.finding(Fault::HierarchyLevel, at, expected, &self.node.level))
    }

    fn child(&self) -> Option<Diagnostic> {
        let (id, code) = (self.node.id.as_str(), self.node.child.as_str());
        let has_child = !id.is_empty() && self.parents.contains(id);
        let expected = match (has_child, code) {
            (true, "0") => "1, as others stand below it",
            (false, "1") => "0, as none stands below it",
            _ => return None,
        };
        let at = self.check.element_of(CHILD)?;
        Some(self.finding(Fault::HierarchyChild, at, expected.to_owned(), code).severity(Severity::Warning))
    }
}

impl Check<'_> {
    /// Where in its segment an element of this number stands, from 1.
    fn element_of(&self, id: &str) -> Option<usize> {
        let definition = self.directory.segments.get(&self.segment.tag_text())?;
        definition.elements.iter().position(|place| place.id == id).map(|at| at + 1)
    }
}
