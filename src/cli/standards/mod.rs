//! `portolan standards list|show|import|infer`: what definitions are at hand, what they say, and how more come in.

mod infer;
mod show;

use super::{Exit, input};
use crate::standard::import::{self, Written};
use crate::standard::load::Library;
use anyhow::Context as _;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan standards list
  portolan standards show x12/004010/850         the order of its segments
  portolan standards show x12/004010/BEG         a segment; C507, 373: a composite, an element with its codes
  portolan standards import d96a.zip --types ORDERS,INVOIC --out my-standards
  portolan standards infer orders.csv --as grocer/1/Order > standards/grocer/1/Order.yaml")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Print the document types at hand.
    List {
        /// Definitions that go before those in the binary.
        #[arg(long, value_name = "DIR")]
        standards: Option<PathBuf>,
    },
    /// Print a document type as a tree, a segment with its elements, an element with its codes.
    Show {
        /// `x12/004010/850`, `x12/004010/BEG`, `edifact/d96a/C507`, `x12/004010/373`.
        path: String,
        /// Definitions that go before those in the binary.
        #[arg(long, value_name = "DIR")]
        standards: Option<PathBuf>,
    },
    /// Draft the definition of a table, of lines of fixed width or of JSON from samples, with what was seen as comments.
    Infer {
        /// Samples: tables of the same columns, lines that begin with the type of their record, documents of JSON.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// What the document type is to be called.
        #[arg(long = "as", default_value = "own/1/Document", value_name = "STANDARD/VERSION/TYPE")]
        name: String,
    },
    /// Make definition files from a source of facts.
    Import {
        /// The ZIP of a UN/EDIFACT directory as published (`d96a.zip`; a folder `service` with the service tables stands
        /// beside it), a folder of X12 or EDIFACT tables named after its version, the folder `service` itself, the ZIP of
        /// UBL's schemas, or the folder of cXML tables.
        source: PathBuf,
        /// EDIFACT: the syntax version whose service segments go with it.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=4))]
        syntax: u8,
        /// Document types to take, separated by commas; all when left out.
        #[arg(long, value_delimiter = ',')]
        types: Vec<String>,
        /// EDIFACT: the ZIP of a release that lends what the source lacks: code lists to D.93A, sections to tables.
        #[arg(long, value_name = "ZIP")]
        like: Option<PathBuf>,
        /// Folder to write below.
        #[arg(long, default_value = "standards", value_name = "DIR")]
        out: PathBuf,
    },
}

pub fn run(arguments: &Arguments, json: bool) -> anyhow::Result<Exit> {
    match &arguments.action {
        Action::List { standards } => list(standards.as_deref(), json),
        Action::Show { path, standards } => show::show(standards.as_deref(), path, json),
        Action::Infer { files, name } => infer::run(files, name, json),
        Action::Import { source, syntax, types, like, out } => {
            for imported in import::import(source, *syntax, types, like.as_deref())? {
                import(source, &imported, out, json)?;
            }
            Ok(Exit::Ok)
        }
    }
}

fn list(overlay: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let library = Library::new(overlay);
    let mut rows = Vec::new();
    for [standard, version, kind] in library.list() {
        let name = library.name(&standard, &version, &kind)?;
        rows.push(json!({ "standard": standard, "version": version, "type": kind, "name": name }));
    }
    if json {
        input::print_json(&json!(rows))?;
    } else {
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let lines = rows.iter().map(|row| {
            format!("{}/{}/{}  {}\n", text(row, "standard"), text(row, "version"), text(row, "type"), text(row, "name"))
        });
        input::print(lines.collect::<String>().as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn import(source: &Path, imported: &Written, out: &Path, json: bool) -> anyhow::Result<()> {
    for anomaly in &imported.anomalies {
        eprintln!("{}: {anomaly}", source.display());
    }
    let folder = out.join(&imported.folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, content) in &imported.files {
        let path = folder.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if json {
        let folder = folder.display().to_string();
        input::print_json(&json!({ "folder": folder, "types": imported.types, "anomalies": imported.anomalies }))?;
    }
    eprintln!("{} document types into {}", imported.types.len(), folder.display());
    Ok(())
}
