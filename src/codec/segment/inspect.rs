//! Reads an input's pieces into reports: per interchange, group and document what it is and what is wrong with it.
//!
//! The same reports are what `validate` prints, what acknowledgments are made from and what the ledger keeps. An
//! inspection holds the reports of one interchange at a time; it judges no partner and knows no business.

use super::judge::{GuideChoice, Judge, Judged, Placed};
use super::{Envelope, EnvelopeCheck, FIRST_BYTES, HeaderValues, Limits, Piece, PieceKind, Reader};
use crate::diagnostic::{Diagnostic, Effect, Fault, Position, Severity, Syntax, is_clean, keep};
use crate::standard::load::Library;
use crate::tree::Separators;
use std::io::{self, Read};
use std::sync::Arc;

/// TA1 segments of an interchange that are kept, each the answer to an interchange of ours.
const TECHNICAL_MAX: usize = 10_000;

/// What was found in one interchange.
#[derive(Debug, Clone)]
pub struct InterchangeReport {
    /// Ordinal within the input, from 1; 0 stands for bytes outside any interchange.
    pub number: u32,
    /// Whose syntax.
    pub syntax: Syntax,
    /// Its separators.
    pub separators: Separators,
    /// What ISA or UNB says.
    pub envelope: Envelope,
    /// ISA or UNB as received; empty for bytes outside.
    pub header: HeaderValues,
    /// TA1 segments as received.
    pub technical: Vec<HeaderValues>,
    /// Faults of the interchange as a whole.
    pub faults: Vec<Diagnostic>,
    /// Its groups; documents without a group stand in one whose number is 0.
    pub groups: Vec<GroupReport>,
    /// First byte in the input.
    pub offset: u64,
    /// Bytes from header to trailer.
    pub length: u64,
}

/// What was found in one group.
#[derive(Debug, Clone)]
pub struct GroupReport {
    /// Ordinal within the interchange, from 1; 0 when there is no group header.
    pub number: u32,
    /// What the envelope says, group included.
    pub envelope: Envelope,
    /// GS or UNG as received; empty when there is none.
    pub header: HeaderValues,
    /// The trailer's count as written; empty when there is no trailer.
    pub claimed: String,
    /// Faults of the group as a whole.
    pub faults: Vec<Diagnostic>,
    /// Its documents.
    pub documents: Vec<DocumentReport>,
}

/// What was found in one document.
#[derive(Debug, Clone)]
pub struct DocumentReport {
    /// Ordinal within the group.
    pub number: u32,
    /// What the envelope says, document included.
    pub envelope: Envelope,
    /// ST or UNH as received.
    pub header: HeaderValues,
    /// Folder name of the version used: `004010`, `d96a`; empty when no definition was found.
    pub version: String,
    /// Everything found, in the order of the bytes.
    pub faults: Vec<Diagnostic>,
    /// First byte in the input.
    pub offset: u64,
    /// Bytes from header to trailer.
    pub length: u64,
    /// Number of segments, header and trailer included.
    pub segments: u32,
}

impl DocumentReport {
    /// No finding is an error.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        is_clean(&self.faults)
    }

    /// Whether an error breaks the standard itself, which is what 997 and CONTRL may reject for.
    #[must_use]
    pub fn breaks_syntax(&self) -> bool {
        self.faults.iter().any(|fault| fault.severity == Severity::Error && fault.fault.info().effect == Effect::Syntax)
    }
}

/// Turns pieces into reports.
pub struct Inspection<'l> {
    judge: Arc<Judge<'l>>,
    check: EnvelopeCheck,
    envelope: Envelope,
    open: Option<InterchangeReport>,
    done: Vec<InterchangeReport>,
    interchanges: u32,
    first_bytes: Vec<u8>,
    /// Findings before the first interchange; dropped when there is none, since then the whole input is named.
    leading: Vec<InterchangeReport>,
}

impl<'l> Inspection<'l> {
    /// Begins; definitions come from `library`.
    #[must_use]
    pub fn new(library: &'l Library) -> Self {
        Inspection::by(Arc::new(Judge::new(library, None)))
    }

    fn by(judge: Arc<Judge<'l>>) -> Self {
        let check = EnvelopeCheck::new(Some(judge.library()));
        let envelope = Envelope::default();
        let (open, done, first_bytes, leading) = (None, Vec::new(), Vec::new(), Vec::new());
        Inspection { judge, check, envelope, open, done, interchanges: 0, first_bytes, leading }
    }

