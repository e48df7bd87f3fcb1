//! Items of a list that one segment cannot carry whole: what an earlier rule left of an item goes to a later rule that
//! takes the rest (a discount and the net days of the same terms are two PAT in EDIFACT). Nothing is dropped in silence.

use super::loss::{fields_of, leaves};
use super::notation::{Each, Rule};
use super::write::{At, Writer};
use crate::entity::{Map, Path, Value, get, set};
use std::collections::BTreeSet;

/// Fields that the rule carries which wrote an item; `None` for items no rule has written so far.
type Before = Vec<Option<BTreeSet<String>>>;

impl Writer<'_> {
    /// What has been carried of each item by the rules before; empty when the list has no rule before.
    pub(super) fn carried(&self, rules: &[Rule], items: &[Value], field: &Path<'_>, index: usize) -> Before {
        if !rules[..index].iter().any(|rule| rule.field == rules[index].field) {
            return Vec::new();
        }
        let of_item = |number: usize| {
            let by = self.written.get(&Path::Item(field, number + 1).to_string())?;
            let mut found = BTreeSet::new();
            fields_of(rules.get(*by)?.inner(), "", &mut found);
            Some(found)
        };
        (0..items.len()).map(of_item).collect()
    }

    /// Writes the rest of items that a rule before has carried in part, where the rule takes it.
    pub(super) fn rest(&mut self, at: At, each: &Each, items: &[Value], field: &Path<'_>, carried: Before) {
        let Some(repeated) = &each.rest else { return };
        let mut own = BTreeSet::new();
        fields_of(&each.rules, "", &mut own);
        for (number, (item, carried)) in items.iter().zip(carried).enumerate() {
            let (Some(carried), Some(fields)) = (carried, item.as_object()) else { continue };
            let mut there = BTreeSet::new();
            leaves(item, String::new(), &mut there);
            let is_below = |one: &String, known: &BTreeSet<String>| {
                known.iter().any(|known| one == known || one.starts_with(&format!("{known}.")))
            };
            let left: Vec<_> = there.iter().filter(|one| is_below(one, &own) && !is_below(one, &carried)).collect();
            if left.is_empty() {
                continue;
            }
            let path = Path::Item(field, number + 1);
            // What the segment repeats has been written before, in another one.
            let inside = format!("{path}.");
            self.written.retain(|written, _| !written.starts_with(&inside));
            self.item(at, each, &part(fields, left.into_iter().chain(repeated)), &path, false);
        }
    }
}

/// The fields named, of an object.
fn part<'f>(fields: &Map, names: impl Iterator<Item = &'f String>) -> Map {
    let mut found = Map::new();
    for name in names {
        if let Some(value) = get(fields, name) {
            set(&mut found, name, value.clone());
        }
    }
    found
}
