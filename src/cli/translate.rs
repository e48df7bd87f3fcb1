//! `portolan translate FILE --to TARGET`: documents into canonical entities, or into another document type.

use super::own::Own;
use super::{Exit, input};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::codec::segment::{Inspection, InterchangeReport, Limits, Reader};
use crate::diagnostic::{Diagnostic, Severity, Syntax};
use crate::entity::Entity;
use crate::pipeline::Rules;
use crate::pipeline::canonicalise::canonicalise_by;
use crate::pipeline::echo;
use crate::pipeline::encode::{self, Envelope};
use crate::pipeline::map::{Target, map_by};
use crate::standard::guide::Guide;
use crate::tree::{DocumentDraft, Style};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

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
    /// Interchange control number.
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
    /// Definitions that go before those in the binary.
    #[arg(long, value_name = "DIR")]
    standards: Option<PathBuf>,
    /// Lookup tables, as `apply` takes them.
    #[arg(long, value_name = "FILE")]
    tables: Option<PathBuf>,
    /// A partner's guide, which documents of its type are held against on both sides.
    #[arg(long, value_name = "FILE")]
    guide: Option<PathBuf>,
    /// Write here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// An entity with where it came from and what was found in it.
#[derive(Default)]
pub struct Source {
    /// What the document says.
    pub entity: Option<Entity>,
    /// Findings of the document and of reading it.
    pub report: Vec<Diagnostic>,
    /// Name for people: `850 0001`.
    pub name: String,
    /// Qualifier and id of sender and receiver, with the standard they are of.
    parties: Option<(&'static str, [[String; 2]; 2])>,
    test: bool,
}

impl Source {
    /// An entity that did not come in an interchange.
    pub fn bare(entity: Entity) -> Self {
        Source { report: entity.check(), name: entity.kind.clone(), entity: Some(entity), ..Source::default() }
    }

    fn is_valid(&self) -> bool {
        self.report.iter().all(|finding| finding.severity != Severity::Error)
    }
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let Some(to) = &arguments.output.to else {
        eprintln!("portolan translate: say what is wanted with --to entity or --to STANDARD/VERSION/TYPE");
        return Ok(Exit::Usage);
    };
    let rules = arguments.output.rules();
    // The target is looked up first, so that a wrong one is told before a long file is read.
    if !to.eq_ignore_ascii_case("entity")
        && let Err(sentence) = Target::parse(&rules, to)
    {
        eprintln!("portolan translate: {sentence}");
        return Ok(Exit::Usage);
    }
    let guide = arguments.output.guide.as_deref().map(input::guide).transpose()?;
    let mut reader = Reader::new(input::open(&arguments.file)?, Limits::default());
    let own = arguments.output.own(&rules)?;
    let (sources, reports) = read(&mut reader, &rules, guide, &own)?;
    let outside: Vec<_> = reports.iter().flat_map(envelope_faults).collect();
    let done = arguments.output.write(&rules, &sources, as_json)?;
    tell("", &outside);
    let is_clean = outside.iter().all(|finding| finding.severity != Severity::Error);
    Ok(if is_clean { done } else { Exit::Invalid })
}

/// Reads every document of an input to its entities.
fn read<R: std::io::Read>(
    reader: &mut Reader<R>,
    rules: &Rules,
    guide: Option<Arc<Guide>>,
    own: &Own,
) -> anyhow::Result<(Vec<Source>, Vec<InterchangeReport>)> {
    let mut inspection = Inspection::new(&rules.library);
    if let Some(guide) = guide {
        inspection = inspection.guided(input::by_guide(guide));
    }
    let (mut sources, mut reports) = (Vec::new(), Vec::new());
    while let Some(piece) = reader.next()? {
        let placed = inspection.take(&piece);
        if let (Some(report), true) = (inspection.document(), piece.kind == crate::codec::segment::PieceKind::Document)
        {
            let envelope = &report.envelope;
            let (entities, findings) = placed.map_or_else(Default::default, |placed| {
                canonicalise_by(rules, &own.means_for(&placed.document), &placed, &piece.run)
            });
            let ids = [&envelope.sender, &envelope.receiver];
            let standard = if piece.syntax == Syntax::X12 { "x12" } else { "edifact" };
            let parties = ids.map(|id| [id.scheme.clone(), id.value.clone()]);
            let source = |entity| Source {
                entity,
                report: report.faults.iter().cloned().chain(findings.iter().cloned()).collect(),
                name: format!("{} {}", envelope.document_type, envelope.document_control_number),
                parties: Some((standard, parties.clone())),
                test: envelope.test,
            };
            if entities.is_empty() {
                sources.push(source(None));
            }
            sources.extend(entities.into_iter().map(|entity| source(Some(entity))));
        }
        reports.append(&mut inspection.finished());
    }
    reports.append(&mut inspection.end());
    Ok((sources, reports))
}

fn envelope_faults(report: &InterchangeReport) -> Vec<Diagnostic> {
    let groups = report.groups.iter().flat_map(|group| &group.faults);
    report.faults.iter().chain(groups).cloned().collect()
}

/// Findings in words, on standard error.
fn tell(name: &str, findings: &[Diagnostic]) {
    for finding in findings {
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        eprintln!("{name}{severity} {} {}", finding.code(), finding.message());
    }
}

impl Output {
    /// Definitions and mappings with the overlays asked for.
    pub fn rules(&self) -> Rules {
        Rules::new(self.standards.as_deref(), self.mapping.as_deref().filter(|path| path.is_dir()))
    }

