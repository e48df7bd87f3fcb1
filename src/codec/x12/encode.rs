//! Writes an X12 interchange from drafts: ISA with its fixed widths, GS, ST, and trailers with computed counts.

use crate::codec::segment::{Writer, Written};
use crate::diagnostic::{Diagnostic, Fault, Position, Syntax};
use crate::standard::definition::Directory;
use crate::tree::{DocumentDraft, GroupDraft, InterchangeDraft};
use std::sync::Arc;

/// Writes the interchange.
///
/// # Errors
/// Every value that cannot be written: separators or control characters in data, an ISA element over its width.
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
    for group in &draft.groups {
        begin_group(&mut writer, draft, group);
        group.documents.iter().for_each(|one| document(&mut writer, one));
        end_group(&mut writer, group, group.documents.len());
    }
    end(&mut writer, draft);
    writer.finish_written()
}

/// ISA, and TA1 where the draft has them.
///
/// # Errors
/// What ISA cannot hold.
pub fn begin(draft: &InterchangeDraft) -> Result<Writer, Vec<Diagnostic>> {
    let mut writer = Writer::new(Syntax::X12, &draft.style);
    let faults = header(&mut writer, draft);
    if !faults.is_empty() {
        return Err(faults);
    }
    draft.technical.iter().for_each(|segment| writer.segment(segment));
    Ok(writer)
}

/// IEA, which counts the draft's groups.
pub fn end(writer: &mut Writer, draft: &InterchangeDraft) {
    let count = draft.groups.len().to_string();
    writer.simple("IEA", &[&count, &padded(&draft.control_number, 9)]);
}

/// ISA: sixteen elements of fixed width (X12.5). ISA11 is `U` before 00402, the repetition separator from there on.
fn header(writer: &mut Writer, draft: &InterchangeDraft) -> Vec<Diagnostic> {
    let separators = draft.style.separators;
    let repetition = separators.repetition.map_or('U', char::from).to_string();
    let component = char::from(separators.component).to_string();
    let (prepared, agreed) = (draft.prepared_digits(), &draft.style.agreed);
    let control_number = padded(&draft.control_number, 9);
    // ISA01, ISA03: 00 is "nothing meaningful follows".
    let or_none = |qualifier| if String::is_empty(qualifier) { "00" } else { qualifier.as_str() };
    let elements: [(&str, usize); 16] = [
        (or_none(&agreed.authorization[0]), 2),
        (&agreed.authorization[1], 10),
        (or_none(&agreed.security[0]), 2),
        (&agreed.security[1], 10),
        (&draft.sender[0], 2),
        (&draft.sender[1], 15),
        (&draft.receiver[0], 2),
        (&draft.receiver[1], 15),
        (&prepared[2..8], 6),
        (&prepared[8..], 4),
        (&repetition, 1),
        (&draft.style.syntax_version, 5),
        (&control_number, 9),
        (if draft.acknowledgment_requested { "1" } else { "0" }, 1),
        (if draft.test { "T" } else { "P" }, 1),
        (&component, 1),
    ];
    let mut faults = Vec::new();
    let mut text = String::from("ISA");
    for (index, (value, width)) in elements.iter().enumerate() {
        let is_separator = matches!(index, 10 | 15);
        let special = |c: char| !c.is_ascii() || c.is_ascii_control() || separators.is_special(c as u8);
        if value.len() > *width || (!is_separator && value.chars().any(special)) {
            let position = Position { segment: 1, element: index as u16 + 1, ..Position::default() };
            let found = Diagnostic::new(Syntax::X12, Fault::InterchangeElement);
            let place = format!("ISA.{:02}", index + 1);
            let expected = format!("at most {width} characters, none a separator");
            faults.push(found.place(place, "ISA", position).because(expected, format!("\"{value}\"")));
        }
        text.push(char::from(separators.element));
        text.push_str(value);
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(value.len())));
    }
    writer.plain(text.as_bytes());
    writer.end_segment();
    faults
}

/// GS.
pub fn begin_group(writer: &mut Writer, draft: &InterchangeDraft, group: &GroupDraft) {
    let or = |own, other| if String::is_empty(own) { other } else { own };
    let prepared = draft.prepared_digits();
    writer.simple(
        "GS",
        &[
            &group.kind,
            or(&group.sender, &draft.sender[1]),
            or(&group.receiver, &draft.receiver[1]),
            &prepared[..8],
            &prepared[8..],
            &group.control_number,
            "X",
            &group.version,
        ],
    );
}

/// GE.
pub fn end_group(writer: &mut Writer, group: &GroupDraft, documents: usize) {
    writer.simple("GE", &[&documents.to_string(), &group.control_number]);
}

/// ST to SE.
pub fn document(writer: &mut Writer, draft: &DocumentDraft) {
    begin_document(writer, draft);
    writer.segments_of(&draft.segments);
    end_document(writer, draft);
}

/// ST.
pub fn begin_document(writer: &mut Writer, draft: &DocumentDraft) {
    writer.begin_document();
    writer.simple("ST", &[&draft.kind, &padded(&draft.control_number, 4), &draft.guide]);
}

/// SE, which counts the segments written since ST.
pub fn end_document(writer: &mut Writer, draft: &DocumentDraft) {
    let count = (writer.segments() + 1).to_string();
    writer.simple("SE", &[&count, &padded(&draft.control_number, 4)]);
}

/// Numbers keep their zeros; shorter ones get some in front.
fn padded(number: &str, width: usize) -> String {
    format!("{number:0>width$}")
}
