//! Where an entity goes: each route's agreement gives the document type, the envelope and its numbers, the channel and
//! the key. The result is an output that one commit writes.

use super::encode::{self, Envelope};
use super::map::{Target, map};
use super::state::Service;
use crate::codec::segment::InterchangeReport;
use crate::diagnostic::{Diagnostic, Severity, Syntax};
use crate::entity::Entity;
use crate::partner::{Agreement, EnvelopeProfile, PartyId};
use crate::store::ack::{AckLevel, NewExpectation};
use crate::store::commit::translate::NewOutput;
use crate::store::delivery::NewDelivery;
use crate::store::document::NewDocument;
use crate::store::interchange::NewInterchange;
use crate::store::transmission::NewTransmission;
use crate::store::{Direction, Result as StoreResult, hexadecimal};
use crate::tree::Style;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use std::time::Duration;

/// What a route is given.
pub struct Routed<'r> {
    /// The document the entity was read from.
    pub source_id: &'r str,
    /// What its numbers belong to for ever: transmission, document, agreement.
    pub owner: String,
    /// What it says.
    pub entity: &'r Entity,
    /// Test or production.
    pub environment: &'r str,
}

/// A route's result: an output, or the findings that forbid it.
pub type RouteResult = Result<NewOutput, Vec<Diagnostic>>;

/// Sends an entity under an agreement of way out.
///
/// # Errors
/// The ledger failed; what is wrong with the document is inside the result.
pub async fn route(
    service: &Service,
    name: &str,
    agreement: &Agreement,
    routed: Routed<'_>,
) -> StoreResult<RouteResult> {
    let target = match Target::parse(&service.rules, &agreement.document) {
        Ok(target) => target,
        Err(sentence) => return Ok(Err(vec![missing(&sentence)])),
    };
    let (draft, findings) = match map(&service.rules, &target, routed.entity, "1") {
        Ok(done) => done,
        Err(finding) => return Ok(Err(vec![*finding])),
    };
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Ok(Err(findings));
    }
    let (sender, receiver) = parties(&agreement.envelope);
    let numbers = numbers(service, &target.standard, &sender, &receiver, &agreement.envelope, &routed).await?;
    let envelope = envelope(service, &target, agreement, &numbers, routed.environment == "test");
    let interchange = encode::draft(&target, envelope, vec![draft]);
    let (bytes, reports) = match encode::encode(&service.rules, target.syntax(), &interchange, None) {
        Ok(done) => done,
        Err(findings) => return Ok(Err(findings)),
    };
    let own: Vec<Diagnostic> =
        reports.iter().flat_map(all_faults).filter(|one| one.severity == Severity::Error).collect();
    if !own.is_empty() {
        return Ok(Err(own));
    }
    let made = Made { target: &target, sender, receiver, numbers, bytes, findings };
    Ok(Ok(output(service, name, agreement, routed, made).await?))
}

fn missing(sentence: &str) -> Diagnostic {
    Diagnostic::new(Syntax::Document, crate::diagnostic::Fault::MappingMissing).because(sentence, "")
}

fn all_faults(report: &InterchangeReport) -> Vec<Diagnostic> {
    let groups = report.groups.iter();
    let inner = groups.flat_map(|group| group.faults.iter().chain(group.documents.iter().flat_map(|one| &one.faults)));
    report.faults.iter().chain(inner).cloned().collect()
}

/// What was made for one route.
struct Made<'r> {
    target: &'r Target,
    sender: [String; 2],
    receiver: [String; 2],
    numbers: [String; 2],
    bytes: Vec<u8>,
    findings: Vec<Diagnostic>,
}

