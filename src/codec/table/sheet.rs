//! What is known of an input when it is opened: its definition, and what its first line calls the columns.

use super::line::{cells, line};
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::near;
use crate::standard::content::Markup;
use crate::standard::definition::{Document, Usage};
use crate::standard::layout::{self, Field, Layout, Mark};
use crate::standard::load::Library;
use std::collections::HashMap;
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
        sheet.header = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
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

    /// What the first line calls the columns.
    fn titles(&mut self, layout: &Layout, bytes: &[u8], has_ended: bool) -> Vec<String> {
        let Some(first) = line(layout, bytes, self.header, has_ended) else { return Vec::new() };
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
                self.faults.push(finding.at(*start as u64, *length as u64, 1));
            };
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

/// The document type that an input is of: what was told, or what its first bytes say.
#[must_use]
pub fn recognise(library: &Library, bytes: &[u8], has_ended: bool) -> Option<Arc<Document>> {
    if let Some(told) = library.is_told() {
        return Some(told.clone());
    }
    let start = if bytes.starts_with(b"\xEF\xBB\xBF") { &bytes[3..] } else { bytes };
    let best = library.laid_out().iter().filter_map(|document| {
        let layout = document.layout().filter(|layout| !layout.marks.is_empty())?;
        let fits = layout.marks.iter().map(|mark| fit(document, layout, mark, start, has_ended));
        let fits: Option<Vec<usize>> = fits.collect();
        Some((fits?.into_iter().sum::<usize>(), document))
    });
    best.max_by_key(|(fit, _)| *fit).map(|(_, document)| document.clone())
}

/// How well a mark fits; none where it does not.
fn fit(document: &Document, layout: &Layout, mark: &Mark, bytes: &[u8], has_ended: bool) -> Option<usize> {
    match mark {
        Mark::Text(at, text) => bytes.get(at - 1..)?.starts_with(text.as_bytes()).then_some(text.len()),
        Mark::Pointer(pointer, meant) => {
            if !matches!(bytes.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'[')) {
                return None;
            }
            let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else {
                // What is broken is told to be so, where all names on the way stand in it.
                let text = String::from_utf8_lossy(bytes);
                let names = pointer.split('/').filter(|name| !name.is_empty() && name.parse::<usize>().is_err());
                return names.clone().all(|name| text.contains(&format!("\"{name}\""))).then_some(names.count());
            };
            let found = value.pointer(pointer)?;
            let is_it = meant.as_ref().is_none_or(|meant| found.as_str() == Some(meant));
            is_it.then_some(pointer.len())
        }
        Mark::Header => {
            let first = line(layout, bytes, 0, has_ended)?;
            let titles: Vec<String> = cells(layout, first.of(bytes))
                .iter()
                .map(|cell| layout.charset.decode(&cell.text).trim().to_owned())
                .collect();
            let markup = document.markup.as_deref()?;
            let keys = layout::chain(&markup.content, &markup.contents);
            let fields = || keys.iter().filter_map(|key| layout.records.get(key)).flat_map(|record| &record.fields);
            let has = |field: &&Field| titles.contains(&field.source);
            let is_needed = |field: &&Field| field.usage == Usage::Required;
            let (needed, had) = (fields().filter(is_needed).count(), fields().filter(is_needed).filter(has).count());
            let count = fields().filter(has).count();
            // Where one is missing among many, the file is told to lack it.
            (had * 4 >= needed * 3 && count > 1 && count * 2 > titles.len()).then_some(count)
        }
    }
}
