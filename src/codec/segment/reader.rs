//! Reads an input of X12 and EDIFACT interchanges, an XML document, or a file laid out by its definition, piece by piece, in
//! memory bounded by the largest document.
//!
//! Tolerant: blanks and junk around interchanges, separators that change from one interchange to the next, missing
//! trailers and cut ends are all handed out as pieces, with diagnostics where the reader alone can see the fault.
//! Counts and control numbers are `EnvelopeCheck`'s; order and content are `standard`'s.
//!
//! Not supported: interactive EDIFACT (UIB…UIZ), seen as INTERCHANGE-UNSUPPORTED.

mod role;
mod rows;

use super::index::{self, Kinds, Stop};
use super::{Piece, PieceKind};
use crate::codec::xml::Start;
use crate::codec::{content, edifact, x12, xml};
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax};
use crate::standard::load::Library;
use crate::tree::{Charset, Index, Run, Separators};
use crate::window::Window;
use role::{Role, SPECIAL, is_special, role_of};
use rows::Rows;
use std::borrow::Cow;
use std::io::{self, Read};

/// What a reader refuses to go beyond.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one document, and so of the window; refuses, never truncates.
    pub document_bytes_max: usize,
    /// Bytes of one segment; a longer one is a wrong terminator rather than a segment.
    pub segment_bytes_max: usize,
    /// Bytes of an XML document; refuses, as it is held whole.
    pub markup_bytes_max: usize,
    /// Bytes of blanks, and of rows that say nothing, one after the other in a file that its definition lays out. A spreadsheet
    /// may leave a million rows behind its last one.
    pub blank_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            document_bytes_max: 1 << 30,
            segment_bytes_max: 1 << 20,
            markup_bytes_max: xml::XML_BYTES_MAX,
            blank_bytes_max: 128 << 20,
        }
    }
}

/// How much without any interchange is kept before it is handed out.
const JUNK_BYTES: usize = 256 * 1024;

/// Bytes of an interchange's header, the UNA before it not counted; ISA is 106, UNB some 300 at most. A longer one is a wrong
/// terminator or no header, and is cut there. Less than what is looked at for wrapped lines, so it is at hand by then.
const INTERCHANGE_HEADER_BYTES_MAX: usize = 4 * 1024;
/// How much of an interchange is looked at to tell whether its lines are wrapped.
const WRAP_BYTES: usize = 8 * 1024;
/// Lines of a wrapped interchange are at least this long; shorter ones are meant.
const WRAP_COLUMNS_MIN: usize = 72;
/// The usual length; one full line of it is enough to tell.
const WRAP_COLUMNS_USUAL: usize = 80;

/// The largest lead of an interchange that is looked at to tell its separators: ISA is 106 bytes, UNB under 300.
const HEADER_BYTES: usize = 512;

/// What an interchange's header says about reading the rest.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Whose syntax.
    pub syntax: Syntax,
    /// Its separators.
    pub separators: Separators,
    /// Declared character set; `None` when the envelope declares none.
    pub charset: Option<Charset>,
    /// Bytes before the header segment that belong to it (the UNA).
    pub advice: usize,
    /// Lines are wrapped to one length wherever it fell.
    pub wrapped: bool,
    /// What is wrong with the header.
    pub faults: Vec<Diagnostic>,
}

/// A lending iterator over the pieces of an input.
pub struct Reader<R> {
    window: Window<R>,
    limits: Limits,
    /// How much of the window is handed out.
    taken: usize,
    /// Line feeds in what is taken.
    lines: u32,
    offset: u64,
    line: u64,
    opening: Option<Opening>,
    markup: Option<Markup>,
    /// Definitions that say how files are laid out.
    library: Option<Library>,
    rows: Option<Rows>,
    /// The input fits several definitions alike.
    ambiguous: Option<Diagnostic>,
    /// The character set that an XML input declares.
    declared: Charset,
    separators: Separators,
    index: Index,
    ordinals: Ordinals,
}

