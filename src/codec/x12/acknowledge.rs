//! TA1, 997 and 999, made from the findings of an interchange.
//!
//! By X12.5 (TA1), the 997 of X12.20 and the 999 of 005010X231. What is answered when is the agreement's choice; those
//! of partners are read in `answers`.

use super::encode::{begin_document, end_document};
use crate::codec::segment::{
    AckChoice, Acknowledgment, DocumentReport, GroupAnswer, GroupOfAnswers, GroupReport, HeaderValues,
    InterchangeReport, Loops, Tally, Verdict, Writer, is_noted,
};
use crate::diagnostic::{Diagnostic, Effect, Fault, Level, Syntax};
use crate::tree::{DocumentDraft, DraftSegment, GroupDraft, Separators, Style};
use std::collections::HashSet;

/// Most codes that AK5 and AK9 hold.
const CODES_MAX: usize = 5;
/// Most AK4 in one AK3 loop (997, 004010).
const ELEMENT_NOTES_MAX: usize = 99;
/// The functional identifier of groups that hold acknowledgments.
const ANSWERS: &str = "FA";
/// AK103, AK203 and the 999 exist from this version on.
const MODERN: &str = "005010";

/// The answer to an interchange, as far as that was read.
pub struct Acknowledging {
    choice: AckChoice,
    style: Style,
    /// ISA14 asks for an answer.
    asked: bool,
    /// What is said of the documents of the open group.
    loops: Loops,
    /// Where each of them ends in it and how; kept only where each is answered alone.
    portions: Vec<Portion>,
    made: Vec<Made>,
    answers: Vec<GroupAnswer>,
    /// There was a group that may be answered, and one of acknowledgments.
    is_answerable: bool,
    carries_answers: bool,
}

/// What is said of one document of the open group.
struct Portion {
    end: usize,
    segments: u32,
    verdict: Verdict,
    /// What of it cannot be written.
    faults: Vec<Diagnostic>,
}

/// A group of 997 or 999. One 997 holds one AK1, so each group answered has its own; those with the same parties and
/// version travel in one group.
struct Made {
    head: GroupDraft,
    writer: Writer,
    documents: usize,
}

/// What one 997 or 999 is about: all documents of a group, or one of them.
struct About<'a> {
    group: &'a GroupReport,
    is_whole: bool,
    loops: &'a [u8],
    segments: u32,
    tally: Tally,
    /// The harshest verdict on the group and all its documents.
    worst: Verdict,
}

impl Acknowledging {
    /// Begins; ISA was read.
    #[must_use]
    pub fn new(report: &InterchangeReport, choice: AckChoice) -> Self {
        let style = style(report);
        Acknowledging {
            choice,
            asked: report.envelope.acknowledgment_requested,
            loops: Loops::new(Syntax::X12, &style),
            style,
            portions: Vec::new(),
            made: Vec::new(),
            answers: Vec::new(),
            is_answerable: false,
            carries_answers: false,
        }
    }

    /// Takes the next document of the open group.
    pub fn document(&mut self, group: &GroupReport, document: &DocumentReport) {
        if !is_answerable(group) {
            return;
        }
        let form = Form::of(group, &self.choice);
        let verdict = document.verdict(form.reach);
        self.loops.tally.note(verdict);
        if self.choice.accepted_documents || verdict != Verdict::Accepted {
            document_response(
                document,
                verdict,
                &form,
                &self.style.separators,
                is_modern(group),
                &mut self.loops.writer,
            );
        }
        if self.choice.each_document {
            let (end, segments) = (self.loops.writer.written(), self.loops.writer.segments());
            self.portions.push(Portion { end, segments, verdict, faults: self.loops.writer.take_faults() });
        }
    }

    /// The group has ended. A group that is rejected as a whole is always told as one.
    pub fn group(&mut self, group: &GroupReport) {
        self.carries_answers |= group.envelope.group_type == ANSWERS;
        if !is_answerable(group) {
            return;
        }
        self.is_answerable = true;
        let (loops, segments, tally) = self.loops.end();
        let portions = std::mem::take(&mut self.portions);
        let own = group.verdict();
        let worst = own.max(tally.worst());
        if portions.is_empty() || own == Verdict::Rejected {
            let mut faults = self.loops.writer.take_faults();
            faults.extend(portions.into_iter().flat_map(|portion| portion.faults));
            return self.answer(&About { group, is_whole: true, loops: &loops, segments, tally, worst }, faults);
        }
        let (mut begin, mut before) = (0, 0);
        for portion in portions {
            let mut tally = Tally::default();
            tally.note(portion.verdict);
            let (loops, segments) = (&loops[begin..portion.end], portion.segments - before);
            self.answer(&About { group, is_whole: false, loops, segments, tally, worst }, portion.faults);
            (begin, before) = (portion.end, portion.segments);
        }
    }

