//! Makes the acknowledgment of an interchange while it is read. Of a document nothing stays but the bytes in which the
//! answer speaks of it, so that an interchange of any length needs little more than its answer.
//!
//! What a kind of answer says stands in `x12::acknowledge`, `edifact::acknowledge` and `ubl::acknowledge`, one arm of
//! [`Acknowledging`] each; when one is due, in `answer`.

use super::{AckChoice, DocumentReport, GroupReport, InterchangeReport, PieceKind, Stamp, Verdict, Writer};
use crate::codec::{edifact, ubl, x12};
use crate::diagnostic::{Diagnostic, Syntax};
use crate::tree::{DocumentDraft, DraftSegment, GroupDraft, InterchangeDraft, Style};

/// The answer to one interchange, as far as that was read.
pub enum Acknowledging {
    /// TA1, 997, 999.
    X12(Box<x12::Acknowledging>),
    /// CONTRL.
    Edifact(Box<edifact::Acknowledging>),
    /// ApplicationResponse; other XML is not answered by documents.
    Xml(Box<ubl::Acknowledging>),
    /// Tables, lines of fixed width and JSON, which have no answer of their own.
    Nothing,
}

impl Acknowledging {
    /// Begins; the interchange's header was read.
    #[must_use]
    pub fn new(report: &InterchangeReport, choice: AckChoice) -> Self {
        match report.syntax {
            Syntax::X12 => Acknowledging::X12(Box::new(x12::Acknowledging::new(report, choice))),
            Syntax::Xml => Acknowledging::Xml(Box::new(ubl::Acknowledging::new(choice))),
            syntax if syntax.is_by_contents() => Acknowledging::Nothing,
            _ => Acknowledging::Edifact(Box::new(edifact::Acknowledging::new(report, choice))),
        }
    }

    /// Takes over what was completed by the piece read last. The report may then forget its documents, and all groups but
    /// the open one.
    pub fn read(&mut self, report: &InterchangeReport, piece: PieceKind) {
        let Some((open, complete)) = report.groups.split_last() else { return };
        complete.iter().for_each(|group| self.group(group));
        if let Some(document) = open.documents.last().filter(|_| piece == PieceKind::Document) {
            self.document(open, document);
        }
    }

    /// The interchange has ended, whose last group was open until then; returns its acknowledgment, if one is due.
    #[must_use]
    pub fn closed(mut self, report: &InterchangeReport) -> Option<Acknowledgment> {
        report.groups.iter().for_each(|group| self.group(group));
        self.end(report)
    }

    fn document(&mut self, group: &GroupReport, document: &DocumentReport) {
        match self {
            Acknowledging::X12(one) => one.document(group, document),
            Acknowledging::Edifact(one) => one.document(document),
            Acknowledging::Xml(one) => one.document(document),
            Acknowledging::Nothing => {}
        }
    }

    fn group(&mut self, group: &GroupReport) {
        match self {
            Acknowledging::X12(one) => one.group(group),
            Acknowledging::Edifact(one) => one.group(group),
            Acknowledging::Xml(_) | Acknowledging::Nothing => {}
        }
    }

    fn end(self, report: &InterchangeReport) -> Option<Acknowledgment> {
        match self {
            Acknowledging::X12(one) => one.end(report),
            Acknowledging::Edifact(one) => one.end(report),
            Acknowledging::Xml(one) => one.end(report),
            Acknowledging::Nothing => None,
        }
    }
}

/// The acknowledgment of an interchange that was read whole, if one is due.
#[must_use]
pub fn acknowledge(report: &InterchangeReport, choice: AckChoice) -> Option<Acknowledgment> {
    let mut acknowledging = Acknowledging::new(report, choice);
    for group in &report.groups {
        group.documents.iter().for_each(|document| acknowledging.document(group, document));
        acknowledging.group(group);
    }
    acknowledging.end(report)
}

/// An acknowledgment that waits for its numbers.
#[derive(Debug, Clone)]
pub struct Acknowledgment {
    /// Whose.
    pub syntax: Syntax,
    /// Who answers: qualifier and id, as received.
    pub sender: [String; 2],
    /// Whom.
    pub receiver: [String; 2],
    /// It answers a test.
    pub test: bool,
    /// How it is written.
    pub style: Style,
    /// TA1, where one is due.
    pub technical: Option<DraftSegment>,
    /// Its groups.
    pub groups: Vec<GroupOfAnswers>,
    /// What each of its documents answers, group by group.
    pub answers: Vec<GroupAnswer>,
    /// It speaks of documents; else it says no more than that the interchange came, or was refused.
    pub is_functional: bool,
    /// What of it cannot be written.
    pub faults: Vec<Diagnostic>,
}