/// What of an XML input comes next.
#[derive(Debug, Clone, Copy)]
enum Markup {
    /// The root element, so many bytes.
    Document(usize),
    /// The blanks behind it.
    Trailer,
    /// Nothing.
    End,
}

#[derive(Debug, Default, Clone, Copy)]
struct Ordinals {
    interchange: u32,
    group: u32,
    document: u32,
}

impl<R: Read> Reader<R> {
    /// Reads from `source`.
    pub fn new(source: R, limits: Limits) -> Self {
        Reader {
            window: Window::new(source),
            limits,
            taken: 0,
            lines: 0,
            offset: 0,
            line: 1,
            opening: None,
            markup: None,
            library: None,
            rows: None,
            ambiguous: None,
            declared: Charset::Utf8,
            separators: Separators::X12,
            index: Index::default(),
            ordinals: Ordinals::default(),
        }
    }

    /// Reads files of those layouts too that the library has definitions of.
    #[must_use]
    pub fn knowing(mut self, library: &Library) -> Self {
        self.library = Some(library.clone());
        self
    }

    /// What it reads from.
    pub fn source_mut(&mut self) -> &mut R {
        self.window.source_mut()
    }

    /// Gives the index of the piece handed out last away, for the memory of another.
    pub(super) fn exchange(&mut self, index: &mut Index) {
        // What the whole interchange has in common stays.
        index.wrapped = self.index.wrapped;
        std::mem::swap(&mut self.index, index);
    }

