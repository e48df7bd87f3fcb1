//! A decoded input as JSON: every value stands once, in its place, and the whole goes back to the same bytes.
//!
//! Shape: `{format, interchanges: [{syntax, separators, charset, line_end, header, groups: [{header, documents:
//! [{segments}], trailer}], trailer, end}], between: […]}`. A segment is `{tag, elements}`; an element is a string,
//! a composite an array, a repeating element `{repetitions: […]}`. What is unusual is kept beside it: `lead` (bytes
//! before the tag other than `line_end`), `open` (no terminator), `before` and `tail` (segments in no document), and
//! for a string that would not encode to its own bytes `{value, bytes}` with the bytes in base64.
//! The way back is `encode`.

use super::{Limits, Piece, PieceKind, Reader};
use crate::diagnostic::{Diagnostic, Syntax};
use crate::tree::{Charset, Segment, Separators, Value as Slice};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};
use std::io::{self, Read};

/// Decodes a whole input; the second part is what the reader found wrong on the way.
///
/// # Errors
/// What the source says, and a document over the limit.
pub fn decode<R: Read>(source: R, limits: Limits) -> io::Result<(Value, Vec<Diagnostic>)> {
    let mut reader = Reader::new(source, limits);
    let mut building = Building::default();
    let mut faults = Vec::new();
    while let Some(mut piece) = reader.next()? {
        faults.append(&mut piece.faults);
        building.take(&piece);
    }
    Ok((building.finish(), faults))
}

/// The JSON as it grows; nothing but the open interchange and group is looked at again.
#[derive(Default)]
struct Building {
    interchanges: Vec<Value>,
    between: Vec<Value>,
    junk: Vec<u8>,
    open: Option<Interchange>,
    syntaxes: Vec<&'static str>,
}

struct Interchange {
    facts: Map<String, Value>,
    line_end: Vec<u8>,
    line_end_known: bool,
    charset: Charset,
    groups: Vec<Map<String, Value>>,
    group_open: bool,
    loose: Vec<Value>,
}

impl Building {
    fn take(&mut self, piece: &Piece<'_>) {
        match piece.kind {
            PieceKind::Between => {
                self.close();
                self.junk.extend_from_slice(piece.run.bytes);
            }
            PieceKind::InterchangeHeader => {
                self.close();
                self.between.push(text(&std::mem::take(&mut self.junk), Charset::Latin1, None));
                self.start(piece);
            }
            kind => {
                if let Some(open) = &mut self.open {
                    open.take(kind, piece);
                }
                if kind == PieceKind::InterchangeTrailer {
                    self.close();
                }
            }
        }
    }

    fn start(&mut self, piece: &Piece<'_>) {
        let name = match piece.syntax {
            Syntax::X12 => "x12",
            _ => "edifact",
        };
        if !self.syntaxes.contains(&name) {
            self.syntaxes.push(name);
        }
        let mut facts = Map::new();
        facts.insert("syntax".into(), name.into());
        facts.insert("separators".into(), separators_json(piece.run.separators));
        facts.insert("charset".into(), piece.run.charset.name().into());
        facts.insert("line_end".into(), "".into());
        if piece.run.index.wrapped {
            facts.insert("wrapped".into(), true.into());
        }
        let mut open = Interchange {
            facts,
            line_end: Vec::new(),
            line_end_known: false,
            charset: piece.run.charset,
            groups: Vec::new(),
            group_open: false,
            loose: Vec::new(),
        };
        let header = open.segments(piece).into_iter().next().unwrap_or(Value::Null);
        open.facts.insert("header".into(), header);
        self.open = Some(open);
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.interchanges.push(open.finish());
        }
    }

    fn finish(mut self) -> Value {
        self.close();
        self.between.push(text(&self.junk, Charset::Latin1, None));
        let format = match self.syntaxes.as_slice() {
            [] => "unknown",
            [one] => one,
            _ => "mixed",
        };
        json!({ "format": format, "interchanges": self.interchanges, "between": self.between })
    }
}

