//! `portolan guide lint|render|diff`: whether a guide is sound, the guide as a page to read, and what differs between two
//! guides, a guide and the standard, or two versions of a document type.

mod diff;
mod example;
mod lint;
mod page;
mod render;

use super::Exit;
use super::paint::Paint;
use crate::near;
use crate::standard::definition::{Directory, Document};
use crate::standard::guide::Guide;
use crate::standard::load::Library;
use crate::standard::outline::{Entry, outline};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Definitions that go before those in the binary.
    #[arg(long, global = true, value_name = "DIR")]
    standards: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Say what is wrong with a guide: unknown places and codes, rules that would widen the standard.
    #[command(after_help = "Examples:\n  portolan guide lint north-850.yaml")]
    Lint {
        /// The guide.
        file: PathBuf,
    },
    /// Write a guide, or a document type of the standard, as a page to read.
    #[command(after_help = "Examples:
  portolan guide render north-850.yaml > north-850.md
  portolan guide render north-850.yaml --html > north-850.html
  portolan guide render x12/004010/850                          the standard itself")]
    Render {
        /// The guide, or a document type such as x12/004010/850.
        what: String,
        /// HTML instead of Markdown.
        #[arg(long)]
        html: bool,
    },
    /// List what differs.
    #[command(after_help = "Examples:
  portolan guide diff north-2025.yaml north-2026.yaml           two guides
  portolan guide diff x12/004010/850 north-850.yaml             what a guide narrows
  portolan guide diff x12/004010/850 x12/005010/850             two versions of a document type")]
    Diff {
        /// A guide, or a document type.
        from: String,
        /// Another.
        to: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool, paint: Paint) -> anyhow::Result<Exit> {
    let library = Library::new(arguments.standards.as_deref());
    match &arguments.action {
        Action::Lint { file } => lint::lint(&library, file, as_json),
        Action::Render { what, html } => with(&library, what, |side| render::render(side, *html, as_json)),
        Action::Diff { from, to } => {
            with(&library, from, |from| with(&library, to, |to| diff::diff(from, to, as_json, paint)))
        }
    }
}

/// A document type, with the guide laid over it where one was named.
struct Side {
    /// As it was named.
    name: String,
    document: Arc<Document>,
    directory: Arc<Directory>,
    guide: Option<Guide>,
}

impl Side {
    fn outline(&self) -> Vec<Entry> {
        outline(&self.document, &self.directory, self.guide.as_ref())
    }
}

/// Loads what was named, a file before a document type, and goes on with it.
fn with(library: &Library, name: &str, go_on: impl FnOnce(&Side) -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    let (guide, wanted) = if Path::new(name).is_file() {
        match parse(Path::new(name))? {
            Ok(guide) => (Some(guide.clone()), guide.document),
            Err(lines) => {
                lines.iter().for_each(|line| eprintln!("{line}"));
                return Ok(Exit::Invalid);
            }
        }
    } else {
        (None, name.to_owned())
    };
    let known = library.list();
    let Some([standard, version, kind]) = known.iter().find(|parts| parts.join("/").eq_ignore_ascii_case(&wanted))
    else {
        let names: Vec<_> = known.iter().map(|parts| parts.join("/")).collect();
        let hint = near::hint(&wanted, &names);
        eprintln!("portolan guide: {wanted}: neither a file nor a document type{hint}");
        return Ok(Exit::NotFound);
    };
    let document = library.document(standard, version, kind)?;
    let directory = library.directory(standard, version)?;
    go_on(&Side { name: name.to_owned(), document, directory, guide })
}

/// Reads a guide; what is wrong with the file comes as lines.
fn parse(file: &Path) -> anyhow::Result<Result<Guide, Vec<String>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = |errors: Vec<_>| errors.iter().map(|error| lint::line(file, &text, error)).collect();
    Ok(Guide::parse(&text).map_err(lines))
}
