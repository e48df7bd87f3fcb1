//! Decoded JSON back to bytes: the inverse of `decode`, and the judge of JSON a person edited.

use super::decode::raw_of;
use crate::tree::{Charset, Separators};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

/// Why the JSON cannot be written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{pointer}: expected {expected}, found {found}")]
pub struct EncodeError {
    /// JSON pointer (RFC 6901) to the value concerned.
    pub pointer: String,
    /// What must stand there.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

impl EncodeError {
    fn new(pointer: &str, expected: &str, found: &Value) -> Self {
        let found = match found {
            Value::Null => "nothing".to_owned(),
            other => other.to_string().chars().take(80).collect(),
        };
        EncodeError { pointer: pointer.to_owned(), expected: expected.to_owned(), found }
    }
}

/// Writes the bytes that a decode object stands for.
///
/// # Errors
/// Names the JSON pointer of what is missing, of the wrong kind, or not writable with the interchange's separators
/// and character set.
pub fn encode(decoded: &Value) -> Result<Vec<u8>, EncodeError> {
    let empty = Vec::new();
    let interchanges = array(decoded, "/interchanges", "interchanges")?;
    let between = match decoded.get("between") {
        None => &empty,
        Some(_) => array(decoded, "/between", "between")?,
    };
    let mut writer = Writer {
        out: Vec::new(),
        separators: Separators::X12,
        charset: Charset::Utf8,
        line_end: vec![],
        wrapped: false,
    };
    for at in 0..interchanges.len().max(between.len()) {
        if let Some(bytes) = between.get(at) {
            writer.plain(bytes, Charset::Latin1, &format!("/between/{at}"))?;
        }
        if let Some(interchange) = interchanges.get(at) {
            writer.interchange(interchange, &format!("/interchanges/{at}"))?;
        }
    }
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    separators: Separators,
    charset: Charset,
    line_end: Vec<u8>,
    wrapped: bool,
}

impl Writer {
    fn interchange(&mut self, interchange: &Value, pointer: &str) -> Result<(), EncodeError> {
        self.separators = separators(&interchange["separators"], &format!("{pointer}/separators"))?;
        self.charset = charset(&interchange["charset"], &format!("{pointer}/charset"))?;
        self.wrapped = interchange["wrapped"] == true;
        self.line_end = interchange["line_end"].as_str().unwrap_or_default().as_bytes().to_vec();
        let declared = self.charset;
        let line_end = std::mem::take(&mut self.line_end);
        let fixed = interchange["syntax"] == "x12";
        self.segment(&interchange["header"], &format!("{pointer}/header"), !fixed)?;
        self.line_end = line_end;
        for (at, group) in array(interchange, pointer, "groups")?.iter().enumerate() {
            let pointer = format!("{pointer}/groups/{at}");
            self.segments(group, &pointer, "before")?;
            self.maybe_segment(group, &pointer, "header")?;
            for (at, document) in array(group, &pointer, "documents")?.iter().enumerate() {
                let pointer = format!("{pointer}/documents/{at}");
                self.segments(document, &pointer, "before")?;
                if document.get("charset").is_some() {
                    self.charset = charset(&document["charset"], &format!("{pointer}/charset"))?;
                }
                self.segments(document, &pointer, "segments")?;
                self.charset = declared;
            }
            self.segments(group, &pointer, "tail")?;
            self.maybe_segment(group, &pointer, "trailer")?;
        }
        self.segments(interchange, pointer, "tail")?;
        self.maybe_segment(interchange, pointer, "trailer")?;
        match interchange.get("end") {
            Some(end) => self.plain(end, Charset::Latin1, &format!("{pointer}/end")),
            None => Ok(()),
        }
    }

    fn maybe_segment(&mut self, holder: &Value, pointer: &str, key: &str) -> Result<(), EncodeError> {
        match &holder[key] {
            Value::Null => Ok(()),
            segment => self.segment(segment, &format!("{pointer}/{key}"), true),
        }
    }

    fn segments(&mut self, holder: &Value, pointer: &str, key: &str) -> Result<(), EncodeError> {
        if holder.get(key).is_none() {
            return Ok(());
        }
        for (at, segment) in array(holder, pointer, key)?.iter().enumerate() {
            self.segment(segment, &format!("{pointer}/{key}/{at}"), true)?;
        }
        Ok(())
    }

    fn segment(&mut self, segment: &Value, pointer: &str, escape: bool) -> Result<(), EncodeError> {
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
        for (at, element) in array(segment, pointer, "elements")?.iter().enumerate() {
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

fn array<'a>(holder: &'a Value, pointer: &str, key: &str) -> Result<&'a Vec<Value>, EncodeError> {
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
