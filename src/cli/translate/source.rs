//! The documents of an input as entities, one after the other; none is held once the next is asked for.

use super::documents::{Drafted, Drafting};
use super::tell;
use super::through::Through;
use crate::cli::input;
use crate::cli::own::Own;
use crate::codec::segment::{Ahead, DocumentReport, Inspection, Judged, Piece, Reader, Share, Step};
use crate::diagnostic::{Diagnostic, Fault, Syntax, is_clean};
use crate::engine::Rules;
use crate::engine::canonicalise::canonicalise_by;
use crate::entity::Entity;
use crate::pipeline::transform::Transformed;
use crate::standard::guide::Guide;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;
use std::thread::Scope;

/// An entity with where it came from and what was found in it.
#[derive(Default)]
pub struct Source {
    /// What the document says.
    pub entity: Option<Entity>,
    /// The document it becomes, where that was made already.
    pub drafted: Option<Drafted>,
    /// Findings of the document and of reading it.
    pub report: Vec<Diagnostic>,
    /// Name for people: `850 0001`.
    pub name: String,
    /// Ordinal of its interchange in the input; 0 for an entity that did not come in one.
    pub interchange: u32,
    /// Qualifier and id of sender and receiver, with the standard whose codes those are.
    pub parties: Option<(String, [[String; 2]; 2])>,
    /// It came in a test interchange.
    pub test: bool,
    /// A transformation dropped it, which is no fault.
    pub is_dropped: bool,
}

impl Source {
    /// An entity that did not come in an interchange.
    pub fn bare(entity: Entity) -> Self {
        Source { report: entity.check(), name: entity.kind.clone(), entity: Some(entity), ..Source::default() }
    }

    /// It can be read as an entity or was dropped by rule, and nothing found is an error.
    pub fn is_valid(&self) -> bool {
        (self.entity.is_some() || self.is_dropped) && is_clean(&self.report)
    }
}

/// What is made of each document.
#[derive(Clone, Copy)]
pub struct Making<'r> {
    pub rules: &'r Rules,
    pub own: &'r Own,
    /// What its entities become, where documents are wanted.
    pub drafting: Option<&'r Drafting<'r>>,
    /// What they go through before.
    pub through: Option<&'r Through>,
}

/// The entities of a document, each with what it becomes, and what was found in reading them.
struct Made {
    entities: Vec<(Entity, Option<Drafted>)>,
    findings: Vec<Diagnostic>,
    is_dropped: bool,
}

impl Making<'_> {
    fn document(&self, piece: &Piece<'_>, judged: &Judged) -> Made {
        let (read, mut findings) = judged.placed.as_ref().map_or_else(Default::default, |placed| {
            canonicalise_by(self.rules, &self.own.means_for(&placed.document), placed, &piece.run)
        });
        let (mut entities, mut is_dropped) = (Vec::new(), false);
        for entity in read {
            let passed = self.through.map(|through| through.pass(&entity, self.own));
            match passed.unwrap_or(Transformed::On(Cow::Borrowed(&entity), Vec::new())) {
                Transformed::On(made, more) => {
                    findings.extend(more);
                    // What nothing changed is not copied.
                    let entity = if let Cow::Owned(made) = made { made } else { entity };
                    let drafted = self.drafting.map(|drafting| drafting.draft(&entity));
                    entities.push((entity, drafted));
                }
                Transformed::Dropped(reason) => {
                    findings.push(reason);
                    is_dropped = true;
                }
                Transformed::Refused(more) => findings.extend(more),
                Transformed::Undone(why) => {
                    let finding = Diagnostic::new(Syntax::Document, Fault::TransformationFailed);
                    findings.push(finding.because(why, ""));
                }
            }
        }
        Made { entities, findings, is_dropped }
    }
}

/// Reads an input document by document. Findings of its envelopes are told on standard error as they come.
pub struct Sources<'scope, 'env, R> {
    /// None once the input has ended.
    ahead: Option<Ahead<'scope, 'env, R, Made>>,
    /// Entities of the latest document that were not asked for yet.
    waiting: VecDeque<Source>,
    is_clean: bool,
}

impl<'scope, 'env, R: Read> Sources<'scope, 'env, R> {
    /// Begins to read; documents are held against the guide where it is for them.
    pub fn new(
        scope: &'scope Scope<'scope, 'env>,
        share: Share,
        reader: Reader<R>,
        making: Making<'env>,
        guide: Option<Arc<Guide>>,
    ) -> Self {
        let inspection = Inspection::new(&making.rules.library).guided(guide.map(input::by_guide));
        let work = Arc::new(move |piece: &Piece<'_>, judged: &Judged| making.document(piece, judged));
        let ahead = Some(Ahead::new(scope, share, reader, inspection, work));
        Sources { ahead, waiting: VecDeque::new(), is_clean: true }
    }

    /// No envelope read so far had an error.
    pub fn is_clean(&self) -> bool {
        self.is_clean
    }

    /// The next entity, or a document that could not be read as one.
    pub fn next(&mut self) -> anyhow::Result<Option<Source>> {
        while self.waiting.is_empty() {
            let Some(ahead) = self.ahead.as_mut() else { break };
            let mut outside;
            match ahead.next()? {
                Some(Step { piece, made, inspection }) => {
                    if let Some((made, report)) = made.zip(inspection.document()) {
                        self.waiting.extend(sources(made, report, &piece));
                    }
                    outside = inspection.envelope_faults();
                    let closed = inspection.finished();
                    outside.extend(closed.iter().flat_map(|report| report.envelope_faults().cloned()));
                    inspection.forget_documents();
                }
                None => {
                    let closed = self.ahead.take().map(Ahead::end).unwrap_or_default();
                    outside = closed.iter().flat_map(|report| report.envelope_faults().cloned()).collect();
                }
            }
            self.is_clean &= is_clean(&outside);
            tell("", &outside);
        }
        Ok(self.waiting.pop_front())
    }
}

/// The entities of a document; one source without an entity when there are none.
fn sources(made: Made, report: &DocumentReport, piece: &Piece<'_>) -> Vec<Source> {
    let envelope = &report.envelope;
    let parties = [&envelope.sender, &envelope.receiver].map(|id| [id.scheme.clone(), id.value.clone()]);
    let own = piece.sheet.as_ref().map(|sheet| sheet.document.codes());
    let standard = own.unwrap_or_else(|| envelope.standard_in(piece.syntax));
    let source = |entity, drafted| Source {
        entity,
        drafted,
        report: report.faults.iter().chain(&made.findings).cloned().collect(),
        name: format!("{} {}", envelope.document_type, envelope.document_control_number),
        interchange: piece.interchange,
        parties: Some((standard.to_owned(), parties.clone())),
        test: envelope.test,
        is_dropped: made.is_dropped,
    };
    match made.entities.is_empty() {
        true => vec![source(None, None)],
        false => made.entities.into_iter().map(|(entity, drafted)| source(Some(entity), drafted)).collect(),
    }
}
