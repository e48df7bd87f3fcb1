//! Writes an EDIFACT interchange from drafts: UNA where it is needed, UNB, UNG where wanted, UNH, and trailers with
//! computed counts (ISO 9735-1, annex C).

use crate::codec::segment::{Writer, Written};
use crate::diagnostic::{Diagnostic, Syntax};
use crate::standard::definition::Directory;
use crate::tree::{DocumentDraft, DraftSegment, GroupDraft, InterchangeDraft, Separators};
use std::sync::Arc;

/// Writes the interchange.
///
/// # Errors
/// Every value outside the character set or repertoire of the syntax level.
pub fn encode(draft: &InterchangeDraft) -> Result<Vec<u8>, Vec<Diagnostic>> {
    encode_judged(draft, None).map(|written| written.bytes)
}

/// The same, its items judged while they are written, by the definitions of a version.
///
/// # Errors
/// As [`encode`].
pub fn encode_judged(draft: &InterchangeDraft, by: Option<Arc<Directory>>) -> Result<Written, Vec<Diagnostic>> {
    let mut writer = begin(draft)?;
    writer.judge_by(by);
    let mut documents = 0;
    for group in &draft.groups {
        begin_group(&mut writer, draft, group);
        group.documents.iter().for_each(|one| document(&mut writer, one));
        end_group(&mut writer, group, group.documents.len());
        documents += group.documents.len();
    }
    end(&mut writer, draft, documents);
    writer.finish_written()
}

/// UNA where it is needed, and UNB.
///
/// # Errors
/// What UNB cannot hold.
pub fn begin(draft: &InterchangeDraft) -> Result<Writer, Vec<Diagnostic>> {
    let mut writer = Writer::new(Syntax::Edifact, &draft.style);
    writer.whole(|writer| {
        advice(writer, draft);
        writer.segment(&header(draft));
    })?;
    Ok(writer)
}

/// UNZ, which counts groups where there are any, else documents.
pub fn end(writer: &mut Writer, draft: &InterchangeDraft, documents: usize) {
    let grouped = draft.groups.iter().any(has_header);
    let count = if grouped { draft.groups.len() } else { documents };
    writer.simple("UNZ", &[&count.to_string(), &draft.control_number]);
}

/// UNA, when asked for or when the separators are not those a receiver assumes without it.
fn advice(writer: &mut Writer, draft: &InterchangeDraft) {
    let s = &draft.style.separators;
    let repetition = if draft.style.syntax_version == "4" { Some(b'*') } else { None };
    if draft.style.advice || *s != (Separators { repetition, ..Separators::EDIFACT }) {
        let blank = |byte: Option<u8>| byte.unwrap_or(b' ');
        writer.plain(b"UNA");
        writer.plain(&[s.component, s.element, s.decimal, blank(s.release), blank(s.repetition)]);
        writer.end_segment();
    }
}

fn header(draft: &InterchangeDraft) -> DraftSegment {
    let mut unb = DraftSegment::new("UNB".into());
    unb.set(1, 1, draft.style.syntax_identifier.clone());
    unb.set(1, 2, draft.style.syntax_version.clone());
    let agreed = &draft.style.agreed;
    for (element, party, internal) in [(2, &draft.sender, 0), (3, &draft.receiver, 1)] {
        unb.set(element, 1, party[1].clone());
        unb.set(element, 2, party[0].clone());
        unb.set(element, 3, agreed.internal[internal].clone());
    }
    // Syntax 4 writes the century (0017 n8), the versions before it do not (n6).
    let (prepared, year) = (draft.prepared_digits(), if draft.style.syntax_version == "4" { 0 } else { 2 });
    unb.set(4, 1, &prepared[year..8]);
    unb.set(4, 2, &prepared[8..]);
    unb.set(5, 1, draft.control_number.clone());
    // S005, 0026, 0029, 0032.
    let [password, qualifier] = &agreed.password;
    for (element, component, value) in [
        (6, 1, password),
        (6, 2, qualifier),
        (7, 1, &agreed.application_reference),
        (8, 1, &agreed.priority),
        (10, 1, &agreed.agreement_id),
    ] {
        if !value.is_empty() {
            unb.set(element, component, value.clone());
        }
    }
    if draft.acknowledgment_requested {
        unb.set(9, 1, "1");
    }
    if draft.test {
        unb.set(11, 1, "1");
    }
    unb
}

/// A group without a control number has neither UNG nor UNE.
fn has_header(group: &GroupDraft) -> bool {
    !group.control_number.is_empty()
}

/// UNG where the group has one.
pub fn begin_group(writer: &mut Writer, draft: &InterchangeDraft, group: &GroupDraft) {
    if has_header(group) {
        let mut ung = DraftSegment::simple("UNG", &[&group.kind, &group.sender, &group.receiver]);
        let prepared = draft.prepared_digits();
        ung.set(4, 1, &prepared[2..8]);
        ung.set(4, 2, &prepared[8..]);
        ung.set(5, 1, group.control_number.clone());
        ung.set(6, 1, "UN");
        let (version, release) = halves(&group.version);
        ung.set(7, 1, version);
        ung.set(7, 2, release);
        writer.segment(&ung);
    }
}

/// UNE where the group has one.
pub fn end_group(writer: &mut Writer, group: &GroupDraft, documents: usize) {
    if has_header(group) {
        writer.simple("UNE", &[&documents.to_string(), &group.control_number]);
    }
}

/// UNH to UNT.
pub fn document(writer: &mut Writer, draft: &DocumentDraft) {
    begin_document(writer, draft);
    writer.segments_of(&draft.segments);
    end_document(writer, draft);
}

/// UNH.
pub fn begin_document(writer: &mut Writer, draft: &DocumentDraft) {
    let (version, release) = halves(&draft.version);
    let mut unh = DraftSegment::simple("UNH", &[&draft.control_number]);
    for (component, value) in [(1, draft.kind.as_str()), (2, version), (3, release), (4, "UN"), (5, &draft.guide)] {
        unh.set(2, component, value);
    }
    writer.begin_document();
    writer.segment(&unh);
}

/// UNT, which counts the segments written since UNH.
pub fn end_document(writer: &mut Writer, draft: &DocumentDraft) {
    let count = (writer.segments() + 1).to_string();
    writer.simple("UNT", &[&count, &draft.control_number]);
}

/// `D.96A` as version `D` and release `96A`.
fn halves(version: &str) -> (&str, &str) {
    version.split_once('.').unwrap_or((version, ""))
}
