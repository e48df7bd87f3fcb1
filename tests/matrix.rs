//! `docs/MATRIX.md`: what any document type of an entity becomes in any other of it, counted from the fixtures of
//! `tests/mapping.rs`: their outputs and reports, which that test proves to be what is said. `UPDATE=1` writes the page anew.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The case of each type that shows mistakes; what comes of it says nothing of the mapping.
const MISTAKES: &str = "wrong";

/// Begins what is told of bytes that were written (`tests/mapping/case.rs`).
const OUTPUT: &str = "output ";

/// What came of the fixtures of one document type in another.
#[derive(Default)]
struct Pair {
    /// Fixtures tried.
    tried: usize,
    /// Those of which nothing is sent, since something would have another meaning or the document type wants what they have not.
    refused: usize,
    /// Fields of which something had no home, without the numbers of items.
    lost: BTreeSet<String>,
    /// What stood in the way of a document that is sent: fields that would have another meaning, and what the type wants.
    lacks: BTreeSet<String>,
}

/// Pairs of source and target, of one entity.
type Pairs = BTreeMap<(String, String), Pair>;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// The pairs of all entities, from all fixtures.
fn entities() -> BTreeMap<String, Pairs> {
    let mut found: BTreeMap<String, Pairs> = BTreeMap::new();
    for standard in ["x12", "edifact", "ubl", "cii", "cxml", "csv", "idoc", "json"] {
        for version in folders(&root().join("fixtures").join(standard)) {
            for kind in folders(&version) {
                let source = format!("{standard}/{}/{}", name(&version), name(&kind));
                for case in folders(&kind).iter().filter(|case| name(case) != MISTAKES) {
                    take(case, &source, &mut found);
                }
            }
        }
    }
    found
}

/// Counts one fixture.
fn take(case: &Path, source: &str, found: &mut BTreeMap<String, Pairs>) {
    let read =
        |file: &str| fs::read_to_string(case.join(file)).unwrap_or_else(|_| panic!("{}: no {file}", case.display()));
    let entity: Value = serde_json::from_str(&read("entity.json")).expect("JSON");
    let pairs = found.entry(entity["type"].as_str().expect("a type").to_owned()).or_default();
    let mut tried: BTreeSet<String> = BTreeSet::new();
    for entry in fs::read_dir(case).expect("a folder") {
        let file = name(&entry.expect("an entry").path());
        // `out.cxml.1.2.OrderRequest`: the version may have a dot.
        let Some((standard, rest)) = file.strip_prefix("out.").and_then(|file| file.split_once('.')) else { continue };
        let (version, kind) = rest.rsplit_once('.').expect("a version and a type");
        tried.insert(format!("{standard}/{version}/{kind}"));
    }
    let mut refused: BTreeSet<&str> = BTreeSet::new();
    let report = read("report.txt");
    for line in report.lines() {
        let Some((target, said)) = line.strip_prefix("to ").and_then(|line| line.split_once(": ")) else { continue };
        tried.insert(target.to_owned());
        let pair = pairs.entry((source.to_owned(), target.to_owned())).or_default();
        match said.split_once(' ') {
            Some((code, rest)) if code.ends_with("-MAPPING-LOSS") => {
                pair.lost.insert(field(rest));
            }
            // What is told of the output, or of a value that would mean something else.
            Some((_, rest)) => {
                let rest = rest.split_once(' ').filter(|_| said.starts_with(OUTPUT)).map_or(rest, |(_, rest)| rest);
                refused.insert(target);
                pair.lacks.insert(field(rest));
            }
            None => {}
        }
    }
    for target in &tried {
        let pair = pairs.entry((source.to_owned(), target.clone())).or_default();
        pair.tried += 1;
        pair.refused += usize::from(refused.contains(target.as_str()));
    }
}

/// The field of a finding, `lines[2].price.kind: value has …`, without numbers of items.
fn field(said: &str) -> String {
    let path = said.split(": ").next().unwrap_or_default();
    let mut depth = 0;
    let mut plain = String::new();
    for letter in path.chars() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            letter if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    plain
}

