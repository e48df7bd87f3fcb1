//! Decoded JSON back to bytes: the inverse of `decode`, and the judge of JSON a person edited. It goes segment by segment,
//! so keys must stand in the order of the bytes they are about.

use super::decode::raw_of;
use crate::codec::table::{self, Written};
use crate::codec::{json, xml};
use crate::json::{JsonError, JsonReader};
use crate::tree::{Charset, Separators};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};
use std::io::{self, Read, Write};

/// Made bytes go out when there are this many.
const OUT_BYTES: usize = 64 * 1024;

/// Why the JSON cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It is JSON, but not of the shape that `decode` writes.
    #[error("{pointer}: expected {expected}, found {found}")]
    Unfit {
        /// JSON pointer (RFC 6901) to the value concerned.
        pointer: String,
        /// What must stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// It is no JSON, or cannot be read.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// The sink failed.
    #[error("cannot be written: {0}")]
    Unwritable(#[from] io::Error),
}

impl EncodeError {
    fn new(pointer: &str, expected: &str, found: &Value) -> Self {
        let found = match found {
            Value::Null => "nothing".to_owned(),
            other => other.to_string().chars().take(80).collect(),
        };
        EncodeError::Unfit { pointer: pointer.to_owned(), expected: expected.to_owned(), found }
    }
}

/// Writes the bytes that a decoded object stands for.
///
/// # Errors
/// As for [`encode_to`].
pub fn encode(decoded: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    let text = decoded.to_string();
    match encode_to(&mut JsonReader::new(text.as_bytes(), text.len()), &mut bytes)? {
        None => Ok(bytes),
        Some(_) => Err(EncodeError::new("/interchanges", "an array", &Value::Null)),
    }
}

/// Writes the bytes that the decoded object which stands next stands for, segment by segment. An object without
/// `interchanges` is none, and is given back.
///
/// # Errors
/// Names the JSON pointer of what is missing, misplaced, of the wrong kind, or not writable with the interchange's
/// separators and character set. The whole segments before it are written.
pub fn encode_to<R: Read, W: Write>(
    json: &mut JsonReader<R>,
    sink: &mut W,
) -> Result<Option<Map<String, Value>>, EncodeError> {
    let mut encoding = Encoding { json, sink, writer: Writer::new() };
    let done = encoding.whole();
    encoding.flush()?;
    encoding.sink.flush()?;
    done
}

/// The keys of an object, in the order they must come: facts, then the list that is written as it is read, then more.
struct Shape {
    before: &'static [&'static str],
    list: &'static str,
    after: &'static [&'static str],
}

const INTERCHANGE: Shape = Shape {
    before: &[
        "before",
        "syntax",
        "prolog",
        "delimiter",
        "quote",
        "separators",
        "charset",
        "line_end",
        "wrapped",
        "header",
    ],
    list: "groups",
    after: &["tail", "trailer", "end"],
};
const GROUP: Shape = Shape { before: &["before", "header"], list: "documents", after: &["tail", "trailer"] };
const DOCUMENT: Shape = Shape { before: &["before", "charset"], list: "segments", after: &[] };

/// What is expected of a key that comes again.
const ONCE: &str = "this key once";

/// What is expected of a key that the bytes of a list depend on.
fn early(list: &str) -> String {
    format!("this key before \"{list}\": bytes are written as they are read")
}

impl Shape {
    /// Whether a key may come now.
    fn check(&self, key: &str, is_list_read: bool) -> Result<(), String> {
        let Shape { before, list, after } = self;
        if key == *list {
            return if is_list_read { Err(ONCE.to_owned()) } else { Ok(()) };
        }
        if before.contains(&key) {
            return if is_list_read { Err(early(list)) } else { Ok(()) };
        }
        if after.contains(&key) {
            Ok(())
        } else {
            Err(format!("one of the keys {}", [*before, &[*list], *after].concat().join(", ")))
        }
    }
}

/// Writes what the keys before a list say, of an object at this JSON pointer.
type Begin = fn(&mut Writer, &Map<String, Value>, &str) -> Result<(), EncodeError>;

