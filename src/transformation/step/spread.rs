//! `spread: LIST`: an item becomes as many as one of its lists has items (columns become rows).

use super::{Done, Keys, Setting, Step, StepKind, Wrong, set_all, values};
use crate::diagnostic::Diagnostic;
use crate::entity::{Entity, Value};
use crate::transformation::expression::Failure;
use crate::transformation::formula::{Around, Once};
use crate::transformation::{World, items};

pub struct Spread;

/// Items that a list becomes, at most.
const ITEMS_MAX: usize = 1_000_000;

#[derive(Debug)]
struct Spreading {
    list: String,
    of: String,
    set: Vec<Setting>,
}

impl StepKind for Spread {
    fn name(&self) -> &'static str {
        "spread"
    }

    fn help(&self) -> &'static str {
        "spread: LIST, of: LIST, with: { FIELD: FORMULA, … }: for each item of the inner list an item of the outer one, with \
         these fields from it and everything else as it was; the inner list goes. An item whose inner list has nothing stays. \
         The way back is gather."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ spread: lines, of: deliveries, with: { dates: dates, quantity: quantity } }",
            r#"{ "lines": [{ "number": "1", "quantity": { "value": "3" }, "deliveries": [{ "dates": [{ "role": "delivery_requested", "at": "2026-02-01" }], "quantity": { "value": "1" } }, { "quantity": { "value": "2" } }] }] }"#,
            r#"{ "lines": [{ "number": "1", "quantity": { "value": "1" }, "dates": [{ "role": "delivery_requested", "at": "2026-02-01" }] }, { "number": "1", "quantity": { "value": "2" } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let (list, of) = (keys.must(self.name())?, keys.must("of")?);
        if of.contains('.') {
            return Keys::wrong("of", format!("expected a list of the item, found {of}"));
        }
        keys.enter(&list, self.name())?;
        let outer = keys.scope;
        keys.scope = outer.inside(&of).or_else(|message| Keys::wrong("of", message))?;
        let set = keys.settings("with", outer)?;
        Ok(Box::new(Spreading { list, of, set }))
    }
}

impl Step for Spreading {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let (mut found, once) = (Vec::new(), Once::default());
        let mut count = 0;
        for item in items::items(&entity.fields, Some(&self.list)) {
            let inner = item.get(&self.of).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
            let around = |item| Around { item, document: &entity.fields, today: world.today, once: &once };
            found.push(inner.map(|item| values(&self.set, &around(item))).collect::<Result<Vec<_>, _>>()?);
            count += found.last().map_or(0, |inner| inner.len().max(1));
        }
        if count > ITEMS_MAX {
            return Err(format!("expected at most {ITEMS_MAX} items, found {count}").into());
        }
        let mut found = found.into_iter();
        for list in items::lists_mut(&mut entity.fields, &self.list) {
            let mut spread = Vec::new();
            for item in std::mem::take(list) {
                let Value::Object(mut fields) = item else { continue };
                let inner = found.next().unwrap_or_default();
                if inner.is_empty() {
                    spread.push(Value::Object(fields));
                    continue;
                }
                fields.remove(&self.of);
                for values in inner {
                    let mut one = fields.clone();
                    set_all(&self.set, &mut one, values);
                    spread.push(Value::Object(one));
                }
            }
            *list = spread;
        }
        Ok(Done::On)
    }
}
