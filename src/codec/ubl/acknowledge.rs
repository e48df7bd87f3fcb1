//! ApplicationResponse, made from the findings of a UBL document: AP accepts it, RE refuses it, AB says no more than that it
//! came. Each finding is a line of its own, with the place it is about, as Peppol's message level response has it: SV breaks
//! the standard, BV a rule, BW is a warning. What came from partners is read in `answers`.

use super::{ACCEPTED, KIND, RECEIVED, REJECTED};
use crate::codec::segment::{
    ANSWERS, AckChoice, Acknowledgment, DocumentReport, GroupAnswer, GroupOfAnswers, InterchangeReport, PartyId, Stamp,
    Verdict,
};
use crate::codec::xml::escaped;
use crate::diagnostic::{Diagnostic, Effect, Severity, Syntax, visible};
use crate::tree::{DocumentDraft, GroupDraft, Style};
use std::fmt::Write as _;

/// Findings that are told, at most.
const NOTES_MAX: usize = 999;
const STANDARD: &str = "ubl";
const VERSION: &str = "2.1";
const NAMESPACES: &str = "xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:ApplicationResponse-2\" \
     xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\" \
     xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\"";

/// What a document of Peppol says in its CustomizationID, and what its answer, a message level response, says there and in
/// its ProfileID.
const PEPPOL: &str = "peppol.eu";
const MESSAGE_LEVEL_RESPONSE: [&str; 2] = ["urn:fdc:peppol.eu:poacc:trns:mlr:3", "urn:fdc:peppol.eu:poacc:bis:mlr:3"];

/// The answer to a document, as far as that was read.
pub struct Acknowledging {
    choice: AckChoice,
    reach: Effect,
    verdict: Verdict,
    /// It holds a document, which is one to answer.
    is_answered: bool,
    /// It is one of Peppol's.
    is_peppol: bool,
    /// The lines about what was found.
    lines: String,
}

impl Acknowledging {
    /// Begins. A guide's findings may reject, as that is what these answers are used for.
    #[must_use]
    pub fn new(choice: AckChoice) -> Self {
        let reach = choice.reach.unwrap_or(Effect::Guide);
        let (is_answered, is_peppol) = (false, false);
        Acknowledging { choice, reach, verdict: Verdict::Accepted, is_answered, is_peppol, lines: String::new() }
    }

    /// Takes the document.
    pub fn document(&mut self, document: &DocumentReport) {
        let envelope = &document.envelope;
        self.is_answered = envelope.standard == STANDARD && !ANSWERS.contains(&envelope.document_type.as_str());
        self.is_peppol = envelope.guide.contains(PEPPOL);
        self.verdict = document.verdict(self.reach);
        let noted = document.faults.iter().filter(|fault| fault.fault.info().effect <= self.reach);
        noted.take(NOTES_MAX).for_each(|fault| line(&mut self.lines, fault));
    }

    /// The input has ended.
    #[must_use]
    pub fn end(mut self, report: &InterchangeReport) -> Option<Acknowledgment> {
        let envelope = &report.envelope;
        if !self.is_answered {
            return None;
        }
        let verdict = self.verdict.max(report.verdict());
        report.faults.iter().take(NOTES_MAX).for_each(|fault| line(&mut self.lines, fault));
        let is_functional = self.choice.functional.is_due(false, verdict == Verdict::Accepted);
        if !is_functional && !self.choice.technical.is_due(false, report.verdict() == Verdict::Accepted) {
            return None;
        }
        let code = match (verdict, is_functional) {
            (Verdict::Rejected, true) => REJECTED,
            (_, true) => ACCEPTED,
            (_, false) if report.verdict() == Verdict::Rejected => REJECTED,
            (_, false) => RECEIVED,
        };
        let lines = if code == RECEIVED { String::new() } else { self.lines };
        let document = DocumentDraft {
            standard: STANDARD.to_owned(),
            version: VERSION.to_owned(),
            kind: KIND.to_owned(),
            control_number: "1".to_owned(),
            guide: if self.is_peppol { MESSAGE_LEVEL_RESPONSE[0].to_owned() } else { String::new() },
            ..DocumentDraft::default()
        };
        let party = |id: &PartyId| [id.scheme.trim().to_owned(), id.value.trim().to_owned()];
        Some(Acknowledgment {
            syntax: Syntax::Xml,
            sender: party(&envelope.receiver),
            receiver: party(&envelope.sender),
            test: envelope.test,
            style: Style::edifact(),
            technical: None,
            faults: Vec::new(),
            groups: vec![GroupOfAnswers {
                head: GroupDraft::default(),
                bytes: document_response(report, code, &lines).into_bytes(),
                documents: 1,
            }],
            answers: vec![GroupAnswer {
                at: 0,
                document,
                group_number: 0,
                group_control_number: String::new(),
                verdict: if code == RECEIVED { report.verdict() } else { verdict },
            }],
            is_functional: code != RECEIVED,
        })
    }
}

