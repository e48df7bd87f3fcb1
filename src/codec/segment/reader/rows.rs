//! A file that its definition lays out: the line that names its columns is the header, the documents follow. Where they
//! begin and end is the cutter's (`codec::table`, `codec::json`). It judges nothing.

use super::{Found, HEADER_BYTES, Ordinals, Reader, find_header};
use crate::codec::segment::recognise::{Recognised, recognise};
use crate::codec::segment::{Piece, PieceKind, index, unfit_definitions};
use crate::codec::table::{LINE_BYTES_MAX, Sheet};
use crate::codec::{content, json, table};
use crate::diagnostic::{Diagnostic, Fault, Severity, Syntax};
use crate::standard::layout::Layout;
use crate::tree::Charset;
use std::io::{self, Read};
use std::sync::Arc;

/// How much is looked at to tell by its first line what an input is; more only where no line ends in it.
const TITLES_BYTES: usize = 64 * 1024;

/// A file that its definition lays out.
pub(super) struct Rows {
    pub(super) sheet: Arc<Sheet>,
    cutter: Cutter,
    next: Next,
}

/// Tells where documents begin and end.
enum Cutter {
    Rows(table::Cutter),
    Json(json::Cutter),
}

/// What of it comes next.
#[derive(Clone, Copy)]
enum Next {
    /// That of the next document, which is an interchange of its own.
    Header,
    /// A document, or the blanks behind the last one.
    Document,
    /// The end of an interchange that holds one document.
    Trailer,
    /// Nothing.
    End,
}

impl<R: Read> Reader<R> {
    /// Whether an input is laid out by a definition: its first piece is then ready.
    pub(super) fn begin_rows(&mut self) -> io::Result<bool> {
        let Some(library) = self.library.clone().filter(|_| self.offset == 0) else { return Ok(false) };
        if library.is_told().is_none() && begins_interchange(self.rest()) {
            return Ok(false);
        }
        let first = self.rest().iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xEF\xBB\xBF".contains(byte));
        let may_be_json = library.is_told().is_none_or(|told| told.syntax() == Syntax::Json);
        match first {
            Some(b'{' | b'[') if may_be_json => self.fill_document()?,
            _ => {
                self.fill(TITLES_BYTES)?;
                // Blank lines may stand before it.
                let is_line = |byte: &u8| !byte.is_ascii_whitespace();
                let begin = self.rest().iter().position(is_line).unwrap_or(0);
                if !self.rest()[begin..].contains(&b'\n') {
                    self.fill(begin + LINE_BYTES_MAX + TITLES_BYTES)?;
                }
            }
        }
        let has_ended = self.window.has_ended();
        let document = match recognise(&library, self.rest(), has_ended) {
            Recognised::As(document) => document,
            Recognised::No => return Ok(false),
            Recognised::Several(names) => {
                let finding = Diagnostic::new(Syntax::Document, Fault::FormatUnknown);
                let finding =
                    finding.because("one definition that it fits best", format!("{} alike", names.join(", ")));
                self.ambiguous = Some(finding);
                return Ok(false);
            }
        };
        let Some(mut sheet) = Sheet::open(&document, self.rest(), has_ended) else { return Ok(false) };
        if library.is_told().is_none() {
            // A definition that cannot be read may be the one that is meant: it spoils nothing, and is told.
            let unfit = unfit_definitions(&library);
            sheet.faults.extend(unfit.map(|finding| Diagnostic { severity: Severity::Warning, ..finding }));
        }
        let sheet = Arc::new(sheet);
        self.separators = content::SEPARATORS;
        self.ordinals = Ordinals { interchange: 1, ..Ordinals::default() };
        self.take_bytes(sheet.header);
        let cutter = match sheet.layout().syntax {
            Syntax::Json => Cutter::Json(json::Cutter::default()),
            _ => Cutter::Rows(table::Cutter::new(sheet.clone())),
        };
        self.rows = Some(Rows { cutter, sheet, next: Next::Document });
        Ok(true)
    }

    /// Reads until the first document of JSON is at hand, which is recognised by what stands anywhere in it.
    fn fill_document(&mut self) -> io::Result<()> {
        let mut cutter = json::Cutter::default();
        loop {
            let has_ended = self.window.has_ended();
            if cutter.next(self.rest(), has_ended).is_some() || has_ended {
                return Ok(());
            }
            self.fill_within(self.rest().len() + 1, self.limits.markup_bytes_max)?;
        }
    }

