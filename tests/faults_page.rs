//! `docs/FAULTS.md` lists the faults that are provoked, each with the tests that prove what is promised; it is printed here from
//! `tests/faults/scenarios.tsv`, which `make faults` runs. A scenario without a test fails; `UPDATE=1` writes the page anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/FAULTS.md";
const BEGIN: &str = "<!-- printed by tests/faults_page.rs -->\n";
const END: &str = "<!-- to here -->\n";
/// What goes wrong around a service; each has scenarios.
const KINDS: [&str; 9] = ["kill", "disk", "database", "partner", "duplicate", "volume", "time", "order", "numbers"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a file")
}

/// A scenario: its kind, what is provoked, and its tests.
fn scenarios() -> Vec<(String, String, Vec<String>)> {
    let text = read("tests/faults/scenarios.tsv");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [kind, what, tests] = fields[..] else { panic!("expected kind, what and tests, found {line}") };
        (kind.to_owned(), what.to_owned(), tests.split(',').map(str::to_owned).collect())
    };
    text.lines().map(row).collect()
}

/// Where a test stands, and whether it is too long for `make test`.
struct Test {
    file: PathBuf,
    is_long: bool,
}

fn tests() -> BTreeMap<String, Test> {
    let (mut found, mut open) = (BTreeMap::new(), vec![root().join("tests"), root().join("src")]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            add(&path, &mut found);
        }
    }
    found
}

fn add(path: &Path, found: &mut BTreeMap<String, Test>) {
    let (mut is_test, mut is_long) = (false, false);
    for line in fs::read_to_string(path).expect("a file").lines().map(str::trim) {
        let name = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
        match name.and_then(|rest| rest.split('(').next()) {
            Some(name) if is_test => {
                let file = path.strip_prefix(root()).expect("within").to_owned();
                found.insert(name.to_owned(), Test { file, is_long });
                (is_test, is_long) = (false, false);
            }
            _ if line.starts_with("#[test]") || line.starts_with("#[tokio::test") => is_test = true,
            _ if line.starts_with("#[ignore") => is_long = true,
            _ => {}
        }
    }
}

fn table() -> String {
    let tests = tests();
    let mut text = String::from("| fault | what is provoked | test | where |\n|---|---|---|---|\n");
    for (kind, what, names) in scenarios() {
        assert!(KINDS.contains(&kind.as_str()), "{kind} is no kind of fault: {KINDS:?}");
        for (at, name) in names.iter().enumerate() {
            let test = tests.get(name).unwrap_or_else(|| panic!("{what}: there is no test {name}"));
            let (kind, what) = if at == 0 { (kind.as_str(), what.as_str()) } else { ("", "") };
            let run = if test.is_long { "`make faults`" } else { "`make test`" };
            let file = test.file.display();
            let _infallible = writeln!(text, "| {kind} | {what} | `{name}` ({file}) | {run} |");
        }
    }
    text
}

#[test]
fn every_scenario_of_the_page_has_its_tests() {
    let page = read(PAGE);
    let (head, rest) = page.split_once(BEGIN).expect("a begin");
    let (printed, tail) = rest.split_once(END).expect("an end");
    let table = table();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join(PAGE), format!("{head}{BEGIN}{table}{END}{tail}")).expect("docs can be written");
        return;
    }
    assert!(printed == table, "{PAGE} is not what is provoked: run `make generated`");
}

#[test]
fn every_kind_of_fault_has_a_scenario_and_every_test_of_faults_is_one() {
    let scenarios = scenarios();
    for kind in KINDS {
        assert!(scenarios.iter().any(|(one, ..)| one == kind), "no scenario is of {kind}");
    }
    let listed: Vec<&String> = scenarios.iter().flat_map(|(.., tests)| tests).collect();
    for (name, test) in tests() {
        let is_fault = test.file.starts_with("tests/service/fault") || name.starts_with("killed_");
        assert!(!is_fault || listed.contains(&&name), "{name} is in no scenario of tests/faults/scenarios.tsv");
    }
}
