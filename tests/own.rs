//! A partner's own mapping and tables on the command line, both ways.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/x12/004010/850/plain/in.edi")
}

fn portolan(line: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portolan")).args(line).output().expect("the binary")
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

const MAPPING: &str = "kind: mapping\nname: north\nbase: grocers\nrules:\n  number: BEG03 | lookup(orders, theirs, ours)\n---\n\
                       kind: mapping\nname: grocers\nbase: x12/004010/850\nrules:\n  release: none\n";
const TABLE: &str = "kind: table\nname: orders\ncolumns: [theirs, ours]\ndirections: [theirs to ours, ours to theirs]\n\
                     rows_file: rows.csv\n";

#[test]
fn a_lookup_is_exactly_reversed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mapping, tables) = (file(folder.path(), "m.yaml", MAPPING), file(folder.path(), "t.yaml", TABLE));
    file(folder.path(), "rows.csv", "theirs;ours\n4711;OURS-1\n");
    let fixture = fixture().display().to_string();
    let own = ["--mapping", &mapping, "--tables", &tables];
    let there = portolan(&[&["translate", &fixture, "--to", "entity"][..], &own].concat());
    let words = String::from_utf8_lossy(&there.stderr).into_owned();
    assert_eq!(there.status.code(), Some(0), "{words}");
    let entity: serde_json::Value = serde_json::from_slice(&there.stdout).expect("JSON");
    assert_eq!(entity["entity"]["number"], "OURS-1");
    let back = portolan(&[&["translate", &fixture, "--to", "x12/004010/850"][..], &own].concat());
    assert!(String::from_utf8_lossy(&back.stdout).contains("BEG*00*SA*4711**"), "their number again");
}

#[test]
fn err_what_a_table_lacks_is_a_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mapping, tables) = (file(folder.path(), "m.yaml", MAPPING), file(folder.path(), "t.yaml", TABLE));
    file(folder.path(), "rows.csv", "theirs,ours\n1,OURS-1\n");
    let fixture = fixture().display().to_string();
    let line = ["translate", &fixture, "--to", "entity", "--mapping", &mapping, "--tables", &tables, "--json"];
    let output = portolan(&line);
    let entity: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let report = entity["report"].as_array().expect("a report");
    let missing: Vec<_> = report.iter().filter(|one| one["code"] == "X12-LOOKUP-MISSING").collect();
    assert_eq!((missing.len(), &missing[0]["severity"]), (1, &"warning".into()), "{report:?}");
    assert_eq!(missing[0]["expected"], "a row of table orders with ours for theirs 4711");
    assert_eq!(missing[0]["place"], "BEG.03");
    // It stays where it is, and goes back there.
    assert_eq!(entity["entity"]["extensions"][0]["value"], "4711", "{entity:#}");
    let none = portolan(&line[..6]);
    assert_eq!(none.status.code(), Some(3), "no table at all is an error: {}", String::from_utf8_lossy(&none.stderr));
}

#[test]
fn a_mapping_says_what_it_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let mapping = file(folder.path(), "m.yaml", MAPPING);
    let output = portolan(&["mappings", "show", &mapping, "--changes"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("rules.number: BEG03 → BEG03 | lookup(orders, theirs, ours) (north)"), "{text}");
    assert!(text.lines().any(|line| line.ends_with("→ taken away (grocers)")), "{text}");
    let packed = portolan(&["mappings", "show", "x12/004010/850", "--changes"]);
    assert_eq!(String::from_utf8_lossy(&packed.stdout), "nothing: it stands on no other\n");
}

#[test]
fn err_a_definition_of_ones_own_that_is_wrong_is_told_with_its_place() {
    let order = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ubl/2.1/Order/plain/in.xml").display().to_string();
    let x12 = fixture().display().to_string();
    for (path, text, input, told) in [
        ("x12/004010/850.yaml", "standard: x12\nheading: [\n", &x12, "x12/004010/850.yaml: line "),
        (
            "x12/004010/segments.yaml",
            "BEG:\n  elements:\n    - 353 M Purpose\n",
            &x12,
            "x12/004010/segments.yaml: BEG: 353 M",
        ),
        ("ubl/2.1/Order.yaml", "type: Order\nroot: [\n", &order, "ubl/2.1/Order.yaml: line "),
        ("ubl/2.1/Order.yaml", "type: Order\nroot: Order\n", &order, "ubl/2.1/Order.yaml: standard: expected a text"),
        (
            "ubl/2.1/contents.yaml",
            "contents:\n  Party:\n    parts:\n      - x\n",
            &order,
            "ubl/2.1/contents.yaml: Party",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join(path);
        std::fs::create_dir_all(own.parent().expect("a folder")).expect("made");
        std::fs::write(&own, text).expect("written");
        let done = portolan(&["validate", input, "--standards", &folder.path().display().to_string()]);
        let words = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(3), "{path}: {words}");
        assert!(words.contains("-DEFINITION-MALFORMED") && words.contains(told), "{path}: {words}");
        assert!(!words.contains("TYPE-UNKNOWN"), "{path}: {words}");
        std::fs::write(&own, b"\xFF").expect("written");
        let done = portolan(&["validate", input, "--standards", &folder.path().display().to_string()]);
        assert!(String::from_utf8_lossy(&done.stdout).contains("it cannot be read"), "{path}: not UTF-8");
    }
}
