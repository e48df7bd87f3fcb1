//! Interchanges under an agreement that says all or nothing: before anything of one is written, all of its documents are
//! read, checked and tried on their routes, so that one faulty document keeps the others from going on without it.

use super::admit::Open;
use super::depart::{Leaving, tried};
use super::identify::{ACKNOWLEDGMENTS, kind_of};
use super::route::missing;
use super::state::Service;
use crate::codec::segment::{GuideChoice, Inspection, Limits, PieceKind, Reader};
use crate::diagnostic::{Diagnostic, Fault, Position, Severity, Syntax};
use crate::engine::canonicalise::canonicalise_by;
use crate::partner::Directory;
use crate::standard::load::Library;
use crate::store::Result;
use crate::store::document::Processing;
use std::collections::BTreeMap;
use std::io::Read;
use tokio::runtime::Handle;

/// Why an interchange goes no further.
#[derive(Debug, Clone)]
pub struct Incomplete {
    /// What is said of its documents that are without faults of their own.
    pub finding: Diagnostic,
    /// Documents that no route would take, by group and ordinal, with the reasons; those whose own findings are errors
    /// are not among them.
    pub untaken: BTreeMap<(u32, u32), Vec<Diagnostic>>,
}

/// Whether all of an interchange goes on or nothing.
#[must_use]
pub fn is_whole(directory: &Directory, open: &Open) -> bool {
    let mut agreements = open.identified.agreements.values().filter_map(|name| directory.agreement(name));
    !open.is_duplicate() && agreements.any(|agreement| agreement.all_or_nothing)
}

/// Looks at every document of such interchanges; those that go no further are returned by their ordinal.
///
/// # Errors
/// The ledger failed.
pub fn look<R: Read>(
    service: &Service,
    library: &Library,
    handle: &Handle,
    open: &BTreeMap<u32, Open>,
    source: R,
    guides: GuideChoice<'_>,
) -> Result<BTreeMap<u32, Incomplete>> {
    let directory = service.directory();
    let mut found: BTreeMap<u32, Incomplete> = BTreeMap::new();
    let mut reader = Reader::new(source, Limits::default()).knowing(library);
    let mut inspection = Inspection::new(library).guided(guides);
    // What cannot be read is told by the processing that follows.
    while let Ok(Some(piece)) = reader.next() {
        let placed = inspection.take(&piece);
        let at_work = open.get(&piece.interchange).filter(|one| is_whole(&directory, one));
        let report = inspection.document().filter(|_| piece.kind == PieceKind::Document);
        let (Some(at_work), Some(report)) = (at_work, report) else { continue };
        let envelope = &report.envelope;
        if ACKNOWLEDGMENTS.contains(&envelope.document_type.as_str()) {
            continue;
        }
        let agreement = at_work.identified.agreements.get(&kind_of(&service.rules, piece.syntax, envelope));
        let means = service.configured().means(&directory, agreement.map(String::as_str));
        let mut findings = report.faults.clone();
        let mut entities = Vec::new();
        if let Some(placed) = &placed {
            let (read, more) = canonicalise_by(&service.rules, &means, placed, &piece.run);
            (entities, findings) = (read, [findings, more].concat());
        }
        let mut untaken = Vec::new();
        if first_error(&findings).is_none() {
            let day = service.now().to_zoned(jiff::tz::TimeZone::UTC).date();
            let environment = at_work.identified.environment.as_str();
            let leaving = Leaving { document_id: "", owner: String::new(), entities: &entities, environment };
            untaken = match agreement.map_or_else(|| Ok(Vec::new()), |name| directory.outward(name, day)) {
                Ok(routes) => {
                    let tried = handle.block_on(tried(service, &routes, &leaving))?;
                    tried.err().map(|refused| refused.findings).unwrap_or_default()
                }
                Err(held) => vec![missing(&held.reason)],
            };
        }
        if let Some(error) = first_error(&findings).or(first_error(&untaken)) {
            let name = format!("{} {}", envelope.document_type, envelope.document_control_number);
            let said = format!("{name} with {} {}", error.code(), error.message());
            let incomplete = found.entry(piece.interchange).or_insert_with(|| incomplete(piece.syntax, &said));
            if !untaken.is_empty() {
                incomplete.untaken.insert((piece.group, piece.document), untaken);
            }
        }
        inspection.forget_documents();
    }
    Ok(found)
}

/// What was decided before a crash stays decided: the interchange's documents that are written already say it.
///
/// # Errors
/// The ledger failed.
pub fn decided(service: &Service, handle: &Handle, open: &Open, now: Option<Incomplete>) -> Result<Option<Incomplete>> {
    Ok(match handle.block_on(service.store.processing_in(&open.interchange_id))?.as_deref() {
        None => now,
        Some(routed) if routed == Processing::Routed.as_str() => None,
        Some(_) => now.or_else(|| Some(incomplete(open.found.syntax, "an earlier document with errors"))),
    })
}

fn first_error(findings: &[Diagnostic]) -> Option<&Diagnostic> {
    findings.iter().find(|finding| finding.severity == Severity::Error)
}

fn incomplete(syntax: Syntax, said: &str) -> Incomplete {
    let tag = if syntax == Syntax::X12 { "ST" } else { "UNH" };
    let finding = Diagnostic::new(syntax, Fault::InterchangeIncomplete)
        .place(tag, tag, Position { segment: 1, ..Position::default() })
        .because("an interchange whose documents are all without errors", said);
    Incomplete { finding, untaken: BTreeMap::new() }
}
