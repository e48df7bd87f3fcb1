//! `portolan translate FILE --to TARGET`: documents into canonical entities, or into another document type.

mod documents;
mod source;
mod through;

use super::input::{Definitions, Jobs, JsonList, Sink};
use super::own::{self, Own};
use super::{Exit, input};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::codec::segment::{Limits, Reader, Share};
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::Rules;
use crate::engine::map::Target;
use crate::entity::Entity;
use crate::standard::guide::Guide;
use crate::standard::load::Library;
use anyhow::Context as _;
use serde_json::{Value, json};
use source::{Making, Sources};
use std::path::PathBuf;
use std::sync::Arc;

pub use documents::Drafting;
pub use source::Source;
pub use through::Through;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan translate order.edi --to entity                      the canonical entity as JSON
  portolan translate order.edi --to edifact/d96a/ORDERS         another standard
  portolan translate order.edi --to edifact/d96a/ORDERS --out order.edifact
  portolan translate - --to x12/004010/850 --sender ZZ:NORTH --receiver 14:4012345000009 --control 42
`portolan mappings list` prints the targets.")]
pub struct Arguments {
    /// The file, or - for standard input.
    file: PathBuf,
    #[command(flatten)]
    output: Output,
    /// Transformations that entities go through, in the order of the file, as `apply` takes them; one document after the
    /// other, whatever --jobs says.
    #[arg(long, value_name = "FILE")]
    through: Option<PathBuf>,
    #[command(flatten)]
    jobs: Jobs,
}

/// What is to be written, and what its envelope says.
#[derive(clap::Args)]
pub struct Output {
    /// `entity`, or a document type such as edifact/d96a/ORDERS.
    #[arg(long, value_name = "TARGET")]
    pub to: Option<String>,
    /// Sender in the envelope, QUALIFIER:ID; the source's when left out.
    #[arg(long, value_name = "QUALIFIER:ID")]
    sender: Option<String>,
    /// Receiver in the envelope, QUALIFIER:ID; the source's when left out.
    #[arg(long, value_name = "QUALIFIER:ID")]
    receiver: Option<String>,
    /// Control number of the interchange; where the input holds several, of the first, and the others count on.
    #[arg(long, default_value = "1", value_name = "NUMBER")]
    control: String,
    /// Instant written in the envelope (RFC 3339); the clock when left out.
    #[arg(long)]
    now: Option<Timestamp>,
    /// Written in the envelope; the source's when left out.
    #[arg(long, value_parser = ["test", "production"])]
    environment: Option<String>,
    /// The earlier document that this one answers, as a document or an entity: what it leaves out is taken from there.
    #[arg(long, value_name = "FILE")]
    origin: Option<PathBuf>,
    /// A folder of mappings that go before those in the binary, or a partner's own mapping as `apply` takes it.
    #[arg(long, value_name = "DIR|FILE")]
    mapping: Option<PathBuf>,
    #[command(flatten)]
    definitions: Definitions,
    /// Lookup tables, as `apply` takes them.
    #[arg(long, value_name = "FILE")]
    tables: Option<PathBuf>,
    /// A partner's guide, which documents of its type are held against on both sides.
    #[arg(long, value_name = "FILE")]
    guide: Option<PathBuf>,
    /// An agreement of way out, as `apply` takes it: its `split` says how one document is cut into several.
    #[arg(long, value_name = "FILE")]
    split: Option<PathBuf>,
    /// Which agreement of that file, where several are for the target.
    #[arg(long, value_name = "NAME", requires = "split")]
    agreement: Option<String>,
    /// Write here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Where sources come from, one by one.
pub type Next<'n> = dyn FnMut() -> anyhow::Result<Option<Source>> + 'n;

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    if arguments.output.to.is_none() {
        eprintln!("portolan translate: say what is wanted with --to entity or --to STANDARD/VERSION/TYPE");
        return Ok(Exit::Usage);
    }
    let (output, rules) = (&arguments.output, arguments.output.rules()?);
    // The target is looked up first, so that a wrong one is told before a long file is read.
    let target = match output.target(&rules) {
        Ok(target) => target,
        Err(sentence) => {
            eprintln!("portolan translate: {sentence}");
            return Ok(Exit::Usage);
        }
    };
    let drafting = target.map(|target| output.drafting(&rules, target)).transpose()?;
    let (guide, own) = (output.guide(&rules.library)?, output.own(&rules)?);
    let reader = Reader::new(input::open(&arguments.file)?, Limits::default()).knowing(&rules.library);
    let through = arguments.through.as_deref().map(|file| Through::read(file, output.day())).transpose()?;
    let making = Making { rules: &rules, own: &own, drafting: drafting.as_ref(), through: through.as_ref() };
    // Numbers of our own are given in the order of the documents.
    let share = if through.is_some() { Share::threads(Some(1)) } else { arguments.jobs.share() };
    std::thread::scope(|scope| {
        let mut sources = Sources::new(scope, share.one_by_one(), reader, making, guide);
        let done = output.write(drafting.as_ref(), &mut || sources.next(), as_json)?;
        Ok(if sources.is_clean() { done } else { Exit::Invalid })
    })
}

