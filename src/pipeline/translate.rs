//! One transmission from its stored bytes to documents, outputs and answers, committed slice by slice, so that a large
//! one neither fills memory nor keeps others from writing. Run again after a crash it goes on where it stood.

use super::acknowledge;
use super::admit::{AdmitError, Open, RepeatWay, admit};
use super::advise::{self, Subject};
use super::answer;
use super::as2::offered::{Exchanged, exchanged};
use super::attachments;
use super::delta;
use super::depart::{Departures, Leaving, Refused};
use super::identify::{self, ACKNOWLEDGMENTS, Found, kind_of, spoilt};
use super::mailbox;
use super::meaning;
use super::measure::Written;
use crate::engine::canonicalise::canonicalise_by;

use super::state::Service;
use super::whole;
use crate::codec::segment::{DocumentReport, Inspection, InterchangeReport, Limits, Piece, PieceKind, Placed, Reader};
use crate::codec::{edifact, x12};
use crate::diagnostic::{Diagnostic, Effect, Fault, Severity, Syntax, is_clean};
use crate::entity::Entity;
use crate::partner::{Agreement, Held, ORDER_RESPONSE, WayOut};
use crate::standard::load::Library;
use crate::store::ack::Incoming;
use crate::store::commit::translate::{End, Repeat, Slice};
use crate::store::delta::NewDelta;
use crate::store::document::{NewDocument, Processing};
use crate::store::interchange::NewInterchange;
use crate::store::job::Job;
use crate::store::lookup::NewMissing;
use crate::store::pause::{Pause, PauseKind};
use crate::store::transmission::{Transmission, TransmissionState};
use crate::store::{Actor, Direction, PayloadReader, Result, StoreError};
use crate::transport::as2::exchange;
use crate::transport::as2::mime::Parameters;
use crate::transport::http::otlp::TraceId;
use serde_json::Value;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};
use std::ops::Range;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Documents in one commit, at most.
const SLICE_DOCUMENTS_MAX: usize = 256;
/// Numbers noted in one commit, at most, of agreements that skip what is unchanged: what says nothing new is a number and no
/// document, and a small one of few bytes.
const SLICE_NUMBERS_MAX: usize = 1024;
/// Bytes of documents in one commit, at most.
const SLICE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Findings kept with a document; the acknowledgment is made from all.
const FINDINGS_KEPT_MAX: usize = 100;
/// How the reason of a document begins that failed for what stands in it.
pub(super) const HAS_ERRORS: &str = "has errors";
/// What a person's release leaves as the reason: it overrules a doubt about repeats.
pub const RELEASED: &str = "released";

/// Runs a translate job to its end.
///
/// # Errors
/// The lease was lost, or the ledger failed; the job is then run again.
pub async fn translate(service: Arc<Service>, mut job: Job) -> Result<()> {
    loop {
        let (own, leased, handle) = (service.clone(), job.clone(), Handle::current());
        // Reading payloads blocks and the engine computes; neither belongs on the runtime's threads.
        let done = tokio::task::spawn_blocking(move || Translation::new(own, leased, handle)?.run()).await;
        match done.map_err(|error| StoreError::Unfit(format!("translate: {error}")))? {
            // The equal one is there now and is seen by the next look, so that each interchange is overtaken once at most.
            Err(StoreError::Overtaken { transmission, by }) => {
                tracing::info!(
                    trace_id = %TraceId::of(&transmission),
                    transmission.id = transmission,
                    by,
                    "Overtaken by an equal interchange; it is judged anew"
                );
                job.cursor = service.store.cursor(&job).await?;
            }
            done => return done,
        }
    }
}

/// Where the document stands in a body that brings attachments with it. What cannot be taken apart is read as it is.
fn part(service: &Service, handle: &Handle, transmission: &Transmission) -> Result<Option<Range<u64>>> {
    let content_type = Parameters::parse(&transmission.content_type);
    if content_type.value != "multipart/related" {
        return Ok(None);
    }
    let mut body = handle.block_on(service.store.open_payload(&transmission.payload_id))?;
    let found = attachments::document(&mut body, &content_type);
    found.map_err(|error| StoreError::Damaged(format!("{}: {error}", transmission.payload_id)))
}

