//! Objects that are alike: what they have in common stands once, in a template, and of each only its texts are kept. Lines of
//! a document are such objects. The texts of a whole list stand one after the other on one sheet, and an object is its
//! number there. Its fields are made when someone asks for them; who looks at a text, writes JSON or checks the form does
//! not. Who finds out what is alike is `mapping`; nothing is compared here.

use super::form::Soundness;
use super::json;
use super::value::{Key, Map, Text, Value};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

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
    /// Templates of its objects with further fields behind their own, as they came.
    longer: Mutex<Vec<Arc<Template>>>,
}

/// Templates with further fields that one has; objects that are of none of them have fields of their own.
const LONGER_MAX: usize = 32;

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
        Part::of_fields(fields, &mut 0).map(Template::of_parts)
    }

    fn of_parts(parts: Vec<(Key, Part)>) -> Self {
        let (mut json, mut identifiers) = (vec![Vec::new()], Vec::new());
        write_fields(&parts, &mut json);
        find_identifiers(&parts, &mut identifiers);
        let json_bytes = json.iter().map(Vec::len).sum();
        let json = json.into_iter().map(Vec::into_boxed_slice).collect();
        let summed = Summed::PATHS.map(|path| match part_of(&parts, path) {
            Some(Part::Text(hole)) => Some(*hole),
            _ => None,
        });
        let longer = Mutex::default();
        Template { parts, json, json_bytes, identifiers, soundness: Default::default(), summed, longer }
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

/// The fields of an object, in their order.
type Fields = Vec<(Key, Value)>;

/// Objects whose texts stand together.
#[derive(Debug)]
struct Sheet {
    text: Box<str>,
    /// For each object where its text begins, then where the text of each hole ends.
    bounds: Box<[u32]>,
    /// The template of each object, and where its bounds begin.
    objects: Box<[(Arc<Template>, u32)]>,
    /// Nothing in the texts is to be escaped in JSON.
    is_plain: bool,
    /// The fields of each, once someone asked for them.
    fields: OnceLock<Box<[OnceLock<Fields>]>>,
}

/// One object: its template filled in.
#[derive(Debug, Clone)]
pub struct Filled {
    sheet: Arc<Sheet>,
    number: u32,
}

impl Filled {
    #[inline]
    fn own(&self) -> &(Arc<Template>, u32) {
        &self.sheet.objects[self.number as usize]
    }

    /// What it has in common with others.
    #[must_use]
    #[inline]
    pub fn template(&self) -> &Arc<Template> {
        &self.own().0
    }

    /// The text of a hole.
    #[must_use]
    #[inline]
    pub fn hole(&self, number: usize) -> &str {
        self.holes(number..number + 1)
    }

    /// The texts of some holes, one after the other.
    #[must_use]
    #[inline]
    pub fn holes(&self, numbers: Range<usize>) -> &str {
        let bounds = &self.sheet.bounds[self.own().1 as usize..];
        &self.sheet.text[bounds[numbers.start] as usize..bounds[numbers.end] as usize]
    }

    /// The text of what sums look at.
    pub(super) fn summed(&self, which: Summed) -> Option<&str> {
        self.template().summed[which as usize].map(|hole| self.hole(hole))
    }

    /// Appends it as JSON.
    pub(super) fn write_json(&self, json: &mut Vec<u8>) {
        let (template, first) = self.own();
        let bounds = &self.sheet.bounds[*first as usize..][..=template.holes()];
        let (start, end) = (bounds[0] as usize, bounds[template.holes()] as usize);
        json.reserve(end - start + template.json_bytes);
        let (mut start, text) = (start, self.sheet.text.as_bytes());
        // Nearly all have nothing to escape; so all texts are looked at together.
        let is_plain = self.sheet.is_plain || !json::has_escapes(&text[start..end]);
        for (piece, &end) in template.json.iter().zip(&bounds[1..]) {
            json.extend_from_slice(piece);
            let hole = &text[start..end as usize];
            if is_plain {
                json.extend_from_slice(hole);
            } else {
                json::content(hole, json);
            }
            start = end as usize;
        }
        if let Some(last) = template.json.last() {
            json.extend_from_slice(last);
        }
    }

    /// Its fields, made when first asked for.
    pub(super) fn fields(&self) -> &[(Key, Value)] {
        let all = self.sheet.fields.get_or_init(|| self.sheet.objects.iter().map(|_| OnceLock::new()).collect());
        all[self.number as usize].get_or_init(|| self.fields_of(self.template().parts()))
    }

    /// The same for one that goes on without its template.
    pub(super) fn take_fields(&self) -> Fields {
        let parts = self.template().parts();
        // Who asks for them adds some.
        let mut fields = Vec::with_capacity(parts.len() + ADDED);
        fields.extend(parts.iter().map(|(key, part)| (key.clone(), self.value(part))));
        fields
    }

    fn fields_of(&self, parts: &[(Key, Part)]) -> Fields {
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

/// Texts on their way into the holes of templates; used again and again.
#[derive(Default)]
pub struct Filling {
    text: Vec<u8>,
    bounds: Vec<u32>,
    objects: Vec<(Arc<Template>, u32)>,
}

/// How far a filling was at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FillingMark {
    text: usize,
    bounds: usize,
    objects: usize,
}

impl Filling {
    /// How far it is: before a list, to make the objects of what comes; before an object, to give it up.
    #[must_use]
    #[inline]
    pub fn mark(&self) -> FillingMark {
        FillingMark { text: self.text.len(), bounds: self.bounds.len(), objects: self.objects.len() }
    }

    /// Gives up what came since.
    pub fn undo(&mut self, mark: FillingMark) {
        self.text.truncate(mark.text);
        self.bounds.truncate(mark.bounds);
        self.objects.truncate(mark.objects);
    }

    /// Begins an object.
    #[inline]
    pub fn begin(&mut self) {
        self.bounds.push(self.text.len() as u32);
    }

    /// Fills the next hole as `write` appends it, where it says that it did.
    #[inline]
    pub fn hole_if(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let before = self.text.len();
        let is_written = write(&mut self.text);
        if is_written {
            self.bounds.push(self.text.len() as u32);
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
        self.bounds.push(self.text.len() as u32);
        true
    }

    /// Fills the next holes with those of another.
    #[inline]
    pub fn add(&mut self, other: &Filling) {
        let before = self.text.len() as u32;
        self.text.extend_from_slice(&other.text);
        match other.bounds[..] {
            [end] => self.bounds.push(before + end),
            _ => self.bounds.extend(other.bounds.iter().map(|end| before + end)),
        }
    }

    /// Ends an object that began at a mark; whether as many holes are filled as the template has.
    pub fn end(&mut self, mark: FillingMark, template: &Arc<Template>) -> bool {
        let is_whole = self.bounds.len() - mark.bounds == template.holes() + 1;
        if is_whole {
            self.objects.push((template.clone(), mark.bounds as u32));
        }
        is_whole
    }

    /// Adds an object with further fields, which it has not yet, behind its own; whether a template could be found for it.
    pub fn longer(&mut self, object: &Filled, more: &Map) -> bool {
        let (template, mark) = (object.template(), self.mark());
        let mut longer = template.longer.lock().unwrap_or_else(PoisonError::into_inner);
        if longer.iter().any(|one| self.is_longer(object, more, mark, one)) {
            return true;
        }
        let further = Part::of_fields(more, &mut template.holes()).filter(|_| longer.len() < LONGER_MAX);
        let Some(further) = further else { return false };
        let parts = template.parts.iter().cloned().chain(further).collect();
        longer.insert(0, Arc::new(Template::of_parts(parts)));
        self.is_longer(object, more, mark, &longer[0])
    }

    fn is_longer(&mut self, object: &Filled, more: &Map, mark: FillingMark, template: &Arc<Template>) -> bool {
        let (own, first) = object.own();
        let bounds = &object.sheet.bounds[*first as usize..][..=own.holes()];
        let (start, end) = (bounds[0], bounds[own.holes()]);
        self.begin();
        let before = self.text.len() as u32;
        self.text.extend_from_slice(&object.sheet.text.as_bytes()[start as usize..end as usize]);
        self.bounds.extend(bounds[1..].iter().map(|bound| bound - start + before));
        let further = &template.parts[own.parts.len()..];
        let mut pairs = further.iter().zip(more);
        let is_like = further.len() == more.len()
            && pairs.all(|((name, part), (key, value))| name == key && self.value(part, value))
            && self.end(mark, template);
        if !is_like {
            self.undo(mark);
        }
        is_like
    }

    /// The object that ended since a mark; it stays in the filling.
    #[must_use]
    pub fn show(&self, mark: FillingMark) -> Option<Map> {
        let (text, bounds) = (self.text[mark.text..].to_vec(), &self.bounds[mark.bounds..]);
        let bounds = bounds.iter().map(|bound| bound - mark.text as u32).collect();
        let objects = self.objects.iter().skip(mark.objects).map(|(template, _)| (template.clone(), 0)).collect();
        Filling { text, bounds, objects }.take(FillingMark::default()).next()
    }

    /// The objects that ended since a mark, which are taken out of the filling.
    pub fn take(&mut self, mark: FillingMark) -> impl ExactSizeIterator<Item = Map> + use<> {
        let text = self.text[mark.text..].to_vec();
        self.text.truncate(mark.text);
        // A text of a hole is ASCII, or was a text before.
        let plain = |error: std::string::FromUtf8Error| {
            debug_assert!(false, "what fills a hole is text");
            error.into_bytes().iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '?' }).collect()
        };
        let text = String::from_utf8(text).unwrap_or_else(plain).into_boxed_str();
        let (before, first) = (mark.text as u32, mark.bounds as u32);
        let bounds = self.bounds.drain(mark.bounds..).map(|bound| bound - before).collect();
        let objects = self.objects.drain(mark.objects..).map(|(template, bound)| (template, bound - first)).collect();
        let is_plain = !json::has_escapes(text.as_bytes());
        let sheet = Arc::new(Sheet { text, bounds, objects, is_plain, fields: OnceLock::new() });
        (0..sheet.objects.len()).map(move |at| Map::from(Filled { sheet: sheet.clone(), number: at as u32 }))
    }
}

/// Objects of a list on their way: those that are filled come in the end, all together.
pub struct Items {
    values: Vec<Value>,
    /// Places of those that come in the end.
    filled: Vec<usize>,
    /// Where they begin in the filling.
    mark: FillingMark,
}

impl Items {
    /// None yet.
    #[must_use]
    pub fn new(filling: &Filling) -> Self {
        Items { values: Vec::new(), filled: Vec::new(), mark: filling.mark() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, fields: Map) {
        self.values.push(Value::Object(fields));
    }

    /// Adds the one that was ended last in the filling.
    pub fn push_filled(&mut self) {
        self.filled.push(self.values.len());
        self.values.push(Value::Null);
    }

    /// The last one, to change it.
    pub fn last_mut(&mut self, filling: &mut Filling) -> Option<&mut Map> {
        self.settle(filling);
        self.values.last_mut()?.as_object_mut()
    }

    /// The list, if there is anything in it.
    #[must_use]
    pub fn end(mut self, filling: &mut Filling) -> Option<Value> {
        self.settle(filling);
        (!self.values.is_empty()).then_some(Value::Array(self.values))
    }

    fn settle(&mut self, filling: &mut Filling) {
        if !self.filled.is_empty() {
            for (at, fields) in self.filled.drain(..).zip(filling.take(self.mark)) {
                self.values[at] = Value::Object(fields);
            }
        }
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
        let mark = filling.mark();
        filling.begin();
        let is_filled = filling.value(&part, &whole) && filling.end(mark, &template);
        is_filled.then(|| filling.take(mark).next()).flatten()
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
    fn ok_further_fields_stand_behind_its_own() {
        let one = json!({ "a": "1", "list": ["x"] });
        let mut filling = Filling::default();
        for other in [json!({ "a": "22", "list": ["é"] }), json!({ "a": "", "list": ["333"] })] {
            let object = filled(&one, &other).expect("it fits");
            for more in [json!({ "b": { "c": ["4", "5"] } }), json!({ "b": "6", "is": true }), json!({ "n": 1 })] {
                let (more, mark) = (map(&more), filling.mark());
                let is_made = filling.longer(object.filled().expect("it is filled"), &more);
                let made = filling.take(mark).next();
                let mut expected = map(&other);
                expected.extend(more.clone());
                assert_eq!(is_made, more.get("n").is_none(), "a number is nothing that an entity holds");
                assert_eq!(made.as_ref().map(|_| is_made), is_made.then_some(true));
                if let Some(made) = made {
                    assert_eq!(Value::Object(made.clone()).to_string(), Value::Object(expected.clone()).to_string());
                    assert_eq!(made, expected);
                    assert!(made.filled().is_some());
                }
            }
            assert_eq!(filling.mark(), FillingMark::default(), "nothing is left over");
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
