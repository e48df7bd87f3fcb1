//! Where in an entity something stands, put into words only when there is something to say about it.

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

impl fmt::Display for Path<'_> {
    /// `lines[2].item.ids[1]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Field(Path::Root, name) => f.write_str(name),
            Path::Field(outer, name) => write!(f, "{outer}.{name}"),
            Path::Item(outer, number) => write!(f, "{outer}[{number}]"),
        }
    }
}