struct Encoding<'e, R, W> {
    json: &'e mut JsonReader<R>,
    sink: &'e mut W,
    writer: Writer,
}

impl<R: Read, W: Write> Encoding<'_, R, W> {
    fn whole(&mut self) -> Result<Option<Map<String, Value>>, EncodeError> {
        let (mut rest, mut is_decoded) = (Map::new(), false);
        self.json.open_object()?;
        while let Some(key) = self.json.next_key()? {
            if key == "interchanges" && is_decoded {
                return Err(EncodeError::new("/interchanges", ONCE, &Value::String(key)));
            }
            if key == "interchanges" {
                is_decoded = true;
                self.list("/interchanges", Self::interchange)?;
            } else {
                rest.insert(key, self.json.value()?);
            }
        }
        self.json.end()?;
        if !is_decoded {
            return Ok(Some(rest));
        }
        if let Some((key, value)) = rest.iter().find(|(key, _)| !["after", "format"].contains(&key.as_str())) {
            return Err(EncodeError::new(&format!("/{key}"), "one of the keys interchanges, after, format", value));
        }
        if let Some(after) = rest.get("after") {
            self.writer.plain(after, Charset::Latin1, "/after")?;
        }
        Ok(None)
    }

    fn interchange(&mut self, at: &str) -> Result<(), EncodeError> {
        let rest = self.object(at, &INTERCHANGE, Writer::begin_interchange, Self::group)?;
        self.writer.segments(&rest, at, "tail")?;
        self.writer.maybe_segment(&rest, at, "trailer")?;
        match rest.get("end") {
            Some(end) => self.writer.plain(end, Charset::Latin1, &format!("{at}/end")),
            None => Ok(()),
        }
    }

    fn group(&mut self, at: &str) -> Result<(), EncodeError> {
        let rest = self.object(at, &GROUP, Writer::begin_group, Self::document)?;
        self.writer.segments(&rest, at, "tail")?;
        self.writer.maybe_segment(&rest, at, "trailer")
    }

    fn document(&mut self, at: &str) -> Result<(), EncodeError> {
        self.object(at, &DOCUMENT, Writer::begin_document, Self::segment)?;
        self.writer.charset = self.writer.declared;
        Ok(())
    }

    fn segment(&mut self, at: &str) -> Result<(), EncodeError> {
        let segment = self.json.value()?;
        self.writer.segment(&segment, at, true)
    }

    /// Reads the object that stands next: gathers its keys until its list comes, has `begin` write what they say, and
    /// goes through the list by `item`. Returns what was gathered.
    fn object(
        &mut self,
        at: &str,
        shape: &Shape,
        begin: Begin,
        item: fn(&mut Self, &str) -> Result<(), EncodeError>,
    ) -> Result<Map<String, Value>, EncodeError> {
        if !self.json.at_object()? {
            return Err(EncodeError::new(at, "an object", &self.json.value()?));
        }
        let (mut gathered, mut is_list_read) = (Map::new(), false);
        self.json.open_object()?;
        while let Some(key) = self.json.next_key()? {
            let pointer = format!("{at}/{key}");
            let twice = if gathered.contains_key(&key) { Err(ONCE.to_owned()) } else { Ok(()) };
            let is_markup =
                ["element", "rows", "json"].contains(&key.as_str()) && shape.list == DOCUMENT.list && !is_list_read;
            let check = || if is_markup { Ok(()) } else { shape.check(&key, is_list_read) };
            if let Err(expected) = twice.and_then(|()| check()) {
                return Err(EncodeError::new(&pointer, &expected, &Value::String(key)));
            }
            if is_markup {
                is_list_read = true;
                begin(&mut self.writer, &gathered, at)?;
                let element = self.json.value()?;
                self.writer.contents(&key, &element, &pointer)?;
            } else if key == shape.list {
                is_list_read = true;
                begin(&mut self.writer, &gathered, at)?;
                self.list(&pointer, item)?;
            } else {
                gathered.insert(key, self.json.value()?);
            }
        }
        if is_list_read {
            return Ok(gathered);
        }
        Err(EncodeError::new(&format!("{at}/{}", shape.list), "an array", &Value::Null))
    }

    fn list(&mut self, pointer: &str, item: fn(&mut Self, &str) -> Result<(), EncodeError>) -> Result<(), EncodeError> {
        if !self.json.at_list()? {
            return Err(EncodeError::new(pointer, "an array", &self.json.value()?));
        }
        self.json.open_list()?;
        let mut at = 0;
        while self.json.next_item()? {
            item(self, &format!("{pointer}/{at}"))?;
            at += 1;
            if self.writer.out.len() >= OUT_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.write_all(&self.writer.out)?;
        self.writer.out.clear();
        Ok(())
    }
}

