//! Reads an input's pieces into reports: per interchange, group and document what it is and what is wrong with it.
//!
//! The same reports are what `validate` prints, what acknowledgments are made from and what the ledger keeps. An
//! inspection holds the reports of one interchange at a time; it judges no partner and knows no business.

use super::{Envelope, EnvelopeCheck, FIRST_BYTES, Limits, Piece, PieceKind, Reader};
use crate::diagnostic::{Diagnostic, Effect, Fault, Position, Severity, Syntax, is_clean};
use crate::standard::definition::{Directory, Document};
use crate::standard::guide::Guide;
use crate::standard::load::Library;
use crate::standard::place::Placement;
use crate::standard::validate::{follow, validate};
use crate::tree::{Segment, Separators};
use std::io::{self, Read};
use std::sync::Arc;

/// The envelope segment's values: element, then component, as received (padding kept).
pub type HeaderValues = Vec<Vec<String>>;

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

/// A document with its definition and the places of its segments.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The definition it was checked against.
    pub document: Arc<Document>,
    /// What the version's documents share.
    pub directory: Arc<Directory>,
    /// Where each segment stands.
    pub placement: Placement,
}

/// Chooses the guide that a document is held against: by interchange, what its envelope says, and its definition.
pub type GuideChoice<'l> = Box<dyn Fn(u32, &Envelope, &Document) -> Option<Arc<Guide>> + 'l>;

/// Turns pieces into reports.
pub struct Inspection<'l> {
    library: &'l Library,
    guides: Option<GuideChoice<'l>>,
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
        let check = EnvelopeCheck::new(library.directory("x12", "004010").ok());
        let envelope = Envelope::default();
        let (open, done, first_bytes, leading) = (None, Vec::new(), Vec::new(), Vec::new());
        Inspection { library, guides: None, check, envelope, open, done, interchanges: 0, first_bytes, leading }
    }

    /// Holds documents against guides as well, where there are any.
    #[must_use]
    pub fn guided(mut self, choice: impl Into<Option<GuideChoice<'l>>>) -> Self {
        self.guides = choice.into();
        self
    }

    /// Reads a whole input: all its reports, interchanges in order, bytes outside them under number 0.
    ///
    /// # Errors
    /// What the source says, and a document over the limit.
    pub fn whole<R: Read>(mut self, source: R, limits: Limits) -> io::Result<Vec<InterchangeReport>> {
        let mut reader = Reader::new(source, limits);
        while let Some(piece) = reader.next()? {
            self.take(&piece);
        }
        Ok(self.end())
    }

    /// Takes the next piece. A document is validated and, when its definition is known, returned with its places; its
    /// report is then [`Inspection::document`].
    pub fn take(&mut self, piece: &Piece<'_>) -> Option<Placed> {
        self.envelope.note(piece);
        if piece.kind == PieceKind::InterchangeHeader {
            self.begin(piece);
        }
        let findings = self.check.take(piece);
        let placed = match piece.kind {
            PieceKind::Between => {
                self.between(piece);
                None
            }
            PieceKind::GroupHeader => {
                let header = piece.run.segment(0).map(|segment| values(&segment)).unwrap_or_default();
                self.begin_group(piece.group, header);
                None
            }
            PieceKind::Document => self.document_piece(piece),
            PieceKind::Loose => {
                self.loose(piece);
                None
            }
            PieceKind::GroupTrailer => {
                self.end_group(piece);
                None
            }
            PieceKind::InterchangeHeader | PieceKind::InterchangeTrailer => None,
        };
        for finding in findings {
            self.put(finding.interchange, finding.group, finding.document, finding.diagnostic);
        }
        if let Some(open) = self.open.as_mut().filter(|_| piece.kind != PieceKind::Between) {
            open.length = piece.run.offset + piece.run.bytes.len() as u64 - open.offset;
        }
        if piece.kind == PieceKind::InterchangeTrailer {
            self.close();
        }
        placed
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
            self.done = vec![unrecognised(&self.first_bytes)];
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
        let header = piece.run.segment(0).map(|segment| values(&segment)).unwrap_or_default();
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
        if !has_documents && closed.technical.is_empty() {
            let position = Position { segment: 1, ..Position::default() };
            let tag = if closed.syntax == Syntax::X12 { "ISA" } else { "UNB" };
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
        let claimed = piece.run.segment(0).map(|trailer| super::text(&trailer, (1, 1))).unwrap_or_default();
        if let Some(group) = self.open.as_mut().and_then(|open| open.groups.last_mut()) {
            group.claimed = claimed;
        }
    }

    fn loose(&mut self, piece: &Piece<'_>) {
        let Some(open) = self.open.as_mut().filter(|_| piece.syntax == Syntax::X12) else { return };
        let technical = piece.run.segments().filter(|segment| segment.tag().eq_ignore_ascii_case(b"TA1"));
        open.technical.extend(technical.map(|segment| values(&segment)));
    }

    fn document_piece(&mut self, piece: &Piece<'_>) -> Option<Placed> {
        let in_group = self.open.as_ref()?.groups.last().map(|group| group.number);
        if in_group != Some(piece.group) {
            self.begin_group(piece.group, Vec::new());
        }
        let (standard, mut folder) = folder_of(piece.syntax, &self.envelope);
        let kind = &self.envelope.document_type;
        let mut faults = Vec::new();
        let mut found = self.library.document(standard, &folder, kind);
        if found.is_err()
            && let Some(nearest) = self.library.nearest(standard, &folder, kind)
        {
            faults.push(not_installed(piece, &folder, &nearest));
            found = self.library.document(standard, &nearest, kind);
            folder = nearest;
        }
        let directory = self.library.directory(standard, &folder);
        let placed = match (found, directory) {
            (Ok(document), Ok(directory)) => {
                let (placement, found) = validate(&document, &directory, &piece.run);
                faults.extend(found);
                // A missing trailer is the envelope check's finding.
                faults.retain(|one| one.fault != Fault::SegmentMissing || !["SE", "UNT"].contains(&&*one.tag));
                let choose = |choice: &GuideChoice<'_>| choice(piece.interchange, &self.envelope, &document);
                if let Some(guide) = self.guides.as_ref().and_then(choose) {
                    faults.extend(follow(&guide, &document, &piece.run, &placement));
                }
                Some(Placed { document, directory, placement })
            }
            _ => {
                faults.push(self.unknown_type(piece, standard, &folder));
                None
            }
        };
        if let Some(placed) = &placed {
            faults.extend(self.wrong_group(piece, &placed.document));
        }
        let report = DocumentReport {
            number: piece.document,
            envelope: self.envelope.clone(),
            header: piece.run.segment(0).map(|segment| values(&segment)).unwrap_or_default(),
            version: folder,
            faults,
            offset: piece.run.offset,
            length: piece.run.bytes.len() as u64,
            segments: u32::try_from(piece.run.len()).unwrap_or(u32::MAX),
        };
        self.open.as_mut()?.groups.last_mut()?.documents.push(report);
        placed
    }

    fn unknown_type(&self, piece: &Piece<'_>, standard: &str, folder: &str) -> Diagnostic {
        let at = if piece.syntax == Syntax::X12 { (1, 0) } else { (2, 1) };
        let kind = &self.envelope.document_type;
        let known: Vec<String> = (self.library.list().into_iter())
            .filter(|[one, _, other]| one == standard && (other == kind || folder.is_empty()))
            .map(|[one, version, kind]| format!("{one}/{version}/{kind}"))
            .collect();
        let expected = if known.is_empty() { "an installed document type".to_owned() } else { known.join(", ") };
        let found = if kind.is_empty() { "none named".to_owned() } else { format!("{standard}/{folder}/{kind}") };
        match piece.run.segment(0) {
            Some(header) => super::element_finding(piece.syntax, Fault::DocumentTypeUnknown, &header, at),
            None => Diagnostic::new(piece.syntax, Fault::DocumentTypeUnknown),
        }
        .because(expected, found)
    }

    /// GS01 must be one that the document type travels under.
    fn wrong_group(&self, piece: &Piece<'_>, document: &Document) -> Option<Diagnostic> {
        let kind = &self.envelope.group_type;
        if kind.is_empty() || document.groups.is_empty() || document.groups.contains(kind) {
            return None;
        }
        let found = super::element_finding(piece.syntax, Fault::DocumentGroup, &piece.run.segment(0)?, (1, 0));
        let expected = format!("a group of type {}", document.groups.join(" or "));
        Some(found.because(expected, format!("{kind} holding {}", self.envelope.document_type)))
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
                    Some(report) => report.faults.push(diagnostic),
                    None => holder.faults.push(diagnostic),
                }
            }
            Some(holder) if group != 0 => holder.faults.push(diagnostic),
            _ => open.faults.push(diagnostic),
        }
    }
}

