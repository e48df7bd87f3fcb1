//! What stands for an envelope in a table or a file of fixed width: values of the document, or what its definition says of all
//! of them. They are looked for in its first lines.

use super::project::first_rows;
use super::sheet::Sheet;
use crate::codec::content::{Row, without_number};
use crate::codec::segment::{Envelope, PartyId};
use crate::diagnostic::is_clean;

/// Lines in which the facts of an envelope may stand.
const LINES_MAX: usize = 64;

/// Takes over what a document says of itself.
pub fn note(envelope: &mut Envelope, sheet: &Sheet, bytes: &[u8]) {
    let (rows, faults) = first_rows(sheet, bytes, LINES_MAX);
    take(envelope, sheet, &rows);
    envelope.is_doubtful = !is_clean(&faults);
}

/// Takes over what the rows of a document say.
pub fn take(envelope: &mut Envelope, sheet: &Sheet, rows: &[Row<'_>]) {
    *envelope = Envelope::default();
    let markup = sheet.markup();
    let fact = |name: &str| {
        let fact = markup.envelope.get(name)?;
        let value = fact.paths.iter().find_map(|path| value(sheet, rows, path))?;
        Some((value, fact.value.clone()))
    };
    // An id is the same with blanks around it and without.
    let said = |name: &str| fact(name).map_or(String::new(), |(value, _)| value.trim().to_owned());
    let party = |name: &str| PartyId { scheme: said(&format!("{name}_scheme")), value: said(name) };
    envelope.standard.clone_from(&sheet.document.standard);
    envelope.version.clone_from(&sheet.document.version);
    envelope.document_type.clone_from(&sheet.document.kind);
    (envelope.sender, envelope.receiver) = (party("sender"), party("receiver"));
    envelope.guide = said("guide");
    envelope.test = fact("test").is_some_and(|(value, meant)| meant.is_none_or(|meant| meant == value));
    envelope.interchange_control_number = said("number");
    envelope.document_control_number = said("number");
}

/// The first value at a path from the root, or what stands behind the `=` of a path that is none.
fn value(sheet: &Sheet, rows: &[Row<'_>], path: &str) -> Option<String> {
    if let Some(constant) = path.strip_prefix('=') {
        return Some(constant.to_owned());
    }
    let markup = sheet.markup();
    let (holder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let steps: Vec<&str> = holder.split('/').filter(|step| !step.is_empty()).collect();
    let element = markup.contents.follow(&markup.content, &steps)?.part(name)?.1.element()?;
    let is_here = |row: &&Row<'_>| row.path.split('/').skip(2).map(without_number).eq(steps.iter().copied());
    let cell = |row: &Row<'_>| row.values.iter().find(|cell| cell.element == element).map(|cell| cell.text.clone());
    rows.iter().filter(is_here).find_map(cell)
}