/// Makes bytes of values.
struct Writer {
    out: Vec<u8>,
    separators: Separators,
    /// Of the interchange, and of the document at hand.
    declared: Charset,
    charset: Charset,
    line_end: Vec<u8>,
    wrapped: bool,
    written: Written,
}

impl Writer {
    fn new() -> Self {
        let (out, line_end) = (Vec::new(), Vec::new());
        let (declared, charset) = (Charset::Utf8, Charset::Utf8);
        Writer {
            out,
            separators: Separators::X12,
            declared,
            charset,
            line_end,
            wrapped: false,
            written: Written::default(),
        }
    }

    fn begin_interchange(&mut self, facts: &Map<String, Value>, at: &str) -> Result<(), EncodeError> {
        let fact = |key: &str| facts.get(key).unwrap_or(&Value::Null);
        if ["xml", "csv", "fixed", "json"].iter().any(|own| fact("syntax") == own) {
            self.declared = Charset::Utf8;
            self.charset = Charset::Utf8;
            let byte = |key: &str| fact(key).as_str().and_then(|text| text.bytes().next());
            let is_table = fact("syntax") == "csv";
            self.written = Written {
                delimiter: if is_table { byte("delimiter").or(Some(b',')) } else { None },
                quote: byte("quote"),
                line_end: fact("line_end").as_str().unwrap_or("\n").to_owned(),
            };
            if let Some(before) = facts.get("before") {
                self.plain(before, Charset::Latin1, &format!("{at}/before"))?;
            }
            return self.plain(fact("prolog"), Charset::Latin1, &format!("{at}/prolog"));
        }
        if let Some(missing) = ["separators", "charset", "header"].into_iter().find(|key| fact(key).is_null()) {
            return Err(EncodeError::new(&format!("{at}/{missing}"), &early(INTERCHANGE.list), &Value::Null));
        }
        if let Some(before) = facts.get("before") {
            self.plain(before, Charset::Latin1, &format!("{at}/before"))?;
        }
        self.separators = separators(fact("separators"), &format!("{at}/separators"))?;
        self.declared = charset(fact("charset"), &format!("{at}/charset"))?;
        self.charset = self.declared;
        self.wrapped = fact("wrapped") == true;
        self.line_end.clear();
        self.segment(fact("header"), &format!("{at}/header"), fact("syntax") != "x12")?;
        self.line_end = fact("line_end").as_str().unwrap_or_default().as_bytes().to_vec();
        Ok(())
    }

    /// The root element of an XML document, or the rows of a table.
    fn contents(&mut self, key: &str, value: &Value, at: &str) -> Result<(), EncodeError> {
        let bytes = match key {
            "rows" => table::from_json(value, &self.written, self.charset, at),
            "json" => json::from_json(value, self.charset, at),
            _ => xml::from_json(value, self.charset, at),
        };
        self.out.extend(bytes.map_err(|(pointer, expected)| EncodeError::new(&pointer, expected, &Value::Null))?);
        Ok(())
    }

    fn begin_group(&mut self, facts: &Map<String, Value>, at: &str) -> Result<(), EncodeError> {
        self.segments(facts, at, "before")?;
        self.maybe_segment(facts, at, "header")
    }

    fn begin_document(&mut self, facts: &Map<String, Value>, at: &str) -> Result<(), EncodeError> {
        self.segments(facts, at, "before")?;
        if let Some(name) = facts.get("charset") {
            self.charset = charset(name, &format!("{at}/charset"))?;
        }
        Ok(())
    }

