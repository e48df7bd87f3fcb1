//! What the pages on resources and configuration show is what the program takes.

use portolan::config::Config;
use portolan::partner::{Directory, parse};
use std::path::Path;

fn blocks(page: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let text = std::fs::read_to_string(path).expect("the page");
    let mut found = Vec::new();
    for block in text.split(&format!("```{language}\n")).skip(1) {
        found.push(block.split("```").next().unwrap_or_default().to_owned());
    }
    assert!(!found.is_empty(), "{page} has no {language}");
    found
}

#[test]
fn the_examples_fit_together() {
    let all = blocks("RESOURCES.md", "yaml").join("---\n");
    let resources = parse("docs/RESOURCES.md", &all).unwrap_or_else(|errors| panic!("{errors:?}"));
    let kinds: std::collections::BTreeSet<&str> = resources.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds.len(), portolan::partner::KINDS.len(), "each kind has an example: {kinds:?}");
    Directory::new(&resources).unwrap_or_else(|errors| panic!("{errors:?}"));
}

#[test]
fn the_configuration_shown_is_the_default() {
    let shown = blocks("CONFIG.md", "toml").concat();
    assert_eq!(Config::parse(&shown), Ok(Config::default()));
}
