//! Writes documents as rows from their drafts: in the order of the definition, values as the layout wants them. What is
//! written is read again by whoever calls this.

use super::cut::{KEYS_MAX, hash};
use super::line::{needs_quotes, written};
use super::value::as_written;
use crate::codec::content::Element;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::content::{ITSELF, Markup, Part};
use crate::standard::definition::{Document, Usage};
use crate::standard::layout::{self, Field, Layout, Record};
use crate::tree::{DocumentDraft, InterchangeDraft};
use std::collections::HashSet;

/// The line that names the columns; nothing where there is none.
#[must_use]
pub fn header(document: &Document) -> Vec<u8> {
    let Some((layout, markup)) = document.layout().zip(document.markup.as_deref()) else { return Vec::new() };
    if !layout.has_header {
        return Vec::new();
    }
    let titles = columns(layout, markup).into_iter().map(|(.., title)| title).collect::<Vec<_>>();
    let bytes = titles.iter().map(|title| layout.charset.encode(title).unwrap_or_else(|| title.as_bytes().to_vec()));
    line(layout, bytes)
}

/// Writes a document of an interchange.
///
/// # Errors
/// Characters that the file cannot hold, and values that are longer than their place.
pub fn document(
    document: &Document,
    head: &InterchangeDraft,
    draft: &DocumentDraft,
) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let Some((layout, markup)) = document.layout().zip(document.markup.as_deref()) else { return Ok(Vec::new()) };
    let mut root = Element::root(&markup.root, &draft.segments);
    root.tell(markup, head);
    let mut writer = Writer::new(layout, markup, &head.control_number);
    if layout.tag.is_none() {
        writer.rows(&root);
    } else {
        if let Some(record) = layout.records.get(&markup.content).filter(|record| !record.tags.is_empty()) {
            writer.record(&root, &markup.content, record, 0, 1);
        }
        writer.records(&root, &markup.content, 0, 2);
    }
    if writer.faults.is_empty() { Ok(writer.out) } else { Err(writer.faults) }
}

/// The keys of the documents that a file holds so far: rows of one key are read as one document.
#[derive(Debug, Default)]
pub struct Keys(HashSet<u64>);

impl Keys {
    /// Takes the key of a document, whatever its envelope will say, if it can stand in the file besides those that are in
    /// it and not be taken for a part of them.
    pub fn share(&mut self, document: &Document, draft: &DocumentDraft) -> bool {
        let Some((key, faults)) = key(document, None, draft) else { return true };
        // Where rows have no key, all are of one document.
        let is_first = self.0.is_empty();
        self.0.insert(hash(&key)) && (is_first || faults.is_empty() && !says_nothing(&key))
    }

    /// Takes the key of a document that is to be written next.
    ///
    /// # Errors
    /// It has none where its definition says which fields are its key, or another one of the file has the same.
    pub fn take(
        &mut self,
        document: &Document,
        head: &InterchangeDraft,
        draft: &DocumentDraft,
    ) -> Result<(), Vec<Diagnostic>> {
        let Some((key, faults)) = key(document, Some(head), draft) else { return Ok(()) };
        let tell = |fault, expected: &str, found: &str| {
            let finding = Diagnostic::new(document.syntax(), fault).because(expected, found);
            let root = document.markup.as_deref().map_or("", |markup| &markup.root);
            Err(vec![Diagnostic { place: root.to_owned(), ..finding }])
        };
        match says_nothing(&key) {
            _ if !faults.is_empty() => Err(faults),
            true if key.is_empty() && self.0.insert(hash(&key)) => Ok(()),
            true if key.is_empty() => {
                tell(Fault::KeyAgain, "one document in a file whose definition names no key", "another one")
            }
            true => tell(Fault::ValueMissing, "the key that tells its rows from others", "nothing"),
            false if self.0.len() < KEYS_MAX && !self.0.insert(hash(&key)) => {
                tell(Fault::KeyAgain, "one document of each key in a file", &key.join(" "))
            }
            false => Ok(()),
        }
    }
}

fn says_nothing(key: &[String]) -> bool {
    key.iter().all(String::is_empty)
}

/// The key of a document as it is written, empty where its definition names none, and what of it cannot be written; none
/// where its records have types.
fn key(
    document: &Document,
    head: Option<&InterchangeDraft>,
    draft: &DocumentDraft,
) -> Option<(Vec<String>, Vec<Diagnostic>)> {
    let (layout, markup) = document.layout().zip(document.markup.as_deref())?;
    let record = layout.records.get(&markup.content)?;
    if layout.syntax != Syntax::Csv || layout.tag.is_some() {
        return None;
    }
    let mut root = Element::root(&markup.root, &draft.segments);
    head.into_iter().for_each(|head| root.tell(markup, head));
    let mut writer = Writer::new(layout, markup, "");
    let key = writer.key(&root, &markup.content, record);
    Some((key, writer.faults))
}