    fn maybe_segment(&mut self, holder: &Map<String, Value>, pointer: &str, key: &str) -> Result<(), EncodeError> {
        match holder.get(key) {
            None | Some(Value::Null) => Ok(()),
            Some(segment) => self.segment(segment, &format!("{pointer}/{key}"), true),
        }
    }

    fn segments(&mut self, holder: &Map<String, Value>, pointer: &str, key: &str) -> Result<(), EncodeError> {
        if !holder.contains_key(key) {
            return Ok(());
        }
        for (at, segment) in array(holder, pointer, key)?.iter().enumerate() {
            self.segment(segment, &format!("{pointer}/{key}/{at}"), true)?;
        }
        Ok(())
    }

    /// One segment, whole or not at all.
    fn segment(&mut self, segment: &Value, pointer: &str, escape: bool) -> Result<(), EncodeError> {
        let length = self.out.len();
        let done = self.parts(segment, pointer, escape);
        if done.is_err() {
            self.out.truncate(length);
        }
        done
    }

    fn parts(&mut self, segment: &Value, pointer: &str, escape: bool) -> Result<(), EncodeError> {
        let Value::Object(object) = segment else {
            return Err(EncodeError::new(pointer, "a segment {tag, elements}", segment));
        };
        match object.get("lead") {
            Some(lead) => self.plain(lead, Charset::Latin1, &format!("{pointer}/lead"))?,
            None => self.out.extend_from_slice(&self.line_end),
        }
        self.plain(object.get("tag").unwrap_or(&Value::Null), self.charset, &format!("{pointer}/tag"))?;
        if let Some(nesting) = object.get("nesting") {
            self.plain(nesting, self.charset, &format!("{pointer}/nesting"))?;
        }
        for (at, element) in array(object, pointer, "elements")?.iter().enumerate() {
            self.out.push(self.separators.element);
            self.element(element, &format!("{pointer}/elements/{at}"), escape)?;
        }
        if object.get("open") != Some(&Value::Bool(true)) {
            self.out.push(self.separators.segment);
        }
        Ok(())
    }

    fn element(&mut self, element: &Value, pointer: &str, escape: bool) -> Result<(), EncodeError> {
        let Some(Value::Array(repetitions)) = element.get("repetitions") else {
            return self.components(element, pointer, escape);
        };
        let Some(separator) = self.separators.repetition else {
            return Err(EncodeError::new(
                pointer,
                "no repetitions: this interchange has no separator for them",
                element,
            ));
        };
        for (at, one) in repetitions.iter().enumerate() {
            if at > 0 {
                self.out.push(separator);
            }
            self.components(one, &format!("{pointer}/repetitions/{at}"), escape)?;
        }
        Ok(())
    }

    fn components(&mut self, value: &Value, pointer: &str, escape: bool) -> Result<(), EncodeError> {
        let Value::Array(components) = value else { return self.scalar(value, pointer, escape) };
        for (at, component) in components.iter().enumerate() {
            if at > 0 {
                self.out.push(self.separators.component);
            }
            self.scalar(component, &format!("{pointer}/{at}"), escape)?;
        }
        Ok(())
    }

    fn scalar(&mut self, value: &Value, pointer: &str, escape: bool) -> Result<(), EncodeError> {
        let separators = self.separators;
        if let Some(bytes) = kept_bytes(value, self.charset, escape.then_some(&separators), self.wrapped) {
            self.out.extend_from_slice(&bytes);
            return Ok(());
        }
        let text = string_of(value, pointer)?;
        let raw = raw_of(text, self.charset, escape.then_some(&separators))
            .ok_or_else(|| EncodeError::new(pointer, &format!("characters of {}", self.charset.name()), value))?;
        if escape && separators.release.is_none() && raw.iter().any(|&byte| separators.is_special(byte)) {
            let expected = "a value without the interchange's separators: this syntax cannot release them";
            return Err(EncodeError::new(pointer, expected, value));
        }
        self.out.extend_from_slice(&raw);
        Ok(())
    }