/// The document's number and what is said of it.
fn document_response(report: &InterchangeReport, code: &str, lines: &str) -> String {
    let number = filled(&report.envelope.document_control_number);
    let kind = escaped(&report.envelope.document_type);
    format!(
        "  <cac:DocumentResponse>\n    <cac:Response>\n      <cbc:ResponseCode>{code}</cbc:ResponseCode>\n    \
         </cac:Response>\n    <cac:DocumentReference>\n      <cbc:ID>{number}</cbc:ID>\n      \
         <cbc:DocumentType>{kind}</cbc:DocumentType>\n    </cac:DocumentReference>\n{lines}  </cac:DocumentResponse>\n"
    )
}

/// A text for an element that may not be empty; Peppol says NA where there is nothing to say.
fn filled(text: &str) -> String {
    if text.is_empty() { "NA".to_owned() } else { escaped(text) }
}

/// A finding: where, in words, and of which sort.
fn line(lines: &mut String, fault: &Diagnostic) {
    let reason = match (fault.severity, fault.fault.info().effect) {
        (Severity::Error, Effect::Syntax) => "SV",
        (Severity::Error, _) => "BV",
        _ => "BW",
    };
    let (place, message) = (filled(&fault.place), fault.message());
    // The place has an element of its own.
    let words = escaped(message.strip_prefix(&format!("{}: ", visible(&fault.place))).unwrap_or(&message));
    // Writing to a text never fails.
    let _ = write!(
        lines,
        "    <cac:LineResponse>\n      <cac:LineReference>\n        <cbc:LineID>{place}</cbc:LineID>\n      \
         </cac:LineReference>\n      <cac:Response>\n        <cbc:Description>{words}</cbc:Description>\n        \
         <cac:Status>\n          <cbc:StatusReasonCode>{reason}</cbc:StatusReasonCode>\n        </cac:Status>\n      \
         </cac:Response>\n    </cac:LineResponse>\n"
    );
}

/// The bytes of an acknowledgment.
#[must_use]
pub fn write(acknowledgment: &Acknowledgment, stamp: &Stamp) -> Vec<u8> {
    let (date, time) = (stamp.prepared.strftime("%Y-%m-%d"), stamp.prepared.strftime("%H:%M:%SZ"));
    let number = escaped(&stamp.interchange_control_number);
    let [customization, profile] = MESSAGE_LEVEL_RESPONSE;
    let is_peppol = acknowledgment.answers.iter().any(|answer| answer.document.guide == customization);
    let ids = format!(
        "  <cbc:CustomizationID>{customization}</cbc:CustomizationID>\n  <cbc:ProfileID>{profile}</cbc:ProfileID>\n"
    );
    let ids = if is_peppol { ids.as_str() } else { "" };
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ApplicationResponse {NAMESPACES}>\n{ids}  <cbc:ID>{number}</cbc:ID>\n  \
         <cbc:IssueDate>{date}</cbc:IssueDate>\n  <cbc:IssueTime>{time}</cbc:IssueTime>\n"
    );
    for (role, [scheme, value]) in
        [("SenderParty", &acknowledgment.sender), ("ReceiverParty", &acknowledgment.receiver)]
    {
        let scheme = if scheme.is_empty() { String::new() } else { format!(" schemeID=\"{}\"", escaped(scheme)) };
        let id = if value.is_empty() {
            String::new()
        } else {
            format!("    <cbc:EndpointID{scheme}>{}</cbc:EndpointID>\n", escaped(value))
        };
        // Writing to a text never fails.
        let _ = write!(text, "  <cac:{role}>\n{id}  </cac:{role}>\n");
    }
    let mut bytes = text.into_bytes();
    acknowledgment.groups.iter().for_each(|group| bytes.extend_from_slice(&group.bytes));
    bytes.extend_from_slice(b"</ApplicationResponse>\n");
    bytes
}
