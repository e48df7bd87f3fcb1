//! An interchange being written: documents as drafts, with what their envelope is to say.
//! The codecs turn it into bytes; control numbers, parties and the instant are given, never made up here.

use super::{DraftSegment, Separators};

/// An interchange to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterchangeDraft {
    /// Who sends: qualifier and id (ISA05/06, UNB S002).
    pub sender: [String; 2],
    /// To whom (ISA07/08, UNB S003).
    pub receiver: [String; 2],
    /// ISA13 or UNB 0020; X12 pads it to nine digits.
    pub control_number: String,
    /// When it was prepared, in the sender's civil time.
    pub prepared: jiff::civil::DateTime,
    /// ISA15 `T`, UNB 0035 `1`.
    pub test: bool,
    /// ISA14, UNB 0031.
    pub acknowledgment_requested: bool,
    /// How it is written.
    pub style: Style,
    /// X12: TA1 segments before the groups.
    pub technical: Vec<DraftSegment>,
    /// Its groups. EDIFACT writes UNG only for groups with a control number.
    pub groups: Vec<GroupDraft>,
}

impl InterchangeDraft {
    /// When it was prepared, to the minute, in digits: `202611240915`.
    #[must_use]
    pub fn prepared_digits(&self) -> String {
        let at = self.prepared;
        let parts = [at.month(), at.day(), at.hour(), at.minute()].map(i64::from);
        let number = parts.into_iter().fold(i64::from(at.year()), |number, part| number * 100 + part);
        format!("{number:012}")
    }
}

/// A group to write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupDraft {
    /// GS01, UNG 0038.
    pub kind: String,
    /// GS02, UNG 0040; X12 takes the interchange's sender when empty.
    pub sender: String,
    /// GS03, UNG 0044; X12 takes the interchange's receiver when empty.
    pub receiver: String,
    /// GS06, UNG 0048.
    pub control_number: String,
    /// GS08 in full, such as `004010VICS`; EDIFACT: the same as its documents'.
    pub version: String,
    /// Its documents.
    pub documents: Vec<DocumentDraft>,
}

/// A document to write: what stands between its header and its trailer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DocumentDraft {
    /// The standard whose definition it follows; only XML needs to know.
    pub standard: String,
    /// ST01 or UNH 0065.
    pub kind: String,
    /// Version as the envelope names it: `004010`, `D.96A`; controlling agency UN where EDIFACT wants one.
    pub version: String,
    /// Association assigned code (UNH 0057) or ST03; empty for none.
    pub guide: String,
    /// ST02 (padded to four digits), UNH 0062.
    pub control_number: String,
    /// The segments, without header and trailer.
    pub segments: Vec<DraftSegment>,
}

/// How an interchange looks on the wire: the agreement's choice, or a mirror of what was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Separators; EDIFACT announces them by UNA when they are not the defaults.
    pub separators: Separators,
    /// EDIFACT: write UNA even with the default separators.
    pub advice: bool,
    /// ISA12 (`00401`); EDIFACT: the syntax version (`3`).
    pub syntax_version: String,
    /// EDIFACT: the syntax identifier (`UNOC`), which also chooses the character set; X12: empty, UTF-8.
    pub syntax_identifier: String,
    /// After each terminator: nothing, LF or CR LF.
    pub line_end: String,
    /// What the header says beyond that.
    pub agreed: Agreed,
}

/// What a header says beyond parties, numbers and times, where it was agreed; nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agreed {
    /// X12 ISA01 and ISA02.
    pub authorization: [String; 2],
    /// X12 ISA03 and ISA04.
    pub security: [String; 2],
    /// EDIFACT UNB 0008 and 0014.
    pub internal: [String; 2],
    /// EDIFACT UNB 0022 and 0025.
    pub password: [String; 2],
    /// EDIFACT UNB 0026.
    pub application_reference: String,
    /// EDIFACT UNB 0029.
    pub priority: String,
    /// EDIFACT UNB 0032.
    pub agreement_id: String,
}

impl Style {
    /// X12 as most write it: `*`, `>`, `~`, a line a segment; ISA11 and ISA12 follow from the documents' version.
    #[must_use]
    pub fn x12() -> Self {
        Style {
            separators: Separators::X12,
            advice: false,
            syntax_version: String::new(),
            syntax_identifier: String::new(),
            line_end: "\n".to_owned(),
            agreed: Agreed::default(),
        }
    }

    /// EDIFACT syntax 3, level C, with UNA: what every receiver reads.
    #[must_use]
    pub fn edifact() -> Self {
        Style {
            separators: Separators::EDIFACT,
            advice: true,
            syntax_version: "3".to_owned(),
            syntax_identifier: "UNOC".to_owned(),
            line_end: "\n".to_owned(),
            agreed: Agreed::default(),
        }
    }
}
