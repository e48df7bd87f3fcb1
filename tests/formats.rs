//! The page on formats of one's own, run as it stands: its table is recognised by its definition, read by its mapping, and
//! written again to the same bytes; and what is drafted from the table reads it.

use std::path::Path;
use std::process::{Command, Output};

fn portolan(folder: &Path, line: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portolan")).current_dir(folder).args(line).output().expect("the binary")
}

/// The blocks of the page in a language.
fn blocks(language: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/FORMATS.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let fence = format!("```{language}\n");
    let begun = page.split(&fence).skip(1).map(|rest| rest.split("```").next().expect("an end"));
    begun.map(str::to_owned).collect()
}

fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

/// A folder with the files of the page.
fn example() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let ([table], [definition, mapping]) = (&blocks("csv")[..], &blocks("yaml")[..]) else {
        panic!("one table, two files")
    };
    put(folder.path(), "orders.csv", &table.replace('\n', "\r\n"));
    put(folder.path(), "standards/grocer/1/Order.yaml", definition);
    put(folder.path(), "mappings/grocer/1/Order.yaml", mapping);
    folder
}

#[test]
fn the_page_on_formats_holds() {
    let folder = example();
    let own = ["--standards", "standards", "--mapping", "mappings"];
    let read = portolan(folder.path(), &[&["translate", "orders.csv", "--to", "entity"][..], &own].concat());
    assert_eq!(read.status.code(), Some(0), "{}", String::from_utf8_lossy(&read.stderr));
    let entities: serde_json::Value = serde_json::from_slice(&read.stdout).expect("JSON");
    let numbers: Vec<_> = entities.as_array().expect("two").iter().map(|one| &one["entity"]["number"]).collect();
    assert_eq!(numbers, ["A-1", "A-2"]);
    let first = &entities[0]["entity"];
    assert_eq!((&first["issued"], &first["lines"][1]["price"]["amount"]), (&"2026-01-31".into(), &"31.50".into()));
    assert_eq!(first["lines"][0]["quantity"]["unit"], "EA", "codes of the entity as they are");

    let parties = ["--receiver", "gln:4098765000001"];
    let line = [&["translate", "orders.csv", "--to", "grocer/1/Order"][..], &own, &parties].concat();
    let written = portolan(folder.path(), &line);
    let table = std::fs::read(folder.path().join("orders.csv")).expect("the table");
    assert_eq!(String::from_utf8_lossy(&written.stdout), String::from_utf8_lossy(&table), "{written:?}");
    let line = [&["translate", "orders.csv", "--to", "edifact/d96a/ORDERS"][..], &own, &parties].concat();
    let written = portolan(folder.path(), &line);
    let text = String::from_utf8_lossy(&written.stdout).into_owned();
    assert!(text.contains("BGM+220+A-1") && text.contains("BGM+220+A-2"), "{written:?}");
}

#[test]
fn a_drafted_definition_reads_its_samples() {
    let folder = example();
    let drafted = portolan(folder.path(), &["standards", "infer", "orders.csv", "--as", "drafted/1/Order"]);
    let draft = String::from_utf8(drafted.stdout).expect("UTF-8");
    for expected in
        ["    key: Auftrag\n", "- Datum R date\n", "- Menge R integer\n", "- Preis R number\n", "# in 3 of 3 rows, "]
    {
        assert!(draft.contains(expected), "no {expected} in\n{draft}");
    }
    put(folder.path(), "drafts/drafted/1/Order.yaml", &draft);
    let line = ["validate", "orders.csv", "--standards", "drafts", "--as", "drafted/1/Order"];
    let judged = portolan(folder.path(), &line);
    assert_eq!(judged.status.code(), Some(0), "{}\n{draft}", String::from_utf8_lossy(&judged.stdout));
    assert!(String::from_utf8_lossy(&judged.stdout).contains("2 documents"), "{judged:?}");
}

#[test]
fn a_definition_drafted_of_json_reads_its_samples() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/json/1/Order/plain/in.json");
    std::fs::copy(sample, folder.path().join("order.json")).expect("copied");
    let drafted = portolan(folder.path(), &["standards", "infer", "order.json", "--as", "drafted/1/Order"]);
    let draft = String::from_utf8(drafted.stdout).expect("UTF-8");
    for expected in [
        "- /order/lines\n",
        "      - Lines R >1 lines = order/lines\n",
        "order_buyer_gln R text ..17 = order/buyer/gln",
    ] {
        assert!(draft.contains(expected), "no {expected} in\n{draft}");
    }
    put(folder.path(), "drafts/drafted/1/Order.yaml", &draft);
    let line = ["validate", "order.json", "--standards", "drafts", "--as", "drafted/1/Order"];
    let judged = portolan(folder.path(), &line);
    assert_eq!(judged.status.code(), Some(0), "{}\n{draft}", String::from_utf8_lossy(&judged.stdout));
}

#[test]
fn a_definition_drafted_of_an_idoc_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/idoc/dc40/SHPMNT05/rich/in.idoc");
    std::fs::copy(sample, folder.path().join("shipment.txt")).expect("copied");
    let drafted = portolan(folder.path(), &["standards", "infer", "shipment.txt", "--as", "drafted/1/Shipment"]);
    let draft = String::from_utf8(drafted.stdout).expect("UTF-8");
    assert!(draft.contains("format: fixed\n") && draft.contains("      - E2EDL20004 R >1 E2EDL20004\n"), "{draft}");
    put(folder.path(), "drafts/drafted/1/Shipment.yaml", &draft);
    let line = ["validate", "shipment.txt", "--standards", "drafts", "--as", "drafted/1/Shipment"];
    let judged = portolan(folder.path(), &line);
    assert_eq!(judged.status.code(), Some(0), "{}\n{draft}", String::from_utf8_lossy(&judged.stdout));
    // What begins with no type is told with what to do.
    let lines: String = ('A'..='Z').map(|c| format!("{c}{:<20}{:>8}\n", "Lampe", 7)).collect();
    put(folder.path(), "lines.txt", &lines);
    let refused = portolan(folder.path(), &["standards", "infer", "lines.txt"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{told}");
    assert!(told.contains("19 types at most in 26 lines; found 26 values of their first character"), "{told}");
}

/// What a channel says is sent there must be something whose bytes its definition lays out.
#[test]
fn err_a_channel_names_a_document_that_is_not_laid_out() {
    let rules = portolan::engine::Rules::new(None, None);
    let wrong = |document: &str| {
        let text = format!("kind: channel\nname: in\ntransport: http\nway: in\nauth: token\ndocument: {document}\n");
        let resources = portolan::partner::parse("in.yaml", &text).unwrap_or_else(|errors| panic!("{errors:?}"));
        let directory = portolan::partner::Directory::new(&resources).unwrap_or_else(|errors| panic!("{errors:?}"));
        let configured = portolan::pipeline::configured::Configured::new(&rules, &directory, &resources);
        configured.err().map(|errors| errors[0].to_string())
    };
    assert_eq!(wrong("csv/1/Order"), None);
    for document in ["csv/1/Ordre", "x12/004010/850"] {
        let told = wrong(document).expect("an error");
        assert!(told.contains("document") && told.contains(document), "{told}");
    }
}
