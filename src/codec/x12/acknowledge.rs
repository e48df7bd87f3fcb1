//! TA1, 997 and 999: made from the findings of an interchange, and read when a partner sends them.
//!
//! Made by X12.5 (TA1), the 997 of X12.20 and the 999 of 005010X231. What is answered when is the agreement's choice;
//! what an answer refers to is found by the ledger.

use crate::codec::segment::{
    AckChoice, Answer, Answered, DocumentReport, GroupReport, HeaderValues, InterchangeReport, Stamp, Verdict, text,
};
use crate::diagnostic::{Diagnostic, Effect, Fault, Level, Severity};
use crate::tree::{DocumentDraft, DraftSegment, GroupDraft, InterchangeDraft, Run, Segment, Separators, Style};

/// Most codes that AK5 and AK9 hold.
const CODES_MAX: usize = 5;
/// Most AK4 in one AK3 loop (997, 004010).
const ELEMENT_NOTES_MAX: usize = 99;

/// The interchange that answers `report`, or nothing when none is due: an interchange of acknowledgments is not
/// acknowledged, and after a TA1 that rejects no 997 follows.
#[must_use]
pub fn acknowledge(report: &InterchangeReport, choice: &AckChoice, stamp: &Stamp) -> Option<InterchangeDraft> {
    let answerable = |group: &&GroupReport| !group.header.is_empty() && group.envelope.group_type != "FA";
    let groups: Vec<&GroupReport> = report.groups.iter().filter(answerable).collect();
    if groups.is_empty() && report.verdict() == Verdict::Accepted {
        return None;
    }
    let style = style(report);
    let technical: Vec<DraftSegment> = technical(report, choice).into_iter().collect();
    let rejected = report.verdict() == Verdict::Rejected;
    let mut documents = Vec::new();
    for group in groups.iter().filter(|_| !rejected) {
        let clean = group.verdict() == Verdict::Accepted
            && group.documents.iter().all(|document| document.verdict() == Verdict::Accepted);
        if choice.functional.is_due(report.envelope.acknowledgment_requested, clean) {
            let number = (documents.len() + 1).to_string();
            documents.push(functional(group, choice, &style.separators, number));
        }
    }
    if technical.is_empty() && documents.is_empty() {
        return None;
    }
    let first = groups.first();
    let group = |documents: Vec<DocumentDraft>| GroupDraft {
        kind: "FA".to_owned(),
        sender: first.map_or(String::new(), |group| group.envelope.group_receiver.clone()),
        receiver: first.map_or(String::new(), |group| group.envelope.group_sender.clone()),
        control_number: stamp.group_control_number.clone(),
        version: documents
            .first()
            .map_or(String::new(), |one| if one.guide.is_empty() { one.version.clone() } else { one.guide.clone() }),
        documents,
    };
    Some(InterchangeDraft {
        // As received, not as configured: the partner's system matches on what it sent.
        sender: [value(&report.header, 7).trim().to_owned(), value(&report.header, 8).trim().to_owned()],
        receiver: [value(&report.header, 5).trim().to_owned(), value(&report.header, 6).trim().to_owned()],
        control_number: stamp.interchange_control_number.clone(),
        prepared: stamp.prepared,
        test: report.envelope.test,
        acknowledgment_requested: false,
        style,
        technical,
        groups: if documents.is_empty() { Vec::new() } else { vec![group(documents)] },
    })
}

/// Mirrors separators and version of what was received (ISA11, ISA12), so that the sender can read its answer.
fn style(report: &InterchangeReport) -> Style {
    let clash = report.faults.iter().any(|fault| fault.fault == Fault::SeparatorInvalid);
    let separators = if clash || report.header.len() < 16 { Separators::X12 } else { report.separators };
    let version = value(&report.header, 12);
    let known = version.len() == 5 && version.bytes().all(|byte| byte.is_ascii_digit());
    let line_end = if separators.segment.is_ascii_whitespace() { "" } else { "\n" };
    Style {
        separators,
        syntax_version: if known { version.to_owned() } else { "00401".to_owned() },
        line_end: line_end.to_owned(),
        ..Style::x12()
    }
}

