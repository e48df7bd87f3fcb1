//! Holds the shape of the project: floors, file sizes, head comments, names, and twin trees of data.
//! A failure names file and line; there is nothing to interpret.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules by floor, the lowest first. A module may import floors below its own; neighbours only where marked.
const FLOORS: &[(&[&str], Neighbours)] = &[
    (
        &[
            "clock",
            "id",
            "inherit",
            "json",
            "near",
            "schedule",
            "table",
            "window",
            "yaml",
            "amount",
            "diagnostic",
            "fail",
            "config",
        ],
        Neighbours::Allowed,
    ),
    (&["tree"], Neighbours::Refused),
    (&["standard", "entity"], Neighbours::Refused),
    (&["codec"], Neighbours::Refused),
    (&["mapping", "partner", "transformation"], Neighbours::Refused),
    (&["engine"], Neighbours::Refused),
    (&["store", "transport", "alert"], Neighbours::Refused),
    (&["pipeline"], Neighbours::Refused),
    (&["api", "demo", "cli", "app"], Neighbours::Allowed),
];

#[derive(PartialEq)]
enum Neighbours {
    Allowed,
    Refused,
}

/// Imports that the order of floors would allow and the design does not: who, whom, why.
const REFUSED: &[(&str, &str, &str)] = &[
    ("codec", "entity", "formats know no business"),
    ("mapping", "codec", "mappings read and write trees, not bytes"),
];

const FILE_LINES_MAX: usize = 800;
const NAMES_THAT_SAY_NOTHING: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "misc"];

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|(modules, _)| modules.contains(&module))
}

fn files_under(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<(PathBuf, String)> {
    let found: Vec<_> = files_under(&root().join("src"), ".rs")
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a readable source file");
            (path.strip_prefix(root()).expect("under the root").to_owned(), text)
        })
        .collect();
    assert!(found.len() > 5, "no sources found: the test looks in the wrong place");
    found
}

/// The module (first folder or file under src) of a source file; `None` for lib.rs and main.rs.
fn module_of(path: &Path) -> Option<String> {
    let first = path.components().nth(1)?.as_os_str().to_string_lossy().into_owned();
    let name = first.trim_end_matches(".rs").to_owned();
    (name != "lib" && name != "main").then_some(name)
}

/// Lines of code before the file's own tests begin.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("\n#[cfg(test)]\nmod ").map_or(text.len(), |at| at);
    text[..end].lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(n, l)| (n + 1, l))
}

fn imports(line: &str) -> Vec<&str> {
    line.match_indices("crate::")
        .map(|(at, _)| &line[at + 7..])
        .map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or(""))
        .filter(|name| name.chars().next().is_some_and(char::is_lowercase))
        .collect()
}

#[test]
fn imports_only_point_down() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(module) = module_of(&path) else { continue };
        let Some(floor) = floor_of(&module) else {
            wrong.push(format!("{}: module {module} has no floor in tests/architecture.rs", path.display()));
            continue;
        };
        for (number, line) in code_lines(&text) {
            for target in imports(line) {
                let Some(target_floor) = floor_of(target) else { continue };
                let sideways = target_floor == floor && target != module && FLOORS[floor].1 == Neighbours::Refused;
                if target_floor > floor || sideways {
                    wrong.push(format!("{}:{number}: {module} must not import {target}", path.display()));
                }
                if let Some((_, _, why)) = REFUSED.iter().find(|(from, to, _)| *from == module && *to == target) {
                    wrong.push(format!("{}:{number}: {module} must not import {target}: {why}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_are_of_a_size_a_reader_can_hold_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}", path.display()));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{}:1: opens without saying what it is for (//!)", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn main_is_short_and_names_say_something() {
    let main = fs::read_to_string(root().join("src/main.rs")).expect("src/main.rs");
    assert!(main.lines().count() <= 40, "src/main.rs has {} lines, at most 40", main.lines().count());
    for (path, _) in sources() {
        for part in path.iter().map(|part| part.to_string_lossy()) {
            let name = part.trim_end_matches(".rs");
            assert!(!NAMES_THAT_SAY_NOTHING.contains(&name), "{}: the name {name} says nothing", path.display());
        }
    }
}

#[test]
fn every_direct_dependency_is_explained() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let page = fs::read_to_string(root().join("docs/DEPENDENCIES.md")).expect("docs/DEPENDENCIES.md");
    let mut section = "";
    let mut counted = 0;
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((name, _)) = line.split_once(" = ")
            && matches!(section, "dependencies" | "dev-dependencies")
        {
            counted += 1;
            assert!(page.contains(&format!("`{name}`")), "docs/DEPENDENCIES.md does not say what `{name}` is for");
        }
    }
    assert!(counted > 20, "only {counted} dependencies found: the test reads the manifest wrongly");
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, counted, "docs/DEPENDENCIES.md has rows for what is no dependency");
}