/// Findings in words, on standard error.
fn tell(name: &str, findings: &[Diagnostic]) {
    for finding in findings {
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        eprintln!("{name}{severity} {} {}", finding.code(), finding.message());
    }
}

impl Output {
    /// Definitions and mappings with the overlays asked for.
    ///
    /// # Errors
    /// The file is said to be of a document type that is not there.
    pub fn rules(&self) -> anyhow::Result<Rules> {
        let mapping = self.mapping.as_deref().filter(|path| path.is_dir());
        let mut rules = Rules::new(self.definitions.standards.as_deref(), mapping);
        rules.library = self.definitions.tell(rules.library)?;
        Ok(rules)
    }

    /// The day on which it is written.
    fn day(&self) -> String {
        self.now.unwrap_or_else(|| SystemClock.now()).to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
    }

    /// The partner's own mapping and tables.
    fn own(&self, rules: &Rules) -> anyhow::Result<Own> {
        Own::read(rules, self.mapping.as_deref(), self.tables.as_deref(), self.day())
    }

    /// Where it is written.
    pub fn sink(&self) -> Sink {
        Sink::new(self.out.as_deref())
    }

    fn guide(&self, library: &Library) -> anyhow::Result<Option<Arc<Guide>>> {
        self.guide.as_deref().map(|guide| input::guide(guide, library)).transpose()
    }

    /// The document type asked for; none where entities are.
    pub fn target(&self, rules: &Rules) -> Result<Option<Target>, String> {
        let to = self.to.as_deref().unwrap_or("entity");
        if to.eq_ignore_ascii_case("entity") { Ok(None) } else { Target::parse(rules, to).map(Some) }
    }

    /// What makes documents of that type.
    pub fn drafting<'r>(&self, rules: &'r Rules, target: Target) -> anyhow::Result<Drafting<'r>> {
        let own = self.own(rules)?;
        let split = |file| own::split(rules, &own, &target, file, self.agreement.as_deref());
        let split = self.split.as_deref().map(split).transpose()?;
        Ok(Drafting::new(rules, target, own, self.origins(rules)?, split.map(|cutting| cutting.rule)))
    }

    /// Writes what is read as entities or, by `drafting`, as interchanges.
    pub fn write(&self, drafting: Option<&Drafting<'_>>, next: &mut Next<'_>, as_json: bool) -> anyhow::Result<Exit> {
        match drafting {
            Some(drafting) => documents::write(self, drafting, self.guide(&drafting.rules.library)?, next),
            None => self.entities(next, as_json),
        }
    }

    /// The earlier documents given; `None` when none are, and nothing is echoed.
    fn origins(&self, rules: &Rules) -> anyhow::Result<Option<Vec<Entity>>> {
        let Some(file) = &self.origin else { return Ok(None) };
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        if let Ok(json) = serde_json::from_slice::<Value>(&bytes) {
            let items = json.as_array().map_or_else(|| std::slice::from_ref(&json), Vec::as_slice);
            let entities: Result<_, String> = items.iter().map(Entity::from_json).collect();
            return entities.map(Some).map_err(|expected| anyhow::anyhow!("{}: {expected}", file.display()));
        }
        let own = self.own(rules)?;
        let reader = Reader::new(bytes.as_slice(), Limits::default()).knowing(&rules.library);
        let making = Making { rules, own: &own, drafting: None, through: None };
        let entities = std::thread::scope(|scope| {
            let mut sources = Sources::new(scope, Share::threads(Some(1)), reader, making, None);
            let mut entities = Vec::new();
            while let Some(source) = sources.next()? {
                entities.extend(source.entity);
            }
            anyhow::Ok(entities)
        })?;
        anyhow::ensure!(!entities.is_empty(), "{}: no document that can be read as an entity", file.display());
        Ok(Some(entities))
    }

    /// One entity as an object, several as an array, printed as they are read.
    fn entities(&self, next: &mut Next<'_>, as_json: bool) -> anyhow::Result<Exit> {
        let mut list = JsonList::bare_alone(self.sink());
        let mut valid = true;
        while let Some(source) = next()? {
            valid &= source.is_valid();
            let report: Vec<_> = source.report.iter().map(Diagnostic::to_json).collect();
            list.item(&json!({ "entity": source.entity.as_ref().map(Entity::to_json), "report": report }))?;
            if !as_json {
                tell(&source.name, &source.report);
            }
        }
        let count = list.end()?;
        Ok(if valid && count > 0 { Exit::Ok } else { Exit::Invalid })
    }
}
