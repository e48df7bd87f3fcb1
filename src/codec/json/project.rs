//! Reads a JSON document, holds it against its definition, and lays it out as the one tree: a segment for each record, its
//! fields as elements. Everything is told that does not fit, and reading goes on.

use super::read::{Kind, Malformed, Node, read};
use crate::codec::content::{Cell, Laying, Projected, Row, Span};
use crate::codec::segment::Envelope;
use crate::codec::table::{Sheet, in_tree, literal_in_tree, refused, take};
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax, is_clean, keep};
use crate::near;
use crate::standard::content::{Form, ITSELF};
use crate::standard::definition::Usage;
use crate::standard::layout::Record;
use crate::standard::place::Placement;
use crate::tree::Charset;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// Reads a document. `offset` and `line` say where `bytes` begin in the input.
#[must_use]
pub fn project(sheet: &Sheet, bytes: &[u8], offset: u64, line: u64) -> (Projected, Placement, Vec<Diagnostic>) {
    let text = text(bytes);
    let walk = Walk::read(sheet, &text, bytes, (offset, line));
    walk.laying.end(Fault::JsonMalformed, walk.faults)
}

/// Takes over what a document says of itself.
pub fn note(envelope: &mut Envelope, sheet: &Sheet, bytes: &[u8]) {
    let text = text(bytes);
    let walk = Walk::read(sheet, &text, bytes, (0, 1));
    take(envelope, sheet, &walk.laying.rows);
    envelope.is_doubtful = !is_clean(&walk.faults);
}

/// The bytes as text: UTF-8, or ISO 8859-1 where they are not that.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| Charset::Latin1.decode(bytes), Cow::Borrowed)
}

struct Walk<'d, 't> {
    sheet: &'d Sheet,
    laying: Laying<'d>,
    faults: Vec<Diagnostic>,
    places: Places<'t>,
    origin: (u64, u64),
}

impl<'d, 't> Walk<'d, 't> {
    fn read(sheet: &'d Sheet, text: &'t str, bytes: &[u8], origin: (u64, u64)) -> Self {
        let places = Places::of(text, bytes);
        let mut walk = Walk { sheet, laying: Laying::new(Syntax::Json), faults: Vec::new(), places, origin };
        walk.charset(bytes);
        let markup = sheet.markup();
        let path = format!("/{}", markup.root);
        match read(text) {
            Ok((node, end)) => {
                let behind = text[end..].trim();
                if !behind.is_empty() {
                    let span = walk.span(&(end..text.len()));
                    walk.tell(Fault::Junk, span, &path, "nothing behind the document", behind);
                }
                walk.record(&markup.root, &markup.content, &node, 0, path);
            }
            Err(Malformed { at, expected, found }) => {
                let span = walk.span(&(at..at + 1));
                walk.laying.rows.push(Row { tag: &markup.root, home: 0, span, path: path.clone(), values: Vec::new() });
                walk.tell(Fault::JsonMalformed, span, &path, &expected, &found);
            }
        }
        walk
    }

    fn charset(&mut self, bytes: &[u8]) {
        let Err(error) = std::str::from_utf8(bytes) else { return };
        let at = error.valid_up_to();
        let found = format!("the byte {:#04x}, read as ISO 8859-1", bytes.get(at).copied().unwrap_or_default());
        // As far as they are UTF-8, both have the same places only where they are ASCII.
        let line = self.origin.1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        let finding = Diagnostic::new(Syntax::Json, Fault::CharacterEncoding).because("UTF-8", found);
        keep(&mut self.faults, finding.at(self.origin.0 + at as u64, 1, line));
    }

    fn span(&self, range: &Range<usize>) -> Span {
        let (start, line) = self.places.at(range.start);
        let length = match self.places.is_latin {
            true => self.places.at(range.end).0 - start,
            false => range.len() as u64,
        };
        Span { offset: self.origin.0 + start, length, line: self.origin.1 + line }
    }

