//! `portolan explain FILE`: every segment and value with its name, meaning, rules, verdict, the entity's field and what
//! it becomes elsewhere, and what transformations and a split do to it on the way. `portolan explain x12/004010/850 PO1.04`: what may stand at a place.

mod filter;
mod place;
mod words;

use super::Exit;
use super::input::{self, Definitions, JsonList};
use super::own::{self, Own};
use super::paint::Paint;
use super::translate::Through;
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::codec::segment::{DocumentReport, Inspection, Limits, Piece, PieceKind, Placed, Reader};
use crate::diagnostic::{Diagnostic, Syntax};
use crate::engine::Rules;
use crate::engine::map::Target;
use crate::entity::Entity;
use crate::pipeline::explain::{self, Asked, Cutting, Explanation, Journey, SegmentPart};
use crate::standard::guide::Guide;
use filter::Filter;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words::Words;

pub use words::times;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan explain order.edi                                    all of it
  portolan explain order.edi --to edifact/d96a/ORDERS           … and what each value becomes there
  portolan explain order.edi --to edifact/d96a/ORDERS --through steps.yaml --split agreement.yaml
                                                                … and what becomes of it on the way
  portolan explain order.edi --errors                           what is wrong only, each fault at its place
  portolan explain order.edi --field lines[1].quantity          where a field of the entity comes from
  portolan explain order.edi --at PO1[2].04                     one place
  portolan explain x12/004010/850 PO1.04                        what may stand there
  portolan explain edifact/d96a/ORDERS LIN/PRI                  a segment in its loop")]
pub struct Arguments {
    /// The file, or - for standard input; or a document type such as x12/004010/850.
    what: String,
    /// A place, as the standard writes it: PO1.04, N101, NAD.03.1, LIN/PRI, QTY[1].01.2.
    place: Option<String>,
    /// Show also what each value becomes in this document type.
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// Only what feeds this field of the entity: lines[1].quantity.
    #[arg(long)]
    field: Option<String>,
    /// Only this place.
    #[arg(long, value_name = "PLACE", conflicts_with = "place")]
    at: Option<String>,
    /// Only this segment, counted in its document from 1.
    #[arg(long, value_name = "NUMBER")]
    segment: Option<u32>,
    /// Only what is wrong.
    #[arg(long)]
    errors: bool,
    /// A partner's guide: what it asks is shown and checked too.
    #[arg(long, value_name = "FILE")]
    guide: Option<PathBuf>,
    /// A folder of mappings that go before those in the binary, or a partner's own mapping as `apply` takes it.
    #[arg(long, value_name = "DIR|FILE")]
    mapping: Option<PathBuf>,
    /// Lookup tables, as `apply` takes them.
    #[arg(long, value_name = "FILE")]
    tables: Option<PathBuf>,
    /// Transformations that entities go through, in the order of the file, as `apply` takes them: what each step does is
    /// shown.
    #[arg(long, value_name = "FILE")]
    through: Option<PathBuf>,
    /// An agreement of way out, as `apply` takes it: what its `split` does is shown.
    #[arg(long, value_name = "FILE", requires = "to")]
    split: Option<PathBuf>,
    /// Which agreement of that file, where several are for the target.
    #[arg(long, value_name = "NAME", requires = "split")]
    agreement: Option<String>,
    /// Instant at which steps are done and tables looked up (RFC 3339); the clock when left out.
    #[arg(long)]
    now: Option<Timestamp>,
    #[command(flatten)]
    definitions: Definitions,
}

pub fn run(arguments: &Arguments, as_json: bool, paint: Paint) -> anyhow::Result<Exit> {
    let folder = arguments.mapping.as_deref().filter(|path| path.is_dir());
    let mut rules = Rules::new(arguments.definitions.standards.as_deref(), folder);
    rules.library = arguments.definitions.tell(rules.library)?;
    let file = Path::new(&arguments.what);
    if arguments.what != "-" && !file.exists() && arguments.what.split('/').count() == 3 {
        return place::run(&rules, &arguments.what, arguments.place.as_deref(), as_json, paint);
    }
    let at = arguments.at.as_deref().or(arguments.place.as_deref());
    let filter = match Filter::new(at, arguments.field.as_deref(), arguments.segment, arguments.errors) {
        Ok(filter) => filter,
        Err(sentence) => {
            eprintln!("portolan explain: {sentence}");
            return Ok(Exit::Usage);
        }
    };
    let target = match arguments.to.as_deref().map(|to| Target::parse(&rules, to)).transpose() {
        Ok(target) => target,
        Err(sentence) => {
            eprintln!("portolan explain: {sentence}");
            return Ok(Exit::Usage);
        }
    };
    let guide = arguments.guide.as_deref().map(|guide| input::guide(guide, &rules.library)).transpose()?;
    let day = arguments.now.unwrap_or_else(|| SystemClock.now()).to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
    let own = Own::read(&rules, arguments.mapping.as_deref(), arguments.tables.as_deref(), day.clone())?;
    let through = arguments.through.as_deref().map(|file| Through::read(file, day)).transpose()?;
    let cutting = match (&arguments.split, &target) {
        (Some(file), Some(target)) => Some(own::split(&rules, &own, target, file, arguments.agreement.as_deref())?),
        _ => None,
    };
    let mut teller = Teller {
        rules: &rules,
        own,
        through,
        cutting,
        guide,
        target,
        filter,
        words: Words::new(paint),
        list: as_json.then(JsonList::default),
    };
    teller.file(file)
}

