//! TA1, 997 and 999, made from the findings of an interchange.
//!
//! By X12.5 (TA1), the 997 of X12.20 and the 999 of 005010X231. What is answered when is the agreement's choice; those
//! of partners are read in `answers`.

use crate::codec::segment::{
    AckChoice, DocumentReport, GroupReport, HeaderValues, InterchangeReport, Stamp, Verdict, is_noted,
};
use crate::diagnostic::{Diagnostic, Effect, Fault, Level};
use crate::tree::{DocumentDraft, DraftSegment, GroupDraft, InterchangeDraft, Separators, Style};

/// Most codes that AK5 and AK9 hold.
const CODES_MAX: usize = 5;
/// Most AK4 in one AK3 loop (997, 004010).
const ELEMENT_NOTES_MAX: usize = 99;
/// The functional identifier of groups that hold acknowledgments.
const ANSWERS: &str = "FA";
/// AK103, AK203 and the 999 exist from this version on.
const MODERN: &str = "005010";

/// The interchange that answers `report`, or nothing when none is due: an interchange of acknowledgments is not
/// acknowledged, and after a TA1 that rejects no 997 follows.
#[must_use]
pub fn acknowledge(report: &InterchangeReport, choice: &AckChoice, stamp: &Stamp) -> Option<InterchangeDraft> {
    let answerable = |group: &&GroupReport| !group.header.is_empty() && group.envelope.group_type != ANSWERS;
    let groups: Vec<&GroupReport> = report.groups.iter().filter(answerable).collect();
    let carries_answers =
        !report.technical.is_empty() || report.groups.iter().any(|group| group.envelope.group_type == ANSWERS);
    if groups.is_empty() && (carries_answers || report.verdict() == Verdict::Accepted) {
        return None;
    }
    let style = style(report);
    let technical: Vec<DraftSegment> = technical(report, choice).into_iter().collect();
    let asked = report.envelope.acknowledgment_requested;
    let groups = match report.verdict() {
        Verdict::Rejected => Vec::new(),
        _ => functional(&groups, choice, asked, stamp, &style.separators),
    };
    if technical.is_empty() && groups.is_empty() {
        return None;
    }
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
        groups,
    })
}

/// The groups of 997 or 999 that are due. One 997 holds one AK1, so each group has its own; those with the same parties
/// and version travel in one group of answers.
fn functional(
    groups: &[&GroupReport],
    choice: &AckChoice,
    asked: bool,
    stamp: &Stamp,
    separators: &Separators,
) -> Vec<GroupDraft> {
    let mut made: Vec<GroupDraft> = Vec::new();
    for group in groups {
        let form = Form::of(group, choice);
        for (documents, is_whole) in portions(group, choice) {
            let clean = (!is_whole || group.verdict() == Verdict::Accepted)
                && documents.iter().all(|document| document.verdict(form.reach) == Verdict::Accepted);
            if !choice.functional.is_due(asked, clean) {
                continue;
            }
            let (sender, receiver) = (&group.envelope.group_receiver, &group.envelope.group_sender);
            let version = form.group_version(group, choice);
            let fits = |one: &GroupDraft| (&one.sender, &one.receiver, &one.version) == (sender, receiver, &version);
            let at = made.iter().position(fits).unwrap_or_else(|| {
                made.push(GroupDraft {
                    kind: ANSWERS.to_owned(),
                    sender: sender.clone(),
                    receiver: receiver.clone(),
                    control_number: stamp.group_control_number(made.len()),
                    version,
                    documents: Vec::new(),
                });
                made.len() - 1
            });
            let number = (made[at].documents.len() + 1).to_string();
            let answer = answer(group, documents, is_whole, &form, choice, separators);
            made[at].documents.push(DocumentDraft { control_number: number, ..answer });
        }
    }
    made
}

/// What each 997 of a group is about: all its documents, or one where the agreement wants so; a group that is rejected
/// as a whole is always told as one.
fn portions<'g>(group: &'g GroupReport, choice: &AckChoice) -> Vec<(&'g [DocumentReport], bool)> {
    if choice.each_document && group.verdict() != Verdict::Rejected && !group.documents.is_empty() {
        return group.documents.chunks(1).map(|one| (one, false)).collect();
    }
    vec![(&group.documents, true)]
}