    /// The partner's own mapping and tables.
    fn own(&self, rules: &Rules) -> anyhow::Result<Own> {
        Own::read(rules, self.mapping.as_deref(), self.tables.as_deref())
    }

    /// Writes what was read as entities or as one interchange.
    pub fn write(&self, rules: &Rules, sources: &[Source], as_json: bool) -> anyhow::Result<Exit> {
        let to = self.to.as_deref().unwrap_or("entity");
        if to.eq_ignore_ascii_case("entity") {
            return self.entities(sources, as_json);
        }
        let target = match Target::parse(rules, to) {
            Ok(target) => target,
            Err(sentence) => {
                eprintln!("portolan: {sentence}");
                return Ok(Exit::Usage);
            }
        };
        let known = self.origins(rules)?;
        let mut valid = sources.iter().all(Source::is_valid) && !sources.is_empty();
        let mut documents: Vec<DocumentDraft> = Vec::new();
        let means = self.own(rules)?.means(&target.standard, &target.version, &target.document);
        for source in sources {
            tell(&source.name, &source.report);
            let Some(entity) = &source.entity else {
                valid = false;
                continue;
            };
            let (entity, findings) = match (echo::origin(rules, &target, entity), &known) {
                (Some(origin), Some(known)) => echo::echo(&origin, entity, known),
                _ => (entity.clone(), Vec::new()),
            };
            tell(&source.name, &findings);
            valid &= findings.iter().all(|finding| finding.severity != Severity::Error);
            match map_by(rules, &means, &target, &entity, &(documents.len() + 1).to_string()) {
                Ok((draft, findings)) => {
                    valid &= findings.iter().all(|finding| finding.severity != Severity::Error);
                    tell(&source.name, &findings);
                    documents.push(draft);
                }
                Err(finding) => {
                    valid = false;
                    tell(&source.name, &[*finding]);
                }
            }
        }
        if documents.is_empty() {
            eprintln!("portolan: no document to write");
            return Ok(Exit::Invalid);
        }
        let draft = encode::draft(&target, self.envelope(rules, &target, sources)?, documents);
        let guide = self.guide.as_deref().map(input::guide).transpose()?;
        match encode::encode(rules, target.syntax(), &draft, guide.map(input::by_guide)) {
            Ok((bytes, reports)) => {
                self.put(&bytes)?;
                for report in &reports {
                    tell("output", &envelope_faults(report));
                    for document in report.groups.iter().flat_map(|group| &group.documents) {
                        tell(&format!("output {}", document.envelope.document_control_number), &document.faults);
                    }
                }
                valid &= reports.iter().all(InterchangeReport::is_valid);
                Ok(if valid { Exit::Ok } else { Exit::Invalid })
            }
            Err(findings) => {
                tell("output", &findings);
                Ok(Exit::Invalid)
            }
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
        let (sources, _) = read(&mut Reader::new(bytes.as_slice(), Limits::default()), rules, None, &own)?;
        let entities: Vec<_> = sources.into_iter().filter_map(|source| source.entity).collect();
        anyhow::ensure!(!entities.is_empty(), "{}: no document that can be read as an entity", file.display());
        Ok(Some(entities))
    }

    fn entities(&self, sources: &[Source], as_json: bool) -> anyhow::Result<Exit> {
        let one = |source: &Source| {
            let report: Vec<_> = source.report.iter().map(Diagnostic::to_json).collect();
            json!({ "entity": source.entity.as_ref().map(Entity::to_json), "report": report })
        };
        let value = match sources {
            [single] => one(single),
            several => Value::Array(several.iter().map(one).collect()),
        };
        let mut text = serde_json::to_vec_pretty(&value)?;
        text.push(b'\n');
        self.put(&text)?;
        if !as_json {
            sources.iter().for_each(|source| tell(&source.name, &source.report));
        }
        let valid = sources.iter().all(|source| source.is_valid() && source.entity.is_some());
        Ok(if valid && !sources.is_empty() { Exit::Ok } else { Exit::Invalid })
    }

    fn put(&self, bytes: &[u8]) -> anyhow::Result<()> {
        match &self.out {
            Some(file) => std::fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display())),
            None => input::print(bytes),
        }
    }

