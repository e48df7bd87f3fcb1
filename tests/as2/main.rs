//! AS2 as a protocol: what is sealed is opened again, what OpenSSL makes is opened and what we make it takes, and what is wrong
//! is told for what it is.

mod damage;
mod fuzz;
mod keys;
mod keystore;
mod made;
mod oddities;
mod openssl;
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
        "tests/as2/openssl.rs",
        "tests/as2/round.rs",
        "tests/service/as2.rs",
        "tests/service/as2_attachments.rs",
        "tests/service/as2_crash.rs",
        "tests/service/as2_evidence.rs",
        "tests/service/as2_explain.rs",
        "tests/service/as2_import.rs",
        "tests/service/as2_offered.rs",
        "tests/service/as2_overlap.rs",
        "tests/service/as2_test.rs",
        "tests/service/certificate.rs",
        "tests/service/certificate_file.rs",
        "src/partner/preset.rs",
        "src/transport/as2/mime.rs",
        "src/transport/as2/name.rs",
        "src/transport/as2/receipt.rs",
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
