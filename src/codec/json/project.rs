//! Reads a JSON document, holds it against its definition, and lays it out as the one tree: a segment for each record, its
//! fields as elements. Everything is told that does not fit, and reading goes on.

use super::read::{Kind, Malformed, Node, read};
use crate::codec::content::{Cell, Laying, Projected, Row, Span};
use crate::codec::segment::Envelope;
use crate::codec::table::{Sheet, in_tree, take};
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax};
use crate::near;
use crate::standard::content::ITSELF;
use crate::standard::definition::Usage;
use crate::standard::layout::Record;
use crate::standard::place::Placement;
use crate::tree::Charset;
use std::borrow::Cow;
use std::ops::Range;

/// Reads a document. `offset` and `line` say where `bytes` begin in the input.
#[must_use]
pub fn project(sheet: &Sheet, bytes: &[u8], offset: u64, line: u64) -> (Projected, Placement, Vec<Diagnostic>) {
    let walk = Walk::read(sheet, bytes, offset, line);
    walk.laying.end(Fault::JsonMalformed, walk.faults)
}

/// Takes over what a document says of itself.
pub fn note(envelope: &mut Envelope, sheet: &Sheet, bytes: &[u8]) {
    let walk = Walk::read(sheet, bytes, 0, 1);
    take(envelope, sheet, &walk.laying.rows);
}

struct Walk<'d> {
    sheet: &'d Sheet,
    laying: Laying<'d>,
    faults: Vec<Diagnostic>,
    /// Where each line begins.
    lines: Vec<usize>,
    origin: (u64, u64),
}

impl<'d> Walk<'d> {
    fn read(sheet: &'d Sheet, bytes: &[u8], offset: u64, line: u64) -> Self {
        let lines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
        let laying = Laying::new(Syntax::Json);
        let mut walk = Walk { sheet, laying, faults: Vec::new(), lines, origin: (offset, line) };
        let text = walk.text(bytes);
        let markup = sheet.markup();
        let path = format!("/{}", markup.root);
        match read(&text) {
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

    fn text<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, str> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(error) => {
                let at = error.valid_up_to();
                let span = self.span(&(at..at + 1));
                let found = format!("the byte {:#04x}, read as ISO 8859-1", bytes.get(at).copied().unwrap_or_default());
                self.tell(Fault::CharacterEncoding, span, "", "UTF-8", &found);
                Charset::Latin1.decode(bytes)
            }
        }
    }

    fn span(&self, range: &Range<usize>) -> Span {
        let line = self.lines.partition_point(|begin| *begin <= range.start);
        Span {
            offset: self.origin.0 + range.start as u64,
            length: range.len() as u64,
            line: self.origin.1 + line as u64,
        }
    }

    fn tell(&mut self, fault: Fault, span: Span, place: &str, expected: &str, found: &str) {
        let segment = u32::try_from(self.laying.rows.len()).unwrap_or(u32::MAX);
        let tag = self.laying.rows.last().map_or(String::new(), |row| row.tag.to_owned());
        let position = Position { segment, ..Position::default() };
        let finding = Diagnostic::new(Syntax::Json, fault).because(expected, found).place(place, tag, position);
        self.faults.push(finding.at(span.offset, span.length, span.line));
    }

    fn record(&mut self, tag: &'d str, key: &str, node: &Node, instance: usize, path: String) {
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
            let text = match found.map(|node| &node.kind) {
                None => String::new(),
                Some(Kind::Text(text)) => text.clone(),
                Some(Kind::Literal(word)) => {
                    if word == "null" {
                        String::new()
                    } else {
                        word.clone()
                    }
                }
                Some(Kind::List(_) | Kind::Object(_)) => {
                    let span = found.map_or(span, |node| self.span(&node.span));
                    self.tell(Fault::ValueForm, span, &place, field.form.name(), found.map_or("", kind_of));
                    continue;
                }
            };
            let at = found.map_or(span, |node| self.span(&node.span));
            let made = in_tree(layout, field, &text).unwrap_or_else(|expected| {
                self.tell(Fault::ValueForm, at, &place, &expected, &text);
                text.trim().to_owned()
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
            let found: Vec<&Node> = match at(node, source) {
                None => Vec::new(),
                Some(Node { kind: Kind::List(items), .. }) => items.iter().collect(),
                Some(Node { kind: Kind::Literal(word), .. }) if word == "null" => Vec::new(),
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
        node: &Node,
        steps: &mut Vec<String>,
        path: &str,
    ) {
        let Kind::Object(members) = &node.kind else { return };
        let records = content.parts.iter().filter(|part| part.element().is_none());
        let records = records.map(|part| record.paths.get(&part.name).map_or(part.name.as_str(), String::as_str));
        let known: Vec<&str> = record.fields.iter().map(|field| &*field.source).chain(records).collect();
        for (number, (name, span, inner)) in members.iter().enumerate() {
            steps.push(name.clone());
            let here = steps.join("/");
            let place = format!("{path}/{here}");
            if members[..number].iter().any(|(other, ..)| other == name) {
                let span = self.span(span);
                self.tell(Fault::MemberTwice, span, &place, "each member once; the first counts", name);
            } else if !known.contains(&here.as_str()) {
                if known.iter().any(|known| known.strip_prefix(&*here).is_some_and(|rest| rest.starts_with('/'))) {
                    self.members(record, content, inner, steps, path);
                } else {
                    let span = self.span(span);
                    let expected = format!("one of its {} members{}", known.len(), near::hint(name, &known));
                    self.tell(Fault::MemberUnknown, span, &place, &expected, name);
                }
            }
            steps.pop();
        }
    }
}

/// The value at a path of names; of a name that comes twice, the first.
fn at<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('/').try_fold(node, |node, name| match &node.kind {
        Kind::Object(members) => members.iter().find(|(own, ..)| own == name).map(|(.., inner)| inner),
        _ => None,
    })
}

fn kind_of(node: &Node) -> &'static str {
    match node.kind {
        Kind::Object(_) => "an object",
        Kind::List(_) => "a list",
        Kind::Text(_) => "a text",
        Kind::Literal(_) => "a number or a word",
    }
}