/// Mirrors separators and version of what was received (ISA11, ISA12), so that the sender can read its answer.
fn style(report: &InterchangeReport) -> Style {
    let clash =
        report.faults.iter().any(|fault| matches!(fault.fault, Fault::SeparatorInvalid | Fault::TerminatorInvalid));
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
    let letter = letter(verdict);
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

/// How one group is answered: what differs between a 997 and a 999, and how far its rejections reach.
struct Form {
    kind: &'static str,
    segment: &'static str,
    element: &'static str,
    document: &'static str,
    /// AK502 when segments break the guide.
    guide: &'static str,
    is_implementation: bool,
    reach: Effect,
}

impl Form {
    fn of(group: &GroupReport, choice: &AckChoice) -> Form {
        let version = group.envelope.version.as_str();
        let by_guide = version.starts_with(MODERN) && group.envelope.guide.starts_with('X');
        if version >= MODERN && choice.implementation.unwrap_or(by_guide) {
            let reach = choice.reach_of("999");
            let (segment, element, document) = ("IK3", "IK4", "IK5");
            return Form { kind: "999", segment, element, document, guide: "I5", is_implementation: true, reach };
        }
        let reach = choice.reach_of("997");
        let (segment, element, document) = ("AK3", "AK4", "AK5");
        Form { kind: "997", segment, element, document, guide: "5", is_implementation: false, reach }
    }

    /// GS08 of the answer: the base version received, with its suffix where the agreement wants it back.
    fn group_version(&self, group: &GroupReport, choice: &AckChoice) -> String {
        let version = &group.envelope.version;
        match (self.is_implementation, choice.version_suffix) {
            (true, _) => implementation_guide(version),
            (false, true) => format!("{version}{}", group.envelope.guide),
            (false, false) => version.clone(),
        }
    }

    /// The code of AK403 for a finding. Guide and business have none in the table; their own exist in the 999 only.
    fn element_code(&self, fault: &Diagnostic) -> &'static str {
        let info = fault.fault.info();
        match (info.effect, self.is_implementation, fault.value.is_empty()) {
            (Effect::Syntax, ..) => info.x12,
            (Effect::Guide, true, true) => "I9",
            (Effect::Guide, true, false) => "I12",
            (_, _, true) => "1",
            (_, _, false) => "7",
        }
    }

    fn is_noted(&self, fault: &Diagnostic) -> bool {
        is_noted(fault, self.reach, fault.fault.info().x12)
    }
}

/// The guide that 999 itself follows.
fn implementation_guide(version: &str) -> String {
    format!("{version}X231A1")
}

/// The 997 or 999 about some documents of a group.
fn answer(
    group: &GroupReport,
    documents: &[DocumentReport],
    is_whole: bool,
    form: &Form,
    choice: &AckChoice,
    separators: &Separators,
) -> DocumentDraft {
    let version = group.envelope.version.clone();
    let modern = version.as_str() >= MODERN;
    let mut about = DraftSegment::simple("AK1", &[&group.envelope.group_type, value(&group.header, 6)]);
    if modern {
        about.set(3, 1, value(&group.header, 8));
    }
    let mut segments = vec![about];
    for document in documents {
        if choice.accepted_documents || document.verdict(form.reach) != Verdict::Accepted {
            document_response(document, form, separators, modern, &mut segments);
        }
    }
    segments.push(group_response(group, documents, is_whole, form));
    DocumentDraft {
        kind: form.kind.to_owned(),
        guide: if form.is_implementation { implementation_guide(&version) } else { String::new() },
        version,
        control_number: String::new(),
        segments,
    }
}

/// AK2, AK3/AK4 for each faulty segment, AK5.
fn document_response(
    document: &DocumentReport,
    form: &Form,
    separators: &Separators,
    modern: bool,
    segments: &mut Vec<DraftSegment>,
) {
    let mut about = DraftSegment::simple("AK2", &[value(&document.header, 1), value(&document.header, 2)]);
    if modern {
        about.set(3, 1, value(&document.header, 3));
    }
    segments.push(about);
    let noted: Vec<&Diagnostic> = document.faults.iter().filter(|fault| form.is_noted(fault)).collect();
    let is_inside = |fault: &&Diagnostic| matches!(fault.fault.info().level, Level::Segment | Level::Element);
    let mut inside: Vec<&Diagnostic> = noted.iter().copied().filter(is_inside).collect();
    inside.retain(|fault| fault.position.segment > 0);
    inside.sort_by_key(|fault| fault.position.segment);
    for chunk in inside.chunk_by(|a, b| a.position.segment == b.position.segment) {
        segment_notes(chunk, form, separators, segments);
    }
    let letter = letter(document.verdict(form.reach));
    segments.push(DraftSegment::simple(form.document, &[&[letter][..], &document_codes(&noted, form)].concat()));
}

