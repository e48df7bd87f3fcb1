//! Which items of a list are a rule's to write: those that have what they must have, and whose fields that say what they are
//! can be written. What is written of them is `write`'s.

use super::record::Recording;
use super::run::Refusal;
use super::{Numbered, Writer};
use crate::entity::{Map, Part, Path, Template, Value, View, has};
use crate::mapping::function::Call;
use crate::mapping::notation::{Body, Rule, suits};
use std::sync::Arc;

/// Templates that are known at once, the latest first: of a document of many forms the others are looked at anew.
const OWNED_MAX: usize = 32;

/// What a template has where rules look whether an item is theirs.
pub(super) struct Owned {
    /// The lists of rules and of fields that an item must have, by where they stand.
    lists: (usize, usize),
    template: Arc<Template>,
    /// The fields that an item must say, of those that are there, by the places of their rules in the list, with their
    /// holes; `None` where each item is to be looked at.
    holes: Option<Vec<(usize, usize)>>,
}

/// The rules whose fields say what an item is, or must be said of it, that have functions.
fn vital(rules: &[Rule]) -> impl Iterator<Item = (usize, &Rule, &[Call])> {
    let is_vital = |(index, rule): &(usize, &Rule)| *index == 0 || rule.is_required;
    let with_calls = |(index, rule)| Some((index, rule, calls(rule)?));
    rules.iter().enumerate().filter(is_vital).filter_map(with_calls)
}

/// The functions of a rule for one value, if it has any.
fn calls(rule: &Rule) -> Option<&[Call]> {
    match &rule.body {
        Body::One(_, calls) | Body::Computed(calls) => Some(calls.as_slice()).filter(|calls| !calls.is_empty()),
        _ => None,
    }
}

/// The holes of those fields, where a template lacks nothing and has a text, or nothing, in each of them.
fn holes_of_vital(fields: &Map, rules: &[Rule], only: &[String], template: &Template) -> Option<Vec<(usize, usize)>> {
    let lacks = !suits(only, |field| has(View::from(fields), field, &|_| true));
    let hole = |(index, rule, _): (usize, &Rule, &[Call])| {
        // What says what an item is and has no place is held against what follows.
        let is_placed = matches!(rule.body, Body::One(..));
        match template.part(&rule.field) {
            Some(Part::Text(hole)) if is_placed || index > 0 => Some(Some((index, *hole))),
            None if is_placed && !rule.supplies => Some(None),
            _ => None,
        }
    };
    let holes = vital(rules).map(hole).collect::<Option<Vec<_>>>().filter(|_| !lacks)?;
    Some(holes.into_iter().flatten().collect())
}

impl Writer<'_> {
    /// The fields of an item when it is this rule's to write: no other rule has written it, it has the field it must
    /// have, and its first field, which says what it is, can be written.
    pub(super) fn own<'v>(
        &mut self,
        item: &'v Value,
        rules: &[Rule],
        only: &[String],
        path: &Path<'_>,
        (index, turn): Numbered<'_>,
    ) -> Option<&'v Map> {
        let fields = item.as_object()?;
        let (lacks, refused) = match self.is_soon_own(fields, rules, only) {
            true => (false, None),
            false => self.lacking(fields, rules, only),
        };
        if !turn.is_only && self.has_written(path) {
            return None;
        }
        if lacks || refused.is_some() {
            if turn.is_last {
                if self.tell_missed(path) {
                    return None;
                }
                match refused {
                    Some((calls, refusal)) => self.refused(calls, path, &refusal),
                    None => self.loss(path, &format!("a field {}", only.join(" or "))),
                }
            }
            return None;
        }
        if !turn.is_only {
            self.written.insert(path.to_string(), index);
        }
        Some(fields)
    }

    /// Whether an item lacks a field that it must have, and which functions refuse what it must say, with the reason.
    fn lacking<'r>(&self, fields: &Map, rules: &'r [Rule], only: &[String]) -> (bool, Option<(&'r [Call], Refusal)>) {
        let lacks = !suits(only, |field| has(View::from(fields), field, &|_| true));
        // Without the first field, or one that an item must have, what is written would say something else.
        let refused = vital(rules).find_map(|(index, rule, calls)| {
            let refusal = self.refusal(rule, calls, fields, index == 0)?;
            let is_carried = index > 0 && self.is_carried(rule, rules, fields);
            (!is_carried).then_some((calls, refusal))
        });
        (lacks, refused)
    }

    /// Whether it is soon seen that an item with a template lacks nothing and that nothing it must say is refused.
    fn is_soon_own(&self, fields: &Map, rules: &[Rule], only: &[String]) -> bool {
        let Some(filled) = fields.filled().filter(|_| self.recording.is_none()) else { return false };
        let (rules_at, only_at, template) = (rules.as_ptr().addr(), only.as_ptr().addr(), filled.template());
        let mut owned = self.owned.borrow_mut();
        let is_it = |one: &Owned| one.lists == (rules_at, only_at) && Arc::ptr_eq(&one.template, template);
        let at = owned.iter().position(is_it).unwrap_or_else(|| {
            let holes = holes_of_vital(fields, rules, only, template);
            owned.truncate(OWNED_MAX - 1);
            owned.insert(0, Owned { lists: (rules_at, only_at), template: template.clone(), holes });
            0
        });
        let Some(holes) = &owned[at].holes else { return false };
        let is_own = holes.is_empty() || {
            let around = self.spot(View::Fields(fields));
            holes.iter().all(|&(index, hole)| {
                calls(&rules[index]).is_none_or(|calls| self.is_writable(calls, fields, filled.hole(hole), &around))
            })
        };
        debug_assert!(!is_own || matches!(self.lacking(fields, rules, only), (false, None)), "it is found soon only");
        is_own
    }

    /// Why a rule cannot say its field of an item: its functions refuse the value, or, where the rule says what an item is
    /// and has no place, another value follows from the item.
    fn refusal(&self, rule: &Rule, calls: &[Call], fields: &Map, says_what: bool) -> Option<Refusal> {
        let done = match self.tried(calls, fields, &rule.field) {
            Err(refusal) => return Some(refusal),
            Ok(done) => done,
        };
        let is_placeless = matches!(rule.body, Body::Computed(_));
        // What the document says by saying nothing is said.
        let is_said_by_nothing = says_what && is_placeless && done.value.is_some();
        let value = if is_said_by_nothing { rule.field.get(fields)? } else { return None };
        self.note(Recording::spoil);
        // What makes nothing of nothing, but an error, is said by the place. Where nothing follows, the field alone is lost.
        let follows = self.through(calls, fields, None).ok()?.value?;
        (follows != *value).then(|| Refusal { expected: format!("{} as it follows, {follows}", rule.field), trial: 0 })
    }

    /// Whether another rule for the same field can say it.
    fn is_carried(&self, rule: &Rule, rules: &[Rule], fields: &Map) -> bool {
        let is_same = |one: &&Rule| one.field == rule.field && !one.is_read_only && !std::ptr::eq(*one, rule);
        let can = |one: &Rule| match &one.body {
            Body::One(_, calls) => self.tried(calls, fields, &rule.field).is_ok(),
            _ => false,
        };
        !rule.turn.is_only && rules.iter().filter(is_same).any(can)
    }
}
