//! What a transmission has to wait for: values that a lookup table with `missing: hold` has not. It is looked at as a
//! whole before anything of it is processed, so that nothing goes on by halves. And the guides its documents follow.

use super::configured::Configured;
use super::identify::ACKNOWLEDGMENTS;
use super::state::Service;
use super::transform::{Transformed, transform};
use crate::codec::segment::{GuideChoice, Inspection, Limits, PieceKind, Reader, folder_of};
use crate::diagnostic::Diagnostic;
use crate::engine::canonicalise::canonicalise_by;
use crate::engine::map::{Target, map_by};
use crate::entity::Entity;
use crate::partner::{Directory, Held, WayOut};
use crate::standard::load::Library;
use crate::store::lookup::NewMissing;
use crate::table::Missing;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Agreements of a transmission: by interchange, by document type.
pub type Agreements = BTreeMap<u32, BTreeMap<String, String>>;

/// Questions named in the reason, at most.
const NAMED_MAX: usize = 3;

/// What findings say that tables lack; `seen_in` is the document or transmission they are about.
pub fn missing(findings: &[Diagnostic], seen_in: &str) -> Vec<NewMissing> {
    let lookups = findings.iter().filter_map(|finding| finding.lookup.as_deref());
    let one = |lookup: &crate::diagnostic::Lookup| NewMissing {
        table: lookup.table.clone(),
        column: lookup.column.clone(),
        wanted: lookup.to.clone(),
        value: lookup.value.clone(),
        holds: lookup.holds,
        seen_in: seen_in.to_owned(),
    };
    lookups.map(one).collect()
}

/// The guide of each document: its agreement's, else the one its envelope selects.
pub fn guides<'g>(directory: &'g Directory, configured: &'g Configured, agreements: Agreements) -> GuideChoice<'g> {
    Box::new(move |interchange, envelope, document| {
        let kind = format!("{}/{}/{}", document.standard, document.version, document.kind);
        let agreement = agreements.get(&interchange).and_then(|kinds| kinds.get(&kind)).map(String::as_str);
        configured.guide_for(directory, agreement, envelope, document)
    })
}

/// The look before processing.
pub struct Waiting<'s> {
    service: &'s Service,
    directory: Arc<Directory>,
    configured: Arc<Configured>,
    agreements: Agreements,
    handle: &'s Handle,
}

impl<'s> Waiting<'s> {
    /// For the interchanges whose agreements are given; others are not looked at.
    #[must_use]
    pub fn new(service: &'s Service, handle: &'s Handle, agreements: Agreements) -> Self {
        Waiting { service, directory: service.directory(), configured: service.configured(), agreements, handle }
    }

    /// Whether any mapping in play looks into a table that is worth waiting for; else the look is spared.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        let names = self.agreements.values().flat_map(BTreeMap::values);
        names.into_iter().any(|name| {
            let lookups = |name: &str| {
                let means = self.configured.means(&self.directory, Some(name));
                means.mapping.map(|mapping| mapping.lookups()).unwrap_or_default()
            };
            let on_the_way = |route: &str| {
                let through = self.configured.ways.get(route).into_iter().flat_map(|way| &way.through);
                through.flat_map(|one| one.lookups()).collect::<Vec<_>>()
            };
            self.hold(&lookups(name))
                || self
                    .directory
                    .routes(name)
                    .into_iter()
                    .any(|(name, route)| self.hold(&lookups(&route.to)) || self.hold(&on_the_way(name)))
        })
    }

    fn hold(&self, lookups: &[[String; 3]]) -> bool {
        let tables = &self.configured.tables.all;
        lookups.iter().any(|[table, ..]| tables.get(table).is_some_and(|table| table.missing == Missing::Hold))
    }

    /// Reads and maps every document without keeping anything; what tables lack, and why that means waiting.
    pub fn look<R: Read>(
        &self,
        library: &Library,
        source: R,
        transmission_id: &str,
    ) -> Option<(Held, Vec<NewMissing>)> {
        let rules = &self.service.rules;
        let day = self.service.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let mut reader = Reader::new(source, Limits::default()).knowing(library);
        let mut inspection = Inspection::new(library);
        let mut found: Vec<NewMissing> = Vec::new();
        // What cannot be read is told by the processing that follows.
        while let Ok(Some(piece)) = reader.next() {
            let placed = inspection.take(&piece);
            let report = inspection.document().filter(|_| piece.kind == PieceKind::Document);
            if let (Some(placed), Some(report)) = (placed, report)
                && let Some(kinds) = self.agreements.get(&piece.interchange)
                && !ACKNOWLEDGMENTS.contains(&report.envelope.document_type.as_str())
            {
                let (standard, _) = folder_of(piece.syntax, &report.envelope);
                let kind = format!("{standard}/{}/{}", report.version, report.envelope.document_type);
                let Some(agreement) = kinds.get(&kind) else { continue };
                let means = self.configured.means(&self.directory, Some(agreement));
                let (entities, mut findings) = canonicalise_by(rules, &means, &placed, &piece.run);
                // A route that leads nowhere is told by the processing that follows.
                for out in self.directory.outward(agreement, day).unwrap_or_default() {
                    findings.extend(entities.iter().flat_map(|entity| self.outward(out, entity)));
                }
                found.extend(missing(&findings, transmission_id).into_iter().filter(|one| one.holds));
            }
            inspection.finished();
        }
        found.dedup();
        if found.is_empty() { None } else { Some((held(&found), found)) }
    }

    /// What writing an entity as a document under an agreement would find.
    fn outward(&self, out: WayOut<'_>, entity: &Entity) -> Vec<Diagnostic> {
        let transformed = transform(self.service, &self.configured, out.route, entity);
        let (entity, mut found) = match self.handle.block_on(transformed) {
            Ok(Transformed::On(entity, found)) => (entity, found),
            Ok(Transformed::Refused(found)) => return found,
            // What the ledger cannot do is told by the processing that follows.
            Ok(Transformed::Dropped(_) | Transformed::Undone(_)) | Err(_) => return Vec::new(),
        };
        let means = self.configured.means(&self.directory, Some(out.name));
        let Ok(target) = Target::parse(&self.service.rules, &out.agreement.document) else { return found };
        found.extend(map_by(&self.service.rules, &means, &target, &entity, "1").into_iter().flat_map(|(_, more)| more));
        found
    }
}

fn held(found: &[NewMissing]) -> Held {
    let one =
        |lack: &NewMissing| format!("table {} has no {} for {} {}", lack.table, lack.wanted, lack.column, lack.value);
    let named: Vec<_> = found.iter().take(NAMED_MAX).map(one).collect();
    let more = if found.len() > NAMED_MAX { format!(" and {} more", found.len() - NAMED_MAX) } else { String::new() };
    let reason = format!("{}{more}; add the rows and apply", named.join(", "));
    Held { code: "LOOKUP-MISSING", reason }
}
