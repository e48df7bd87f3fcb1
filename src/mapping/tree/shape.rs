//! The shape of a tree, such as `S-O-P-I`: which levels stand under which. It is kept with the entity, so that the tree
//! can be written as it came; an entity without one, or with another standard's, gets the shape that its lists allow.

use super::{LINES, ORDERS, Occurrence, PACKAGES, Tree};
use std::collections::BTreeMap;

/// The shape of nodes as they are: each level by the deepest place it stands at.
pub(super) fn of(tree: &Tree, nodes: &[Occurrence]) -> String {
    let mut depths = Vec::with_capacity(nodes.len());
    let mut deepest: BTreeMap<usize, usize> = BTreeMap::new();
    for node in nodes {
        let depth = node.parent.and_then(|parent| depths.get(parent)).map_or(0, |depth: &usize| depth + 1);
        depths.push(depth);
        let there = deepest.entry(node.level).or_default();
        *there = depth.max(*there);
    }
    let mut levels: Vec<_> = deepest.into_iter().collect();
    levels.sort_by_key(|(level, depth)| (*depth, *level));
    let codes: Vec<_> = levels.iter().map(|(level, _)| tree.levels[*level].code.as_str()).collect();
    codes.join("-")
}

/// The rank of each level when a tree is written: by the shape, with what it lacks put where it belongs.
/// `is_mixed`: some package holds lines of several orders, so that it must stand above them.
pub(super) fn ranks(tree: &Tree, shape: &str, is_mixed: bool) -> Vec<usize> {
    let mut order: Vec<usize> = shape.split('-').filter_map(|code| tree.level_of(code)).collect();
    order.dedup();
    let missing = |order: &[usize], list: Option<&str>| -> Vec<usize> {
        let levels = tree.levels.iter().enumerate().filter(|(_, level)| level.list.as_deref() == list);
        levels.map(|(at, _)| at).filter(|at| !order.contains(at)).collect()
    };
    for level in missing(&order, None) {
        order.insert(0, level);
    }
    for level in missing(&order, Some(LINES)) {
        order.push(level);
    }
    for level in missing(&order, Some(PACKAGES)) {
        let next = order.iter().position(|&other| tree.is_in(other, PACKAGES) && other > level);
        let last = order.iter().rposition(|&other| tree.is_in(other, PACKAGES)).map(|at| at + 1);
        let lines = order.iter().position(|&other| tree.is_in(other, LINES));
        order.insert(next.or(last).or(lines).unwrap_or(order.len()), level);
    }
    for level in missing(&order, Some(ORDERS)) {
        let first = order.iter().position(|&other| tree.levels[other].list.is_some());
        let lines = order.iter().position(|&other| tree.is_in(other, LINES));
        order.insert(if is_mixed { lines } else { first }.unwrap_or(order.len()), level);
    }
    let rank = |level: usize| order.iter().position(|&other| other == level).unwrap_or(usize::MAX);
    (0..tree.levels.len()).map(rank).collect()
}