/// Documents of an acknowledgment that travel together, written already.
#[derive(Debug, Clone)]
pub struct GroupOfAnswers {
    /// Its header, which has no number yet and no documents.
    pub head: GroupDraft,
    /// Its documents.
    pub bytes: Vec<u8>,
    /// How many these are.
    pub documents: usize,
}

/// What one document of an acknowledgment answers: a group, or a whole interchange whose number is 0.
#[derive(Debug, Clone)]
pub struct GroupAnswer {
    /// In which of the acknowledgment's groups it stands, from 0.
    pub at: usize,
    /// Its kind, version and number; it holds no segments.
    pub document: DocumentDraft,
    /// Ordinal of the group answered.
    pub group_number: u32,
    /// Its control number.
    pub group_control_number: String,
    /// The harshest verdict on it and its documents.
    pub verdict: Verdict,
}

impl Acknowledgment {
    /// The bytes.
    ///
    /// # Errors
    /// What cannot be written: ids with separators in them, or too long.
    pub fn encode(&self, stamp: &Stamp) -> Result<Vec<u8>, Vec<Diagnostic>> {
        if !self.faults.is_empty() {
            return Err(self.faults.clone());
        }
        if self.syntax == Syntax::Xml {
            return Ok(ubl::write(self, stamp));
        }
        let is_x12 = self.syntax == Syntax::X12;
        let numbered = |(at, group): (usize, &GroupOfAnswers)| GroupDraft {
            // CONTRL travels without groups.
            control_number: if is_x12 { stamp.group_control_number(at) } else { String::new() },
            ..group.head.clone()
        };
        let head = InterchangeDraft {
            sender: self.sender.clone(),
            receiver: self.receiver.clone(),
            control_number: stamp.interchange_control_number.clone(),
            prepared: stamp.prepared,
            test: self.test,
            acknowledgment_requested: false,
            style: self.style.clone(),
            technical: self.technical.iter().cloned().collect(),
            groups: self.groups.iter().enumerate().map(numbered).collect(),
        };
        let mut writer = if is_x12 { x12::encode::begin(&head)? } else { edifact::encode::begin(&head)? };
        for (draft, group) in head.groups.iter().zip(&self.groups) {
            if is_x12 {
                x12::encode::begin_group(&mut writer, &head, draft);
            }
            writer.append(&group.bytes, 0);
            if is_x12 {
                x12::encode::end_group(&mut writer, draft, group.documents);
            }
        }
        match is_x12 {
            true => x12::encode::end(&mut writer, &head),
            false => edifact::encode::end(&mut writer, &head, self.answers.len()),
        }
        writer.finish()
    }
}

/// How many documents got which verdict.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// All.
    pub documents: usize,
    /// Taken with errors noted.
    pub noted: usize,
    /// Not taken.
    pub rejected: usize,
}

impl Tally {
    /// Counts one more.
    pub fn note(&mut self, verdict: Verdict) {
        self.documents += 1;
        match verdict {
            Verdict::Accepted => {}
            Verdict::AcceptedWithErrors => self.noted += 1,
            Verdict::Rejected => self.rejected += 1,
        }
    }

    /// The harshest.
    #[must_use]
    pub fn worst(self) -> Verdict {
        match (self.rejected, self.noted) {
            (0, 0) => Verdict::Accepted,
            (0, _) => Verdict::AcceptedWithErrors,
            _ => Verdict::Rejected,
        }
    }
}

/// What the answer says of the documents of the open group, one after the other.
pub struct Loops {
    /// Writes it.
    pub writer: Writer,
    /// Their verdicts.
    pub tally: Tally,
}

impl Loops {
    /// None yet.
    #[must_use]
    pub fn new(syntax: Syntax, style: &Style) -> Self {
        Loops { writer: Writer::new(syntax, style), tally: Tally::default() }
    }

    /// Ends the group: its bytes, how many segments these are, and the verdicts.
    pub fn end(&mut self) -> (Vec<u8>, u32, Tally) {
        let segments = self.writer.segments();
        self.writer.begin_document();
        (self.writer.take(), segments, std::mem::take(&mut self.tally))
    }
}