    /// Bytes outside elements: tags, leads, junk.
    fn plain(&mut self, value: &Value, charset: Charset, pointer: &str) -> Result<(), EncodeError> {
        if let Some(bytes) = kept_bytes(value, charset, None, self.wrapped) {
            self.out.extend_from_slice(&bytes);
            return Ok(());
        }
        let bytes = charset
            .encode(string_of(value, pointer)?)
            .ok_or_else(|| EncodeError::new(pointer, &format!("characters of {}", charset.name()), value))?;
        self.out.extend_from_slice(&bytes);
        Ok(())
    }
}

/// The bytes beside a value, as long as the value is still the one they were read as.
fn kept_bytes(value: &Value, charset: Charset, escape: Option<&Separators>, wrapped: bool) -> Option<Vec<u8>> {
    let object = value.as_object()?;
    let bytes = BASE64.decode(object.get("bytes")?.as_str()?).ok()?;
    let mut read = match escape.and_then(|separators| separators.release) {
        Some(release) => charset.decode(&unescape(&bytes, release)).into_owned(),
        None => charset.decode(&bytes).into_owned(),
    };
    if wrapped {
        read.retain(|c| !matches!(c, '\r' | '\n'));
    }
    (object.get("value")?.as_str()? == read).then_some(bytes)
}

fn unescape(raw: &[u8], release: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(if byte == release { rest.next().copied().unwrap_or(byte) } else { byte });
    }
    bytes
}

fn string_of<'a>(value: &'a Value, pointer: &str) -> Result<&'a str, EncodeError> {
    let text = match value {
        Value::Object(object) => object.get("value").and_then(Value::as_str),
        other => other.as_str(),
    };
    text.ok_or_else(|| EncodeError::new(pointer, "a string", value))
}

fn array<'a>(holder: &'a Map<String, Value>, pointer: &str, key: &str) -> Result<&'a Vec<Value>, EncodeError> {
    let value = holder.get(key).unwrap_or(&Value::Null);
    value.as_array().ok_or_else(|| EncodeError::new(&format!("{pointer}/{key}"), "an array", value))
}

fn charset(name: &Value, pointer: &str) -> Result<Charset, EncodeError> {
    name.as_str()
        .and_then(Charset::of_name)
        .ok_or_else(|| EncodeError::new(pointer, "the name of a character set, such as iso-8859-1", name))
}