struct Translation {
    service: Arc<Service>,
    job: Job,
    handle: Handle,
    transmission: Transmission,
    payload: OnceCell<PayloadReader>,
    slice: Slice,
    slice_bytes: u64,
    /// Documents read so far, and those that earlier slices have written.
    documents: u32,
    written: u32,
    /// Definitions, with what the channel says is sent there.
    library: Library,
    /// Interchanges that are being filled.
    departures: Departures,
    /// Where the document stands in a body with attachments.
    part: Option<Range<u64>>,
    /// What the slice notes of agreements that skip what is unchanged.
    pending: delta::Pending,
}

impl Translation {
    fn new(service: Arc<Service>, job: Job, handle: Handle) -> Result<Self> {
        let transmission = handle.block_on(service.store.transmission(&job.subject))?;
        let written = job.cursor.as_ref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let part = part(&service, &handle, &transmission)?;
        let library = service.library_for(&transmission.channel);
        Ok(Translation {
            part,
            service,
            library,
            job,
            handle,
            transmission,
            payload: OnceCell::new(),
            slice: Slice::default(),
            slice_bytes: 0,
            documents: 0,
            written,
            departures: Departures::default(),
            pending: delta::Pending::default(),
        })
    }

    fn run(mut self) -> Result<()> {
        if self.job.is_poison() {
            let reason = format!("it took its worker down {} times; nothing of it was translated", self.job.losses);
            return self.end(TransmissionState::Held, Some(("POISON", &reason)), None);
        }
        if exchange::is(&self.transmission.content_type)
            && self.service.directory().channel(&self.transmission.channel).is_some_and(|one| one.as2.is_some())
        {
            return self.exchange();
        }
        let found = match self.look() {
            Ok(found) => found,
            Err(error) => {
                let reason = format!("the stored bytes cannot be read: {error}");
                return self.end(TransmissionState::Held, Some(("STORAGE", &reason)), None);
            }
        };
        if found.is_empty() {
            return self.nothing_found();
        }
        let (unusable, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.unusable().is_some());
        let why = unusable.first().and_then(Found::unusable).map(|fault| (fault.code(), fault.message()));
        let why = why.as_ref().map(|(code, reason)| (code.as_str(), reason.as_str()));
        if found.is_empty() {
            return self.end(TransmissionState::Rejected, why, None);
        }
        let mut open = BTreeMap::new();
        let mut repeats = Vec::new();
        for one in found {
            match self.handle.block_on(admit(&self.service, &self.transmission, one)) {
                Ok(admitted) => {
                    repeats.push(admitted.is_duplicate());
                    open.insert(admitted.found.number, admitted);
                }
                Err(AdmitError::Held(held)) => {
                    return self.end(TransmissionState::Held, Some((held.code, &held.reason)), None);
                }
                Err(AdmitError::Store(error)) => return Err(error),
            }
        }
        if let Some(pause) = self.held_up(&open) {
            return self.handle.block_on(self.service.store.set_aside(&self.job, &pause, self.service.now()));
        }
        if let Some((held, missing)) = self.waits(&open)? {
            self.slice.missing = missing;
            return self.end(TransmissionState::Held, Some((held.code, &held.reason)), None);
        }
        self.look_at_wholes(&mut open)?;
        self.process(&mut open)?;
        let state =
            if repeats.iter().all(|repeat| *repeat) { TransmissionState::Duplicate } else { TransmissionState::Split };
        let unchanged = if state == TransmissionState::Split { self.unchanged(&open)? } else { None };
        let unchanged = unchanged.as_ref().map(|told| (delta::UNCHANGED, told.as_str()));
        self.end(state, why.or(unchanged), open.values().next())
    }

    /// What is told of documents that say nothing new, where some do; and of which agreements the transmission is a whole.
    fn unchanged(&mut self, open: &BTreeMap<u32, Open>) -> Result<Option<String>> {
        let directory = self.service.directory();
        let fresh = open.values().filter(|one| !one.is_duplicate());
        let names: BTreeSet<&String> = fresh.flat_map(|one| one.identified.agreements.values()).collect();
        let is = |name: &&String, asked: fn(&Agreement) -> bool| directory.agreement(name).is_some_and(asked);
        let wholes = names.iter().filter(|name| is(name, Agreement::tells_vanished));
        self.slice.wholes = wholes.map(|name| (*name).clone()).collect();
        if !names.iter().any(|name| is(name, Agreement::skips_unchanged)) {
            return Ok(None);
        }
        let written = self.handle.block_on(self.service.store.document_count(&self.job.subject))?;
        let all = u64::from(self.documents);
        let unchanged = all.saturating_sub(written + self.slice.documents.len() as u64);
        Ok((unchanged > 0).then(|| delta::told(unchanged, all)))
    }

