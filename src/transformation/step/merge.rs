//! `merge: LIST`: items that are alike become one.

use super::{Done, Each, Keys, Step, StepKind, Wrong, key_of};
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::entity::{Entity, KeyPath, Map, Value};
use crate::transformation::formula::{Formula, Kind, Target};
use crate::transformation::{World, items};
use rust_decimal::Decimal;
use std::collections::HashMap;

pub struct Merge;

#[derive(Debug)]
struct Merging {
    each: Each,
    list: String,
    by: Vec<Formula>,
    add: Vec<KeyPath>,
}

impl StepKind for Merge {
    fn name(&self) -> &'static str {
        "merge"
    }

    fn help(&self) -> &'static str {
        "merge: LIST, by: FORMULA, or [FORMULA, …]: items of which these say the same become one, in the place of the first. \
         add: FIELD, or [FIELD, …]: numbers that are added up. Lists in them are put together; where they differ in \
         anything else, the first one's stays and MAPPING-LOSS tells the other. where: CONDITION: only of those items."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ merge: lines, by: [\"item.ids[scheme = 'gtin'].value\", quantity.unit], add: quantity.value }",
            r#"{ "lines": [{ "quantity": { "value": "1.5", "unit": "KGM" }, "item": { "ids": [{ "scheme": "gtin", "value": "1" }] } }, { "quantity": { "value": "2", "unit": "KGM" }, "item": { "ids": [{ "scheme": "gtin", "value": "1" }] } }] }"#,
            r#"{ "lines": [{ "quantity": { "value": "3.5", "unit": "KGM" }, "item": { "ids": [{ "scheme": "gtin", "value": "1" }] } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let list = keys.must(self.name())?;
        let each = keys.each_of(Some(list.clone()), self.name())?;
        let (by, fields) = (keys.formulas("by")?, keys.texts("add")?);
        if by.is_empty() {
            return Keys::wrong("by", "expected a formula, found nothing".to_owned());
        }
        let mut add = Vec::new();
        for field in fields {
            let target: Target = keys.target("add", &field)?;
            if target.kind != Kind::Number || field.contains('[') {
                return Keys::wrong(
                    "add",
                    format!("expected a number of the item, found {field}, which is {}", target.kind.words()),
                );
            }
            add.push(KeyPath::new(field));
        }
        Ok(Box::new(Merging { each, list, by, add }))
    }
}

impl Merging {
    /// Puts an item into the first that is like it.
    fn join(&self, first: &mut Map, mut other: Map, place: &str, findings: &mut Vec<Diagnostic>) -> Result<(), String> {
        for field in &self.add {
            let number = |fields: &Map| -> Result<Option<Decimal>, String> {
                let text = field.get(fields).and_then(Value::as_str);
                text.map(|text| text.parse().map_err(|_| format!("expected a number at {field}, found {text}")))
                    .transpose()
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
            match first.get_mut(&key) {
                None => drop(first.insert(key, value)),
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

impl Step for Merging {
    fn run(&self, entity: &mut Entity, world: &World<'_>, findings: &mut Vec<Diagnostic>) -> Result<Done, String> {
        let found = self.each.look(entity, world.today, |around| key_of(&self.by, around))?;
        let mut keys = found.into_iter().enumerate();
        for list in items::lists_mut(&mut entity.fields, &self.list) {
            let mut kept: Vec<Value> = Vec::new();
            let mut places: HashMap<Vec<String>, usize> = HashMap::new();
            for item in std::mem::take(list) {
                let Value::Object(fields) = item else { continue };
                let (at, key) = keys.next().unwrap_or_default();
                let first = key.as_ref().and_then(|key| places.get(key)).copied();
                match (first, key) {
                    (Some(first), _) => {
                        let first = kept[first].as_object_mut().ok_or("an item that has no fields")?;
                        self.join(first, fields, &self.each.place(at), findings)?;
                    }
                    (None, key) => {
                        places.extend(key.map(|key| (key, kept.len())));
                        kept.push(Value::Object(fields));
                    }
                }
            }
            *list = kept;
        }
        Ok(Done::On)
    }
}
