//! Values of entities: texts, flags, lists, and objects whose fields keep their order. They are made for documents, where
//! objects have few fields and texts are short: fields are looked for one after the other, short texts stand in place
//! and known names of fields cost nothing. JSON is how they are written and read, not what they are.

use super::template::{Filled, Part};
use super::{definition, json};
use compact_str::CompactString;
use serde_json::Number;
use std::borrow::Cow;
use std::fmt;
use std::ops::Index;

/// A text.
pub type Text = CompactString;

/// The name of a field: one that a definition knows is borrowed from there.
pub type Key = Cow<'static, str>;

/// A name as a key.
#[must_use]
pub fn key(name: &str) -> Key {
    definition::known(name).map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed)
}

/// A value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// None; no entity that is right holds it.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number of JSON; no entity that is right holds it, since numbers are texts there.
    Number(Number),
    /// A text.
    String(Text),
    /// A list.
    Array(Vec<Value>),
    /// Fields of its own.
    Object(Map),
}

static NULL: Value = Value::Null;

impl Value {
    /// The text that it is.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    /// The flag that it is.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(flag) = self { Some(*flag) } else { None }
    }

    /// The list that it is.
    #[must_use]
    pub fn as_array(&self) -> Option<&Vec<Value>> {
        if let Value::Array(items) = self { Some(items) } else { None }
    }

    /// The list that it is, to change it.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        if let Value::Array(items) = self { Some(items) } else { None }
    }

    /// The fields that it is.
    #[must_use]
    pub fn as_object(&self) -> Option<&Map> {
        if let Value::Object(fields) = self { Some(fields) } else { None }
    }

    /// The fields that it is, to change them.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Value::Object(fields) = self { Some(fields) } else { None }
    }

    /// Whether it is a text.
    #[must_use]
    pub fn is_string(&self) -> bool {
        self.as_str().is_some()
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.as_object().is_some()
    }

    /// Whether it is a flag.
    #[must_use]
    pub fn is_boolean(&self) -> bool {
        self.as_bool().is_some()
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }

    /// A field, when it is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?.get(name)
    }
}

/// Fields in order. A name stands once.
#[derive(Clone, Default)]
pub struct Map(Fields);

#[derive(Clone)]
enum Fields {
    Own(Vec<(Key, Value)>),
    /// Texts in a template, as long as nothing is changed.
    Filled(Filled),
}

impl Default for Fields {
    fn default() -> Self {
        Fields::Own(Vec::new())
    }
}

impl Map {
    /// No fields.
    #[must_use]
    pub const fn new() -> Self {
        Map(Fields::Own(Vec::new()))
    }

    /// No fields, and room for so many.
    #[must_use]
    pub fn with_capacity(fields: usize) -> Self {
        Map(Fields::Own(Vec::with_capacity(fields)))
    }

    /// Fields whose names differ.
    pub(super) fn of_fields(fields: Vec<(Key, Value)>) -> Self {
        Map(Fields::Own(fields))
    }

    /// The template and texts that it is made of, if it is.
    #[must_use]
    #[inline]
    pub fn filled(&self) -> Option<&Filled> {
        if let Fields::Filled(filled) = &self.0 { Some(filled) } else { None }
    }

    #[inline]
    fn fields(&self) -> &[(Key, Value)] {
        match &self.0 {
            Fields::Own(fields) => fields,
            Fields::Filled(filled) => filled.fields(),
        }
    }

    /// The fields, to change them.
    fn own(&mut self) -> &mut Vec<(Key, Value)> {
        if let Fields::Filled(filled) = &mut self.0 {
            self.0 = Fields::Own(filled.take_fields());
        }
        match &mut self.0 {
            Fields::Own(fields) => fields,
            Fields::Filled(_) => unreachable!("it was just made fields of its own"),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        match &self.0 {
            Fields::Own(fields) => fields.iter().position(|(key, _)| key == name),
            Fields::Filled(filled) => filled.template().parts().iter().position(|(key, _)| key == name),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Fields::Own(fields) => fields.len(),
            Fields::Filled(filled) => filled.template().parts().len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        match &self.0 {
            Fields::Own(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            // What is not there is known without making what is.
            Fields::Filled(filled) => self.position(name).map(|at| &filled.fields()[at].1),
        }
    }

    /// The text at a path of names without lists.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        // Paths are short: looking at each byte is sooner done than a search is begun.
        let (name, rest) = match path.bytes().position(|byte| byte == b'.') {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (path, ""),
        };
        match (&self.0, rest) {
            (Fields::Filled(filled), _) => match filled.template().part(path)? {
                Part::Text(hole) => Some(filled.hole(*hole)),
                _ => None,
            },
            (Fields::Own(_), "") => self.get(name)?.as_str(),
            (Fields::Own(_), rest) => self.get(name)?.as_object()?.text(rest),
        }
    }

    /// A field that is looked for after another: at `next` first, which is then the place after it.
    pub(super) fn get_from(&self, next: &mut usize, name: &str) -> Option<&Value> {
        let fields = self.fields();
        let is_next = fields.get(*next).is_some_and(|(key, _)| key == name);
        let at = if is_next { *next } else { self.position(name)? };
        *next = at + 1;
        Some(&fields[at].1)
    }

    /// A field, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.position(name).map(|at| &mut self.own()[at].1)
    }

    /// Whether a field is there.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Sets a field; returns what it was before.
    pub fn insert(&mut self, name: Key, value: Value) -> Option<Value> {
        match self.position(&name) {
            Some(at) => Some(std::mem::replace(&mut self.own()[at].1, value)),
            None => {
                self.own().push((name, value));
                None
            }
        }
    }

    /// A field; where it is not there, it is added.
    pub fn or_insert_with(&mut self, name: &Key, value: impl FnOnce() -> Value) -> &mut Value {
        let there = self.position(name);
        let fields = self.own();
        let at = there.unwrap_or_else(|| {
            fields.push((name.clone(), value()));
            fields.len() - 1
        });
        &mut fields[at].1
    }

    /// Takes a field out; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.position(name).map(|at| self.own().remove(at).1)
    }

