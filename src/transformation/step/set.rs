//! `set: { FIELD: FORMULA }`: fields get values.

use super::{Done, Each, Keys, Setting, Step, StepKind, Wrong, set_all, values};
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use crate::transformation::World;
use crate::transformation::expression::Failure;

pub struct Set;

#[derive(Debug)]
struct Settings {
    each: Each,
    settings: Vec<Setting>,
}

impl StepKind for Set {
    fn name(&self) -> &'static str {
        "set"
    }

    fn help(&self) -> &'static str {
        "set: { FIELD: FORMULA, … }: the fields get these values, all computed before any is set; a formula that gives \
         nothing takes the field away. each: LIST and where: CONDITION: in each of those items."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ set: { price.amount: \"round(price.amount * 1.19, 2)\", \"item.ids[scheme = 'seller'].value\": \"'S-' & number\" }, each: lines }",
            r#"{ "lines": [{ "number": "1", "price": { "amount": "1.50" } }] }"#,
            r#"{ "lines": [{ "number": "1", "price": { "amount": "1.79" }, "item": { "ids": [{ "scheme": "seller", "value": "S-1" }] } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let each = keys.each()?;
        let settings = keys.settings(self.name(), keys.scope)?;
        Ok(Box::new(Settings { each, settings }))
    }
}

impl Step for Settings {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let found = self.each.look(entity, world.today, |around| values(&self.settings, around))?;
        self.each.change(entity, found, |fields, values| set_all(&self.settings, fields, values));
        Ok(Done::On)
    }
}
