//! `lookup: TABLE`: fields get what a lookup table has.

use super::{Done, Each, Keys, Step, StepKind, Wrong};
use crate::diagnostic::{Diagnostic, Fault, Lookup as Sought, Severity, Syntax};
use crate::entity::{Entity, Value};
use crate::table::{Lack, Missing};
use crate::transformation::World;
use crate::transformation::expression::Failure;
use crate::transformation::formula::{Formula, Target};

pub struct Lookup;

#[derive(Debug)]
struct Looking {
    each: Each,
    table: String,
    column: String,
    value: Formula,
    into: Vec<(Target, String)>,
    default: Option<String>,
}

impl StepKind for Lookup {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn help(&self) -> &'static str {
        "lookup: TABLE, column: COLUMN, value: FORMULA, into: { FIELD: COLUMN, … }: the fields get what the row with that value \
         has in these columns. What the table has not is LOOKUP-MISSING, as the table says how bad; default: TEXT is set \
         instead. each: LIST and where: CONDITION: in each of those items."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ lookup: items, column: buyer, value: \"item.ids[scheme = 'buyer'].value\", into: { \"item.ids[scheme = 'gtin'].value\": gtin }, each: lines }",
            r#"{ "lines": [{ "item": { "ids": [{ "scheme": "buyer", "value": "B-100" }] } }] }"#,
            r#"{ "lines": [{ "item": { "ids": [{ "scheme": "buyer", "value": "B-100" }, { "scheme": "gtin", "value": "4012345678901" }] } }] }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let each = keys.each()?;
        let (table, column, default) = (keys.must(self.name())?, keys.must("column")?, keys.text("default")?);
        let mut into = Vec::new();
        for (field, column) in keys.pairs("into")? {
            let key = format!("into.{field}");
            let target = keys.target(&key, &field)?;
            let Some(column) = column.as_str() else {
                return Keys::wrong(&key, format!("expected a column, found {column}"));
            };
            into.push((target, column.to_owned()));
        }
        if into.is_empty() {
            return Keys::wrong("into", "expected FIELD: COLUMN, found nothing".to_owned());
        }
        match keys.formula("value")? {
            Some(value) => Ok(Box::new(Looking { each, table, column, value, into, default })),
            None => Keys::wrong("value", "expected a formula, found nothing".to_owned()),
        }
    }
}

impl Looking {
    fn missing(&self, at: usize, to: &str, sought: &str, lack: Lack) -> Result<Diagnostic, String> {
        let missing = match lack {
            Lack::Value(missing) => missing,
            Lack::Direction(sentence) => return Err(sentence),
        };
        let mut finding = Diagnostic::new(Syntax::Document, Fault::LookupMissing).lacking(Sought {
            table: self.table.clone(),
            column: self.column.clone(),
            to: to.to_owned(),
            value: sought.to_owned(),
            holds: missing == Missing::Hold,
            expected: format!("a row of table {} with {to} for {} {sought}", self.table, self.column),
            severity: if missing == Missing::Warning { Severity::Warning } else { Severity::Error },
        });
        finding.place = self.each.place(at);
        Ok(finding)
    }
}

impl Step for Looking {
    fn run(&self, entity: &mut Entity, world: &World<'_>, findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let mut sought = self.each.look(entity, world.today, |around| Ok(super::first(self.value.run(around)?)))?;
        let mut found = Vec::new();
        for (at, sought) in sought.iter_mut().enumerate() {
            let Some(value) = sought.take().flatten() else {
                found.push(None);
                continue;
            };
            let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim_end().to_owned());
            let mut values: Vec<Option<Value>> = Vec::new();
            for (_, to) in &self.into {
                values.push(match (world.tables.lookup(&self.table, &self.column, to, &text), &self.default) {
                    (Ok(found), _) => Some(found.into()),
                    (Err(Lack::Value(_)), Some(default)) => Some(default.as_str().into()),
                    (Err(lack), _) => {
                        findings.push(self.missing(at, to, &text, lack)?);
                        None
                    }
                });
            }
            found.push(Some(values));
        }
        self.each.change(entity, found, |fields, values| {
            for ((target, _), value) in self.into.iter().zip(values) {
                value.into_iter().for_each(|value| target.set(fields, value));
            }
        });
        Ok(Done::On)
    }

    fn lookups(&self) -> Vec<[String; 3]> {
        self.into.iter().map(|(_, to)| [self.table.clone(), self.column.clone(), to.clone()]).collect()
    }
}
