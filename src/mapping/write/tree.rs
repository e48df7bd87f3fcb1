//! Writing a tree: the nodes that the lists make, numbered from 1, each by the rules of its level.

use super::{At, Find, Writer};
use crate::entity::Path;
use crate::mapping::notation::Place;
use crate::mapping::tree::{Occurrence, Seat, Tree, plan};

const ALLOCATIONS: Path<'_> = Path::Field(&Path::Root, "allocations");

/// A node that was written.
struct Written {
    /// Its loop; `None` when there was no room for it.
    instance: Option<usize>,
    /// Its number.
    number: usize,
}

impl Writer<'_> {
    /// Writes the tree of the entity.
    pub(super) fn tree(&mut self, tree: &Tree) {
        let nodes = plan(tree, self.entity);
        let mut has_child = vec![false; nodes.len()];
        let is_inside = |level: usize| tree.levels[level].each.is_some();
        for (node, _) in nodes.iter().filter(|(node, _)| !is_inside(node.level)) {
            node.parent.into_iter().for_each(|parent| has_child[parent] = true);
        }
        let mut written: Vec<Written> = Vec::new();
        let mut count = 0;
        for (at, (node, seat)) in nodes.iter().enumerate() {
            count += usize::from(!is_inside(node.level));
            let above = node.parent.map(|parent| &written[parent]);
            let instance = self.node(tree, node, *seat, above, (count, has_child[at]));
            written.push(Written { instance, number: count });
        }
        for (place, level) in &tree.counts {
            let index = level.as_ref().and_then(|level| tree.level_of(level));
            let count = nodes.iter().filter(|(node, _)| level.is_none() || Some(node.level) == index).count();
            self.put_plain(At::Loop(0), place, &count.to_string());
        }
    }

    fn node(
        &mut self,
        tree: &Tree,
        node: &Occurrence,
        (_, item, allocation): Seat,
        above: Option<&Written>,
        (number, has_child): (usize, bool),
    ) -> Option<usize> {
        let level = &tree.levels[node.level];
        let list = level.list.as_deref().unwrap_or_default();
        let list = Path::Field(&Path::Root, list);
        let field = if level.list.is_some() { Path::Item(&list, item + 1) } else { Path::Root };
        let (outer, each) = match &level.each {
            Some(each) => (above?.instance?, each),
            None => (0, &tree.each),
        };
        let (instance, _) = self.segment(At::Loop(outer), each, Find::Fresh, &field)?;
        let at = At::Loop(instance);
        if level.each.is_none() {
            self.put_plain(at, &tree.id, &number.to_string());
            if let Some(above) = above {
                self.put_plain(at, &tree.parent, &above.number.to_string());
            }
            if let Some(place) = &tree.level {
                self.put_plain(at, place, &level.code);
            }
            if let Some(place) = &tree.has_child {
                self.put_plain(at, place, if has_child { "1" } else { "0" });
            }
        }
        // As in reading: what the item has here goes before what it says of itself.
        let part = allocation.map_or(field, |number| Path::Item(&ALLOCATIONS, number + 1));
        // An item may be written at several nodes, each time as a whole.
        let written = std::mem::take(&mut self.written);
        self.rules(&level.allocation, at, &node.allocation, &part);
        if level.list.is_some() {
            self.rules(&level.rules, at, &node.fields, &field);
        }
        self.written = written;
        if level.list.is_none() {
            self.rules(&level.rules, at, &self.entity.fields, &field);
        }
        Some(instance)
    }

    fn put_plain(&mut self, at: At, place: &Place, text: &str) {
        self.put_text(at, place, text.into(), &Path::Root);
    }
}
