//! What the tests of mappings share: the fixtures, and the ways from bytes to entities and back.

use portolan::codec::segment::{Inspection, Limits, PieceKind, Reader};
use portolan::diagnostic::{Diagnostic, Severity, Syntax};
use portolan::engine::Rules;
use portolan::engine::canonicalise::canonicalise;
use portolan::engine::encode::{self, Envelope};
use portolan::engine::map::{Target, map};
use portolan::entity::Entity;
use portolan::tree::Style;
use std::fs;
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn rules() -> Rules {
    Rules::new(None, None)
}

/// The case folders of all mapped document types, with the type's name.
pub fn cases() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for parts in rules().mappings.list() {
        let folder = root().join("fixtures").join(parts.join("/"));
        let entries = fs::read_dir(&folder).unwrap_or_else(|_| panic!("no fixtures for {}", parts.join("/")));
        found.extend(entries.map(|entry| (parts.join("/"), entry.expect("a readable folder").path())));
    }
    found.sort();
    assert!(!found.is_empty(), "no fixtures found: the test looks in the wrong place");
    found
}

/// The document of a case: `in.edi`, or `in` with the ending of its format.
pub fn input(folder: &Path) -> Vec<u8> {
    let files = ["in.edi", "in.xml", "in.csv", "in.idoc", "in.json"].map(|name| fs::read(folder.join(name)));
    files.into_iter().find_map(Result::ok).unwrap_or_else(|| panic!("{}: no input", folder.display()))
}

/// Entities and findings of a file.
pub fn read(rules: &Rules, bytes: &[u8]) -> (Vec<Entity>, Vec<String>) {
    let mut reader = Reader::new(bytes, Limits::default()).knowing(&rules.library);
    let mut inspection = Inspection::new(&rules.library);
    let (mut entities, mut findings) = (Vec::new(), Vec::new());
    while let Some(piece) = reader.next().expect("memory can be read") {
        let placed = inspection.take(&piece);
        if let (PieceKind::Document, Some(placed)) = (piece.kind, placed) {
            let report = inspection.document().map(|report| report.faults.clone()).unwrap_or_default();
            let (mut found, more) = canonicalise(rules, &placed, &piece.run);
            findings.extend(report.iter().chain(&more).map(|one| format!("{} {}", one.code(), one.message())));
            entities.append(&mut found);
        }
    }
    for report in inspection.end() {
        findings.extend(report.faults.iter().map(|one| format!("{} {}", one.code(), one.message())));
    }
    (entities, findings)
}

fn envelope(target: &Target) -> Envelope {
    Envelope {
        sender: ["ZZ".to_owned(), "SENDER".to_owned()],
        receiver: ["ZZ".to_owned(), "RECEIVER".to_owned()],
        group_parties: Default::default(),
        group_version: String::new(),
        control_number: "1".to_owned(),
        group_control_number: "1".to_owned(),
        prepared: jiff::civil::DateTime::constant(2026, 11, 24, 9, 15, 0, 0),
        test: false,
        acknowledgment_requested: false,
        style: if target.syntax() == Syntax::X12 { Style::x12() } else { Style::edifact() },
    }
}

/// Begins a finding about bytes that were written, which nobody is sent then.
pub const OUTPUT: &str = "output ";

/// Bytes of an entity in a target, or why there are none, and the findings on the way; those of a receiver, who would
/// refuse the document, begin with [`OUTPUT`].
pub fn try_write(rules: &Rules, name: &str, entity: &Entity) -> (Result<Vec<u8>, String>, Vec<String>) {
    let target = Target::parse(rules, name).expect("a target");
    let (draft, findings) = map(rules, &target, entity, "1").expect("a mapping for the entity");
    let mut words: Vec<String> = findings.iter().map(|one| format!("{} {}", one.code(), one.message())).collect();
    let draft = encode::draft(&target, envelope(&target), vec![draft]);
    let encoded = encode::encode(rules, target.syntax(), &draft, None);
    let refused = |findings: Vec<Diagnostic>| {
        let words: Vec<_> = findings.iter().map(|one| format!("{} {}", one.code(), one.message())).collect();
        words.join("; ")
    };
    let bytes = encoded.map_err(refused).map(|(bytes, reports)| {
        let documents = reports.iter().flat_map(|one| one.groups.iter().flat_map(|group| &group.documents));
        let faults = documents.flat_map(|document| &document.faults).filter(|one| one.severity == Severity::Error);
        words.extend(faults.map(|one| format!("{OUTPUT}{} {}", one.code(), one.message())));
        bytes
    });
    (bytes, words)
}

/// Whether a document type is one of the entity's.
pub fn carries(rules: &Rules, name: &str, entity: &Entity) -> bool {
    let target = Target::parse(rules, name).expect("a target");
    let mapping = rules.mappings.find(&target.standard, &target.version, &target.document).expect("a mapping");
    mapping.select.iter().any(|choice| choice.entity == entity.kind)
}