async fn output(
    service: &Service,
    name: &str,
    agreement: &Agreement,
    routed: Routed<'_>,
    made: Made<'_>,
) -> StoreResult<NewOutput> {
    let now = service.now();
    let id = |prefix: &str| service.store.new_id(prefix, now);
    let (interchange_id, document_id, delivery_id) = (id("int"), id("doc"), id("del"));
    let length = made.bytes.len() as u64;
    let [interchange_number, group_number] = made.numbers;
    let is_x12 = made.target.syntax() == Syntax::X12;
    let [sender, receiver] = [made.sender, made.receiver].map(|[scheme, value]| format!("{scheme}:{value}"));
    let control_number = if is_x12 { "0001" } else { "1" };
    let channel = agreement.channel.clone().unwrap_or_default();
    let partner = Some(agreement.partner.clone());
    let interchange = NewInterchange {
        interchange_id: interchange_id.clone(),
        number: 1,
        direction: Direction::Out,
        format: made.target.standard.clone(),
        sender: sender.clone(),
        receiver: receiver.clone(),
        control_number: interchange_number.clone(),
        environment: routed.environment.to_owned(),
        digest: hexadecimal(digest(&SHA256, &made.bytes).as_ref()),
        document_count: 1,
        business_key: None,
        report: json!([]),
    };
    let document = NewDocument {
        document_id: document_id.clone(),
        interchange_id: Some(interchange_id),
        direction: Direction::Out,
        number: 1,
        standard: made.target.standard.clone(),
        version: made.target.version.clone(),
        kind: made.target.document.clone(),
        control_number: control_number.to_owned(),
        group_control_number: is_x12.then(|| group_number.clone()),
        business_number: routed.entity.text("number").map(str::to_owned),
        sender: sender.clone(),
        receiver: receiver.clone(),
        partner: partner.clone(),
        agreement: Some(name.to_owned()),
        environment: routed.environment.to_owned(),
        is_acknowledgment: false,
        processing: None,
        code: None,
        reason: None,
        report: made.findings.iter().map(Diagnostic::to_json).collect(),
        offset: 0,
        length,
        entity: None,
        made_from: vec![routed.source_id.to_owned()],
    };
    let expectation = |expect: &crate::partner::Expect| NewExpectation {
        document_id: document_id.clone(),
        level: if expect.kind == "ta1" { AckLevel::Technical } else { AckLevel::Functional },
        kind: expect.kind.clone(),
        partner: partner.clone(),
        sender: sender.clone(),
        receiver: receiver.clone(),
        interchange_control_number: interchange_number.clone(),
        group_control_number: is_x12.then(|| group_number.clone()),
        document_control_number: control_number.to_owned(),
        deadline: Some(now + Duration::from_secs(u64::from(expect.within_minutes) * 60)),
    };
    let expectations = agreement.expect.iter().map(expectation).collect();
    let transmission = NewTransmission {
        transmission_id: id("tra"),
        direction: Direction::Out,
        channel: channel.clone(),
        partner: partner.clone(),
        environment: Some(routed.environment.to_owned()),
        content: service.store.content(&made.bytes, now).await?,
        content_type: content_type(made.target.syntax()).to_owned(),
        file_name: None,
        headers: json!({}),
    };
    let on_uncertain = match agreement.on_uncertain {
        crate::partner::OnUncertain::Repeat => "repeat",
        crate::partner::OnUncertain::Hold => "hold",
    };
    Ok(NewOutput {
        transmission,
        interchange,
        documents: vec![document],
        delivery: NewDelivery {
            key: delivery_id.clone(),
            delivery_id,
            channel,
            partner,
            agreement: Some(name.to_owned()),
            on_uncertain: on_uncertain.to_owned(),
        },
        expectations,
        answers: Vec::new(),
    })
}

/// As RFC 1767 names them.
#[must_use]
pub fn content_type(syntax: Syntax) -> &'static str {
    if syntax == Syntax::X12 { "application/EDI-X12" } else { "application/EDIFACT" }
}

fn parties(profile: &EnvelopeProfile) -> ([String; 2], [String; 2]) {
    let of = |id: &Option<PartyId>| {
        id.as_ref().map_or_else(Default::default, |id| [id.scheme.clone().unwrap_or_default(), id.value.clone()])
    };
    (of(&profile.sender), of(&profile.receiver))
}

/// The interchange's and the group's control number, this owner's for ever.
async fn numbers(
    service: &Service,
    standard: &str,
    sender: &[String; 2],
    receiver: &[String; 2],
    profile: &EnvelopeProfile,
    routed: &Routed<'_>,
) -> StoreResult<[String; 2]> {
    let start = profile.first_number.unwrap_or(1);
    let name = sequence(standard, sender, receiver, routed.environment);
    let wanted = vec![(format!("{name} interchange"), start), (format!("{name} group"), start)];
    let taken = service.store.take_numbers(wanted, &routed.owner, service.now()).await?;
    let mut taken = taken.into_iter().map(|number| number.to_string());
    Ok(std::array::from_fn(|_| taken.next().unwrap_or_default()))
}

/// The name of the sequences between two parties.
#[must_use]
pub fn sequence(standard: &str, sender: &[String; 2], receiver: &[String; 2], environment: &str) -> String {
    format!("{standard} {}:{} {}:{} {environment}", sender[0], sender[1], receiver[0], receiver[1])
}

fn envelope(service: &Service, target: &Target, agreement: &Agreement, numbers: &[String; 2], test: bool) -> Envelope {
    let profile = &agreement.envelope;
    let (sender, receiver) = parties(profile);
    Envelope {
        sender,
        receiver,
        group_parties: [profile.group_sender.clone(), profile.group_receiver.clone()],
        group_version: profile.group_version.clone(),
        control_number: numbers[0].clone(),
        group_control_number: numbers[1].clone(),
        prepared: service.now().to_zoned(jiff::tz::TimeZone::UTC).datetime(),
        test,
        acknowledgment_requested: false,
        style: style(target.syntax(), profile),
    }
}

/// How the agreement wants it written.
#[must_use]
pub fn style(syntax: Syntax, profile: &EnvelopeProfile) -> Style {
    let mut style = if syntax == Syntax::X12 { Style::x12() } else { Style::edifact() };
    if let Some([element, component, repetition, segment]) =
        profile.separators.as_ref().and_then(|text| <[u8; 4]>::try_from(text.as_bytes()).ok())
    {
        let separators = &mut style.separators;
        (separators.element, separators.component, separators.segment) = (element, component, segment);
        separators.repetition = (repetition != b' ').then_some(repetition).filter(|_| separators.repetition.is_some());
    }
    match profile.line_end.as_deref() {
        Some("none") => style.line_end.clear(),
        Some("crlf") => "\r\n".clone_into(&mut style.line_end),
        _ => {}
    }
    if let (Syntax::Edifact, Some(repertoire)) = (syntax, &profile.repertoire) {
        style.syntax_identifier.clone_from(repertoire);
    }
    style
}