    /// A certificate exchange message holds no documents: its certificates are offered.
    fn exchange(mut self) -> Result<()> {
        let mut body = Vec::new();
        let read = self.bytes()?.take(exchange::EXCHANGE_BYTES_MAX as u64 + 1).read_to_end(&mut body);
        read.map_err(|error| StoreError::Damaged(error.to_string()))?;
        let came = &self.transmission;
        let by = (came.channel.as_str(), came.partner.as_deref());
        let facts = self.handle.block_on(self.service.store.transport_facts(&came.transmission_id))?;
        if facts["as2"]["signed_by"].is_null() {
            let why = "expected a message signed by a certificate of the channel, found one without a signature; a certificate \
                       is offered by who shows that it is the partner";
            return self.end(TransmissionState::Rejected, Some(("AS2-EXCHANGE-UNFIT", why)), None);
        }
        let taken = exchanged(&self.service, by, &came.transmission_id, (&came.content_type, &body));
        match self.handle.block_on(taken)? {
            Exchanged::Offered | Exchanged::Answered => self.end(TransmissionState::Split, None, None),
            Exchanged::Unfit(code, why) => self.end(TransmissionState::Rejected, Some((code, &why)), None),
        }
    }

    /// Its documents from the first byte on: where attachments stand around, the part that is the document.
    fn source(&self) -> Result<io::Take<PayloadReader>> {
        let mut bytes = self.bytes()?;
        let part = match &self.part {
            None => return Ok(bytes.take(u64::MAX)),
            Some(part) => part,
        };
        bytes.go_to(part.start).map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(bytes.take(part.end - part.start))
    }

    /// All bytes from the first on; small ones are fetched once.
    fn bytes(&self) -> Result<PayloadReader> {
        if let Some(again) = self.payload.get().and_then(PayloadReader::again) {
            return Ok(again);
        }
        let payload = self.handle.block_on(self.service.store.open_payload(&self.transmission.payload_id))?;
        if let Some(again) = payload.again() {
            self.payload.get_or_init(|| again);
        }
        Ok(payload)
    }

    fn look(&self) -> Result<Vec<Found>> {
        let source = self.source()?;
        identify::look(&self.service.rules, &self.library, source)
            .map_err(|error| StoreError::Damaged(error.to_string()))
    }

    /// No interchange at all: kept, shown, and told why.
    fn nothing_found(mut self) -> Result<()> {
        let reports = Inspection::new(&self.library).whole(self.source()?, Limits::default());
        let reports = reports.map_err(|error| StoreError::Damaged(error.to_string()))?;
        let first = reports.iter().flat_map(|report| &report.faults).next();
        let (code, reason) =
            first.map_or(("FORMAT-UNKNOWN".to_owned(), String::new()), |one| (one.code(), one.message()));
        self.end(TransmissionState::Rejected, Some((&code, &reason)), None)
    }

    /// The pause that it waits for as one: of whom it is from, of an agreement that its documents fall under, or of a route
    /// that they would go along. What is written in part already goes on to its end.
    fn held_up(&self, open: &BTreeMap<u32, Open>) -> Option<Pause> {
        let paused = &self.job.paused;
        if paused.is_empty() || self.written > 0 {
            return None;
        }
        let directory = self.service.directory();
        let of_agreement = |name: &str| {
            let routes = directory.routes(name);
            let of_route = || routes.iter().find_map(|(route, _)| paused.of(PauseKind::Route, route));
            paused.of(PauseKind::Agreement, name).or_else(of_route)
        };
        let of = |one: &Open| {
            let partner = paused.of(PauseKind::Partner, &one.identified.partner);
            partner.or_else(|| one.identified.agreements.values().find_map(|name| of_agreement(name)))
        };
        open.values().find_map(of).cloned()
    }

    /// What its documents lack in tables that are worth waiting for. A person's release overrules.
    fn waits(&self, open: &BTreeMap<u32, Open>) -> Result<Option<(Held, Vec<NewMissing>)>> {
        let fresh =
            open.values().filter(|one| !one.is_duplicate()).map(|one| (one.found.number, &one.identified.agreements));
        let agreements: BTreeMap<_, _> = fresh.map(|(number, agreements)| (number, agreements.clone())).collect();
        let waiting = super::waiting::Waiting::new(&self.service, &self.handle, agreements);
        if self.written > 0 || self.transmission.reason.as_deref() == Some(RELEASED) || !waiting.may_wait() {
            return Ok(None);
        }
        Ok(waiting.look(&self.library, self.source()?, &self.job.subject))
    }