    /// Holds documents against guides as well, where there are any.
    #[must_use]
    pub fn guided(mut self, choice: impl Into<Option<GuideChoice<'l>>>) -> Self {
        self.judge = Arc::new(Judge::new(self.judge.library(), choice.into()));
        self
    }

    /// Another one that judges by the same.
    pub(super) fn anew(&self) -> Self {
        Inspection::by(self.judge.clone())
    }

    /// What documents are judged by, apart from the envelope around them.
    #[must_use]
    pub fn judge(&self) -> Arc<Judge<'l>> {
        self.judge.clone()
    }

    /// Reads a whole input: all its reports, interchanges in order, bytes outside them under number 0.
    ///
    /// # Errors
    /// What the source says, and a document over the limit.
    pub fn whole<R: Read>(mut self, source: R, limits: Limits) -> io::Result<Vec<InterchangeReport>> {
        let mut reader = Reader::new(source, limits).knowing(self.judge.library());
        while let Some(piece) = reader.next()? {
            self.take(&piece);
        }
        Ok(self.end())
    }

    /// Takes the next piece. A document is validated and, when its definition is known, returned with its places; its
    /// report is then [`Inspection::document`].
    pub fn take(&mut self, piece: &Piece<'_>) -> Option<Placed> {
        let (report, placed) = self.judged(piece).map(|judged| (judged.report, judged.placed)).unzip();
        self.put_piece(piece, report);
        placed.flatten()
    }

    /// Judges the next piece, where it is a document. [`Inspection::put_piece`] must follow.
    pub fn judged(&mut self, piece: &Piece<'_>) -> Option<Judged> {
        self.envelope.note(piece, self.judge.library());
        (piece.kind == PieceKind::Document).then(|| self.judge.document(&self.envelope, piece))
    }

    /// Takes the next piece, a document with the report that another thread made of it.
    pub fn receive(&mut self, piece: &Piece<'_>, report: Option<DocumentReport>) {
        self.envelope.note(piece, self.judge.library());
        self.put_piece(piece, report);
    }

    /// Takes the piece that was judged last.
    pub fn put_piece(&mut self, piece: &Piece<'_>, report: Option<DocumentReport>) {
        if piece.kind == PieceKind::InterchangeHeader {
            self.begin(piece);
        }
        let findings = self.check.take(piece);
        match piece.kind {
            PieceKind::Between => self.between(piece),
            PieceKind::GroupHeader => {
                let header = piece.run.segment(0).map(|segment| HeaderValues::new(&segment)).unwrap_or_default();
                self.begin_group(piece.group, header);
            }
            PieceKind::Document => self.put_document(piece, report),
            PieceKind::Loose => self.loose(piece),
            PieceKind::GroupTrailer => self.end_group(piece),
            PieceKind::InterchangeHeader | PieceKind::InterchangeTrailer => {}
        }
        for finding in findings {
            self.put(finding.interchange, finding.group, finding.document, finding.diagnostic);
        }
        if let Some(open) = self.open.as_mut().filter(|_| piece.kind != PieceKind::Between) {
            open.length = piece.run.offset + piece.run.bytes.len() as u64 - open.offset;
        }
        if piece.kind == PieceKind::InterchangeTrailer {
            self.close();
        }
    }

    /// The report of the document taken last.
    #[must_use]
    pub fn document(&self) -> Option<&DocumentReport> {
        self.open.as_ref()?.groups.last()?.documents.last()
    }

    /// The interchange being read, as far as it has come.
    #[must_use]
    pub fn interchange(&self) -> Option<&InterchangeReport> {
        self.open.as_ref()
    }

    /// Forgets the documents of the open interchange but the latest, for callers that print as they read: memory stays
    /// the same however many there are.
    pub fn forget_documents(&mut self) {
        let Some(open) = self.open.as_mut() else { return };
        open.groups.drain(..open.groups.len().saturating_sub(1));
        if let Some(group) = open.groups.last_mut() {
            group.documents.drain(..group.documents.len().saturating_sub(1));
        }
    }

    /// The findings of the open interchange's envelope and of its groups' since last asked; they leave its report, for
    /// callers that tell them as they read.
    pub fn envelope_faults(&mut self) -> Vec<Diagnostic> {
        let Some(open) = self.open.as_mut() else { return Vec::new() };
        let mut faults = std::mem::take(&mut open.faults);
        open.groups.iter_mut().for_each(|group| faults.append(&mut group.faults));
        faults
    }

    /// The reports finished since last asked: interchanges in order, bytes outside them under number 0.
    pub fn finished(&mut self) -> Vec<InterchangeReport> {
        std::mem::take(&mut self.done)
    }

    /// The input has ended: what is open is closed, and an input without any interchange is named.
    pub fn end(mut self) -> Vec<InterchangeReport> {
        for finding in self.check.end() {
            self.put(finding.interchange, finding.group, finding.document, finding.diagnostic);
        }
        self.close();
        if self.interchanges == 0 {
            let ambiguous =
                self.leading.into_iter().find(|one| one.faults.iter().any(|one| one.fault == Fault::FormatUnknown));
            self.done = vec![ambiguous.unwrap_or_else(|| unrecognised(&self.first_bytes, self.judge.library()))];
        }
        self.done
    }

    fn begin(&mut self, piece: &Piece<'_>) {
        for finding in self.check.end() {
            self.put(finding.interchange, finding.group, finding.document, finding.diagnostic);
        }
        self.close();
        self.done.append(&mut self.leading);
        self.interchanges = piece.interchange;
        let header = piece.run.segment(0).map(|segment| HeaderValues::new(&segment)).unwrap_or_default();
        self.open = Some(InterchangeReport {
            number: piece.interchange,
            syntax: piece.syntax,
            separators: *piece.run.separators,
            envelope: self.envelope.clone(),
            header,
            technical: Vec::new(),
            faults: Vec::new(),
            groups: Vec::new(),
            offset: piece.run.offset,
            length: 0,
        });
    }

    fn close(&mut self) {
        let Some(mut closed) = self.open.take() else { return };
        let has_documents = closed.groups.iter().any(|group| !group.documents.is_empty());
        let is_refused = closed.faults.iter().any(|one| one.fault == Fault::InterchangeUnsupported);
        if !has_documents && !is_refused && closed.technical.is_empty() {
            let position = Position { segment: 1, ..Position::default() };
            let tag = match closed.syntax {
                Syntax::X12 => "ISA",
                Syntax::Edifact => "UNB",
                _ => "",
            };
            closed.faults.push(
                Diagnostic::new(closed.syntax, Fault::InterchangeEmpty)
                    .place(tag, tag, position)
                    .at(closed.offset, closed.length, 1)
                    .because("at least one document", "none"),
            );
        }
        self.done.push(closed);
    }

    fn between(&mut self, piece: &Piece<'_>) {
        let room = FIRST_BYTES.saturating_sub(self.first_bytes.len());
        if self.interchanges == 0 {
            self.first_bytes.extend(piece.run.bytes.iter().take(room));
        }
    }

    fn begin_group(&mut self, number: u32, header: HeaderValues) {
        let Some(open) = self.open.as_mut() else { return };
        let envelope = self.envelope.clone();
        let (claimed, faults, documents) = (String::new(), Vec::new(), Vec::new());
        open.groups.push(GroupReport { number, envelope, header, claimed, faults, documents });
    }

    fn end_group(&mut self, piece: &Piece<'_>) {
        let claimed =
            piece.run.segment(0).map(|trailer| super::text(&trailer, (1, 1)).into_owned()).unwrap_or_default();
        if let Some(group) = self.open.as_mut().and_then(|open| open.groups.last_mut()) {
            group.claimed = claimed;
        }
    }

    fn loose(&mut self, piece: &Piece<'_>) {
        let Some(open) = self.open.as_mut().filter(|_| piece.syntax == Syntax::X12) else { return };
        let technical = piece.run.segments().filter(|segment| segment.tag().eq_ignore_ascii_case(b"TA1"));
        let free = TECHNICAL_MAX - open.technical.len();
        let mut technical = technical.map(|segment| HeaderValues::new(&segment));
        open.technical.extend(technical.by_ref().take(free));
        if technical.next().is_some() {
            let fault =
                Diagnostic::new(piece.syntax, Fault::InterchangeContent).at(piece.run.offset, 0, piece.run.line);
            keep(&mut open.faults, fault.because(format!("at most {TECHNICAL_MAX} TA1"), "more"));
        }
    }

    fn put_document(&mut self, piece: &Piece<'_>, report: Option<DocumentReport>) {
        let Some(in_group) = self.open.as_ref().map(|open| open.groups.last().map(|group| group.number)) else {
            return;
        };
        if in_group != Some(piece.group) {
            self.begin_group(piece.group, HeaderValues::default());
        }
        let mut report = report;
        if piece.syntax.is_by_contents()
            && let Some(open) = self.open.as_mut()
        {
            // Its envelope is part of the document; that of the first stands for all.
            if piece.document == 1 {
                open.envelope = self.envelope.clone();
            }
            open.envelope.settle(&self.envelope);
            let differs = other_parties(&open.envelope, &self.envelope, piece);
            report.iter_mut().for_each(|report| report.faults.extend(differs.clone()));
        }
        let group = self.open.as_mut().and_then(|open| open.groups.last_mut());
        if let Some((group, report)) = group.zip(report) {
            group.documents.push(report);
        }
    }

    /// Puts a finding where it belongs: the document if it is the present one, else its group or interchange.
    fn put(&mut self, interchange: u32, group: u32, document: u32, diagnostic: Diagnostic) {
        let Some(open) = self.open.as_mut().filter(|open| interchange != 0 && open.number == interchange) else {
            let done = if self.interchanges == 0 { &mut self.leading } else { &mut self.done };
            done.push(outside(diagnostic));
            return;
        };
        let holder = open.groups.iter_mut().rev().find(|one| one.number == group);
        match holder {
            Some(holder) if document != 0 => {
                match holder.documents.iter_mut().rev().find(|one| one.number == document) {
                    // A handful at most, each with a code of its own in the acknowledgment.
                    Some(report) => report.faults.push(diagnostic),
                    None => keep(&mut holder.faults, diagnostic),
                }
            }
            Some(holder) if group != 0 => keep(&mut holder.faults, diagnostic),
            _ => keep(&mut open.faults, diagnostic),
        }
    }
}

