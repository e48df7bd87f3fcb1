//! Reading a tree: each node by the rules of its level, then all of them into the lists.

use super::stencil::Got;
use super::{Address, At, Reader};
use crate::diagnostic::{Diagnostic, Fault, Severity};
use crate::entity::{Entity, Map};
use crate::mapping::notation::{Place, Rule};
use crate::mapping::tree::{LINES, Occurrence, PACKAGES, Seat, Tree, flatten, plan};
use std::collections::HashMap;
use std::ops::Range;

/// The nodes of a tree as they come.
#[derive(Default)]
struct Found {
    nodes: Vec<Occurrence>,
    /// The loop of each node.
    instances: Vec<usize>,
    /// What the trace noted of each node: of its item, then of its allocation.
    noted: Vec<[Range<usize>; 2]>,
    /// Nodes whose item, or whose allocation, a stencil laid: all of them come together in the end.
    laid: Vec<(usize, bool)>,
    /// Node by number; the number of a node that no level knows leads to the node above it.
    numbers: HashMap<String, usize>,
}

impl Found {
    fn add(&mut self, node: Occurrence, instance: usize, noted: [Range<usize>; 2]) -> usize {
        self.nodes.push(node);
        self.instances.push(instance);
        self.noted.push(noted);
        self.nodes.len() - 1
    }
}