    /// Which interchanges go no further because that was agreed for all or none of their documents.
    fn look_at_wholes(&self, open: &mut BTreeMap<u32, Open>) -> Result<()> {
        let (directory, configured) = (self.service.directory(), self.service.configured());
        if !open.values().any(|one| whole::is_whole(&directory, one)) {
            return Ok(());
        }
        let guides = super::waiting::guides(&directory, &configured, agreements(open));
        let mut found = whole::look(&self.service, &self.library, &self.handle, open, self.source()?, guides)?;
        for (number, one) in open.iter_mut().filter(|(_, one)| whole::is_whole(&directory, one)) {
            one.incomplete = whole::decided(&self.service, &self.handle, one, found.remove(number))?;
        }
        Ok(())
    }

    fn process(&mut self, open: &mut BTreeMap<u32, Open>) -> Result<()> {
        let service = self.service.clone();
        let library = self.library.clone();
        let mut reader = Reader::new(self.source()?, Limits::default()).knowing(&library);
        let (directory, configured) = (service.directory(), service.configured());
        let guides = super::waiting::guides(&directory, &configured, agreements(open));
        let mut inspection = Inspection::new(&library).guided(guides);
        loop {
            let piece = match reader.next() {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return Err(StoreError::Damaged(error.to_string())),
            };
            let placed = inspection.take(&piece);
            if piece.kind == PieceKind::Document
                && let (Some(at_work), Some(report)) = (open.get_mut(&piece.interchange), inspection.document())
            {
                self.documents += 1;
                if self.documents > self.written {
                    self.document(at_work, &piece, placed.as_ref(), report)?;
                } else if let Some(placed) =
                    placed.as_ref().filter(|_| at_work.reach > Effect::Syntax || at_work.incomplete.is_some())
                {
                    let (_, more) = self.canonicalise(at_work, report, placed, &piece);
                    note_further(at_work, &piece, &[report.faults.clone(), more.clone()].concat(), more);
                }
            }
            for report in inspection.finished() {
                self.finish_interchange(open, report)?;
            }
            if self.is_slice_full() {
                self.commit(None)?;
            }
        }
        for report in inspection.end() {
            self.finish_interchange(open, report)?;
        }
        Ok(())
    }

    fn is_slice_full(&self) -> bool {
        self.slice.documents.len() >= SLICE_DOCUMENTS_MAX
            || self.slice.deltas.len() >= SLICE_NUMBERS_MAX
            || self.slice_bytes >= SLICE_BYTES_MAX
    }

    /// A document's entities, by the mapping and the tables of its agreement.
    fn canonicalise(
        &self,
        open: &Open,
        report: &DocumentReport,
        placed: &Placed,
        piece: &Piece<'_>,
    ) -> (Vec<Entity>, Vec<Diagnostic>) {
        let kind = kind_of(&self.service.rules, piece.syntax, &report.envelope);
        let agreement = open.identified.agreements.get(&kind).map(String::as_str);
        let means = self.service.configured().means(&self.service.directory(), agreement);
        canonicalise_by(&self.service.rules, &means, placed, &piece.run)
    }

    /// What an acknowledgment says. One in XML that breaks its standard, or of which not all is read, says nothing: it is kept
    /// as failed, with the reason, and what it is about waits on.
    fn heard(
        &self,
        open: &Open,
        piece: &Piece<'_>,
        findings: &[Diagnostic],
    ) -> std::result::Result<Vec<Incoming>, Judged> {
        let (found, identified) = (&open.found, &open.identified);
        if open.is_duplicate() {
            // It was heard when it came first, and later words stand.
            return Ok(Vec::new());
        }
        let library = &self.service.rules.library;
        let in_x12 = |element: &str, code: &str| meaning::of_element(library, "997", element, code);
        let in_edifact = |element: &str, code: &str| meaning::of_element(library, "contrl", element, code);
        match piece.syntax {
            // The code lists of a 999 stand in the same directory.
            Syntax::X12 => Ok(answer::functional(&x12::answers(&piece.run, in_x12), found, identified)),
            Syntax::Xml if !is_clean(findings) => {
                Err(failed(findings, "an answer that does not count, for it has errors"))
            }
            Syntax::Xml => {
                answer::application(&self.service.rules, &piece.run, (found, identified)).map_err(|reason| Judged {
                    processing: Some(Processing::Failed),
                    code: Some("ANSWER-UNFIT".to_owned()),
                    reason: Some(format!("an answer that does not count: {reason}")),
                })
            }
            _ => Ok(answer::contrl(&edifact::answers(&piece.run, in_edifact), found, identified)),
        }
    }

