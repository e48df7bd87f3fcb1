//! A file that its definition lays out: the line that names its columns is the header, the documents follow. Where they
//! begin and end is the cutter's (`codec::table`); JSON is one document. It judges nothing.

use super::{Found, HEADER_BYTES, Ordinals, Reader, find_header};
use crate::codec::content;
use crate::codec::segment::{Piece, PieceKind, index};
use crate::codec::table::{Cutter, Sheet, recognise};
use crate::diagnostic::Diagnostic;
use crate::tree::Charset;
use std::io::{self, Read};
use std::sync::Arc;

/// How much is looked at to tell by its first line what an input is; a line may have no more.
const TITLES_BYTES: usize = 64 * 1024;

/// A file that its definition lays out.
pub(super) struct Rows {
    pub(super) sheet: Arc<Sheet>,
    cutter: Cutter,
    next: Next,
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
        // JSON is recognised by what stands anywhere in it, and is one document.
        match first {
            Some(b'{' | b'[') => self.fill_within(usize::MAX, self.limits.markup_bytes_max)?,
            _ => self.fill(TITLES_BYTES)?,
        }
        let has_ended = self.window.has_ended();
        let Some(document) = recognise(&library, self.rest(), has_ended) else { return Ok(false) };
        let Some(sheet) = Sheet::open(&document, self.rest(), has_ended).map(Arc::new) else { return Ok(false) };
        self.separators = content::SEPARATORS;
        self.ordinals = Ordinals { interchange: 1, ..Ordinals::default() };
        self.take_bytes(sheet.header);
        self.rows = Some(Rows { cutter: Cutter::new(sheet.clone()), sheet, next: Next::Document });
        Ok(true)
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
            Next::Document if self.is_blank()? => {
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
                rows.next = if self.is_blank()? { Next::End } else { Next::Header };
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

    /// Whether nothing but blanks follows.
    fn is_blank(&mut self) -> io::Result<bool> {
        loop {
            let is_blank = self.rest().iter().all(u8::is_ascii_whitespace);
            if !is_blank || self.window.has_ended() {
                return Ok(is_blank);
            }
            self.fill(self.rest().len() + 1)?;
        }
    }

    /// Takes the next document, reading until its end is known; what is wrong with where it stands.
    fn cut(&mut self, cutter: &mut Cutter) -> io::Result<Vec<Diagnostic>> {
        let (length, found) = loop {
            let has_ended = self.window.has_ended();
            match cutter.next(self.window.bytes(), has_ended) {
                Some(cut) => break cut,
                None if has_ended => break (self.rest().len(), Vec::new()),
                None => self.fill(self.rest().len() + 1)?,
            }
        };
        self.take_bytes(length);
        let place =
            |one: Diagnostic| Diagnostic { offset: one.offset + self.offset, line: one.line + self.line, ..one };
        Ok(found.into_iter().map(place).collect())
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
