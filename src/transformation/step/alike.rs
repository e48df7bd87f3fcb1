//! Items that are alike become one: what `merge` and `gather` share. It is no step itself.

use super::{Each, Keys, Wrong};
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::entity::{Entity, FieldType, KeyPath, Map, Value};
use crate::transformation::formula::{Around, Formula, Kind};
use crate::transformation::{World, items};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// Which items of a list are alike, and what of them is added up.
#[derive(Debug)]
pub(super) struct Alike {
    each: Each,
    list: String,
    by: Vec<Formula>,
    add: Vec<KeyPath>,
    /// Fields whose lists hold amounts or quantities: each item of them counts, though another says the same.
    counted: Vec<String>,
}

impl Alike {
    /// Reads `where`, `by` and `add` beside the key that names the list; the formulas that follow stand in its items.
    pub(super) fn read(name: &str, keys: &mut Keys<'_>) -> Result<Self, Wrong> {
        let list = keys.must(name)?;
        let each = keys.each_of(Some(list.clone()), name)?;
        let (by, fields) = (keys.formulas("by")?, keys.texts("add")?);
        if by.is_empty() {
            return Keys::wrong("by", "expected a formula, found nothing".to_owned());
        }
        let mut add = Vec::new();
        for field in fields {
            let target = keys.target("add", &field)?;
            if target.kind != Kind::Number || field.contains('[') {
                let found = target.kind.words();
                let message = format!("expected a number of the item, found {field}, which is {found}");
                return Keys::wrong("add", message);
            }
            add.push(KeyPath::new(field));
        }
        let counted = keys.scope.fields.iter().filter(|field| field.is_list && has_numbers(&field.kind));
        let counted = counted.map(|field| field.name.clone()).collect();
        Ok(Alike { each, list, by, add, counted })
    }

    /// Makes items that are alike one, in the place of the first. `look` says what each is to give, `strip` takes from it what
    /// is no more of the item, and `put` puts what was looked at into the one that it became.
    pub(super) fn join<T>(
        &self,
        entity: &mut Entity,
        world: &World<'_>,
        findings: &mut Vec<Diagnostic>,
        (look, strip, put): (impl Fn(&Around<'_>) -> Result<T, String>, impl Fn(&mut Map), impl Fn(&mut Map, T)),
    ) -> Result<(), String> {
        let found = self.each.look(entity, world.today, |around| Ok((self.likeness(around)?, look(around)?)))?;
        let mut found = found.into_iter().enumerate();
        for list in items::lists_mut(&mut entity.fields, &self.list) {
            let mut kept: Vec<Value> = Vec::new();
            let mut places: HashMap<Vec<Vec<String>>, usize> = HashMap::new();
            for item in std::mem::take(list) {
                let Value::Object(mut fields) = item else { continue };
                let (at, said) = found.next().unwrap_or_default();
                let Some((likeness, given)) = said else {
                    kept.push(Value::Object(fields));
                    continue;
                };
                strip(&mut fields);
                let known = likeness.as_ref().and_then(|likeness| places.get(likeness)).copied();
                let place = known.unwrap_or(kept.len());
                if known.is_none() {
                    places.extend(likeness.map(|likeness| (likeness, place)));
                    kept.push(Value::Object(Map::new()));
                }
                let one = kept[place].as_object_mut().ok_or("an item that has no fields")?;
                match known {
                    None => *one = fields,
                    Some(_) => self.join_one(one, fields, &self.each.place(at), findings)?,
                }
                put(one, given);
            }
            *list = kept;
        }
        Ok(())
    }

    /// What an item is alike by; one of which a formula says nothing is like no other.
    fn likeness(&self, around: &Around<'_>) -> Result<Option<Vec<Vec<String>>>, String> {
        Ok(Some(super::key_of(&self.by, around)?).filter(|said| said.iter().all(|one| !one.is_empty())))
    }

    /// Puts an item into the first that is like it.
    fn join_one(
        &self,
        first: &mut Map,
        mut other: Map,
        place: &str,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<(), String> {
        for field in &self.add {
            let number = |fields: &Map| -> Result<Option<Decimal>, String> {
                let text = field.get(fields).and_then(Value::as_str);
                let read = |text: &str| text.parse().map_err(|_| format!("expected a number at {field}, found {text}"));
                text.map(read).transpose()
            };
            if let Some(more) = number(&other)? {
                let sum = number(first)?.unwrap_or_default().checked_add(more);
                let sum = sum.ok_or_else(|| format!("a number out of range: the sum of {field}"))?;
                field.set(first, sum.to_string().into());
                // So that it is no difference.
                field.set(&mut other, sum.to_string().into());
            }
        }
        for (key, value) in other {
            let is_counted = self.counted.iter().any(|name| *name == key);
            match first.get_mut(&key) {
                None => drop(first.insert(key, value)),
                Some(Value::Array(there)) if is_counted => there.extend(value.as_array().cloned().unwrap_or_default()),
                Some(there) if *there == value => {}
                Some(Value::Array(there)) => {
                    let more = value.as_array().into_iter().flatten().filter(|item| !there.contains(item));
                    let more: Vec<_> = more.cloned().collect();
                    there.extend(more);
                }
                Some(there) => {
                    let lost = Diagnostic::new(Syntax::Document, Fault::MappingLoss);
                    let mut lost = lost.because(format!("{there}, as the first of the items says"), value.to_string());
                    lost.place = format!("{place}.{key}");
                    findings.push(lost);
                }
            }
        }
        Ok(())
    }
}

fn has_numbers(kind: &FieldType) -> bool {
    match kind {
        FieldType::Decimal => true,
        FieldType::Object(fields) => fields.iter().any(|field| has_numbers(&field.kind)),
        _ => false,
    }
}
