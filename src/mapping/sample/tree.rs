//! Sampled trees that hold together: nodes are rolled level by level in one of the usual shapes, and the lists are made
//! of them as of a document that was read.

use super::{Context, Sampler, Spot, function, function_spot, node_of};
use crate::entity::{Map, Value};
use crate::entity::{get, set};
use crate::mapping::notation::{Body, Place, Rule, Selector};
use crate::mapping::tree::{LINES, Level, Occurrence, PACKAGES, Tree, flatten};
use crate::standard::definition::Node;

/// Shapes of trees with a level code; a level that the mapping has not is left out.
const SHAPES: [&[&str]; 7] = [
    &["S", "O", "P", "I"],
    &["S", "O", "T", "P", "I"],
    &["S", "O", "I"],
    &["S", "O", "I", "P"],
    &["S", "T", "O", "P", "I"],
    &["S", "P", "O", "I"],
    &["S", "O", "P"],
];
/// Shapes of numbered packages with lines inside.
const NUMBERED: [&[&str]; 4] = [&["S", "P", "I"], &["S", "P", "P", "I"], &["S", "I"], &["S", "P"]];
/// Nodes below one node, at most.
const CHILDREN_MAX: usize = 3;

impl Sampler<'_> {
    /// Rolls a tree and puts its lists into `fields`.
    pub(super) fn tree(&mut self, tree: &Tree, top: Spot<'_>, fields: &mut Map) {
        let shapes: &[&[&str]] = if tree.level.is_some() { &SHAPES } else { &NUMBERED };
        let shape = shapes[(self.dice)(shapes.len())];
        let levels: Vec<usize> = shape.iter().filter_map(|code| tree.level_of(code)).collect();
        let mut nodes = Vec::new();
        self.below(tree, &levels, None, top, &mut nodes);
        if let Some(root) = tree.levels.first() {
            let spot = at_node(tree, root, top);
            self.object(&root.rules, Spot { known: top.known, ..spot }, &|_| false, fields);
        }
        flatten(tree, nodes, fields);
    }

    fn below(
        &mut self,
        tree: &Tree,
        levels: &[usize],
        parent: Option<usize>,
        top: Spot<'_>,
        nodes: &mut Vec<Occurrence>,
    ) {
        let Some((&index, rest)) = levels.split_first() else { return };
        let level = &tree.levels[index];
        let count = if level.list.is_none() { 1 } else { 1 + (self.dice)(CHILDREN_MAX) };
        let is_packed = parent.is_some_and(|parent: usize| tree.is_in(nodes[parent].level, PACKAGES));
        for _ in 0..count {
            let again = if is_packed { self.again(tree, index, nodes) } else { None };
            let node = self.node(tree, index, again, top);
            nodes.push(Occurrence { parent, ..node });
            self.below(tree, rest, Some(nodes.len() - 1), top, nodes);
        }
    }

    /// Now and then the last line, so that one item is in several packages.
    fn again(&mut self, tree: &Tree, level: usize, nodes: &[Occurrence]) -> Option<Map> {
        let is_line = tree.is_in(level, LINES) && (self.dice)(3) == 0;
        let last = nodes.iter().rev().find(|node| node.level == level).filter(|_| is_line)?;
        Some(last.fields.clone())
    }

    fn node(&mut self, tree: &Tree, index: usize, again: Option<Map>, top: Spot<'_>) -> Occurrence {
        let level = &tree.levels[index];
        let mut node = Occurrence { level: index, ..Occurrence::default() };
        let Some(list) = &level.list else { return node };
        let spot = at_node(tree, level, top);
        let known = top.inner(list);
        match again {
            Some(fields) => node.fields = fields,
            None => self.object(&level.rules, Spot { known, ..spot }, &|_| false, &mut node.fields),
        }
        let known = Spot { known: top.inner(LINES), ..top }.inner("allocations");
        if (self.dice)(2) == 0 {
            self.object(&level.allocation, Spot { known, ..spot }, &|_| true, &mut node.allocation);
        }
        let rules = (level.rules.as_slice(), level.allocation.as_slice());
        without_captured(self.context, rules, spot.nodes, (&mut node.fields, &node.allocation));
        if tree.is_in(index, LINES) && get(&node.fields, "quantity.value").is_some() {
            // Sums of sampled numbers stay within the lengths of all standards.
            set(&mut node.fields, "quantity.value", (1 + (self.dice)(500)).to_string().into());
        }
        node
    }
}

