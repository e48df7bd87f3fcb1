//! Checks what only the whole envelope shows: counts, control numbers of header and trailer, missing trailers,
//! document numbers used twice, segments outside any document; and the header's own elements.
//!
//! It takes the pieces of a [`super::Reader`] in order and keeps a few numbers. What stands inside a document is
//! `standard::validate`'s; whether an interchange came before is the ledger's.

use super::numbers::Numbers;
use super::{Piece, PieceKind};
use crate::codec::{edifact, x12};
use crate::diagnostic::{Diagnostic, Fault, Position, Severity, Syntax, keep};
use crate::standard::load::Library;
use crate::tree::{Segment, in_repertoire};
use std::borrow::Cow;

/// A finding and what it is about: ordinals as in [`Piece`], 0 for "the whole group" or "the whole interchange".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeFinding {
    /// Interchange within the input; 0 for bytes outside any.
    pub interchange: u32,
    /// Group within the interchange.
    pub group: u32,
    /// Document within the group.
    pub document: u32,
    /// What is wrong.
    pub diagnostic: Diagnostic,
}

/// Watches the envelope of an input.
#[derive(Debug, Default)]
pub struct EnvelopeCheck {
    library: Option<Library>,
    interchange: Option<Open>,
    group: Option<Open>,
    groups: u32,
    documents: u32,
    /// The interchange that is of a kind not processed, of which nothing else is told.
    refused: u32,
    found: Vec<EnvelopeFinding>,
}

/// An envelope level that has begun and waits for its trailer.
#[derive(Debug)]
struct Open {
    syntax: Syntax,
    interchange: u32,
    group: u32,
    tag: String,
    control_number: String,
    /// EDIFACT syntax level, `UNOA`.
    level: String,
    at: (u64, u64, u64),
    documents: u32,
    numbers: Numbers,
}

/// Where the trailers keep count and control number, and what differing ones are called.
struct Trailer {
    /// Its tag in X12 and in EDIFACT.
    tags: [&'static str; 2],
    count: Fault,
    reference: Fault,
    missing: Fault,
}

impl Trailer {
    fn tag(&self, syntax: Syntax) -> &'static str {
        self.tags[usize::from(syntax != Syntax::X12)]
    }
}

/// What SE01 and UNT 0074 count.
const SEGMENTS: &str = "segments, header and trailer included";

const INTERCHANGE: Trailer = Trailer {
    tags: ["IEA", "UNZ"],
    count: Fault::InterchangeCount,
    reference: Fault::InterchangeReference,
    missing: Fault::InterchangeTrailerMissing,
};
const GROUP: Trailer = Trailer {
    tags: ["GE", "UNE"],
    count: Fault::GroupCount,
    reference: Fault::GroupReference,
    missing: Fault::GroupTrailerMissing,
};
const DOCUMENT: Trailer = Trailer {
    tags: ["SE", "UNT"],
    count: Fault::DocumentCount,
    reference: Fault::DocumentReference,
    missing: Fault::DocumentTrailerMissing,
};

impl EnvelopeCheck {
    /// Begins a check; `library` is asked for the qualifiers of ISA and the like, which are the same in all versions, when
    /// the first header of X12 comes.
    #[must_use]
    pub fn new(library: Option<&Library>) -> Self {
        EnvelopeCheck { library: library.cloned(), ..EnvelopeCheck::default() }
    }

    /// Takes the next piece; returns what it shows to be wrong, with it or with what came before it.
    pub fn take(&mut self, piece: &Piece<'_>) -> Vec<EnvelopeFinding> {
        let owner = match piece.kind {
            PieceKind::Between => 0,
            _ => piece.interchange,
        };
        for fault in &piece.faults {
            self.put(owner, piece.group, piece.document, fault.clone());
        }
        match piece.kind {
            PieceKind::Between => {}
            PieceKind::InterchangeHeader => self.interchange_header(piece),
            PieceKind::GroupHeader => self.group_header(piece),
            PieceKind::Document => self.document(piece),
            PieceKind::Loose => self.loose(piece),
            PieceKind::GroupTrailer => self.group_trailer(piece),
            PieceKind::InterchangeTrailer => self.interchange_trailer(piece),
        }
        std::mem::take(&mut self.found)
    }