    fn document(
        &mut self,
        open: &mut Open,
        piece: &Piece<'_>,
        placed: Option<&Placed>,
        report: &DocumentReport,
    ) -> Result<()> {
        self.write_interchange(open);
        let now = self.service.now();
        let document_id = self.service.store.new_id("doc", now);
        let kind = kind_of(&self.service.rules, piece.syntax, &report.envelope);
        let is_acknowledgment = ACKNOWLEDGMENTS.contains(&report.envelope.document_type.as_str());
        let (mut findings, mut entities) = (report.faults.clone(), Vec::new());
        findings.extend(spoilt(&open.found, piece.group).cloned());
        let mut verdict = Judged { processing: None, code: None, reason: None };
        if is_acknowledgment {
            match self.heard(open, piece, &findings) {
                Ok(incoming) => self.slice.incoming.extend(incoming),
                Err(unfit) => verdict = unfit,
            }
        } else if let (Some(placed), false) = (placed, open.is_duplicate()) {
            let (read, more) = self.canonicalise(open, report, placed, piece);
            (entities, findings) = (read, [findings, more.clone()].concat());
            findings.extend(note_further(open, piece, &findings, more));
        }
        let context = (&open.found, &open.identified);
        for advice in entities.iter().filter(|one| one.kind == answer::ADVICE) {
            let (rules, kind) = (&self.service.rules, &report.envelope.document_type);
            self.slice.incoming.extend(answer::advised(rules, advice, kind, context));
        }
        let responses = entities.iter().filter(|one| one.kind == ORDER_RESPONSE);
        self.slice.incoming.extend(responses.filter_map(|one| answer::responded(one, context)));
        let agreement = open.identified.agreements.get(&kind).cloned();
        if !is_acknowledgment {
            verdict = judge(open, &findings);
        }
        let mut compared = None;
        if verdict.processing == Some(Processing::Routed) {
            let held = delta::compared(&self.service, agreement.as_deref(), &entities, &self.pending);
            compared = self.handle.block_on(held)?;
        }
        if let Some(same) = compared.take_if(|one| delta::is_unchanged(one)) {
            self.slice_bytes += report.length;
            *self.slice.unchanged.entry(open.interchange_id.clone()).or_default() += 1;
            self.slice.deltas.push(same);
            return Ok(());
        }
        self.slice.missing.extend(super::waiting::missing(&findings, &document_id));
        if verdict.processing == Some(Processing::Routed) {
            let (more, refused) = self.route(open, &document_id, agreement.as_deref(), &entities)?;
            findings.extend(more);
            verdict = refused.unwrap_or(verdict);
        }
        if let Some(new) = compared.filter(|_| verdict.processing == Some(Processing::Routed)) {
            self.pending.insert((new.agreement.clone(), new.number.clone()), new.digest.clone());
            self.slice.deltas.push(NewDelta { document_id: Some(document_id.clone()), ..new });
        }
        if let (Some(entity), Some(processing)) = (entities.first(), verdict.processing) {
            let (envelope, version, found) = (&report.envelope, report.version.as_str(), findings.as_slice());
            let subject = Subject { envelope, version, entity, findings: found, processing };
            let more = self.advise(open, &document_id, agreement.as_deref(), &subject)?;
            findings.extend(more);
        }
        let entity = match entities.first() {
            Some(entity) => {
                let text = entity.to_string();
                Some(self.handle.block_on(self.service.store.content(text.as_bytes(), now))?)
            }
            None => None,
        };
        let envelope = &report.envelope;
        let party = |id: &crate::codec::segment::PartyId| format!("{}:{}", id.scheme, id.value);
        self.slice_bytes += report.length;
        self.slice.documents.push(NewDocument {
            document_id,
            interchange_id: Some(open.interchange_id.clone()),
            direction: Direction::In,
            number: self.documents,
            standard: envelope.standard_in(piece.syntax).to_owned(),
            version: report.version.clone(),
            kind: envelope.document_type.clone(),
            control_number: envelope.document_control_number.clone(),
            group_control_number: Some(envelope.group_control_number.clone()).filter(|number| !number.is_empty()),
            business_number: entities.first().and_then(Entity::known_by).map(str::to_owned),
            sender: party(&envelope.sender),
            receiver: party(&envelope.receiver),
            partner: Some(open.identified.partner.clone()),
            agreement,
            environment: open.identified.environment.as_str().to_owned(),
            is_acknowledgment,
            processing: verdict.processing,
            code: verdict.code,
            reason: verdict.reason,
            report: report_of(&findings),
            offset: report.offset + self.part.as_ref().map_or(0, |part| part.start),
            length: report.length,
            entity,
            made_from: Vec::new(),
        });
        Ok(())
    }

