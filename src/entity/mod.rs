//! Canonical entities: what a business document means whatever standard it came in.
//!
//! Definitions are data under `standards/entity/`; from them come the structural check and the JSON Schema. The checks
//! of sums and references stand in one file an entity (`order.rs`). Entities know no format: mappings fill them.

mod adjustment;
mod application_advice;
mod arithmetic;
mod catalogue;
mod check_digit;
mod components;
mod days;
mod definition;
mod despatch_advice;
mod forecast;
mod form;
mod inventory_report;
mod invoice;
mod json;
mod key_path;
pub mod moved; // what became of each value
mod order;
mod order_change;
mod order_response;
mod party;
mod path;
mod receipt_advice;
mod remittance;
mod sales_report;
mod schema;
pub mod split; // one entity cut into several
mod sums;
mod template; // objects that are alike
mod tolerance;
mod transport_order;
mod transport_status;
mod value;
mod view; // a value as sums look at it
mod warehouse_despatch;
mod warehouse_order;

pub use crate::diagnostic::{Diagnostic, Fault, Syntax};
pub use arithmetic::{Sums, is_plain_number, is_plain_number_of, rounded};
pub use definition::{EntityDefinition, Field, FieldType, definition, names};
pub use key_path::KeyPath;
pub use path::Path;
pub use schema::schema;
pub use template::{Filled, Filling, FillingMark, Items, Part, Template};
pub use tolerance::Tolerance;
pub use value::{Key, Map, Text, Value, key};
pub use view::View;

/// What must agree inside each entity, beyond its definition. A new one is its file and a line here.
const CHECKS: &[(&str, Check)] = &[
    ("adjustment", adjustment::check),
    ("application_advice", application_advice::check),
    ("catalogue", catalogue::check),
    ("credit_note", invoice::check),
    ("despatch_advice", despatch_advice::check),
    ("forecast", forecast::check),
    ("inventory_report", inventory_report::check),
    ("invoice", invoice::check),
    ("order", order::check),
    ("order_change", order_change::check),
    ("order_response", order_response::check),
    ("party", party::check),
    ("receipt_advice", receipt_advice::check),
    ("remittance", remittance::check),
    ("sales_report", sales_report::check),
    ("transport_order", transport_order::check),
    ("transport_status", transport_status::check),
    ("warehouse_despatch", warehouse_despatch::check),
    ("warehouse_order", warehouse_order::check),
];

/// Appends what does not agree.
type Check = fn(&Entity, &Tolerance, &mut Vec<Diagnostic>);

/// One business document in canonical form: fields in order, absent ones left out, numbers and dates as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Which definition it follows: `order`.
    pub kind: String,
    /// Its fields.
    pub fields: Map,
}

impl Entity {
    /// An entity without fields.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Entity { kind: kind.to_owned(), fields: Map::new() }
    }

    /// `{type, …fields}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut object = serde_json::Map::new();
        object.insert("type".into(), self.kind.clone().into());
        object.extend(self.fields.iter().map(|(key, value)| (key.to_string(), value.into())));
        serde_json::Value::Object(object)
    }

    /// Appends `{type, …fields}` as text on one line.
    pub fn write_json(&self, text: &mut Vec<u8>) {
        json::entity(self, text);
    }

    /// From `{type, …}` or `{entity: {type, …}}`.
    ///
    /// # Errors
    /// A sentence naming what is missing.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, String> {
        let object = json.get("entity").unwrap_or(json).as_object().ok_or("expected an object")?;
        let mut fields = Map::from(object);
        let kind = fields.remove("type");
        let kind = kind.as_ref().and_then(Value::as_str).ok_or("expected a key `type` such as \"order\"")?;
        Ok(Entity { kind: kind.to_owned(), fields })
    }

    /// A text field by path (`totals.lines`); `None` when absent or no text.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.fields.text(path)
    }

    /// The number that people ask for it by.
    #[must_use]
    pub fn known_by(&self) -> Option<&str> {
        definition(&self.kind)?.known_by.iter().find_map(|field| self.text(field))
    }

    /// A list by path, empty when absent.
    #[must_use]
    pub fn list(&self, path: &str) -> &[Value] {
        get(&self.fields, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The items of a list, as sums look at them.
    fn views<'v>(&'v self, path: &str) -> impl Iterator<Item = View<'v>> + use<'v> {
        self.list(path).iter().map(View::from)
    }

    /// Everything wrong with the entity: fields missing or malformed, sums and references that do not agree.
    #[must_use]
    pub fn check(&self) -> Vec<Diagnostic> {
        self.check_within(&Tolerance::default())
    }

    /// The same, with what two parties agreed to let pass.
    #[must_use]
    pub fn check_within(&self, tolerance: &Tolerance) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        match definition(&self.kind) {
            Some(definition) => form::check(definition, &self.fields, &mut found),
            None => found.push(finding(Fault::MappingValue, "type", "a known entity", &self.kind)),
        }
        check_digit::check(&self.fields, &path::Path::Root, &mut found);
        if let Some((_, check)) = CHECKS.iter().find(|(kind, _)| *kind == self.kind) {
            check(self, tolerance, &mut found);
        }
        found
    }
}

/// `{type, …fields}` as JSON, on one line.
impl std::fmt::Display for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::new();
        self.write_json(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// A value by a path of keys without lists; [`KeyPath`] is for a path that is gone often.
#[must_use]
pub fn get<'v>(fields: &'v Map, path: &str) -> Option<&'v Value> {
    // Paths are short: looking at each byte is sooner done than a search is begun.
    match path.bytes().position(|byte| byte == b'.') {
        None => fields.get(path),
        Some(at) => get(fields.get(&path[..at])?.as_object()?, &path[at + 1..]),
    }
}

/// Whether there is a value at a path of keys that passes; of lists on the way, in any of their items.
#[must_use]
pub fn has(fields: View<'_>, path: &str, passes: &dyn Fn(View<'_>) -> bool) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = fields.field(first);
    match rest {
        None => value.is_there() && passes(value),
        Some(rest) => has(value, rest, passes) || value.items().any(|item| has(item, rest, passes)),
    }
}

/// Sets a value by a path of keys, as [`KeyPath::set`].
pub fn set(fields: &mut Map, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        fields.insert(key(path), value);
        return;
    };
    if let Value::Object(inner) = fields.or_insert_with(&key(first), || Value::Object(Map::new())) {
        set(inner, rest, value);
    }
}

fn finding(fault: Fault, path: &str, expected: &str, found: &str) -> Diagnostic {
    let mut finding = Diagnostic::new(Syntax::Document, fault).because(expected, found);
    path.clone_into(&mut finding.place);
    finding
}
