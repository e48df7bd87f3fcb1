//! Which value of a document became which field of the entity, and where a field was written: the provenance that
//! `explain` shows. Reading and writing note it when asked; without being asked it costs a test of a flag.

use crate::entity::Path;
use std::collections::HashMap;

/// A value read: its address in the document and the field it fed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fed {
    /// Ordinal of the segment in the document, from 0.
    pub segment: usize,
    /// Element, from 1.
    pub element: u16,
    /// Component, from 1; 0 for a simple element.
    pub component: u16,
    /// Path of the field, list items counted from 1: `lines[1].quantity.value`.
    pub field: String,
    /// The value itself, not a qualifier that says which it is.
    pub is_value: bool,
}

/// A value written: the field it came from and its address in the draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Path of the field, list items counted from 1; empty for constants.
    pub field: String,
    /// Ordinal of the segment in the draft, from 0 (header and trailer are not in it).
    pub segment: usize,
    /// Element, from 1.
    pub element: u16,
    /// Component, from 1; a simple element is component 1.
    pub component: u16,
}

/// Notes what is read. Rules are nested and know their own field only, so that a value's path grows from its end.
#[derive(Debug, Default)]
pub(super) struct Reading {
    is_on: bool,
    notes: Vec<Note>,
}

#[derive(Debug)]
struct Note {
    what: What,
    /// The last part first.
    path: Vec<Part>,
}

#[derive(Debug)]
enum What {
    /// A value was taken, or a qualifier that says which it is.
    Taken { address: (usize, u16, u16), is_value: bool },
    /// A value was made; by which trial of a stencil's recording.
    Made(usize),
}

#[derive(Debug)]
pub(super) enum Part {
    Field(String),
    Item(usize),
}

/// The path of a field, list items counted from 1, from its parts, the last first.
pub(super) fn path(parts: &[Part]) -> String {
    let mut field = String::new();
    for part in parts.iter().rev() {
        match part {
            Part::Item(number) => field.push_str(&format!("[{}]", number + 1)),
            Part::Field(name) if field.is_empty() => field.push_str(name),
            Part::Field(name) => field.push_str(&format!(".{name}")),
        }
    }
    field
}

impl Reading {
    pub(super) fn on() -> Self {
        Reading { is_on: true, notes: Vec::new() }
    }

    /// Whether anything is noted at all.
    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// A rule takes the value at an address, or the qualifier there that it looks at.
    pub(super) fn take(&mut self, address: (usize, u16, u16), is_value: bool) {
        if self.is_on {
            self.notes.push(Note { what: What::Taken { address, is_value }, path: Vec::new() });
        }
    }

    /// A value was made for a field.
    pub(super) fn made(&mut self, trial: usize) {
        if self.is_on {
            self.notes.push(Note { what: What::Made(trial), path: Vec::new() });
        }
    }

    /// Begins to note, or ends it.
    pub(super) fn switch(&mut self, is_on: bool) {
        self.is_on = is_on;
    }

    /// What was made, each with the parts of its path; nothing is noted any more.
    pub(super) fn take_made(&mut self) -> Vec<(Vec<Part>, usize)> {
        let made = |note: Note| if let What::Made(trial) = note.what { Some((note.path, trial)) } else { None };
        self.notes.drain(..).filter_map(made).collect()
    }

    /// Where the notes stand, for `item`, `field` and `undo`.
    pub(super) fn mark(&self) -> usize {
        self.notes.len()
    }

    /// What was taken since belongs to an item of a list, from 0.
    pub(super) fn item(&mut self, mark: usize, number: usize) {
        self.notes[mark..].iter_mut().for_each(|note| note.path.push(Part::Item(number)));
    }

    /// What was taken since belongs to a field; items of a list that other rules began are counted on from `there`.
    pub(super) fn field(&mut self, mark: usize, field: &str, there: usize) {
        for note in &mut self.notes[mark..] {
            if let Some(Part::Item(number)) = note.path.last_mut() {
                *number += there;
            }
            note.path.push(Part::Field(field.to_owned()));
        }
    }

    /// What was taken from one mark to another belongs to an item of a list, from 0, or to an item inside that.
    pub(super) fn seat(
        &mut self,
        marks: std::ops::Range<usize>,
        list: &str,
        item: usize,
        inner: Option<(&str, usize)>,
    ) {
        for note in &mut self.notes[marks] {
            if let Some((list, item)) = inner {
                note.path.extend([Part::Item(item), Part::Field(list.to_owned())]);
            }
            note.path.extend([Part::Item(item), Part::Field(list.to_owned())]);
        }
    }

    /// What was taken since was given back.
    pub(super) fn undo(&mut self, mark: usize) {
        self.notes.truncate(mark);
    }

    pub(super) fn end(self) -> Vec<Fed> {
        let mut fed: Vec<Fed> = self.notes.into_iter().filter_map(Note::end).collect();
        let key = |fed: &Fed| (fed.segment, fed.element, fed.component, fed.field.clone());
        // What is a value of a field as well as a qualifier of it counts as a value.
        fed.sort_by_cached_key(|fed| (key(fed), !fed.is_value));
        fed.dedup_by(|later, first| key(later) == key(first));
        fed
    }
}

impl Note {
    fn end(self) -> Option<Fed> {
        let What::Taken { address: (segment, element, component), is_value } = self.what else { return None };
        let field = path(&self.path);
        (!field.is_empty()).then_some(Fed { segment, element, component, field, is_value })
    }
}

/// Notes what is written. Where a segment will stand is known only when all are.
#[derive(Debug, Default)]
pub(super) struct Writing {
    is_on: bool,
    notes: HashMap<(usize, usize), Vec<Put>>,
    settled: Vec<Put>,
}

impl Writing {
    /// Whether anything is noted at all.
    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    pub(super) fn on() -> Self {
        Writing { is_on: true, ..Writing::default() }
    }

    /// A field's value goes to an element and component of a segment being written.
    pub(super) fn put(&mut self, address: (usize, usize), (element, component): (u16, u16), field: &Path<'_>) {
        if self.is_on {
            let put = Put { field: field.to_string(), segment: 0, element, component };
            self.notes.entry(address).or_default().push(put);
        }
    }

    /// The segment being written will stand at an ordinal.
    pub(super) fn settle(&mut self, address: (usize, usize), ordinal: usize) {
        if !self.is_on {
            return;
        }
        let own = self.notes.remove(&address).into_iter().flatten();
        self.settled.extend(own.map(|put| Put { segment: ordinal, ..put }));
    }

    pub(super) fn end(self) -> Vec<Put> {
        let mut puts = self.settled;
        puts.sort_by_key(|put| (put.segment, put.element, put.component));
        puts
    }
}
