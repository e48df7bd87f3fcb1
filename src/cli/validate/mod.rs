//! `portolan validate FILE`: every fault of every document, with place, expected, found and remedy.

mod words;

use super::paint::Paint;
use super::{Exit, input};
use crate::codec::segment::{Inspection, InterchangeReport, Limits, Reader};
use crate::standard::load::Library;
use std::path::{Path, PathBuf};
use words::Words;

#[derive(clap::Args)]
pub struct Arguments {
    /// The file, or - for standard input.
    file: PathBuf,
    /// Definitions that go before those in the binary.
    #[arg(long, value_name = "DIR")]
    standards: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, json: bool, paint: Paint) -> anyhow::Result<Exit> {
    let library = Library::new(arguments.standards.as_deref());
    let valid = if json { as_json(&arguments.file, &library)? } else { as_words(&arguments.file, &library, paint)? };
    Ok(if valid { Exit::Ok } else { Exit::Invalid })
}

fn as_json(file: &Path, library: &Library) -> anyhow::Result<bool> {
    let reports = inspect(file, library)?;
    let items: Vec<_> = reports.iter().flat_map(InterchangeReport::items).collect();
    input::print_json(&serde_json::json!(items))?;
    Ok(reports.iter().all(InterchangeReport::is_valid))
}

/// Prints document by document as they are read, and keeps none of them.
fn as_words(file: &Path, library: &Library, paint: Paint) -> anyhow::Result<bool> {
    let mut reader = Reader::new(input::open(file)?, Limits::default());
    let mut inspection = Inspection::new(library);
    let mut words = Words::new(paint);
    while let Some(piece) = reader.next()? {
        inspection.take(&piece);
        inspection.finished().iter().for_each(|report| words.closed(report, Some(&piece)));
        if let Some(report) = inspection.interchange() {
            words.open(report, &piece);
        }
        inspection.forget_documents();
        input::print(words.take().as_bytes())?;
    }
    inspection.end().iter().for_each(|report| words.closed(report, None));
    words.sum();
    input::print(words.take().as_bytes())?;
    Ok(words.errors() == 0)
}

/// Reads a whole file into reports.
pub fn inspect(file: &Path, library: &Library) -> anyhow::Result<Vec<InterchangeReport>> {
    let mut reader = Reader::new(input::open(file)?, Limits::default());
    let mut inspection = Inspection::new(library);
    let mut reports = Vec::new();
    while let Some(piece) = reader.next()? {
        inspection.take(&piece);
        reports.append(&mut inspection.finished());
    }
    reports.append(&mut inspection.end());
    Ok(reports)
}