/// Level, field and title of each column, in the order in which they are written.
fn columns<'d>(layout: &'d Layout, markup: &'d Markup) -> Vec<(usize, &'d Field, &'d str)> {
    let chain = layout::chain(&markup.content, &markup.contents);
    let records = chain.iter().filter_map(|key| layout.records.get(key)).enumerate();
    let mut found: Vec<(usize, &Field, &str)> = records
        .flat_map(|(level, record)| record.fields.iter().map(move |field| (level, field, &*field.source)))
        .collect();
    if layout.has_header {
        let place = |title: &str| layout.columns.iter().position(|own| own == title).unwrap_or(usize::MAX);
        found.sort_by_key(|(.., title)| place(title));
    } else {
        found.sort_by_key(|(_, field, _)| field.at);
    }
    found
}

/// Cells as a line.
fn line(layout: &Layout, cells: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let cells: Vec<Vec<u8>> = cells.map(|cell| written(&cell, layout.delimiter, layout.quote)).collect();
    let mut line = cells.join(&layout.delimiter);
    line.extend_from_slice(layout.line_end.as_bytes());
    line
}

struct Writer<'d> {
    layout: &'d Layout,
    markup: &'d Markup,
    /// Number of the document.
    document: &'d str,
    out: Vec<u8>,
    /// Records written.
    number: u32,
    faults: Vec<Diagnostic>,
}

impl<'d> Writer<'d> {
    fn new(layout: &'d Layout, markup: &'d Markup, document: &'d str) -> Self {
        Writer { layout, markup, document, out: Vec::new(), number: 0, faults: Vec::new() }
    }

    fn tell(&mut self, fault: Fault, place: &str, expected: &str, found: &str) {
        let mut finding = Diagnostic::new(self.layout.syntax, fault).because(expected, found);
        place.clone_into(&mut finding.place);
        self.faults.push(finding);
    }

    /// Rows that hold the document, a record of it and so on: one for each of the innermost.
    fn rows(&mut self, root: &Element) {
        let chain = layout::chain(&self.markup.content, &self.markup.contents);
        let mut path = vec![root];
        self.below(&chain, &mut path);
    }

    fn below(&mut self, chain: &[String], path: &mut Vec<&Element>) {
        let Some(around) = path.last().copied() else { return };
        let inner: Vec<&Element> = if path.len() < chain.len() { around.inner.iter().collect() } else { Vec::new() };
        if path.len() + 1 < chain.len() {
            self.told_apart(&inner, &chain[path.len()]);
        }
        for one in &inner {
            path.push(one);
            self.below(chain, path);
            path.pop();
        }
        if inner.is_empty() {
            let (layout, markup) = (self.layout, self.markup);
            let cells = columns(layout, markup).into_iter().map(|(level, field, title)| {
                let text = path.get(level).map_or(String::new(), |element| self.text(element, &chain[level], field));
                self.cell(title, &text)
            });
            let row = line(layout, cells.collect::<Vec<_>>().into_iter());
            self.out.extend(row);
        }
    }

    /// Records that hold others are told apart by their keys: what is written of two of one key would be read as one.
    fn told_apart(&mut self, inner: &[&Element], key: &str) {
        let Some(record) = self.layout.records.get(key) else { return };
        let mut seen: HashSet<Vec<String>> = HashSet::new();
        for element in inner {
            let key = self.key(element, key, record);
            if !seen.insert(key.clone()) {
                let place = format!("{}/{}", element.tag, record.keys.join(" "));
                self.tell(Fault::KeyAgain, &place, "records that are told apart by their key", &key.join(" "));
            }
        }
    }

    /// What the fields of a record's key say; nothing where it has none.
    fn key(&mut self, element: &Element, key: &str, record: &Record) -> Vec<String> {
        let fields = record.keys.iter().filter_map(|name| record.field(name));
        fields.map(|field| self.text(element, key, field)).collect()
    }

    /// The records in one, in the order of its definition.
    fn records(&mut self, around: &Element, key: &str, parent: u32, level: u32) {
        let (layout, markup) = (self.layout, self.markup);
        let Some(content) = markup.contents.get(key) else { return };
        for part in content.parts.iter().filter(|part| part.element().is_none()) {
            let Some(record) = layout.records.get(&part.content) else { continue };
            let own: Vec<&Element> =
                around.inner.iter().filter(|inner| inner.tag == part.name && !inner.is_silent()).collect();
            // What must stand says what it can.
            let made = Element::new(&part.name);
            let own = if own.is_empty() && is_made(part, record) { vec![&made] } else { own };
            for element in own {
                self.record(element, &part.content, record, parent, level);
                let number = self.number;
                self.records(element, &part.content, number, level + 1);
            }
        }
    }

