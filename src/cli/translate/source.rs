//! The documents of an input as entities, one after the other; none is held once the next is asked for.

use super::tell;
use crate::cli::input;
use crate::cli::own::Own;
use crate::codec::segment::{Inspection, Limits, Piece, PieceKind, Placed, Reader};
use crate::diagnostic::{Diagnostic, Syntax, is_clean};
use crate::entity::Entity;
use crate::pipeline::Rules;
use crate::pipeline::canonicalise::canonicalise_by;
use crate::standard::guide::Guide;
use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;

/// An entity with where it came from and what was found in it.
#[derive(Default)]
pub struct Source {
    /// What the document says.
    pub entity: Option<Entity>,
    /// Findings of the document and of reading it.
    pub report: Vec<Diagnostic>,
    /// Name for people: `850 0001`.
    pub name: String,
    /// Ordinal of its interchange in the input; 0 for an entity that did not come in one.
    pub interchange: u32,
    /// Qualifier and id of sender and receiver, with the standard they are of.
    pub parties: Option<(&'static str, [[String; 2]; 2])>,
    /// It came in a test interchange.
    pub test: bool,
}

impl Source {
    /// An entity that did not come in an interchange.
    pub fn bare(entity: Entity) -> Self {
        Source { report: entity.check(), name: entity.kind.clone(), entity: Some(entity), ..Source::default() }
    }

    /// It can be read as an entity, and nothing found is an error.
    pub fn is_valid(&self) -> bool {
        self.entity.is_some() && is_clean(&self.report)
    }
}

/// Reads an input document by document. Findings of its envelopes are told on standard error as they come.
pub struct Sources<'r, R> {
    rules: &'r Rules,
    own: &'r Own,
    reader: Reader<R>,
    /// None once the input has ended.
    inspection: Option<Inspection<'r>>,
    /// Entities of the latest document that were not asked for yet.
    waiting: VecDeque<Source>,
    is_clean: bool,
}

impl<'r, R: Read> Sources<'r, R> {
    /// Begins to read; documents are held against the guide where it is for them.
    pub fn new(input: R, rules: &'r Rules, own: &'r Own, guide: Option<Arc<Guide>>) -> Self {
        let inspection = Some(Inspection::new(&rules.library).guided(guide.map(input::by_guide)));
        let reader = Reader::new(input, Limits::default());
        Sources { rules, own, reader, inspection, waiting: VecDeque::new(), is_clean: true }
    }

    /// No envelope read so far had an error.
    pub fn is_clean(&self) -> bool {
        self.is_clean
    }

    /// The next entity, or a document that could not be read as one.
    pub fn next(&mut self) -> anyhow::Result<Option<Source>> {
        while self.waiting.is_empty() {
            let Some(inspection) = self.inspection.as_mut() else { break };
            let mut outside;
            match self.reader.next()? {
                Some(piece) => {
                    let placed = inspection.take(&piece);
                    if piece.kind == PieceKind::Document {
                        self.waiting.extend(sources(self.rules, self.own, inspection, placed, &piece));
                    }
                    outside = inspection.envelope_faults();
                    let closed = inspection.finished();
                    outside.extend(closed.iter().flat_map(|report| report.envelope_faults().cloned()));
                    inspection.forget_documents();
                }
                None => {
                    let closed = self.inspection.take().map(Inspection::end).unwrap_or_default();
                    outside = closed.iter().flat_map(|report| report.envelope_faults().cloned()).collect();
                }
            }
            self.is_clean &= is_clean(&outside);
            tell("", &outside);
        }
        Ok(self.waiting.pop_front())
    }
}

/// The entities of the document that was just taken; one source without an entity when there are none.
fn sources(
    rules: &Rules,
    own: &Own,
    inspection: &Inspection<'_>,
    placed: Option<Placed>,
    piece: &Piece<'_>,
) -> Vec<Source> {
    let Some(report) = inspection.document() else { return Vec::new() };
    let (entities, findings) = placed.map_or_else(Default::default, |placed| {
        canonicalise_by(rules, &own.means_for(&placed.document), &placed, &piece.run)
    });
    let envelope = &report.envelope;
    let parties = [&envelope.sender, &envelope.receiver].map(|id| [id.scheme.clone(), id.value.clone()]);
    let standard = if piece.syntax == Syntax::X12 { "x12" } else { "edifact" };
    let source = |entity| Source {
        entity,
        report: report.faults.iter().chain(&findings).cloned().collect(),
        name: format!("{} {}", envelope.document_type, envelope.document_control_number),
        interchange: piece.interchange,
        parties: Some((standard, parties.clone())),
        test: envelope.test,
    };
    match entities.is_empty() {
        true => vec![source(None)],
        false => entities.into_iter().map(|entity| source(Some(entity))).collect(),
    }
}
