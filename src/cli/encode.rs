//! `portolan encode FILE`: decoded JSON back to bytes, or an entity to a document type.

use super::translate::{Output, Source};
use super::{Exit, input};
use crate::codec::segment::encode;
use crate::entity::Entity;
use anyhow::Context as _;
use serde_json::Value;
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan decode order.edi | portolan encode -
  portolan encode order.json --to x12/004010/850 --sender ZZ:NORTH --receiver 14:4012345000009")]
pub struct Arguments {
    /// JSON made by `portolan decode`, an entity, or an array of entities; - for standard input.
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let name = arguments.file.display();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut input::open(&arguments.file)?, &mut text)
        .with_context(|| format!("cannot read {name}"))?;
    let json: Value = match serde_json::from_str(&text) {
        Ok(json) => json,
        Err(error) => {
            eprintln!("{name}: not JSON: {error}");
            return Ok(Exit::Invalid);
        }
    };
    if json.get("interchanges").is_none() {
        return entities(&json, arguments, as_json);
    }
    if arguments.output.to.is_some() {
        eprintln!("{name}: decoded JSON goes back to its own bytes; use `portolan translate` for another target");
        return Ok(Exit::Usage);
    }
    match encode(&json) {
        Ok(bytes) => input::print(&bytes).map(|()| Exit::Ok),
        Err(error) => {
            eprintln!("{name}: {error}");
            Ok(Exit::Invalid)
        }
    }
}

fn entities(json: &Value, arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let name = arguments.file.display();
    let items = json.as_array().map_or_else(|| std::slice::from_ref(json), Vec::as_slice);
    let mut sources = Vec::new();
    for item in items {
        match Entity::from_json(item) {
            Ok(entity) => sources.push(Source::bare(entity)),
            Err(expected) => {
                eprintln!("{name}: {expected}, or a key `interchanges` as `portolan decode` writes it");
                return Ok(Exit::Invalid);
            }
        }
    }
    if arguments.output.to.is_none() {
        eprintln!("{name}: an entity needs --to STANDARD/VERSION/TYPE");
        return Ok(Exit::Usage);
    }
    let mut sources = sources.into_iter();
    arguments.output.write(&arguments.output.rules(), &mut || Ok(sources.next()), as_json)
}