/// TA1 (X12.5): ISA13, ISA09 and ISA10 of what is answered, a verdict and one note code.
fn technical(report: &InterchangeReport, choice: &AckChoice) -> Option<DraftSegment> {
    let verdict = report.verdict();
    if !choice.technical.is_due(report.envelope.acknowledgment_requested, verdict == Verdict::Accepted) {
        return None;
    }
    let letter = match verdict {
        Verdict::Accepted => "A",
        Verdict::AcceptedWithErrors => "E",
        Verdict::Rejected => "R",
    };
    let worst = report.faults.iter().rev().max_by_key(|fault| (fault.severity, !note_code(fault).is_empty()));
    let code = match (verdict, worst) {
        (Verdict::Accepted, _) | (_, None) => "000",
        (_, Some(fault)) => note_code(fault),
    };
    let header = |number: usize| value(&report.header, number).trim().to_owned();
    Some(DraftSegment::simple("TA1", &[header(13), header(9), header(10), letter.to_owned(), code.to_owned()]))
}

/// TA105: an element of ISA has a code of its own, by its place.
fn note_code(fault: &Diagnostic) -> &'static str {
    const BY_ELEMENT: [&str; 16] = [
        "010", "011", "012", "013", "005", "006", "007", "008", "014", "015", "016", "017", "018", "019", "020", "027",
    ];
    match (fault.fault, fault.position.element) {
        (Fault::InterchangeElement, element @ 1..=16) => BY_ELEMENT[usize::from(element) - 1],
        _ => fault.fault.info().x12,
    }
}

/// The 997 or 999 of one group.
fn functional(group: &GroupReport, choice: &AckChoice, separators: &Separators, number: String) -> DocumentDraft {
    let version = group.envelope.version.clone();
    let by_guide = version.starts_with("005010") && group.envelope.guide.starts_with('X');
    let names = if choice.implementation.unwrap_or(by_guide) { &IMPLEMENTATION } else { &FUNCTIONAL };
    // AK103 and AK203 exist from 005010 on.
    let modern = version.as_str() >= "005010";
    let mut about = DraftSegment::simple("AK1", &[&group.envelope.group_type, value(&group.header, 6)]);
    if modern {
        about.set(3, 1, value(&group.header, 8));
    }
    let mut segments = vec![about];
    let group_rejected = group.verdict() == Verdict::Rejected;
    for document in &group.documents {
        if choice.accepted_documents || document.verdict() != Verdict::Accepted {
            document_response(document, names, separators, modern, &mut segments);
        }
    }
    segments.push(group_response(group, group_rejected));
    DocumentDraft {
        kind: names.kind.to_owned(),
        version,
        guide: if names.kind == "999" { format!("{}X231A1", group.envelope.version) } else { String::new() },
        control_number: number,
        segments,
    }
}

/// What differs between a 997 and a 999.
struct Names {
    kind: &'static str,
    segment: &'static str,
    element: &'static str,
    document: &'static str,
}

const FUNCTIONAL: Names = Names { kind: "997", segment: "AK3", element: "AK4", document: "AK5" };
const IMPLEMENTATION: Names = Names { kind: "999", segment: "IK3", element: "IK4", document: "IK5" };

