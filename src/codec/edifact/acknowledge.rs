//! CONTRL (ISO 9735-1, annex; UN/EDIFACT syntax and service report message): made from the findings of an
//! interchange, and read when a partner sends it.
//!
//! One CONTRL an interchange. Action 7 acknowledges a level and all below it that is not rejected by name, 4 rejects a
//! level and all below it. UCI repeats sender and receiver as they were received, not swapped.

use crate::codec::segment::{
    AckChoice, Answer, Answered, DocumentReport, GroupReport, HeaderValues, InterchangeReport, Stamp, Verdict, text,
};
use crate::diagnostic::{Diagnostic, Effect, Level, Severity};
use crate::tree::{DocumentDraft, DraftSegment, GroupDraft, InterchangeDraft, Run, Separators, Style};

/// Most UCS groups in one UCM, and UCD in one UCS.
const SEGMENT_NOTES_MAX: usize = 999;
const ELEMENT_NOTES_MAX: usize = 99;
/// Rejects this level and all below (0083).
const REJECTED: &str = "4";
/// Acknowledges this level and all below that is not rejected by name (0083).
const ACKNOWLEDGED: &str = "7";

/// The interchange that answers `report`, or nothing when none is due: never a CONTRL for CONTRL.
#[must_use]
pub fn acknowledge(report: &InterchangeReport, choice: &AckChoice, stamp: &Stamp) -> Option<InterchangeDraft> {
    let documents = || report.groups.iter().flat_map(|group| &group.documents);
    let only_answers = documents().all(|document| document.envelope.document_type == "CONTRL");
    if documents().next().is_some() && only_answers {
        return None;
    }
    let clean = report.verdict() != Verdict::Rejected
        && report.groups.iter().all(|group| group.verdict() != Verdict::Rejected)
        && documents().all(|document| document.verdict() == Verdict::Accepted);
    if !choice.functional.is_due(report.envelope.acknowledgment_requested, clean) {
        return None;
    }
    let version = component(&report.header, 1, 2);
    let modern = version == "4";
    let style = style(report, modern);
    let mut segments = Vec::new();
    let rejected = report.verdict() == Verdict::Rejected;
    segments.push(interchange_response(report, rejected));
    if !rejected {
        for group in &report.groups {
            self::group(group, modern, &mut segments);
        }
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
fn interchange_response(report: &InterchangeReport, rejected: bool) -> DraftSegment {
    let mut uci = DraftSegment::simple("UCI", &[component(&report.header, 5, 1)]);
    for (to, from) in [(2, 2), (3, 3)] {
        for part in 1..=3 {
            uci.set(to, part, component(&report.header, from, part).trim());
        }
    }
    uci.set(4, 1, if rejected { REJECTED } else { ACKNOWLEDGED });
    let worst = report.faults.iter().find(|fault| fault.severity == Severity::Error);
    if let Some(fault) = worst.filter(|_| rejected) {
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
fn group(group: &GroupReport, modern: bool, segments: &mut Vec<DraftSegment>) {
    let rejected = group.verdict() == Verdict::Rejected;
    let wrong = |document: &&DocumentReport| document.verdict() != Verdict::Accepted;
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
    documents.into_iter().for_each(|document| self::document(document, modern, segments));
}

/// UCM, then UCS for each faulty segment and UCD for its elements.
fn document(document: &DocumentReport, modern: bool, segments: &mut Vec<DraftSegment>) {
    let mut ucm = DraftSegment::simple("UCM", &[component(&document.header, 1, 1)]);
    for part in 1..=5 {
        ucm.set(2, part, component(&document.header, 2, part));
    }
    let rejected = document.verdict() == Verdict::Rejected;
    ucm.set(3, 1, if rejected { REJECTED } else { ACKNOWLEDGED });
    let noted = || document.faults.iter().filter(|fault| is_noted(fault));
    if let Some(fault) = noted().find(|fault| fault.fault.info().level == Level::Document) {
        ucm.set(4, 1, fault.fault.info().edifact);
        error_place(&mut ucm, 5, fault);
    }
    segments.push(ucm);
    let inner = |fault: &&Diagnostic| matches!(fault.fault.info().level, Level::Segment | Level::Element);
    let mut inside: Vec<&Diagnostic> = noted().filter(inner).collect();
    inside.sort_by_key(|fault| fault.position.segment);
    for chunk in inside.chunk_by(|a, b| a.position.segment == b.position.segment).take(SEGMENT_NOTES_MAX) {
        segment_notes(chunk, modern, segments);
    }
}

/// UCS with the segment's own error, or none when the errors are its elements'; then a UCD each.
fn segment_notes(faults: &[&Diagnostic], modern: bool, segments: &mut Vec<DraftSegment>) {
    let Some(first) = faults.first() else { return };
    let own = faults.iter().find(|fault| fault.fault.info().level == Level::Segment);
    let code = own.map_or("", |fault| fault.fault.info().edifact);
    segments.push(DraftSegment::simple("UCS", &[&first.position.segment.to_string(), code]));
    let elements = faults.iter().filter(|fault| fault.fault.info().level == Level::Element);
    for fault in elements.take(ELEMENT_NOTES_MAX) {
        let mut ucd = DraftSegment::simple("UCD", &[fault.fault.info().edifact]);
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

fn is_noted(fault: &Diagnostic) -> bool {
    let info = fault.fault.info();
    info.effect == Effect::Syntax && fault.severity >= Severity::Warning && !info.edifact.is_empty()
}

fn component(header: &HeaderValues, element: usize, component: usize) -> &str {
    header.get(element - 1).and_then(|components| components.get(component - 1)).map_or("", String::as_str)
}

/// What a CONTRL says: one answer for the interchange, one for each group or document it names.
#[must_use]
pub fn answers(run: &Run<'_>) -> Vec<Answer> {
    let mut found: Vec<Answer> = Vec::new();
    let mut interchange = Answered::default();
    let mut group = Answered::default();
    for segment in run.segments() {
        let field = |element: usize, component: usize| text(&segment, (element, component));
        let code = |element: usize| Some(field(element, 1)).filter(|code| !code.is_empty()).into_iter().collect();
        let (about, action, codes) = match segment.tag() {
            b"UCI" => {
                interchange = Answered { interchange_control_number: field(1, 1), ..Answered::default() };
                group = interchange.clone();
                (interchange.clone(), field(4, 1), code(5))
            }
            b"UCF" => {
                group = Answered { group_control_number: field(1, 1), ..interchange.clone() };
                (group.clone(), field(4, 1), code(5))
            }
            b"UCM" => {
                let about =
                    Answered { document_control_number: field(1, 1), document_type: field(2, 1), ..group.clone() };
                (about, field(3, 1), code(4))
            }
            b"UCS" | b"UCD" => {
                if let Some(open) = found.last_mut() {
                    open.notes.push(match segment.tag() {
                        b"UCS" => format!("segment {}: code {}", field(1, 1), field(2, 1)),
                        _ => format!("element {}: code {}", field(2, 1), field(1, 1)),
                    });
                }
                continue;
            }
            _ => continue,
        };
        found.push(Answer { kind: "contrl", about, verdict: verdict_of(&action), codes, notes: Vec::new() });
    }
    found
}

/// 0083: 4 rejects; 7 acknowledges; 8 says the interchange came. A UCM with 7 and notes is accepted with errors.
fn verdict_of(action: &str) -> Verdict {
    if action == REJECTED { Verdict::Rejected } else { Verdict::Accepted }
}