/// A value that is chosen by a qualifier.
struct Chosen<'r> {
    place: &'r Place,
    /// Takes the first segment with the qualifier only, and has one.
    is_filled: bool,
}

/// What the rules choose by a qualifier.
fn chosen<'r>(rules: &'r [Rule], fields: &Map) -> Vec<Chosen<'r>> {
    let written = rules.iter().filter(|rule| !rule.is_read_only);
    let all = written.filter_map(|rule| match &rule.body {
        Body::One(place, _) => Some(Chosen { place, is_filled: get(fields, &rule.field).is_some() }),
        Body::Many(places, _) => Some(Chosen { place: places.first()?, is_filled: false }),
        Body::Each(each) => Some(Chosen { place: &each.place, is_filled: false }),
        Body::Slots(_) | Body::Computed(_) => None,
    });
    all.filter(|one| !one.place.selectors.is_empty()).collect()
}

/// Takes from the lists of an object what would be read as something else: entries with a qualifier that another rule
/// over the same segments chooses, and what the loop has no room for beside it.
pub(super) fn without_captured(
    context: &Context<'_>,
    (rules, allocation): (&[Rule], &[Rule]),
    nodes: &[Node],
    (fields, part): (&mut Map, &Map),
) {
    let mut chosen = self::chosen(rules, fields);
    chosen.extend(self::chosen(allocation, part));
    for rule in rules {
        let (place, inner) = match &rule.body {
            Body::Each(each) => (&each.place, &each.rules),
            Body::Slots(slots) if !slots.places.is_empty() => (&slots.places[0], &slots.rules),
            _ => continue,
        };
        let same = |one: &&Chosen<'_>| one.place.loops == place.loops && one.place.tag == place.tag;
        let others: Vec<_> = chosen.iter().filter(same).filter(|one| !std::ptr::eq(one.place, place)).collect();
        let captures = |one: &&&Chosen<'_>| one.place.selectors == place.selectors && !one.is_filled;
        if others.iter().any(|one| captures(&one)) {
            fields.remove(&rule.field);
        }
        let Some(Value::Array(items)) = fields.get_mut(&rule.field) else { continue };
        items.retain(|item| others.iter().all(|one| one.is_filled || !is_chosen(context, one.place, inner, item)));
        if let Some(max) = node_of(nodes, place).and_then(|node| node.max) {
            items.truncate((max as usize).saturating_sub(others.len()));
        }
        if items.is_empty() {
            fields.remove(&rule.field);
        }
    }
}

/// Whether an item would be written with a qualifier that `place` chooses.
fn is_chosen(context: &Context<'_>, place: &Place, rules: &[Rule], item: &Value) -> bool {
    let Some((rule, Body::One(at, calls))) = rules.first().map(|rule| (rule, &rule.body)) else { return false };
    let value = item.as_object().and_then(|item| get(item, &rule.field)).cloned();
    let spot = function_spot(context, None, None);
    let code = function::put(calls, value, &spot).ok().flatten();
    let code = code.as_ref().and_then(Value::as_str).unwrap_or_default();
    place.selectors.iter().any(|one| match one {
        Selector::Is(element, _, values) => *element == at.elements.0 && values.iter().any(|value| value == code),
        Selector::Inside(..) | Selector::Occurrence(_) => false,
    })
}

/// Where the rules of a level look: the trigger of its node, and what stands in its loop.
fn at_node<'d>(tree: &'d Tree, level: &'d Level, top: Spot<'d>) -> Spot<'d> {
    let body = |node: Option<&'d Node>| node.and_then(|node| node.body.as_ref()).map_or(&[][..], |body| &body.nodes);
    let outer = body(node_of(top.nodes, &tree.each));
    match &level.each {
        Some(each) => Spot { tag: &each.tag, nodes: body(node_of(outer, each)), ..top },
        None => Spot { tag: &tree.each.tag, nodes: outer, ..top },
    }
}
