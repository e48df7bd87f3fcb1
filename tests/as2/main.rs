//! AS2 as a protocol: what is sealed is opened again, what OpenSSL makes is opened and what we make it takes, and what is wrong
//! is told for what it is.

mod damage;
mod evidence;
mod fuzz;
mod keys;
mod keystore;
mod limits;
mod made;
mod oddities;
mod openssl;
mod oracle;
mod rebuilt;
mod round;

/// The manual names tests that there are.
#[test]
fn the_manual_names_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let files = [
        "tests/as2/damage.rs",
        "tests/as2/fuzz.rs",
        "tests/as2/keystore.rs",
        "tests/as2/limits.rs",
        "tests/as2/oddities.rs",
        "tests/as2/openssl.rs",
        "tests/as2/oracle.rs",
        "tests/as2/round.rs",
        "tests/service/as2.rs",
        "tests/service/as2_announced.rs",
        "tests/service/as2_attachments.rs",
        "tests/service/as2_crash.rs",
        "tests/service/as2_evidence.rs",
        "tests/service/as2_explain.rs",
        "tests/service/as2_import.rs",
        "tests/service/as2_kept.rs",
        "tests/service/as2_large.rs",
        "tests/service/as2_late.rs",
        "tests/service/as2_offered.rs",
        "tests/service/as2_overlap.rs",
        "tests/service/as2_test.rs",
        "tests/service/certificate.rs",
        "tests/service/certificate_file.rs",
        "src/partner/preset.rs",
        "src/transport/as2/exchange.rs",
        "src/transport/as2/mime.rs",
        "src/transport/as2/name.rs",
        "src/transport/as2/receipt.rs",
        "src/transport/file_name.rs",
    ];
    let all: String = files.iter().map(|path| read(path)).collect();
    let manual = read("docs/AS2.md");
    let (_, table) = manual.split_once("| clause | what | test |").expect("the table");
    // The last cell of a row names tests, one or several.
    let cells = table.lines().take_while(|line| !line.starts_with('#')).filter_map(|line| line.rsplit('|').nth(1));
    let names: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(all.contains(&format!("fn {name}()")), "docs/AS2.md names {name}, which is no test");
    }
}

/// The matrix of interoperability has a row for each number, and names tests that there are.
#[test]
fn the_matrix_has_every_row_and_names_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    for folder in ["tests/as2", "tests/service", "src/transport", "src/transport/as2", "src/transport/http"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                all += &std::fs::read_to_string(&path).expect("a file");
            }
        }
    }
    let matrix = std::fs::read_to_string(root.join("tests/as2/matrix.tsv")).expect("the matrix");
    for (at, line) in matrix.lines().enumerate() {
        let [number, _, tests] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        assert_eq!(number, (at + 1).to_string());
        for test in tests.split(',').filter(|test| !test.starts_with("make ")) {
            assert!(all.contains(&format!("fn {test}()")), "row {number} names {test}, which is no test");
        }
    }
    assert_eq!(matrix.lines().count(), 62);
}
