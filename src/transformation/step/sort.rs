//! `sort: LIST`: the items of a list in another order.

use super::{Done, Each, Keys, Step, StepKind, Wrong};
use crate::diagnostic::Diagnostic;
use crate::entity::{Entity, Value};
use crate::transformation::expression::Failure;
use crate::transformation::formula::{Around, Formula, Kind};
use crate::transformation::{World, items};
use rust_decimal::Decimal;
use std::cmp::Ordering;

pub struct Sort;

#[derive(Debug)]
struct Sorting {
    each: Each,
    list: String,
    by: Vec<(Formula, bool)>,
}

impl StepKind for Sort {
    fn name(&self) -> &'static str {
        "sort"
    }

    fn help(&self) -> &'static str {
        "sort: LIST, by: FORMULA, or [FORMULA, …]: the items in the order of the first, where that is the same of the next; \
         numbers as numbers, all else as text. `FORMULA down` turns the order round. Items that are alike stay as they \
         were; those without a value come last."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ sort: lines, by: [quantity.value down, number] }",
            r#"{ "lines": [{ "number": "1", "quantity": { "value": "9" } }, { "number": "2", "quantity": { "value": "10" } }] }"#,
            r#"{ "lines": [{ "number": "2", "quantity": { "value": "10" } }, { "number": "1", "quantity": { "value": "9" } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let list = keys.must(self.name())?;
        let each = keys.each_of(Some(list.clone()), self.name())?;
        let by = keys.texts("by")?;
        let read = |text: &String| {
            let (text, is_down) = text.strip_suffix(" down").map_or((text.as_str(), false), |text| (text, true));
            Formula::read(text, keys.scope)
                .map(|formula| (formula, is_down))
                .or_else(|message| Keys::wrong("by", message))
        };
        let by: Vec<_> = by.iter().map(read).collect::<Result<_, _>>()?;
        match by.is_empty() {
            true => Keys::wrong("by", "expected a formula, found nothing".to_owned()),
            false => Ok(Box::new(Sorting { each, list, by })),
        }
    }
}

/// What an item is sorted by: of one formula always numbers, or always texts.
enum Rank {
    Nothing,
    Number(Decimal),
    Text(String),
}

impl Sorting {
    fn rank(&self, around: &Around<'_>) -> Result<Vec<Rank>, String> {
        let rank = |(formula, _): &(Formula, bool)| -> Result<Rank, String> {
            let Some(first) = formula.run(around)?.all().into_iter().next() else { return Ok(Rank::Nothing) };
            Ok(match formula.kind() {
                Kind::Number => first.number()?.map_or(Rank::Nothing, Rank::Number),
                _ => Rank::Text(first.to_string()),
            })
        };
        self.by.iter().map(rank).collect()
    }

    fn order(&self, one: &[Rank], other: &[Rank]) -> Ordering {
        let orders = self.by.iter().zip(one.iter().zip(other)).map(|((_, is_down), ranks)| {
            let order = match ranks {
                (Rank::Number(one), Rank::Number(other)) => one.cmp(other),
                (Rank::Text(one), Rank::Text(other)) => one.cmp(other),
                // Those without a value come last, whichever way.
                (one, other) => return matches!(one, Rank::Nothing).cmp(&matches!(other, Rank::Nothing)),
            };
            if *is_down { order.reverse() } else { order }
        });
        orders.fold(Ordering::Equal, Ordering::then)
    }
}

impl Step for Sorting {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let mut ranks = self.each.look(entity, world.today, |around| self.rank(around))?.into_iter();
        for list in items::lists_mut(&mut entity.fields, &self.list) {
            // Those that are not meant stay where they are; the others change places among themselves.
            let mut places = Vec::new();
            let mut sorted: Vec<(Vec<Rank>, Value)> = Vec::new();
            for (at, item) in list.iter_mut().enumerate().filter(|(_, item)| item.is_object()) {
                if let Some(rank) = ranks.next().flatten() {
                    places.push(at);
                    sorted.push((rank, std::mem::take(item)));
                }
            }
            sorted.sort_by(|one, other| self.order(&one.0, &other.0));
            places.into_iter().zip(sorted).for_each(|(at, (_, item))| list[at] = item);
        }
        Ok(Done::On)
    }
}