/// AK502 to AK506: the document's own codes, then that segments are in error.
fn document_codes(noted: &[&Diagnostic], form: &Form) -> Vec<&'static str> {
    let is_own = |fault: &&&Diagnostic| {
        let info = fault.fault.info();
        info.level == Level::Document && info.effect == Effect::Syntax
    };
    let mut codes: Vec<&str> = noted.iter().filter(is_own).map(|fault| fault.fault.info().x12).collect();
    let rest = || noted.iter().filter(|fault| !is_own(fault)).map(|fault| fault.fault.info().effect);
    if rest().any(|effect| effect != Effect::Guide) {
        codes.push("5");
    }
    if rest().any(|effect| effect == Effect::Guide) {
        codes.push(form.guide);
    }
    codes.dedup();
    codes.truncate(CODES_MAX);
    codes
}

fn letter(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted => "A",
        Verdict::AcceptedWithErrors => "E",
        Verdict::Rejected => "R",
    }
}

/// One AK3 for each fault of the segment as a whole, and one with code 8 that holds the AK4 of its elements. A 999 also
/// names the loop (IK303) and, for a broken condition, the element that makes it bite (CTX).
fn segment_notes(faults: &[&Diagnostic], form: &Form, separators: &Separators, segments: &mut Vec<DraftSegment>) {
    let note = |fault: &Diagnostic, code: &str| {
        let position = fault.position.segment.to_string();
        let tag: String = fault.tag.chars().take(3).collect();
        let inner = fault.loop_path.rsplit('/').next().filter(|_| form.is_implementation);
        DraftSegment::simple(form.segment, &[tag.as_str(), &position, inner.unwrap_or_default(), code])
    };
    for fault in faults.iter().filter(|fault| fault.fault.info().level == Level::Segment) {
        segments.push(note(fault, fault.fault.info().x12));
    }
    let in_elements: Vec<_> = faults.iter().filter(|fault| fault.fault.info().level == Level::Element).collect();
    let Some(first) = in_elements.first() else { return };
    segments.push(note(first, "8"));
    for fault in in_elements.iter().take(ELEMENT_NOTES_MAX) {
        let mut element = DraftSegment { tag: form.element.to_owned(), ..DraftSegment::default() };
        element.set(1, 1, fault.position.element.to_string());
        if fault.position.component > 0 {
            element.set(1, 2, fault.position.component.to_string());
        }
        if fault.position.repetition > 0 && separators.repetition.is_some() {
            element.set(1, 3, fault.position.repetition.to_string());
        }
        element.set(2, 1, number_only(&fault.element));
        element.set(3, 1, form.element_code(fault));
        element.set(4, 1, copy_of(&fault.value, separators));
        segments.push(element);
        if form.is_implementation && fault.trigger > 0 {
            segments.push(context(fault));
        }
    }
}

/// CTX of a 999: the element of the segment that makes a condition bite.
fn context(fault: &Diagnostic) -> DraftSegment {
    let loop_name = fault.loop_path.rsplit('/').next().unwrap_or_default();
    let (position, trigger) = (fault.position.segment.to_string(), fault.trigger.to_string());
    DraftSegment::simple("CTX", &["SITUATIONAL TRIGGER", &fault.tag, &position, loop_name, &trigger])
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

/// AK9: claimed, received, accepted; accepted with errors counts as accepted. An answer for one document counts that.
fn group_response(group: &GroupReport, documents: &[DocumentReport], is_whole: bool, form: &Form) -> DraftSegment {
    let own = if is_whole { group.verdict() } else { Verdict::Accepted };
    let verdicts: Vec<Verdict> = documents.iter().map(|document| document.verdict(form.reach)).collect();
    let received = verdicts.len();
    let taken = verdicts.iter().filter(|verdict| **verdict != Verdict::Rejected).count();
    let accepted = if own == Verdict::Rejected { 0 } else { taken };
    let is_clean = own == Verdict::Accepted && verdicts.iter().all(|verdict| *verdict == Verdict::Accepted);
    let letter = match (accepted, received) {
        (0, 1..) => "R",
        _ if own == Verdict::Rejected => "R",
        (some, all) if some < all => "P",
        _ if is_clean => "A",
        _ => "E",
    };
    let noted = group.faults.iter().filter(|fault| is_whole && form.is_noted(fault));
    let mut codes: Vec<&str> = noted.map(|fault| fault.fault.info().x12).collect();
    codes.dedup();
    codes.truncate(CODES_MAX);
    let is_counted = is_whole && group.claimed.parse::<u32>().is_ok();
    let claimed = if is_counted { group.claimed.clone() } else { received.to_string() };
    let counts = [letter.to_owned(), claimed, received.to_string(), accepted.to_string()];
    let elements: Vec<String> = counts.into_iter().chain(codes.into_iter().map(str::to_owned)).collect();
    DraftSegment::simple("AK9", &elements)
}

fn value(header: &HeaderValues, number: usize) -> &str {
    header.get(number - 1).and_then(|components| components.first()).map_or("", String::as_str)
}