/// AK2, AK3/AK4 for each faulty segment, AK5.
fn document_response(
    document: &DocumentReport,
    names: &Names,
    separators: &Separators,
    modern: bool,
    segments: &mut Vec<DraftSegment>,
) {
    let mut about = DraftSegment::simple("AK2", &[value(&document.header, 1), value(&document.header, 2)]);
    if modern {
        about.set(3, 1, value(&document.header, 3));
    }
    segments.push(about);
    let noted: Vec<&Diagnostic> = document.faults.iter().filter(|fault| is_noted(fault)).collect();
    let inner = |fault: &&Diagnostic| matches!(fault.fault.info().level, Level::Segment | Level::Element);
    let mut in_segments: Vec<&Diagnostic> = noted.iter().copied().filter(inner).collect();
    in_segments.sort_by_key(|fault| fault.position.segment);
    for chunk in in_segments.chunk_by(|a, b| a.position.segment == b.position.segment) {
        segment_notes(chunk, names, separators, segments);
    }
    let mut codes: Vec<&str> = noted
        .iter()
        .filter(|fault| fault.fault.info().level == Level::Document)
        .map(|fault| fault.fault.info().x12)
        .collect();
    if !in_segments.is_empty() {
        codes.push("5");
    }
    codes.dedup();
    codes.truncate(CODES_MAX);
    let letter = match document.verdict() {
        Verdict::Accepted => "A",
        Verdict::AcceptedWithErrors => "E",
        Verdict::Rejected => "R",
    };
    segments.push(DraftSegment::simple(names.document, &[&[letter][..], &codes].concat()));
}

/// One AK3 for each fault of the segment as a whole, and one with code 8 that holds the AK4 of its elements.
fn segment_notes(faults: &[&Diagnostic], names: &Names, separators: &Separators, segments: &mut Vec<DraftSegment>) {
    let note = |fault: &Diagnostic, code: &str| {
        let position = fault.position.segment.to_string();
        let tag: String = fault.tag.chars().take(3).collect();
        DraftSegment::simple(names.segment, &[tag.as_str(), &position, "", code])
    };
    for fault in faults.iter().filter(|fault| fault.fault.info().level == Level::Segment) {
        segments.push(note(fault, fault.fault.info().x12));
    }
    let in_elements: Vec<_> = faults.iter().filter(|fault| fault.fault.info().level == Level::Element).collect();
    let Some(first) = in_elements.first() else { return };
    segments.push(note(first, "8"));
    for fault in in_elements.iter().take(ELEMENT_NOTES_MAX) {
        let mut element = DraftSegment { tag: names.element.to_owned(), ..DraftSegment::default() };
        element.set(1, 1, fault.position.element.to_string());
        if fault.position.component > 0 {
            element.set(1, 2, fault.position.component.to_string());
        }
        if fault.position.repetition > 0 && separators.repetition.is_some() {
            element.set(1, 3, fault.position.repetition.to_string());
        }
        element.set(2, 1, number_only(&fault.element));
        element.set(3, 1, fault.fault.info().x12);
        element.set(4, 1, copy_of(&fault.value, separators));
        segments.push(element);
    }
}

/// AK402 is numeric (element 725): ISA's own elements (`I12`) have no place in it.
fn number_only(element: &str) -> String {
    if element.bytes().all(|byte| byte.is_ascii_digit()) { element.to_owned() } else { String::new() }
}

/// AK404 must hold none of our separators: such a value is left out, a changed one would mislead.
fn copy_of(value: &str, separators: &Separators) -> String {
    let unfit = |c: char| c.is_control() || u8::try_from(c).is_ok_and(|byte| separators.is_special(byte));
    if value.chars().any(unfit) { String::new() } else { value.to_owned() }
}

fn is_noted(fault: &Diagnostic) -> bool {
    let info = fault.fault.info();
    info.effect == Effect::Syntax && fault.severity >= Severity::Warning && !info.x12.is_empty()
}

/// AK9: claimed, received, accepted; accepted with errors counts as accepted.
fn group_response(group: &GroupReport, rejected: bool) -> DraftSegment {
    let received = group.documents.len();
    let accepted = if rejected {
        0
    } else {
        group.documents.iter().filter(|document| document.verdict() != Verdict::Rejected).count()
    };
    let noted = group.documents.iter().any(|document| document.verdict() != Verdict::Accepted);
    let letter = match (accepted, received) {
        (0, 1..) => "R",
        _ if rejected => "R",
        (some, all) if some < all => "P",
        _ if noted || group.verdict() != Verdict::Accepted => "E",
        _ => "A",
    };
    let mut codes: Vec<&str> =
        group.faults.iter().filter(|fault| is_noted(fault)).map(|fault| fault.fault.info().x12).collect();
    codes.dedup();
    codes.truncate(CODES_MAX);
    let claimed = if group.claimed.parse::<u32>().is_ok() { group.claimed.clone() } else { received.to_string() };
    let counts = [letter.to_owned(), claimed, received.to_string(), accepted.to_string()];
    let elements: Vec<String> = counts.into_iter().chain(codes.into_iter().map(str::to_owned)).collect();
    DraftSegment::simple("AK9", &elements)
}