    fn envelope(&self, rules: &Rules, target: &Target, sources: &[Source]) -> anyhow::Result<Envelope> {
        let first = sources.first();
        let parties = first.and_then(|source| source.parties.clone());
        let party = |given: &Option<String>, at: usize| -> anyhow::Result<[String; 2]> {
            if let Some(given) = given {
                let (qualifier, id) = given
                    .split_once(':')
                    .with_context(|| format!("{given}: expected QUALIFIER:ID, such as ZZ:ACME"))?;
                return Ok([qualifier.to_owned(), id.to_owned()]);
            }
            let (standard, ids) = parties
                .as_ref()
                .context("the source names no parties; give --sender QUALIFIER:ID and --receiver QUALIFIER:ID")?;
            Ok(counterpart(rules, standard, &target.standard, &ids[at]))
        };
        let now = self.now.unwrap_or_else(|| SystemClock.now());
        let is_x12 = target.syntax() == Syntax::X12;
        let test = match self.environment.as_deref() {
            Some(environment) => environment == "test",
            None => first.is_some_and(|source| source.test),
        };
        Ok(Envelope {
            sender: party(&self.sender, 0)?,
            receiver: party(&self.receiver, 1)?,
            group_parties: Default::default(),
            group_version: String::new(),
            control_number: self.control.clone(),
            group_control_number: self.control.clone(),
            prepared: now.to_zoned(jiff::tz::TimeZone::UTC).datetime(),
            test,
            acknowledgment_requested: false,
            style: if is_x12 { Style::x12() } else { Style::edifact() },
        })
    }
}

/// A party id of one standard's envelope as the other's says it.
fn counterpart(rules: &Rules, from: &str, to: &str, [qualifier, id]: &[String; 2]) -> [String; 2] {
    if from == to {
        return [qualifier.clone(), id.clone()];
    }
    const LIST: &str = "envelope_scheme";
    let codes = rules.mappings.codes();
    let canonical = codes.canonical(LIST, from, qualifier).unwrap_or_else(|| "mutual".to_owned());
    let written = codes.preferred(LIST, to, &canonical).or_else(|| codes.preferred(LIST, to, "mutual"));
    [written.unwrap_or_default(), id.clone()]
}