impl Reader<'_> {
    /// Reads the tree of the document into the lists of the entity; what each node became, and the loop it was.
    pub(super) fn tree(&mut self, tree: &Tree, entity: &mut Entity) -> Vec<(Seat, usize)> {
        let (mut found, mark) = (Found::default(), self.filling.mark());
        for (_, instance) in self.segments(At::Loop(0), &tree.each) {
            if let Some(instance) = instance {
                self.node(tree, instance, entity, &mut found);
            }
        }
        for ((node, is_allocation), fields) in found.laid.drain(..).zip(self.filling.take(mark)) {
            let node = &mut found.nodes[node];
            *(if is_allocation { &mut node.allocation } else { &mut node.fields }) = fields;
        }
        self.counts(tree, &found.nodes);
        let seats = flatten(tree, found.nodes, &mut entity.fields);
        self.trace(tree, &seats, found.noted);
        seats.into_iter().zip(found.instances).collect()
    }

    fn node(&mut self, tree: &Tree, instance: usize, entity: &mut Entity, found: &mut Found) {
        let at = At::Loop(instance);
        let mut take = |place: &Place| self.value_at(at, place);
        let (id, above) = (take(&tree.id).unwrap_or_default(), take(&tree.parent));
        let (code, _) = (tree.level.as_ref().and_then(&mut take), tree.has_child.as_ref().and_then(&mut take));
        let parent = above.and_then(|above| found.numbers.get(&above).copied());
        let level = match &tree.level {
            Some(_) => tree.level_of(&code.clone().unwrap_or_default()),
            None => Some(self.level_by_place(tree, at, parent, found)),
        };
        let Some(index) = level else {
            self.unknown_level(tree, at, &code.unwrap_or_default());
            found.numbers.extend(parent.map(|parent| (id, parent)));
            return;
        };
        let level = &tree.levels[index];
        // A package that stands under a line is an allocation of it; elsewhere it has none.
        let above = parent.map(|parent| found.nodes[parent].level);
        let is_allocation =
            level.list.as_deref() != Some(PACKAGES) || above.is_some_and(|above| tree.is_in(above, LINES));
        let mut node = Occurrence { level: index, parent, ..Occurrence::default() };
        let begin = self.claimed.trace.mark();
        if is_allocation {
            node.allocation = self.fields(&level.allocation, at, true, found);
        }
        let middle = self.claimed.trace.mark();
        match &level.list {
            Some(_) => node.fields = self.fields(&level.rules, at, false, found),
            None => self.rules(&level.rules, at, &mut entity.fields),
        }
        let end = self.claimed.trace.mark();
        let node = found.add(node, instance, [middle..end, begin..middle]);
        found.numbers.insert(id, node);
        self.inside(tree, at, node, found);
    }

    /// What rules read of the next node; nothing yet where a stencil laid it.
    fn fields(&mut self, rules: &[Rule], at: At, is_allocation: bool, found: &mut Found) -> Map {
        let walk = |reader: &mut Self| {
            let mut fields = Map::new();
            reader.rules(rules, at, &mut fields);
            Some(fields)
        };
        match self.by_stencil(rules, at, walk) {
            Some(Got::Fields(fields)) => return fields,
            Some(Got::Laid(_)) => found.laid.push((found.nodes.len(), is_allocation)),
            None => {}
        }
        Map::new()
    }

    /// The nodes that are loops inside this one.
    fn inside(&mut self, tree: &Tree, at: At, parent: usize, found: &mut Found) {
        for (index, level) in tree.levels.iter().enumerate() {
            let Some(each) = &level.each else { continue };
            for (segment, instance) in self.segments(at, each) {
                let Some(instance) = instance else { continue };
                self.claim_selectors(segment, &each.selectors);
                let at = At::Loop(instance);
                let mut node = Occurrence { level: index, parent: Some(parent), ..Occurrence::default() };
                let begin = self.claimed.trace.mark();
                node.allocation = self.fields(&level.allocation, at, true, found);
                let middle = self.claimed.trace.mark();
                node.fields = self.fields(&level.rules, at, false, found);
                let end = self.claimed.trace.mark();
                found.add(node, instance, [middle..end, begin..middle]);
            }
        }
    }

    /// What was noted of the nodes is of the items that they became.
    fn trace(&mut self, tree: &Tree, seats: &[Seat], noted: Vec<[Range<usize>; 2]>) {
        for ((level, item, allocation), [of_item, of_allocation]) in seats.iter().zip(noted) {
            if let Some(list) = &tree.levels[*level].list {
                self.claimed.trace.seat(of_item, list, *item, None);
            }
            let is_line = tree.levels[*level].list.as_deref() == Some(LINES);
            if let Some(allocation) = allocation.as_ref().filter(|_| is_line) {
                self.claimed.trace.seat(of_allocation, LINES, *item, Some(("allocations", *allocation)));
            }
        }
    }

    /// Without a level code: the first node at the top is the document's, unless it says what makes it an item.
    fn level_by_place(&self, tree: &Tree, at: At, parent: Option<usize>, found: &Found) -> usize {
        let is_item = tree.levels.first().and_then(|level| level.unless.as_ref()).is_some_and(|place| {
            let place = Place { elements: (place.elements.0.max(1), place.elements.1.max(1)), ..place.clone() };
            !self.addresses(at, &place).is_empty()
        });
        usize::from(parent.is_some() || !found.nodes.is_empty() || is_item)
    }

    /// The value at a place of the node, which the tree takes.
    fn value_at(&mut self, at: At, place: &Place) -> Option<String> {
        let address = self.first(at, place)?;
        self.claim(address);
        Some(self.text(address).into_owned())
    }

    fn unknown_level(&mut self, tree: &Tree, at: At, code: &str) {
        let place = tree.level.as_ref().unwrap_or(&tree.id);
        let codes: Vec<_> = tree.levels.iter().map(|level| level.code.as_str()).collect();
        let expected = format!("a level that the mapping knows: {}", codes.join(", "));
        let address = self.addresses(at, place).first().copied();
        let finding = address.map(|address| self.finding(address).because(expected, code));
        self.faults.extend(finding);
    }

    /// Counts as sent are compared, not kept: a document written anew has its own.
    fn counts(&mut self, tree: &Tree, nodes: &[Occurrence]) {
        for (place, level) in &tree.counts {
            let Some(address) = self.first(At::Loop(0), place) else { continue };
            self.claim(address);
            self.claim_place(At::Loop(0), address.0, place);
            let index = level.as_ref().and_then(|level| tree.level_of(level));
            let count = nodes.iter().filter(|node| level.is_none() || Some(node.level) == index).count();
            if self.text(address).trim_start_matches('0') != count.to_string() {
                let what = level.as_ref().map_or(tree.each.tag.to_string(), |level| of_level(tree, level));
                let finding = self.count_differs(address, &format!("{count}, the number of {what}"));
                self.faults.push(finding);
            }
        }
    }

    /// Many senders count lines where the standard counts levels: told, not refused.
    fn count_differs(&self, address: Address, expected: &str) -> Diagnostic {
        let mut finding = self.finding(address).because(expected, self.text(address));
        finding.fault = Fault::SumDiffers;
        finding.severity(Severity::Warning)
    }

    /// What is kept by its place must find its loop again: each gets the number it will be written at.
    pub(super) fn renumber(&mut self, tree: &Tree, entity: &Entity, nodes: &[(Seat, usize)]) {
        let mut written: HashMap<Seat, Vec<usize>> = HashMap::new();
        let mut counts: HashMap<Option<usize>, usize> = HashMap::new();
        for (node, seat) in plan(tree, entity) {
            let is_inside = tree.levels[seat.0].each.is_some();
            let count = counts.entry(node.parent.filter(|_| is_inside)).or_default();
            *count += 1;
            written.entry(seat).or_default().push(*count);
        }
        let mut used: HashMap<Seat, usize> = HashMap::new();
        for (seat, instance) in nodes {
            let nth = used.entry(*seat).or_default();
            let number = written.get(seat).and_then(|all| all.get(*nth));
            *nth += 1;
            self.numbers.extend(number.map(|number| (*instance, *number)));
        }
    }
}

fn of_level(tree: &Tree, code: &str) -> String {
    let level = tree.level_of(code).and_then(|at| tree.levels[at].each.as_ref());
    level.map_or_else(|| format!("{} {code}", tree.each.tag), |each| each.tag.to_string())
}
