//! Trees told by numbers: each HL (X12) or CPS (EDIFACT) has a number and names the one above it. Numbers must be
//! there once, parents must come before, and levels must stand as the structure code says.
//!
//! Which segments these are follows from their elements: number and parent are 628 and 734, or 7164 and 7166.

use super::{At, Check};
use crate::diagnostic::{Diagnostic, Fault, Severity, Syntax};
use crate::standard::definition::Directory;
use crate::standard::place::Placement;
use crate::tree::{Run, Segment};
use std::collections::{HashMap, HashSet};

/// Elements that number a node and name the one above it.
const NUMBERS: [[&str; 2]; 2] = [["628", "734"], ["7164", "7166"]];
/// Level code, has-child code (0 none, 1 some), structure code.
const LEVEL: &str = "735";
const CHILD: &str = "736";
const STRUCTURE: &str = "1005";

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

/// Appends what does not hold together.
pub(super) fn check(
    directory: &Directory,
    syntax: Syntax,
    run: &Run<'_>,
    placement: &Placement,
    faults: &mut Vec<Diagnostic>,
) {
    let nodes = nodes(directory, run);
    if nodes.is_empty() {
        return;
    }
    let levels = levels(directory, run);
    let all: HashMap<&str, usize> = nodes.iter().enumerate().rev().map(|(at, node)| (node.id.as_str(), at)).collect();
    let parents: HashSet<&str> = nodes.iter().map(|node| node.parent.as_str()).collect();
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let loop_path = match placement.homes.get(node.segment.ordinal()) {
            Some(Some((_, home))) => placement.loops[*home].path.as_str(),
            _ => "",
        };
        let occurrence = (nodes.len() > 1).then_some(node.occurrence);
        let check = Check { directory, syntax, run, segment: node.segment, occurrence, loop_path, faults: Vec::new() };
        let told = Told { check, nodes: &nodes, all: &all, parents: &parents, by_id: &by_id, node };
        faults.extend(told.number());
        faults.extend(told.parent(at));
        faults.extend(levels.as_ref().and_then(|levels| told.level(levels)));
        faults.extend(told.child());
        by_id.entry(node.id.as_str()).or_insert(at);
    }
}

fn nodes<'a>(directory: &Directory, run: &'a Run<'_>) -> Vec<Node<'a>> {
    let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
    let node = |segment: Segment<'a>| {
        let definition = directory.segments.get(&*segment.tag_text())?;
        let ids: Vec<&str> = definition.elements.iter().map(|place| place.id.as_str()).collect();
        NUMBERS.iter().find(|pair| ids.get(..2) == Some(&pair[..]))?;
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
    let code = run.segments().find_map(|segment| {
        let definition = directory.segments.get(&*segment.tag_text())?;
        let at = definition.elements.iter().position(|place| place.id == STRUCTURE)?;
        Some(value(&segment, at + 1))
    });
    directory.hierarchies.get(&code?)
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
        let definition = self.directory.segments.get(&*self.segment.tag_text())?;
        definition.elements.iter().position(|place| place.id == id).map(|at| at + 1)
    }
}