    /// Sends the entities along all routes of the agreement, and what is to be told of that. A refusal is the document's
    /// failure, and nothing of it goes.
    fn route(
        &mut self,
        open: &Open,
        source_id: &str,
        agreement: Option<&str>,
        entities: &[Entity],
    ) -> Result<(Vec<Diagnostic>, Option<Judged>)> {
        let directory = self.service.directory();
        let day = self.service.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let outward = match agreement.map_or_else(|| Ok(Vec::new()), |agreement| directory.outward(agreement, day)) {
            Ok(outward) => outward,
            Err(held) => return Ok((Vec::new(), Some(held_for(held)))),
        };
        // What an advice says of ours was heard; that nobody else wants it is no fault.
        if outward.is_empty() && entities.iter().all(|one| one.kind == answer::ADVICE) {
            return Ok((Vec::new(), None));
        }
        if outward.is_empty() {
            let reason =
                format!("no route leads on from agreement {}; add one and send it again", agreement.unwrap_or("?"));
            return Ok((Vec::new(), Some(held_for(Held { code: "ROUTE-MISSING", reason }))));
        }
        let owner = format!("{}/{}", self.job.subject, self.documents);
        let environment = open.identified.environment.as_str();
        let leaving = Leaving { document_id: source_id, owner, entities, environment };
        let departed = self.departures.depart(&self.service, &outward, &leaving);
        match self.handle.block_on(departed)? {
            Ok(left) => {
                self.slice.missing.extend(super::waiting::missing(&left.findings, source_id));
                self.slice.outputs.extend(left.outputs);
                self.slice.gathered.extend(left.gathered);
                let dropped = left.is_dropped.then(|| dropped(&left.told));
                Ok((left.told, dropped))
            }
            Err(Refused { findings, document }) => {
                self.slice.missing.extend(super::waiting::missing(&findings, source_id));
                let judged = refused(&findings, &document);
                Ok((findings, Some(judged)))
            }
        }
    }

    /// Tells the sender what the business made of its document, where that was agreed. What keeps the advice from leaving
    /// is told as a warning of the document, which it changes nothing of.
    fn advise(
        &mut self,
        open: &Open,
        source_id: &str,
        agreement: Option<&str>,
        subject: &Subject<'_>,
    ) -> Result<Vec<Diagnostic>> {
        let (service, directory) = (self.service.clone(), self.service.directory());
        let policy = agreement.and_then(|name| directory.agreement(name)?.ack.as_ref());
        let Some(name) = policy.and_then(|policy| advise::due(policy, subject)) else { return Ok(Vec::new()) };
        let day = service.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let warning = |finding: Diagnostic| Diagnostic { severity: Severity::Warning, ..finding };
        let (name, agreement) = match directory.agreement_out(name, day) {
            Ok(name) => (name, directory.agreement(name)),
            Err(held) => return Ok(vec![warning(super::route::missing(&held.reason))]),
        };
        let Some(agreement) = agreement else { return Ok(Vec::new()) };
        let owner = format!("{}/{}/advice", self.job.subject, self.documents);
        let wanted = vec![(format!("advice {name}"), 1)];
        let number = self.handle.block_on(service.store.take_numbers(wanted, &owner, service.now()))?;
        let advice = advise::advice(subject, &number.first().copied().unwrap_or(1).to_string(), service.now());
        let environment = open.identified.environment.as_str();
        let leaving = Leaving { document_id: source_id, owner, entities: &[advice], environment };
        // No route leads there, so that nothing is asked or changed on the way.
        let ways = [WayOut { route: "", name, agreement }];
        match self.handle.block_on(self.departures.depart(&service, &ways, &leaving))? {
            Ok(left) => {
                self.slice.outputs.extend(left.outputs);
                self.slice.gathered.extend(left.gathered);
                Ok(Vec::new())
            }
            Err(refused) => Ok(refused.findings.into_iter().map(warning).collect()),
        }
    }

