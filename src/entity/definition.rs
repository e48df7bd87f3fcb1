//! Entity definitions read from `standards/entity/`: fields, types and meaning, and the structural check by them.

use crate::yaml;
use include_dir::{Dir, include_dir};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::{LazyLock, OnceLock};

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
    /// What its being cut into several needs to know; one without is never cut.
    pub split: Option<SplitFacts>,
}

/// What of an entity is about all of its lines together: `split:` in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitFacts {
    /// Fields that count the lines.
    pub counts: Vec<String>,
    /// Fields that add up a field of the lines.
    pub sums: Vec<(String, String)>,
    /// Fields that say something of all lines together, so that no part of them can; below `lines.` of a line, so that
    /// no part of it can.
    pub whole: Vec<String>,
    /// Fields that count or weigh packages. An entity with some has lists `packages` and `orders` that its lines, with their
    /// `allocations`, are tied to, and that go where these go.
    pub packages: Vec<String>,
}

/// By name; each is read when first asked for. The packed files are ours and tested: a malformed one yields no entity,
/// which the tests see.
static ENTITIES: LazyLock<BTreeMap<&str, OnceLock<Option<EntityDefinition>>>> = LazyLock::new(|| {
    let stems = PACKED.files().filter_map(|file| file.path().file_stem()?.to_str());
    stems.filter(|stem| *stem != PARTS).map(|stem| (stem, OnceLock::new())).collect()
});

/// The shared shapes.
static SHARED: LazyLock<Value> = LazyLock::new(|| read(PARTS).unwrap_or_default());

/// The entities there are, by name.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTITIES.keys().copied()
}

/// An entity's definition.
#[must_use]
pub fn definition(kind: &str) -> Option<&'static EntityDefinition> {
    ENTITIES.get(kind)?.get_or_init(|| load(kind)).as_ref()
}

/// The names of all fields there are, and some other keys of the same files: they are looked for by their lines.
static FIELDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = PACKED.files().filter_map(|file| file.contents_utf8()).flat_map(str::lines);
    lines.filter_map(|line| Some(field_name(line.trim_start().split_once(':')?.0).0)).collect()
});

/// The name of a field as a definition has it.
pub(super) fn known(name: &str) -> Option<&'static str> {
    FIELDS.get(name).copied()
}

fn read(name: &str) -> Option<Value> {
    Some(yaml::document(PACKED.get_file(format!("{name}.yaml"))?.contents_utf8()?).ok()?.to_json())
}

fn load(kind: &str) -> Option<EntityDefinition> {
    let file = laid_over(read(kind)?);
    let text = |key: &str| file[key].as_str().unwrap_or_default().to_owned();
    let known_by = file["known_by"].as_str().unwrap_or("number").split_whitespace().map(str::to_owned).collect();
    let fields = fields(&file["fields"], &SHARED, 0);
    let split = split_facts(&file["split"]);
    Some(EntityDefinition {
        kind: kind.to_owned(),
        name: text("name"),
        meaning: text("meaning"),
        known_by,
        fields,
        split,
    })
}

/// An entity that has all of another and some of its own names it as its `base`; bases have none themselves.
fn laid_over(mut file: Value) -> Value {
    let Some(mut below) = file["base"].as_str().and_then(read) else { return file };
    if let (Value::Object(below), Value::Object(above)) = (&mut below["fields"], &file["fields"]) {
        below.extend(above.clone());
    }
    file["fields"] = below["fields"].take();
    if file["split"].is_null() {
        file["split"] = below["split"].take();
    }
    file
}

fn split_facts(block: &Value) -> Option<SplitFacts> {
    let words = |key: &str| block[key].as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let sums = block["sums"].as_object().into_iter().flatten();
    let sums = sums.map(|(total, of)| (total.clone(), of.as_str().unwrap_or_default().to_owned())).collect();
    let (counts, whole, packages) = (words("counts"), words("whole"), words("packages"));
    block.is_object().then_some(SplitFacts { counts, sums, whole, packages })
}

/// The name of a field in its key, whether it is a list, and whether it must be there: `lines[]!`.
fn field_name(key: &str) -> (&str, bool, bool) {
    let (name, marked) = key.strip_suffix('!').map_or((key, false), |name| (name, true));
    let (name, is_list) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
    (name, is_list, marked)
}

fn fields(object: &Value, parts: &Value, depth: usize) -> Vec<Field> {
    let one = |(key, value): (&String, &Value)| {
        let (name, is_list, marked) = field_name(key);
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
        for kind in names() {
            let definition = definition(kind).unwrap_or_else(|| panic!("{kind} is malformed"));
            assert!(!definition.fields.is_empty() && !definition.meaning.is_empty(), "{kind}");
            all_filled(&definition.fields, kind);
            let facts = definition.split.iter();
            for facts in facts {
                let sums = facts.sums.iter().flat_map(|(total, of)| [total.clone(), format!("lines.{of}")]);
                let plain = facts.counts.iter().chain(&facts.whole).chain(&facts.packages);
                for path in plain.cloned().chain(sums) {
                    assert!(definition.field(&path).is_some(), "{kind}: split names {path}, which is no field");
                }
            }
        }
        assert!(names().filter(|kind| definition(kind).is_some_and(|one| one.split.is_some())).count() >= 10);
    }

    fn all_filled(fields: &[Field], path: &str) {
        for field in fields {
            assert_eq!(known(&field.name), Some(field.name.as_str()), "{path}");
            if let FieldType::Object(inner) = &field.kind {
                assert!(!inner.is_empty(), "{path}.{} names a part that is not there", field.name);
                all_filled(inner, &format!("{path}.{}", field.name));
            }
        }
    }
}