    /// The input has ended: what is still open lacks its trailer.
    pub fn end(&mut self) -> Vec<EnvelopeFinding> {
        self.close_interchange();
        std::mem::take(&mut self.found)
    }

    fn interchange_header(&mut self, piece: &Piece<'_>) {
        self.close_interchange();
        (self.groups, self.documents) = (0, 0);
        let Some(header) = piece.run.segment(0) else { return };
        self.header_elements(piece, &header);
        let control = if piece.syntax == Syntax::X12 { (13, 1) } else { (5, 1) };
        self.interchange = Some(Open::begin(piece, &header, text(&header, control).into_owned()));
    }

    fn group_header(&mut self, piece: &Piece<'_>) {
        self.close_group();
        self.groups += 1;
        let Some(header) = piece.run.segment(0) else { return };
        self.header_elements(piece, &header);
        let control = if piece.syntax == Syntax::X12 { (6, 1) } else { (5, 1) };
        self.group = Some(Open::begin(piece, &header, text(&header, control).into_owned()));
    }

    fn header_elements(&mut self, piece: &Piece<'_>, header: &Segment<'_>) {
        let faults = match piece.syntax {
            Syntax::X12 => {
                let directory = self.library.as_ref().and_then(|library| library.directory("x12", "004010").ok());
                x12::check(header, directory.as_deref())
            }
            _ => edifact::check(header),
        };
        for fault in faults {
            self.put(piece.interchange, piece.group, piece.document, fault);
        }
    }

    fn document(&mut self, piece: &Piece<'_>) {
        self.documents += 1;
        let (Some(first), Some(last)) = (piece.run.segment(0), piece.run.segments().next_back()) else { return };
        let is_x12 = piece.syntax == Syntax::X12;
        let number = text(&first, if is_x12 { (2, 1) } else { (1, 1) });
        let header_at = if is_x12 { (2, 0) } else { (1, 0) };
        let longest = if is_x12 { 9 } else { 14 };
        if number.is_empty() || number.chars().count() > longest {
            let found = element_finding(piece.syntax, Fault::DocumentControlNumber, &first, header_at);
            self.put(
                piece.interchange,
                piece.group,
                piece.document,
                found.because(format!("1 to {longest} characters"), format!("\"{number}\"")),
            );
        }
        if piece.run.len() <= 2 && self.interchange.is_some() {
            let empty = element_finding(piece.syntax, Fault::DocumentSegments, &first, (0, 0));
            let expected = "segments between header and trailer";
            self.put(piece.interchange, piece.group, piece.document, empty.because(expected, "none"));
        }
        let holder = self.group.as_mut().or(self.interchange.as_mut());
        let mut repeated = false;
        if let Some(open) = holder {
            open.documents += 1;
            repeated = !number.is_empty() && !open.numbers.insert(&number);
        }
        if repeated {
            let found = element_finding(piece.syntax, Fault::DocumentControlNumberRepeated, &first, header_at);
            let found = found.because("a number of its own", format!("\"{number}\" again"));
            self.put(piece.interchange, piece.group, piece.document, found);
        }
        if !is_x12 && self.group.is_none() && self.groups > 0 {
            let found = element_finding(piece.syntax, Fault::InterchangeMixed, &first, (0, 0));
            self.put(piece.interchange, 0, 0, found.because("all documents in groups, or none", "UNH outside a group"));
        }
        if is_x12 && self.group.is_none() {
            let found = element_finding(piece.syntax, Fault::InterchangeContent, &first, (0, 0));
            self.put(piece.interchange, 0, 0, found.because("GS before ST", "ST outside a group"));
        }
        self.document_trailer(piece, &last, &number);
        self.repertoire(piece);
    }