    fn write_interchange(&mut self, open: &mut Open) {
        if std::mem::replace(&mut open.is_written, true) {
            return;
        }
        let found = &open.found;
        let party = |id: &crate::codec::segment::PartyId| format!("{}:{}", id.scheme, id.value);
        let faults: Vec<Diagnostic> =
            found.faults.iter().chain(found.group_faults.values().flatten()).cloned().collect();
        self.slice.interchanges.push(NewInterchange {
            interchange_id: open.interchange_id.clone(),
            number: found.number,
            direction: Direction::In,
            format: found.envelope.standard_in(found.syntax).to_owned(),
            sender: party(&found.envelope.sender),
            receiver: party(&found.envelope.receiver),
            control_number: found.envelope.interchange_control_number.clone(),
            environment: found.environment().as_str().to_owned(),
            digest: found.digest.clone(),
            document_count: found.documents,
            business_key: Some(open.key.0.clone()),
            was_seen: open.was_seen,
            remembered_since: open.key.1,
            report: report_of(&faults),
        });
    }

    fn finish_interchange(&mut self, open: &mut BTreeMap<u32, Open>, mut report: InterchangeReport) -> Result<()> {
        let Some(at_work) = open.get_mut(&report.number) else { return Ok(()) };
        self.write_interchange(at_work);
        for ta1 in report.technical.iter().filter(|_| !at_work.is_duplicate()) {
            let answer = x12::technical_answer(ta1);
            self.slice.incoming.push(answer::technical(&answer, &at_work.found, &at_work.identified));
        }
        if report.only_answers() {
            return Ok(());
        }
        match (&at_work.repeat, at_work.repeat_way()) {
            (Some(repeat), Some(RepeatWay::Answered)) => {
                let repeat_of = repeat.first.as_ref().map(|[interchange_id, _]| interchange_id.clone());
                let again =
                    repeat_of.map(|repeat_of| Repeat { interchange_id: at_work.interchange_id.clone(), repeat_of });
                self.slice.repeats.extend(again);
                return Ok(());
            }
            (_, Some(RepeatWay::Released)) => return Ok(()),
            _ => {}
        }
        add_findings(&mut report, at_work);
        let context = (&at_work.found, &at_work.identified);
        let owed = acknowledge::owed(&self.service, &self.job.subject, &at_work.interchange_id, &report, context);
        let owed = self.handle.block_on(owed)?;
        self.slice.outputs.extend(owed);
        Ok(())
    }

    fn commit(&mut self, end: Option<End>) -> Result<()> {
        let rest = self.handle.block_on(self.departures.rest(&self.service))?;
        self.slice.outputs.extend(rest);
        let mut slice = std::mem::take(&mut self.slice);
        self.pending.clear();
        self.slice_bytes = 0;
        if let Some(end) = &end {
            let note = mailbox::note::of_end(&self.service, &self.transmission, end, &slice.documents);
            slice.notes.extend(self.handle.block_on(note)?);
        }
        slice.cursor = end.is_none().then(|| self.documents.to_string());
        slice.end = end;
        let store = &self.service.store;
        let made = slice.outputs.iter().flat_map(|output| &output.documents);
        let written = Written::of(slice.documents.iter().chain(made));
        self.handle.block_on(store.translate(&self.job, slice, &Actor("worker".into()), self.service.now()))?;
        written.count();
        self.written = self.documents;
        self.service.departing.notify_one();
        self.service.calls.ring(&self.job.subject);
        Ok(())
    }

    fn end(&mut self, state: TransmissionState, why: Option<(&str, &str)>, first: Option<&Open>) -> Result<()> {
        let (code, reason) =
            why.map_or((None, None), |(code, reason)| (Some(code.to_owned()), Some(reason.to_owned())));
        tracing::info!(
            trace_id = %TraceId::of(&self.job.subject),
            transmission.id = self.job.subject,
            transmission.state = state.as_str(),
            code,
            documents = self.documents,
            "Translated"
        );
        let repeat = first.filter(|_| state == TransmissionState::Duplicate).and_then(|open| open.repeat.as_ref());
        let duplicate_of = repeat.and_then(|repeat| Some(repeat.first.as_ref()?[1].clone()));
        let partner = first.map(|open| open.identified.partner.clone());
        let environment = first.map(|open| open.identified.environment.as_str().to_owned());
        if matches!(state, TransmissionState::Held | TransmissionState::Rejected) {
            // Held and rejected transmissions leave nothing but their state, and what they wait for.
            let missing = std::mem::take(&mut self.slice.missing);
            self.slice = Slice { missing, ..Slice::default() };
            self.departures = Departures::default();
        }
        self.commit(Some(End { state, code, reason, duplicate_of, partner, environment }))
    }
}