/// The documents of one file are between the same parties.
fn other_parties(first: &Envelope, own: &Envelope, piece: &Piece<'_>) -> Option<Diagnostic> {
    let between = |one: &Envelope| format!("{} to {}", one.sender.value, one.receiver.value);
    let finding = Diagnostic::new(piece.syntax, Fault::PartiesDiffer).at(piece.run.offset, 0, piece.run.line);
    first.is_between_others(own).then(|| finding.because(between(first), between(own)))
}

/// A report for bytes outside any interchange.
fn outside(diagnostic: Diagnostic) -> InterchangeReport {
    InterchangeReport {
        number: 0,
        syntax: Syntax::Document,
        separators: Separators::X12,
        envelope: Envelope::default(),
        header: HeaderValues::default(),
        technical: Vec::new(),
        offset: diagnostic.offset,
        length: diagnostic.length,
        faults: vec![diagnostic],
        groups: Vec::new(),
    }
}

/// What is wrong with definitions of our own that say how inputs are laid out: one of them may be meant.
pub fn unfit_definitions(library: &Library) -> impl Iterator<Item = Diagnostic> {
    let faults = library.laid_out().faults.iter();
    faults.map(|error| Diagnostic::new(Syntax::Document, error.fault()).because(error.to_string(), "").at(0, 0, 1))
}

