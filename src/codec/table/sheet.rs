//! What is known of an input when it is opened: its definition, and what its first line calls the columns.

use super::line::{Line, cells, line};
use super::project::stretch;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::near;
use crate::standard::content::Markup;
use crate::standard::definition::{Document, Usage};
use crate::standard::layout::{self, Field, LINE_BYTES_MAX, Layout};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An input that was recognised.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// What it is.
    pub document: Arc<Document>,
    /// How many columns a row has; none where nothing says it.
    pub width: Option<usize>,
    /// Where rows have no type: the document, a record of it and so on.
    pub levels: Vec<Level>,
    /// Bytes of the first line, where it names the columns, and what stands before it.
    pub header: usize,
    /// What is wrong with it.
    pub faults: Vec<Diagnostic>,
}

/// The columns of a row that belong to one kind of record.
#[derive(Debug, Clone)]
pub struct Level {
    /// The content.
    pub key: String,
    /// What it is called in the one around it.
    pub name: String,
    /// The column of each field, where there is one.
    pub columns: Vec<Option<usize>>,
    /// Fields by which one is told from the next.
    pub keys: Vec<usize>,
}

impl Sheet {
    /// Opens an input that is of a document type; `None` where the document type says nothing of its layout.
    #[must_use]
    pub fn open(document: &Arc<Document>, bytes: &[u8], has_ended: bool) -> Option<Self> {
        let (layout, markup) = (document.layout()?, document.markup.as_deref()?);
        let mut sheet =
            Sheet { document: document.clone(), width: None, levels: Vec::new(), header: 0, faults: Vec::new() };
        sheet.header = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
            let finding = Diagnostic::new(layout.syntax, Fault::CharacterEncoding).at(0, 2, 1);
            sheet.faults.push(finding.because(layout.charset.name(), "UTF-16, as its first two bytes say"));
        }
        let titles = if layout.has_header { sheet.titles(layout, bytes, has_ended) } else { Vec::new() };
        if layout.syntax == Syntax::Csv && layout.tag.is_none() {
            sheet.level(layout, markup, &titles);
        }
        Some(sheet)
    }

    /// The same rows, by another version of the definition.
    #[must_use]
    pub fn of(self, document: &Arc<Document>) -> Self {
        if document.layout().is_some() { Sheet { document: document.clone(), ..self } } else { self }
    }

    /// How its bytes are laid out.
    ///
    /// # Panics
    /// Never: without a layout it was not opened.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        self.document.layout().expect("a sheet is opened by its layout")
    }

    /// What its records hold.
    ///
    /// # Panics
    /// Never: without it there is no layout.
    #[must_use]
    pub fn markup(&self) -> &Markup {
        self.document.markup.as_deref().expect("a sheet is opened by its layout")
    }

    /// What the first line that is not blank calls the columns.
    fn titles(&mut self, layout: &Layout, bytes: &[u8], has_ended: bool) -> Vec<String> {
        let Some(first) = first_line(layout, bytes, self.header, has_ended).filter(|first| !first.is_too_long()) else {
            let finding = Diagnostic::new(Syntax::Csv, Fault::LineTooLong).at(self.header as u64, 0, 1);
            let expected = format!("a line of titles of at most {LINE_BYTES_MAX} bytes");
            self.faults.push(finding.because(expected, "none"));
            return Vec::new();
        };
        let number = 1 + bytes[..first.start].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.header = first.next;
        let titles = cells(layout, first.of(bytes)).into_iter().map(|cell| {
            let title = layout.charset.decode(&cell.text).trim().to_owned();
            (title, cell.start + first.start, cell.end - cell.start)
        });
        let titles: Vec<(String, usize, usize)> = titles.collect();
        self.width = Some(titles.len());
        let markup = self.document.markup.clone();
        let keys = markup.as_ref().map(|markup| layout::chain(&markup.content, &markup.contents)).unwrap_or_default();
        let known: Vec<&str> = keys
            .iter()
            .filter_map(|key| layout.records.get(key))
            .flat_map(|record| record.fields.iter().map(|field| &*field.source))
            .collect();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (title, start, length) in &titles {
            let mut tell = |fault, expected: &str| {
                let finding = Diagnostic::new(Syntax::Csv, fault).because(expected, title);
                self.faults.push(finding.at(*start as u64, *length as u64, number));
            };
            if layout.tag.is_some() {
                continue; // They are read by number, of each type its own.
            }
            if seen.insert(title, *start).is_some() {
                tell(Fault::ColumnTwice, "each column once; the first counts");
            } else if !known.contains(&title.as_str()) {
                let hint = near::hint(title, &known);
                tell(Fault::ColumnUnknown, &format!("one of {} columns{hint}", known.len()));
            }
        }
        titles.into_iter().map(|(title, ..)| title).collect()
    }

    fn level(&mut self, layout: &Layout, markup: &Markup, titles: &[String]) {
        for key in layout::chain(&markup.content, &markup.contents) {
            let Some(record) = layout.records.get(&key) else { return };
            let name = self.levels.last().and_then(|outer| {
                let content = markup.contents.get(&outer.key)?;
                content.parts.iter().find(|part| part.content == key).map(|part| part.name.clone())
            });
            let column = |field: &Field| match layout.has_header {
                true => titles.iter().position(|title| *title == field.source),
                false => Some(field.at),
            };
            let columns: Vec<Option<usize>> = record.fields.iter().map(column).collect();
            let missing = record.fields.iter().zip(&columns);
            for (field, _) in missing.filter(|(field, at)| field.usage == Usage::Required && at.is_none()) {
                let finding = Diagnostic::new(Syntax::Csv, Fault::ColumnMissing).because(&*field.source, "none");
                self.faults.push(finding.at(0, self.header as u64, 1));
            }
            let keys = record.keys.iter().filter_map(|key| record.fields.iter().position(|field| field.name == *key));
            let keys = keys.collect();
            self.levels.push(Level { key, name: name.unwrap_or_else(|| markup.root.clone()), columns, keys });
        }
        if !layout.has_header {
            let last = self.levels.iter().flat_map(|level| level.columns.iter().flatten()).max();
            self.width = last.map(|last| last + 1);
        }
    }
}

