//! The envelope profile of an agreement: all that our envelopes say and how they are written. Checked here as far as it
//! can be without a document; what is left out is as the standard has it.

use super::schedule::{self, When};
use super::shape::{Key, SECRET_OR_TEXT, Shape, may};
use super::{PartyId, SecretOrText, parsed_option};
use serde::Deserialize;

/// Most documents that may be put into one interchange: as many as one commit writes.
pub const DOCUMENTS_MAX: u64 = 256;
/// Most bytes that may be asked for: what lies in memory while an interchange is written.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Longest that a document may wait for company: a week.
const GATHER_MINUTES_MAX: u64 = 7 * 24 * 60;

/// Its keys.
pub const KEYS: &[Key] = &[
    may("sender", Shape::PartyId, "ISA05/06, UNB S002"),
    may("receiver", Shape::PartyId, "ISA07/08, UNB S003"),
    may("sender_internal", Shape::Text, "EDIFACT: UNB 0008"),
    may("receiver_internal", Shape::Text, "EDIFACT: UNB 0014"),
    may("group_sender", Shape::Text, "X12: GS02, where it is not ISA06"),
    may("group_receiver", Shape::Text, "X12: GS03, where it is not ISA08"),
    may("group_version", Shape::Text, "X12: GS08, where it is not the plain version"),
    may("association_code", Shape::Text, "X12: ST03; EDIFACT: UNH 0057"),
    may("syntax_version", Shape::Text, "ISA12 (00401), UNB 0002 (3)"),
    may("separators", Shape::Text, "Element, component, repetition, terminator in a row"),
    may("line_end", Shape::Word(&["none", "lf", "crlf"]), "What follows each terminator"),
    may("repertoire", Shape::Text, "EDIFACT: UNB 0001, UNOA to UNOY"),
    may("una", Shape::Word(&["always", "never", "when_needed"]), "EDIFACT: whether UNA is written"),
    may("request_ack", Shape::Word(&["yes", "no"]), "ISA14, UNB 0031"),
    may("authorization", Shape::Text, "X12: ISA01:ISA02, where they are not 00 and blanks"),
    may("security", SECRET_OR_TEXT, "X12: ISA03:ISA04, where they are not 00 and blanks"),
    may("password", SECRET_OR_TEXT, "EDIFACT: recipient's reference or password, UNB 0022"),
    may("password_qualifier", Shape::Text, "EDIFACT: UNB 0025"),
    may("application_reference", Shape::Text, "EDIFACT: UNB 0026"),
    may("priority", Shape::Text, "EDIFACT: UNB 0029"),
    may("agreement_id", Shape::Text, "EDIFACT: UNB 0032"),
    may("first_number", Shape::Number(0, 99_999_999_999_999), "Interchange control number to begin with"),
    may("first_group_number", Shape::Number(0, 999_999_999), "X12: group control number to begin with"),
    may("first_document_number", Shape::Number(0, 99_999_999_999_999), "Document number to begin with, running on"),
    may("number_width", Shape::Number(1, 14), "EDIFACT: digits of the interchange control number"),
    may("group_number_width", Shape::Number(1, 9), "X12: digits of the group control number"),
    may("document_number_width", Shape::Number(1, 14), "Digits of document control numbers"),
    may("documents_max", Shape::Number(1, DOCUMENTS_MAX), "How many documents share an interchange"),
    may("bytes_max", Shape::Number(1, BYTES_MAX), "With how many bytes of documents an interchange is full"),
    may(
        "gather_minutes",
        Shape::Number(0, GATHER_MINUTES_MAX),
        "How long a document waits for those of other transmissions to share an interchange with",
    ),
    may(
        "gather",
        Shape::Object(schedule::KEYS),
        "When documents that waited for each other leave, instead of so long after the first",
    ),
    may("file_name", Shape::Filled, "Name for transports that have names: {type} {number} {partner} {date} {time} …"),
];

/// When UNA is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Una {
    /// In every interchange.
    #[default]
    Always,
    /// In none; the separators must then be the standard's.
    Never,
    /// Where the separators are not the standard's.
    WhenNeeded,
}

/// Whether an answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestAck {
    /// ISA14 1, UNB 0031 1.
    Yes,
    /// ISA14 0, no 0031.
    No,
}

