//! CONTRL (ISO 9735-1, annex; UN/EDIFACT syntax and service report message): made from the findings of an
//! interchange; those of partners are read in `answers`.
//!
//! One CONTRL an interchange. Action 7 acknowledges a level and all below it that is not rejected by name, 4 rejects a
//! level and all below it. UCI repeats sender and receiver as they were received, not swapped.

use crate::codec::segment::{
    AckChoice, DocumentReport, GroupReport, HeaderValues, InterchangeReport, Stamp, Verdict, is_noted,
};
use crate::diagnostic::{Diagnostic, Effect, Level, Severity};
use crate::tree::{DocumentDraft, DraftSegment, GroupDraft, InterchangeDraft, Separators, Style};

/// Most UCS groups in one UCM, and UCD in one UCS.
const SEGMENT_NOTES_MAX: usize = 999;
const ELEMENT_NOTES_MAX: usize = 99;
/// Rejects this level and all below (0083).
const REJECTED: &str = "4";
/// Acknowledges this level and all below that is not rejected by name (0083).
const ACKNOWLEDGED: &str = "7";

/// The interchange came (0083): said where nobody wants to hear of its documents.
const RECEIVED: &str = "8";

/// The interchange that answers `report`, or nothing when none is due: never a CONTRL for CONTRL, and never two. Where
/// only the technical level is due, it says no more than that the interchange came, or was refused.
#[must_use]
pub fn acknowledge(report: &InterchangeReport, choice: &AckChoice, stamp: &Stamp) -> Option<InterchangeDraft> {
    if report.only_answers() {
        return None;
    }
    let reach = choice.reach_of("CONTRL");
    let clean = report.verdict() != Verdict::Rejected
        && report.groups.iter().all(|group| group.verdict() != Verdict::Rejected)
        && report.groups.iter().flat_map(|group| &group.documents).all(|one| one.verdict(reach) == Verdict::Accepted);
    let asked = report.envelope.acknowledgment_requested;
    let is_functional = choice.functional.is_due(asked, clean);
    if !is_functional && !choice.technical.is_due(asked, report.verdict() != Verdict::Rejected) {
        return None;
    }
    let version = component(&report.header, 1, 2);
    let modern = version == "4";
    let style = style(report, modern);
    let rejected = report.verdict() == Verdict::Rejected;
    let action = match (rejected, is_functional) {
        (true, _) => REJECTED,
        (false, true) => ACKNOWLEDGED,
        (false, false) => RECEIVED,
    };
    let mut segments = vec![interchange_response(report, action)];
    for group in report.groups.iter().filter(|_| action == ACKNOWLEDGED) {
        self::group(group, modern, reach, &mut segments);
    }
    let document = DocumentDraft {
        kind: "CONTRL".to_owned(),
        version: if modern { "4.1" } else { "D.3" }.to_owned(),
        guide: String::new(),
        control_number: "1".to_owned(),
        segments,
    };
    let party = |element: usize| [2, 1].map(|one| component(&report.header, element, one).trim().to_owned());
    Some(InterchangeDraft {
        sender: party(3),
        receiver: party(2),
        control_number: stamp.interchange_control_number.clone(),
        prepared: stamp.prepared,
        test: report.envelope.test,
        acknowledgment_requested: false,
        style,
        technical: Vec::new(),
        groups: vec![GroupDraft { documents: vec![document], ..GroupDraft::default() }],
    })
}

/// Whether a CONTRL says no more than that the interchange came.
#[must_use]
pub fn says_only_received(draft: &InterchangeDraft) -> bool {
    let document = draft.groups.first().and_then(|group| group.documents.first());
    let uci = document.and_then(|document| document.segments.first());
    let action = uci.and_then(|uci| uci.elements.get(3)?.first()?.first());
    action.is_some_and(|action| action == RECEIVED)
}

