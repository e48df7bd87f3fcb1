//! `portolan mappings`: which there are, what their rules say, what they lose, and whether they hold both ways.

mod losses;
mod show;

use super::paint::spaced;
use super::{Exit, input};
use crate::engine::Rules;
use crate::engine::prove;
use crate::near;
use anyhow::Context as _;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan mappings list
  portolan mappings show x12/004010/850          every rule with what both sides mean
  portolan mappings losses edifact/d96a/ORDERS   what has no home
  portolan mappings test --rounds 1000           generated entities, written and read again")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Mappings that go before those in the binary.
    #[arg(long, global = true, value_name = "DIR")]
    mapping: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// All mappings, and the entity each carries.
    List,
    /// The rules of one mapping as a table: field, place, functions, and what both sides mean.
    Show {
        /// Such as x12/004010/850, or a file of a partner's own mapping.
        name: String,
        /// What it changes of its base, rule by rule.
        #[arg(long, conflicts_with = "file")]
        changes: bool,
        /// The file as it is written instead.
        #[arg(long)]
        file: bool,
    },
    /// What a mapping loses, reading and writing.
    Losses {
        /// Such as x12/004010/850; all when left out.
        name: Option<String>,
    },
    /// Prove read∘write and write∘read on generated entities, and on a file's documents where one is given.
    Test {
        /// Such as x12/004010/850; all when left out.
        name: Option<String>,
        /// Entities generated for each mapping.
        #[arg(long, default_value_t = 200)]
        rounds: u32,
        /// Start of the random numbers.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let rules = Rules::new(None, arguments.mapping.as_deref());
    match &arguments.action {
        Action::List => list(&rules, as_json),
        Action::Show { name, changes: true, .. } => changes(&rules, name, as_json),
        Action::Show { name, file: true, .. } => text(&rules, name),
        Action::Show { name, .. } => show::show(&rules, name, as_json),
        Action::Losses { name } => losses::losses(&rules, name.as_deref(), as_json),
        Action::Test { name, rounds, seed } => test(&rules, name.as_deref(), *rounds, *seed, as_json),
    }
}

/// The mappings asked for; none when the name is unknown.
fn chosen(rules: &Rules, name: Option<&str>) -> Vec<[String; 3]> {
    let fits = |parts: &[String; 3]| name.is_none_or(|name| parts.join("/").eq_ignore_ascii_case(name));
    rules.mappings.list().into_iter().filter(fits).collect()
}

fn unknown(rules: &Rules, name: &str) -> Exit {
    let known: Vec<_> = rules.mappings.list().iter().map(|parts| parts.join("/")).collect();
    eprintln!("portolan mappings: no mapping {name}{}", near::hint(name, &known));
    Exit::NotFound
}

fn list(rules: &Rules, as_json: bool) -> anyhow::Result<Exit> {
    let mut rows = Vec::new();
    for [standard, version, document] in rules.mappings.list() {
        let mapping = rules.mappings.find(&standard, &version, &document)?;
        let entities: Vec<_> = mapping.select.iter().map(|choice| choice.entity.clone()).collect();
        rows.push((format!("{standard}/{version}/{document}"), entities));
    }
    if as_json {
        let rows: Vec<_> = rows.iter().map(|(name, entities)| json!({ "name": name, "entities": entities })).collect();
        input::print_json(&json!(rows))?;
    } else {
        let lines: String =
            rows.iter().map(|(name, entities)| format!("{name:24} {}\n", entities.join(", "))).collect();
        input::print(lines.as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn text(rules: &Rules, name: &str) -> anyhow::Result<Exit> {
    let Some([standard, version, document]) = chosen(rules, Some(name)).into_iter().next() else {
        return Ok(unknown(rules, name));
    };
    let text = rules.mappings.text(&standard, &version, &document).context("the mapping's file is gone")?;
    input::print(text.as_bytes())?;
    Ok(Exit::Ok)
}

/// What a mapping changes of the one it stands on.
fn changes(rules: &Rules, name: &str, as_json: bool) -> anyhow::Result<Exit> {
    let path = std::path::Path::new(name);
    let overrides = if path.is_file() {
        super::own::overrides(rules, path)?
    } else {
        let Some(parts) = chosen(rules, Some(name)).into_iter().next() else { return Ok(unknown(rules, name)) };
        rules.mappings.overrides(&parts.join("/"))?
    };
    if as_json {
        input::print_json(&json!(overrides))?;
    } else if overrides.is_empty() {
        input::print(b"nothing: it stands on no other\n")?;
    } else {
        let lines: String = overrides.iter().map(|one| format!("{one}\n")).collect();
        input::print(lines.as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn test(rules: &Rules, name: Option<&str>, rounds: u32, seed: u64, as_json: bool) -> anyhow::Result<Exit> {
    let chosen = chosen(rules, name);
    if let (true, Some(name)) = (chosen.is_empty(), name) {
        return Ok(unknown(rules, name));
    }
    let (mut values, mut text, mut held) = (Vec::new(), String::new(), true);
    for [standard, version, document] in chosen {
        let name = format!("{standard}/{version}/{document}");
        let proof = prove::prove(rules, &name, rounds, seed).map_err(|sentence| anyhow::anyhow!(sentence))?;
        held &= proof.failure.is_none();
        match &proof.failure {
            None => text.push_str(&format!(
                "{name:24} holds: {} generated entities written and read again, equal; {} with losses that were told\n",
                spaced(proof.rounds.into()),
                proof.lossy
            )),
            Some(failure) => text.push_str(&format!(
                "{name:24} FAILS in round {} (--seed {seed} --rounds {rounds} shows it again)\n{}\n",
                proof.rounds,
                indented(failure)
            )),
        }
        values.push(json!({ "name": name, "rounds": proof.rounds, "lossy": proof.lossy, "held": proof.failure.is_none(), "failure": proof.failure }));
    }
    if as_json {
        input::print_json(&json!(values))?
    } else {
        input::print(text.as_bytes())?
    }
    Ok(if held { Exit::Ok } else { Exit::Failed })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
