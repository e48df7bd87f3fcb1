//! The committed definitions are what the importer makes of its sources, and they read back as what was imported.

use portolan::standard::import;
use portolan::standard::load::{Library, LoadError};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn source() -> Option<PathBuf> {
    let folder =
        std::env::var_os("PORTOLAN_STANDARDS_SOURCE").map_or_else(|| root().join("../shared/standards"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("{} is not there: the committed definitions are not compared with their sources", folder.display());
    None
}

/// The document types that are committed for a version.
fn committed(standard: &str, version: &str) -> Vec<String> {
    let all = Library::new(None).list().into_iter();
    all.filter(|row| row[0] == standard && row[1] == version).map(|[_, _, kind]| kind).collect()
}

#[test]
fn definitions_read_back_as_imported() {
    let Some(source) = source() else { return };
    for version in ["004010", "005010"] {
        let kinds = committed("x12", version);
        let imported = import::x12::import(&source.join("x12").join(version), &kinds).expect("the tables import");
        is_committed(&imported);
        let directory = Library::new(None).directory("x12", version).expect("packed");
        assert_eq!(directory.segments, imported.directory.segments);
        assert_eq!(directory.composites, imported.directory.composites);
        assert_eq!(directory.codes, imported.directory.codes);
        assert_eq!(directory.elements.len(), imported.directory.elements.len());
    }
}

#[test]
fn all_x12_tables_import_without_anomalies() {
    let Some(source) = source() else { return };
    for (version, sets) in [("004010", 293), ("005010", 318)] {
        let imported = import::x12::import(&source.join("x12").join(version), &[]).expect("the tables import");
        assert_eq!(imported.documents.len(), sets + 1, "{version}: the sets and TA1");
        assert_eq!(imported.anomalies, Vec::<String>::new(), "{version}");
    }
}

#[test]
fn every_listed_type_loads() {
    let library = Library::new(None);
    let all = library.list();
    assert!(all.len() >= 3, "only {} types packed", all.len());
    for [standard, version, kind] in all {
        library.document(&standard, &version, &kind).unwrap_or_else(|error| panic!("{error}"));
        library.directory(&standard, &version).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn err_unknown_and_malformed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path: &Path = &folder.path().join("x12/004010");
    fs::create_dir_all(path).expect("a folder");
    fs::write(
        path.join("850.yaml"),
        "standard: x12\nversion: \"004010\"\ntype: \"850\"\nname: Order\nheading:\n  - ST M 1\n",
    )
    .expect("a file");
    let library = Library::new(Some(folder.path()));
    let error = library.document("x12", "004010", "850").expect_err("M is no usage of the notation");
    assert_eq!(error.to_string(), "x12/004010/850.yaml: ST M 1: expected a usage (R, O, C or U), found M");
    let error = library.document("x12", "004010", "codes").expect_err("no document type");
    assert_eq!(error, LoadError::Unknown("x12/004010/codes".into()));
}

/// Compares what an importer makes with the committed files of a version.
fn is_committed(imported: &import::Imported) {
    assert_eq!(imported.anomalies, Vec::<String>::new());
    let standard = &imported.directory.standard;
    let folder = root().join("standards").join(standard).join(&imported.directory.version);
    for (name, content) in import::write(&imported.documents, &imported.directory) {
        let committed = fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert!(committed == content, "{}/{name} is not what the importer writes: import it again", folder.display());
    }
    let library = Library::new(None);
    for document in &imported.documents {
        assert_eq!(*library.document(standard, &document.version, &document.kind).expect("packed"), *document);
    }
}

#[test]
fn committed_edifact_is_the_importers_output() {
    let Some(source) = source() else { return };
    let folder = source.join("edifact");
    for version in ["d96a", "d01b"] {
        let zip = folder.join(version).with_extension("zip");
        let imported = import::edifact::import(&zip, 3, &committed("edifact", version));
        is_committed(&imported.expect("the directory imports"));
    }
    for syntax in [3, 4] {
        is_committed(&import::edifact::import_service(&folder.join("service"), syntax).expect("the tables import"));
    }
}

/// Group heads and segments, as the table of a message lists them.
fn entries(nodes: &[portolan::standard::definition::Node]) -> usize {
    nodes.iter().map(|node| 1 + node.body.as_ref().map_or(0, |body| entries(&body.nodes))).sum()
}

#[test]
fn directories_import_with_the_counts_known_from_elsewhere() {
    let Some(source) = source() else { return };
    for (version, messages, rows) in
        [("d96a", 125, 8_882), ("d97a", 145, 10_384), ("d01b", 208, 16_164), ("d21b", 210, 18_082)]
    {
        let zip = source.join("edifact").join(format!("{version}.zip"));
        let imported = import::edifact::import(&zip, 3, &[]).expect("the directory imports");
        assert_eq!(imported.documents.len(), messages, "{version}");
        assert_eq!(imported.documents.iter().map(|one| entries(&one.nodes)).sum::<usize>(), rows, "{version}");
        if version == "d96a" {
            assert_eq!(imported.anomalies, Vec::<String>::new());
        }
    }
}
