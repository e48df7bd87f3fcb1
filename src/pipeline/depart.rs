//! Documents on their way out of a transmission: made and tried for all of their routes before any of them leaves, and
//! put together where an agreement lets several share an interchange. Those that wait for documents of other transmissions
//! are kept in the ledger; how they leave is in `gather`.

use super::gather;
use super::route::{Outgoing, Outward, attempt, prepare, send};
use super::state::Service;
use super::transform::{Transformed, transform};
use crate::codec::table::Keys;
use crate::diagnostic::{Diagnostic, Fault, Syntax};
use crate::entity::Entity;
use crate::partner::{Agreement, WayOut};
use crate::store::commit::translate::NewOutput;
use crate::store::gathered::NewGathered;
use crate::store::{Result, StoreError};
use std::collections::BTreeMap;

/// A document that came in, on its way out.
pub struct Leaving<'l> {
    /// Its id.
    pub document_id: &'l str,
    /// What its numbers belong to for ever: transmission and document.
    pub owner: String,
    /// What it says.
    pub entities: &'l [Entity],
    /// Test or production.
    pub environment: &'l str,
}

/// What left, and what was found on the way.
#[derive(Default)]
pub struct Left {
    /// Interchanges that are complete.
    pub outputs: Vec<NewOutput>,
    /// Documents that wait for company.
    pub gathered: Vec<NewGathered>,
    /// Findings that forbid nothing.
    pub findings: Vec<Diagnostic>,
    /// What is to be told of the document: that it was cut into several, that a route does not take it.
    pub told: Vec<Diagnostic>,
    /// No route takes it.
    pub is_dropped: bool,
}

/// Why a document leaves on no route.
pub struct Refused {
    /// What forbids it.
    pub findings: Vec<Diagnostic>,
    /// The document type that it could not become.
    pub document: String,
}

/// The interchanges that still have room, by agreement and environment.
#[derive(Default)]
pub struct Departures {
    filling: BTreeMap<(String, String), (Agreement, Filling)>,
}

/// Documents that share an interchange.
#[derive(Default)]
struct Filling {
    outgoing: Vec<Outgoing>,
    /// Of a table, their keys.
    keys: Keys,
}

