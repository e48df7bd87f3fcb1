//! Objects that are alike: what they have in common stands once, in a template, and of each only its texts are kept, one
//! after the other. Lines of a document are such objects. Their fields are made when someone asks for them; who looks at
//! a text, writes JSON or checks the form does not. Who finds out what is alike is `mapping`; nothing is compared here.

use super::form::Soundness;
use super::json;
use super::value::{Key, Map, Text, Value};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// What objects of one form have in common: names, order and structure. Where a text stands, it has a hole.
#[derive(Debug)]
pub struct Template {
    parts: Vec<(Key, Part)>,
    /// The JSON before each hole, and after the last one.
    json: Vec<Box<[u8]>>,
    /// Bytes of that JSON.
    json_bytes: usize,
    /// Holes of identifiers that carry a check digit: of the scheme, none where the field's name says it, and of the value.
    pub(super) identifiers: Vec<(Option<usize>, usize)>,
    /// What the structural check says of it, see [`super::form`].
    pub(super) soundness: [OnceLock<Soundness>; 2],
    /// The holes of what sums look at in each line, in the order of [`Summed`].
    summed: [Option<usize>; Summed::PATHS.len()],
}

/// What sums look at in each line: its hole is found once for all lines of a template.
#[derive(Debug, Clone, Copy)]
pub(super) enum Summed {
    Quantity,
    Price,
    BaseQuantity,
    PriceKind,
    NetAmount,
}

impl Summed {
    const PATHS: [&str; 5] =
        ["quantity.value", "price.amount", "price.base_quantity.value", "price.kind", "net_amount"];

    /// Where it stands in a line.
    pub(super) fn path(self) -> &'static str {
        Self::PATHS[self as usize]
    }
}

/// A value without its texts; holes are numbered in the order in which they are written.
#[derive(Debug, Clone)]
pub enum Part {
    /// A text.
    Text(usize),
    /// `true` or `false`, which stands in a hole too.
    Flag(usize),
    /// Items.
    List(Vec<Part>),
    /// Fields.
    Object(Vec<(Key, Part)>),
}

impl Part {
    /// A value as a part, its holes numbered from `next` on; `None` for what no entity that is right holds.
    #[must_use]
    pub fn of(value: &Value, next: &mut usize) -> Option<Self> {
        let mut hole = || {
            *next += 1;
            *next - 1
        };
        match value {
            Value::String(_) => Some(Part::Text(hole())),
            Value::Bool(_) => Some(Part::Flag(hole())),
            Value::Array(items) => items.iter().map(|item| Part::of(item, next)).collect::<Option<_>>().map(Part::List),
            Value::Object(fields) => Part::of_fields(fields, next).map(Part::Object),
            Value::Null | Value::Number(_) => None,
        }
    }

    fn of_fields(fields: &Map, next: &mut usize) -> Option<Vec<(Key, Part)>> {
        fields.iter().map(|(key, value)| Some((key.clone(), Part::of(value, next)?))).collect()
    }
}

impl Template {
    /// The template of an object; `None` when it holds what no entity that is right holds.
    #[must_use]
    pub fn of(fields: &Map) -> Option<Self> {
        let parts = Part::of_fields(fields, &mut 0)?;
        let (mut json, mut identifiers) = (vec![Vec::new()], Vec::new());
        write_fields(&parts, &mut json);
        find_identifiers(&parts, &mut identifiers);
        let json_bytes = json.iter().map(Vec::len).sum();
        let json = json.into_iter().map(Vec::into_boxed_slice).collect();
        let summed = Summed::PATHS.map(|path| match part_of(&parts, path) {
            Some(Part::Text(hole)) => Some(*hole),
            _ => None,
        });
        Some(Template { parts, json, json_bytes, identifiers, soundness: Default::default(), summed })
    }

    /// Its fields.
    #[must_use]
    pub fn parts(&self) -> &[(Key, Part)] {
        &self.parts
    }

    /// What stands at a path of names without lists.
    #[must_use]
    pub fn part(&self, path: &str) -> Option<&Part> {
        part_of(&self.parts, path)
    }

    fn holes(&self) -> usize {
        self.json.len() - 1
    }
}

fn part_of<'p>(parts: &'p [(Key, Part)], path: &str) -> Option<&'p Part> {
    let (mut parts, mut rest) = (parts, path);
    loop {
        let end = rest.bytes().position(|byte| byte == b'.');
        let name = &rest[..end.unwrap_or(rest.len())];
        let (_, part) = parts.iter().find(|(key, _)| key == name)?;
        match (end, part) {
            (None, part) => return Some(part),
            (Some(end), Part::Object(inner)) => (parts, rest) = (inner.as_slice(), &rest[end + 1..]),
            (Some(_), _) => return None,
        }
    }
}

