//! `append: LIST`: an item more.

use super::{Done, Each, Keys, Setting, Step, StepKind, Wrong, set_all, values};
use crate::diagnostic::Diagnostic;
use crate::entity::{Entity, Map, Value, key};
use crate::transformation::World;
use crate::transformation::expression::Failure;

pub struct Append;

#[derive(Debug)]
struct Appending {
    each: Each,
    list: String,
    with: Vec<Setting>,
}

impl StepKind for Append {
    fn name(&self) -> &'static str {
        "append"
    }

    fn help(&self) -> &'static str {
        "append: LIST, with: { FIELD: FORMULA, … }: an item more at the end of the list. each: LIST and where: CONDITION: \
         of the list in each of those items."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ append: texts, with: { body: \"'As of ' & issued\" } }",
            r#"{ "issued": "2026-01-31" }"#,
            r#"{ "issued": "2026-01-31", "texts": [{ "body": "As of 2026-01-31" }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let each = keys.each()?;
        let list = keys.must(self.name())?;
        if list.contains('.') {
            return Keys::wrong(self.name(), format!("expected a list of the item at hand, found {list}; see each"));
        }
        let inside = keys.scope.inside(&list).or_else(|message| Keys::wrong(self.name(), message))?;
        let with = keys.settings("with", inside)?;
        Ok(Box::new(Appending { each, list, with }))
    }
}

impl Step for Appending {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let found = self.each.look(entity, world.today, |around| values(&self.with, around))?;
        self.each.change(entity, found, |fields, values| {
            let mut item = Map::new();
            set_all(&self.with, &mut item, values);
            let list = fields.or_insert_with(&key(&self.list), || Value::Array(Vec::new()));
            if let (Some(items), false) = (list.as_array_mut(), item.is_empty()) {
                items.push(Value::Object(item));
            }
        });
        Ok(Done::On)
    }
}
