//! CONTRL (ISO 9735-1, annex; UN/EDIFACT syntax and service report message): made from the findings of an
//! interchange; those of partners are read in `answers`.
//!
//! One CONTRL an interchange. Action 7 acknowledges a level and all below it that is not rejected by name, 4 rejects a
//! level and all below it. UCI repeats sender and receiver as they were received, not swapped.

use super::encode::{begin_document, end_document};
use crate::codec::segment::{
    ANSWERS, AckChoice, Acknowledgment, DocumentReport, GroupAnswer, GroupOfAnswers, GroupReport, HeaderValues,
    InterchangeReport, Loops, Verdict, Writer, is_noted,
};
use crate::diagnostic::{Diagnostic, Effect, Fault, Level, Severity, Syntax};
use crate::tree::{Charset, DocumentDraft, DraftSegment, GroupDraft, Separators, Style};

/// Most UCS groups in one UCM, and UCD in one UCS.
const SEGMENT_NOTES_MAX: usize = 999;
const ELEMENT_NOTES_MAX: usize = 99;
/// Rejects this level and all below (0083).
const REJECTED: &str = "4";
/// Acknowledges this level and all below that is not rejected by name (0083).
const ACKNOWLEDGED: &str = "7";

/// The interchange came (0083): said where nobody wants to hear of its documents.
const RECEIVED: &str = "8";

/// The answer to an interchange, as far as that was read.
pub struct Acknowledging {
    choice: AckChoice,
    reach: Effect,
    /// Syntax 4.
    modern: bool,
    style: Style,
    /// UCM to UCD for what is rejected in the open group.
    loops: Loops,
    /// UCF to UCD for the groups before it.
    groups: Writer,
    /// The harshest verdict on groups and documents.
    worst: Verdict,
    /// There were documents, and all of them answer.
    has_documents: bool,
    only_answers: bool,
}

impl Acknowledging {
    /// Begins; UNB was read.
    #[must_use]
    pub fn new(report: &InterchangeReport, choice: AckChoice) -> Self {
        let modern = component(&report.header, 1, 2) == "4";
        let style = style(report, modern);
        Acknowledging {
            choice,
            reach: choice.reach_of("CONTRL"),
            modern,
            loops: Loops::new(Syntax::Edifact, &style),
            groups: Writer::new(Syntax::Edifact, &style),
            style,
            worst: Verdict::Accepted,
            has_documents: false,
            only_answers: true,
        }
    }

    /// Takes the next document of the open group; where there are no groups, of the interchange.
    pub fn document(&mut self, document: &DocumentReport) {
        self.has_documents = true;
        self.only_answers &= ANSWERS.contains(&document.envelope.document_type.as_str());
        let verdict = document.verdict(self.reach);
        self.loops.tally.note(verdict);
        if verdict != Verdict::Accepted {
            self::document(document, verdict, self.modern, self.reach, &mut self.loops.writer);
        }
    }

    /// The group has ended: UCF, then what is rejected in it; a group rejected as a whole has no UCM.
    pub fn group(&mut self, group: &GroupReport) {
        let (loops, segments, tally) = self.loops.end();
        let faults = self.loops.writer.take_faults();
        let rejected = group.verdict() == Verdict::Rejected;
        self.worst = self.worst.max(group.verdict()).max(tally.worst());
        if !group.header.is_empty() && (rejected || segments > 0) {
            self.groups.segment(&group_response(group, rejected));
        }
        if !rejected {
            self.groups.append(&loops, segments);
            self.groups.fail(faults);
        }
    }

