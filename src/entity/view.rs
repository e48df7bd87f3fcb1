//! A value as sums look at it: the same whether its fields are made or are still texts in a template.

use super::template::{Filled, Part, Summed};
use super::value::{Map, Value};

/// A look at a value, or at nothing.
#[derive(Debug, Clone, Copy)]
pub enum View<'v> {
    /// There is none.
    Nothing,
    /// A value.
    Value(&'v Value),
    /// Fields.
    Fields(&'v Map),
    /// A text.
    Text(&'v str),
    /// A part of an object that has a template.
    Part(&'v Filled, &'v Part),
}

impl<'v> View<'v> {
    /// A field.
    #[must_use]
    pub fn field(self, name: &str) -> Self {
        let (filled, parts) = match self {
            View::Value(Value::Object(fields)) | View::Fields(fields) => match fields.filled() {
                Some(filled) => (filled, filled.template().parts()),
                None => return fields.get(name).map_or(View::Nothing, View::Value),
            },
            View::Part(filled, Part::Object(parts)) => (filled, parts.as_slice()),
            _ => return View::Nothing,
        };
        let found = parts.iter().find(|(key, _)| key == name);
        found.map_or(View::Nothing, |(_, part)| View::Part(filled, part))
    }

    /// What stands at a path of names without lists.
    #[must_use]
    pub fn at(self, path: &str) -> Self {
        match path.bytes().position(|byte| byte == b'.') {
            Some(end) => self.field(&path[..end]).at(&path[end + 1..]),
            None => self.field(path),
        }
    }

    /// The text of what sums look at in a line.
    pub(super) fn summed(self, which: Summed) -> Option<&'v str> {
        let filled = match self {
            View::Value(Value::Object(fields)) | View::Fields(fields) => fields.filled(),
            _ => None,
        };
        filled.map_or_else(|| self.at(which.path()).text(), |filled| filled.summed(which))
    }

    /// Whether there is anything.
    #[must_use]
    pub fn is_there(self) -> bool {
        !matches!(self, View::Nothing)
    }

    /// Whether there is nothing, or what says that there is nothing.
    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self, View::Nothing | View::Value(Value::Null))
    }

    /// The text that it is.
    #[must_use]
    pub fn text(self) -> Option<&'v str> {
        match self {
            View::Value(value) => value.as_str(),
            View::Text(text) => Some(text),
            View::Part(filled, Part::Text(hole)) => Some(filled.hole(*hole)),
            _ => None,
        }
    }

    /// The flag that it is.
    #[must_use]
    pub fn flag(self) -> Option<bool> {
        match self {
            View::Value(value) => value.as_bool(),
            View::Part(filled, Part::Flag(hole)) => Some(filled.hole(*hole) == "true"),
            _ => None,
        }
    }

    /// The items of the list that it is.
    pub fn items(self) -> impl Iterator<Item = View<'v>> {
        let values: &[Value] = if let View::Value(Value::Array(values)) = self { values } else { &[] };
        let parts = if let View::Part(filled, Part::List(parts)) = self { Some((filled, parts)) } else { None };
        let parts =
            parts.into_iter().flat_map(|(filled, parts)| parts.iter().map(move |part| View::Part(filled, part)));
        values.iter().map(View::Value).chain(parts)
    }

    /// The value itself; null where there is none.
    #[must_use]
    pub fn value(self) -> Value {
        match self {
            View::Nothing => Value::Null,
            View::Value(value) => value.clone(),
            View::Text(text) => Value::from(text),
            View::Fields(fields) => Value::Object(fields.clone()),
            View::Part(filled, part) => filled.value(part),
        }
    }
}

impl<'v> From<&'v Value> for View<'v> {
    fn from(value: &'v Value) -> Self {
        View::Value(value)
    }
}

impl<'v> From<&'v Map> for View<'v> {
    fn from(fields: &'v Map) -> Self {
        View::Fields(fields)
    }
}

impl PartialEq for View<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.text(), other.text()) {
            (Some(one), Some(other)) => one == other,
            (None, None) => self.value() == other.value(),
            _ => false,
        }
    }
}