    /// The interchange has ended. One of acknowledgments is not acknowledged, and after a TA1 that rejects no 997 follows.
    #[must_use]
    pub fn end(self, report: &InterchangeReport) -> Option<Acknowledgment> {
        let verdict = report.verdict();
        let carries_answers = self.carries_answers || !report.technical.is_empty();
        if !self.is_answerable && (carries_answers || verdict == Verdict::Accepted) {
            return None;
        }
        let technical = technical(report, &self.choice);
        let (made, answers) = if verdict == Verdict::Rejected { Default::default() } else { (self.made, self.answers) };
        if technical.is_none() && made.is_empty() {
            return None;
        }
        let mut faults = Vec::new();
        let group = |mut one: Made| {
            faults.append(&mut one.writer.take_faults());
            GroupOfAnswers { head: one.head, bytes: one.writer.take(), documents: one.documents }
        };
        Some(Acknowledgment {
            syntax: Syntax::X12,
            // As received, not as configured: the partner's system matches on what it sent.
            sender: [value(&report.header, 7).trim().to_owned(), value(&report.header, 8).trim().to_owned()],
            receiver: [value(&report.header, 5).trim().to_owned(), value(&report.header, 6).trim().to_owned()],
            test: report.envelope.test,
            style: self.style,
            technical,
            groups: made.into_iter().map(group).collect(),
            is_functional: !answers.is_empty(),
            answers,
            faults,
        })
    }

    /// Writes one 997 or 999, where it is due; `faults` is what of its loops cannot be written.
    fn answer(&mut self, about: &About<'_>, faults: Vec<Diagnostic>) {
        let group = about.group;
        let own = if about.is_whole { group.verdict() } else { Verdict::Accepted };
        let is_clean = own.max(about.tally.worst()) == Verdict::Accepted;
        if !self.choice.functional.is_due(self.asked, is_clean) {
            return;
        }
        let form = Form::of(group, &self.choice);
        let at = self.place(group, form.group_version(group, &self.choice));
        let Made { writer, documents, .. } = &mut self.made[at];
        *documents += 1;
        let version = &group.envelope.version;
        let document = DocumentDraft {
            standard: String::new(),
            kind: form.kind.to_owned(),
            guide: if form.is_implementation { implementation_guide(version) } else { String::new() },
            version: version.clone(),
            control_number: documents.to_string(),
            segments: Vec::new(),
        };
        begin_document(writer, &document);
        let number = value(&group.header, 6);
        let suffixed = if is_modern(group) { value(&group.header, 8) } else { "" };
        writer.simple("AK1", &[&group.envelope.group_type, number, suffixed]);
        writer.append(about.loops, about.segments);
        writer.fail(faults);
        group_response(about, own, &form, writer);
        end_document(writer, &document);
        self.answers.push(GroupAnswer {
            at,
            document,
            group_number: group.number,
            group_control_number: group.envelope.group_control_number.clone(),
            verdict: about.worst,
        });
    }

    /// The group of answers that an answer to this group goes into.
    fn place(&mut self, group: &GroupReport, version: String) -> usize {
        let (sender, receiver) = (&group.envelope.group_receiver, &group.envelope.group_sender);
        let fits =
            |one: &Made| (&one.head.sender, &one.head.receiver, &one.head.version) == (sender, receiver, &version);
        if let Some(at) = self.made.iter().position(fits) {
            return at;
        }
        let (sender, receiver) = (sender.clone(), receiver.clone());
        let head = GroupDraft { kind: ANSWERS.to_owned(), sender, receiver, version, ..GroupDraft::default() };
        self.made.push(Made { head, writer: Writer::new(Syntax::X12, &self.style), documents: 0 });
        self.made.len() - 1
    }
}

