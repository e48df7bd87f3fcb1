//! The facts of the envelope around a document, the same shape for X12 and EDIFACT.

use super::{Piece, PieceKind};
use crate::codec::{edifact, json, table, x12, xml};
use crate::diagnostic::Syntax;
use crate::standard::load::Library;
use serde::Serialize;

/// A party as the envelope names it: a mailbox, not yet a partner.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PartyId {
    /// ISA05, ISA07 or UNB 0007; empty when not given.
    pub scheme: String,
    /// ISA06, ISA08 or UNB 0004, 0010, without padding.
    pub value: String,
}

/// What the headers read so far say; document and group facts are those of the latest header.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Envelope {
    /// Who sends.
    pub sender: PartyId,
    /// To whom.
    pub receiver: PartyId,
    /// ISA13, UNB 0020; text, zeros kept.
    pub interchange_control_number: String,
    /// ISA15 `T`, UNB 0035 `1`.
    pub test: bool,
    /// ISA14, UNB 0031.
    pub acknowledgment_requested: bool,
    /// UNB 0002: the syntax version, by which service segments are judged.
    #[serde(skip)]
    pub syntax_version: String,
    /// GS01, UNG 0038.
    pub group_type: String,
    /// GS02.
    pub group_sender: String,
    /// GS03.
    pub group_receiver: String,
    /// GS06, UNG 0048.
    pub group_control_number: String,
    /// `ubl`, `cxml`: the standard, where the syntax alone does not tell it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub standard: String,
    /// `004010`, `D.96A`.
    pub version: String,
    /// Suffix of GS08, UNH 0057: which guide the sender follows.
    pub guide: String,
    /// ST03: the same, a document.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub implementation: String,
    /// `850`, `ORDERS`.
    pub document_type: String,
    /// ST02, UNH 0062.
    pub document_control_number: String,
    /// Of an envelope that is values of a document: errors stand among them, so that who sent it may be one of them.
    #[serde(skip)]
    pub is_doubtful: bool,
}

impl Envelope {
    /// The folder of the standard: `x12`, `edifact`, `ubl`.
    #[must_use]
    pub fn standard_in(&self, syntax: Syntax) -> &str {
        match syntax {
            Syntax::X12 => "x12",
            Syntax::Edifact => "edifact",
            _ => &self.standard,
        }
    }

    /// Where the envelope of a document is part of it: takes over from another document of the file, behind this one, whose
    /// they are, where this one does not say it without doubt. The numbers stay those of the first.
    pub fn settle(&mut self, behind: &Envelope) {
        if behind.is_doubtful || !(self.is_doubtful || self.sender.value.is_empty()) {
            return;
        }
        (self.sender, self.receiver) = (behind.sender.clone(), behind.receiver.clone());
        (self.test, self.is_doubtful) = (behind.test, false);
    }

    /// Whether two documents of a file are between others, as far as both say it without doubt.
    #[must_use]
    pub fn is_between_others(&self, other: &Envelope) -> bool {
        let is_clear = !self.is_doubtful && !other.is_doubtful;
        is_clear && (&self.sender, &self.receiver) != (&other.sender, &other.receiver)
    }

    /// Takes over what the headers in `piece` say; a new interchange begins anew. `library` knows which values of an XML
    /// document stand for an envelope.
    pub fn note(&mut self, piece: &Piece<'_>, library: &Library) {
        if piece.kind == PieceKind::InterchangeHeader {
            *self = Envelope::default();
        }
        if piece.syntax.is_by_contents() {
            match &piece.sheet {
                _ if piece.kind != PieceKind::Document => {}
                Some(sheet) if piece.syntax == Syntax::Json => json::note(self, sheet, piece.run.bytes),
                Some(sheet) => table::note(self, sheet, piece.run.bytes),
                None => xml::note(self, &piece.run, library),
            }
            return;
        }
        let header = matches!(piece.kind, PieceKind::InterchangeHeader | PieceKind::GroupHeader | PieceKind::Document);
        let Some(segment) = piece.run.segment(0).filter(|_| header) else { return };
        match piece.syntax {
            Syntax::X12 => x12::note(self, &segment),
            _ => edifact::note(self, &segment),
        }
    }
}
