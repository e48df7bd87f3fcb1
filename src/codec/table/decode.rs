//! The rows of a document as JSON and back to the same bytes: each value stands once, in its place.
//!
//! A row of a table is `{cells, end}`: a cell is a text, or `{value, raw}` where it would be written otherwise, or `{raw}`, which
//! is all that lies behind the last column that is cut; `end` is left out where it is the line end of the interchange. A row of fixed width is `{width, cells, end}` with cells `{name, at, width,
//! value}`; what is blank is left out, and what belongs to no field has no name.

use super::line::{Line, cells, in_quotes, line, written};
use super::project::{stretch, tag_of};
use super::sheet::Sheet;
use crate::codec::xml::Unfit;
use crate::diagnostic::Syntax;
use crate::standard::layout::Field;
use crate::tree::Charset;
use serde_json::{Map, Value, json};

/// The rows, and the character set they are read in.
#[must_use]
pub fn to_json(sheet: &Sheet, bytes: &[u8]) -> (Value, Charset) {
    let layout = sheet.layout();
    let is_unfit = layout.charset.encode(&layout.charset.decode(bytes)).is_none_or(|again| again != bytes);
    let charset = if is_unfit { Charset::Latin1 } else { layout.charset };
    let (mut rows, mut at): (Vec<Value>, usize) = (Vec::new(), 0);
    while let Some(next) = line(layout, bytes, at, true) {
        at = next.next;
        let mut row = match layout.syntax {
            Syntax::Csv => separated(sheet, bytes, next, charset),
            _ => stretched(sheet, next.of(bytes), charset),
        };
        let end = charset.decode(&bytes[next.end..next.next]);
        if end != layout.line_end {
            row.insert("end".into(), end.into());
        }
        rows.push(row.into());
    }
    (rows.into(), charset)
}

fn separated(sheet: &Sheet, bytes: &[u8], next: Line, charset: Charset) -> Map<String, Value> {
    let layout = sheet.layout();
    let raw = next.of(bytes);
    let cut = cells(layout, raw);
    let mut found: Vec<Value> = Vec::with_capacity(cut.len());
    for cell in &cut {
        let own = &raw[cell.start..cell.end];
        let text = charset.decode(&cell.text);
        let is_usual = written(&cell.text, layout.delimiter, layout.quote) == own;
        found.push(match is_usual {
            true => (*text).into(),
            false => json!({ "value": text, "raw": charset.decode(own) }),
        });
    }
    // What lies behind the last column that is cut.
    if let Some(rest) = cut
        .last()
        .and_then(|last| raw.get(last.end + 1..))
        .filter(|_| cut.last().is_some_and(|one| one.end < raw.len()))
    {
        found.push(json!({ "raw": charset.decode(rest) }));
    }
    Map::from_iter([("cells".to_owned(), found.into())])
}

fn stretched(sheet: &Sheet, raw: &[u8], charset: Charset) -> Map<String, Value> {
    let layout = sheet.layout();
    let tag = tag_of(layout, raw);
    let record = layout.records.values().find(|record| record.is_tagged(&tag));
    let lead: &[Field] = if record.is_none_or(|record| record.is_without_lead) { &[] } else { &layout.lead };
    let fields = lead.iter().chain(record.into_iter().flat_map(|record| &record.fields));
    let width = charset.decode(raw).chars().count();
    let (mut found, mut at) = (Vec::new(), 0);
    let mut put = |name: Option<&str>, at: usize, width: usize| {
        let (start, end) = stretch(raw, charset, at, width);
        let text = charset.decode(&raw[start..end]);
        let value = text.trim_end_matches(' ');
        if !value.is_empty() {
            let mut cell = Map::new();
            cell.extend(name.map(|name| ("name".to_owned(), name.into())));
            cell.extend(
                [("at", at + 1), ("width", text.chars().count())].map(|(key, number)| (key.to_owned(), number.into())),
            );
            cell.insert("value".into(), value.into());
            found.push(Value::Object(cell));
        }
    };
    for field in fields.filter(|field| field.at < width) {
        if field.at > at {
            put(None, at, field.at - at);
        }
        put(Some(&field.name), field.at, field.length.1);
        at = field.at + field.length.1;
    }
    if at < width {
        put(None, at, width - at);
    }
    Map::from_iter([("width".to_owned(), width.into()), ("cells".to_owned(), found.into())])
}

/// How the rows of an interchange are written, as its JSON says.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// What separates cells; none in lines of fixed width.
    pub delimiter: Option<u8>,
    /// What stands around them.
    pub quote: Option<u8>,
    /// What ends a line.
    pub line_end: String,
}

/// The bytes of the rows that stand at a pointer.
///
/// # Errors
/// What must stand there, and does not.
pub fn from_json(rows: &Value, written_as: &Written, charset: Charset, at: &str) -> Result<Vec<u8>, Unfit> {
    let Some(rows) = rows.as_array() else { return Err((at.to_owned(), "an array")) };
    let mut out = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let pointer = format!("{at}/{number}");
        let Some(cells) = row["cells"].as_array() else { return Err((format!("{pointer}/cells"), "an array")) };
        let unwritable = |pointer: &str| (pointer.to_owned(), "characters of the character set of the document");
        match written_as.delimiter {
            Some(delimiter) => {
                for (column, cell) in cells.iter().enumerate() {
                    if column > 0 {
                        out.push(delimiter);
                    }
                    let pointer = format!("{pointer}/cells/{column}");
                    out.extend(cell_bytes(cell, delimiter, written_as.quote, charset, &pointer)?);
                }
            }
            None => {
                let width = row["width"].as_u64().and_then(|width| usize::try_from(width).ok());
                let width = width.filter(|width| *width <= super::LINE_BYTES_MAX);
                let width = width.ok_or_else(|| (format!("{pointer}/width"), "the characters of the line"))?;
                let text = laid(cells, width, &pointer)?;
                out.extend(charset.encode(&text).ok_or_else(|| unwritable(&pointer))?);
            }
        }
        let end = row.get("end").map_or(Some(written_as.line_end.as_str()), Value::as_str);
        let end = end.ok_or_else(|| (format!("{pointer}/end"), "a line end"))?;
        out.extend(charset.encode(end).ok_or_else(|| unwritable(&pointer))?);
    }
    Ok(out)
}

