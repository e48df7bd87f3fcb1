//! From drafts to the bytes of an interchange. What was written is read again and validated, so that nothing leaves
//! that we would refuse ourselves.

use super::Rules;
use super::map::Target;
use crate::codec::segment::{GuideChoice, Inspection, InterchangeReport};
use crate::codec::{edifact, json, table, x12, xml};
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::standard::definition::{Directory, Document};
use crate::tree::{DocumentDraft, GroupDraft, InterchangeDraft, Style};
use std::sync::Arc;

/// What the envelope of an interchange is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Qualifier and id of the sender.
    pub sender: [String; 2],
    /// Qualifier and id of the receiver.
    pub receiver: [String; 2],
    /// X12 GS02 and GS03 where they differ from ISA06 and ISA08; else empty.
    pub group_parties: [String; 2],
    /// X12 GS08 where it differs from the version, such as `004010VICS`; else empty.
    pub group_version: String,
    /// ISA13, UNB 0020.
    pub control_number: String,
    /// GS06; X12 only.
    pub group_control_number: String,
    /// Civil time of preparation.
    pub prepared: jiff::civil::DateTime,
    /// For test.
    pub test: bool,
    /// Ask for a TA1, or a CONTRL.
    pub acknowledgment_requested: bool,
    /// Separators, line ends, character set.
    pub style: Style,
}

/// Puts documents of one type into one interchange.
#[must_use]
pub fn draft(target: &Target, envelope: Envelope, documents: Vec<DocumentDraft>) -> InterchangeDraft {
    let is_x12 = target.syntax() == Syntax::X12;
    let [sender, receiver] = envelope.group_parties;
    let version = if envelope.group_version.is_empty() { target.envelope_version() } else { envelope.group_version };
    let group = GroupDraft {
        kind: target.group.clone(),
        sender,
        receiver,
        control_number: if is_x12 { envelope.group_control_number } else { String::new() },
        version,
        documents,
    };
    let mut style = envelope.style;
    if is_x12 {
        follow(&target.version, &mut style);
    }
    InterchangeDraft {
        sender: envelope.sender,
        receiver: envelope.receiver,
        control_number: envelope.control_number,
        prepared: envelope.prepared,
        test: envelope.test,
        acknowledgment_requested: envelope.acknowledgment_requested,
        style,
        technical: Vec::new(),
        groups: vec![group],
    }
}

/// ISA12 is the version of the documents unless something else was agreed; ISA11 is a repetition separator from 00402 on.
fn follow(version: &str, style: &mut Style) {
    if style.syntax_version.is_empty() {
        style.syntax_version = version.get(..5).unwrap_or("00401").to_owned();
    }
    let own = &mut style.separators;
    let taken = [own.element, own.component, own.segment];
    let wanted = own.repetition.into_iter().chain(*b"^!|").find(|byte| !taken.contains(byte));
    own.repetition = wanted.filter(|_| style.syntax_version.as_str() >= "00402");
}

/// The definition of what an interchange of XML holds.
fn definition(rules: &Rules, draft: &InterchangeDraft) -> Result<Arc<Document>, Vec<Diagnostic>> {
    let first = draft.groups.iter().flat_map(|group| &group.documents).next();
    let found = first.map(|one| rules.library.document(&one.standard, &one.version, &one.kind));
    match found {
        Some(Ok(found)) => Ok(found),
        Some(Err(error)) => Err(vec![Diagnostic::new(Syntax::Xml, error.fault()).because(error.to_string(), "")]),
        None => Err(vec![Diagnostic::new(Syntax::Xml, Fault::InterchangeEmpty)]),
    }
}

/// What the documents of an interchange of segments will be judged by, as far as the first of them says it.
fn directory(rules: &Rules, draft: &InterchangeDraft) -> Option<Arc<Directory>> {
    let first = draft.groups.iter().flat_map(|group| &group.documents).next()?;
    let folder = first.version.to_ascii_lowercase().replace('.', "");
    let found = rules.library.in_syntax(&first.standard, &folder, &first.kind, &draft.style.syntax_version);
    found.ok().map(|(_, directory)| directory)
}

/// Writes an interchange, and reads it again: the reports are those of a receiver, who may have guides.
///
/// # Errors
/// What cannot be written at all.
pub fn encode(
    rules: &Rules,
    syntax: Syntax,
    draft: &InterchangeDraft,
    guides: Option<GuideChoice<'_>>,
) -> Result<(Vec<u8>, Vec<InterchangeReport>), Vec<Diagnostic>> {
    let written = match syntax {
        Syntax::X12 => x12::encode_judged(draft, directory(rules, draft))?,
        syntax if syntax.is_by_contents() => {
            let definition = definition(rules, draft)?;
            if definition.layout().is_some() {
                let mut bytes = table::header(&definition);
                let mut keys = table::Keys::default();
                let mut documents = draft.groups.iter().flat_map(|group| &group.documents).peekable();
                while let Some(document) = documents.next() {
                    if syntax == Syntax::Json {
                        if documents.peek().is_some() {
                            let finding = Diagnostic::new(syntax, Fault::InterchangeContent);
                            return Err(vec![
                                finding.because("one document, for one is all that a JSON file can hold", "several"),
                            ]);
                        }
                        bytes.extend(json::document(&definition, draft, document)?);
                        break;
                    }
                    keys.take(&definition, draft, document)?;
                    bytes.extend(table::document(&definition, draft, document)?);
                }
                bytes.into()
            } else {
                xml::encode(&definition, draft)?.into()
            }
        }
        _ => edifact::encode_judged(draft, directory(rules, draft))?,
    };
    let definition = definition(rules, draft).ok().filter(|_| syntax.is_by_contents());
    let library = rules.library.telling(definition.as_ref());
    let inspection = Inspection::new(&library).guided(guides);
    match inspection.written(&written) {
        Ok(reports) => Ok((written.bytes, reports)),
        Err(error) => {
            let finding = Diagnostic::new(syntax, Fault::SegmentTooBig);
            Err(vec![finding.because("what its receiver can read", error.to_string())])
        }
    }
}
