//! The order of a document type as a table: where a segment of a tag goes when the one before stood at a node, as long
//! as nothing is missing between them.
//!
//! It is worked out from the definition's tree when first asked for. What it does not answer (something is missing, too
//! often there, or in the wrong place) `place` looks for among all nodes; the two may not differ where both answer,
//! which `place` asserts on every segment in debug builds.

use super::definition::{Area, Document, Node, Usage};
use super::rules::Rules;
use super::tag::Tags;
use std::sync::Arc;

/// In the table: not answered here.
const UNANSWERED: u16 = u16::MAX;

/// The table. Nodes are numbered list by list: those of the document, then those of each loop, so that a node of an open
/// loop is the loop's first number and the node's place in its list.
#[derive(Debug, Default)]
pub struct Order {
    columns: Tags,
    width: usize,
    /// Row: number of the node before; column: tag; value: number of the node it goes to.
    next: Vec<u16>,
    spots: Vec<Spot>,
    paths: Arc<[String]>,
}

/// What is known of a numbered node.
#[derive(Debug, Clone, Copy)]
pub struct Spot {
    /// How many lists are open when it stands in one: 1 for the document's own.
    pub depth: u32,
    /// Number of the first node of its list.
    pub first: u32,
    /// How often it may occur in a row.
    pub max: u32,
    /// Its area.
    pub area: Area,
    /// It is a loop.
    pub is_loop: bool,
    /// Of a loop: number of the first node inside.
    pub inside: u32,
    /// Of a loop: where its trigger path stands among [`Order::paths`].
    pub path: u32,
    /// The number of its segment's rules, where the version has any.
    pub rules: Option<u32>,
}

/// A list of nodes with the number of its first, and the place of the loop it belongs to in the list around.
#[derive(Clone, Copy)]
struct List<'d> {
    nodes: &'d [Node],
    first: usize,
    /// The list around and the loop's place in it.
    around: Option<(usize, usize)>,
}

impl Order {
    /// Works the table out.
    #[must_use]
    pub fn new(document: &Document, rules: Rules<'_>) -> Self {
        let mut lists = Vec::new();
        let mut spots = Vec::new();
        let mut paths = vec![String::new()];
        number(&document.nodes, None, 1, rules, &mut (&mut lists, &mut spots, &mut paths));
        let mut tags: Vec<&str> = lists.iter().flat_map(|list| list.nodes).map(|node| node.tag.as_str()).collect();
        tags.sort_unstable();
        tags.dedup();
        let columns = Tags::new(tags.iter().copied());
        let mut order = Order {
            columns,
            width: tags.len(),
            next: vec![UNANSWERED; tags.len() * spots.len()],
            spots,
            paths: paths.into(),
        };
        if order.spots.len() < usize::from(UNANSWERED) {
            for at in 0..lists.len() {
                (0..lists[at].nodes.len()).for_each(|here| order.fill(&lists, at, here));
            }
        }
        order
    }

    /// The node that a segment goes to, by its number, when the one before stands at node `from`.
    #[must_use]
    #[inline]
    pub fn next(&self, from: usize, tag: &[u8]) -> Option<usize> {
        let column = self.columns.find(tag)?;
        let found = *self.next.get(from * self.width + column)?;
        (found != UNANSWERED).then_some(usize::from(found))
    }

    /// Whether the document type has a segment of this tag.
    #[must_use]
    pub fn knows(&self, tag: &[u8]) -> bool {
        self.columns.find(tag).is_some()
    }

    /// What is known of a node.
    #[must_use]
    #[inline]
    pub fn spot(&self, number: usize) -> &Spot {
        &self.spots[number]
    }

    /// The trigger paths of all loops, the document's empty one first.
    #[must_use]
    pub fn paths(&self) -> &Arc<[String]> {
        &self.paths
    }

    /// The row of one node: what may follow it, looking on in its own list first, then behind the loops around it, up to
    /// the first node that must be there.
    fn fill(&mut self, lists: &[List<'_>], mut at: usize, mut here: usize) {
        let row = (lists[at].first + here) * self.width;
        loop {
            let list = lists[at];
            for (node, definition) in list.nodes.iter().enumerate().skip(here) {
                // A loop's first node opens it: again, it is the next occurrence, which the list around has.
                let is_own_trigger = node == here && node == 0 && list.around.is_some();
                let column = self.columns.find(definition.tag.as_bytes()).filter(|_| !is_own_trigger);
                let cell = column.and_then(|column| self.next.get_mut(row + column));
                if let Some(cell) = cell.filter(|cell| **cell == UNANSWERED) {
                    *cell = (list.first + node) as u16;
                }
                if definition.usage == Usage::Required && node != here {
                    return;
                }
            }
            let Some(around) = list.around else { return };
            (at, here) = around;
        }
    }
}

/// Numbers the nodes of a list, then those of the loops in it.
fn number<'d>(
    nodes: &'d [Node],
    around: Option<(usize, usize)>,
    depth: u32,
    rules: Rules<'_>,
    made: &mut (&mut Vec<List<'d>>, &mut Vec<Spot>, &mut Vec<String>),
) {
    let (at, first) = (made.0.len(), made.1.len());
    made.0.push(List { nodes, first, around });
    made.1.extend(nodes.iter().map(|node| Spot {
        depth,
        first: first as u32,
        max: node.max.unwrap_or(u32::MAX),
        area: node.area,
        is_loop: node.body.is_some(),
        inside: 0,
        path: 0,
        rules: rules.segment(node.tag.as_bytes()).map(|number| number as u32),
    }));
    for (place, node) in nodes.iter().enumerate() {
        let Some(body) = &node.body else { continue };
        let (inside, path) = (made.1.len() as u32, made.2.len() as u32);
        made.2.push(body.path.clone());
        let spot = &mut made.1[first + place];
        (spot.inside, spot.path) = (inside, path);
        number(&body.nodes, Some((at, place)), depth + 1, rules, made);
    }
}
