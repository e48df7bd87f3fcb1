//! Items of a list that is flat in the entity, though the document sorts them into loops: the loop that an item stands in is
//! found or begun, by rules for what is around (`around:`) or by what the item says of the loop's segment (`^/02`). How an
//! item itself is written is the writer's.

use super::record::Recording;
use super::{Address, At, Find, Writer};
use crate::entity::{Map, Path, Value, View};
use crate::mapping::function::Call;
use crate::mapping::notation::{Body, Each, Place, Rule};

impl Writer<'_> {
    /// Writes an item into the loop of the one before, when it is to say the same of both, else into a fresh one.
    pub(super) fn in_loop<'v>(
        &mut self,
        at: At,
        each: &Each,
        (fields, path): (&'v Map, &Path<'_>),
        around: &mut Option<(usize, Vec<Option<&'v Value>>)>,
        is_only: bool,
    ) {
        let said: Vec<_> = each.around().iter().map(|rule| rule.field.get(fields)).collect();
        let home = match around {
            Some((home, before)) if *before == said => *home,
            _ => {
                let at = self.beginning(at, &each.place);
                let Some(address) = self.segment(at, &each.home(), Find::Fresh, path) else { return };
                self.rules(each.around(), At::Loop(address.0), fields, path);
                address.0
            }
        };
        *around = Some((home, said));
        let Some(address) = self.segment(At::Loop(home), &each.inside(), Find::Fresh, path) else { return };
        let is_loop = self.loops[address.0].trigger == Some(address.1) && address.0 != home;
        let inner = if is_loop { At::Loop(address.0) } else { At::Segment(address) };
        self.by_stencil(each.own(), inner, fields, path, is_only);
    }

    /// A segment for an item. Where its rules say something of the loop around it (`^/02`), or of what stands there once
    /// (`^/OrderReference`), it stands in one of which the same is said, and not before items of its list that came before it.
    pub(super) fn begun(&mut self, at: At, each: &Each, fields: &Map, path: &Path<'_>) -> Option<Address> {
        let at = self.beginning(at, &each.place);
        if each.place.loops.is_empty() {
            return self.segment(at, &each.place, Find::Fresh, path);
        }
        let said = self.said_around(&each.rules, fields);
        let (At::Loop(mut instance), Some((last, before)), false) =
            (at, each.place.loops.split_last(), said.is_empty())
        else {
            return self.segment(at, &each.place, Find::Fresh, path);
        };
        self.note(Recording::spoil);
        for (tag, selectors) in before {
            instance = self.step(instance, tag, selectors, &each.place, Find::Last, path)?.0;
        }
        let is_only = self.loops_there(instance, &last.0) == 1;
        let is_same = |writer: &Self, around: Address| {
            said.iter().all(|(place, text)| match place.tag.is_empty() {
                true => writer.draft(around).get(place.elements.0, place.components.0.max(1)) == text,
                // What an item does not say is so where there is but one.
                false => (text.is_empty() && is_only) || [text, ""].contains(&writer.inside(around.0, place)),
            })
        };
        let there = self.loops_for(instance, &last.0, &each.place);
        let found = there.into_iter().find(|&one| self.fits(one, &last.1) && is_same(self, one));
        let around = match found {
            Some(around) => around,
            None => self.step(instance, &last.0, &last.1, &each.place, Find::Fresh, path)?,
        };
        self.step(around.0, &each.place.tag, &each.place.selectors, &each.place, Find::Fresh, path)
    }

    /// What the rules for an item say of the loop around it.
    fn said_around<'r>(&self, rules: &'r [Rule], fields: &Map) -> Vec<(&'r Place, String)> {
        let of_loop = rules.iter().filter_map(|rule| match &rule.body {
            Body::One(place, calls) if place.is_outer => Some((place, calls, rule.field.get(fields))),
            _ => None,
        });
        let text = |(place, calls, value): (&'r Place, &[Call], Option<&Value>)| {
            let done = self.run(calls, fields.into(), value.map(View::from)).ok().and_then(|done| done.value);
            let text = done.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            (place, text)
        };
        of_loop.map(|(place, calls, value)| text((place, calls.as_slice(), value))).collect()
    }
}