/// The version is not at hand, another took its place.
fn not_installed(piece: &Piece<'_>, asked: &str, used: &str) -> Diagnostic {
    let at = if piece.syntax == Syntax::X12 { (0, 0) } else { (2, 3) };
    let finding = match piece.run.segment(0) {
        Some(header) => super::element_finding(piece.syntax, Fault::VersionNearest, &header, at),
        None => Diagnostic::new(piece.syntax, Fault::VersionNearest),
    };
    finding.because(format!("an installed version, such as {used}, which was used"), asked)
}

/// Standard and folder name of the version that an envelope names: `D.96A` is `d96a`.
#[must_use]
pub fn folder_of(syntax: Syntax, envelope: &Envelope) -> (&'static str, String) {
    let folder = envelope.version.to_ascii_lowercase().replace('.', "");
    (if syntax == Syntax::X12 { "x12" } else { "edifact" }, folder)
}

fn values(segment: &Segment<'_>) -> HeaderValues {
    let components = |value: crate::tree::Value<'_>| value.components().map(|one| one.text().into_owned()).collect();
    segment.elements().map(components).collect()
}

/// A report for bytes outside any interchange.
fn outside(diagnostic: Diagnostic) -> InterchangeReport {
    InterchangeReport {
        number: 0,
        syntax: Syntax::Document,
        separators: Separators::X12,
        envelope: Envelope::default(),
        header: Vec::new(),
        technical: Vec::new(),
        offset: diagnostic.offset,
        length: diagnostic.length,
        faults: vec![diagnostic],
        groups: Vec::new(),
    }
}

/// Says what an input without any interchange seems to be.
fn unrecognised(first: &[u8]) -> InterchangeReport {
    let blank = first.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0);
    if blank {
        let found = if first.is_empty() { "no bytes" } else { "blanks only" };
        return outside(Diagnostic::new(Syntax::Document, Fault::InputEmpty).because("an interchange", found));
    }
    let found = super::seems(first);
    let fault = Diagnostic::new(Syntax::Document, Fault::FormatUnknown);
    outside(fault.because("ISA (X12), UNA or UNB (EDIFACT)", found).at(0, first.len() as u64, 1))
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