/// The agreements of each interchange, by document type.
fn agreements(open: &BTreeMap<u32, Open>) -> super::waiting::Agreements {
    open.iter().map(|(number, one)| (*number, one.identified.agreements.clone())).collect()
}

/// Keeps what moves a document's acknowledgment beyond its bytes: findings of guide or business where they may, and
/// that its interchange goes no further. The latter is returned, for documents without errors of their own.
fn note_further(
    open: &mut Open,
    piece: &Piece<'_>,
    findings: &[Diagnostic],
    business: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let at = (piece.group, piece.document);
    let incomplete = open.incomplete.as_ref().filter(|_| is_clean(findings)).map(|incomplete| {
        incomplete.untaken.get(&at).cloned().unwrap_or_default().into_iter().chain([incomplete.finding.clone()])
    });
    let incomplete: Vec<_> = incomplete.into_iter().flatten().collect();
    let business = if open.reach > Effect::Syntax { business } else { Vec::new() };
    let all: Vec<_> = business.into_iter().chain(incomplete.iter().cloned()).collect();
    if !all.is_empty() {
        open.further.insert(at, all);
    }
    incomplete
}

/// Findings that stand not in the bytes: what the agreement says of the interchange, and of its documents what guide and
/// business say, where that may move the answer.
fn add_findings(report: &mut InterchangeReport, open: &Open) {
    report.faults.extend(open.noted.iter().cloned());
    for group in &mut report.groups {
        for document in &mut group.documents {
            let further = open.further.get(&(group.number, document.number));
            document.faults.extend(further.into_iter().flatten().cloned());
        }
    }
}

/// Where the processing of a document rests, and why.
struct Judged {
    processing: Option<Processing>,
    code: Option<String>,
    reason: Option<String>,
}

fn judge(open: &Open, findings: &[Diagnostic]) -> Judged {
    if open.is_duplicate() {
        let reason = "its interchange came before".to_owned();
        let code = Some("INTERCHANGE-DUPLICATE".to_owned());
        return Judged { processing: Some(Processing::Duplicate), code, reason: Some(reason) };
    }
    if !is_clean(findings) {
        return failed(findings, HAS_ERRORS);
    }
    Judged { processing: Some(Processing::Routed), code: None, reason: None }
}

/// What came of a document that a route refused: held when it waits for the one it answers, else failed.
fn refused(findings: &[Diagnostic], document: &str) -> Judged {
    let waits = |finding: &&Diagnostic| finding.fault == Fault::OriginMissing && finding.severity == Severity::Error;
    match findings.iter().find(waits) {
        Some(finding) => {
            let reason = format!("{}; send the earlier document through, then this one again", finding.message());
            Judged { processing: Some(Processing::Held), code: Some("ORIGIN-MISSING".into()), reason: Some(reason) }
        }
        None => failed(findings, &format!("cannot be written as {document}")),
    }
}

/// A document that no route takes.
fn dropped(told: &[Diagnostic]) -> Judged {
    let reasons: Vec<_> = told.iter().map(Diagnostic::message).collect();
    let code = told.first().map(Diagnostic::code);
    Judged { processing: Some(Processing::Dropped), code, reason: Some(reasons.join("; ")) }
}

fn held_for(held: Held) -> Judged {
    Judged { processing: Some(Processing::Held), code: Some(held.code.to_owned()), reason: Some(held.reason) }
}

fn failed(findings: &[Diagnostic], what: &str) -> Judged {
    let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let first = errors.first().or(findings.first().as_ref()).map(|first| (first.code(), first.message()));
    let (code, message) = first.unwrap_or_default();
    let more = if errors.len() > 1 { format!(" (and {} more)", errors.len() - 1) } else { String::new() };
    let reason = format!("{what}: {message}{more}");
    Judged { processing: Some(Processing::Failed), code: Some(code), reason: Some(reason) }
}

fn report_of(findings: &[Diagnostic]) -> Value {
    findings.iter().take(FINDINGS_KEPT_MAX).map(Diagnostic::to_json).collect()
}