/// How our envelopes look to this partner.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct EnvelopeProfile {
    /// Sender's id.
    pub sender: Option<PartyId>,
    /// Receiver's id.
    pub receiver: Option<PartyId>,
    /// EDIFACT UNB 0008.
    pub sender_internal: String,
    /// EDIFACT UNB 0014.
    pub receiver_internal: String,
    /// X12 GS02 where it is not ISA06.
    pub group_sender: String,
    /// X12 GS03 where it is not ISA08.
    pub group_receiver: String,
    /// X12 GS08 where it is not the plain version.
    pub group_version: String,
    /// X12 ST03, EDIFACT UNH 0057.
    pub association_code: String,
    /// ISA12, UNB 0002.
    pub syntax_version: Option<String>,
    /// Element, component, repetition separator and terminator as they stand in a row, `*>^~`; EDIFACT `+:*'`.
    pub separators: Option<String>,
    /// `none`, `lf`, `crlf` after each terminator.
    pub line_end: Option<String>,
    /// EDIFACT: `UNOA` to `UNOY`.
    pub repertoire: Option<String>,
    /// EDIFACT: whether UNA is written.
    pub una: Una,
    /// ISA14, UNB 0031; left out: as what we expect wants it.
    pub request_ack: Option<RequestAck>,
    /// X12 ISA01 and ISA02, with a colon between.
    pub authorization: String,
    /// X12 ISA03 and ISA04, with a colon between.
    pub security: Option<SecretOrText>,
    /// EDIFACT UNB 0022.
    pub password: Option<SecretOrText>,
    /// EDIFACT UNB 0025.
    pub password_qualifier: String,
    /// EDIFACT UNB 0026.
    pub application_reference: String,
    /// EDIFACT UNB 0029.
    pub priority: String,
    /// EDIFACT UNB 0032.
    pub agreement_id: String,
    /// First interchange control number; later ones count on.
    #[serde(deserialize_with = "parsed_option")]
    pub first_number: Option<u64>,
    /// First group control number; the interchange's when left out.
    #[serde(deserialize_with = "parsed_option")]
    pub first_group_number: Option<u64>,
    /// First document control number, when they run on from interchange to interchange.
    #[serde(deserialize_with = "parsed_option")]
    pub first_document_number: Option<u64>,
    /// Digits of the interchange control number, zeros in front.
    #[serde(deserialize_with = "parsed_option")]
    pub number_width: Option<usize>,
    /// Digits of the group control number.
    #[serde(deserialize_with = "parsed_option")]
    pub group_number_width: Option<usize>,
    /// Digits of document control numbers.
    #[serde(deserialize_with = "parsed_option")]
    pub document_number_width: Option<usize>,
    /// How many documents share an interchange, at most; one when left out, and [`DOCUMENTS_MAX`] where they wait for
    /// each other.
    #[serde(deserialize_with = "parsed_option")]
    pub documents_max: Option<usize>,
    /// With how many bytes of documents an interchange is full; a larger document travels alone.
    #[serde(deserialize_with = "parsed_option")]
    pub bytes_max: Option<u64>,
    /// How many minutes a document waits for company from other transmissions.
    #[serde(deserialize_with = "parsed_option")]
    pub gather_minutes: Option<u32>,
    /// When documents that waited for company leave.
    pub gather: Option<When>,
    /// Template of file names.
    pub file_name: Option<String>,
}

/// What a file name may be made of.
pub const PLACEHOLDERS: [&str; 8] = ["partner", "agreement", "type", "version", "number", "business", "date", "time"];

impl EnvelopeProfile {
    /// What does not fit the document type or itself; each begins with its key.
    pub(in crate::partner) fn check(&self, document: &str, found: &mut Vec<String>) {
        let is_x12 = document.starts_with("x12/");
        if let Some(separators) = &self.separators {
            let bytes = separators.as_bytes();
            let twice = bytes.iter().enumerate().any(|(at, byte)| bytes[..at].contains(byte));
            let plain = bytes.iter().any(u8::is_ascii_alphanumeric);
            if bytes.len() != 4 || twice || plain {
                found.push(format!(
                    "envelope.separators: expected four different signs for element, component, repetition and \
                     terminator, found {separators}"
                ));
            }
            if self.una == Una::Never && !is_x12 && !separators.starts_with("+:") {
                found.push("envelope.una: expected always or when_needed with separators of one's own".to_owned());
            }
        }
        if let Some(repertoire) = self.repertoire.as_ref().filter(|one| !is_repertoire(one)) {
            found.push(format!("envelope.repertoire: expected UNOA to UNOK, UNOW, UNOX or UNOY, found {repertoire}"));
        }
        for name in self.file_name.as_deref().map(placeholders).unwrap_or_default() {
            if !PLACEHOLDERS.contains(&name.as_str()) {
                let hint = crate::near::hint(&name, &PLACEHOLDERS);
                found.push(format!("envelope.file_name: no placeholder {{{name}}}{hint}"));
            }
        }
        let is_alone = !is_x12 && !document.starts_with("edifact/");
        for (key, _) in [
            ("documents_max", self.documents_max.is_some_and(|max| max > 1)),
            ("bytes_max", self.bytes_max.is_some()),
            ("gather_minutes", self.gather_minutes.is_some()),
            ("gather", self.gather.is_some()),
        ]
        .iter()
        .filter(|(_, is_set)| is_alone && *is_set)
        {
            found.push(format!(
                "envelope.{key}: expected in X12 and EDIFACT only, for {document} has one document a file"
            ));
        }
        if self.gather.is_some() && self.gather_minutes.is_some() {
            found.push("envelope.gather: expected gather or gather_minutes, found both".to_owned());
        }
        self.check_standard(is_x12, document, found);
    }

