//! `portolan plan`, `apply` and `export`: resources as files.

use super::client::{Answered, Instance};
use super::{Exit, input};
use crate::partner::resource::shape;
use crate::partner::{KINDS, beside, parse_all, rows_files};
use crate::table::Table;
use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Files {
    #[command(flatten)]
    instance: Instance,
    /// YAML files, or folders of them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Delete resources that the files do not name.
    #[arg(long)]
    prune: bool,
}

#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    instance: Instance,
    /// Print the JSON Schema of a kind of resource instead; no instance is asked.
    #[arg(long, value_name = "KIND", value_parser = KINDS)]
    schema: Option<String>,
    /// Print the rows of a lookup table as CSV instead.
    #[arg(long, value_name = "TABLE", conflicts_with = "schema")]
    rows: Option<String>,
}

/// Shows what would change.
pub fn plan(arguments: &Files, as_json: bool) -> anyhow::Result<Exit> {
    let body = body(arguments)?;
    arguments.instance.show((Method::POST, "/api/v1/resources/plan"), (&[], Some(&body)), as_json, words)
}

/// Changes it.
pub fn apply(arguments: &Files, as_json: bool) -> anyhow::Result<Exit> {
    let body = body(arguments)?;
    arguments.instance.show((Method::POST, "/api/v1/resources/apply"), (&[], Some(&body)), as_json, words)
}

/// Prints all resources, or the schema of a kind.
pub fn export(arguments: &Export) -> anyhow::Result<Exit> {
    if let Some(kind) = &arguments.schema {
        input::print_json(&shape::schema(kind).unwrap_or_default())?;
        return Ok(Exit::Ok);
    }
    match arguments.instance.ask(Method::GET, "/api/v1/resources", &[], None)? {
        Answered::Refused(exit) => Ok(exit),
        Answered::Done(text) => match &arguments.rows {
            Some(table) => rows(text.as_str().unwrap_or_default(), table),
            None => input::print(text.as_str().unwrap_or_default().as_bytes()).map(|()| Exit::Ok),
        },
    }
}

/// Prints the rows of a table among resources.
fn rows(resources: &str, name: &str) -> anyhow::Result<Exit> {
    let (all, _) = parse_all("the instance", resources);
    let tables: Vec<_> = all.iter().filter(|one| one.kind == "table").collect();
    let Some(found) = tables.iter().find(|one| one.name == name) else {
        let names: Vec<_> = tables.iter().map(|one| one.name.as_str()).collect();
        eprintln!("portolan export: no table {name}{}", crate::near::hint(name, &names));
        return Ok(Exit::NotFound);
    };
    let table = Table::read(name, &found.body);
    let table = table.map_err(|errors| anyhow::anyhow!("table {name}: {}", errors[0].message))?;
    input::print(table.csv().as_bytes()).map(|()| Exit::Ok)
}

fn body(arguments: &Files) -> anyhow::Result<Value> {
    let mut files = Vec::new();
    for path in &arguments.files {
        collect(path, &mut files)?;
    }
    Ok(json!({ "files": files, "prune": arguments.prune }))
}

fn collect(path: &Path, files: &mut Vec<(String, String)>) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    if path.is_dir() {
        let entries = std::fs::read_dir(path).with_context(unreadable)?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        let is_yaml =
            |path: &&PathBuf| path.is_dir() || path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        return paths.iter().filter(is_yaml).try_for_each(|path| collect(path, files));
    }
    let text = std::fs::read_to_string(path).with_context(unreadable)?;
    let name = path.display().to_string();
    for named in rows_files(&text) {
        let rows = beside(&name, &named);
        if let Ok(text) = std::fs::read_to_string(&rows) {
            files.push((rows, text));
        }
    }
    files.push((name, text));
    Ok(())
}

/// A difference as a terminal shows it: what comes green, what goes red, what changes yellow.
fn painted(line: &str) -> String {
    let plain = !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some();
    let color = match line.get(..2) {
        _ if plain => return line.to_owned(),
        Some("+ ") => 32,
        Some("- ") => 31,
        _ => 33,
    };
    format!("\x1b[{color}m{line}\x1b[0m")
}

/// A plan, for people.
pub(super) fn words(value: &Value) -> String {
    let changes = value["changes"].as_array().cloned().unwrap_or_default();
    let mut text = if changes.is_empty() { "nothing to change\n".to_owned() } else { String::new() };
    for change in changes {
        let word = |key: &str| change[key].as_str().unwrap_or_default().to_owned();
        text.push_str(&format!("{} {}/{}\n", word("verb"), word("kind"), word("name")));
        for line in change["lines"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            text.push_str(&format!("    {}\n", painted(line)));
        }
    }
    for name in value["secrets_missing"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text.push_str(&format!("secret {name} is not set: portolan secret set {name}\n"));
    }
    text
}
