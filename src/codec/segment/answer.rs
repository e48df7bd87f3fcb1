//! What acknowledgments say, the same shape for TA1, 997, 999 and CONTRL; and when they are due.
//!
//! The rules of each kind stand in `x12::acknowledge` and `edifact::acknowledge`. Finding what an answer refers to
//! among the documents sent is the ledger's work.

use super::{DocumentReport, GroupReport, InterchangeReport};
use crate::diagnostic::{Diagnostic, Severity};
use serde::{Deserialize, Serialize};

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
    /// TA1.
    pub technical: When,
    /// 997, 999, CONTRL.
    pub functional: When,
    /// X12: an AK2 loop for accepted documents too.
    pub accepted_documents: bool,
    /// X12: a 999 where a 997 would do; `None` follows GS08 (`005010X…` wants a 999).
    pub implementation: Option<bool>,
}

impl Default for AckChoice {
    /// What the command line does without an agreement: TA1 on request or error, the functional answer always.
    fn default() -> Self {
        AckChoice {
            technical: When::OnRequest,
            functional: When::Always,
            accepted_documents: true,
            implementation: None,
        }
    }
}

/// Numbers and instant of the interchange that carries the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// ISA13, UNB 0020.
    pub interchange_control_number: String,
    /// GS06.
    pub group_control_number: String,
    /// When it is made.
    pub prepared: jiff::civil::DateTime,
}

/// What a received acknowledgment says about one interchange, group or document of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `ta1`, `997`, `999`, `contrl`.
    pub kind: &'static str,
    /// What it is about.
    pub about: Answered,
    /// The verdict.
    pub verdict: Verdict,
    /// The codes as received, such as `5` of AK502 or `021` of TA105.
    pub codes: Vec<String>,
    /// What it says in detail, a line each: `segment 12 PO1, element 2: code 6 "24X"`.
    pub notes: Vec<String>,
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
    /// ST02, UNH 0062.
    pub document_control_number: String,
}

impl DocumentReport {
    /// What the functional acknowledgment says of this document: only faults of the standard reject, those an
    /// agreement has lowered to warnings are noted.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        verdict(&self.faults)
    }
}

impl GroupReport {
    /// Of the group's own envelope, its documents left aside.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        verdict(&self.faults)
    }
}

impl InterchangeReport {
    /// Of the interchange's own envelope, what stands in it left aside.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        verdict(&self.faults)
    }
}

fn verdict(faults: &[Diagnostic]) -> Verdict {
    use crate::diagnostic::Effect;
    let is_syntax = |fault: &&Diagnostic| fault.fault.info().effect == Effect::Syntax;
    let has_code = |fault: &Diagnostic| !fault.fault.info().x12.is_empty() || !fault.fault.info().edifact.is_empty();
    let worst = faults.iter().filter(is_syntax).map(|fault| match fault.severity {
        Severity::Error => Verdict::Rejected,
        Severity::Warning if has_code(fault) => Verdict::AcceptedWithErrors,
        _ => Verdict::Accepted,
    });
    worst.max().unwrap_or(Verdict::Accepted)
}
