//! Findings for people: under each faulty segment carets at the faults, then each fault with its code, sentence and
//! remedy. Text is made as the pieces come, so that a long input needs no more memory than a short one.

use crate::cli::paint::{Paint, Tone, counted, spaced};
use crate::cli::picture;
use crate::codec::segment::{DocumentReport, InterchangeReport, Piece, PieceKind};
use crate::diagnostic::{Diagnostic, Fault, Severity, quoted};
use crate::tree::{Charset, Run};
use std::borrow::Cow;
use std::ops::Range;

/// Findings printed for people, per document and per level of the envelope.
const SHOWN_MAX: usize = 20;
/// Findings printed for people in all: nobody reads more, and what goes on is counted.
const PRINTED_MAX: usize = 10_000;
/// Bytes of an open header that are kept for drawings.
const HEADER_BYTES_MAX: usize = 4 * 1024;
/// Bytes shown around a fault that lies in no segment.
const AROUND_BYTES: u64 = 40;

/// Collects the text.
pub struct Words {
    paint: Paint,
    text: String,
    /// Ordinal of the interchange whose heading was printed, and how many of its own faults were.
    interchange: (u32, usize),
    group: (u32, usize),
    /// The header segments that are open, for faults that show only at their end.
    headers: Vec<Line<'static>>,
    /// What stood last under the interchange's heading was a document or a group.
    is_inside: bool,
    /// Findings printed so far.
    printed: usize,
    documents: usize,
    valid: usize,
    errors: usize,
    warnings: usize,
}

/// Bytes of the input to draw: a segment with its terminator, as a rule.
#[derive(Clone)]
struct Line<'b> {
    offset: u64,
    number: u64,
    bytes: Cow<'b, [u8]>,
    charset: Charset,
}

impl Words {
    /// Begins.
    pub fn new(paint: Paint) -> Self {
        Words {
            paint,
            text: String::new(),
            interchange: (0, 0),
            group: (0, 0),
            headers: Vec::new(),
            is_inside: false,
            printed: 0,
            documents: 0,
            valid: 0,
            errors: 0,
            warnings: 0,
        }
    }

    /// The text made since last asked.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Errors found so far.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// What the latest piece of an interchange that goes on has shown.
    pub fn open(&mut self, report: &InterchangeReport, piece: &Piece<'_>) {
        self.heading(report);
        self.keep_header(piece);
        self.envelope(report, Some(piece));
        let is_document = piece.kind == PieceKind::Document;
        let last = report.groups.last().and_then(|group| group.documents.last());
        if let Some(document) = last.filter(|_| is_document) {
            self.document(document, piece);
        }
    }

    /// What is left to say of an interchange that has ended, or of bytes outside any.
    pub fn closed(&mut self, report: &InterchangeReport, piece: Option<&Piece<'_>>) {
        if report.number == 0 {
            return self.findings(&report.faults, piece);
        }
        self.heading(report);
        self.envelope(report, piece);
        self.headers.clear();
    }

    /// The last line.
    pub fn sum(&mut self) {
        let documents = match (self.documents, self.documents - self.valid) {
            (0, _) => "no documents".to_owned(),
            (1, 0) => "1 document, valid".to_owned(),
            (1, _) => "1 document, not valid".to_owned(),
            (all, 0) => format!("{}, all valid", counted(all, "document")),
            (all, bad) => format!("{}, {} not valid", counted(all, "document"), spaced(bad as u64)),
        };
        let mut found = Vec::new();
        if self.errors > 0 {
            found.push(self.paint.dye(Tone::Bad, &counted(self.errors, "error")));
        }
        if self.warnings > 0 {
            found.push(self.paint.dye(Tone::Doubtful, &counted(self.warnings, "warning")));
        }
        if found.is_empty() {
            found.push(self.paint.dye(Tone::Good, "no findings"));
        }
        self.text.push_str(&format!("{documents}; {}\n", found.join(", ")));
    }

    fn heading(&mut self, report: &InterchangeReport) {
        // Of XML, the envelope is known with the document.
        let is_early = report.syntax.is_by_contents() && report.groups.is_empty() && report.faults.is_empty();
        if self.interchange.0 == report.number || is_early {
            return;
        }
        self.interchange = (report.number, 0);
        self.group = (0, 0);
        self.is_inside = false;
        let envelope = &report.envelope;
        let party = |scheme: &str, value: &str| match scheme.is_empty() {
            true => quoted(value),
            false => format!("{}:{}", quoted(scheme), quoted(value)),
        };
        let sender = party(&envelope.sender.scheme, &envelope.sender.value);
        let receiver = party(&envelope.receiver.scheme, &envelope.receiver.value);
        let test = if envelope.test { ", test" } else { "" };
        let control = quoted(&envelope.interchange_control_number);
        let title = self.paint.dye(Tone::Strong, format!("interchange {} {control}", report.number).trim_end());
        let parties = if sender.is_empty() && receiver.is_empty() {
            String::new()
        } else {
            format!(" from {sender} to {receiver}")
        };
        self.text.push_str(&format!("{title}{parties}{test}\n"));
    }