    /// The next piece, or `None` at the end of the input.
    ///
    /// # Errors
    /// What the source says; and `InvalidData` when one document is larger than the limit.
    #[allow(clippy::should_implement_trait)] // it lends: an Iterator cannot
    pub fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.advance();
        if let Some(next) = self.markup {
            return Ok(self.markup(next));
        }
        if let Some(rows) = self.rows.take() {
            return self.rows(rows);
        }
        self.fill(1)?;
        if self.rest().is_empty() {
            return Ok(None);
        }
        match self.opening.take() {
            None => self.outside(),
            Some(opening) => self.inside(opening),
        }
    }

    fn rest(&self) -> &[u8] {
        self.window.bytes()
    }

    /// Drops the piece handed out last.
    fn advance(&mut self) {
        self.line += u64::from(self.lines);
        self.offset += self.taken as u64;
        self.window.skip(self.taken);
        (self.taken, self.lines) = (0, 0);
    }

    /// Reads until the rest has `want` bytes or the input ends.
    fn fill(&mut self, want: usize) -> io::Result<()> {
        self.fill_within(want, self.limits.document_bytes_max)
    }

    fn fill_within(&mut self, want: usize, limit: usize) -> io::Result<()> {
        while !self.window.has_ended() && self.rest().len() < want {
            if self.rest().len() > limit {
                let place = self.offset;
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the document at byte {place} is larger than the limit of {limit} bytes"),
                ));
            }
            self.window.read_on()?;
        }
        Ok(())
    }

    /// The next part of an XML input.
    fn markup(&mut self, next: Markup) -> Option<Piece<'_>> {
        let (kind, length, behind) = match next {
            Markup::Document(length) => (PieceKind::Document, length, Markup::Trailer),
            Markup::Trailer => (PieceKind::InterchangeTrailer, self.rest().len(), Markup::End),
            Markup::End => return None,
        };
        self.markup = Some(behind);
        self.count(kind);
        (self.taken, self.lines) = (length, index::breaks(&self.rest()[..length]));
        Some(self.piece(kind, Syntax::Xml, self.declared, Vec::new()))
    }

    /// An input that begins as XML does is one document: what stands before its root element is the header.
    fn begin_markup(&mut self) -> io::Result<bool> {
        if self.offset > 0 {
            return Ok(false);
        }
        let start = loop {
            match xml::start(self.rest(), self.window.has_ended()) {
                Start::At(start) => break start,
                Start::Unfinished if self.rest().len() <= xml::PROLOG_BYTES_MAX => {
                    self.fill(2 * self.rest().len() + 1)?
                }
                Start::Unfinished | Start::No => return Ok(false),
            }
        };
        self.fill_within(usize::MAX, self.limits.markup_bytes_max.min(self.limits.document_bytes_max))?;
        let end = self.rest().iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(start, |last| last + 1);
        self.declared = xml::declared(&self.rest()[..start]).unwrap_or(Charset::Utf8);
        self.ordinals = Ordinals { interchange: 1, ..Ordinals::default() };
        (self.separators, self.markup) = (content::SEPARATORS, Some(Markup::Document(end - start)));
        (self.taken, self.lines) = (start, index::breaks(&self.rest()[..start]));
        Ok(true)
    }

    /// Outside any interchange: the header of the next one, or the bytes before it.
    fn outside(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.fill(HEADER_BYTES)?;
        let is_told = self.library.as_ref().is_some_and(|library| library.is_told().is_some());
        if is_told
            && self.begin_rows()?
            && let Some(rows) = &self.rows
        {
            return Ok(Some(self.rows_header(&rows.sheet)));
        }
        if self.begin_markup()? {
            let prolog = &self.rest()[..self.taken];
            let fault = xml::entities(prolog).map(|at| {
                let line = self.line + u64::from(index::breaks(&prolog[..at]));
                let fault =
                    Diagnostic::new(Syntax::Xml, Fault::MarkupEntity).because("no declaration of entities", "<!ENTITY");
                fault.at(self.offset + at as u64, 8, line)
            });
            let faults = fault.into_iter().collect();
            return Ok(Some(self.piece(PieceKind::InterchangeHeader, Syntax::Xml, self.declared, faults)));
        }
        if self.begin_rows()?
            && let Some(rows) = &self.rows
        {
            return Ok(Some(self.rows_header(&rows.sheet)));
        }
        let mut from = 0;
        let start = loop {
            self.fill(from + HEADER_BYTES)?;
            let rest = self.rest();
            match find_header(rest, from, self.window.has_ended()) {
                Found::At(at) => break at,
                Found::None if self.window.has_ended() => break rest.len(),
                // Junk may be long: hand out what is surely junk and keep memory flat.
                Found::None if rest.len() > JUNK_BYTES => break rest.len() - HEADER_BYTES,
                Found::None => from = rest.len().saturating_sub(4),
            }
        };
        if start > 0 {
            return Ok(Some(self.between(start)));
        }
        self.fill(WRAP_BYTES)?;
        let rest = self.rest();
        let (offset, line) = (self.offset, self.line);
        let mut opening = if rest.starts_with(b"U") || rest.starts_with(b"u") {
            edifact::open(&rest[..rest.len().min(HEADER_BYTES)], offset, line)
        } else {
            x12::open(&rest[..rest.len().min(HEADER_BYTES)], offset, line)
        };
        opening.wrapped = is_wrapped(&rest[..rest.len().min(WRAP_BYTES)], opening.separators.segment);
        if opening.wrapped {
            // The line ends inside ISA are not its fault.
            opening.faults.retain(|fault| fault.fault != Fault::InterchangeHeaderLength);
            let found = Diagnostic::new(opening.syntax, Fault::LineEndings).at(offset, 0, line);
            opening.faults.push(found.because("one line a segment, or none", "lines cut at one length"));
        }
        self.header(opening)
    }

    /// The header segment, with the UNA before it as its lead.
    fn header(&mut self, mut opening: Opening) -> io::Result<Option<Piece<'_>>> {
        self.separators = opening.separators;
        self.index.clear();
        self.index.wrapped = opening.wrapped;
        let Reader { window, index, .. } = self;
        let bytes = window.bytes();
        let held = &bytes[..bytes.len().min(opening.advice + INTERCHANGE_HEADER_BYTES_MAX)];
        if self.ordinals.interchange == 0 {
            index.make_room(bytes.len());
        }
        let kinds = Kinds::new(&opening.separators);
        let Some((end, line)) = index::segment(held, opening.advice, 0, &kinds, index) else {
            // A UNA and nothing after it: no interchange.
            let length = held.len();
            return Ok(Some(self.between(length)));
        };
        let (end, is_cut) = (end.min(held.len()), !index.terminated && held.len() < bytes.len());
        self.ordinals = Ordinals { interchange: self.ordinals.interchange + 1, ..Ordinals::default() };
        if opening.syntax == Syntax::X12 {
            // In ISA only the element separator separates: ISA11 and ISA16 hold the other two as data.
            let Reader { window, index, separators, .. } = self;
            let bytes = window.bytes();
            index.marks.retain(|&mark| bytes[mark as usize] == separators.element);
            if let Some(segment) = index.segments.first_mut() {
                segment.last = index.marks.len() as u32;
            }
        }
        let advice = index::breaks(&self.rest()[..opening.advice]);
        (self.taken, self.lines) = (end, line + advice);
        let mut faults = std::mem::take(&mut opening.faults);
        let charset = self.charset(&opening, &mut faults);
        let syntax = opening.syntax;
        if is_cut {
            faults.push(self.endless_header(&opening));
        } else {
            self.opening = Some(opening);
        }
        Ok(Some(self.piece(PieceKind::InterchangeHeader, syntax, charset, faults)))
    }

    /// That a header goes on beyond all measure. What follows it is looked through for another interchange.
    fn endless_header(&self, opening: &Opening) -> Diagnostic {
        let terminator = opening.separators.segment.escape_ascii();
        let expected = format!("the terminator {terminator} within {INTERCHANGE_HEADER_BYTES_MAX} bytes");
        Diagnostic::new(opening.syntax, Fault::InterchangeHeader)
            .because(expected, "none there: another character ends the segments, or this is no header")
            .at(self.offset, self.taken as u64, self.line)
    }

    /// A piece of bytes that belong to no interchange.
    fn between(&mut self, length: usize) -> Piece<'_> {
        self.index.clear();
        let bytes = &self.window.bytes()[..length];
        (self.taken, self.lines) = (length, index::breaks(bytes));
        let blank = bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) || bytes == b"\xEF\xBB\xBF";
        let faults = if blank {
            Vec::new()
        } else if let Some(finding) = self.ambiguous.take() {
            vec![finding.at(self.offset, length as u64, self.line)]
        } else {
            let found = bytes[..bytes.len().min(80)].escape_ascii().to_string();
            let junk =
                Diagnostic::new(Syntax::Document, Fault::Junk).because("an interchange (ISA, UNA or UNB)", found);
            vec![junk.at(self.offset, length as u64, self.line)]
        };
        self.piece(PieceKind::Between, Syntax::Document, Charset::Latin1, faults)
    }

    fn piece(&self, kind: PieceKind, syntax: Syntax, charset: Charset, faults: Vec<Diagnostic>) -> Piece<'_> {
        let run = Run {
            bytes: &self.window.bytes()[..self.taken],
            offset: self.offset,
            line: self.line,
            separators: &self.separators,
            charset,
            index: &self.index,
        };
        let Ordinals { interchange, group, document } = self.ordinals;
        let (group, document) = match kind {
            PieceKind::Between | PieceKind::InterchangeHeader | PieceKind::InterchangeTrailer => (0, 0),
            PieceKind::GroupHeader | PieceKind::GroupTrailer | PieceKind::Loose => (group, 0),
            PieceKind::Document => (group, document),
        };
        let sheet = self.rows.as_ref().filter(|_| kind != PieceKind::Between).map(|rows| rows.sheet.clone());
        Piece { kind, syntax, interchange, group, document, run, left_out: &[], sheet, faults }
    }

    /// Inside an interchange: collects the segments of one piece.
    fn inside(&mut self, opening: Opening) -> io::Result<Option<Piece<'_>>> {
        let kinds = Kinds::new(&opening.separators);
        self.index.clear();
        let (mut at, mut line) = (0, 0);
        let mut kind = None;
        while let Some(next) = self.segment(&opening, &kinds, at, line)? {
            let role = role_of(opening.syntax, &self.last_tag());
            let begun = kind.is_some();
            kind = match (kind, role) {
                (None, Role::InterchangeHeader) => return self.next_interchange(),
                (None, role) => Some(role.begins()),
                (Some(PieceKind::Document), Role::DocumentTrailer) | (Some(_), Role::Inner) => kind,
                (Some(_), _) => {
                    self.index.drop_last();
                    break;
                }
            };
            (at, line) = next;
            let collects = matches!(kind, Some(PieceKind::Document | PieceKind::Loose));
            if !collects || (begun && role == Role::DocumentTrailer) {
                break;
            }
            (at, line) = self.inner(&opening, &kinds, at, line);
        }
        let Some(kind) = kind else {
            let length = self.rest().len();
            return Ok(Some(self.between(length)));
        };
        (self.taken, self.lines) = (at.min(self.rest().len()), line);
        self.count(kind);
        if kind == PieceKind::InterchangeTrailer {
            self.take_line_end()?;
        }
        let mut faults = Vec::new();
        let charset = self.charset(&opening, &mut faults);
        self.odd_segments(&opening, &mut faults);
        let syntax = opening.syntax;
        if kind != PieceKind::InterchangeTrailer {
            self.opening = Some(opening);
        }
        Ok(Some(self.piece(kind, syntax, charset, faults)))
    }

    /// A new interchange begins though the old one has not ended.
    fn next_interchange(&mut self) -> io::Result<Option<Piece<'_>>> {
        let lead = self.index.segments.first().map_or(0, |segment| segment.start as usize);
        self.index.clear();
        if lead > 0 { Ok(Some(self.between(lead))) } else { self.outside() }
    }

    /// Indexes segments of the window at one go, as long as they are whole and none is of the envelope or binary. Returns
    /// where the next begins and its line.
    fn inner(&mut self, opening: &Opening, kinds: &Kinds, at: usize, line: u32) -> (usize, u32) {
        if opening.wrapped {
            return (at, line); // A line end may stand in a tag.
        }
        let Reader { window, index, .. } = self;
        let (rest, before) = (window.bytes(), index.segments.len());
        let is_special = |tag: &[u8]| is_special(opening.syntax, tag);
        let stop = Stop { may_begin: &SPECIAL, is_tag: &is_special };
        let Some(next) = index::segments(rest, (at, line), kinds, index, &stop) else { return (at, line) };
        let Some(&last) = index.segments.last() else { return next };
        let tag_end = index.marks.get(last.first as usize).map_or(last.end, |&mark| mark);
        if index.terminated && !is_special(&rest[last.start as usize..tag_end as usize]) {
            return next;
        }
        // It is given back, with the line ends before it.
        index.drop_last();
        match index.segments.get(before..).and_then(<[_]>::last) {
            Some(inner) => {
                let end = inner.end as usize + 1;
                (end, last.line - index::breaks(&rest[end..last.start as usize]))
            }
            None => (at, line),
        }
    }

    /// Indexes the next segment, reading on until its terminator is in the window.
    fn segment(&mut self, opening: &Opening, kinds: &Kinds, at: usize, line: u32) -> io::Result<Option<(usize, u32)>> {
        loop {
            let Reader { window, index, .. } = self;
            let rest = window.bytes();
            let found = index::segment(rest, at, line, kinds, index);
            let binary = match (&found, opening.syntax) {
                (Some(_), Syntax::X12) => x12::binary_end(rest, index, &opening.separators),
                _ => None,
            };
            let want = binary.unwrap_or(0) + 1;
            if window.has_ended() || (found.is_some() && index.terminated && want <= rest.len()) {
                return Ok(binary.map_or(found, |data_end| Some(self.close_binary(data_end, line, kinds))));
            }
            if found.is_some() {
                index.drop_last();
            }
            // A segment that goes on is looked at again from its beginning: each time twice as much of it is there.
            let have = rest.len();
            self.fill(want.max(have + (have - at.min(have)).max(1)))?;
        }
    }

    /// Ends a binary segment at the first terminator after its data. Returns where the next begins and its line.
    fn close_binary(&mut self, data_end: usize, line: u32, kinds: &Kinds) -> (usize, u32) {
        let Reader { window, index, .. } = self;
        let rest = window.bytes();
        let end = index::terminator(rest, data_end.min(rest.len()), kinds);
        index.terminated = end < rest.len();
        let Some(segment) = index.segments.last_mut() else { return (end + 1, line) };
        let passed = index::breaks(&rest[segment.start as usize..(end + 1).min(rest.len())]);
        (segment.end, segment.is_plain) = (end as u32, false);
        (end + 1, segment.line + passed)
    }

    fn last_tag(&self) -> Cow<'_, [u8]> {
        let Some(segment) = self.index.segments.last() else { return Cow::Borrowed(b"") };
        let marks = &self.index.marks[segment.first as usize..segment.last as usize];
        let end = marks.first().copied().unwrap_or(segment.end);
        let tag = &self.rest()[segment.start as usize..end as usize];
        if self.index.wrapped && tag.contains(&b'\n') {
            return Cow::Owned(tag.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect());
        }
        Cow::Borrowed(tag)
    }

    fn count(&mut self, kind: PieceKind) {
        match kind {
            PieceKind::GroupHeader => {
                self.ordinals.group += 1;
                self.ordinals.document = 0;
            }
            PieceKind::Document => self.ordinals.document += 1,
            _ => {}
        }
    }

    /// One line end after the interchange trailer belongs to it.
    fn take_line_end(&mut self) -> io::Result<()> {
        for wanted in [b'\r', b'\n'] {
            self.fill(self.taken + 1)?;
            if self.rest().get(self.taken) == Some(&wanted) {
                self.taken += 1;
                self.lines += u32::from(wanted == b'\n');
            }
        }
        Ok(())
    }

    /// The character set this piece is read in: the declared one, unless the bytes are plainly UTF-8.
    fn charset(&self, opening: &Opening, faults: &mut Vec<Diagnostic>) -> Charset {
        let bytes = &self.window.bytes()[..self.taken];
        let declared = opening.charset.unwrap_or(Charset::Utf8);
        if bytes.is_ascii() {
            return declared;
        }
        match (declared, std::str::from_utf8(bytes).is_ok()) {
            (Charset::Utf8, true) => Charset::Utf8,
            (Charset::Utf8, false) => {
                faults.push(self.charset_fault(opening.syntax, declared, Charset::Latin1));
                Charset::Latin1
            }
            (other, true) => {
                faults.push(self.charset_fault(opening.syntax, other, Charset::Utf8));
                Charset::Utf8
            }
            (other, false) => other,
        }
    }

    /// Segments over the limit, and the first with a line end inside that no wrapping explains.
    fn odd_segments(&self, opening: &Opening, faults: &mut Vec<Diagnostic>) {
        let bytes = &self.window.bytes()[..self.taken];
        let mut broken = opening.wrapped;
        let may_be_big = bytes.len() > self.limits.segment_bytes_max;
        for (ordinal, mark) in self.index.segments.iter().enumerate() {
            if mark.is_plain && !may_be_big {
                continue;
            }
            let is_big = (mark.end - mark.start) as usize > self.limits.segment_bytes_max;
            let raw = bytes.get(mark.start as usize..mark.end as usize).unwrap_or_default();
            let is_broken = !broken && raw.contains(&b'\n') && !raw.starts_with(b"BIN") && !raw.starts_with(b"BDS");
            if !is_broken && !is_big {
                continue;
            }
            broken |= is_broken;
            let tag: String = raw.iter().take(3).map(|&byte| char::from(byte)).collect();
            let segment = u32::try_from(ordinal + 1).unwrap_or(u32::MAX);
            let finding = |fault: Fault| {
                Diagnostic::new(opening.syntax, fault)
                    .place(tag.clone(), tag.clone(), Position { segment, ..Position::default() })
                    .at(self.offset + u64::from(mark.start), raw.len() as u64, self.line + u64::from(mark.line))
            };
            if is_broken {
                let expected = "line ends after the terminator only";
                faults.push(finding(Fault::LineEndings).because(expected, "a line end inside, read as data"));
            }
            if is_big {
                let expected = format!("at most {} bytes", self.limits.segment_bytes_max);
                faults.push(finding(Fault::SegmentTooBig).because(expected, raw.len().to_string()));
            }
        }
    }

    fn charset_fault(&self, syntax: Syntax, declared: Charset, read: Charset) -> Diagnostic {
        let bytes = &self.window.bytes()[..self.taken];
        let at = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
        let found = format!("bytes of {}, read as such", read.name());
        Diagnostic::new(syntax, Fault::CharacterEncoding).because(declared.name(), found).at(
            self.offset + at as u64,
            1,
            self.line + u64::from(index::breaks(&bytes[..at])),
        )
    }
}