    fn check_standard(&self, is_x12: bool, document: &str, found: &mut Vec<String>) {
        let for_x12 = [
            ("group_sender", !self.group_sender.is_empty()),
            ("group_receiver", !self.group_receiver.is_empty()),
            ("group_version", !self.group_version.is_empty()),
            ("authorization", !self.authorization.is_empty()),
            ("security", self.security.is_some()),
            ("first_group_number", self.first_group_number.is_some()),
            ("group_number_width", self.group_number_width.is_some()),
        ];
        let for_edifact = [
            ("sender_internal", !self.sender_internal.is_empty()),
            ("receiver_internal", !self.receiver_internal.is_empty()),
            ("repertoire", self.repertoire.is_some()),
            ("una", self.una != Una::Always),
            ("password", self.password.is_some()),
            ("password_qualifier", !self.password_qualifier.is_empty()),
            ("application_reference", !self.application_reference.is_empty()),
            ("priority", !self.priority.is_empty()),
            ("agreement_id", !self.agreement_id.is_empty()),
            ("number_width", self.number_width.is_some()),
        ];
        let (misplaced, of): (&[_], _) = if is_x12 { (&for_edifact, "EDIFACT") } else { (&for_x12, "X12") };
        for (key, _) in misplaced.iter().filter(|(_, is_set)| *is_set) {
            found.push(format!("envelope.{key}: expected in {of} only, found with {document}"));
        }
    }

    /// Names of the secrets it uses.
    pub(in crate::partner) fn secrets(&self) -> impl Iterator<Item = String> {
        [&self.security, &self.password].into_iter().flatten().filter_map(|value| match value {
            SecretOrText::Secret(secret) => Some(secret.secret.clone()),
            SecretOrText::Text(_) => None,
        })
    }
}

/// UNB 0001 of ISO 9735-1, annex A.
fn is_repertoire(text: &str) -> bool {
    matches!(text.as_bytes(), [b'U', b'N', b'O', b'A'..=b'K' | b'W' | b'X' | b'Y'])
}

/// The names between braces.
pub(super) fn placeholders(template: &str) -> Vec<String> {
    template.split('{').skip(1).map(|part| part.split('}').next().unwrap_or_default().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(profile: serde_json::Value, document: &str) -> Vec<String> {
        let profile: EnvelopeProfile = serde_json::from_value(profile).expect("a profile");
        let mut found = Vec::new();
        profile.check(document, &mut found);
        found
    }

    #[test]
    fn err_what_does_not_fit_is_told_by_key() {
        use serde_json::json;
        let (x12, edifact) = ("x12/004010/850", "edifact/d96a/ORDERS");
        for (profile, document, expected) in [
            (json!({ "separators": "**>~" }), x12, "envelope.separators: expected four different signs"),
            (json!({ "separators": "*>^" }), x12, "envelope.separators"),
            (json!({ "una": "never", "separators": "|:*'" }), edifact, "envelope.una"),
            (json!({ "repertoire": "UNOZ" }), edifact, "envelope.repertoire"),
            (json!({ "file_name": "{typ}.edi" }), edifact, "no placeholder {typ}; did you mean type?"),
            (json!({ "group_sender": "A" }), edifact, "envelope.group_sender: expected in X12 only"),
            (json!({ "priority": "A" }), x12, "envelope.priority: expected in EDIFACT only"),
        ] {
            let found = check(profile.clone(), document);
            assert!(found.len() == 1 && found[0].contains(expected), "{profile}: {found:?}");
        }
        assert_eq!(check(json!({ "separators": "+:*'", "una": "never", "repertoire": "UNOY" }), edifact), [""; 0]);
    }
}
