//! `merge: LIST`: items that are alike become one.

use super::alike::Alike;
use super::{Done, Keys, Step, StepKind, Wrong};
use crate::diagnostic::Diagnostic;
use crate::entity::Entity;
use crate::transformation::World;
use crate::transformation::expression::Failure;

pub struct Merge;

#[derive(Debug)]
struct Merging(Alike);

impl StepKind for Merge {
    fn name(&self) -> &'static str {
        "merge"
    }

    fn help(&self) -> &'static str {
        "merge: LIST, by: FORMULA, or [FORMULA, …]: items of which these say the same become one, in the place of the first; \
         one of which any says nothing stays by itself. add: FIELD, or [FIELD, …]: numbers that are added up. Lists in them \
         are put together, those of amounts or quantities whole, of others what is not there already; where they differ in anything else, the first one's stays and MAPPING-LOSS tells the other. \
         where: CONDITION: only of those items."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ merge: lines, by: [\"item.ids[scheme = 'gtin'].value\", quantity.unit], add: quantity.value }",
            r#"{ "lines": [{ "quantity": { "value": "1.5", "unit": "KGM" }, "item": { "ids": [{ "scheme": "gtin", "value": "1" }] } }, { "quantity": { "value": "2", "unit": "KGM" }, "item": { "ids": [{ "scheme": "gtin", "value": "1" }] } }] }"#,
            r#"{ "lines": [{ "quantity": { "value": "3.5", "unit": "KGM" }, "item": { "ids": [{ "scheme": "gtin", "value": "1" }] } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        Alike::read(self.name(), keys).map(|alike| Box::new(Merging(alike)) as Box<dyn Step>)
    }
}

impl Step for Merging {
    fn run(&self, entity: &mut Entity, world: &World<'_>, findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        self.0.join(entity, world, findings, (|_| Ok(()), |_| {}, |_, ()| {}))?;
        Ok(Done::On)
    }
}