/// `edifact/d96a/ORDERS` as the head of a column says it.
fn short(kind: &str) -> String {
    kind.replacen('/', " ", 1).replace('/', "<br>")
}

fn cell(pair: Option<&Pair>) -> String {
    match pair {
        None => "–".to_owned(),
        Some(Pair { refused, tried, .. }) if refused == tried => "refused".to_owned(),
        Some(Pair { lost, refused: 0, .. }) if lost.is_empty() => "exact".to_owned(),
        Some(Pair { lost, refused: 0, .. }) => format!("{} lost", lost.len()),
        Some(Pair { lost, refused, tried, .. }) => format!("{} lost, {refused} of {tried} refused", lost.len()),
    }
}

/// The table of one entity, and what each target loses of which source.
fn section(entity: &str, pairs: &Pairs, text: &mut String) -> std::fmt::Result {
    let sources: BTreeSet<&String> = pairs.keys().map(|(source, _)| source).collect();
    let targets: BTreeSet<&String> = pairs.keys().map(|(_, target)| target).collect();
    writeln!(text, "\n## {entity}\n")?;
    writeln!(text, "| from ↓ to → | {} |", targets.iter().map(|kind| short(kind)).collect::<Vec<_>>().join(" | "))?;
    writeln!(text, "|---|{}", "---|".repeat(targets.len()))?;
    for source in &sources {
        let cells = targets.iter().map(|target| cell(pairs.get(&((*source).clone(), (*target).clone()))));
        writeln!(text, "| {source} | {} |", cells.collect::<Vec<_>>().join(" | "))?;
    }
    for target in &targets {
        let to = |((_, to), _): &(&(String, String), &Pair)| to == *target;
        let all = || pairs.iter().filter(to).map(|((source, _), pair)| (source, pair));
        list(&format!("Lost in {target}"), all().map(|(source, pair)| (source, &pair.lost)), text)?;
        list(&format!("Refused in {target}, for"), all().map(|(source, pair)| (source, &pair.lacks)), text)?;
    }
    Ok(())
}

/// Fields with the sources that have them, those of the same sources together.
fn list<'p>(
    title: &str,
    of: impl Iterator<Item = (&'p String, &'p BTreeSet<String>)>,
    text: &mut String,
) -> std::fmt::Result {
    let mut by_field: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (source, fields) in of {
        for field in fields {
            by_field.entry(field).or_default().insert(source);
        }
    }
    let mut by_sources: BTreeMap<BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    by_field.into_iter().for_each(|(field, sources)| by_sources.entry(sources).or_default().push(field));
    if !by_sources.is_empty() {
        writeln!(text, "\n**{title}**\n")?;
    }
    for (sources, fields) in by_sources {
        let sources: Vec<&str> = sources.into_iter().collect();
        writeln!(text, "- from {}: `{}`", sources.join(", "), fields.join("`, `"))?;
    }
    Ok(())
}

#[test]
fn the_matrix_is_what_the_fixtures_say() {
    let mut text = String::from(
        "# Any document type to any other of its entity\n\n\
         Generated by `tests/matrix.rs` from the fixtures under `fixtures/`: each is read into its entity and written in every\n\
         document type that carries it. *exact*: nothing that a fixture says is without a home. *n lost*: so many fields have\n\
         none in some fixture; each loss is told when it happens (`MAPPING-LOSS`), and below the table. *n of m refused*:\n\
         so many fixtures are not sent, since a value would mean something else or the document would lack what its type wants;\n\
         what it is stands below too, and is found whenever it happens. –: the target does not carry what the source's fixtures\n\
         say. `portolan mappings losses` tells beforehand what one mapping has no home for.\n",
    );
    let entities = entities();
    for (entity, pairs) in &entities {
        section(entity, pairs, &mut text).expect("writing to a string cannot fail");
        for ((source, target), pair) in pairs.iter().filter(|((source, target), _)| source == target) {
            assert!(pair.tried > 0 && pair.lost.is_empty(), "{source} to {target}: {}", cell(Some(pair)));
        }
    }
    assert!(entities.len() > 15, "only {} entities have fixtures", entities.len());
    let path = root().join("docs/MATRIX.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).expect("docs can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "docs/MATRIX.md is out of date: `make generated`");
}