impl Interchange {
    fn take(&mut self, kind: PieceKind, piece: &Piece<'_>) {
        if !std::mem::replace(&mut self.line_end_known, true) {
            // The lead of the second segment is what this sender writes after every terminator.
            self.line_end = piece.run.segment(0).map_or(Vec::new(), |segment| segment.lead().to_vec());
            self.facts.insert("line_end".into(), String::from_utf8_lossy(&self.line_end).into());
        }
        let mut segments = self.segments(piece);
        match kind {
            PieceKind::Loose => self.loose.append(&mut segments),
            PieceKind::GroupHeader => {
                let group = self.new_group();
                group.insert("header".into(), segments.swap_remove(0));
                self.group_open = true;
            }
            PieceKind::Document => {
                let mut document = Map::new();
                self.put_loose("before", &mut document);
                if piece.run.charset != self.charset {
                    document.insert("charset".into(), piece.run.charset.name().into());
                }
                document.insert("segments".into(), segments.into());
                if let Some(Value::Array(documents)) = self.group().get_mut("documents") {
                    documents.push(document.into());
                }
            }
            PieceKind::GroupTrailer => {
                let mut tail = Map::new();
                self.put_loose("tail", &mut tail);
                let group = self.group();
                group.append(&mut tail);
                group.insert("trailer".into(), segments.swap_remove(0));
                self.group_open = false;
            }
            _ => {
                self.end_loose();
                self.facts.insert("trailer".into(), segments.swap_remove(0));
                let end = piece.run.segment(0).map_or(0, |segment| segment.after());
                let end = text(&piece.run.bytes[end..], Charset::Latin1, None);
                self.facts.insert("end".into(), end);
            }
        }
    }

