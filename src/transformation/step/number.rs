//! `number: LIST`: items are numbered through.

use super::{Done, Each, Keys, Step, StepKind, Wrong};
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use crate::transformation::World;
use crate::transformation::expression::Failure;
use crate::transformation::formula::Target;

pub struct Number;

#[derive(Debug)]
struct Numbering {
    each: Each,
    field: Target,
    from: u64,
    by: u64,
    width: usize,
}

impl StepKind for Number {
    fn name(&self) -> &'static str {
        "number"
    }

    fn help(&self) -> &'static str {
        "number: LIST: its items are numbered through. field: FIELD, number when left out; from: n, by: n, 1 when left out; \
         width: n: digits with zeros in front. What refers to the old numbers has to be set before."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ number: lines, from: '10', by: '10', width: '3' }",
            r#"{ "lines": [{ "number": "7" }, { "number": "9" }] }"#,
            r#"{ "lines": [{ "number": "010" }, { "number": "020" }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let list = keys.must(self.name())?;
        let (from, by, width) = (keys.from()?, keys.number("by")?, keys.width()?);
        let field = keys.text("field")?.unwrap_or_else(|| "number".to_owned());
        let each = keys.each_of(Some(list), self.name())?;
        let field = keys.numbered("field", &field)?;
        Ok(Box::new(Numbering { each, field, from, by: by.unwrap_or(1), width }))
    }
}

impl Step for Numbering {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let mut next = Some(self.from);
        let found = self.each.look(entity, world.today, |_| {
            let number = next.ok_or("a number out of range")?;
            next = number.checked_add(self.by);
            Ok(format!("{number:0>width$}", width = self.width))
        })?;
        self.each.change(entity, found, |fields, number| self.field.set(fields, number.into()));
        Ok(Done::On)
    }
}
