//! A decoded input as JSON: every value stands once, in its place, and the whole goes back to the same bytes.
//!
//! Shape: `{interchanges: [{syntax, separators, charset, line_end, header, groups: [{header, documents: [{segments}],
//! trailer}], trailer, end}], format}`. Everything stands in the order of its bytes, so that the way back, `encode`, needs
//! no more than one segment at a time. A segment is `{tag, elements}`; an element is a string, a composite an array, a
//! repeating element `{repetitions: […]}`. What is unusual is kept beside it: bytes outside interchanges (`before` one,
//! `after` all), segments outside documents (`before` a group or document, `tail` of a group or interchange), `lead` (bytes
//! before a tag other than `line_end`), `open` (no terminator), and for a string that would not encode to its own bytes
//! `{value, bytes}` with the bytes in base64. An XML document is an interchange of its own, which has `prolog` for header, and
//! `element` for segments (`codec::xml` says how).

use super::{Limits, Piece, PieceKind, Reader};
use crate::codec::xml;
use crate::diagnostic::{Diagnostic, Syntax};
use crate::tree::{Charset, Segment, Separators, Value as Slice};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};
use std::io::{self, Read, Write};

/// What came of decoding, beside the JSON that was written.
#[derive(Debug)]
pub struct Decoded {
    /// `x12`, `edifact`, `mixed`; `unknown` when there is no interchange, and then nothing was written.
    pub format: &'static str,
    /// Bytes after the last interchange, as a JSON string.
    pub after: Value,
    /// What the reader found wrong on the way.
    pub faults: Vec<Diagnostic>,
}

/// Decodes an input and writes its JSON document by document; what is held is one document, not the input.
///
/// # Errors
/// What the source or the sink says, and a document over the limit.
pub fn decode_to<R: Read, W: Write>(source: R, limits: Limits, out: W) -> io::Result<Decoded> {
    let mut reader = Reader::new(source, limits);
    let mut building = Building::new(out);
    let mut faults = Vec::new();
    while let Some(mut piece) = reader.next()? {
        faults.append(&mut piece.faults);
        building.take(&piece)?;
    }
    let (format, after) = building.finish()?;
    Ok(Decoded { format, after, faults })
}

/// Decodes a whole input into one value; the second part is what the reader found wrong on the way.
///
/// # Errors
/// What the source says, and a document over the limit.
pub fn decode<R: Read>(source: R, limits: Limits) -> io::Result<(Value, Vec<Diagnostic>)> {
    let mut text = Vec::new();
    let done = decode_to(source, limits, &mut text)?;
    let value = if text.is_empty() {
        json!({ "interchanges": [], "after": done.after, "format": done.format })
    } else {
        serde_json::from_slice(&text)?
    };
    Ok((value, done.faults))
}

/// Writes the JSON as pieces come; nothing but the open interchange's own facts is kept.
struct Building<W> {
    json: Json<W>,
    /// Bytes outside interchanges since the last one.
    outside: Vec<u8>,
    open: Option<Interchange>,
    syntaxes: Vec<&'static str>,
}

/// The open interchange.
struct Interchange {
    /// What stands before its groups; written once the second segment has told the line end.
    facts: Map<String, Value>,
    is_begun: bool,
    line_end: Vec<u8>,
    charset: Charset,
    group_open: bool,
    loose: Vec<Value>,
    trailer: Value,
    end: Option<Value>,
}

impl<W: Write> Building<W> {
    fn new(out: W) -> Self {
        let json = Json { out, scopes: Vec::new() };
        Building { json, outside: Vec::new(), open: None, syntaxes: Vec::new() }
    }

