//! `translate: FIELD`: values become others, one by one.

use super::{Done, Each, Keys, Step, StepKind, Wrong};
use crate::diagnostic::Diagnostic;
use crate::entity::{Entity, Value};
use crate::transformation::World;
use crate::transformation::expression::Failure;
use crate::transformation::formula::{Formula, Target};
use std::collections::BTreeMap;

pub struct Translate;

#[derive(Debug)]
struct Translating {
    each: Each,
    target: Target,
    now: Formula,
    values: BTreeMap<String, String>,
    otherwise: Otherwise,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Otherwise {
    Keep,
    Remove,
    Fail,
}

impl StepKind for Translate {
    fn name(&self) -> &'static str {
        "translate"
    }

    fn help(&self) -> &'static str {
        "translate: FIELD, values: { OLD: NEW, … }: the value becomes the one beside it. otherwise: keep (when left out), \
         remove or fail, for a value that is not named. each: LIST and where: CONDITION: in each of those items. Longer \
         lists are tables: see lookup."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ translate: quantity.unit, values: { CT: CS, PK: CS }, each: lines }",
            r#"{ "lines": [{ "quantity": { "unit": "CT" } }, { "quantity": { "unit": "EA" } }] }"#,
            r#"{ "lines": [{ "quantity": { "unit": "CS" } }, { "quantity": { "unit": "EA" } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let each = keys.each()?;
        let name = keys.must(self.name())?;
        let target = keys.target(self.name(), &name)?;
        let now = Formula::read(&name, keys.scope).or_else(|message| Keys::wrong(self.name(), message))?;
        let otherwise = match keys.word("otherwise", &["keep", "remove", "fail"])? {
            Some("remove") => Otherwise::Remove,
            Some("fail") => Otherwise::Fail,
            _ => Otherwise::Keep,
        };
        let mut values = BTreeMap::new();
        for (old, new) in keys.pairs("values")? {
            let Some(new) = new.as_str() else {
                return Keys::wrong(&format!("values.{old}"), format!("expected a text, found {new}"));
            };
            values.insert(old, new.to_owned());
        }
        match values.is_empty() {
            true => Keys::wrong("values", "expected OLD: NEW, found nothing".to_owned()),
            false => Ok(Box::new(Translating { each, target, now, values, otherwise })),
        }
    }
}

impl Step for Translating {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let found = self.each.look(entity, world.today, |around| {
            let Some(old) = self.now.run(around)?.all().into_iter().next() else { return Ok(None) };
            let new = self.values.get(&old.to_string());
            match (new, self.otherwise) {
                (Some(new), _) => Ok(Some(Some(Value::from(new.as_str())))),
                (None, Otherwise::Keep) => Ok(None),
                (None, Otherwise::Remove) => Ok(Some(None)),
                (None, Otherwise::Fail) => {
                    let known: Vec<_> = self.values.keys().map(String::as_str).collect();
                    Err(format!("expected {} to be one of {}, found {old}", self.target.text, known.join(", ")))
                }
            }
        })?;
        self.each.change(entity, found, |fields, new| match new {
            Some(Some(new)) => self.target.set(fields, new),
            Some(None) => self.target.remove(fields),
            None => {}
        });
        Ok(Done::On)
    }
}
