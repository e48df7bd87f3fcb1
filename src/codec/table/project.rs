//! Reads the rows of one document, holds them against its definition, and lays them out as the one tree: a segment for each
//! record, its fields as elements. Values are given the form that the tree has (`2026-01-31`, `-12.50`); everything is told
//! that does not fit, and reading goes on.

use super::line::{Cell as Cut, Line, cells, line};
use super::sheet::{Level, Sheet};
use super::value::{bare, in_tree, refused};
use crate::codec::content::{Cell, Laying, Projected, Row, Span};
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax, keep};
use crate::near;
use crate::standard::content::{Content, ITSELF, Part};
use crate::standard::definition::Usage;
use crate::standard::layout::{COLUMNS_MAX, Field, LINE_BYTES_MAX, Layout, Record};
use crate::standard::place::Placement;
use crate::tree::Charset;
use std::borrow::Cow;
use std::collections::HashSet;

/// Reads a document. `offset` and `line` say where `bytes` begin in the input.
#[must_use]
pub fn project(sheet: &Sheet, bytes: &[u8], offset: u64, line: u64) -> (Projected, Placement, Vec<Diagnostic>) {
    let walk = Walk::read(sheet, bytes, offset, line, usize::MAX);
    walk.laying.end(Fault::LineTooLong, walk.faults)
}

/// The rows of the first lines of a document, and what is wrong with them; records that are lacking may stand further on.
pub(super) fn first_rows<'s>(sheet: &'s Sheet, bytes: &[u8], lines: usize) -> (Vec<Row<'s>>, Vec<Diagnostic>) {
    let mut walk = Walk::read(sheet, bytes, 0, 1, lines);
    walk.faults.retain(|finding| finding.fault != Fault::RecordMissing);
    (walk.laying.rows, walk.faults)
}

/// What the type of a record reads.
pub(super) fn tag_of(layout: &Layout, line: &[u8]) -> String {
    let Some((at, width)) = layout.tag else { return String::new() };
    if layout.syntax == Syntax::Csv {
        let cells = cells(layout, line);
        return cells.get(at).map_or(String::new(), |cell| layout.charset.decode(&cell.text).trim().to_owned());
    }
    let (start, end) = stretch(line, layout.charset, at, width);
    layout.charset.decode(&line[start..end]).trim().to_owned()
}

/// The characters of a stretch of a line, and its bytes; what lies behind the end of the line is nothing.
pub(super) fn stretch(line: &[u8], charset: Charset, at: usize, width: usize) -> (usize, usize) {
    let byte = |character: usize| match charset {
        Charset::Utf8 if !line.is_ascii() => {
            let begins = line.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 != 0x80);
            begins.map(|(at, _)| at).nth(character).unwrap_or(line.len())
        }
        _ => character.min(line.len()),
    };
    (byte(at), byte(at + width))
}

/// A record that is open: others may stand in it.
struct Frame<'d> {
    content: &'d Content,
    instance: usize,
    /// How often each part has come, and the last that came.
    counts: Vec<u32>,
    at: usize,
    span: Span,
    path: String,
    /// Its row among those that are laid out.
    row: usize,
}

/// A value of a line.
struct Value<'a> {
    text: Cow<'a, str>,
    span: Span,
    /// Number of its column, or of its first character, from 1.
    column: usize,
}

struct Walk<'d> {
    sheet: &'d Sheet,
    layout: &'d Layout,
    charset: Charset,
    laying: Laying<'d>,
    frames: Vec<Frame<'d>>,
    faults: Vec<Diagnostic>,
    /// Of rows without a type, the key of each level at hand.
    keys: Vec<Vec<String>>,
    /// Those that came before, in the record around.
    seen: Vec<HashSet<Vec<String>>>,
    /// Where the document is a record that has a type itself: it has come.
    has_root: bool,
    offset: u64,
    number: u64,
}

