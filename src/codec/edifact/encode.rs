//! Writes an EDIFACT interchange from drafts: UNA where it is needed, UNB, UNG where wanted, UNH, and trailers with
//! computed counts (ISO 9735-1, annex C).

use crate::codec::segment::Writer;
use crate::diagnostic::{Diagnostic, Syntax};
use crate::tree::{DocumentDraft, DraftSegment, GroupDraft, InterchangeDraft, Separators};

/// Writes the interchange.
///
/// # Errors
/// Every value outside the character set or repertoire of the syntax level.
pub fn encode(draft: &InterchangeDraft) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let mut writer = Writer::new(Syntax::Edifact, &draft.style);
    advice(&mut writer, draft);
    writer.segment(&header(draft));
    for group in &draft.groups {
        self::group(&mut writer, draft, group);
    }
    let grouped = draft.groups.iter().any(|group| !group.control_number.is_empty());
    let documents: usize = draft.groups.iter().map(|group| group.documents.len()).sum();
    let count = if grouped { draft.groups.len() } else { documents };
    writer.segment(&DraftSegment::simple("UNZ", &[&count.to_string(), &draft.control_number]));
    writer.finish()
}

/// UNA, when asked for or when the separators are not those a receiver assumes without it.
fn advice(writer: &mut Writer<'_>, draft: &InterchangeDraft) {
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
    let mut unb = DraftSegment { tag: "UNB".into(), ..DraftSegment::default() };
    unb.set(1, 1, draft.style.syntax_identifier.clone());
    unb.set(1, 2, draft.style.syntax_version.clone());
    let agreed = &draft.style.agreed;
    for (element, party, internal) in [(2, &draft.sender, 0), (3, &draft.receiver, 1)] {
        unb.set(element, 1, party[1].clone());
        unb.set(element, 2, party[0].clone());
        unb.set(element, 3, agreed.internal[internal].clone());
    }
    // Syntax 4 writes the century (0017 n8), the versions before it do not (n6).
    let date = if draft.style.syntax_version == "4" { "%Y%m%d" } else { "%y%m%d" };
    unb.set(4, 1, draft.prepared.strftime(date).to_string());
    unb.set(4, 2, draft.prepared.strftime("%H%M").to_string());
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

fn group(writer: &mut Writer<'_>, draft: &InterchangeDraft, group: &GroupDraft) {
    let has_header = !group.control_number.is_empty();
    if has_header {
        let mut ung = DraftSegment::simple("UNG", &[&group.kind, &group.sender, &group.receiver]);
        ung.set(4, 1, draft.prepared.strftime("%y%m%d").to_string());
        ung.set(4, 2, draft.prepared.strftime("%H%M").to_string());
        ung.set(5, 1, group.control_number.clone());
        ung.set(6, 1, "UN");
        let (version, release) = halves(&group.version);
        ung.set(7, 1, version);
        ung.set(7, 2, release);
        writer.segment(&ung);
    }
    group.documents.iter().for_each(|one| document(writer, one));
    if has_header {
        writer.segment(&DraftSegment::simple("UNE", &[&group.documents.len().to_string(), &group.control_number]));
    }
}

fn document(writer: &mut Writer<'_>, draft: &DocumentDraft) {
    let (version, release) = halves(&draft.version);
    let mut unh = DraftSegment::simple("UNH", &[&draft.control_number]);
    for (component, value) in [(1, draft.kind.as_str()), (2, version), (3, release), (4, "UN"), (5, &draft.guide)] {
        unh.set(2, component, value);
    }
    writer.begin_document();
    writer.segment(&unh);
    draft.segments.iter().for_each(|segment| writer.segment(segment));
    let count = (writer.segments() + 1).to_string();
    writer.segment(&DraftSegment::simple("UNT", &[&count, &draft.control_number]));
}

/// `D.96A` as version `D` and release `96A`.
fn halves(version: &str) -> (&str, &str) {
    version.split_once('.').unwrap_or((version, ""))
}