    /// Names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.fields().iter().map(|(key, _)| key)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.fields().iter().map(|(key, value)| (key, value))
    }
}

impl From<Filled> for Map {
    fn from(filled: Filled) -> Self {
        Map(Fields::Filled(filled))
    }
}

/// Its fields, however they are kept.
impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The same fields with the same values, in whatever order.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Extend<(Key, Value)> for Map {
    fn extend<I: IntoIterator<Item = (Key, Value)>>(&mut self, fields: I) {
        fields.into_iter().for_each(|(key, value)| drop(self.insert(key, value)));
    }
}

impl FromIterator<(Key, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(fields: I) -> Self {
        let mut map = Map::new();
        map.extend(fields);
        map
    }
}

impl IntoIterator for Map {
    type Item = (Key, Value);
    type IntoIter = std::vec::IntoIter<(Key, Value)>;

    fn into_iter(mut self) -> Self::IntoIter {
        std::mem::take(self.own()).into_iter()
    }
}

impl<'m> IntoIterator for &'m Map {
    type Item = (&'m Key, &'m Value);
    type IntoIter = std::iter::Map<std::slice::Iter<'m, (Key, Value)>, fn(&'m (Key, Value)) -> (&'m Key, &'m Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields().iter().map(|(key, value)| (key, value))
    }
}

/// A field, or nothing.
impl Index<&str> for Value {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NULL)
    }
}

/// An item, or nothing.
impl Index<usize> for Value {
    type Output = Value;

    fn index(&self, at: usize) -> &Value {
        self.as_array().and_then(|items| items.get(at)).unwrap_or(&NULL)
    }
}

/// A field, or nothing.
impl Index<&str> for Map {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NULL)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text.into())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Value::String(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Bool(flag)
    }
}

impl<const N: usize> From<[(&'static str, Value); N]> for Value {
    fn from(fields: [(&'static str, Value); N]) -> Self {
        Value::Object(Map::of_fields(fields.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect()))
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(*other)
    }
}

impl PartialEq<String> for Value {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<bool> for Value {
    fn eq(&self, other: &bool) -> bool {
        self.as_bool() == Some(*other)
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(flag) => Value::Bool(*flag),
            serde_json::Value::Number(number) => Value::Number(number.clone()),
            serde_json::Value::String(text) => Value::String(text.into()),
            serde_json::Value::Array(items) => Value::Array(items.iter().map(Value::from).collect()),
            serde_json::Value::Object(fields) => Value::Object(fields.into()),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        Value::from(&json)
    }
}

impl From<&serde_json::Map<String, serde_json::Value>> for Map {
    fn from(fields: &serde_json::Map<String, serde_json::Value>) -> Self {
        Map::of_fields(fields.iter().map(|(name, value)| (key(name), value.into())).collect())
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => items.iter().map(serde_json::Value::from).collect(),
            Value::Object(fields) => {
                let pair = |(key, value): (&Key, &Value)| (key.to_string(), serde_json::Value::from(value));
                fields.iter().map(pair).collect()
            }
        }
    }
}

/// As JSON, on one line.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        json::value(self, &mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ok_json_there_and_back() {
        let json = json!({ "b": { "list": [true, "x", null, 1] }, "a": "a text that is longer than stands in place" });
        let value = Value::from(&json);
        assert_eq!(value.to_string(), json.to_string(), "the order is kept");
        assert_eq!(value["b"]["list"][1], "x");
        assert!(value["c"]["d"].is_null());
    }

    #[test]
    fn ok_fields_are_equal_in_any_order() {
        let (one, other) = (json!({ "a": "1", "b": "2" }), json!({ "b": "2", "a": "1" }));
        assert_eq!(Value::from(one), Value::from(other));
        assert_ne!(Value::from(json!({ "a": "1" })), Value::from(json!({ "a": "1", "b": "2" })));
    }

    #[test]
    fn ok_a_field_is_set_once() {
        let mut map = Map::new();
        assert_eq!(map.insert("a".into(), "1".into()), None);
        assert_eq!(map.insert("a".into(), "2".into()), Some("1".into()));
        *map.or_insert_with(&"b".into(), Value::default) = true.into();
        assert_eq!(map.remove("a"), Some("2".into()));
        assert_eq!((map.len(), map.get("b").and_then(Value::as_bool)), (1, Some(true)));
    }

    #[test]
    fn ok_known_names_are_borrowed() {
        assert!(matches!(key("quantity"), Cow::Borrowed("quantity")));
        assert!(matches!(key("no such field"), Cow::Owned(_)));
    }
}
