//! Where the documents of a file begin and end: rows of one key are one document, or what follows a record that begins one.
//! It holds the key at hand and a number for each that came before, not the rows.

use super::line::{Line, cells, line};
use super::project::tag_of;
use super::sheet::Sheet;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::layout::Record;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// Keys that are remembered; a document whose key came before so many others is not told to have come again.
const KEYS_MAX: usize = 1_000_000;

/// Cuts a file into documents.
#[derive(Debug)]
pub struct Cutter {
    sheet: Arc<Sheet>,
    /// How far the bytes at hand were looked at, and lines there.
    at: usize,
    lines: u64,
    /// The key of the document at hand.
    key: Option<Vec<Vec<u8>>>,
    has_begun: bool,
    seen: HashSet<u64>,
    faults: Vec<Diagnostic>,
}

impl Cutter {
    /// Begins behind the first line, where that names the columns.
    #[must_use]
    pub fn new(sheet: Arc<Sheet>) -> Self {
        Cutter { sheet, at: 0, lines: 0, key: None, has_begun: false, seen: HashSet::new(), faults: Vec::new() }
    }

    /// Bytes of the document that begins with `bytes`, and what is wrong with where it stands; `None` where more is to be read
    /// before its end is known. Offsets and lines of findings are those of the document.
    pub fn next(&mut self, bytes: &[u8], has_ended: bool) -> Option<(usize, Vec<Diagnostic>)> {
        let sheet = self.sheet.clone();
        let layout = sheet.layout();
        if layout.syntax == Syntax::Json {
            let end = bytes.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |last| last + 1);
            return (has_ended && end > 0).then(|| (end, Vec::new()));
        }
        while let Some(next) = line(layout, bytes, self.at, has_ended) {
            if !next.is_blank(bytes) && self.begins(&sheet, bytes, next) && self.has_begun {
                return Some(self.cut());
            }
            self.has_begun |= !next.is_blank(bytes);
            self.lines += 1;
            self.at = next.next;
        }
        (has_ended && self.at > 0).then(|| self.cut())
    }

    fn cut(&mut self) -> (usize, Vec<Diagnostic>) {
        let length = std::mem::take(&mut self.at);
        (self.has_begun, self.key, self.lines) = (false, None, 0);
        (length, std::mem::take(&mut self.faults))
    }

    /// Whether a line begins a document.
    fn begins(&mut self, sheet: &Sheet, bytes: &[u8], next: Line) -> bool {
        if sheet.layout().tag.is_some() {
            return first_record(sheet).is_some_and(|record| record.is_tagged(&tag_of(sheet.layout(), next.of(bytes))));
        }
        let Some(level) = sheet.levels.first().filter(|level| !level.keys.is_empty()) else { return false };
        let cells = cells(sheet.layout(), next.of(bytes));
        let value = |field: &usize| level.columns.get(*field).copied().flatten().and_then(|at| cells.get(at));
        let key: Vec<Vec<u8>> =
            level.keys.iter().map(|at| value(at).map_or(Vec::new(), |cell| cell.text.to_vec())).collect();
        // A row without a key belongs to the document at hand, which is then told to be broken.
        if key.iter().all(Vec::is_empty) || self.key.as_ref() == Some(&key) {
            return false;
        }
        if self.has_begun && self.key.is_some() {
            return true;
        }
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        if self.seen.len() < KEYS_MAX && !self.seen.insert(hasher.finish()) {
            let found = key.iter().map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join(" ");
            let finding = Diagnostic::new(sheet.layout().syntax, Fault::KeyAgain);
            let finding = finding.because("the rows of one key together", found);
            self.faults.push(finding.at(next.start as u64, (next.end - next.start) as u64, self.lines));
        }
        self.key = Some(key);
        false
    }
}

/// The record that a document begins with.
fn first_record(sheet: &Sheet) -> Option<&Record> {
    let (layout, markup) = (sheet.layout(), sheet.markup());
    let root = layout.records.get(&markup.content)?;
    if !root.tags.is_empty() {
        return Some(root);
    }
    let content = markup.contents.get(&markup.content)?;
    content.parts.iter().find_map(|part| layout.records.get(&part.content))
}