/// Reads a file and tells of each piece.
struct Teller<'a> {
    rules: &'a Rules,
    /// The partner's own mapping and tables.
    own: Own,
    /// What entities go through.
    through: Option<Through>,
    /// How documents are cut.
    cutting: Option<Cutting>,
    guide: Option<Arc<Guide>>,
    target: Option<Target>,
    filter: Filter,
    words: Words,
    /// The array being printed; `None` when words are asked for.
    list: Option<JsonList>,
}

impl Teller<'_> {
    fn file(&mut self, file: &Path) -> anyhow::Result<Exit> {
        let mut reader = Reader::new(input::open(file)?, Limits::default()).knowing(&self.rules.library);
        let mut inspection = Inspection::new(&self.rules.library).guided(self.guide.clone().map(input::by_guide));
        let (mut interchanges, mut told) = (0, 0);
        // How many faults of the interchange and of the group were shown.
        let mut seen = (0, 0, 0);
        while let Some(piece) = reader.next()? {
            let placed = inspection.take(&piece);
            let finished = inspection.finished();
            let report = inspection.interchange().or(finished.last().filter(|one| one.number == piece.interchange));
            interchanges = interchanges.max(piece.interchange);
            let Some(report) = report else { continue };
            if seen.2 != report.number {
                seen = (0, 0, report.number);
            }
            if piece.kind == PieceKind::Document {
                let document = report.groups.last().and_then(|group| group.documents.last());
                if let Some(document) = document {
                    told += self.document(&piece, document, placed.as_ref())?;
                }
            } else {
                let groups = report.groups.last().map(|group| group.faults.as_slice()).unwrap_or_default();
                let (new, inner) = (report.faults.get(seen.0..), groups.get(seen.1..));
                let faults = [new.unwrap_or_default(), inner.unwrap_or_default()].concat();
                seen = (report.faults.len(), groups.len(), report.number);
                told += self.envelope(&piece, &faults)?;
            }
            inspection.forget_documents();
        }
        self.end(interchanges, told, inspection.end().iter().flat_map(|report| report.faults.clone()).collect())
    }

    fn end(&mut self, interchanges: u32, told: usize, left: Vec<Diagnostic>) -> anyhow::Result<Exit> {
        if let Some(list) = self.list.take() {
            list.end()?;
        }
        if interchanges == 0 {
            left.iter().for_each(|fault| eprintln!("portolan explain: {} {}", fault.code(), fault.message()));
            return Ok(Exit::Invalid);
        }
        if told == 0 && self.filter.is_narrow() {
            eprintln!("portolan explain: {}", self.filter.nothing());
            return Ok(Exit::NotFound);
        }
        Ok(Exit::Ok)
    }

    /// Returns how many segments were told of.
    fn document(
        &mut self,
        piece: &Piece<'_>,
        report: &DocumentReport,
        placed: Option<&Placed>,
    ) -> anyhow::Result<usize> {
        let control = &report.envelope.document_control_number;
        let Some(placed) = placed else {
            let item = json!({ "interchange": piece.interchange, "group": piece.group, "document": piece.document,
                "control_number": control, "valid": false, "segments": [],
                "report": report.faults.iter().map(Diagnostic::to_json).collect::<Vec<_>>() });
            self.put(item, |words| words.unknown(control, &report.faults))?;
            return Ok(1);
        };
        let guide = self.guide.as_deref().filter(|guide| guide.is_for(&placed.document));
        let through = self.through.as_ref().map(|through| |entity: &Entity| through.trace(entity, &self.own));
        let asked = Asked {
            guide,
            means: &|document| self.own.means_for(document),
            journey: Journey { through: through.as_ref().map(|through| through as _), split: self.cutting.as_ref() },
            target: self.target.as_ref(),
        };
        let mut explanation = explain::explain(self.rules, placed, &piece.run, &report.faults, &asked);
        self.filter.apply(&mut explanation);
        let count = explanation.segments.len() + explanation.steps.len();
        if count == 0 && self.filter.is_narrow() {
            return Ok(0);
        }
        let mut item = json!({ "interchange": piece.interchange, "group": piece.group, "document": piece.document,
            "control_number": control, "valid": report.is_valid() });
        join(&mut item, serde_json::to_value(&explanation)?);
        self.put(item, |words| words.document(control, report, &explanation))?;
        Ok(count)
    }

    fn envelope(&mut self, piece: &Piece<'_>, faults: &[Diagnostic]) -> anyhow::Result<usize> {
        let (standard, version) = if piece.syntax == Syntax::X12 { ("x12", "004010") } else { ("edifact", "d96a") };
        let Ok(directory) = self.rules.library.directory(standard, version) else { return Ok(0) };
        let mut segments: Vec<SegmentPart> = explain::envelope(&directory, &piece.run, faults);
        self.filter.envelope(&mut segments);
        if segments.is_empty() {
            return Ok(0);
        }
        let number = |number: u32| (number > 0).then_some(number);
        let item = json!({ "interchange": piece.interchange, "group": number(piece.group), "document": null,
            "segments": segments });
        self.put(item, |words| words.envelope(&segments))?;
        Ok(segments.len())
    }

    fn put(&mut self, item: Value, tell: impl FnOnce(&mut Words)) -> anyhow::Result<()> {
        match &mut self.list {
            Some(list) => list.item(&item),
            None => {
                tell(&mut self.words);
                input::print(self.words.take().as_bytes())
            }
        }
    }
}

fn join(item: &mut Value, more: Value) {
    if let (Value::Object(item), Value::Object(more)) = (item, more) {
        item.extend(more);
    }
}

/// Whether the document goes on to an entity, in words.
fn entity_of(explanation: &Explanation) -> String {
    match (&explanation.entity, &explanation.target) {
        (Some(entity), Some(target)) => format!(" → {entity} ⇒ {target}"),
        (Some(entity), None) => format!(" → {entity}"),
        (None, _) => ", no mapping".to_owned(),
    }
}
