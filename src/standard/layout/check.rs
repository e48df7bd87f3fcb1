//! What a layout says that is not known, or that contradicts itself: a definition with such a mistake would read values
//! that do not stand there, or lose some, so it is refused when it is loaded. It reads no data.

use super::{COLUMNS_MAX, LINE_BYTES_MAX, Layout, Mark, Record, chain};
use crate::diagnostic::Syntax;
use crate::near;
use crate::standard::content::Contents;
use crate::standard::definition::Usage;
use serde_json::Value;
use std::collections::BTreeMap;

/// Place, what was expected, what was found.
type Wrong = [String; 3];

/// What a definition may say.
const KEYS: [&str; 22] = [
    "standard",
    "version",
    "type",
    "name",
    "format",
    "codes",
    "recognise",
    "delimiter",
    "quote",
    "header",
    "columns",
    "decimal",
    "thousands",
    "dates",
    "charset",
    "line_end",
    "blanks",
    "tag",
    "lead",
    "interchange",
    "root",
    "content",
];

/// What it may say that is no text.
const MORE_KEYS: [&str; 2] = ["envelope", "records"];

/// What a record may say.
const RECORD_KEYS: [&str; 7] = ["name", "tag", "lead", "key", "fields", "records", "open"];

/// Keys whose values are these words only.
const WORDS: [(&str, &[&str]); 4] =
    [("header", &["none"]), ("line_end", &["crlf", "lf"]), ("blanks", &["cut"]), ("interchange", &["document"])];

/// The same in a record.
const RECORD_WORDS: [(&str, &[&str]); 2] = [("lead", &["none"]), ("open", &["true"])];

fn wrong(place: &str, expected: impl Into<String>, found: impl Into<String>) -> Wrong {
    [place.to_owned(), expected.into(), found.into()]
}

/// Keys that nobody knows, and words and lists that are not what they must be.
pub(super) fn words(value: &Value) -> Result<(), Wrong> {
    let keys = [&KEYS[..], &MORE_KEYS].concat();
    known(value, "", &keys, &WORDS)?;
    lists(value, "", &["columns", "lead"])?;
    let Some(records) = value["records"].as_object() else {
        return Err(wrong("records", "records by name", "none"));
    };
    for (key, record) in records {
        known(record, key, &RECORD_KEYS, &RECORD_WORDS)?;
        lists(record, key, &["fields", "records"])?;
    }
    Ok(())
}

fn known(value: &Value, place: &str, keys: &[&str], words: &[(&str, &[&str])]) -> Result<(), Wrong> {
    for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
        if !keys.contains(&key.as_str()) {
            return Err(wrong(&at(place, key), format!("a key that is known{}", near::hint(key, keys)), &**key));
        }
    }
    for (key, words) in words {
        let said = &value[key];
        if !said.is_null() && !said.as_str().is_some_and(|said| words.contains(&said)) {
            return Err(wrong(&at(place, key), words.join(" or "), plain(said)));
        }
    }
    Ok(())
}

fn lists(value: &Value, place: &str, keys: &[&str]) -> Result<(), Wrong> {
    for key in keys {
        let said = &value[key];
        let is_list = said.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        if !said.is_null() && !is_list {
            return Err(wrong(&at(place, key), "a list of texts", plain(said)));
        }
    }
    Ok(())
}

