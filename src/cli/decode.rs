//! `portolan decode FILE`: the file as JSON. It prints whenever it can and never judges the content.

use super::{Exit, input};
use crate::codec::segment::{Limits, decode};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Arguments {
    /// The file, or - for standard input.
    file: PathBuf,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let (decoded, faults) = decode(input::open(&arguments.file)?, Limits::default())?;
    for fault in &faults {
        eprintln!("{}: line {}: {} {}", arguments.file.display(), fault.line, fault.code(), fault.message());
    }
    if decoded["format"] == "unknown" {
        eprintln!(
            "{}: not recognised: expected an X12 (ISA) or EDIFACT (UNA, UNB) interchange",
            arguments.file.display()
        );
        return Ok(Exit::Invalid);
    }
    input::print_json(&decoded)?;
    Ok(Exit::Ok)
}