    /// Levels A and B name their characters one by one (ISO 9735-1, annex A); most senders who declare them do not keep
    /// to them, so one warning a document names the first that is outside.
    fn repertoire(&mut self, piece: &Piece<'_>) {
        let Some(level) = self.interchange.as_ref().map(|open| open.level.as_str()) else { return };
        if !matches!(level, "UNOA" | "UNOB") {
            return;
        }
        let separators = piece.run.separators;
        let own = [separators.element, separators.component, separators.segment];
        let is_outside = |byte: &u8| {
            !own.contains(byte)
                && separators.release != Some(*byte)
                && !matches!(byte, b'\r' | b'\n')
                && !in_repertoire(level, char::from(*byte))
        };
        for segment in piece.run.segments() {
            let Some(at) = segment.raw().iter().position(&is_outside) else { continue };
            let byte = segment.raw()[at];
            let shown =
                if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("byte {byte:#04x}") };
            let found = element_finding(piece.syntax, Fault::CharacterEncoding, &segment, (0, 0));
            let found = found.because(format!("characters of {level}"), format!("\"{shown}\""));
            let found = found.at(segment.offset() + at as u64, 1, segment.line());
            self.put(piece.interchange, piece.group, piece.document, found);
            return;
        }
    }

    fn document_trailer(&mut self, piece: &Piece<'_>, last: &Segment<'_>, number: &str) {
        let wanted: &[u8] = if piece.syntax == Syntax::X12 { b"SE" } else { b"UNT" };
        let owner = (piece.interchange, piece.group, piece.document);
        if !last.tag().eq_ignore_ascii_case(wanted) {
            let missing = element_finding(piece.syntax, DOCUMENT.missing, last, (0, 0));
            let found = format!("the document ends with {}", last.tag_text());
            self.put(owner.0, owner.1, owner.2, missing.because(DOCUMENT.tag(piece.syntax), found));
            return;
        }
        self.trailer(piece.syntax, owner, last, &DOCUMENT, number, (piece.segments() as u64, SEGMENTS));
    }

    fn group_trailer(&mut self, piece: &Piece<'_>) {
        let Some(trailer) = piece.run.segment(0) else { return };
        let Some(open) = self.group.take() else {
            let stray = element_finding(piece.syntax, Fault::InterchangeContent, &trailer, (0, 0));
            self.put(piece.interchange, 0, 0, stray.because("a group header before its trailer", trailer.tag_text()));
            return;
        };
        let owner = (piece.interchange, piece.group, 0);
        self.trailer(piece.syntax, owner, &trailer, &GROUP, &open.control_number, (open.documents.into(), "documents"));
    }

    fn interchange_trailer(&mut self, piece: &Piece<'_>) {
        self.close_group();
        let Some(trailer) = piece.run.segment(0) else { return };
        let Some(open) = self.interchange.take() else { return };
        let by_groups = piece.syntax == Syntax::X12 || self.groups > 0;
        let count = if by_groups { (self.groups.into(), "groups") } else { (self.documents.into(), "documents") };
        let owner = (piece.interchange, 0, 0);
        self.trailer(piece.syntax, owner, &trailer, &INTERCHANGE, &open.control_number, count);
    }

    /// Count and control number of a trailer against what was received.
    fn trailer(
        &mut self,
        syntax: Syntax,
        (interchange, group, document): (u32, u32, u32),
        trailer: &Segment<'_>,
        rules: &Trailer,
        number: &str,
        (received, counted): (u64, &str),
    ) {
        let claimed = text(trailer, (1, 1));
        if claimed.parse() != Ok(received) {
            let counted = if received == 1 { counted.trim_end_matches('s') } else { counted };
            let found = element_finding(syntax, rules.count, trailer, (1, 0));
            let found = found.because(format!("{received} {counted}"), format!("\"{claimed}\""));
            self.put(interchange, group, document, found);
        }
        let repeated = text(trailer, (2, 1));
        if repeated != number {
            let found = element_finding(syntax, rules.reference, trailer, (2, 0));
            let mut found = found.because(format!("\"{number}\" as in the header"), format!("\"{repeated}\""));
            // Numbers that differ in leading zeros only are the same number, written carelessly.
            let bare = |text: &str| text.trim_start_matches('0').to_owned();
            if bare(&repeated) == bare(number) && !repeated.is_empty() && document == 0 {
                found = found.severity(Severity::Warning);
            }
            self.put(interchange, group, document, found);
        }
    }

    /// Segments inside an interchange but in no document. X12 allows TA1 before the first group, and ISB, ISE, TA3.
    fn loose(&mut self, piece: &Piece<'_>) {
        let mut findings = Vec::new();
        for segment in piece.run.segments() {
            let tag = segment.tag().to_ascii_uppercase();
            let allowed = piece.syntax == Syntax::X12 && matches!(tag.as_slice(), b"TA1" | b"TA3" | b"ISB" | b"ISE");
            if allowed && (tag != b"TA1" || self.groups == 0) {
                continue;
            }
            let found = element_finding(piece.syntax, Fault::InterchangeContent, &segment, (0, 0));
            keep(&mut findings, found.because("only envelope segments outside a document", segment.tag_text()));
        }
        findings.into_iter().for_each(|finding| self.put(piece.interchange, 0, 0, finding));
    }

    fn close_group(&mut self) {
        if let Some(open) = self.group.take() {
            self.missing(&open, &GROUP);
        }
    }

    fn close_interchange(&mut self) {
        self.close_group();
        if let Some(open) = self.interchange.take() {
            self.missing(&open, &INTERCHANGE);
        }
    }

    fn missing(&mut self, open: &Open, rules: &Trailer) {
        let position = Position { segment: 1, ..Position::default() };
        let (offset, length, line) = open.at;
        let found = Diagnostic::new(open.syntax, rules.missing)
            .place(open.tag.clone(), open.tag.clone(), position)
            .at(offset, length, line)
            .because(rules.tag(open.syntax), format!("{} {} has no trailer", open.tag, open.control_number));
        self.put(open.interchange, open.group, 0, found);
    }

    fn put(&mut self, interchange: u32, group: u32, document: u32, diagnostic: Diagnostic) {
        let is_refusal = diagnostic.fault == Fault::InterchangeUnsupported;
        if is_refusal {
            self.refused = interchange;
        }
        if interchange > 0 && interchange == self.refused && !is_refusal {
            return;
        }
        self.found.push(EnvelopeFinding { interchange, group, document, diagnostic });
    }
}