fn at(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Signs that cannot be told apart, forms of days that would be taken for one another, marks that this format has not.
pub(super) fn signs(layout: &Layout) -> Result<(), Wrong> {
    let is_sign = |sign: char| !sign.is_alphanumeric() && !"+-\"\r\n".contains(sign);
    if !is_sign(layout.decimal) {
        return Err(wrong("decimal", "a sign that is neither letter, digit, + nor -", layout.decimal));
    }
    if let Some(mark) = layout.thousands.filter(|mark| !is_sign(*mark) || *mark == layout.decimal) {
        return Err(wrong("thousands", "a sign that is neither letter, digit, +, - nor the decimal sign", mark));
    }
    if layout.syntax == Syntax::Csv {
        let byte = |byte: u8| char::from(byte).to_string();
        let is_break = |byte: u8| matches!(byte, b'\r' | b'\n') || byte.is_ascii_alphanumeric();
        if let Some(quote) = layout.quote.filter(|quote| *quote == layout.delimiter || is_break(*quote)) {
            return Err(wrong("quote", "a sign other than the delimiter", byte(quote)));
        }
        let is_decimal = char::from(layout.delimiter) == layout.decimal && layout.quote.is_none();
        if is_break(layout.delimiter) || is_decimal {
            let expected = "a sign that stands in no number, since there are no quotes";
            let expected = if is_decimal { expected } else { "a sign that is neither letter, digit nor line end" };
            return Err(wrong("delimiter", expected, byte(layout.delimiter)));
        }
    }
    if layout.syntax == Syntax::Json && layout.charset.name() != "utf-8" {
        return Err(wrong("charset", "utf-8, which all JSON is", layout.charset.name()));
    }
    let shape = |form: &str| form.replace(['Y', 'M', 'D'], "0");
    let mut shapes: BTreeMap<String, &str> = BTreeMap::new();
    for form in &layout.dates {
        if let Some(other) = shapes.insert(shape(form), form) {
            return Err(wrong("dates", format!("forms of days none of which could be another, such as {other}"), form));
        }
    }
    Ok(())
}

/// Columns, members and records that would be read twice or never.
pub(super) fn columns(layout: &Layout, root: &str, contents: &Contents) -> Result<(), Wrong> {
    for mark in &layout.marks {
        let is_here = match mark {
            Mark::Header => layout.syntax == Syntax::Csv && layout.has_header,
            Mark::Pointer(..) => layout.syntax == Syntax::Json,
            Mark::Text(..) => layout.syntax != Syntax::Json,
        };
        if !is_here {
            let expected = "header of a table with titles, POSITION TEXT of lines, a pointer of JSON";
            return Err(wrong("recognise", expected, format!("{mark:?}")));
        }
        if let Mark::Text(at, _) = mark
            && *at > LINE_BYTES_MAX
        {
            let expected = format!("a place in the first {LINE_BYTES_MAX} characters of a line");
            return Err(wrong("recognise", expected, at.to_string()));
        }
    }
    places(layout)?;
    types(layout, root, contents)?;
    match (layout.syntax, layout.tag) {
        (Syntax::Csv, None) => table(layout, root, contents),
        (Syntax::Csv, Some((tag, _))) => layout.records.iter().try_for_each(|(key, record)| {
            let mut seen = BTreeMap::from([(tag, "the type of the record")]);
            record.fields.iter().try_for_each(|field| match seen.insert(field.at, &field.name) {
                Some(other) => Err(wrong(key, format!("a column of its own, and not that of {other}"), &field.name)),
                None => Ok(()),
            })
        }),
        (Syntax::Json, _) => layout.records.iter().try_for_each(|(key, record)| members(key, record, contents)),
        _ => Ok(()),
    }
}

/// Places that no line has which is read.
fn places(layout: &Layout) -> Result<(), Wrong> {
    let (most, expected) = match layout.syntax {
        Syntax::Csv => (COLUMNS_MAX, format!("one of the first {COLUMNS_MAX} columns")),
        Syntax::Fixed => (LINE_BYTES_MAX, format!("a place in the first {LINE_BYTES_MAX} characters of a line")),
        _ => return Ok(()),
    };
    let width = |width: usize| if layout.syntax == Syntax::Fixed { width } else { 1 };
    let tag = layout.tag.map(|(at, own)| ("tag", "the type of a record", at, width(own)));
    let records = layout.records.iter().map(|(key, record)| (&**key, &record.fields));
    let fields = std::iter::once(("lead", &layout.lead))
        .chain(records)
        .flat_map(|(key, fields)| fields.iter().map(move |field| (key, &*field.name, field.at, width(field.length.1))));
    match tag.into_iter().chain(fields).find(|(_, _, at, width)| at.saturating_add(*width) > most) {
        Some((place, name, at, width)) => {
            let end = at.saturating_add(width);
            Err(wrong(place, expected, format!("{name}, which reaches to {end}")))
        }
        None => Ok(()),
    }
}

/// Records that are told apart by their types have one each, and the first tells where the next document begins.
fn types(layout: &Layout, root: &str, contents: &Contents) -> Result<(), Wrong> {
    if layout.tag.is_none() {
        let is_fixed = layout.syntax == Syntax::Fixed;
        return if is_fixed { Err(wrong("tag", "POSITION WIDTH of the type of a record", "none")) } else { Ok(()) };
    }
    let is_known = |key: &str, record: &Record| key == root || !record.tags.is_empty();
    if let Some((key, _)) = layout.records.iter().find(|(key, record)| !is_known(key, record)) {
        return Err(wrong(key, "a type of record (tag), by which it is known", "none"));
    }
    if layout.records.get(root).is_some_and(|record| !record.tags.is_empty()) {
        return Ok(());
    }
    let parts = contents.get(root).map(|content| content.parts.clone()).unwrap_or_default();
    match parts.iter().find(|part| part.element().is_none()) {
        Some(first) if first.usage == Usage::Required && first.max == Some(1) => Ok(()),
        _ => Err(wrong(root, "R 1 of its first record, which tells where a document begins", "another")),
    }
}

/// A table whose rows hold a document, a record of it and so on.
fn table(layout: &Layout, root: &str, contents: &Contents) -> Result<(), Wrong> {
    let (mut seen, mut numbers) = (BTreeMap::new(), BTreeMap::new());
    for key in chain(root, contents) {
        let inner = |key: &str| {
            contents.get(key).map(|content| content.parts.iter().filter(|part| part.element().is_none()).count())
        };
        if inner(&key).is_some_and(|count| count > 1) {
            return Err(wrong(&key, "one record in each, since its rows have no types (tag)", "several"));
        }
        for field in layout.records.get(&key).into_iter().flat_map(|record| &record.fields) {
            let other = match layout.has_header {
                true => seen.insert(&*field.source, &*field.name),
                false => numbers.insert(field.at, &*field.name),
            };
            if let Some(other) = other {
                return Err(wrong(&key, format!("a column of its own, and not that of {other}"), &field.name));
            }
            if layout.has_header && !is_title(layout, &field.source) {
                return Err(wrong(
                    &key,
                    "a title that the first line can hold, without blanks around it",
                    &field.source,
                ));
            }
        }
    }
    if layout.columns.is_empty() || !layout.has_header {
        return Ok(());
    }
    let mut listed = layout.columns.clone();
    listed.sort_unstable();
    if let Some(twice) = listed.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(wrong("columns", "each title once", &*twice[0]));
    }
    let known: Vec<&str> = seen.keys().copied().collect();
    match layout.columns.iter().find(|title| !known.contains(&title.as_str())) {
        Some(title) => Err(wrong("columns", format!("titles that a field has{}", near::hint(title, &known)), &**title)),
        None => match known.iter().find(|title| !layout.columns.iter().any(|own| own == *title)) {
            Some(title) => Err(wrong("columns", format!("{title}, which a field has"), "none")),
            None => Ok(()),
        },
    }
}