/// Whether an interchange was wrapped: all full lines have one length of 72 or more, and not each ends a segment.
fn is_wrapped(bytes: &[u8], terminator: u8) -> bool {
    // Most have short lines, or none.
    let first = bytes.iter().take(WRAP_COLUMNS_MIN).position(|&byte| byte == b'\n');
    if matches!(terminator, b'\r' | b'\n') || first.is_some() || !bytes.contains(&b'\n') {
        return false;
    }
    let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    lines.pop(); // it may be cut, or the last of the interchange
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    let Some(columns) = lines.first().map(|line| line.len()) else { return false };
    let full = lines.iter().take_while(|line| line.len() == columns).count();
    // Shorter lines may only follow the interchange's own last line.
    let rest_is_short = lines[full..].iter().all(|line| line.len() < columns);
    let cuts = lines[..full].iter().any(|line| line.last() != Some(&terminator));
    columns >= WRAP_COLUMNS_MIN
        && (full >= 2 || columns == WRAP_COLUMNS_USUAL)
        && rest_is_short
        && lines.len() - full <= 1
        && cuts
}

enum Found {
    At(usize),
    None,
}

/// Where the next interchange begins: ISA, UNA, UNB or UIB, followed by something that is no letter or digit, at the
/// input's start or after a byte that is none either.
fn find_header(bytes: &[u8], from: usize, ended: bool) -> Found {
    let begins = |at: usize| {
        let here = &bytes[at..];
        let tag = here.get(..3).is_some_and(|tag| {
            [b"ISA", b"UNA", b"UNB", b"UIB"].iter().any(|known| tag.eq_ignore_ascii_case(&known[..]))
        });
        let alone = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        let followed = here.get(3).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'<');
        tag && alone && followed && (ended || here.len() > 3)
    };
    (from..bytes.len()).find(|&at| begins(at)).map_or(Found::None, Found::At)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISA: &str =
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260101*0930*U*00401*000000001*0*P*>~";
    const REST: &str = "GS*PO*AA*BB*20260101*0930*1*X*004010~ST*850*0001~BEG*00*SA*4711**20260101~SE*3*0001~GE*1*1~\
                        IEA*1*000000001~";

    fn texts(input: &str) -> (Vec<String>, Vec<Fault>) {
        let mut reader = Reader::new(input.as_bytes(), Limits { segment_bytes_max: 120, ..Limits::default() });
        let (mut texts, mut faults) = (Vec::new(), Vec::new());
        while let Some(piece) = reader.next().expect("memory reads") {
            faults.extend(piece.faults.iter().map(|fault| fault.fault));
            for segment in piece.run.segments() {
                let elements: Vec<_> = segment.elements().map(|element| element.text().into_owned()).collect();
                texts.push(format!("{}*{}", segment.tag_text(), elements.join("*")));
            }
        }
        (texts, faults)
    }

    #[test]
    fn a_wrapped_interchange_reads_as_if_it_were_not() {
        let plain = format!("{ISA}{REST}");
        let chunks: Vec<_> = plain.as_bytes().chunks(80).map(|line| String::from_utf8_lossy(line)).collect();
        let (unwrapped, none) = texts(&plain);
        let (wrapped, faults) = texts(&chunks.join("\r\n"));
        assert_eq!(wrapped, unwrapped);
        assert_eq!((none, faults), (vec![], vec![Fault::LineEndings]));
    }

    #[test]
    fn a_line_end_in_a_value_is_data_and_told() {
        let (texts, faults) = texts(&format!("{ISA}\n{}", REST.replace("4711", "47\n11").replace('~', "~\n")));
        assert!(texts.contains(&"BEG*00*SA*47\n11**20260101".to_owned()));
        assert_eq!(faults, [Fault::LineEndings]);
    }

    /// So many blanks, and how many of them were asked for.
    struct Blanks(usize, usize);

    impl Read for Blanks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.0 - self.1);
            buffer[..count].fill(b' ');
            self.1 += count;
            Ok(count)
        }
    }

    #[test]
    fn err_markup_over_its_limit() {
        const LIMIT: usize = 100_000;
        let read = |begin: &str, blanks: usize| {
            let source = io::Cursor::new(begin.to_owned()).chain(Blanks(blanks, 0));
            let mut reader = Reader::new(source, Limits { markup_bytes_max: LIMIT, ..Limits::default() });
            let kind = reader.next().map(|piece| piece.map(|piece| piece.kind)).map_err(|error| error.kind());
            (kind, reader.source_mut().get_ref().1.1)
        };
        assert_eq!(read("<a/>", LIMIT / 2).0, Ok(Some(PieceKind::InterchangeHeader)));
        let (kind, asked) = read("<a/>", 100 * LIMIT);
        assert_eq!(kind, Err(io::ErrorKind::InvalidData));
        assert!(asked < 2 * LIMIT, "{asked} bytes read");
        // What begins like XML and is none is not held for that.
        let (kind, asked) = read("<1>", 100 * LIMIT);
        assert_eq!(kind, Ok(Some(PieceKind::Between)));
        assert!(asked < 5 * LIMIT, "{asked} bytes read");
        let (kind, asked) = read("<!-- ", 100 * LIMIT);
        assert_eq!(kind, Ok(Some(PieceKind::Between)));
        assert!(asked < 4 * xml::PROLOG_BYTES_MAX, "{asked} bytes read");
    }

    /// A header that goes on for ever is cut, whatever the window happens to hold; an interchange behind it is found.
    #[test]
    fn err_interchange_header_over_its_limit() {
        let read = |begin: &str, filled: usize, behind: &str| {
            let input = format!("{begin}{}{behind}", "x".repeat(filled - begin.len()));
            let mut reader = Reader::new(input.as_bytes(), Limits::default());
            let mut pieces = Vec::new();
            while let Some(piece) = reader.next().expect("memory reads") {
                let faults: Vec<_> = piece.faults.iter().map(|fault| fault.fault).collect();
                pieces.push((piece.kind, piece.run.bytes.len(), faults));
            }
            pieces
        };
        let (limit, behind) = (INTERCHANGE_HEADER_BYTES_MAX, format!("\n{ISA}{REST}"));
        let at_limit = read("UNB+UNOA:1+", limit - 1, &format!("'{behind}"));
        assert_eq!(at_limit[0], (PieceKind::InterchangeHeader, limit, vec![]));
        for (begin, lead) in [("UNB+UNOA:1+", 0), ("UNA:+.? 'UNB+UNOA:1+", 9), ("UNA:+.? ~UNB+UNOA:1+", 9)] {
            let pieces = read(begin, 10 * limit, &behind);
            let (kind, length, faults) = &pieces[0];
            assert_eq!((*kind, *length), (PieceKind::InterchangeHeader, lead + limit), "{begin}");
            assert_eq!(faults, &[Fault::InterchangeHeader], "{begin}");
            let kinds: Vec<_> = pieces.iter().map(|piece| piece.0).collect();
            assert_eq!(
                kinds[1..4],
                [PieceKind::Between, PieceKind::InterchangeHeader, PieceKind::GroupHeader],
                "{begin}"
            );
        }
    }

    #[test]
    fn err_segment_over_its_limit() {
        let long = format!("{ISA}{}", REST.replace("4711", &"7".repeat(100)));
        assert_eq!(texts(&long).1, []);
        let longer = format!("{ISA}{}", REST.replace("4711", &"7".repeat(101)));
        assert_eq!(texts(&longer).1, [Fault::SegmentTooBig]);
    }
}
