//! The way to a field through objects, taken apart once: `quantity.value`. Lists are not gone through.

use super::value::{Key, Map, Value, key};
use std::fmt;
use std::ops::Deref;

/// A path of names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPath {
    text: String,
    keys: Box<[Key]>,
}

impl KeyPath {
    /// Takes a path apart.
    #[must_use]
    pub fn new(text: String) -> Self {
        let keys = text.split('.').map(key).collect();
        KeyPath { text, keys }
    }

    /// The value there.
    #[must_use]
    #[inline]
    pub fn get<'v>(&self, fields: &'v Map) -> Option<&'v Value> {
        let (last, outer) = self.keys.split_last()?;
        let mut open = fields;
        for key in outer {
            open = open.get(key)?.as_object()?;
        }
        open.get(last)
    }

    /// The value there, to change it.
    pub fn get_mut<'v>(&self, fields: &'v mut Map) -> Option<&'v mut Value> {
        let (last, outer) = self.keys.split_last()?;
        let mut open = fields;
        for key in outer {
            open = open.get_mut(key)?.as_object_mut()?;
        }
        open.get_mut(last)
    }

    /// Sets the value there, making the objects on the way; what stands in the way and is no object stays.
    pub fn set(&self, fields: &mut Map, value: Value) {
        let Some((last, outer)) = self.keys.split_last() else { return };
        let mut open = fields;
        for key in outer {
            match open.or_insert_with(key, || Value::Object(Map::new())) {
                Value::Object(inner) => open = inner,
                _ => return,
            }
        }
        open.insert(last.clone(), value);
    }
}

impl Deref for KeyPath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