/// Writes the JSON of fields; at each hole a new piece begins.
fn write_fields(parts: &[(Key, Part)], pieces: &mut Vec<Vec<u8>>) {
    push(pieces, b"{");
    for (at, (key, part)) in parts.iter().enumerate() {
        push(pieces, if at > 0 { b"," } else { b"" });
        if let Some(last) = pieces.last_mut() {
            json::string(key, last);
        }
        push(pieces, b":");
        write_part(part, pieces);
    }
    push(pieces, b"}");
}

fn write_part(part: &Part, pieces: &mut Vec<Vec<u8>>) {
    match part {
        Part::Text(_) => {
            push(pieces, b"\"");
            pieces.push(b"\"".to_vec());
        }
        Part::Flag(_) => pieces.push(Vec::new()),
        Part::List(items) => {
            push(pieces, b"[");
            for (at, item) in items.iter().enumerate() {
                push(pieces, if at > 0 { b"," } else { b"" });
                write_part(item, pieces);
            }
            push(pieces, b"]");
        }
        Part::Object(parts) => write_fields(parts, pieces),
    }
}

fn push(pieces: &mut [Vec<u8>], text: &[u8]) {
    pieces.last_mut().into_iter().for_each(|last| last.extend(text));
}

/// What [`super::check_digit`] looks at.
fn find_identifiers(parts: &[(Key, Part)], found: &mut Vec<(Option<usize>, usize)>) {
    let (mut scheme, mut id) = (None, None);
    for (key, part) in parts {
        match (part, key.as_ref()) {
            (Part::Text(hole), "scheme") => scheme = Some(*hole),
            (Part::Text(hole), "value") => id = Some(*hole),
            (Part::Text(hole), "sscc" | "sscc_last") => found.push((None, *hole)),
            (Part::Object(inner), _) => find_identifiers(inner, found),
            (Part::List(items), _) => items.iter().for_each(|item| {
                if let Part::Object(inner) = item {
                    find_identifiers(inner, found);
                }
            }),
            _ => {}
        }
    }
    if let (Some(scheme), Some(id)) = (scheme, id) {
        found.push((Some(scheme), id));
    }
}

/// Fields that are added to an object of a template, at most, without its fields being moved.
const ADDED: usize = 4;

/// The texts of one object: its template filled in.
#[derive(Debug, Clone)]
pub struct Filled {
    template: Arc<Template>,
    text: Box<str>,
    /// Where the text of each hole ends.
    ends: Box<[u32]>,
    /// Its fields, once someone asked for them.
    fields: OnceLock<Vec<(Key, Value)>>,
}

impl Filled {
    /// What it has in common with others.
    #[must_use]
    pub fn template(&self) -> &Arc<Template> {
        &self.template
    }

    /// The text of a hole.
    #[must_use]
    #[inline]
    pub fn hole(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[number] as usize]
    }

    /// The texts of some holes, one after the other.
    #[must_use]
    pub fn holes(&self, numbers: Range<usize>) -> &str {
        let start = numbers.start.checked_sub(1).map_or(0, |before| self.ends[before]);
        let end = numbers.end.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.text[start as usize..end as usize]
    }

    /// The text of what sums look at.
    pub(super) fn summed(&self, which: Summed) -> Option<&str> {
        self.template.summed[which as usize].map(|hole| self.hole(hole))
    }

    /// Appends it as JSON.
    pub(super) fn write_json(&self, json: &mut Vec<u8>) {
        json.reserve(self.text.len() + self.template.json_bytes);
        let (mut start, text) = (0, self.text.as_bytes());
        // Nearly all have nothing to escape; so all texts are looked at together.
        let is_plain = !json::has_escapes(text);
        for (piece, &end) in self.template.json.iter().zip(&self.ends) {
            json.extend_from_slice(piece);
            let hole = &text[start..end as usize];
            if is_plain {
                json.extend_from_slice(hole);
            } else {
                json::content(hole, json);
            }
            start = end as usize;
        }
        if let Some(last) = self.template.json.last() {
            json.extend_from_slice(last);
        }
    }

    /// Its fields, made when first asked for.
    pub(super) fn fields(&self) -> &[(Key, Value)] {
        self.fields.get_or_init(|| self.made())
    }

    /// The same for one that goes on without its template.
    pub(super) fn take_fields(&mut self) -> Vec<(Key, Value)> {
        self.fields.take().unwrap_or_else(|| {
            // Who asks for them adds some.
            let mut fields = Vec::with_capacity(self.template.parts.len() + ADDED);
            fields.extend(self.template.parts.iter().map(|(key, part)| (key.clone(), self.value(part))));
            fields
        })
    }

    fn made(&self) -> Vec<(Key, Value)> {
        self.fields_of(&self.template.parts)
    }

    fn fields_of(&self, parts: &[(Key, Part)]) -> Vec<(Key, Value)> {
        parts.iter().map(|(key, part)| (key.clone(), self.value(part))).collect()
    }

    /// The value of a part of it.
    pub(super) fn value(&self, part: &Part) -> Value {
        match part {
            Part::Text(hole) => Value::String(Text::from(self.hole(*hole))),
            Part::Flag(hole) => Value::Bool(self.hole(*hole) == "true"),
            Part::List(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Part::Object(parts) => Value::Object(Map::of_fields(self.fields_of(parts))),
        }
    }
}