/// Says what an input without any interchange seems to be.
fn unrecognised(first: &[u8], library: &Library) -> InterchangeReport {
    let blank = first.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0);
    if blank {
        let found = if first.is_empty() { "no bytes" } else { "blanks only" };
        return outside(Diagnostic::new(Syntax::Document, Fault::InputEmpty).because("an interchange", found));
    }
    let found = super::seems(first);
    let fault = Diagnostic::new(Syntax::Document, Fault::FormatUnknown);
    let expected = "ISA (X12), UNA or UNB (EDIFACT), XML of a known root, or what a definition lays out";
    let mut report = outside(fault.because(expected, found).at(0, first.len() as u64, 1));
    report.faults.splice(..0, unfit_definitions(library));
    report
}

impl InterchangeReport {
    /// The findings of its envelope and of its groups', documents left aside.
    pub fn envelope_faults(&self) -> impl Iterator<Item = &Diagnostic> {
        self.faults.iter().chain(self.groups.iter().flat_map(|group| &group.faults))
    }

    /// Whether nothing in the interchange is an error.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let documents = |group: &GroupReport| group.documents.iter().all(DocumentReport::is_valid);
        is_clean(&self.faults) && self.groups.iter().all(|group| is_clean(&group.faults) && documents(group))
    }
}