    fn take(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        match piece.kind {
            PieceKind::Between => {
                self.close()?;
                self.outside.extend_from_slice(piece.run.bytes);
            }
            PieceKind::InterchangeHeader => {
                self.close()?;
                self.start(piece)?;
            }
            kind => {
                match &mut self.open {
                    Some(open) if piece.syntax == Syntax::Xml => open.take_markup(&mut self.json, kind, piece)?,
                    Some(open) => open.take(&mut self.json, kind, piece)?,
                    None => {}
                }
                if kind == PieceKind::InterchangeTrailer {
                    self.close()?;
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        let name = match piece.syntax {
            Syntax::X12 => "x12",
            Syntax::Xml => "xml",
            _ => "edifact",
        };
        if self.syntaxes.is_empty() {
            self.json.open(None, "{")?;
            self.json.open(Some("interchanges"), "[")?;
        }
        if !self.syntaxes.contains(&name) {
            self.syntaxes.push(name);
        }
        let mut facts = Map::new();
        let before = std::mem::take(&mut self.outside);
        if !before.is_empty() {
            facts.insert("before".into(), text(&before, Charset::Latin1, None));
        }
        facts.insert("syntax".into(), name.into());
        if piece.syntax == Syntax::Xml {
            facts.insert("prolog".into(), text(piece.run.bytes, Charset::Latin1, None));
            self.open = Some(Interchange::new(facts, Charset::Utf8));
            return Ok(());
        }
        facts.insert("separators".into(), separators_json(piece.run.separators));
        facts.insert("charset".into(), piece.run.charset.name().into());
        facts.insert("line_end".into(), "".into());
        if piece.run.index.wrapped {
            facts.insert("wrapped".into(), true.into());
        }
        let mut open = Interchange::new(facts, piece.run.charset);
        let header = open.segments(piece).into_iter().next().unwrap_or(Value::Null);
        open.facts.insert("header".into(), header);
        self.open = Some(open);
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some(open) => open.finish(&mut self.json),
            None => Ok(()),
        }
    }

    /// Ends the JSON; returns the format and what stands after the last interchange.
    fn finish(mut self) -> io::Result<(&'static str, Value)> {
        self.close()?;
        let after = text(&self.outside, Charset::Latin1, None);
        let format = match self.syntaxes.as_slice() {
            [] => return Ok(("unknown", after)),
            [one] => one,
            _ => "mixed",
        };
        self.json.close()?;
        if !self.outside.is_empty() {
            self.json.value(Some("after"), &after)?;
        }
        self.json.value(Some("format"), &format.into())?;
        self.json.close()?;
        self.json.out.write_all(b"\n")?;
        self.json.out.flush()?;
        Ok((format, after))
    }
}

impl Interchange {
    fn new(facts: Map<String, Value>, charset: Charset) -> Self {
        Interchange {
            facts,
            is_begun: false,
            line_end: Vec::new(),
            charset,
            group_open: false,
            loose: Vec::new(),
            trailer: Value::Null,
            end: None,
        }
    }

    /// An XML document, or what stands behind it.
    fn take_markup<W: Write>(&mut self, json: &mut Json<W>, kind: PieceKind, piece: &Piece<'_>) -> io::Result<()> {
        if kind != PieceKind::Document {
            self.end = Some(text(piece.run.bytes, Charset::Latin1, None));
            return Ok(());
        }
        self.begin(json)?;
        self.need_group(json)?;
        let (element, charset) = xml::to_json(piece.run.bytes, piece.run.charset);
        let mut document = Map::new();
        if charset != Charset::Utf8 {
            document.insert("charset".into(), charset.name().into());
        }
        document.insert("element".into(), element);
        json.value(None, &document.into())
    }

    fn take<W: Write>(&mut self, json: &mut Json<W>, kind: PieceKind, piece: &Piece<'_>) -> io::Result<()> {
        if !self.is_begun {
            // The lead of the second segment is what this sender writes after every terminator.
            self.line_end = piece.run.segment(0).map_or(Vec::new(), |segment| segment.lead().to_vec());
            self.begin(json)?;
        }
        let mut segments = self.segments(piece);
        match kind {
            PieceKind::Loose => self.loose.append(&mut segments),
            PieceKind::GroupHeader => {
                self.close_group(json, &Value::Null)?;
                let before = std::mem::take(&mut self.loose);
                self.open_group(json, before, &segments.swap_remove(0))?;
            }
            PieceKind::Document => {
                self.need_group(json)?;
                let mut document = Map::new();
                if !self.loose.is_empty() {
                    document.insert("before".into(), std::mem::take(&mut self.loose).into());
                }
                if piece.run.charset != self.charset {
                    document.insert("charset".into(), piece.run.charset.name().into());
                }
                document.insert("segments".into(), segments.into());
                json.value(None, &document.into())?;
            }
            PieceKind::GroupTrailer => {
                self.need_group(json)?;
                self.close_group(json, &segments.swap_remove(0))?;
            }
            _ => {
                self.trailer = segments.swap_remove(0);
                let end = piece.run.segment(0).map_or(0, |segment| segment.after());
                self.end = Some(text(&piece.run.bytes[end..], Charset::Latin1, None));
            }
        }
        Ok(())
    }

    fn begin<W: Write>(&mut self, json: &mut Json<W>) -> io::Result<()> {
        self.is_begun = true;
        if let Some(line_end) = self.facts.get_mut("line_end") {
            *line_end = String::from_utf8_lossy(&self.line_end).into();
        }
        json.open(None, "{")?;
        for (key, value) in &self.facts {
            json.value(Some(key), value)?;
        }
        json.open(Some("groups"), "[")
    }

    /// Documents outside groups stand in one without header; what is loose before them is theirs.
    fn need_group<W: Write>(&mut self, json: &mut Json<W>) -> io::Result<()> {
        if self.group_open { Ok(()) } else { self.open_group(json, Vec::new(), &Value::Null) }
    }

    fn open_group<W: Write>(&mut self, json: &mut Json<W>, before: Vec<Value>, header: &Value) -> io::Result<()> {
        self.group_open = true;
        json.open(None, "{")?;
        if !before.is_empty() {
            json.value(Some("before"), &before.into())?;
        }
        json.value(Some("header"), header)?;
        json.open(Some("documents"), "[")
    }

    /// Ends the open group. What is loose belongs to it when it has a trailer, else to what follows.
    fn close_group<W: Write>(&mut self, json: &mut Json<W>, trailer: &Value) -> io::Result<()> {
        if !std::mem::replace(&mut self.group_open, false) {
            return Ok(());
        }
        json.close()?;
        if !trailer.is_null() {
            self.tail(json)?;
        }
        json.value(Some("trailer"), trailer)?;
        json.close()
    }

    fn tail<W: Write>(&mut self, json: &mut Json<W>) -> io::Result<()> {
        if self.loose.is_empty() { Ok(()) } else { json.value(Some("tail"), &std::mem::take(&mut self.loose).into()) }
    }

    fn finish<W: Write>(mut self, json: &mut Json<W>) -> io::Result<()> {
        if !self.is_begun {
            self.begin(json)?;
        }
        self.close_group(json, &Value::Null)?;
        json.close()?;
        self.tail(json)?;
        json.value(Some("trailer"), &self.trailer)?;
        if let Some(end) = &self.end {
            json.value(Some("end"), end)?;
        }
        json.close()
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
    let rest = before_elements(segment);
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
fn before_elements<'a>(segment: &Segment<'a>) -> &'a [u8] {
    let end = match segment.elements().next() {
        Some(first) => (first.offset() - segment.offset()) as usize - 1,
        None => segment.raw().len(),
    };
    &segment.raw()[segment.tag().len()..end]
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

/// Indented JSON, written as it comes.
struct Json<W> {
    out: W,
    scopes: Vec<Scope>,
}

/// An object or list that is not closed yet.
struct Scope {
    end: char,
    count: usize,
}

impl<W: Write> Json<W> {
    /// Begins an object `{` or a list `[`.
    fn open(&mut self, key: Option<&str>, begin: &str) -> io::Result<()> {
        self.lead(key)?;
        self.out.write_all(begin.as_bytes())?;
        self.scopes.push(Scope { end: if begin == "{" { '}' } else { ']' }, count: 0 });
        Ok(())
    }

    /// Ends the innermost of them.
    fn close(&mut self) -> io::Result<()> {
        let Some(scope) = self.scopes.pop() else { return Ok(()) };
        if scope.count > 0 {
            write!(self.out, "\n{}", "  ".repeat(self.scopes.len()))?;
        }
        write!(self.out, "{}", scope.end)
    }

    fn value(&mut self, key: Option<&str>, value: &Value) -> io::Result<()> {
        self.lead(key)?;
        let indent = format!("\n{}", "  ".repeat(self.scopes.len()));
        self.out.write_all(serde_json::to_string_pretty(value)?.replace('\n', &indent).as_bytes())
    }

    /// What stands before an item: comma, line end, indent, key.
    fn lead(&mut self, key: Option<&str>) -> io::Result<()> {
        let depth = self.scopes.len();
        if let Some(scope) = self.scopes.last_mut() {
            let comma = if scope.count > 0 { "," } else { "" };
            scope.count += 1;
            write!(self.out, "{comma}\n{}", "  ".repeat(depth))?;
        }
        match key {
            Some(key) => write!(self.out, "\"{key}\": "),
            None => Ok(()),
        }
    }
}
