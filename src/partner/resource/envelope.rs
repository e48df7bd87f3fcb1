//! The envelope profile of an agreement: all that our envelopes say and how they are written.

use super::{PartyId, parsed_option};
use serde::Deserialize;

/// How our envelopes look to this partner.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct EnvelopeProfile {
    /// Sender's id.
    pub sender: Option<PartyId>,
    /// Receiver's id.
    pub receiver: Option<PartyId>,
    /// X12 GS02 where it is not ISA06.
    pub group_sender: String,
    /// X12 GS03 where it is not ISA08.
    pub group_receiver: String,
    /// X12 GS08 where it is not the plain version.
    pub group_version: String,
    /// Element, component, repetition separator and terminator as they stand in a row, `*>^~`; EDIFACT `+:*'`.
    pub separators: Option<String>,
    /// `none`, `lf`, `crlf` after each terminator.
    pub line_end: Option<String>,
    /// EDIFACT: `UNOA` to `UNOY`.
    pub repertoire: Option<String>,
    /// First control number; later ones count on.
    #[serde(deserialize_with = "parsed_option")]
    pub first_number: Option<u64>,
}
