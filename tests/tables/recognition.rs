//! Which definition an input is of: what is wrong with one, or open between two, is told.

use super::defined::{Defined, defined, reports};
use std::process::Command;

fn table(more: &str) -> String {
    format!(
        "format: csv\ndelimiter: ;\n{more}root: Order\ncontent: order\nenvelope:\n  number: number\nrecords:\n  order:\n    fields:\n      - number R text\n      - item O text\n"
    )
}

fn first(made: &Defined, text: &str) -> String {
    let report = reports(&made.library, text.as_bytes()).remove(0);
    report.faults.iter().map(|fault| format!("{} {}\n", fault.code(), fault.message())).collect()
}

/// The command says it too.
fn identify(made: &Defined, text: &str) -> String {
    let file = made.folder.path().join("input");
    std::fs::write(&file, text).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    let output =
        command.arg("identify").arg(file).arg("--standards").arg(made.folder.path()).output().expect("it runs");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn a_definition_that_cannot_be_read_is_told() {
    let broken = table("recognise: header\ndelimitter: x\n");
    let made = defined(&[("own/1/Order", &broken)]);
    let told = first(&made, "number;item\n1;a\n");
    assert!(told.contains("DEFINITION-MALFORMED") && told.contains("own/1/Order.yaml: delimitter"), "{told}");
    let told = identify(&made, "number;item\n1;a\n");
    assert!(told.contains("own/1/Order.yaml: delimitter"), "{told}");
    // Another that fits reads it, and its documents are not spoiled; that one may be meant is told all the same.
    let made = defined(&[("own/1/Order", &broken), ("own/2/Order", &table("recognise: header\n"))]);
    let report = reports(&made.library, b"number;item\n1;a\n").remove(0);
    assert!(report.is_valid() && report.groups[0].documents.len() == 1);
    assert!(first(&made, "number;item\n1;a\n").contains("own/1/Order.yaml: delimitter"));
    // Where it was said what the input is, nothing else is meant.
    let library = made.library.told("own/2/Order").expect("it is there");
    assert!(reports(&library, b"number;item\n1;a\n")[0].faults.is_empty());
}

#[test]
fn an_input_that_fits_two_definitions_is_told_and_not_guessed() {
    let one = table("recognise: header\n");
    let made = defined(&[("own/1/Order", &one), ("other/1/Order", &one)]);
    let told = first(&made, "number;item\n1;a\n");
    assert!(told.contains("FORMAT-UNKNOWN") && told.contains("other/1/Order, own/1/Order alike"), "{told}");
    let told = identify(&made, "number;item\n1;a\n");
    assert!(told.contains("other/1/Order, own/1/Order alike") && told.contains("--as"), "{told}");
    // One that has just these columns fits better than one that has more.
    let more = one.replace("      - item O text\n", "      - item O text\n      - unit O text\n");
    let made = defined(&[("own/1/Order", &one), ("other/1/Order", &more)]);
    assert_eq!(reports(&made.library, b"number;item\n1;a\n")[0].groups[0].documents[0].envelope.standard, "own");
    // A copy of a shipped one counts before it.
    let shipped = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/standards/csv/1/Order.yaml"));
    let shipped = shipped.expect("it is shipped");
    let body = shipped.split_once("format:").map_or("", |(_, body)| body);
    let made = defined(&[("grocer/1/Order", &format!("format:{body}"))]);
    let sample = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/csv/1/Order/plain/in.csv"));
    let report = reports(&made.library, &sample.expect("a sample")).remove(0);
    assert_eq!(report.groups[0].documents[0].envelope.standard, "grocer");
}

#[test]
fn json_and_lines_are_known_by_their_marks() {
    let json = "format: json\nrecognise: [\"/a/0/type = x\", /number]\nroot: Order\ncontent: order\nrecords:\n  order:\n    fields:\n      - number R text\n";
    let fixed = "format: fixed\nrecognise: 3 HEAD\ntag: 3 4\nroot: Order\ncontent: order\nrecords:\n  order:\n    tag: HEAD\n    fields:\n      - name O text 2\n      - tag R text 4 = $tag\n      - number R text 5\n";
    let made = defined(&[("own/1/Order", json), ("lines/1/Order", fixed)]);
    let kind = |text: &str| {
        let report = reports(&made.library, text.as_bytes()).remove(0);
        report.groups.first().map_or(String::new(), |group| group.documents[0].envelope.standard.clone())
    };
    assert_eq!(kind("{\"a\":[{\"type\":\"x\"}],\"number\":\"1\"}"), "own");
    assert_eq!(kind("{\"a\":[{\"type\":\"y\"}],\"number\":\"1\"}"), "");
    assert_eq!(kind("xxHEAD00001\n"), "lines");
    assert_eq!(kind("\r\n\nxxHEAD00001\n"), "lines");
    // Positions are of characters.
    assert_eq!(kind("üßHEAD00001\n"), "lines");
    let read = super::defined::read(&made.library, "üßHEAD00001\n".as_bytes());
    assert_eq!(read[0].segments, [["Order", "üß", "HEAD", "00001"]]);
    assert!(read[0].codes().is_empty(), "{:?}", read[0].findings);
}
