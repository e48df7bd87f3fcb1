//! Broken input, as it comes: each case is a file in `fixtures/malformed` with, beside it, what `portolan validate` and
//! `portolan ack` say of it. A new case is a dropped file; UPDATE=1 writes what is said, to be read before it is
//! committed. Whatever is broken, the bytes come back from the decoded form, and nothing panics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/malformed")
}

fn cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the folder");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|path| {
        path.extension().is_some_and(|end| ["edi", "xml", "csv", "idoc", "json"].iter().any(|own| end == *own))
    });
    found.sort();
    assert!(found.len() >= 40, "only {} cases", found.len());
    found
}

fn portolan(line: &[&str], file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    let output = command.args(line).arg(file).output().expect("the binary");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!words.contains("panicked") && output.status.code().is_some(), "{}: {words}", file.display());
    output
}

/// What the two commands say, and their exit codes.
fn said(case: &Path) -> String {
    let mut text = String::new();
    for line in [&["validate"][..], &["ack", "--now", "2026-11-24T10:00:00Z"]] {
        let output = portolan(line, case);
        text.push_str(&format!("$ portolan {} · exit {}\n", line[0], output.status.code().unwrap_or(-1)));
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

#[test]
fn each_case_is_told_as_it_is_written_down() {
    let mut differing = BTreeMap::new();
    for case in cases() {
        let (path, now) = (case.with_extension("txt"), said(&case));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &now).expect("written");
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != now {
            differing.insert(case, now);
        }
    }
    for (case, now) in &differing {
        println!("{} now says:\n{now}", case.display());
    }
    assert!(differing.is_empty(), "{} cases differ; read them, then UPDATE=1", differing.len());
}

#[test]
fn every_broken_byte_comes_back() {
    for case in cases() {
        let bytes = std::fs::read(&case).expect("the case");
        let decoded = portolan(&["decode"], &case);
        if !decoded.status.success() {
            let text = said(&case);
            assert!(text.contains("FORMAT-UNKNOWN") || text.contains("INPUT-EMPTY"), "{}: {text}", case.display());
            continue;
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &decoded.stdout).expect("written");
        let encoded = portolan(&["encode"], file.path());
        assert!(encoded.stdout == bytes, "{}: not the same bytes", case.display());
    }
}

/// Each way in which an interchange can be broken has a case that shows its code.
#[test]
fn syntax_faults_have_a_case() {
    let all: String =
        cases().iter().map(|case| std::fs::read_to_string(case.with_extension("txt")).unwrap_or_default()).collect();
    let missing: Vec<String> = portolan::diagnostic::Fault::ALL
        .iter()
        .filter(|fault| fault.info().effect == portolan::diagnostic::Effect::Syntax)
        .map(|fault| fault.info().name.to_owned())
        .filter(|name| !all.lines().any(|line| line.trim_end().ends_with(&format!("-{name}"))))
        .collect();
    // Told by the ledger, which alone knows what came before, or by an agreement; by limits that would need a file of
    // their size; or of definitions of one's own (`tests/own.rs`).
    let elsewhere = [
        "DEFINITION-MALFORMED",
        "FINDINGS-MANY",
        "INTERCHANGE-DUPLICATE",
        "INTERCHANGE-INCOMPLETE",
        "INTERCHANGE-RECEIVER",
        "LINE-TOO-LONG",
        "SEGMENT-TOO-BIG",
    ];
    let missing: Vec<_> = missing.iter().filter(|name| !elsewhere.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}
