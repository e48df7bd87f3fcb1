//! `jsonata: EXPRESSION`: what steps cannot say.

use super::{Done, Keys, Step, StepKind, Wrong};
use crate::diagnostic::{Diagnostic, Fault};
use crate::entity::{Entity, Map, Value};
use crate::transformation::World;
use crate::transformation::expression::{DATA_BYTES_MAX, EXPRESSION_BYTES_MAX, Failure};
use crate::transformation::formula::{Kind, Target};

pub struct Jsonata;

#[derive(Debug)]
struct Running {
    expression: String,
    into: Option<Target>,
}

impl StepKind for Jsonata {
    fn name(&self) -> &'static str {
        "jsonata"
    }

    fn help(&self) -> &'static str {
        "jsonata: EXPRESSION, into: FIELD: the field gets what the expression makes of the entity's JSON; without into it makes \
         the entity anew. Amounts and quantities are texts: $number and the operators of JSONata are inexact, \
         $add, $subtract, $multiply, $divide and $roundDecimal take and give exact decimals as texts."
    }

    fn example(&self) -> [&'static str; 3] {
        [
            "{ jsonata: \"$uppercase(contract)\", into: contract }",
            r#"{ "contract": "c-7" }"#,
            r#"{ "contract": "C-7" }"#,
        ]
    }

    fn read(&self, keys: &mut Keys<'_>) -> Result<Box<dyn Step>, Wrong> {
        let expression = keys.must(self.name())?;
        if expression.len() > EXPRESSION_BYTES_MAX {
            let found = expression.len();
            return Keys::wrong(self.name(), format!("expected at most {EXPRESSION_BYTES_MAX} bytes, found {found}"));
        }
        let into = keys.text("into")?;
        let into = into.map(|text| keys.target("into", &text)).transpose()?;
        Ok(Box::new(Running { expression, into }))
    }
}

impl Running {
    /// What the expression gave, as a value of an entity: numbers are texts there.
    fn value(&self, text: &str) -> Result<Value, String> {
        let json: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
        Ok(entity_value(&json))
    }

    fn put(&self, entity: &mut Entity, value: Option<Value>) -> Result<(), String> {
        let Some(into) = &self.into else {
            let fields = value.as_ref().and_then(Value::as_object).ok_or_else(|| {
                let found = value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
                format!("expected an object with the fields of the entity, found {found}")
            })?;
            let kind = fields.get("type").and_then(Value::as_str).unwrap_or(&entity.kind);
            if kind != entity.kind {
                return Err(format!("expected an entity of type {}, found {kind}", entity.kind));
            }
            entity.fields = fields
                .iter()
                .filter(|(key, _)| *key != "type")
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            return Ok(());
        };
        match value {
            None => into.remove(&mut entity.fields),
            // One that is alone loses its brackets in JSONata.
            Some(one) if into.is_list && one.as_array().is_none() => {
                into.set(&mut entity.fields, Value::Array(vec![one]))
            }
            Some(value) => {
                let fits = match (&value, into.kind) {
                    (Value::Array(_), _) => into.is_list,
                    (Value::Object(_), kind) => kind == Kind::Object || kind == Kind::Text,
                    (Value::Bool(_), kind) => kind == Kind::Flag,
                    (_, kind) => kind != Kind::Object && kind != Kind::Flag,
                };
                if !fits {
                    return Err(format!("expected {} for {}, found {value}", into.kind.words(), into.text));
                }
                into.set(&mut entity.fields, value);
            }
        }
        Ok(())
    }
}

/// What of an entity is not as its definition says.
fn malformed(entity: &Entity) -> Vec<Diagnostic> {
    entity.check().into_iter().filter(|one| one.fault == Fault::MappingValue).collect()
}

fn entity_value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Number(number) => Value::from(number.to_string()),
        serde_json::Value::Array(items) => {
            Value::Array(items.iter().filter(|item| !item.is_null()).map(entity_value).collect())
        }
        serde_json::Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (crate::entity::key(name), entity_value(value))).collect::<Map>())
        }
        other => Value::from(other),
    }
}

impl Step for Running {
    fn run(&self, entity: &mut Entity, world: &World<'_>, _findings: &mut Vec<Diagnostic>) -> Result<Done, Failure> {
        let mut data = Vec::new();
        entity.write_json(&mut data);
        let data = String::from_utf8(data).map_err(|error| error.to_string())?;
        if data.len() > DATA_BYTES_MAX {
            let found = data.len();
            return Err(
                format!("expected an entity of at most {DATA_BYTES_MAX} bytes for jsonata, found {found}").into()
            );
        }
        let made = world.expressions.run(&self.expression, &data)?;
        let value = made.map(|text| self.value(&text)).transpose()?;
        let before = malformed(entity);
        self.put(entity, value)?;
        // What steps behind it would not understand ends here.
        match malformed(entity).into_iter().find(|one| !before.contains(one)) {
            Some(wrong) => Err(format!("what it made is no {}: {}", entity.kind, wrong.message()).into()),
            None => Ok(Done::On),
        }
    }

    fn expression(&self) -> Option<&str> {
        Some(&self.expression)
    }
}
