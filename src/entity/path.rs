//! Where in an entity something stands, put into words only when there is something to say about it.

use compact_str::ToCompactString;
use std::fmt;

/// The way from the entity down to a value.
#[derive(Debug, Clone, Copy)]
pub enum Path<'p> {
    /// The entity.
    Root,
    /// A field of an object.
    Field(&'p Path<'p>, &'p str),
    /// An item of a list, from 1.
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// The text of a way that goes on: this one, then `rest`.
    #[must_use]
    pub fn before(&self, rest: &str) -> String {
        let mut text = String::with_capacity(PATH_BYTES + rest.len());
        self.write_to(&mut text);
        text.push_str(rest);
        text
    }

    fn write_to(&self, text: &mut String) {
        match self {
            Path::Root => {}
            Path::Field(Path::Root, name) => text.push_str(name),
            Path::Field(outer, name) => {
                outer.write_to(text);
                text.push('.');
                text.push_str(name);
            }
            Path::Item(outer, number) => {
                outer.write_to(text);
                text.push('[');
                text.push_str(&number.to_compact_string());
                text.push(']');
            }
        }
    }
}

/// Room for a path; most are shorter.
const PATH_BYTES: usize = 24;

impl fmt::Display for Path<'_> {
    /// `lines[2].item.ids[1]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.before(""))
    }
}
