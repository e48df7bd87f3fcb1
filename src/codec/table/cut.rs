//! Where the documents of a file begin and end: rows of one key are one document, or what follows a record that begins one.
//! It holds the key at hand and a number for each that came before, not the rows.

use super::line::{Line, cells, line};
use super::project::tag_of;
use super::sheet::Sheet;
use super::value::bare;
use crate::diagnostic::{Diagnostic, Fault};
use crate::standard::layout::Record;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// Keys that are remembered; a document whose key came before so many others is not told to have come again.
pub(super) const KEYS_MAX: usize = 1_000_000;

/// Cuts a file into documents.
#[derive(Debug)]
pub struct Cutter {
    sheet: Arc<Sheet>,
    /// Where the blank lines begin that end at `at`; `at` itself where there are none.
    blank: usize,
    /// The most bytes of blank lines one after the other, of the document at hand and of the one that was cut off last.
    longest: [usize; 2],
    /// How far the bytes at hand were looked at, and lines there.
    at: usize,
    lines: u64,
    /// The key of the document at hand.
    key: Option<Vec<String>>,
    has_begun: bool,
    seen: HashSet<u64>,
    faults: Vec<Diagnostic>,
}

impl Cutter {
    /// Begins behind the first line, where that names the columns.
    #[must_use]
    pub fn new(sheet: Arc<Sheet>) -> Self {
        Cutter {
            sheet,
            blank: 0,
            longest: [0; 2],
            at: 0,
            lines: 0,
            key: None,
            has_begun: false,
            seen: HashSet::new(),
            faults: Vec::new(),
        }
    }

    /// Bytes of the document that begins with `bytes`, and what is wrong with where it stands; `None` where more is to be read
    /// before its end is known. Offsets and lines of findings are those of the document.
    pub fn next(&mut self, bytes: &[u8], has_ended: bool) -> Option<(usize, Vec<Diagnostic>)> {
        let sheet = self.sheet.clone();
        let layout = sheet.layout();
        while let Some(next) = line(layout, bytes, self.at, has_ended) {
            let is_blank = next.is_blank(layout, bytes);
            if !is_blank && self.begins(&sheet, bytes, next) && self.has_begun {
                return Some(self.cut());
            }
            self.has_begun |= !is_blank;
            self.lines += 1;
            self.at = next.next;
            if !is_blank {
                self.blank = self.at;
            }
            self.longest[0] = self.longest[0].max(self.at - self.blank);
        }
        (has_ended && self.at > 0).then(|| self.cut())
    }

    fn cut(&mut self) -> (usize, Vec<Diagnostic>) {
        let length = std::mem::take(&mut self.at);
        self.blank = 0;
        self.longest = [0, self.longest[0]];
        (self.has_begun, self.key, self.lines) = (false, None, 0);
        (length, std::mem::take(&mut self.faults))
    }

    /// The most bytes of blank lines one after the other in what was gone through last.
    #[must_use]
    pub fn blanks(&self) -> usize {
        if self.at == 0 { self.longest[1] } else { self.longest[0] }
    }

    /// How many bytes are wanted before it is worth looking again: of a line whose end is to come, twice as many, so that
    /// a long one is not looked through again and again.
    #[must_use]
    pub fn wanted(&self, length: usize) -> usize {
        length + 1 + length.saturating_sub(self.at)
    }

    /// Whether a line begins a document.
    fn begins(&mut self, sheet: &Sheet, bytes: &[u8], next: Line) -> bool {
        let layout = sheet.layout();
        if next.is_too_long() {
            return false;
        }
        if layout.tag.is_some() {
            return first_record(sheet).is_some_and(|record| record.is_tagged(&tag_of(layout, next.of(bytes))));
        }
        let Some(level) = sheet.levels.first().filter(|level| !level.keys.is_empty()) else { return false };
        let Some(record) = layout.records.get(&level.key) else { return false };
        let cells = cells(layout, next.of(bytes));
        let value = |field: usize| level.columns.get(field).copied().flatten().and_then(|at| cells.get(at));
        let text = |field: usize| {
            let text = value(field).map_or("".into(), |cell| layout.charset.decode(&cell.text));
            bare(layout, &record.fields[field], &text).to_owned()
        };
        let key: Vec<String> = level.keys.iter().map(|field| text(*field)).collect();
        // A row without a key belongs to the document at hand, which is then told to be broken.
        if key.iter().all(String::is_empty) || self.key.as_ref() == Some(&key) {
            return false;
        }
        if self.has_begun && self.key.is_some() {
            return true;
        }
        if self.seen.len() < KEYS_MAX && !self.seen.insert(hash(&key)) {
            let finding = Diagnostic::new(layout.syntax, Fault::KeyAgain);
            let finding = finding.because("the rows of one key together", key.join(" "));
            self.faults.push(finding.at(next.start as u64, (next.end - next.start) as u64, self.lines));
        }
        self.key = Some(key);
        false
    }
}

/// A number for a key.
pub(super) fn hash(key: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
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
