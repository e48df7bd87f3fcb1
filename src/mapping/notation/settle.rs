//! What is known of rules before any document comes: which of them are for the same field, and which fields an item must
//! have. It is settled once, when a mapping is read.

use super::{Body, Each, Mapping, Rule, Slots, Turn};
use crate::entity::{self, EntityDefinition};
use crate::mapping::loss::fields_of;
use std::collections::{BTreeSet, HashMap};

/// Settles which of the rules of a list are for the same field.
pub(super) fn settle(rules: &mut [Rule]) {
    let takes_rest = |one: &Rule| matches!(&one.body, Body::Each(each) if each.rest.is_some());
    for index in 0..rules.len() {
        let is_same = |other: &&Rule| other.field == rules[index].field && !other.is_read_only;
        let is_last = !rules[index + 1..].iter().any(|other| is_same(&other));
        let mut shared = BTreeSet::new();
        let is_one_of_several = !is_last || rules[..index].iter().any(|other| is_same(&other));
        if is_one_of_several && !rules.iter().filter(is_same).any(takes_rest) {
            rules.iter().filter(is_same).for_each(|one| fields_of(one.inner(), "", &mut shared));
        }
        rules[index].turn = Turn { is_only: !is_one_of_several, is_last, shared };
    }
}

impl Mapping {
    /// The rules of levels that are no items write fields of the document, as its own rules do; what an item has in a
    /// package stands beside what it says of itself.
    pub(super) fn settle_levels(&mut self) {
        let Some(tree) = &mut self.tree else { return };
        let (items, loose): (Vec<_>, Vec<_>) = tree.levels.iter_mut().partition(|level| level.list.is_some());
        let mut document: Vec<&mut Rule> = self.rules.iter_mut().collect();
        document.extend(loose.into_iter().flat_map(|level| level.allocation.iter_mut().chain(&mut level.rules)));
        share(document);
        for level in items {
            share(level.allocation.iter_mut().chain(&mut level.rules).collect());
        }
    }

    /// Marks the rules for fields that items must have.
    pub(super) fn mark_required(&mut self) {
        let definition = self.select.iter().find_map(|choice| entity::definition(&choice.entity));
        let Some(definition) = definition else { return };
        mark(&mut self.rules, "", definition);
        for level in self.tree.iter_mut().flat_map(|tree| &mut tree.levels) {
            let list = level.list.clone().unwrap_or_default();
            mark(&mut level.rules, &list, definition);
            mark(&mut level.allocation, &format!("{list}.allocations"), definition);
        }
    }
}

fn mark(rules: &mut [Rule], prefix: &str, definition: &EntityDefinition) {
    for rule in rules {
        let field = if prefix.is_empty() { rule.field.to_string() } else { format!("{prefix}.{}", rule.field) };
        rule.is_required = definition.field(&field).is_some_and(|field| field.is_required);
        match &mut rule.body {
            Body::Each(Each { rules, .. }) | Body::Slots(Slots { rules, .. }) => mark(rules, &field, definition),
            Body::One(..) | Body::Many(..) | Body::Computed(_) => {}
        }
    }
}

/// Rules of several lists that write the fields of one object: none is the only one for a field that another has.
fn share(rules: Vec<&mut Rule>) {
    let mut count: HashMap<String, usize> = HashMap::new();
    rules.iter().for_each(|rule| *count.entry(rule.field.to_string()).or_default() += 1);
    for rule in rules {
        rule.turn.is_only &= count.get(&*rule.field) == Some(&1);
    }
}