    /// Faults of the interchange and of its present group that were not printed yet.
    fn envelope(&mut self, report: &InterchangeReport, piece: Option<&Piece<'_>>) {
        if let Some(group) = report.groups.last() {
            if self.group.0 != group.number {
                self.group = (group.number, 0);
            }
            let new = group.faults.get(self.group.1..).unwrap_or_default();
            if !new.is_empty() {
                let title = format!("group {} {}", group.number, quoted(&group.envelope.group_control_number));
                self.text.push_str(&format!("{}\n", self.paint.dye(Tone::Strong, &title)));
                self.is_inside = true;
                self.findings(new, piece);
            }
            self.group.1 = group.faults.len();
        }
        let new = report.faults.get(self.interchange.1..).unwrap_or_default();
        if !new.is_empty() && self.is_inside {
            let title =
                format!("interchange {} {}", report.number, quoted(&report.envelope.interchange_control_number));
            self.text.push_str(&format!("{}\n", self.paint.dye(Tone::Strong, &title)));
            self.is_inside = false;
        }
        self.interchange.1 = report.faults.len();
        self.findings(new, piece);
    }

    fn document(&mut self, document: &DocumentReport, piece: &Piece<'_>) {
        self.is_inside = true;
        self.documents += 1;
        self.valid += usize::from(document.is_valid());
        let errors = document.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        let verdict = match (errors, document.faults.len()) {
            (0, 0) => self.paint.dye(Tone::Good, "valid"),
            (0, warnings) => self.paint.dye(Tone::Doubtful, &format!("valid, {}", counted(warnings, "warning"))),
            (errors, _) => self.paint.dye(Tone::Bad, &counted(errors, "error")),
        };
        let envelope = &document.envelope;
        let kind = match envelope.document_type.as_str() {
            "" => "of no type".to_owned(),
            kind => format!("{} {}", quoted(kind), quoted(&envelope.version)),
        };
        let number = quoted(&envelope.document_control_number);
        let title = self.paint.dye(Tone::Strong, &format!("document {number} {kind}"));
        self.text.push_str(&format!("{title}: {verdict}\n"));
        self.findings(&document.faults, Some(piece));
    }

    /// Findings in their order, those of one segment under one drawing of it.
    fn findings(&mut self, faults: &[Diagnostic], piece: Option<&Piece<'_>>) {
        self.errors += faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        self.warnings += faults.iter().filter(|fault| fault.severity == Severity::Warning).count();
        let room = PRINTED_MAX - self.printed;
        let shown = &faults[..faults.len().min(SHOWN_MAX).min(room)];
        self.printed += shown.len();
        let lines: Vec<Option<Line<'_>>> = shown.iter().map(|fault| self.line(fault, piece)).collect();
        let mut from = 0;
        while from < shown.len() {
            let here = lines[from].as_ref().map(|line| line.offset);
            let fellows = lines[from..].iter().take_while(|line| line.as_ref().map(|line| line.offset) == here);
            let until = from + if here.is_some() { fellows.count() } else { 1 };
            self.segment(&shown[from..until], lines[from].as_ref());
            from = until;
        }
        if faults.len() > shown.len() && room > 0 {
            let more = counted(faults.len() - shown.len(), "finding");
            self.text.push_str(&format!("    … and {more} more; --json lists 100\n"));
        }
        if self.printed == PRINTED_MAX && room > 0 {
            let printed = counted(PRINTED_MAX, "finding");
            self.text.push_str(&format!("    … {printed} are printed; what follows is counted only\n"));
        }
    }

    fn segment(&mut self, faults: &[Diagnostic], line: Option<&Line<'_>>) {
        let mut ordered: Vec<(Range<usize>, &Diagnostic)> =
            faults.iter().map(|fault| (line.map_or(0..0, |line| marked(fault, line)), fault)).collect();
        ordered.sort_by_key(|(mark, _)| mark.start);
        let is_numbered = ordered.len() > 1;
        if let Some(line) = line {
            let marks: Vec<_> = ordered.iter().map(|(mark, _)| mark.clone()).collect();
            for picture in picture::draw(&line.bytes, line.charset, &marks, is_numbered) {
                let margin = format!("{:>6}", line.number);
                let (margin, blank) = (self.paint.dye(Tone::Faint, &format!("{margin} | ")), " ".repeat(6));
                let blank = self.paint.dye(Tone::Faint, &format!("{blank} | "));
                let carets = self.paint.dye(tone(faults), &picture.carets);
                self.text.push_str(&format!("{margin}{}\n{blank}{carets}\n", picture.text));
                if !picture.numbers.is_empty() {
                    self.text.push_str(&format!("{blank}{}\n", picture.numbers));
                }
            }
        }
        for (index, (_, fault)) in ordered.iter().enumerate() {
            let number = if is_numbered && line.is_some() { format!("{} ", index + 1) } else { String::new() };
            self.finding(&number, fault);
        }
    }