    /// The first piece of such an input: the line that names the columns, where there is one.
    pub(super) fn rows_header(&self, sheet: &Sheet) -> Piece<'_> {
        self.piece(PieceKind::InterchangeHeader, sheet.layout().syntax, Charset::Utf8, sheet.faults.clone())
    }

    /// The next one.
    pub(super) fn rows(&mut self, mut rows: Rows) -> io::Result<Option<Piece<'_>>> {
        let (syntax, mut faults) = (rows.sheet.layout().syntax, Vec::new());
        let kind = match rows.next {
            Next::Header => {
                self.ordinals = Ordinals { interchange: self.ordinals.interchange + 1, ..Ordinals::default() };
                rows.next = Next::Document;
                PieceKind::InterchangeHeader
            }
            Next::Document if self.is_blank(rows.sheet.layout())? => {
                rows.next = Next::End;
                self.take_bytes(self.rest().len());
                PieceKind::InterchangeTrailer
            }
            Next::Document => {
                faults = self.cut(&mut rows.cutter)?;
                if rows.sheet.layout().is_alone {
                    rows.next = Next::Trailer;
                }
                PieceKind::Document
            }
            Next::Trailer => {
                rows.next = if self.is_blank(rows.sheet.layout())? { Next::End } else { Next::Header };
                if matches!(rows.next, Next::End) {
                    self.take_bytes(self.rest().len());
                }
                PieceKind::InterchangeTrailer
            }
            Next::End => {
                self.rows = Some(rows);
                return Ok(None);
            }
        };
        self.count(kind);
        self.rows = Some(rows);
        Ok(Some(self.piece(kind, syntax, Charset::Utf8, faults)))
    }

    /// Whether nothing follows but blanks and, in a table, rows that say nothing.
    fn is_blank(&mut self, layout: &Layout) -> io::Result<bool> {
        let mut looked = 0;
        loop {
            if !self.rest()[looked..].iter().all(|byte| layout.is_idle(*byte)) {
                return Ok(false);
            }
            self.hold_blanks(self.rest().len())?;
            if self.window.has_ended() {
                return Ok(table::says_nothing(layout, self.rest()));
            }
            looked = self.rest().len();
            self.fill(looked + 1)?;
        }
    }

    /// Takes the next document, reading until its end is known; what is wrong with where it stands.
    fn cut(&mut self, cutter: &mut Cutter) -> io::Result<Vec<Diagnostic>> {
        let (length, found) = loop {
            let has_ended = self.window.has_ended();
            let length = self.rest().len();
            let (found, wanted, limit) = match cutter {
                Cutter::Rows(rows) => {
                    let found = rows.next(self.window.bytes(), has_ended);
                    self.hold_blanks(rows.blanks())?;
                    (found, rows.wanted(length), self.limits.document_bytes_max)
                }
                Cutter::Json(json) => {
                    let found = json.next(self.window.bytes(), has_ended).map(|length| (length, Vec::new()));
                    (found, length + 1, self.limits.markup_bytes_max)
                }
            };
            match found {
                Some(cut) => break cut,
                None if has_ended => break (length, Vec::new()),
                None => self.fill_within(wanted, limit)?,
            }
        };
        self.take_bytes(length);
        let place =
            |one: Diagnostic| Diagnostic { offset: one.offset + self.offset, line: one.line + self.line, ..one };
        Ok(found.into_iter().map(place).collect())
    }

    /// Whether so many blanks one after the other are held.
    fn hold_blanks(&self, length: usize) -> io::Result<()> {
        let limit = self.limits.blank_bytes_max;
        if length <= limit {
            return Ok(());
        }
        let place = self.offset;
        let said = format!("more than {limit} bytes of blank lines behind byte {place}; take them out of the file");
        Err(io::Error::new(io::ErrorKind::InvalidData, said))
    }

    fn take_bytes(&mut self, length: usize) {
        (self.taken, self.lines) = (length, index::breaks(&self.rest()[..length]));
    }
}

/// Whether an input begins with an interchange of X12 or EDIFACT.
fn begins_interchange(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace() && !b"\xEF\xBB\xBF".contains(byte));
    start.is_some_and(|at| {
        let head = &bytes[..bytes.len().min(at + HEADER_BYTES)];
        matches!(find_header(head, at, true), Found::At(found) if found == at)
    })
}