/// Mirrors separators, syntax level and version of what was received.
fn style(report: &InterchangeReport, modern: bool) -> Style {
    let usable = report.faults.iter().all(|fault| fault.fault != crate::diagnostic::Fault::SeparatorInvalid);
    let identifier = component(&report.header, 1, 1);
    let known = crate::tree::Charset::of_syntax_identifier(identifier.as_bytes()).is_some();
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
            uci.set(to, part, component(&report.header, from, part).trim());
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
fn error_place(segment: &mut DraftSegment, at: usize, fault: &Diagnostic) {
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

/// UCF for a group, then UCM for what is rejected in it; a group rejected as a whole has no UCM.
fn group(group: &GroupReport, modern: bool, reach: Effect, segments: &mut Vec<DraftSegment>) {
    let rejected = group.verdict() == Verdict::Rejected;
    let wrong = |document: &&DocumentReport| document.verdict(reach) != Verdict::Accepted;
    let documents: Vec<_> = group.documents.iter().filter(|_| !rejected).filter(wrong).collect();
    if !group.header.is_empty() && (rejected || !documents.is_empty()) {
        let mut ucf = DraftSegment::simple("UCF", &[component(&group.header, 5, 1)]);
        for (to, from) in [(2, 2), (3, 3)] {
            for part in 1..=2 {
                ucf.set(to, part, component(&group.header, from, part));
            }
        }
        ucf.set(4, 1, if rejected { REJECTED } else { ACKNOWLEDGED });
        if let Some(fault) = group.faults.iter().find(|fault| fault.severity == Severity::Error) {
            ucf.set(5, 1, fault.fault.info().edifact);
            error_place(&mut ucf, 6, fault);
        }
        segments.push(ucf);
    }
    documents.into_iter().for_each(|document| self::document(document, modern, reach, segments));
}

/// UCM, then UCS for each faulty segment and UCD for its elements.
fn document(document: &DocumentReport, modern: bool, reach: Effect, segments: &mut Vec<DraftSegment>) {
    let mut ucm = DraftSegment::simple("UCM", &[component(&document.header, 1, 1)]);
    for part in 1..=5 {
        ucm.set(2, part, component(&document.header, 2, part));
    }
    let rejected = document.verdict(reach) == Verdict::Rejected;
    ucm.set(3, 1, if rejected { REJECTED } else { ACKNOWLEDGED });
    let noted = || document.faults.iter().filter(|fault| is_noted(fault, reach, fault.fault.info().edifact));
    let inner = |fault: &&Diagnostic| matches!(fault.fault.info().level, Level::Segment | Level::Element);
    let is_own = |fault: &&Diagnostic| !inner(fault) || fault.position.segment == 0;
    if let Some(fault) = noted().find(is_own) {
        ucm.set(4, 1, code(fault));
        error_place(&mut ucm, 5, fault);
    }
    segments.push(ucm);
    let mut inside: Vec<&Diagnostic> = noted().filter(inner).filter(|fault| fault.position.segment > 0).collect();
    inside.sort_by_key(|fault| fault.position.segment);
    for chunk in inside.chunk_by(|a, b| a.position.segment == b.position.segment).take(SEGMENT_NOTES_MAX) {
        segment_notes(chunk, modern, segments);
    }
}

/// UCS with the segment's own error, or none when the errors are its elements'; then a UCD each.
fn segment_notes(faults: &[&Diagnostic], modern: bool, segments: &mut Vec<DraftSegment>) {
    let Some(first) = faults.first() else { return };
    let own = faults.iter().find(|fault| fault.fault.info().level == Level::Segment);
    let segment_code = own.map_or("", |fault| code(fault));
    segments.push(DraftSegment::simple("UCS", &[&first.position.segment.to_string(), segment_code]));
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
        segments.push(ucd);
    }
}

/// 0085 of a finding; guide and business have no codes of their own there: an invalid value.
fn code(fault: &Diagnostic) -> &'static str {
    let info = fault.fault.info();
    if info.effect == Effect::Syntax { info.edifact } else { "12" }
}

fn component(header: &HeaderValues, element: usize, component: usize) -> &str {
    header.get(element - 1).and_then(|components| components.get(component - 1)).map_or("", String::as_str)
}
