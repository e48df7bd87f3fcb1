//! `portolan encode FILE`: decoded JSON back to bytes.

use super::{Exit, input};
use crate::codec::segment::encode;
use anyhow::Context as _;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Arguments {
    /// JSON made by `portolan decode`, or - for standard input.
    file: PathBuf,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = arguments.file.display();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut input::open(&arguments.file)?, &mut text)
        .with_context(|| format!("cannot read {name}"))?;
    let decoded: serde_json::Value = match serde_json::from_str(&text) {
        Ok(decoded) => decoded,
        Err(error) => {
            eprintln!("{name}: not JSON: {error}");
            return Ok(Exit::Invalid);
        }
    };
    match encode(&decoded) {
        Ok(bytes) => input::print(&bytes).map(|()| Exit::Ok),
        Err(error) => {
            eprintln!("{name}: {error}");
            Ok(Exit::Invalid)
        }
    }
}