impl<'d> Walk<'d> {
    fn read(sheet: &'d Sheet, bytes: &[u8], offset: u64, first: u64, lines: usize) -> Self {
        let layout = sheet.layout();
        let mut walk = Walk {
            sheet,
            layout,
            charset: layout.charset,
            laying: Laying::new(layout.syntax),
            frames: Vec::new(),
            faults: Vec::new(),
            keys: Vec::new(),
            seen: vec![HashSet::new(); sheet.levels.len()],
            has_root: false,
            offset,
            number: first,
        };
        walk.charset(bytes);
        let (mut at, mut count) = (0, 0);
        if layout.tag.is_some() {
            walk.root(Span { offset, length: bytes.len() as u64, line: first });
        }
        while let Some(next) = line(layout, bytes, at, true).filter(|_| count < lines) {
            if next.is_too_long() {
                // It is not cut into values: what it would say is not known.
                let (expected, found) =
                    (format!("at most {LINE_BYTES_MAX} bytes"), (next.end - next.start).to_string());
                walk.tell(Fault::LineTooLong, walk.span(next, 0, 0), "", 0, &expected, &found);
                count += 1;
            } else if !next.is_blank(layout, bytes) {
                match (layout.tag, layout.syntax) {
                    (Some(_), _) => walk.tagged(bytes, next),
                    (None, Syntax::Csv) => walk.row(bytes, next),
                    (None, _) => {
                        walk.tell(Fault::RecordUnknown, walk.span(next, 0, 0), "", 0, "a type of record", "none")
                    }
                }
                count += 1;
            }
            at = next.next;
            walk.number += bytes[next.start..next.next].iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        let root = layout.records.get(&sheet.markup().content).filter(|root| !root.tags.is_empty());
        if let Some(root) = root.filter(|_| layout.tag.is_some() && !walk.has_root) {
            let span = Span { offset, length: 0, line: first };
            walk.tell(
                Fault::RecordMissing,
                span,
                &format!("/{}", sheet.markup().root),
                0,
                &root.tags.join(" or "),
                "none",
            );
        }
        while let Some(frame) = walk.frames.pop() {
            walk.lacking(&frame);
        }
        walk
    }

    /// The bytes are read in the set that is declared, or in ISO 8859-1 where they are not of it; and as UTF-8 where they
    /// plainly are that. At fixed positions what is declared holds, for it says where a value ends.
    fn charset(&mut self, bytes: &[u8]) {
        let Some(first) = bytes.iter().position(|byte| !byte.is_ascii()) else { return };
        let declared = self.layout.charset;
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
        let (charset, at, found) = match (declared, std::str::from_utf8(bytes)) {
            (Charset::Utf8, Ok(_)) => return,
            (Charset::Utf8, Err(error)) => {
                let at = error.valid_up_to();
                (Charset::Latin1, at, format!("the byte {:#04x}, read as ISO 8859-1", byte(at)))
            }
            (_, Ok(_)) if self.layout.syntax == Syntax::Csv => {
                (Charset::Utf8, first, "bytes of UTF-8, read as such".to_owned())
            }
            _ => return,
        };
        self.charset = charset;
        let line = self.number + bytes[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        let expected = if declared == Charset::Utf8 { "UTF-8" } else { declared.name() };
        let finding = Diagnostic::new(self.layout.syntax, Fault::CharacterEncoding);
        keep(&mut self.faults, finding.because(expected, found).at(self.offset + at as u64, 1, line));
    }

    /// A stretch of a line; all of it for nothing.
    fn span(&self, line: Line, start: usize, end: usize) -> Span {
        let (start, end) = if end == 0 { (0, line.end - line.start) } else { (start, end) };
        Span { offset: self.offset + (line.start + start) as u64, length: (end - start) as u64, line: self.number }
    }

    fn tell(&mut self, fault: Fault, span: Span, place: &str, column: usize, expected: &str, found: &str) {
        let position = Position {
            segment: u32::try_from(self.laying.rows.len()).unwrap_or(u32::MAX),
            element: u16::try_from(column).unwrap_or(u16::MAX),
            ..Position::default()
        };
        let tag = self.laying.rows.last().map_or(String::new(), |row| row.tag.to_owned());
        let finding = Diagnostic::new(self.layout.syntax, fault).because(expected, found).place(place, tag, position);
        keep(&mut self.faults, finding.at(span.offset, span.length, span.line));
    }

    // Rows that have a type.

    fn root(&mut self, span: Span) {
        let markup = self.sheet.markup();
        let Some(content) = markup.root() else { return };
        let path = format!("/{}", markup.root);
        let (row, counts) = (self.laying.rows.len(), vec![0; content.parts.len()]);
        self.laying.rows.push(Row { tag: &markup.root, home: 0, span, path: path.clone(), values: Vec::new() });
        self.frames.push(Frame { content, instance: 0, counts, at: 0, span, path, row });
    }

    fn tagged(&mut self, bytes: &[u8], next: Line) {
        let (layout, raw) = (self.layout, next.of(bytes));
        let tag = tag_of(layout, raw);
        let span = self.span(next, 0, 0);
        let root = layout.records.get(&self.sheet.markup().content).filter(|root| root.is_tagged(&tag));
        let record = match root.filter(|_| self.laying.rows.len() == 1 && !self.has_root) {
            Some(root) => {
                self.has_root = true;
                self.laying.rows[0].span = span;
                self.frames.iter_mut().for_each(|frame| frame.span = span);
                root
            }
            None => {
                let Some((depth, at)) = self.home(&tag) else { return self.homeless(&tag, span) };
                while self.frames.len() > depth + 1 {
                    if let Some(frame) = self.frames.pop() {
                        self.lacking(&frame);
                    }
                }
                let Some(part) = self.frames.get(depth).and_then(|frame| frame.content.parts.get(at)) else { return };
                let Some(record) = layout.records.get(&part.content) else { return };
                self.enter(depth, at, part, span);
                record
            }
        };
        let mut found: Vec<(&Field, Value<'_>)> = Vec::new();
        let mut last = 0;
        if layout.syntax == Syntax::Csv {
            let cut = cells(layout, raw);
            let columns = record.fields.iter().map(|field| field.at).chain(layout.tag.map(|(at, _)| at));
            last = columns.max().map_or(0, |last| last + 1);
            for field in &record.fields {
                found.extend(cut.get(field.at).map(|cell| (field, self.cell(next, cell, field.at + 1))));
            }
            self.ragged(next, &cut, last);
        } else {
            let lead: &[Field] = if record.is_without_lead { &[] } else { &layout.lead };
            for field in &record.fields {
                let (start, end) = stretch(raw, self.charset, field.at, field.length.1);
                let kept = raw[start..end].trim_ascii_end().len().max(1);
                let span = self.span(next, start, start + kept);
                let text = self.charset.decode(&raw[start..end]);
                found.push((field, Value { text, span, column: field.at + 1 }));
            }
            for field in lead.iter().chain(&record.fields) {
                last = last.max(field.at + field.length.1);
            }
            self.stretched(next, raw, lead, if record.is_open { usize::MAX >> 1 } else { last });
        }
        let columns: Vec<Option<usize>> = record.fields.iter().map(|field| Some(field.at)).collect();
        self.fill(record, found, &columns);
    }

    /// A record that has no place here, or that nobody knows.
    fn homeless(&mut self, tag: &str, span: Span) {
        let records = || self.layout.records.values();
        let known: Vec<&str> = records().flat_map(|one| one.tags.first().map(String::as_str)).collect();
        let path = self.frames.last().map_or(String::new(), |frame| frame.path.clone());
        let (fault, expected) = match records().any(|record| record.is_tagged(tag)) {
            true => (Fault::RecordMisplaced, "a record that it may stand in before it".to_owned()),
            false => {
                let expected = format!("one of {} types of record{}", known.len(), near::hint(tag, &known));
                (Fault::RecordUnknown, expected)
            }
        };
        self.tell(fault, span, &path, 0, &expected, tag);
    }

    /// Where a record of this type may stand: the innermost record that is open and has room for it.
    fn home(&self, tag: &str) -> Option<(usize, usize)> {
        let is_it = |part: &Part| self.layout.records.get(&part.content).is_some_and(|record| record.is_tagged(tag));
        let mut full = None;
        for (depth, frame) in self.frames.iter().enumerate().rev() {
            for (at, part) in frame.content.parts.iter().enumerate().filter(|(_, part)| is_it(part)) {
                if part.max.is_none_or(|max| frame.counts[at] < max) {
                    return Some((depth, at));
                }
                full = full.or(Some((depth, at)));
            }
        }
        full
    }

    /// A record begins in one that is open.
    fn enter(&mut self, depth: usize, at: usize, part: &'d Part, span: Span) {
        let frame = &mut self.frames[depth];
        frame.counts[at] += 1;
        let (count, content, around) = (frame.counts[at], frame.content, frame.instance);
        let is_late = at < frame.at;
        let last = content.parts[frame.at].name.clone();
        frame.at = frame.at.max(at);
        let path = match part.max {
            Some(1) => format!("{}/{}", frame.path, part.name),
            _ => format!("{}/{}[{count}]", frame.path, part.name),
        };
        if is_late {
            let (expected, found) = (format!("{} before {last}", part.name), format!("{} after it", part.name));
            self.tell(Fault::RecordOutOfOrder, span, &path, 0, &expected, &found);
        }
        if let Some(max) = part.max.filter(|max| count > *max) {
            self.tell(Fault::RecordTooMany, span, &path, 0, &format!("at most {max} {}", part.name), "one more");
        }
        let Some(content) = self.sheet.markup().contents.get(&part.content).map(|content| &**content) else { return };
        let instance = self.laying.open(around, &part.name);
        let (row, counts) = (self.laying.rows.len(), vec![0; content.parts.len()]);
        self.laying.rows.push(Row { tag: &part.name, home: instance, span, path: path.clone(), values: Vec::new() });
        self.frames.push(Frame { content, instance, counts, at: 0, span, path, row });
    }

    /// Records that a closed one lacks.
    fn lacking(&mut self, frame: &Frame<'d>) {
        let parts = frame.content.parts.iter().zip(&frame.counts);
        for (part, _) in
            parts.filter(|(part, count)| part.usage == Usage::Required && part.element().is_none() && **count == 0)
        {
            self.tell(
                Fault::RecordMissing,
                frame.span,
                &format!("{}/{}", frame.path, part.name),
                0,
                &part.name,
                "none",
            );
        }
    }

    fn stretched(&mut self, next: Line, raw: &[u8], lead: &[Field], last: usize) {
        let path = self.frames.last().map_or(String::new(), |frame| frame.path.clone());
        let least = lead.last().map_or(0, |field| field.at + 1).max(self.layout.tag.map_or(0, |(at, _)| at + 1));
        let characters = self.charset.decode(raw).chars().count();
        if characters < least {
            let expected = format!("at least {least} characters");
            self.tell(Fault::RecordShort, self.span(next, 0, 0), &path, characters, &expected, &characters.to_string());
        }
        let (behind, end) = (stretch(raw, self.charset, last, 0).0, raw.len());
        if raw[behind..end].iter().any(|byte| !byte.is_ascii_whitespace()) {
            let found = self.charset.decode(&raw[behind..end]).trim().to_owned();
            let span = self.span(next, behind, end);
            self.tell(Fault::RecordLong, span, &path, last + 1, &format!("at most {last} characters"), &found);
        }
    }

    // Rows that hold a document, a record of it and so on.

    fn row(&mut self, bytes: &[u8], next: Line) {
        let cut = cells(self.layout, next.of(bytes));
        let span = self.span(next, 0, 0);
        let sheet = self.sheet;
        let mut is_new = false;
        for (depth, level) in sheet.levels.iter().enumerate() {
            let Some(record) = self.layout.records.get(&level.key) else { return };
            let found = self.of_level(level, record, next, &cut);
            let key: Vec<String> = level
                .keys
                .iter()
                .map(|at| (&record.fields[*at], &found[*at]))
                .map(|(field, one)| one.as_ref().map_or("", |one| bare(self.layout, field, &one.text)).to_owned())
                .collect();
            let is_innermost = depth + 1 == sheet.levels.len();
            let is_open = self.frames.len() > depth && !is_new;
            let is_known = if level.keys.is_empty() { !is_innermost } else { self.keys.get(depth) == Some(&key) };
            // Rows of another key were cut off: one without a key, or with another, breaks the document.
            let is_same = is_open && (depth == 0 || is_known);
            if is_same && !(is_innermost && depth > 0) {
                self.same(depth, record, found);
                continue;
            }
            // No line stands in a row that fills no column of it.
            if depth > 0 && found.iter().flatten().all(|value| value.text.trim().is_empty()) {
                self.hollow(depth, next, &cut);
                continue;
            }
            if self.frames.len() < depth {
                return;
            }
            is_new = true;
            while self.frames.len() > depth {
                if let Some(frame) = self.frames.pop() {
                    self.lacking(&frame);
                }
            }
            if depth == 0 {
                self.root(span);
            } else {
                let around = self.frames.len() - 1;
                let part = self.frames[around].content.part(&level.name);
                let Some((at, part)) = part else { return };
                self.enter(around, at, part, span);
            }
            self.seen.iter_mut().skip(depth + 1).for_each(HashSet::clear);
            if depth > 0 && !is_innermost && !level.keys.is_empty() && !self.seen[depth].insert(key.clone()) {
                let path = self.frames.last().map_or(String::new(), |frame| frame.path.clone());
                self.tell(Fault::KeyAgain, span, &path, 0, "the rows of one key together", &key.join(" "));
            }
            self.keys.truncate(depth);
            self.keys.push(key);
            let found = record.fields.iter().zip(found).filter_map(|(field, value)| Some((field, value?)));
            self.fill(record, found.collect(), &level.columns);
        }
        if let Some(width) = sheet.width {
            self.ragged(next, &cut, width);
        }
    }

    /// A record without a value must not hold one that has some: whose that is, nobody could tell.
    fn hollow(&mut self, depth: usize, next: Line, cut: &[Cut<'_>]) {
        let inner = self.sheet.levels.iter().skip(depth + 1).flat_map(|level| level.columns.iter().flatten());
        let mut cells = inner.filter_map(|at| cut.get(*at));
        if let Some(cell) = cells.find(|cell| !cell.text.trim_ascii().is_empty()) {
            let path = self.frames.last().map_or(String::new(), |frame| frame.path.clone());
            let expected = format!("values of {} in the row, which it stands in", self.sheet.levels[depth].name);
            let found = self.charset.decode(&cell.text).into_owned();
            let span = self.span(next, cell.start, cell.end);
            self.tell(Fault::RecordMisplaced, span, &path, 0, &expected, &found);
        }
    }

    fn of_level<'a>(&mut self, level: &Level, record: &Record, next: Line, cut: &[Cut<'a>]) -> Vec<Option<Value<'a>>> {
        let value = |(at, _): (&Option<usize>, &Field)| at.and_then(|at| Some(self.cell(next, cut.get(at)?, at + 1)));
        level.columns.iter().zip(&record.fields).map(value).collect()
    }

    fn cell<'a>(&self, next: Line, cell: &Cut<'a>, column: usize) -> Value<'a> {
        let text = match &cell.text {
            Cow::Borrowed(bytes) => self.charset.decode(bytes),
            Cow::Owned(bytes) => Cow::Owned(self.charset.decode(bytes).into_owned()),
        };
        let span = Span {
            offset: self.offset + (next.start + cell.start) as u64,
            length: (cell.end - cell.start) as u64,
            line: self.number,
        };
        Value { text, span, column }
    }

    /// The columns of a document are the same in all its rows.
    fn same(&mut self, depth: usize, record: &Record, found: Vec<Option<Value<'_>>>) {
        let Some(frame) = self.frames.get(depth) else { return };
        let (path, row) = (frame.path.clone(), frame.row);
        for (field, value) in record.fields.iter().zip(found) {
            let Some(value) = value else { continue };
            let element = self.element(depth, &field.name);
            let before = self.laying.rows[row].values.iter().find(|cell| cell.element == element);
            let before = before.map_or(String::new(), |cell| cell.text.clone());
            let now = in_tree(self.layout, field, &value.text);
            let now = now.unwrap_or_else(|_| refused(self.layout, field, &value.text));
            if now != before {
                let expected = format!("{before:?} as in the first row of it");
                self.tell(
                    Fault::KeyDiffers,
                    value.span,
                    &format!("{path}/{}", field.name),
                    value.column,
                    &expected,
                    &now,
                );
            }
        }
    }

    fn element(&self, depth: usize, name: &str) -> u16 {
        let content = self.frames.get(depth).map(|frame| frame.content);
        content.and_then(|content| content.part(name)).and_then(|(_, part)| part.element()).unwrap_or(ITSELF)
    }

    /// Too many columns, too few, and quotes that are wrong.
    fn ragged(&mut self, next: Line, cut: &[Cut<'_>], width: usize) {
        let path = self.frames.last().map_or(String::new(), |frame| frame.path.clone());
        if cut.len() > COLUMNS_MAX {
            let expected = format!("at most {COLUMNS_MAX} columns");
            self.tell(Fault::ColumnsTooMany, self.span(next, 0, 0), &path, cut.len(), &expected, "more");
        } else if cut.len() != width {
            let expected = format!("{width} columns");
            self.tell(
                Fault::RowRagged,
                self.span(next, 0, 0),
                &path,
                cut.len().min(width) + 1,
                &expected,
                &cut.len().to_string(),
            );
        }
        for (column, cell) in (1..).zip(cut) {
            let Some(fault) = cell.fault else { continue };
            let expected = match fault {
                Fault::QuoteUnclosed => "a quote at the end of the value",
                _ => "a delimiter behind the closing quote, or the quote doubled",
            };
            let found = self.charset.decode(&cell.text).into_owned();
            let span = self.span(next, cell.start, cell.end);
            self.tell(fault, span, &path, column, expected, &found);
        }
    }

    // Values.

    /// Puts the values of a record into the row that was laid out last.
    fn fill(&mut self, record: &Record, found: Vec<(&Field, Value<'_>)>, columns: &[Option<usize>]) {
        let depth = self.frames.len().saturating_sub(1);
        let Some((path, span)) = self.frames.last().map(|frame| (frame.path.clone(), frame.span)) else { return };
        let mut filled: Vec<&str> = Vec::new();
        for (field, value) in found {
            let place = format!("{path}/{}", field.name);
            let text = match in_tree(self.layout, field, &value.text) {
                Ok(text) => text,
                Err(expected) => {
                    let found = bare(self.layout, field, &value.text);
                    self.tell(Fault::ValueForm, value.span, &place, value.column, &expected, found);
                    refused(self.layout, field, &value.text)
                }
            };
            if text.is_empty() {
                continue;
            }
            filled.push(&field.name);
            let length = bare(self.layout, field, &value.text).chars().count();
            if length < field.length.0 && self.layout.syntax == Syntax::Csv || length > field.length.1 {
                let expected = format!("{} to {} characters", field.length.0, field.length.1);
                self.tell(
                    Fault::ValueLength,
                    value.span,
                    &place,
                    value.column,
                    &expected,
                    &format!("{length} ({text:?})"),
                );
            }
            let element = self.element(depth, &field.name);
            if let Some(row) = self.laying.rows.last_mut() {
                row.values.push(Cell { element, component: 1, text, span: value.span });
            }
        }
        for (field, column) in record.fields.iter().zip(columns).filter(|(field, _)| field.usage == Usage::Required) {
            if !filled.contains(&field.name.as_str()) {
                let (place, column) = (format!("{path}/{}", field.name), column.map_or(0, |at| at + 1));
                self.tell(Fault::ValueMissing, span, &place, column, &field.source, "nothing");
            }
        }
    }
}
