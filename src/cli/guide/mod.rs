//! `portolan guide list|show|lint|render|diff`: the guides to start from, whether a guide is sound, the guide as a page to
//! read, and what differs between two guides, a guide and the standard, or two versions of a document type.

mod diff;
mod example;
mod lint;
mod page;
mod render;

use super::paint::Paint;
use super::{Exit, input};
use crate::near;
use crate::standard::definition::{Directory, Document};
use crate::standard::guide::{Guide, ready};
use crate::standard::load::Library;
use crate::standard::outline::{Entry, outline};
use serde_json::json;
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
    /// List the guides to start from: subsets that many partners ask for.
    #[command(after_help = "Examples:\n  portolan guide list")]
    List,
    /// Print one of them, to be copied and changed.
    #[command(after_help = "Examples:\n  portolan guide show vics-850 > north-850.yaml")]
    Show {
        /// Its name.
        name: String,
    },
    /// Say what is wrong with a guide: unknown places and codes, rules that would widen the standard.
    #[command(after_help = "Examples:\n  portolan guide lint north-850.yaml")]
    Lint {
        /// The guide's file, or the name of a ready one.
        file: PathBuf,
    },
    /// Write a guide, or a document type of the standard, as a page to read.
    #[command(after_help = "Examples:
  portolan guide render north-850.yaml > north-850.md
  portolan guide render north-850.yaml --html > north-850.html
  portolan guide render x12/004010/850                          the standard itself")]
    Render {
        /// A guide's file, the name of a ready one, or a document type such as x12/004010/850.
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
        /// A guide's file, the name of a ready one, or a document type.
        from: String,
        /// Another.
        to: String,
    },
}

pub fn run(arguments: &Arguments, as_json: bool, paint: Paint) -> anyhow::Result<Exit> {
    let library = Library::new(arguments.standards.as_deref());
    match &arguments.action {
        Action::List => list(as_json),
        Action::Show { name } => show(name),
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
    /// Its places, and those that the guide beside it speaks of.
    fn outline(&self, beside: Option<&Guide>) -> Vec<Entry> {
        outline(&self.document, &self.directory, self.guide.as_ref(), beside)
    }
}

/// Loads what was named, a file before a document type, and goes on with it.
fn with(library: &Library, name: &str, go_on: impl FnOnce(&Side) -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    let (guide, wanted) = if Path::new(name).is_file() || ready::text(name).is_some() {
        match parse(Path::new(name), library)? {
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
        let ready = ready::names().into_iter().map(str::to_owned);
        let names: Vec<_> = known.iter().map(|parts| parts.join("/")).chain(ready).collect();
        let hint = near::hint(&wanted, &names);
        eprintln!("portolan guide: {wanted}: neither a file nor a ready guide nor a document type{hint}");
        return Ok(Exit::NotFound);
    };
    let document = library.document(standard, version, kind)?;
    let directory = library.directory(standard, version)?;
    go_on(&Side { name: name.to_owned(), document, directory, guide })
}

/// Reads a guide; what is wrong with the file comes as lines.
fn parse(named: &Path, library: &Library) -> anyhow::Result<Result<Guide, Vec<String>>> {
    let text = input::guide_text(named)?;
    let lines = |errors: Vec<_>| errors.iter().map(|error| lint::line(named, &text, error)).collect();
    Ok(Guide::parse(&text, library).map_err(lines))
}

/// The ready guides with their titles.
fn list(as_json: bool) -> anyhow::Result<Exit> {
    let said = |name: &str, key: &str| {
        let file = ready::file(name).unwrap_or_default();
        file[key].as_str().unwrap_or_default().to_owned()
    };
    let rows: Vec<[String; 3]> =
        ready::names().into_iter().map(|name| [name.to_owned(), said(name, "base"), said(name, "title")]).collect();
    if as_json {
        let one = |[name, base, title]: &[String; 3]| json!({ "name": name, "base": base, "title": title });
        input::print_json(&rows.iter().map(one).collect())?;
        return Ok(Exit::Ok);
    }
    let widest = |at: usize| rows.iter().map(|row| row[at].len()).max().unwrap_or(0);
    let (names, bases) = (widest(0), widest(1));
    let lines: String =
        rows.iter().map(|[name, base, title]| format!("{name:names$}  {base:bases$}  {title}\n")).collect();
    input::print(lines.as_bytes())?;
    Ok(Exit::Ok)
}

/// A ready guide as it is written, to be copied and changed.
fn show(name: &str) -> anyhow::Result<Exit> {
    let Some(text) = ready::text(name) else {
        eprintln!("portolan guide: no ready guide {name}{}", near::hint(name, &ready::names()));
        return Ok(Exit::NotFound);
    };
    input::print(text.as_bytes())?;
    Ok(Exit::Ok)
}