    fn record(&mut self, element: &Element, key: &str, record: &Record, parent: u32, level: u32) {
        let layout = self.layout;
        self.number += u32::from(!record.is_without_lead);
        let tag = record.tags.first().map_or("", String::as_str);
        let (own, document) = (self.number, self.document);
        let made = |field: &Field| {
            let number = |number: u32| {
                let digits = number.to_string();
                "0".repeat(field.length.1.saturating_sub(digits.len())) + &digits
            };
            match field.made.as_str() {
                "$tag" => tag.to_owned(),
                "$number" => number(own),
                "$parent" => number(parent),
                "$level" => number(level),
                "$document" => document.to_owned(),
                text => text.to_owned(),
            }
        };
        let lead: &[Field] = if record.is_without_lead { &[] } else { &layout.lead };
        let mut values: Vec<(&Field, String)> = lead.iter().map(|field| (field, made(field))).collect();
        values.extend(record.fields.iter().map(|field| {
            let said = self.text(element, key, field);
            (field, if said.is_empty() { made(field) } else { said })
        }));
        if layout.syntax == Syntax::Csv {
            let width = record.fields.iter().map(|field| field.at + 1).max().unwrap_or(0);
            let mut cells = vec![Vec::new(); width.max(layout.tag.map_or(0, |(at, _)| at + 1))];
            for (field, text) in values {
                cells[field.at] = self.cell(&field.name, &text);
            }
            if let Some((at, _)) = layout.tag {
                cells[at] = tag.as_bytes().to_vec();
            }
            return self.out.extend(line(layout, cells.into_iter()));
        }
        let mut text = String::new();
        for (field, value) in values {
            let length = value.chars().count();
            let room = field.length.1;
            if length > room || value.contains(['\n', '\r']) {
                let place = format!("{}/{}", element.tag, field.name);
                let expected = format!("at most {room} characters on one line");
                self.tell(Fault::ValueLength, &place, &expected, &format!("{length} ({value:?})"));
                continue;
            }
            let at = text.chars().count();
            text.extend(std::iter::repeat_n(' ', field.at.saturating_sub(at)));
            text.push_str(&value);
            text.extend(std::iter::repeat_n(' ', room - length));
        }
        let tag_at = layout.tag.map_or(0, |(at, _)| at);
        if tag_at == 0 && !text.starts_with(tag) {
            self.tell(Fault::RecordUnknown, &element.tag, tag, &text.chars().take(tag.len()).collect::<String>());
        }
        let bytes = self.bytes(&element.tag, &text);
        self.out.extend(bytes);
        self.out.extend_from_slice(layout.line_end.as_bytes());
    }

    /// What a record says in a field, as the file writes it; nothing, and told, where the file cannot hold it.
    fn text(&mut self, element: &Element, key: &str, field: &Field) -> String {
        let content = self.markup.contents.get(key);
        let part = content.and_then(|content| content.part(&field.name));
        let number = part.and_then(|(_, part)| part.element()).unwrap_or(ITSELF);
        let text = element.text(number, 1).unwrap_or_default();
        as_written(self.layout, field, text).unwrap_or_else(|expected| {
            self.tell(Fault::ValueForm, &format!("{}/{}", element.tag, field.name), &expected, text);
            String::new()
        })
    }

    /// A cell without its quotes.
    fn cell(&mut self, place: &str, text: &str) -> Vec<u8> {
        let bytes = self.bytes(place, text);
        let Layout { delimiter, quote, .. } = *self.layout;
        if quote.is_none() && needs_quotes(&bytes, delimiter, quote) {
            let expected =
                format!("no {:?} and no line end, since the definition has no quotes", char::from(delimiter));
            self.tell(Fault::ValueForm, place, &expected, text);
            return Vec::new();
        }
        bytes
    }

    fn bytes(&mut self, place: &str, text: &str) -> Vec<u8> {
        self.layout.charset.encode(text).unwrap_or_else(|| {
            let found =
                text.chars().filter(|c| self.layout.charset.encode(&c.to_string()).is_none()).collect::<String>();
            self.tell(Fault::CharacterEncoding, place, self.layout.charset.name(), &found);
            Vec::new()
        })
    }
}

/// Whether a record that nothing is said of is written all the same.
fn is_made(part: &Part, record: &Record) -> bool {
    part.usage == Usage::Required && record.fields.iter().any(|field| !field.made.is_empty())
}
