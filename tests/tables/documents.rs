//! A document that is broken spoils no other of its file.

use super::defined::{codes, read, reports, told};

const TABLE: &str = "format: csv\ndelimiter: ;\nroot: Order\ncontent: order\nenvelope:\n  sender: buyer\n  number: number\nrecords:\n  order:\n    key: number\n    fields:\n      - number R text\n      - buyer R text ..13\n    records:\n      - Line R >1 line\n  line:\n    fields:\n      - item R text ..20\n      - quantity O number\n";

const NONE: [&str; 0] = [];

fn rows(text: &str) -> String {
    format!("number;buyer;item;quantity\n{text}")
}

#[test]
fn a_quote_that_is_not_closed_breaks_its_own_document() {
    let made = told(TABLE);
    // Quotes of later rows do not close it.
    let found = codes(&made.library, rows("1;9;\"a;1\n2;9;\"b\";1\n3;9;\"c\"\"d\";1\n").as_bytes());
    assert_eq!(found, [&["CSV-QUOTE-UNCLOSED"][..], &[], &[]]);
    // A value over several lines is one all the same.
    let found = read(&made.library, rows("1;9;\"a\nb\";1\n2;9;c;1\n").as_bytes());
    assert_eq!((found.len(), &*found[0].segments[1][1]), (2, "a\nb"));
    assert_eq!(found[0].codes(), NONE);
}

#[test]
fn whose_a_file_is_a_document_with_errors_does_not_decide() {
    let made = told(TABLE);
    let sender = |text: &str| reports(&made.library, rows(text).as_bytes()).remove(0).envelope.sender.value;
    // Nothing, a shifted row, a wrong value: the next document says it.
    for first in ["1;;a;1\n", "1;a;1\n", "1;9;a;x\n"] {
        let text = format!("{first}2;9;b;1\n3;9;c;1\n");
        assert_eq!(sender(&text), "9", "{first}");
        let found = codes(&made.library, rows(&text).as_bytes());
        assert!(!found[0].is_empty() && found[1].is_empty() && found[2].is_empty(), "{found:?}");
    }
    // Where all have errors, the first says it.
    assert_eq!(sender("1;8;a;x\n2;9;b;y\n"), "8");
    let found = codes(&made.library, rows("1;8;a;1\n2;9;b;1\n").as_bytes());
    assert_eq!(found[1], ["CSV-PARTIES-DIFFER"]);
}

#[test]
fn the_pipeline_finds_the_same_sender() {
    let made = told(TABLE);
    let rules = portolan::engine::Rules::new(Some(made.folder.path()), None);
    let text = rows("1;;a;1\n2;9;b;1\n");
    let found = portolan::pipeline::identify::look(&rules, &made.library, text.as_bytes()).expect("memory reads");
    assert_eq!(found[0].envelope.sender.value, "9");
}

#[test]
fn rows_that_say_nothing_are_no_rows() {
    let made = told(TABLE);
    for text in ["1;9;a;1\n;;;\n2;9;b;1\n;;;\n \n;;;\n", ";;;\n1;9;a;1\n\"\";\"\";;\n2;9;b;1\n"] {
        let found = codes(&made.library, rows(text).as_bytes());
        assert_eq!(found, [NONE, NONE], "{text}");
    }
    // A file of titles and such rows has no document.
    assert_eq!(codes(&made.library, rows(";;;\n;;;\n").as_bytes()).len(), 0);
    let report = reports(&made.library, rows(";;;\n").as_bytes()).remove(0);
    assert_eq!(report.faults[0].code(), "CSV-INTERCHANGE-EMPTY");
    // Of rows that have types too.
    let typed = told(
        "format: csv\ndelimiter: ;\nheader: none\ntag: 1\nroot: Order\ncontent: order\nrecords:\n  order:\n    tag: H\n    fields:\n      - number R text\n    records:\n      - Line O >1 line\n  line:\n    tag: L\n    fields:\n      - item O text\n",
    );
    assert_eq!(codes(&typed.library, b"H;1\nL;a\n;\nH;2\n;\n"), [NONE, NONE]);
}

#[test]
fn blank_lines_may_stand_before_the_titles() {
    let made = super::defined::defined(&[("own/1/Order", &TABLE.replace("root:", "recognise: header\nroot:"))]);
    for before in ["\n", "\r\n \r\n", ";;;\n", "\u{feff}\n"] {
        let text = format!("{before}{}", rows("1;9;a;x\n2;9;b;1\n"));
        let found = codes(&made.library, text.as_bytes());
        assert_eq!(found, [&["CSV-VALUE-FORM"][..], &[]], "{before:?}");
        let reports = reports(&made.library, text.as_bytes());
        let wrong = &reports[0].groups[0].documents[0].faults[0];
        assert_eq!(text.as_bytes()[wrong.offset as usize], b'x');
        assert_eq!(wrong.line, before.matches('\n').count() as u64 + 2, "{before:?}");
    }
}

const JSON: &str = "format: json\nrecognise: /number\nroot: Order\ncontent: order\nenvelope:\n  number: number\nrecords:\n  order:\n    fields:\n      - number R text\n      - item O text\n";

#[test]
fn json_documents_follow_one_another_and_a_broken_one_loses_none() {
    let made = super::defined::defined(&[("own/1/Order", JSON)]);
    let numbers = |text: &str| -> Vec<String> {
        let found = read(&made.library, text.as_bytes());
        found.iter().map(|one| one.segments[0].get(1).cloned().unwrap_or_default()).collect()
    };
    assert_eq!(numbers("{\"number\":\"1\"}\n{\"number\":\"2\"} {\"number\":\"3\"}\n"), ["1", "2", "3"]);
    for broken in
        ["{\"number\":\"1\",\"item\":\"x}", "{\"number\":\"1\",\"item\":[1,", "{\"number\" \"1\"}", "{\"number\":1}}"]
    {
        let text = format!("{broken}\n{{\"number\":\"2\"}}\n{{\n  \"number\": \"3\"\n}}\n");
        let (numbers, codes) = (numbers(&text), codes(&made.library, text.as_bytes()));
        assert_eq!((numbers.len(), &numbers[1..]), (3, &["2".to_owned(), "3".to_owned()][..]), "{broken}");
        assert!(!codes[0].is_empty() && codes[1].is_empty() && codes[2].is_empty(), "{broken}: {codes:?}");
        // Decoded and encoded they are the same bytes.
        let (decoded, encoded) = (made.folder.path().join("in.json"), env!("CARGO_BIN_EXE_portolan"));
        std::fs::write(&decoded, &text).expect("written");
        let run = |command: &str, file: &std::path::Path| {
            let own = ["--standards".as_ref(), made.folder.path().as_os_str()];
            let mut line = std::process::Command::new(encoded);
            line.arg(command).arg(file);
            if command == "decode" { line.args(own) } else { &mut line }.output().expect("the binary").stdout
        };
        std::fs::write(made.folder.path().join("decoded"), run("decode", &decoded)).expect("written");
        assert_eq!(String::from_utf8_lossy(&run("encode", &made.folder.path().join("decoded"))), text);
    }
}