    fn finding(&mut self, number: &str, fault: &Diagnostic) {
        let severity = match fault.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let severity = self.paint.dye(tone(std::slice::from_ref(fault)), severity);
        let code = self.paint.dye(Tone::Strong, &fault.code());
        let remedy = self.paint.dye(Tone::Faint, &format!("remedy: {}", fault.fault.info().remedy));
        self.text.push_str(&format!("    {number}{severity} {code}\n      {}\n      {remedy}\n", fault.message()));
    }

    /// The bytes a finding is about: its segment in the piece at hand or an open header; else what lies around it.
    fn line<'p>(&self, fault: &Diagnostic, piece: Option<&'p Piece<'_>>) -> Option<Line<'p>> {
        if fault.length == 0 && fault.place.is_empty() {
            return None;
        }
        let here = piece.and_then(|piece| in_run(&piece.run, fault));
        here.or_else(|| self.headers.iter().find(|line| line.offset == fault.offset).cloned())
    }

    fn keep_header(&mut self, piece: &Piece<'_>) {
        let is_header = matches!(piece.kind, PieceKind::InterchangeHeader | PieceKind::GroupHeader);
        let Some(segment) = piece.run.segment(0).filter(|_| is_header) else { return };
        // One interchange header and the latest group header are open at most.
        self.headers.truncate(1);
        self.headers.extend(line_at(&piece.run, segment.offset()).map(|line| {
            let kept = &line.bytes[..line.bytes.len().min(HEADER_BYTES_MAX)];
            Line { bytes: Cow::Owned(kept.to_vec()), ..line }
        }));
    }
}

fn tone(faults: &[Diagnostic]) -> Tone {
    match faults.iter().map(|fault| fault.severity).max() {
        Some(Severity::Error) => Tone::Bad,
        Some(Severity::Warning) => Tone::Doubtful,
        _ => Tone::Place,
    }
}

fn in_run<'b>(run: &Run<'b>, fault: &Diagnostic) -> Option<Line<'b>> {
    let end = run.offset + run.bytes.len() as u64;
    if fault.offset < run.offset || fault.offset > end {
        return None;
    }
    line_at(run, fault.offset).or_else(|| {
        let from = fault.offset.saturating_sub(AROUND_BYTES).max(run.offset);
        let to = (fault.offset + fault.length.min(AROUND_BYTES) + AROUND_BYTES).min(end);
        let bytes = run.bytes.get((from - run.offset) as usize..(to - run.offset) as usize)?;
        Some(Line { offset: from, number: fault.line, bytes: Cow::Borrowed(bytes), charset: run.charset })
    })
}

/// The segment at an offset, with its terminator.
fn line_at<'b>(run: &Run<'b>, offset: u64) -> Option<Line<'b>> {
    let at = u32::try_from(offset.checked_sub(run.offset)?).ok()?;
    let ordinal = run.index.segments.partition_point(|mark| mark.start <= at).checked_sub(1)?;
    let segment = run.segment(ordinal)?;
    let start = segment.offset() - run.offset;
    let bytes = run.bytes.get(start as usize..segment.after())?;
    (u64::from(at) <= start + bytes.len() as u64).then(|| Line {
        offset: segment.offset(),
        number: segment.line(),
        bytes: Cow::Borrowed(bytes),
        charset: run.charset,
    })
}

/// Which bytes of a line a finding means: the element where it names one, at the segment's end where that is not
/// there; of a missing segment the tag before which it is missed.
fn marked(fault: &Diagnostic, line: &Line<'_>) -> Range<usize> {
    let start = usize::try_from(fault.offset.saturating_sub(line.offset)).unwrap_or(0).min(line.bytes.len());
    let end = start.saturating_add(usize::try_from(fault.length).unwrap_or(usize::MAX)).min(line.bytes.len());
    let is_whole = start == 0 && end + 1 >= line.bytes.len();
    if is_whole && fault.position.element > 0 {
        return end..end;
    }
    if fault.fault == Fault::SegmentMissing {
        let tag = line.bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        return start..start + tag;
    }
    start..end
}
