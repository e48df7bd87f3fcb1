//! JSON Schema (2020-12) of an entity, from its definition. The pages under `/schemas` are these.

use super::{Field, FieldType, definition};
use serde_json::{Map, Value, json};

/// The schema of an entity; `None` when there is no such entity.
#[must_use]
pub fn schema(kind: &str) -> Option<Value> {
    let definition = definition(kind)?;
    let mut schema = object(&definition.fields);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = definition.name.clone().into();
    schema["description"] = definition.meaning.clone().into();
    schema["properties"]["type"] = json!({ "const": kind });
    if let Some(required) = schema["required"].as_array_mut() {
        required.insert(0, "type".into());
    }
    Some(schema)
}

fn object(fields: &[Field]) -> Value {
    let properties: Map<String, Value> = fields.iter().map(|field| (field.name.clone(), property(field))).collect();
    let required: Vec<_> = fields.iter().filter(|field| field.is_required).map(|field| field.name.clone()).collect();
    let mut made =
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let either = |field: &Field| {
        let other = field.unless.as_ref()?;
        Some(
            json!({ "anyOf": [{ "required": [field.name] }, { "required": [other], "properties": { other: { "not": { "const": false } } } }] }),
        )
    };
    let either: Vec<_> = fields.iter().filter_map(either).collect();
    if !either.is_empty() {
        made["allOf"] = either.into();
    }
    made
}

fn property(field: &Field) -> Value {
    let mut one = match &field.kind {
        FieldType::Text | FieldType::Temporal => json!({ "type": "string" }),
        FieldType::Date => json!({ "type": "string", "format": "date" }),
        FieldType::Time => json!({ "type": "string", "format": "time" }),
        FieldType::Decimal => json!({ "type": "string", "pattern": r"^-?\d+(\.\d+)?$" }),
        FieldType::Count => json!({ "type": "string", "pattern": r"^\d+$" }),
        FieldType::Flag => json!({ "type": "boolean" }),
        FieldType::Code(list) => json!({
            "description": format!("canonical code of the list {list}"),
            "oneOf": [
                { "type": "string" },
                { "type": "object", "properties": { "list": { "type": "string" }, "code": { "type": "string" } },
                  "required": ["list", "code"], "additionalProperties": false },
            ],
        }),
        FieldType::Object(fields) => object(fields),
    };
    if field.is_list {
        one = json!({ "type": "array", "items": one });
    }
    if !field.meaning.is_empty() {
        one["description"] = field.meaning.clone().into();
    }
    one
}