impl Open {
    fn begin(piece: &Piece<'_>, header: &Segment<'_>, control_number: String) -> Self {
        Open {
            syntax: piece.syntax,
            interchange: piece.interchange,
            group: piece.group,
            tag: header.tag_text().into_owned(),
            control_number,
            level: text(header, (1, 1)).into_owned(),
            at: (header.offset(), header.raw().len() as u64, header.line()),
            documents: 0,
            numbers: Numbers::default(),
        }
    }
}

/// A value of an envelope segment without padding; empty when absent.
#[must_use]
pub fn text<'a>(segment: &Segment<'a>, (element, component): (usize, usize)) -> Cow<'a, str> {
    let value = segment.element(element).and_then(|value| value.component(component));
    match value.map_or(Cow::Borrowed(""), |value| value.text()) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Begins a finding about an envelope segment, or one element (and component) of it where those are not 0.
#[must_use]
pub fn element_finding(
    syntax: Syntax,
    fault: Fault,
    segment: &Segment<'_>,
    (element, component): (u16, u16),
) -> Diagnostic {
    let tag = segment.tag_text().into_owned();
    let place = match (element, component) {
        (0, _) => tag.clone(),
        (element, 0) => format!("{tag}.{element:02}"),
        (element, component) => format!("{tag}.{element:02}.{component}"),
    };
    let ordinal = u32::try_from(segment.ordinal() + 1).unwrap_or(u32::MAX);
    let position = Position { segment: ordinal, element, component, repetition: 0 };
    let value = segment.element(usize::from(element));
    let value = value.and_then(|value| if component == 0 { Some(value) } else { value.component(component.into()) });
    let (offset, length) = match value {
        Some(value) => (value.offset(), value.raw().len() as u64),
        None => (segment.offset(), segment.raw().len() as u64),
    };
    Diagnostic::new(syntax, fault).place(place, tag, position).at(offset, length, segment.line())
}
