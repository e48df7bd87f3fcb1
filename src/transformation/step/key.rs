//! `key: FIELD`: a number of our own for something, the same whenever it comes.

use super::{Done, Each, Keys, Step, StepKind, Wrong, key_of};
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use crate::transformation::World;
use crate::transformation::expression::Failure;
use crate::transformation::formula::{Formula, Target};

pub struct Key;

#[derive(Debug)]
struct Keyed {
    each: Each,
    field: Target,
    of: Vec<Formula>,
    sequence: String,
    from: u64,
    width: usize,
}

impl StepKind for Key {
    fn name(&self) -> &'static str {
        "key"
    }

    fn help(&self) -> &'static str {
        "key: FIELD, of: FORMULA, or [FORMULA, …], sequence: NAME: a number of our own for what the formulas say, the next of \
         the sequence when it comes for the first time and the same ever after. from: n is its first; width: n: digits with \
         zeros in front. each: LIST and where: CONDITION: in each of those items."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ key: \"item.ids[scheme = 'seller'].value\", of: \"item.ids[scheme = 'buyer'].value\", sequence: items, from: '100', each: lines }",
            r#"{ "lines": [{ "item": { "ids": [{ "scheme": "buyer", "value": "B" }] } }, { "item": { "ids": [{ "scheme": "buyer", "value": "B" }] } }] }"#,
            r#"{ "lines": [{ "item": { "ids": [{ "scheme": "buyer", "value": "B" }, { "scheme": "seller", "value": "100" }] } }, { "item": { "ids": [{ "scheme": "buyer", "value": "B" }, { "scheme": "seller", "value": "100" }] } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let each = keys.each()?;
        let (name, sequence) = (keys.must(self.name())?, keys.must("sequence")?);
        let (from, width) = (keys.from()?, keys.width()?);
        let (field, of) = (keys.numbered(self.name(), &name)?, keys.formulas("of")?);
        if of.is_empty() {
            return Keys::wrong("of", "expected a formula, found nothing".to_owned());
        }
        Ok(Box::new(Keyed { each, field, of, sequence, from, width }))
    }
}

impl Step for Keyed {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let found = self.each.look(entity, world.today, |around| {
            let of = key_of(&self.of, around)?;
            // What says nothing is nothing that could have a number.
            if of.iter().all(Vec::is_empty) {
                return Ok(None);
            }
            let owner = serde_json::Value::from(of).to_string();
            let number = world.numbers.number(&self.sequence, self.from, &owner)?;
            Ok(Some(format!("{number:0>width$}", width = self.width)))
        })?;
        self.each.change(entity, found, |fields, number| {
            number.into_iter().for_each(|number| self.field.set(fields, number.into()));
        });
        Ok(Done::On)
    }
}
