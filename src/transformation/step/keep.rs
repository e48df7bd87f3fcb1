//! `keep: LIST`: some items of a list, the others go.

use super::{Done, Each, Keys, Step, StepKind, Wrong};
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use crate::transformation::expression::Failure;
use crate::transformation::{World, items};

pub struct Keep;

#[derive(Debug)]
struct Keeping {
    each: Each,
    list: String,
    first: usize,
}

impl StepKind for Keep {
    fn name(&self) -> &'static str {
        "keep"
    }

    fn help(&self) -> &'static str {
        "keep: LIST, where: CONDITION: the items for which it holds; the others go. first: n: of these so many at most."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ keep: lines, where: quantity.value > 0 }",
            r#"{ "lines": [{ "number": "1", "quantity": { "value": "0" } }, { "number": "2", "quantity": { "value": "3" } }] }"#,
            r#"{ "lines": [{ "number": "2", "quantity": { "value": "3" } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let list = keys.must(self.name())?;
        let first = keys.number("first")?;
        let each = keys.each_of(Some(list.clone()), self.name())?;
        if each.condition.is_none() && first.is_none() {
            return Keys::wrong("where", "expected a condition, or first, found neither".to_owned());
        }
        let first = first.map_or(usize::MAX, |first| usize::try_from(first).unwrap_or(usize::MAX));
        Ok(Box::new(Keeping { each, list, first }))
    }
}

impl Step for Keeping {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let mut kept = self.each.look(entity, world.today, |_| Ok(()))?.into_iter();
        for list in items::lists_mut(&mut entity.fields, &self.list) {
            let mut left = self.first;
            list.retain(|item| {
                let is_kept = item.is_object() && kept.next().flatten().is_some() && left > 0;
                left -= usize::from(is_kept);
                is_kept
            });
        }
        items::remove_empty(&mut entity.fields, &self.list);
        Ok(Done::On)
    }
}
