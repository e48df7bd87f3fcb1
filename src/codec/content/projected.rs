//! A document laid out as segments: what its format read are rows in loops, and each value knows where in the input it
//! stands. It checks nothing; findings about its segments are told by path and by place in the input.

use super::SEPARATORS;
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax};
use crate::standard::content::Markup;
use crate::standard::definition::Area;
use crate::standard::place::Placement;
use crate::tree::{Charset, Index, Run, SegmentMark};
use std::collections::HashMap;

/// A document as segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projected {
    syntax: Syntax,
    bytes: Vec<u8>,
    index: Index,
    /// Where each segment, and each value, came from; values by segment, element and component.
    spans: Vec<Span>,
    cells: Vec<(u32, u16, u16, Span)>,
    /// How places are printed: the path of each segment.
    paths: Vec<String>,
}

/// A stretch of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// Line, from 1.
    pub line: u64,
}

impl Projected {
    /// The document as a run of segments.
    #[must_use]
    pub fn run(&self) -> Run<'_> {
        Run {
            bytes: &self.bytes,
            offset: 0,
            line: 1,
            separators: &SEPARATORS,
            charset: Charset::Utf8,
            index: &self.index,
        }
    }

    /// Path, offset, length and line of the element that a segment is; empty where there is none.
    #[must_use]
    pub fn origin(&self, segment: usize) -> (&str, u64, u64, u64) {
        let span = self.spans.get(segment).copied().unwrap_or_default();
        (self.paths.get(segment).map_or("", String::as_str), span.offset, span.length, span.line)
    }

    /// Says of a finding where in the input it is, and prints its place as a path.
    pub fn locate(&self, markup: &Markup, finding: &mut Diagnostic) {
        let Position { segment, element, component, .. } = finding.position;
        let Some(row) = (segment as usize).checked_sub(1).filter(|row| *row < self.spans.len()) else { return };
        finding.syntax = self.syntax;
        let component = component.max(1);
        let key = |cell: &(u32, u16, u16, Span)| (cell.0, cell.1, cell.2);
        let cell = self.cells.binary_search_by_key(&(row as u32, element, component), key);
        let span = cell.map_or(self.spans[row], |at| self.cells[at].3);
        (finding.offset, finding.length, finding.line) = (span.offset, span.length, span.line);
        let steps: Vec<String> = self.paths[row].split('/').skip(1).map(str::to_owned).collect();
        let part = if element == 0 { String::new() } else { markup.place(&steps, element, component) };
        finding.place = match steps.first() {
            Some(_) if part.is_empty() || part == "." => self.paths[row].clone(),
            Some(root) => format!("/{root}/{part}"),
            None => part,
        };
    }
}

/// The name of a step without its number.
#[must_use]
pub fn without_number(step: &str) -> &str {
    step.split_once('[').map_or(step, |(name, _)| name)
}

/// A segment being made.
pub struct Row<'d> {
    /// Its name.
    pub tag: &'d str,
    /// The loop that it stands in.
    pub home: usize,
    /// Where it stands.
    pub span: Span,
    /// How it is printed.
    pub path: String,
    /// What it holds.
    pub values: Vec<Cell>,
}

/// A value of it.
pub struct Cell {
    /// Its element.
    pub element: u16,
    /// Its component.
    pub component: u16,
    /// What it says.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// Rows being laid out, with the loops that they stand in.
pub struct Laying<'d> {
    syntax: Syntax,
    /// The rows so far.
    pub rows: Vec<Row<'d>>,
    /// Loops: the one around each, and its path.
    loops: Vec<(usize, usize)>,
    paths: Vec<String>,
    known_paths: HashMap<String, usize>,
}

impl<'d> Laying<'d> {
    /// Nothing but the document itself, which is loop 0.
    #[must_use]
    pub fn new(syntax: Syntax) -> Self {
        let (loops, paths) = (vec![(0, 0)], vec![String::new()]);
        Laying { syntax, rows: Vec::new(), loops, paths, known_paths: HashMap::new() }
    }

    /// Begins a loop inside another.
    pub fn open(&mut self, around: usize, name: &str) -> usize {
        let outer = &self.paths[self.loops[around].1];
        let path = if outer.is_empty() { name.to_owned() } else { format!("{outer}/{name}") };
        let next = self.paths.len();
        let number = *self.known_paths.entry(path.clone()).or_insert(next);
        if number == next {
            self.paths.push(path);
        }
        self.loops.push((around, number));
        self.loops.len() - 1
    }

    /// Writes the rows as segments, and gives the findings on. Rows that would end beyond what an index can tell are left
    /// out, which is told as `too_big`.
    #[must_use]
    pub fn end(self, too_big: Fault, mut faults: Vec<Diagnostic>) -> (Projected, Placement, Vec<Diagnostic>) {
        let mut made = Projected {
            syntax: self.syntax,
            bytes: Vec::new(),
            index: Index { terminated: true, ..Index::default() },
            spans: Vec::with_capacity(self.rows.len()),
            cells: Vec::new(),
            paths: Vec::with_capacity(self.rows.len()),
        };
        let mut homes = Vec::with_capacity(self.rows.len());
        for (number, mut row) in (0..).zip(self.rows) {
            homes.push(Some((Area::Heading, row.home)));
            // What came first counts where two have one place.
            row.values.sort_by_key(|cell| (cell.element, cell.component));
            row.values.dedup_by_key(|cell| (cell.element, cell.component));
            let span = row.span;
            if made.segment(number, row).is_none() {
                homes.pop();
                let finding = Diagnostic::new(self.syntax, too_big).at(span.offset, span.length, span.line);
                faults.push(finding.because("values of at most 4 GiB", "more"));
                break;
            }
        }
        let loops = self.loops.into_iter().map(|(parent, path)| (Area::Heading, parent, path)).collect();
        (made, Placement::of(loops, homes, self.paths), faults)
    }
}

impl Projected {
    /// Writes a row as a segment; none, and nothing written, where it would end beyond what an index can tell.
    fn segment(&mut self, number: u32, row: Row<'_>) -> Option<()> {
        let told =
            |made: &Self| Some([u32::try_from(made.bytes.len()).ok()?, u32::try_from(made.index.marks.len()).ok()?]);
        let ([start, first], cells) = (told(self)?, self.cells.len());
        self.bytes.extend_from_slice(row.tag.as_bytes());
        let (mut element, mut component, mut is_flat) = (0, 1, true);
        for cell in row.values {
            while element < cell.element {
                self.separate(SEPARATORS.element);
                (element, component) = (element + 1, 1);
            }
            while component < cell.component {
                self.separate(SEPARATORS.component);
                (component, is_flat) = (component + 1, false);
            }
            self.bytes.extend_from_slice(cell.text.as_bytes());
            self.cells.push((number, cell.element, cell.component, cell.span));
        }
        let Some([end, last]) = told(self) else {
            self.bytes.truncate(start as usize);
            self.index.marks.truncate(first as usize);
            self.cells.truncate(cells);
            return None;
        };
        let is_printable = |byte: &u8| matches!(byte, 0x1D | 0x1F | b' '..=b'~');
        let is_plain = self.bytes[start as usize..].iter().all(is_printable);
        self.bytes.push(SEPARATORS.segment);
        let line = row.span.line as u32;
        self.index.segments.push(SegmentMark { start, end, first, last, line, is_plain, is_flat });
        self.spans.push(row.span);
        self.paths.push(row.path);
        Some(())
    }

    fn separate(&mut self, separator: u8) {
        self.index.marks.push(self.bytes.len() as u32);
        self.bytes.push(separator);
    }
}