/// Texts on their way into the holes of a template; used again and again.
#[derive(Default)]
pub struct Filling {
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl Filling {
    /// Begins anew.
    pub fn begin(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Fills the next hole as `write` appends it, where it says that it did.
    #[inline]
    pub fn hole_if(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let before = self.text.len();
        let is_written = write(&mut self.text);
        if is_written {
            self.ends.push(self.text.len() as u32);
        } else {
            self.text.truncate(before);
        }
        is_written
    }

    /// Fills the holes of a part with the texts of a value; whether the value is of that form.
    pub fn value(&mut self, part: &Part, value: &Value) -> bool {
        match (part, value) {
            (Part::Text(_), Value::String(text)) => self.text(text.as_bytes()),
            (Part::Flag(_), Value::Bool(flag)) => self.text(if *flag { b"true" } else { b"false" }),
            (Part::List(parts), Value::Array(items)) => {
                parts.len() == items.len() && parts.iter().zip(items).all(|(part, item)| self.value(part, item))
            }
            (Part::Object(parts), Value::Object(fields)) => {
                let mut pairs = parts.iter().zip(fields);
                parts.len() == fields.len()
                    && pairs.all(|((name, part), (key, value))| name == key && self.value(part, value))
            }
            _ => false,
        }
    }

    /// Fills the next hole with a text; always done.
    #[inline]
    pub fn text(&mut self, text: &[u8]) -> bool {
        self.text.extend_from_slice(text);
        self.ends.push(self.text.len() as u32);
        true
    }

    /// Fills the next holes with those of another.
    #[inline]
    pub fn add(&mut self, other: &Filling) {
        let before = self.text.len() as u32;
        self.text.extend_from_slice(&other.text);
        self.ends.extend(other.ends.iter().map(|end| before + end));
    }

    /// The object, when as many holes are filled as the template has, each with text.
    #[must_use]
    pub fn end(&self, template: &Arc<Template>) -> Option<Map> {
        let text = std::str::from_utf8(&self.text).ok().filter(|_| self.ends.len() == template.holes())?;
        let filled = Filled {
            template: template.clone(),
            text: text.into(),
            ends: self.ends.as_slice().into(),
            fields: OnceLock::new(),
        };
        Some(Map::from(filled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(json: &serde_json::Value) -> Map {
        Map::from(json.as_object().expect("an object"))
    }

    /// The template of one object, filled with the texts of another.
    fn filled(one: &serde_json::Value, other: &serde_json::Value) -> Option<Map> {
        let template = Arc::new(Template::of(&map(one))?);
        let (whole, mut filling) = (Value::from(other), Filling::default());
        let part = Part::Object(template.parts.clone());
        filling.begin();
        if filling.value(&part, &whole) { filling.end(&template) } else { None }
    }

    #[test]
    fn ok_filled_is_as_made_of_fields() {
        let one =
            json!({ "a\"b": "1", "item": { "ids": [{ "scheme": "gtin", "value": "1" }], "none": [] }, "is": true });
        let other =
            json!({ "a\"b": "x\\\"\n", "item": { "ids": [{ "scheme": "", "value": "é" }], "none": [] }, "is": false });
        for whole in [&one, &other] {
            let made = filled(&one, whole).expect("it fits");
            assert_eq!(Value::Object(made.clone()).to_string(), whole.to_string());
            assert_eq!(made, map(whole));
            assert_eq!(made.get("nothing"), None);
            // Once changed, it has fields of its own.
            let (mut changed, mut expected) = (made, map(whole));
            for fields in [&mut changed, &mut expected] {
                assert_eq!(fields.insert("more".into(), "1".into()), None);
            }
            assert_eq!(Value::Object(changed).to_string(), Value::Object(expected).to_string());
        }
    }

    #[test]
    fn err_of_another_form() {
        let one = json!({ "a": "1", "list": ["x"], "is": true });
        for other in [
            json!({ "a": "1", "list": ["x"], "is": "true" }),
            json!({ "a": "1", "list": ["x", "y"], "is": true }),
            json!({ "a": "1", "list": ["x"] }),
            json!({ "list": ["x"], "a": "1", "is": true }),
            json!({ "b": "1", "list": ["x"], "is": true }),
        ] {
            assert_eq!(filled(&one, &other), None, "{other}");
        }
        assert!(Template::of(&map(&json!({ "a": 1 }))).is_none());
    }
}
