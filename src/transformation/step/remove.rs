//! `remove: FIELD`: fields that go.

use super::{Done, Each, Keys, Step, StepKind, Wrong};
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use crate::transformation::World;
use crate::transformation::expression::Failure;
use crate::transformation::formula::Target;

pub struct Remove;

#[derive(Debug)]
struct Removing {
    each: Each,
    targets: Vec<Target>,
}

impl StepKind for Remove {
    fn name(&self) -> &'static str {
        "remove"
    }

    fn help(&self) -> &'static str {
        "remove: FIELD, or [FIELD, …]: these fields go, through a list those of all its items. each: LIST and where: \
         CONDITION: of each of those items."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ remove: [texts, \"parties[role = 'carrier']\", lines.price] }",
            r#"{ "texts": [{ "body": "x" }], "parties": [{ "role": "carrier" }, { "role": "buyer" }], "lines": [{ "number": "1", "price": { "amount": "2" } }] }"#,
            r#"{ "parties": [{ "role": "buyer" }], "lines": [{ "number": "1" }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let each = keys.each()?;
        let names = keys.texts(self.name())?;
        let read =
            |name: &String| Target::read_all(name, keys.scope).or_else(|message| Keys::wrong(self.name(), message));
        let targets = names.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Box::new(Removing { each, targets }))
    }
}

impl Step for Removing {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let found = self.each.look(entity, world.today, |_| Ok(()))?;
        self.each.change(entity, found, |fields, ()| self.targets.iter().for_each(|target| target.remove(fields)));
        Ok(Done::On)
    }
}
