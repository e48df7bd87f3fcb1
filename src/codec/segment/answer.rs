//! What acknowledgments say, the same shape for TA1, 997, 999 and CONTRL; and when they are due.
//!
//! The rules of each kind stand in `x12::acknowledge` and `edifact::acknowledge`. Finding what an answer refers to
//! among the documents sent is the ledger's work.

use super::{DocumentReport, GroupReport, InterchangeReport};
use crate::diagnostic::{Diagnostic, Effect, Severity};
use serde::{Deserialize, Serialize};

/// Characters of a place or a code: no number of a segment or an element has more.
const PLACE_WORD_MAX: usize = 6;

/// A verdict on an interchange, a group or a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing to note.
    Accepted,
    /// Taken, with errors noted; the sender must not send again.
    AcceptedWithErrors,
    /// Not taken.
    Rejected,
}

/// When an acknowledgment is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// For every interchange.
    Always,
    /// Only when something is rejected or noted.
    OnError,
    /// When the sender asks for it (ISA14, UNB 0031), and on errors.
    #[default]
    OnRequest,
    /// Never.
    Never,
}

impl When {
    /// Whether it is due.
    #[must_use]
    pub fn is_due(self, requested: bool, clean: bool) -> bool {
        match self {
            When::Always => true,
            When::OnError => !clean,
            When::OnRequest => requested || !clean,
            When::Never => false,
        }
    }
}

/// What the agreement says about answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckChoice {
    /// TA1; CONTRL on the interchange alone, where the functional one is not due.
    pub technical: When,
    /// 997, 999, CONTRL.
    pub functional: When,
    /// X12: an AK2 loop for accepted documents too.
    pub accepted_documents: bool,
    /// X12: a 999 where a 997 would do; `None` follows GS08 (`005010X…` wants a 999). Before 005010 there is none.
    pub implementation: Option<bool>,
    /// X12: a 997 for each document, not one for the group.
    pub each_document: bool,
    /// X12: GS08 of the answer repeats the suffix of the one received.
    pub version_suffix: bool,
    /// Findings up to which effect reject a document; `None`: the standard's, and in a 999 the guide's too.
    pub reach: Option<Effect>,
}

impl AckChoice {
    /// Findings up to which effect reject a document in a 997, 999 or CONTRL.
    #[must_use]
    pub fn reach_of(&self, kind: &str) -> Effect {
        self.reach.unwrap_or(if kind == "999" { Effect::Guide } else { Effect::Syntax })
    }
}

impl Default for AckChoice {
    /// What the command line does without an agreement: TA1 on request or error, the functional answer always.
    fn default() -> Self {
        AckChoice {
            technical: When::OnRequest,
            functional: When::Always,
            accepted_documents: true,
            implementation: None,
            each_document: false,
            version_suffix: false,
            reach: None,
        }
    }
}

/// Numbers and instant of the interchange that carries the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// ISA13, UNB 0020.
    pub interchange_control_number: String,
    /// GS06 of each group, in order; when they run out the last is counted on.
    pub group_control_numbers: Vec<String>,
    /// When it is made.
    pub prepared: jiff::civil::DateTime,
}

impl Stamp {
    /// GS06 of the group at this place, from 0.
    #[must_use]
    pub fn group_control_number(&self, at: usize) -> String {
        if let Some(number) = self.group_control_numbers.get(at) {
            return number.clone();
        }
        let last: usize = self.group_control_numbers.last().and_then(|number| number.parse().ok()).unwrap_or(1);
        (last + (at + 1).saturating_sub(self.group_control_numbers.len())).to_string()
    }
}

/// What a received acknowledgment says about one interchange, group or document of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `ta1`, `997`, `999`, `contrl`, `application_response`, `cxml`.
    pub kind: &'static str,
    /// What it is about.
    pub about: Answered,
    /// The verdict.
    pub verdict: Verdict,
    /// The codes as received, such as `5` of AK502 or `021` of TA105.
    pub codes: Vec<String>,
    /// For a group: how many documents it says the group had (AK902).
    pub claimed: Option<u32>,
    /// What it says in detail, a line each: `segment 12 PO1: code 8 (Segment has element errors)`, `element 2: code 6 "24X"`.
    pub notes: Vec<String>,
    /// What it finds wrong, place by place, without what stands there: `segment 12 PO1, element 2 (330): code 6`. Nothing that
    /// a document holds is in it.
    pub faults: Vec<String>,
}

/// What an answer is about; empty where the answer does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Answered {
    /// ISA13 or UNB 0020 of what was sent; 997 does not name it.
    pub interchange_control_number: String,
    /// GS01.
    pub group_type: String,
    /// GS06, UNG 0048.
    pub group_control_number: String,
    /// ST01, UNH 0065; empty when the answer covers the whole group or interchange.
    pub document_type: String,
    /// ST02, UNH 0062; in XML the number by which the document is named.
    pub document_control_number: String,
}

/// A partner's word of a place or a code, as short as such words are, so that nothing else is passed on in it.
#[must_use]
pub fn place_word(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).take(PLACE_WORD_MAX).collect()
}

impl DocumentReport {
    /// What the functional acknowledgment says of this document, when findings up to the effect `reach` may reject:
    /// those that an agreement has lowered to warnings are noted, all further ones left aside.
    #[must_use]
    pub fn verdict(&self, reach: Effect) -> Verdict {
        verdict(&self.faults, reach)
    }
}

impl GroupReport {
    /// Of the group's own envelope, its documents left aside.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        verdict(&self.faults, Effect::Syntax)
    }
}

impl InterchangeReport {
    /// Of the interchange's own envelope, what stands in it left aside.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        verdict(&self.faults, Effect::Syntax)
    }

    /// Whether it carries acknowledgments and nothing else, so that none is owed for it.
    #[must_use]
    pub fn only_answers(&self) -> bool {
        let mut documents = self.groups.iter().flat_map(|group| &group.documents).peekable();
        let is_answer = |document: &DocumentReport| ANSWERS.contains(&document.envelope.document_type.as_str());
        let has_any = documents.peek().is_some() || !self.technical.is_empty();
        has_any && documents.all(is_answer)
    }
}

/// Document types that answer and are never answered; 824 and APERAK are answered like any other. A StatusUpdateRequest is
/// answered in the call that brings it, as all of cXML is.
pub const ANSWERS: [&str; 5] = ["997", "999", "CONTRL", "ApplicationResponse", "StatusUpdateRequest"];

fn verdict(faults: &[Diagnostic], reach: Effect) -> Verdict {
    let worst = faults.iter().filter(|fault| fault.fault.info().effect <= reach).map(|fault| match fault.severity {
        Severity::Error => Verdict::Rejected,
        Severity::Warning if has_code(fault) => Verdict::AcceptedWithErrors,
        _ => Verdict::Accepted,
    });
    worst.max().unwrap_or(Verdict::Accepted)
}

fn has_code(fault: &Diagnostic) -> bool {
    !fault.fault.info().x12.is_empty() || !fault.fault.info().edifact.is_empty()
}

/// Whether an acknowledgment of this reach names the finding: those of the standard that have a code, and errors of
/// guide and business.
#[must_use]
pub fn is_noted(fault: &Diagnostic, reach: Effect, code: &str) -> bool {
    match fault.fault.info().effect {
        Effect::Syntax => fault.severity >= Severity::Warning && !code.is_empty(),
        effect => effect <= reach && fault.severity == Severity::Error,
    }
}