/// What nobody uses only costs building time.
#[test]
fn every_direct_dependency_is_used() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let [tests, benches] = ["tests", "benches"].map(|folder| files_under(&root().join(folder), ".rs"));
    let texts: Vec<String> = sources()
        .into_iter()
        .map(|(_, text)| text)
        .chain(tests.iter().chain(&benches).filter_map(|path| fs::read_to_string(path).ok()))
        .collect();
    let mut section = "";
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((name, _)) = line.split_once(" = ")
            && matches!(section, "dependencies" | "dev-dependencies")
        {
            let name = name.replace('-', "_");
            let is_used =
                texts.iter().any(|text| text.contains(&format!("{name}::")) || text.contains(&format!("{name}!")));
            assert!(is_used, "nobody uses {name}");
        }
    }
}

#[test]
fn segment_codecs_have_the_same_files() {
    let names = |folder: &str| -> Vec<String> {
        files_under(&root().join("src/codec").join(folder), ".rs")
            .iter()
            .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
            .collect()
    };
    assert!(!names("x12").is_empty());
    assert_eq!(names("x12"), names("edifact"));
}

#[test]
fn every_mapping_has_its_definition_and_its_fixtures() {
    let mappings = root().join("mappings");
    let found: Vec<_> = files_under(&mappings, ".yaml")
        .into_iter()
        .map(|path| path.strip_prefix(&mappings).expect("under mappings").to_owned())
        .filter(|path| path.components().count() == 3)
        .collect();
    assert!(!found.is_empty(), "no mappings found");
    for path in found {
        let definition = root().join("standards").join(&path);
        assert!(definition.is_file(), "mappings/{} has no definition beside it in standards/", path.display());
        let fixtures = root().join("fixtures").join(path.with_extension(""));
        assert!(fixtures.is_dir(), "mappings/{} has no fixtures in {}", path.display(), fixtures.display());
    }
}

/// A database that lacks a migration is found when it is built, not when it is installed.
#[test]
fn migrations_are_twins() {
    let names = |folder: &str| -> Vec<String> {
        files_under(&root().join("src/store/migrations").join(folder), ".sql")
            .iter()
            .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
            .collect()
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"), "each migration needs its twin (docs/ADDING.md)");
}

/// The walk through the code names files; each must be there.
#[test]
fn pages_name_files_that_exist() {
    let paths: Vec<String> = ["src", "tests", "mappings", "as2", "alerts", "demo", "standards", "fixtures"]
        .iter()
        .flat_map(|folder| files_under(&root().join(folder), ""))
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    let mut named = 0;
    for page in ["ARCHITECTURE.md", "ADDING.md"] {
        let text = fs::read_to_string(root().join("docs").join(page)).expect("the page");
        for word in text.split('`').skip(1).step_by(2) {
            let is_file = [".rs", ".yaml", ".edi"].iter().any(|end| word.ends_with(end));
            if !is_file || word.contains(['<', ' ']) {
                continue;
            }
            named += 1;
            assert!(paths.iter().any(|path| path.ends_with(&format!("/{word}"))), "{page}: {word} is not there");
        }
    }
    assert!(named > 40, "only {named} files named: the test reads the pages wrongly");
}