    /// The interchange has ended. Never a CONTRL for CONTRL, and never two. Where only the technical level is due, it says
    /// no more than that the interchange came, or was refused.
    #[must_use]
    pub fn end(mut self, report: &InterchangeReport) -> Option<Acknowledgment> {
        if self.has_documents && self.only_answers {
            return None;
        }
        let rejected = report.verdict() == Verdict::Rejected;
        let asked = report.envelope.acknowledgment_requested;
        let is_functional = self.choice.functional.is_due(asked, !rejected && self.worst == Verdict::Accepted);
        if !is_functional && !self.choice.technical.is_due(asked, !rejected) {
            return None;
        }
        let action = match (rejected, is_functional) {
            (true, _) => REJECTED,
            (false, true) => ACKNOWLEDGED,
            (false, false) => RECEIVED,
        };
        let document = DocumentDraft {
            standard: String::new(),
            kind: "CONTRL".to_owned(),
            version: if self.modern { "4.1" } else { "D.3" }.to_owned(),
            guide: String::new(),
            control_number: "1".to_owned(),
            segments: Vec::new(),
        };
        let mut writer = Writer::new(Syntax::Edifact, &self.style);
        begin_document(&mut writer, &document);
        writer.segment(&interchange_response(report, action));
        if action == ACKNOWLEDGED {
            let segments = self.groups.segments();
            writer.append(&self.groups.take(), segments);
            writer.fail(self.groups.take_faults());
        }
        end_document(&mut writer, &document);
        let verdict = if action == RECEIVED { report.verdict() } else { self.worst.max(report.verdict()) };
        let party = |element: usize| [2, 1].map(|one| component(&report.header, element, one).trim().to_owned());
        Some(Acknowledgment {
            syntax: Syntax::Edifact,
            sender: party(3),
            receiver: party(2),
            test: report.envelope.test,
            style: self.style,
            technical: None,
            faults: writer.take_faults(),
            groups: vec![GroupOfAnswers { head: GroupDraft::default(), bytes: writer.take(), documents: 1 }],
            answers: vec![GroupAnswer {
                at: 0,
                document,
                group_number: 0,
                group_control_number: String::new(),
                verdict,
            }],
            is_functional: action != RECEIVED,
        })
    }
}

/// Mirrors separators, syntax level and version of what was received.
fn style(report: &InterchangeReport, modern: bool) -> Style {
    let usable = report.faults.iter().all(|fault| fault.fault != Fault::SeparatorInvalid);
    let identifier = component(&report.header, 1, 1);
    let known = Charset::of_syntax_identifier(identifier.as_bytes()).is_some();
    let default = Separators { repetition: modern.then_some(b'*'), ..Separators::EDIFACT };
    let separators = if usable { report.separators } else { default };
    let version = component(&report.header, 1, 2);
    Style {
        separators,
        advice: separators != default,
        syntax_version: if version.is_empty() { "3".to_owned() } else { version.to_owned() },
        syntax_identifier: if known { identifier.to_owned() } else { "UNOC".to_owned() },
        line_end: if separators.segment.is_ascii_whitespace() { String::new() } else { "\n".to_owned() },
        ..Style::edifact()
    }
}

/// UCI: reference and parties as received, the action, and when rejected the error with its place.
fn interchange_response(report: &InterchangeReport, action: &str) -> DraftSegment {
    let mut uci = DraftSegment::simple("UCI", &[component(&report.header, 5, 1)]);
    for (to, from) in [(2, 2), (3, 3)] {
        for part in 1..=3 {
            uci.set(to, part, component(&report.header, from, part.into()).trim());
        }
    }
    uci.set(4, 1, action);
    let worst = report.faults.iter().find(|fault| fault.severity == Severity::Error);
    if let Some(fault) = worst.filter(|_| action == REJECTED) {
        uci.set(5, 1, fault.fault.info().edifact);
        error_place(&mut uci, 6, fault);
    }
    uci
}

/// 0013 (which service segment) and S011 (which element of it) after an error code.
fn error_place(segment: &mut DraftSegment, at: u16, fault: &Diagnostic) {
    if fault.tag.starts_with("UN") && fault.tag.len() == 3 {
        segment.set(at, 1, fault.tag.clone());
        if fault.position.element > 0 {
            // 0098 counts the segment's tag as position 1.
            segment.set(at + 1, 1, (fault.position.element + 1).to_string());
            if fault.position.component > 0 {
                segment.set(at + 1, 2, fault.position.component.to_string());
            }
        }
    }
}