/// Whether a title is read again as it is written.
fn is_title(layout: &Layout, title: &str) -> bool {
    let is_break = |c: char| c == char::from(layout.delimiter) || matches!(c, '\r' | '\n');
    layout.charset.encode(title).is_some()
        && title.trim() == title
        && !(layout.quote.is_none() && title.contains(is_break))
}

/// Values that stand for an envelope, and are no fields.
pub(super) fn envelope(value: &Value, root: &str, contents: &Contents) -> Result<(), Wrong> {
    for (name, fact) in value["envelope"].as_object().into_iter().flatten().filter(|(name, _)| *name != "writes") {
        let text = fact.as_str().unwrap_or_default();
        let paths = text.split_once(" = ").map_or(text, |(paths, _)| paths).split('|').map(str::trim);
        for path in paths.filter(|path| !path.starts_with('=')) {
            let (holder, field) = path.rsplit_once('/').unwrap_or(("", path));
            let steps: Vec<&str> = holder.split('/').filter(|step| !step.is_empty()).collect();
            let part = contents.follow(root, &steps).and_then(|content| content.part(field)?.1.element());
            if part.is_none() {
                return Err(wrong(&at("envelope", name), "a field, with the records that it stands in", path));
            }
        }
    }
    Ok(())
}

/// The members of an object: none twice, and none inside a value.
fn members(key: &str, record: &Record, contents: &Contents) -> Result<(), Wrong> {
    let parts = contents.get(key).map(|content| content.parts.clone()).unwrap_or_default();
    let records = parts.iter().filter(|part| part.element().is_none());
    let records = records.map(|part| record.paths.get(&part.name).map_or(&*part.name, |path| &**path));
    let mut paths: Vec<&str> = record.fields.iter().map(|field| &*field.source).chain(records).collect();
    // What stands in another follows it, when `/` comes before all else.
    paths.sort_by_key(|path| path.replace('/', "\0"));
    let is_inside = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match paths.windows(2).find(|pair| is_inside(pair[0], pair[1])) {
        Some(pair) => Err(wrong(key, format!("a member that is neither {} nor stands in it", pair[0]), pair[1])),
        None => Ok(()),
    }
}