    fn tell(&mut self, fault: Fault, span: Span, place: &str, expected: &str, found: &str) {
        let segment = u32::try_from(self.laying.rows.len()).unwrap_or(u32::MAX);
        let tag = self.laying.rows.last().map_or(String::new(), |row| row.tag.to_owned());
        let position = Position { segment, ..Position::default() };
        let finding = Diagnostic::new(Syntax::Json, fault).because(expected, found).place(place, tag, position);
        keep(&mut self.faults, finding.at(span.offset, span.length, span.line));
    }

    fn record(&mut self, tag: &'d str, key: &str, node: &Node<'_>, instance: usize, path: String) {
        let (layout, markup) = (self.sheet.layout(), self.sheet.markup());
        let span = self.span(&node.span);
        let (Some(record), Some(content)) = (layout.records.get(key), markup.contents.get(key)) else { return };
        self.laying.rows.push(Row { tag, home: instance, span, path: path.clone(), values: Vec::new() });
        let own = self.laying.rows.len() - 1;
        if !matches!(node.kind, Kind::Object(_)) {
            return self.tell(Fault::ValueForm, span, &path, "an object", kind_of(node));
        }
        self.members(record, content, node, &mut Vec::new(), &path);
        for field in &record.fields {
            let place = format!("{path}/{}", field.name);
            let found = at(node, &field.source);
            let (text, read) = match found.map(|node| &node.kind) {
                None | Some(Kind::Literal("null")) => ("", Ok(String::new())),
                Some(Kind::Text(text)) => (&**text, in_tree(layout, field, text)),
                // A word is no text, number or day, though it could be spelt as one.
                Some(Kind::Literal(word @ ("true" | "false"))) if field.form != Form::Boolean => {
                    (*word, Err(format!("a {}, and not a word", field.form.name())))
                }
                Some(Kind::Literal(word)) => (*word, literal_in_tree(layout, field, word)),
                Some(Kind::List(_) | Kind::Object(_)) => {
                    let span = found.map_or(span, |node| self.span(&node.span));
                    self.tell(Fault::ValueForm, span, &place, field.form.name(), found.map_or("", kind_of));
                    continue;
                }
            };
            let at = found.map_or(span, |node| self.span(&node.span));
            let made = read.unwrap_or_else(|expected| {
                self.tell(Fault::ValueForm, at, &place, &expected, text);
                refused(layout, field, text)
            });
            let length = made.chars().count();
            if made.is_empty() {
                if field.usage == Usage::Required {
                    self.tell(Fault::ValueMissing, at, &place, &field.source, "nothing");
                }
                continue;
            }
            if !(field.length.0..=field.length.1).contains(&length) {
                let expected = format!("{} to {} characters", field.length.0, field.length.1);
                self.tell(Fault::ValueLength, at, &place, &expected, &format!("{length} ({made:?})"));
            }
            let element = content.part(&field.name).and_then(|(_, part)| part.element()).unwrap_or(ITSELF);
            self.laying.rows[own].values.push(Cell { element, component: 1, text: made, span: at });
        }
        for part in content.parts.iter().filter(|part| part.element().is_none()) {
            let source = record.paths.get(&part.name).map_or(part.name.as_str(), String::as_str);
            let found: Vec<&Node<'_>> = match at(node, source) {
                None => Vec::new(),
                Some(Node { kind: Kind::List(items), .. }) => items.iter().collect(),
                Some(Node { kind: Kind::Literal("null"), .. }) => Vec::new(),
                Some(one) => vec![one],
            };
            if found.is_empty() && part.usage == Usage::Required {
                self.tell(Fault::RecordMissing, span, &format!("{path}/{}", part.name), source, "none");
            }
            for (number, one) in (1_u32..).zip(found) {
                let path = if part.max == Some(1) {
                    format!("{path}/{}", part.name)
                } else {
                    format!("{path}/{}[{number}]", part.name)
                };
                if let Some(max) = part.max.filter(|max| number > *max) {
                    let span = self.span(&one.span);
                    self.tell(Fault::RecordTooMany, span, &path, &format!("at most {max} {source}"), "one more");
                }
                let inner = self.laying.open(instance, &part.name);
                self.record(&part.name, &part.content, one, inner, path);
            }
        }
    }

    /// Members that come twice, and those that the definition does not know.
    fn members(
        &mut self,
        record: &Record,
        content: &crate::standard::content::Content,
        node: &Node<'_>,
        steps: &mut Vec<String>,
        path: &str,
    ) {
        let Kind::Object(members) = &node.kind else { return };
        let records = content.parts.iter().filter(|part| part.element().is_none());
        let records = records.map(|part| record.paths.get(&part.name).map_or(part.name.as_str(), String::as_str));
        let known: Vec<&str> = record.fields.iter().map(|field| &*field.source).chain(records).collect();
        let mut seen: HashSet<&str> = HashSet::new();
        for (name, span, inner) in members {
            steps.push(name.to_string());
            let here = steps.join("/");
            let place = format!("{path}/{here}");
            let is_on_the_way = |known: &&&str| known.strip_prefix(&*here).is_some_and(|rest| rest.starts_with('/'));
            if !seen.insert(name) {
                let span = self.span(span);
                self.tell(Fault::MemberTwice, span, &place, "each member once; the first counts", name);
            } else if known.contains(&here.as_str()) {
                // Its value is looked at as that of a field or of records.
            } else if known.iter().any(|known| is_on_the_way(&known)) {
                match &inner.kind {
                    Kind::Object(_) => self.members(record, content, inner, steps, path),
                    Kind::Literal("null") => {}
                    _ => {
                        let span = self.span(&inner.span);
                        self.tell(Fault::ValueForm, span, &place, "an object", kind_of(inner));
                    }
                }
            } else {
                let span = self.span(span);
                let expected = format!("one of its {} members{}", known.len(), near::hint(name, &known));
                self.tell(Fault::MemberUnknown, span, &place, &expected, name);
            }
            steps.pop();
        }
    }
}