/// What stands at the begin of a text in UTF-8, where something does.
pub const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What a title, a letter, a name is worth when definitions are compared that an input fits; a column that is lacking is one.
pub const FIT: usize = 10_000;

/// The first line that says something; none where it is still to come, and in an input that says nothing.
fn first_line(layout: &Layout, bytes: &[u8], start: usize, has_ended: bool) -> Option<Line> {
    let mut next = line(layout, bytes, start, has_ended)?;
    while next.is_blank(layout, bytes) {
        next = line(layout, bytes, next.next, has_ended)?;
    }
    Some(next)
}

/// How many of its titles a definition knows, in ten thousandths, less those of its own that it lacks; none where the first
/// line is not one of its titles.
#[must_use]
pub fn titles_fit(document: &Document, bytes: &[u8], has_ended: bool) -> Option<usize> {
    let (layout, markup) = (document.layout()?, document.markup.as_deref()?);
    let first = first_line(layout, bytes, 0, has_ended)?;
    let titles = cells(layout, first.of(bytes));
    let titles: HashSet<String> =
        titles.iter().map(|cell| layout.charset.decode(&cell.text).trim().to_owned()).collect();
    let keys = layout::chain(&markup.content, &markup.contents);
    let fields = || keys.iter().filter_map(|key| layout.records.get(key)).flat_map(|record| &record.fields);
    let has = |field: &&Field| titles.contains(&field.source);
    let is_needed = |field: &&Field| field.usage == Usage::Required;
    let (needed, had) = (fields().filter(is_needed).count(), fields().filter(is_needed).filter(has).count());
    let (all, count) = (fields().count(), fields().filter(has).count());
    // Where one is missing among many, the file is told to lack it.
    let is_it = had * 4 >= needed * 3 && count > 1 && count * 2 > titles.len();
    is_it.then(|| (count * FIT).saturating_sub(all - count))
}

/// How well a text fits that stands at a position, from 1, of the first line; none where it does not stand there.
#[must_use]
pub fn text_fits(layout: &Layout, (at, text): (usize, &str), bytes: &[u8], has_ended: bool) -> Option<usize> {
    let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(0);
    let own = line(layout, bytes, begin, has_ended).map_or(&bytes[begin..], |own| own.of(bytes));
    let (start, _) = stretch(own, layout.charset, at - 1, 0);
    layout.charset.decode(&own[start..]).starts_with(text).then_some(text.len() * FIT)
}