    /// The group documents now belong to; a group without header where none is open.
    fn group(&mut self) -> &mut Map<String, Value> {
        if !self.group_open || self.groups.is_empty() {
            let loose = std::mem::take(&mut self.loose);
            self.new_group();
            self.loose = loose;
            self.group_open = true;
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn new_group(&mut self) -> &mut Map<String, Value> {
        let mut group = Map::new();
        self.put_loose("before", &mut group);
        group.insert("header".into(), Value::Null);
        group.insert("documents".into(), Value::Array(Vec::new()));
        group.insert("trailer".into(), Value::Null);
        self.groups.push(group);
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn put_loose(&mut self, key: &str, into: &mut Map<String, Value>) {
        if !self.loose.is_empty() {
            into.insert(key.into(), std::mem::take(&mut self.loose).into());
        }
    }

    fn end_loose(&mut self) {
        let mut tail = Map::new();
        self.put_loose("tail", &mut tail);
        self.facts.append(&mut tail);
    }

    fn finish(mut self) -> Value {
        self.end_loose();
        let trailer = self.facts.remove("trailer").unwrap_or(Value::Null);
        let tail = self.facts.remove("tail");
        let end = self.facts.remove("end");
        self.facts.insert("groups".into(), self.groups.into_iter().map(Value::Object).collect());
        tail.map(|tail| self.facts.insert("tail".into(), tail));
        self.facts.insert("trailer".into(), trailer);
        end.map(|end| self.facts.insert("end".into(), end));
        Value::Object(self.facts)
    }

    /// The segments of a piece; values outside a document are read in the interchange's own character set.
    fn segments(&self, piece: &Piece<'_>) -> Vec<Value> {
        let charset = if piece.kind == PieceKind::Document { piece.run.charset } else { self.charset };
        piece.run.segments().map(|segment| segment_json(&segment, piece, charset, &self.line_end)).collect()
    }
}

fn segment_json(segment: &Segment<'_>, piece: &Piece<'_>, charset: Charset, line_end: &[u8]) -> Value {
    let separators = piece.run.separators;
    let mut object = Map::new();
    object.insert("tag".into(), text(segment.tag(), charset, None));
    // ISA11 and ISA16 hold separators as data.
    let escape = (piece.kind != PieceKind::InterchangeHeader || piece.syntax != Syntax::X12).then_some(separators);
    let elements = segment.elements().map(|element| element_json(element, charset, escape)).collect();
    let rest = before_elements(segment, separators);
    if !rest.is_empty() {
        // Explicit nesting (ISO 9735, syntax 1 to 3): `SEG:1:2+`. Rare, kept as it stands.
        object.insert("nesting".into(), text(rest, charset, None));
    }
    object.insert("elements".into(), Value::Array(elements));
    if segment.lead() != line_end {
        object.insert("lead".into(), text(segment.lead(), Charset::Latin1, None));
    }
    if !segment.is_terminated() {
        object.insert("open".into(), true.into());
    }
    Value::Object(object)
}

/// What stands between the tag and the first element separator.
fn before_elements<'a>(segment: &Segment<'a>, separators: &Separators) -> &'a [u8] {
    let raw = &segment.raw()[segment.tag().len()..];
    match segment.elements().next() {
        Some(first) => {
            let tag_end = (first.offset() - segment.offset()) as usize - 1;
            &segment.raw()[segment.tag().len()..tag_end]
        }
        None => raw.strip_suffix(&[separators.element]).unwrap_or(raw),
    }
}

fn element_json(element: Slice<'_>, charset: Charset, escape: Option<&Separators>) -> Value {
    if element.is_plain() {
        return scalar(element, charset, escape);
    }
    let repetitions: Vec<Value> = element
        .repetitions()
        .map(|one| match one.is_plain() {
            true => scalar(one, charset, escape),
            false => Value::Array(one.components().map(|c| scalar(c, charset, escape)).collect()),
        })
        .collect();
    match <[Value; 1]>::try_from(repetitions) {
        Ok([one]) => one,
        Err(many) => json!({ "repetitions": many }),
    }
}

fn scalar(value: Slice<'_>, charset: Charset, escape: Option<&Separators>) -> Value {
    let decoded = charset.decode(&value.unescaped()).into_owned();
    text_of(value.raw(), decoded, charset, escape)
}

/// Bytes as a JSON string, or `{value, bytes}` when the string would not encode to them.
fn text(bytes: &[u8], charset: Charset, escape: Option<&Separators>) -> Value {
    text_of(bytes, charset.decode(bytes).into_owned(), charset, escape)
}

fn text_of(raw: &[u8], decoded: String, charset: Charset, escape: Option<&Separators>) -> Value {
    // Binary elements of X12 may hold separators as data, which a string alone could not say.
    let unwritable = escape.is_some_and(|s| s.release.is_none() && raw.iter().any(|&byte| s.is_special(byte)));
    if !unwritable && raw_of(&decoded, charset, escape).as_deref() == Some(raw) {
        Value::String(decoded)
    } else {
        json!({ "value": decoded, "bytes": BASE64.encode(raw) })
    }
}

/// A string as bytes in the data: encoded, and released where the syntax has a release character.
pub(super) fn raw_of(text: &str, charset: Charset, escape: Option<&Separators>) -> Option<Vec<u8>> {
    let bytes = charset.encode(text)?;
    let Some((separators, release)) = escape.and_then(|s| s.release.map(|release| (s, release))) else {
        return Some(bytes);
    };
    let mut raw = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if separators.is_special(byte) {
            raw.push(release);
        }
        raw.push(byte);
    }
    Some(raw)
}

fn separators_json(separators: &Separators) -> Value {
    let one = |byte: u8| Value::String(char::from(byte).to_string());
    let maybe = |byte: Option<u8>| byte.map_or(Value::Null, one);
    json!({
        "component": one(separators.component), "element": one(separators.element),
        "repetition": maybe(separators.repetition), "release": maybe(separators.release),
        "segment": one(separators.segment), "decimal": one(separators.decimal),
    })
}
