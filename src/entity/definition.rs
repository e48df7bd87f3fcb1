//! Entity definitions read from `standards/entity/`: fields, types and meaning, and the structural check by them.

use crate::yaml;
use include_dir::{Dir, include_dir};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

static PACKED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/standards/entity");

/// The file of shared shapes, which is no entity.
const PARTS: &str = "parts";

/// Parts may hold parts, but not without end.
const DEPTH_MAX: usize = 12;

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldType {
    /// Any text.
    Text,
    /// `2026-01-31`.
    Date,
    /// `13:45` or `13:45:30`.
    Time,
    /// A date, a date with time, a month, a week or a period (ISO 8601).
    Temporal,
    /// An exact decimal as text, its scale kept.
    Decimal,
    /// A whole number as text, not negative.
    Count,
    /// True or false.
    Flag,
    /// A canonical code of a list, or `{list, code}` for one that has no canonical counterpart.
    Code(String),
    /// Fields of its own.
    Object(Vec<Field>),
}

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its key.
    pub name: String,
    /// Several values.
    pub is_list: bool,
    /// Must be there.
    pub is_required: bool,
    /// Must be there unless this field beside it is, and is not false.
    pub unless: Option<String>,
    /// What it holds.
    pub kind: FieldType,
    /// What it means.
    pub meaning: String,
}

/// One entity.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityDefinition {
    /// File name without ending: `order`.
    pub kind: String,
    /// Name for people.
    pub name: String,
    /// What it is.
    pub meaning: String,
    /// Fields with the number that people ask for it by: the first that is there.
    pub known_by: Vec<String>,
    /// Its fields in order.
    pub fields: Vec<Field>,
}

static ENTITIES: LazyLock<BTreeMap<String, EntityDefinition>> = LazyLock::new(load);

/// The entities there are, by name.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTITIES.keys().map(String::as_str)
}

/// An entity's definition.
#[must_use]
pub fn definition(kind: &str) -> Option<&'static EntityDefinition> {
    ENTITIES.get(kind)
}

/// The names of all fields there are.
static FIELDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let mut found = HashSet::new();
    ENTITIES.values().for_each(|definition| names_of(&definition.fields, &mut found));
    found
});

fn names_of(fields: &'static [Field], found: &mut HashSet<&'static str>) {
    for field in fields {
        found.insert(&field.name);
        if let FieldType::Object(inner) = &field.kind {
            names_of(inner, found);
        }
    }
}

/// The name of a field as a definition has it.
pub(super) fn known(name: &str) -> Option<&'static str> {
    FIELDS.get(name).copied()
}

/// The packed files are ours and tested; a malformed one yields no entity, which the tests see.
fn load() -> BTreeMap<String, EntityDefinition> {
    let read = |name: &str| -> Option<Value> {
        Some(yaml::document(PACKED.get_file(format!("{name}.yaml"))?.contents_utf8()?).ok()?.to_json())
    };
    let parts = read(PARTS).unwrap_or_default();
    let stems = PACKED.files().filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned()));
    let one = |kind: String| {
        let file = laid_over(&read, read(&kind)?);
        let text = |key: &str| file[key].as_str().unwrap_or_default().to_owned();
        let known_by = file["known_by"].as_str().unwrap_or("number").split_whitespace().map(str::to_owned).collect();
        let fields = fields(&file["fields"], &parts, 0);
        Some((kind.clone(), EntityDefinition { kind, name: text("name"), meaning: text("meaning"), known_by, fields }))
    };
    stems.filter(|stem| stem != PARTS).filter_map(one).collect()
}

/// An entity that has all of another and some of its own names it as its `base`; bases have none themselves.
fn laid_over(read: &impl Fn(&str) -> Option<Value>, mut file: Value) -> Value {
    let Some(mut below) = file["base"].as_str().and_then(read) else { return file };
    if let (Value::Object(below), Value::Object(above)) = (&mut below["fields"], &file["fields"]) {
        below.extend(above.clone());
    }
    file["fields"] = below["fields"].take();
    file
}

fn fields(object: &Value, parts: &Value, depth: usize) -> Vec<Field> {
    let one = |(key, value): (&String, &Value)| {
        let (name, marked) = key.strip_suffix('!').map_or((key.as_str(), false), |name| (name, true));
        let (name, is_list) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
        let (kind, needed, meaning) = match value {
            Value::String(text) => {
                let (kind, meaning) = text.split_once(' ').unwrap_or((text, ""));
                // `flag!` must be there, `flag!other` unless `other` is.
                let (kind, needed) = kind.split_once('!').map_or((kind, None), |(kind, unless)| (kind, Some(unless)));
                (field_type(kind, parts, depth), needed, meaning.to_owned())
            }
            inner => (FieldType::Object(fields(inner, parts, depth + 1)), None, String::new()),
        };
        let unless = needed.filter(|unless| !unless.is_empty()).map(str::to_owned);
        let is_required = marked || (needed.is_some() && unless.is_none());
        Field { name: name.to_owned(), is_list, is_required, unless, kind, meaning }
    };
    object.as_object().into_iter().flatten().filter(|_| depth < DEPTH_MAX).map(one).collect()
}

fn field_type(name: &str, parts: &Value, depth: usize) -> FieldType {
    match name {
        "text" => FieldType::Text,
        "date" => FieldType::Date,
        "time" => FieldType::Time,
        "temporal" => FieldType::Temporal,
        "decimal" => FieldType::Decimal,
        "count" => FieldType::Count,
        "flag" => FieldType::Flag,
        other => match other.strip_prefix("code(").and_then(|rest| rest.strip_suffix(')')) {
            Some(list) => FieldType::Code(list.to_owned()),
            None => FieldType::Object(fields(&parts[other], parts, depth + 1)),
        },
    }
}

impl EntityDefinition {
    /// A field by its path, list marks and indexes left out: `lines.dates.at`.
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&Field> {
        field_of(&self.fields, path)
    }
}

fn field_of<'f>(mut known: &'f [Field], path: &str) -> Option<&'f Field> {
    let mut found = None;
    for name in path.split('.') {
        let name = name.split('[').next().unwrap_or_default();
        let field = known.iter().find(|field| field.name == name)?;
        known = match &field.kind {
            FieldType::Object(inner) => inner,
            _ => &[],
        };
        found = Some(field);
    }
    found
}

impl FieldType {
    /// A field of an object by its path, as in [`EntityDefinition::field`].
    #[must_use]
    pub fn field(&self, path: &str) -> Option<&Field> {
        match self {
            FieldType::Object(fields) => field_of(fields, path),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packed_definitions_load() {
        let order = definition("order").expect("order.yaml");
        assert!(order.fields.iter().any(|field| field.name == "lines" && field.is_list && field.is_required));
        let parties = order.fields.iter().find(|field| field.name == "parties").expect("parties");
        let FieldType::Object(party) = &parties.kind else { panic!("a part") };
        assert!(party.iter().any(|field| field.name == "role" && field.is_required));
        let credit_note = definition("credit_note").expect("credit_note.yaml");
        assert!(credit_note.field("lines.net_amount").is_some() && credit_note.field("negative_in").is_some());
        for (kind, definition) in ENTITIES.iter() {
            assert!(!definition.fields.is_empty() && !definition.meaning.is_empty(), "{kind}");
            all_filled(&definition.fields, kind);
        }
    }

    fn all_filled(fields: &[Field], path: &str) {
        for field in fields {
            if let FieldType::Object(inner) = &field.kind {
                assert!(!inner.is_empty(), "{path}.{} names a part that is not there", field.name);
                all_filled(inner, &format!("{path}.{}", field.name));
            }
        }
    }
}
