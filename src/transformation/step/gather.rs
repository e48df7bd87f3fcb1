//! `gather: LIST`: items that are alike become one with a list of what they differ in (rows become columns).

use super::{Done, Each, Keys, Setting, Step, StepKind, Wrong, key_of, set_all, values};
use crate::diagnostic::Diagnostic;
use crate::entity::{Entity, Map, Value, key};
use crate::transformation::formula::{Formula, Target};
use crate::transformation::{World, items};
use std::collections::HashMap;

pub struct Gather;

#[derive(Debug)]
struct Gathering {
    each: Each,
    list: String,
    by: Vec<Formula>,
    into: String,
    with: Vec<Setting>,
    remove: Vec<Target>,
}

impl StepKind for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn help(&self) -> &'static str {
        "gather: LIST, by: FORMULA, or [FORMULA, …], into: LIST, with: { FIELD: FORMULA, … }: items of which `by` says the same \
         become one, the first; its list `into` gets an item with these fields from each of them. remove: FIELD, or \
         [FIELD, …]: what then goes from the item. The way back is spread."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ gather: lines, by: number, into: deliveries, with: { \"dates[role = 'delivery_requested'].at\": \"dates[role = 'delivery_requested'].at\", quantity: quantity }, remove: dates }",
            r#"{ "lines": [{ "number": "1", "quantity": { "value": "1" }, "dates": [{ "role": "delivery_requested", "at": "2026-02-01" }] }, { "number": "1", "quantity": { "value": "2" }, "dates": [{ "role": "delivery_requested", "at": "2026-03-01" }] }] }"#,
            r#"{ "lines": [{ "number": "1", "quantity": { "value": "1" }, "deliveries": [{ "dates": [{ "role": "delivery_requested", "at": "2026-02-01" }], "quantity": { "value": "1" } }, { "dates": [{ "role": "delivery_requested", "at": "2026-03-01" }], "quantity": { "value": "2" } }] }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let list = keys.must(self.name())?;
        let each = keys.each_of(Some(list.clone()), self.name())?;
        let (by, into, names) = (keys.formulas("by")?, keys.must("into")?, keys.texts("remove")?);
        if by.is_empty() {
            return Keys::wrong("by", "expected a formula, found nothing".to_owned());
        }
        if into.contains('.') {
            return Keys::wrong("into", format!("expected a list of the item, found {into}"));
        }
        let inside = keys.scope.inside(&into).or_else(|message| Keys::wrong("into", message))?;
        let with = keys.settings("with", inside)?;
        let read = |name: &String| Target::read_all(name, keys.scope).or_else(|message| Keys::wrong("remove", message));
        let remove = names.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Box::new(Gathering { each, list, by, into, with, remove }))
    }
}

impl Step for Gathering {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, String> {
        let found = self
            .each
            .look(entity, world.today, |around| Ok((key_of(&self.by, around)?, values(&self.with, around)?)))?;
        let mut found = found.into_iter();
        for list in items::lists_mut(&mut entity.fields, &self.list) {
            let mut kept: Vec<Value> = Vec::new();
            let mut places: HashMap<Vec<String>, usize> = HashMap::new();
            for item in std::mem::take(list) {
                let Value::Object(mut fields) = item else { continue };
                let Some((by, values)) = found.next().flatten() else {
                    kept.push(Value::Object(fields));
                    continue;
                };
                let at = *places.entry(by).or_insert_with(|| {
                    self.remove.iter().for_each(|target| target.remove(&mut fields));
                    kept.push(Value::Object(fields));
                    kept.len() - 1
                });
                let mut inner = Map::new();
                set_all(&self.with, &mut inner, values);
                let first = kept[at].as_object_mut().ok_or("an item that has no fields")?;
                let into = first.or_insert_with(&key(&self.into), || Value::Array(Vec::new()));
                if let (Some(into), false) = (into.as_array_mut(), inner.is_empty()) {
                    into.push(Value::Object(inner));
                }
            }
            *list = kept;
        }
        Ok(Done::On)
    }
}
