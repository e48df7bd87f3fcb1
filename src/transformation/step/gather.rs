//! `gather: LIST`: items that are alike become one with a list of what they differ in (rows become columns).

use super::alike::Alike;
use super::{Done, Keys, Setting, Step, StepKind, Wrong, set_all, values};
use crate::diagnostic::Diagnostic;
use crate::entity::{Entity, Map, Value, key};
use crate::transformation::World;
use crate::transformation::expression::Failure;
use crate::transformation::formula::Target;

pub struct Gather;

#[derive(Debug)]
struct Gathering {
    alike: Alike,
    into: String,
    with: Vec<Setting>,
    remove: Vec<Target>,
}

impl StepKind for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn help(&self) -> &'static str {
        "gather: LIST, by: FORMULA, or [FORMULA, …], into: LIST, with: { FIELD: FORMULA, … }: items that are alike become one, \
         as with merge and with its add and where, and its list `into` gets an item with these fields from each of them. \
         remove: FIELD, or [FIELD, …]: what then goes from the items. The way back is spread."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ gather: lines, by: number, add: quantity.value, into: deliveries, with: { dates: dates, quantity: quantity }, remove: dates }",
            r#"{ "lines": [{ "number": "1", "quantity": { "value": "1" }, "dates": [{ "role": "delivery_requested", "at": "2026-02-01" }] }, { "number": "1", "quantity": { "value": "2" }, "dates": [{ "role": "delivery_requested", "at": "2026-03-01" }] }] }"#,
            r#"{ "lines": [{ "number": "1", "quantity": { "value": "3" }, "deliveries": [{ "dates": [{ "role": "delivery_requested", "at": "2026-02-01" }], "quantity": { "value": "1" } }, { "dates": [{ "role": "delivery_requested", "at": "2026-03-01" }], "quantity": { "value": "2" } }] }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let alike = Alike::read(self.name(), keys)?;
        let (into, names) = (keys.must("into")?, keys.texts("remove")?);
        if into.contains('.') {
            return Keys::wrong("into", format!("expected a list of the item, found {into}"));
        }
        let inside = keys.scope.inside(&into).or_else(|message| Keys::wrong("into", message))?;
        let with = keys.settings("with", inside)?;
        let read = |name: &String| Target::read_all(name, keys.scope).or_else(|message| Keys::wrong("remove", message));
        let remove = names.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Box::new(Gathering { alike, into, with, remove }))
    }
}

impl Step for Gathering {
    fn run(&self, entity: &mut Entity, world: &World<'_>, findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let strip = |fields: &mut Map| self.remove.iter().for_each(|target| target.remove(fields));
        let put = |one: &mut Map, given| {
            let mut inner = Map::new();
            set_all(&self.with, &mut inner, given);
            let into = one.or_insert_with(&key(&self.into), || Value::Array(Vec::new()));
            if let (Some(into), false) = (into.as_array_mut(), inner.is_empty()) {
                into.push(Value::Object(inner));
            }
        };
        self.alike.join(entity, world, findings, (|around| values(&self.with, around), strip, put))?;
        Ok(Done::On)
    }
}
