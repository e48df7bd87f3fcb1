//! Findings for scripts (DESIGN section 6): one item a document, and one for each level of the envelope that has
//! findings or no document to hold them. Items are printed as they are known, and none is held.

use crate::cli::input::JsonList;
use crate::codec::segment::{GroupReport, InterchangeReport, Piece, PieceKind};
use crate::diagnostic::{Diagnostic, is_clean};
use serde_json::json;

/// How many findings an item lists; it counts the rest.
const LISTED_MAX: usize = 100;

/// The array being printed.
pub struct Items {
    list: JsonList,
    valid: bool,
    /// Ordinal of the group whose documents are being read; its item follows them.
    group: u32,
}

impl Default for Items {
    fn default() -> Self {
        Items { list: JsonList::default(), valid: true, group: 0 }
    }
}

impl Items {
    /// What the latest piece has shown of an interchange that goes on.
    pub fn open(&mut self, report: &InterchangeReport, piece: &Piece<'_>) -> anyhow::Result<()> {
        let Some(group) = report.groups.last() else { return Ok(()) };
        let before = report.groups.iter().rev().nth(1);
        if let Some(before) = before.filter(|before| before.number == self.group && group.number != self.group) {
            self.group(report, before)?;
        }
        self.group = group.number;
        match group.documents.last().filter(|_| piece.kind == PieceKind::Document) {
            None => Ok(()),
            Some(document) => {
                let envelope = &document.envelope;
                let facts = [&*document.version, &*envelope.document_type, &*envelope.document_control_number];
                self.item(report, (group.number, document.number), facts, &document.faults)
            }
        }
    }

    /// What is left to say of an interchange that has ended, or of bytes outside any.
    pub fn closed(&mut self, report: &InterchangeReport) -> anyhow::Result<()> {
        if let Some(group) = report.groups.last() {
            self.group(report, group)?;
        }
        self.group = 0;
        if report.faults.is_empty() && report.technical.is_empty() {
            return Ok(());
        }
        let kind = if report.technical.is_empty() { "" } else { "TA1" };
        self.item(report, (0, 0), ["", kind, &report.envelope.interchange_control_number], &report.faults)
    }

    /// Ends the array; whether nothing was an error.
    pub fn end(self) -> anyhow::Result<bool> {
        self.list.end()?;
        Ok(self.valid)
    }

    fn group(&mut self, report: &InterchangeReport, group: &GroupReport) -> anyhow::Result<()> {
        if group.faults.is_empty() {
            return Ok(());
        }
        self.item(report, (group.number, 0), ["", "", &group.envelope.group_control_number], &group.faults)
    }

    fn item(
        &mut self,
        report: &InterchangeReport,
        (group, document): (u32, u32),
        [version, kind, control]: [&str; 3],
        faults: &[Diagnostic],
    ) -> anyhow::Result<()> {
        let standard = Some(report.envelope.standard_in(report.syntax)).filter(|standard| !standard.is_empty());
        let number = |number: u32| (number > 0).then_some(number);
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let is_valid = is_clean(faults);
        self.valid &= is_valid;
        let listed: Vec<_> = faults.iter().take(LISTED_MAX).map(Diagnostic::to_json).collect();
        self.list.item(&json!({
            "interchange": number(report.number), "group": number(group), "document": number(document),
            "standard": standard, "version": filled(version), "type": filled(kind),
            "control_number": filled(control), "valid": is_valid,
            "report": listed, "more": faults.len().saturating_sub(LISTED_MAX),
        }))
    }
}