fn cell_bytes(cell: &Value, delimiter: u8, quote: Option<u8>, charset: Charset, at: &str) -> Result<Vec<u8>, Unfit> {
    let encode =
        |text: &str| charset.encode(text).ok_or((at.to_owned(), "characters of the character set of the document"));
    // Nobody could tell where it ends.
    let fit = |text: Vec<u8>| match quote.is_none() && text.iter().any(|byte| [delimiter, b'\n'].contains(byte)) {
        true => Err((at.to_owned(), "a value without delimiter and line feed, since there are no quotes")),
        false => Ok(written(&text, delimiter, quote)),
    };
    if let Some(text) = cell.as_str() {
        return fit(encode(text)?);
    }
    let (text, raw) = match (cell.get("value"), cell["raw"].as_str()) {
        (Some(Value::String(text)), Some(raw)) => (encode(text)?, encode(raw)?),
        (None, Some(raw)) => return encode(raw),
        _ => return Err((at.to_owned(), "a text, {value, raw}, or {raw} of what is not cut")),
    };
    let inside = quote.and_then(|quote| raw.strip_prefix(&[quote])?.strip_suffix(&[quote]));
    let before = match (inside, quote) {
        (Some(inside), Some(quote)) => undoubled(inside, quote),
        _ => raw.clone(),
    };
    // What it was before somebody changed its value counts no more.
    match (before == text || raw == text, quote) {
        (true, _) => Ok(raw),
        (false, Some(quote)) if inside.is_some() => Ok(in_quotes(&text, quote)),
        _ => fit(text),
    }
}

fn undoubled(inside: &[u8], quote: u8) -> Vec<u8> {
    let (mut made, mut at) = (Vec::with_capacity(inside.len()), 0);
    while let Some(byte) = inside.get(at) {
        made.push(*byte);
        at += if *byte == quote && inside.get(at + 1) == Some(&quote) { 2 } else { 1 };
    }
    made
}

/// The values of a line of fixed width at their places.
fn laid(cells: &[Value], width: usize, at: &str) -> Result<String, Unfit> {
    let mut line = vec![' '; width];
    for (number, cell) in cells.iter().enumerate() {
        let pointer = format!("{at}/cells/{number}");
        let place = |key: &str| cell[key].as_u64().and_then(|number| usize::try_from(number).ok());
        let (Some(begin), Some(room), Some(text)) = (place("at"), place("width"), cell["value"].as_str()) else {
            return Err((pointer, "{at, width, value}"));
        };
        if text.chars().count() > room || text.contains('\n') || begin == 0 || begin - 1 + room > width {
            return Err((pointer, "a value that has room at its place in the line"));
        }
        text.chars().enumerate().for_each(|(offset, c)| line[begin - 1 + offset] = c);
    }
    Ok(line.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_value_is_written_and_what_it_was_is_not() {
        let written_as = Written { delimiter: Some(b';'), quote: Some(b'"'), line_end: "\n".to_owned() };
        for (cell, written) in [
            (json!({ "value": "4711", "raw": "\"4711\"" }), "\"4711\"\n"),
            (json!({ "value": "4712", "raw": "\"4711\"" }), "\"4712\"\n"),
            (json!({ "value": "", "raw": "\"4711\"" }), "\"\"\n"),
            (json!({ "value": "", "raw": "\"\"" }), "\"\"\n"),
            (json!({ "raw": "a;\"b;c" }), "a;\"b;c\n"),
        ] {
            let found = from_json(&json!([{ "cells": [cell] }]), &written_as, Charset::Utf8, "/rows");
            assert_eq!(found.as_deref(), Ok(written.as_bytes()));
        }
        let none = json!([{ "cells": [{ "value": 1, "raw": "1" }] }]);
        assert_eq!(from_json(&none, &written_as, Charset::Utf8, "/rows").expect_err("no text").0, "/rows/0/cells/0");
    }

    #[test]
    fn err_a_changed_value_that_would_be_read_as_others_is_not_written() {
        let rows = |cell: &str| json!([{ "cells": ["1", cell] }]);
        let written_as = |quote| Written { delimiter: Some(b';'), quote, line_end: "\n".to_owned() };
        let write = |quote, cell: &str| from_json(&rows(cell), &written_as(quote), Charset::Utf8, "/rows");
        assert_eq!(write(Some(b'"'), "a;b\nc").as_deref(), Ok(&b"1;\"a;b\nc\"\n"[..]));
        assert_eq!(write(None, "a").as_deref(), Ok(&b"1;a\n"[..]));
        for cell in ["a;b", "a\nb"] {
            assert_eq!(write(None, cell).expect_err("no quotes").0, "/rows/0/cells/1");
        }
        let line = json!([{ "width": 3, "cells": [{ "at": 1, "width": 3, "value": "a\nb" }] }]);
        assert!(from_json(&line, &Written::default(), Charset::Utf8, "/rows").is_err());
    }
}
