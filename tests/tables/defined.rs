//! Definitions of one's own, and what is read by them: the values of each document, and what is wrong with it.

use portolan::codec::segment::{Inspection, InterchangeReport, Limits, PieceKind, Reader};
use portolan::codec::{json, table};
use portolan::diagnostic::{Diagnostic, Syntax};
use portolan::standard::load::Library;

/// Definitions in a folder, `standard/version/Type` with the text of each.
pub struct Defined {
    pub folder: tempfile::TempDir,
    pub library: Library,
}

pub fn defined(files: &[(&str, &str)]) -> Defined {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(format!("{name}.yaml"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let [standard, version, kind] = name.split('/').collect::<Vec<_>>()[..] else { panic!("{name}") };
        let head = format!("standard: {standard}\nversion: \"{version}\"\ntype: {kind}\nname: {kind}\n");
        std::fs::write(path, head + text).expect("written");
    }
    let library = Library::new(Some(folder.path()));
    Defined { folder, library }
}

/// One definition, `own/1/Order`, and a library that is told that all inputs are of it.
pub fn told(text: &str) -> Defined {
    let made = defined(&[("own/1/Order", text)]);
    let library = made.library.told("own/1/Order").unwrap_or_else(|error| panic!("{error}"));
    Defined { library, ..made }
}

/// What a definition is refused for.
pub fn refused(text: &str) -> String {
    match defined(&[("own/1/Order", text)]).library.document("own", "1", "Order") {
        Ok(_) => panic!("it is taken: {text}"),
        Err(error) => error.to_string(),
    }
}

/// A document that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    /// Each segment: its name, then the values of its fields.
    pub segments: Vec<Vec<String>>,
    pub findings: Vec<Diagnostic>,
}

impl Read {
    pub fn codes(&self) -> Vec<String> {
        self.findings.iter().map(Diagnostic::code).collect()
    }
}

/// The documents of an input.
pub fn read(library: &Library, bytes: &[u8]) -> Vec<Read> {
    let mut reader = Reader::new(bytes, Limits::default()).knowing(library);
    let mut found = Vec::new();
    while let Some(piece) = reader.next().expect("memory reads") {
        let Some(sheet) = piece.sheet.as_deref().filter(|_| piece.kind == PieceKind::Document) else { continue };
        let run = piece.run;
        let (projected, _, mut findings) = match sheet.layout().syntax {
            Syntax::Json => json::project(sheet, run.bytes, run.offset, run.line),
            _ => table::project(sheet, run.bytes, run.offset, run.line),
        };
        findings.extend(piece.faults.iter().cloned());
        let segments = projected.run();
        let segments = segments.segments().map(|segment| {
            let values = segment.elements().map(|value| value.text().into_owned());
            // The first element is what the record itself says, which is nothing.
            std::iter::once(segment.tag_text().into_owned()).chain(values.skip(1)).collect()
        });
        found.push(Read { segments: segments.collect(), findings });
    }
    found
}

/// What is found in an input as a whole.
pub fn reports(library: &Library, bytes: &[u8]) -> Vec<InterchangeReport> {
    Inspection::new(library).whole(bytes, Limits::default()).expect("memory reads")
}

/// The codes of each document of an input, its interchanges one after another.
pub fn codes(library: &Library, bytes: &[u8]) -> Vec<Vec<String>> {
    let reports = reports(library, bytes);
    let documents = reports.iter().flat_map(|report| &report.groups).flat_map(|group| &group.documents);
    documents.map(|document| document.faults.iter().map(Diagnostic::code).collect()).collect()
}
