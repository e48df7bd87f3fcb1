//! `portolan guide lint`: every fault of a guide with its line.

use crate::cli::paint::counted;
use crate::cli::{Exit, input};
use crate::standard::guide::{Guide, GuideError};
use crate::standard::load::Library;
use crate::yaml::{self, Node, Value};
use serde_json::json;
use std::path::Path;

pub fn lint(library: &Library, file: &Path, as_json: bool) -> anyhow::Result<Exit> {
    let text = input::guide_text(file)?;
    let (errors, title) = match Guide::parse(&text, library) {
        Err(errors) => (errors, String::new()),
        Ok(guide) => (against(library, &guide)?, sound(&guide)),
    };
    if as_json {
        let one = |error: &GuideError| json!({ "line": line_of(&text, &error.key), "key": error.key, "message": error.message });
        input::print_json(&errors.iter().map(one).collect())?;
    } else if errors.is_empty() {
        input::print(format!("{}: sound, for {title}\n", file.display()).as_bytes())?;
    } else {
        let lines: String = errors.iter().map(|error| format!("{}\n", line(file, &text, error))).collect();
        input::print(lines.as_bytes())?;
    }
    Ok(if errors.is_empty() { Exit::Ok } else { Exit::Invalid })
}

fn sound(guide: &Guide) -> String {
    let (rules, conditions) = (counted(guide.rules.len(), "rule"), counted(guide.conditions.len(), "condition"));
    format!("{}: {rules}, {conditions}", guide.document)
}

/// What does not fit the document type.
fn against(library: &Library, guide: &Guide) -> anyhow::Result<Vec<GuideError>> {
    let Some([standard, version, kind]) = guide.parts() else { return Ok(Vec::new()) };
    let (document, directory) = (library.document(standard, version, kind)?, library.directory(standard, version)?);
    let problems = guide.lint(&document, &directory).into_iter();
    Ok(problems.map(|one| GuideError { key: one.key, message: one.message }).collect())
}

/// `north.yaml:12: rules.BEG02.codes: expected …`.
pub fn line(file: &Path, text: &str, error: &GuideError) -> String {
    match line_of(text, &error.key) {
        Some(number) => format!("{}:{number}: {error}", file.display()),
        None => format!("{}: {error}", file.display()),
    }
}

/// The line of a key such as `rules.PO1/PO1.02.length`; the keys of the file may hold points themselves.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let nodes = yaml::documents(text).ok()?;
    let mut best = None;
    for node in &nodes {
        if let Some((line, depth)) = descend(node, key, 0).filter(|(_, depth)| *depth > best.map_or(0, |(_, at)| at)) {
            best = Some((line, depth));
        }
    }
    best.map(|(line, _)| line)
}

/// The line of the deepest node on the way, and how many characters of the key led there.
fn descend(node: &Node, key: &str, depth: usize) -> Option<(usize, usize)> {
    let Value::Map(entries) = &node.value else { return None };
    let fits = |name: &str| key.strip_prefix(name).filter(|rest| rest.is_empty() || rest.starts_with('.'));
    let inner = entries.iter().filter_map(|(name, inner)| Some((name, inner, fits(name)?)));
    let (name, inner, rest) = inner.max_by_key(|(name, ..)| name.len())?;
    let here = depth + name.len();
    let deeper = rest.strip_prefix('.').and_then(|rest| descend(inner, rest, here));
    Some(deeper.unwrap_or((inner.line, here)))
}