/// Groups of acknowledgments are never answered, and without GS there is nothing to answer.
fn is_answerable(group: &GroupReport) -> bool {
    !group.header.is_empty() && group.envelope.group_type != ANSWERS
}

fn is_modern(group: &GroupReport) -> bool {
    group.envelope.version.as_str() >= MODERN
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

/// AK2, AK3/AK4 for each faulty segment, AK5.
fn document_response(
    document: &DocumentReport,
    verdict: Verdict,
    form: &Form,
    separators: &Separators,
    is_modern: bool,
    writer: &mut Writer,
) {
    let header = |number: usize| value(&document.header, number);
    writer.simple("AK2", &[header(1), header(2), if is_modern { header(3) } else { "" }]);
    let noted: Vec<&Diagnostic> = document.faults.iter().filter(|fault| form.is_noted(fault)).collect();
    let is_inside = |fault: &&Diagnostic| matches!(fault.fault.info().level, Level::Segment | Level::Element);
    let mut inside: Vec<&Diagnostic> = noted.iter().copied().filter(is_inside).collect();
    inside.retain(|fault| fault.position.segment > 0);
    inside.sort_by_key(|fault| fault.position.segment);
    for chunk in inside.chunk_by(|a, b| a.position.segment == b.position.segment) {
        segment_notes(chunk, form, separators, writer);
    }
    let codes = document_codes(&noted, form);
    writer.simple(form.document, &[&[letter(verdict)][..], &codes].concat());
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
    let mut seen = HashSet::new();
    codes.retain(|code| seen.insert(*code));
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
fn segment_notes(faults: &[&Diagnostic], form: &Form, separators: &Separators, writer: &mut Writer) {
    let mut note = |fault: &Diagnostic, code: &str| {
        let position = fault.position.segment.to_string();
        let tag: String = fault.tag.chars().take(3).collect();
        let inner = fault.loop_path.rsplit('/').next().filter(|_| form.is_implementation);
        writer.simple(form.segment, &[tag.as_str(), &position, inner.unwrap_or_default(), code]);
    };
    for fault in faults.iter().filter(|fault| fault.fault.info().level == Level::Segment) {
        note(fault, fault.fault.info().x12);
    }
    let in_elements: Vec<_> = faults.iter().filter(|fault| fault.fault.info().level == Level::Element).collect();
    let Some(first) = in_elements.first() else { return };
    note(first, "8");
    for fault in in_elements.iter().take(ELEMENT_NOTES_MAX) {
        let mut element = DraftSegment::new(form.element.into());
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
        writer.segment(&element);
        if form.is_implementation && fault.trigger > 0 {
            context(fault, writer);
        }
    }
}

/// CTX of a 999: the element of the segment that makes a condition bite.
fn context(fault: &Diagnostic, writer: &mut Writer) {
    let loop_name = fault.loop_path.rsplit('/').next().unwrap_or_default();
    let (position, trigger) = (fault.position.segment.to_string(), fault.trigger.to_string());
    writer.simple("CTX", &["SITUATIONAL TRIGGER", &fault.tag, &position, loop_name, &trigger]);
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
fn group_response(about: &About<'_>, own: Verdict, form: &Form, writer: &mut Writer) {
    let About { group, is_whole, tally, .. } = about;
    let received = tally.documents;
    let accepted = if own == Verdict::Rejected { 0 } else { received - tally.rejected };
    let letter = match (accepted, received) {
        (0, 1..) => "R",
        _ if own == Verdict::Rejected => "R",
        (some, all) if some < all => "P",
        _ if own.max(tally.worst()) == Verdict::Accepted => "A",
        _ => "E",
    };
    let noted = group.faults.iter().filter(|fault| *is_whole && form.is_noted(fault));
    let mut codes: Vec<&str> = noted.map(|fault| fault.fault.info().x12).collect();
    codes.dedup();
    codes.truncate(CODES_MAX);
    let received = received.to_string();
    let is_counted = *is_whole && group.claimed.parse::<u32>().is_ok();
    let claimed = if is_counted { &group.claimed } else { &received };
    writer.simple("AK9", &[&[letter, claimed, &received, &accepted.to_string()][..], &codes].concat());
}

fn value(header: &HeaderValues, number: usize) -> &str {
    header.value(number, 1)
}