/// UCF: reference and parties as received, the action, and the error with its place.
fn group_response(group: &GroupReport, rejected: bool) -> DraftSegment {
    let mut ucf = DraftSegment::simple("UCF", &[component(&group.header, 5, 1)]);
    for (to, from) in [(2, 2), (3, 3)] {
        for part in 1..=2 {
            ucf.set(to, part, component(&group.header, from, part.into()));
        }
    }
    ucf.set(4, 1, if rejected { REJECTED } else { ACKNOWLEDGED });
    if let Some(fault) = group.faults.iter().find(|fault| fault.severity == Severity::Error) {
        ucf.set(5, 1, fault.fault.info().edifact);
        error_place(&mut ucf, 6, fault);
    }
    ucf
}

/// UCM, then UCS for each faulty segment and UCD for its elements.
fn document(document: &DocumentReport, verdict: Verdict, modern: bool, reach: Effect, writer: &mut Writer) {
    let mut ucm = DraftSegment::simple("UCM", &[component(&document.header, 1, 1)]);
    for part in 1..=5 {
        ucm.set(2, part, component(&document.header, 2, part.into()));
    }
    ucm.set(3, 1, if verdict == Verdict::Rejected { REJECTED } else { ACKNOWLEDGED });
    let noted = || document.faults.iter().filter(|fault| is_noted(fault, reach, fault.fault.info().edifact));
    let inner = |fault: &&Diagnostic| matches!(fault.fault.info().level, Level::Segment | Level::Element);
    let is_own = |fault: &&Diagnostic| !inner(fault) || fault.position.segment == 0;
    if let Some(fault) = noted().find(is_own) {
        ucm.set(4, 1, code(fault));
        error_place(&mut ucm, 5, fault);
    }
    writer.segment(&ucm);
    let mut inside: Vec<&Diagnostic> = noted().filter(inner).filter(|fault| fault.position.segment > 0).collect();
    inside.sort_by_key(|fault| fault.position.segment);
    for chunk in inside.chunk_by(|a, b| a.position.segment == b.position.segment).take(SEGMENT_NOTES_MAX) {
        segment_notes(chunk, modern, writer);
    }
}

/// UCS with the segment's own error, or none when the errors are its elements'; then a UCD each.
fn segment_notes(faults: &[&Diagnostic], modern: bool, writer: &mut Writer) {
    let Some(first) = faults.first() else { return };
    let own = faults.iter().find(|fault| fault.fault.info().level == Level::Segment);
    let segment_code = own.map_or("", |fault| code(fault));
    writer.simple("UCS", &[&first.position.segment.to_string(), segment_code]);
    let elements = faults.iter().filter(|fault| fault.fault.info().level == Level::Element);
    for fault in elements.take(ELEMENT_NOTES_MAX) {
        let mut ucd = DraftSegment::simple("UCD", &[code(fault)]);
        // 0098 counts the segment's tag as position 1.
        ucd.set(2, 1, (fault.position.element + 1).to_string());
        if fault.position.component > 0 {
            ucd.set(2, 2, fault.position.component.to_string());
        }
        if modern && fault.position.repetition > 0 {
            ucd.set(2, 3, fault.position.repetition.to_string());
        }
        writer.segment(&ucd);
    }
}

/// 0085 of a finding; guide and business have no codes of their own there: an invalid value.
fn code(fault: &Diagnostic) -> &'static str {
    let info = fault.fault.info();
    if info.effect == Effect::Syntax { info.edifact } else { "12" }
}

fn component(header: &HeaderValues, element: usize, component: usize) -> &str {
    header.value(element, component)
}