impl Departures {
    /// Sends a document along all routes; one that is refused keeps it from all.
    ///
    /// # Errors
    /// The ledger failed; the refusal is inside the result.
    pub async fn depart(
        &mut self,
        service: &Service,
        routes: &[WayOut<'_>],
        leaving: &Leaving<'_>,
    ) -> Result<std::result::Result<Left, Refused>> {
        let Tried { ready, told } = match tried(service, routes, leaving).await? {
            Ok(tried) => tried,
            Err(refused) => return Ok(Err(refused)),
        };
        let is_dropped = ready.is_empty() && !told.is_empty();
        let mut left = Left { told, is_dropped, ..Left::default() };
        for (outward, outgoing) in ready {
            left.findings.extend(outgoing.findings.iter().cloned());
            if let Some(due_at) = gather::due_at(service, outward) {
                left.gathered.push(gather::waiting(outward, &outgoing, due_at)?);
                continue;
            }
            left.outputs.extend(self.share(service, outward, outgoing).await?);
        }
        Ok(Ok(left))
    }

    /// Puts a document into the interchange of its agreement; the interchanges that have enough by that.
    async fn share(&mut self, service: &Service, outward: Outward<'_>, outgoing: Outgoing) -> Result<Vec<NewOutput>> {
        let key = (outward.name.to_owned(), outward.environment.to_owned());
        let (_, filling) =
            self.filling.entry(key.clone()).or_insert_with(|| (outward.agreement.clone(), Filling::default()));
        let (bytes, enough) = (|all: &[Outgoing]| all.iter().map(|one| one.size).sum::<u64>(), outward.enough());
        // One that is too much beside the others, or that would be taken for a part of one, begins the next interchange.
        let mut complete = Vec::new();
        let is_too_much = bytes(&filling.outgoing) + outgoing.size > enough.bytes;
        if !filling.outgoing.is_empty() && (is_too_much || !shares(service, &mut filling.keys, &outgoing)) {
            complete.push(std::mem::take(filling).outgoing);
        }
        if filling.outgoing.is_empty() {
            shares(service, &mut filling.keys, &outgoing);
        }
        filling.outgoing.push(outgoing);
        if filling.outgoing.len() >= enough.documents || bytes(&filling.outgoing) >= enough.bytes {
            complete.push(std::mem::take(filling).outgoing);
        }
        let mut outputs = Vec::new();
        for outgoing in complete {
            outputs.push(full(service, &key, outward.agreement, outgoing).await?);
        }
        Ok(outputs)
    }

    /// The interchanges that will not be filled any further.
    ///
    /// # Errors
    /// The ledger failed.
    pub async fn rest(&mut self, service: &Service) -> Result<Vec<NewOutput>> {
        let mut outputs = Vec::new();
        for (key, (agreement, filling)) in std::mem::take(&mut self.filling) {
            if !filling.outgoing.is_empty() {
                outputs.push(full(service, &key, &agreement, filling.outgoing).await?);
            }
        }
        Ok(outputs)
    }
}

/// What can leave.
#[derive(Default)]
pub struct Tried<'r> {
    /// Each document with the agreement that it leaves under.
    ready: Vec<(Outward<'r>, Outgoing)>,
    /// That one was cut into several, or is not taken, for each route.
    told: Vec<Diagnostic>,
}

/// Whether a document can stand beside those of an interchange whose keys these are; if so, its own is one of them.
pub fn shares(service: &Service, keys: &mut Keys, outgoing: &Outgoing) -> bool {
    let draft = &outgoing.draft;
    let found = service.rules.library.document(&draft.standard, &draft.version, &draft.kind);
    // Only of a table there is a definition by this name that has keys.
    found.map_or(true, |document| keys.share(&document, draft))
}

/// The documents for each route, in their order: each can be written, in an interchange of its own that goes nowhere. No
/// number is taken for one that cannot, so that control numbers have no gaps.
///
/// # Errors
/// The ledger failed; the refusal is inside the result.
pub async fn tried<'r>(
    service: &Service,
    routes: &[WayOut<'r>],
    leaving: &Leaving<'r>,
) -> Result<std::result::Result<Tried<'r>, Refused>> {
    let mut tried = Tried::default();
    let configured = service.configured();
    for &WayOut { route, name, agreement } in routes {
        let refused = |findings| Refused { findings, document: agreement.document.clone() };
        let outward = Outward { name, agreement, environment: leaving.environment };
        let owner = format!("{}/{name}", leaving.owner);
        let mut made = Vec::new();
        for entity in leaving.entities {
            let (entity, found) = match transform(service, &configured, route, entity).await? {
                Transformed::On(entity, found) => (entity, found),
                Transformed::Dropped(reason) => {
                    tried.told.push(reason);
                    continue;
                }
                Transformed::Refused(findings) => return Ok(Err(refused(findings))),
                Transformed::Undone(why) => return Err(StoreError::Unfit(why)),
            };
            match prepare(service, outward, &entity, (leaving.document_id, &owner)).await? {
                Ok(mut outgoing) => {
                    outgoing
                        .iter_mut()
                        .take(1)
                        .for_each(|first| first.findings.splice(0..0, found.clone()).for_each(drop));
                    if outgoing.len() > 1 {
                        let found = format!("{} under {name}", outgoing.len());
                        let how = agreement.split.as_ref().and_then(|split| split.rule().ok());
                        let how = how.map(|rule| rule.to_string()).unwrap_or_default();
                        tried.told.push(Diagnostic::new(Syntax::Document, Fault::Split).because(how, found));
                    }
                    made.extend(outgoing);
                }
                Err(findings) => return Ok(Err(refused(findings))),
            }
        }
        for (at, mut outgoing) in made.into_iter().enumerate() {
            // Each of several owns numbers of its own; the first has those that one alone would have.
            if at > 0 {
                outgoing.owner = format!("{owner}/{}", at + 1);
            }
            match attempt(service, outward, &outgoing).await {
                Ok(size) => tried.ready.push((outward, Outgoing { size, ..outgoing })),
                Err(findings) => return Ok(Err(refused(findings))),
            }
        }
    }
    Ok(Ok(tried))
}

/// An interchange whose documents were all tried. That together they cannot be written would be our fault, not theirs:
/// the transmission is run again, and held when that does not help.
async fn full(
    service: &Service,
    (name, environment): &(String, String),
    agreement: &Agreement,
    outgoing: Vec<Outgoing>,
) -> Result<NewOutput> {
    let sent = send(service, Outward { name, agreement, environment }, outgoing).await?;
    sent.map_err(|findings| {
        let words: Vec<_> = findings.iter().map(Diagnostic::message).collect();
        StoreError::Unfit(format!("an interchange for {name} cannot be written: {}", words.join("; ")))
    })
}