fn separators(value: &Value, pointer: &str) -> Result<Separators, EncodeError> {
    let empty = Map::new();
    let object = value.as_object().unwrap_or(&empty);
    let one = |key: &str| -> Result<Option<u8>, EncodeError> {
        let text = match object.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(text) => text,
        };
        let byte = text.as_str().map(|text| text.chars().collect::<Vec<_>>()).and_then(|chars| match chars[..] {
            [one] => u8::try_from(u32::from(one)).ok(),
            _ => None,
        });
        let pointer = format!("{pointer}/{key}");
        byte.map(Some).ok_or_else(|| EncodeError::new(&pointer, "one character", text))
    };
    let must =
        |key: &str| one(key)?.ok_or_else(|| EncodeError::new(&format!("{pointer}/{key}"), "one character", value));
    Ok(Separators {
        component: must("component")?,
        element: must("element")?,
        repetition: one("repetition")?,
        release: one("release")?,
        segment: must("segment")?,
        decimal: must("decimal")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::segment::{Limits, decode};
    use serde_json::json;

    const ISA: &str =
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260101*0930*U*00401*000000001*0*P*>~";
    const REST: &str = "GS*PO*AA*BB*20260101*0930*1*X*004010~ST*850*0001~BEG*00*SA*4711**20260101~SE*3*0001~GE*1*1~\
                        IEA*1*000000001~";

    fn decoded(text: &str) -> Value {
        decode(text.as_bytes(), Limits::default()).expect("memory reads").0
    }

    /// What an edit of a small interchange's JSON makes of it: the bytes written, and what is said.
    fn edited(edit: impl FnOnce(&mut Value)) -> (String, String) {
        let mut value = decoded(&format!("{ISA}{REST}"));
        edit(&mut value);
        let (text, mut bytes) = (value.to_string(), Vec::new());
        let error = encode_to(&mut JsonReader::new(text.as_bytes(), text.len()), &mut bytes).expect_err("an error");
        (String::from_utf8(bytes).expect("ASCII"), error.to_string())
    }

    #[test]
    fn bytes_around_interchanges_stand_beside_them() {
        let text = format!("junk\n{ISA}{REST}\nmore\n{ISA}{REST}\nrest");
        let value = decoded(&text);
        assert_eq!(value["interchanges"][0]["before"], "junk\n");
        assert_eq!(value["interchanges"][1]["before"], "more\n");
        assert_eq!((value["after"].as_str(), value.get("between")), (Some("rest"), None));
        assert_eq!(encode(&value).expect("written"), text.as_bytes());
    }

    #[test]
    fn err_a_value_that_cannot_be_written_leaves_the_segments_before_it() {
        let place = "/interchanges/0/groups/0/documents/0/segments/1/elements/2";
        let (written, said) = edited(|value| *value.pointer_mut(place).expect("it is there") = json!("47*11"));
        let expected = "expected a value without the interchange's separators: this syntax cannot release them";
        assert_eq!(said, format!("{place}: {expected}, found \"47*11\""));
        assert_eq!(written, format!("{ISA}GS*PO*AA*BB*20260101*0930*1*X*004010~ST*850*0001~"));
    }

    #[test]
    fn err_what_comes_too_late_is_named_with_what_it_must_stand_before() {
        let (written, said) = edited(|value| {
            let one = value["interchanges"][0].as_object_mut().expect("an object");
            let separators = one.shift_remove("separators").expect("they are there");
            one.insert("separators".to_owned(), separators);
        });
        let expected = "this key before \"groups\": bytes are written as they are read";
        assert_eq!(said, format!("/interchanges/0/separators: expected {expected}, found nothing"));
        assert_eq!(written, "");
        let (written, said) = edited(|value| {
            let group = value["interchanges"][0]["groups"][0].as_object_mut().expect("an object");
            let header = group.shift_remove("header").expect("it is there");
            group.insert("header".to_owned(), header);
        });
        let expected = "this key before \"documents\": bytes are written as they are read";
        assert_eq!(said, format!("/interchanges/0/groups/0/header: expected {expected}, found \"header\""));
        assert_eq!(written, format!("{ISA}ST*850*0001~BEG*00*SA*4711**20260101~SE*3*0001~"));
    }

    #[test]
    fn err_a_key_that_would_be_lost() {
        let (_, said) = edited(|value| value["between"] = json!(["junk"]));
        assert_eq!(said, "/between: expected one of the keys interchanges, after, format, found [\"junk\"]");
        let (_, said) = edited(|value| value["interchanges"][0]["groups"][0]["trialer"] = Value::Null);
        let keys = "one of the keys before, header, documents, tail, trailer";
        assert_eq!(said, format!("/interchanges/0/groups/0/trialer: expected {keys}, found \"trialer\""));
        assert_eq!(edited(|value| value["interchanges"] = json!({})).1, "/interchanges: expected an array, found {}");
    }

    #[test]
    fn err_a_key_that_comes_again() {
        let text = decoded(&format!("{ISA}{REST}")).to_string();
        for (once, twice, pointer) in [
            ("\"charset\":", "\"charset\":\"utf-8\",\"charset\":", "/interchanges/0/charset"),
            ("\"groups\":", "\"groups\":[],\"groups\":", "/interchanges/0/groups"),
            ("\"format\":", "\"interchanges\":[],\"format\":", "/interchanges"),
        ] {
            let text = text.replacen(once, twice, 1);
            let error = encode_to(&mut JsonReader::new(text.as_bytes(), text.len()), &mut Vec::new());
            let said = error.expect_err("an error").to_string();
            assert!(said.starts_with(&format!("{pointer}: expected this key once")), "{said}");
        }
    }
}
