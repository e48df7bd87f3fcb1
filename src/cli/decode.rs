//! `portolan decode FILE`: the file as JSON. It prints whenever it can and never judges the content.

use super::input::Definitions;
use super::{Exit, input};
use crate::codec::segment::{Limits, decode_to};
use std::io::{self, BufWriter};
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan decode order.edi > order.json
  portolan decode order.edi | portolan encode -        the same bytes again")]
pub struct Arguments {
    /// The file, or - for standard input.
    file: PathBuf,
    #[command(flatten)]
    definitions: Definitions,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let source = input::open(&arguments.file)?;
    let library = arguments.definitions.library()?;
    let out = BufWriter::new(io::stdout().lock());
    let decoded = match decode_to(source, Limits::default(), Some(&library), out) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(input::Gone.into()),
        done => done?,
    };
    for fault in &decoded.faults {
        eprintln!("{}: line {}: {} {}", arguments.file.display(), fault.line, fault.code(), fault.message());
    }
    if decoded.format == "unknown" {
        eprintln!("{}: not recognised; `portolan identify` says what it seems to be", arguments.file.display());
        return Ok(Exit::Invalid);
    }
    Ok(Exit::Ok)
}
