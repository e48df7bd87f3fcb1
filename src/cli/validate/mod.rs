//! `portolan validate FILE`: every fault of every document, with place, expected, found and remedy.

mod items;
mod words;

use super::input::{Definitions, Jobs};
use super::paint::Paint;
use super::{Exit, input};
use crate::codec::segment::{Ahead, Inspection, InterchangeReport, Limits, Reader, Step};
use crate::standard::load::Library;
use items::Items;
use std::path::PathBuf;
use std::sync::Arc;
use words::Words;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan validate order.edi                         each fault under its bytes
  portolan validate order.edi --guide north-850.yaml  a partner's own rules too
  portolan validate - --json < order.edi              for scripts; the exit code is 3 when anything is wrong")]
pub struct Arguments {
    /// The file, or - for standard input.
    file: PathBuf,
    #[command(flatten)]
    definitions: Definitions,
    /// A partner's guide: what it asks beyond the standard is checked too.
    #[arg(long, value_name = "FILE")]
    guide: Option<PathBuf>,
    #[command(flatten)]
    jobs: Jobs,
}

pub fn run(arguments: &Arguments, json: bool, paint: Paint) -> anyhow::Result<Exit> {
    let library = arguments.definitions.library()?;
    let valid = if json { as_json(arguments, &library)? } else { as_words(arguments, &library, paint)? };
    Ok(if valid { Exit::Ok } else { Exit::Invalid })
}

/// Prints an item for each document as it is read, then for its group and its interchange where they have findings.
fn as_json(arguments: &Arguments, library: &Library) -> anyhow::Result<bool> {
    let mut items = Items::default();
    let rest = read(arguments, library, |Step { piece, inspection, .. }| {
        inspection.finished().iter().try_for_each(|report| items.closed(report))?;
        inspection.interchange().map_or(Ok(()), |report| items.open(report, &piece))
    })?;
    rest.iter().try_for_each(|report| items.closed(report))?;
    items.end()
}

/// Prints document by document as they are read, and keeps none of them.
fn as_words(arguments: &Arguments, library: &Library, paint: Paint) -> anyhow::Result<bool> {
    let mut words = Words::new(paint);
    let rest = read(arguments, library, |Step { piece, inspection, .. }| {
        inspection.finished().iter().for_each(|report| words.closed(report, Some(&piece)));
        if let Some(report) = inspection.interchange() {
            words.open(report, &piece);
        }
        input::print(words.take().as_bytes())
    })?;
    rest.iter().for_each(|report| words.closed(report, None));
    words.sum();
    input::print(words.take().as_bytes())?;
    Ok(words.errors() == 0)
}

/// Tells each piece of the input, inspected; returns what is left to say at its end.
fn read(
    arguments: &Arguments,
    library: &Library,
    mut tell: impl FnMut(Step<'_, '_, ()>) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<InterchangeReport>> {
    let guide = arguments.guide.as_deref().map(|guide| input::guide(guide, library)).transpose()?;
    let inspection = Inspection::new(library).guided(guide.map(input::by_guide));
    let reader = Reader::new(input::open(&arguments.file)?, Limits::default()).knowing(library);
    std::thread::scope(|scope| {
        let mut ahead = Ahead::new(scope, arguments.jobs.share(), reader, inspection, Arc::new(|_, _| ()));
        while let Some(step) = ahead.next()? {
            tell(step)?;
            ahead.forget_documents();
        }
        Ok(ahead.end())
    })
}