/// Bytes of a text between which lines are counted anew.
const BLOCK_BYTES: usize = 512;

/// Where places of a text stand in the input that it was read from.
struct Places<'t> {
    text: &'t str,
    /// The text was read as ISO 8859-1: what is not ASCII has two bytes in it, and one in the input.
    is_latin: bool,
    /// Lines and second bytes before each block.
    before: Vec<(u64, u64)>,
}

impl<'t> Places<'t> {
    fn of(text: &'t str, bytes: &[u8]) -> Self {
        let mut made = Places { text, is_latin: text.len() != bytes.len(), before: vec![(0, 0)] };
        for block in text.as_bytes().chunks(BLOCK_BYTES) {
            let (lines, seconds) = made.before.last().copied().unwrap_or_default();
            let (more, wide) = counts(block);
            made.before.push((lines + more, seconds + wide));
        }
        made
    }

    /// Offset and number of line, from 0, in the input.
    fn at(&self, place: usize) -> (u64, u64) {
        let block = place.min(self.text.len()) / BLOCK_BYTES;
        let (lines, seconds) = self.before.get(block).copied().unwrap_or_default();
        let rest = self.text.as_bytes().get(block * BLOCK_BYTES..place.min(self.text.len())).unwrap_or_default();
        let (more, wide) = counts(rest);
        (place as u64 - if self.is_latin { seconds + wide } else { 0 }, lines + more)
    }
}

/// Line feeds, and bytes that go on a character.
fn counts(bytes: &[u8]) -> (u64, u64) {
    let (mut feeds, mut seconds) = (0, 0);
    for byte in bytes {
        feeds += u64::from(*byte == b'\n');
        seconds += u64::from(*byte & 0xC0 == 0x80);
    }
    (feeds, seconds)
}

/// The value at a path of names; of a name that comes twice, the first.
fn at<'n, 't>(node: &'n Node<'t>, path: &str) -> Option<&'n Node<'t>> {
    path.split('/').try_fold(node, |node, name| match &node.kind {
        Kind::Object(members) => members.iter().find(|(own, ..)| own == name).map(|(.., inner)| inner),
        _ => None,
    })
}

fn kind_of(node: &Node<'_>) -> &'static str {
    match node.kind {
        Kind::Object(_) => "an object",
        Kind::List(_) => "a list",
        Kind::Text(_) => "a text",
        Kind::Literal(_) => "a number or a word",
    }
}