fn value(header: &HeaderValues, number: usize) -> &str {
    header.get(number - 1).and_then(|components| components.first()).map_or("", String::as_str)
}

/// What a TA1 segment says, as received in the envelope of an interchange.
#[must_use]
pub fn technical_answer(ta1: &HeaderValues) -> Answer {
    let verdict = match value(ta1, 4) {
        "A" => Verdict::Accepted,
        "E" => Verdict::AcceptedWithErrors,
        _ => Verdict::Rejected,
    };
    let about = Answered { interchange_control_number: value(ta1, 1).to_owned(), ..Answered::default() };
    Answer { kind: "ta1", about, verdict, codes: vec![value(ta1, 5).to_owned()], notes: Vec::new() }
}

/// What a 997 or 999 says: one answer for the group, and one for each AK2 loop. AK9 `A` without AK2 accepts all of
/// the group.
#[must_use]
pub fn answers(run: &Run<'_>) -> Vec<Answer> {
    let mut found: Vec<Answer> = Vec::new();
    let mut group = Answered::default();
    let mut open: Option<Answer> = None;
    let implementation = run.segment(0).is_some_and(|header| text(&header, (1, 1)) == "999");
    let kind = if implementation { "999" } else { "997" };
    for segment in run.segments() {
        let field = |number: usize| text(&segment, (number, 1));
        match segment.tag() {
            b"AK1" => {
                group.group_type = field(1);
                group.group_control_number = field(2);
            }
            b"AK2" => {
                found.extend(open.take());
                let about = Answered { document_type: field(1), document_control_number: field(2), ..group.clone() };
                open = Some(Answer { kind, about, verdict: Verdict::Accepted, codes: vec![], notes: vec![] });
            }
            b"AK3" | b"IK3" | b"AK4" | b"IK4" => {
                if let Some(open) = open.as_mut() {
                    open.notes.push(note(&segment));
                }
            }
            b"AK5" | b"IK5" => {
                if let Some(mut answer) = open.take() {
                    answer.verdict = verdict_of(&field(1));
                    answer.codes = (2..=6).map(field).filter(|code| !code.is_empty()).collect();
                    found.push(answer);
                }
            }
            b"AK9" => {
                found.extend(open.take());
                let codes = (5..=9).map(field).filter(|code| !code.is_empty()).collect();
                let counts = format!("{} claimed, {} received, {} accepted", field(2), field(3), field(4));
                // Partly accepted: the documents' own answers tell which.
                let verdict = if field(1) == "P" { Verdict::AcceptedWithErrors } else { verdict_of(&field(1)) };
                found.push(Answer { kind, about: group.clone(), verdict, codes, notes: vec![counts] });
            }
            _ => {}
        }
    }
    found.extend(open);
    found
}

/// AK501, AK901: A accepts, E accepts with errors; R, M, W and X reject.
fn verdict_of(letter: &str) -> Verdict {
    match letter {
        "A" => Verdict::Accepted,
        "E" => Verdict::AcceptedWithErrors,
        _ => Verdict::Rejected,
    }
}

fn note(segment: &Segment<'_>) -> String {
    let field = |number: usize| text(segment, (number, 1));
    match segment.tag() {
        b"AK3" | b"IK3" => format!("segment {} {}: code {}", field(2), field(1), field(4)),
        _ => format!("element {}: code {} \"{}\"", field(1), field(3), field(4)),
    }
}
