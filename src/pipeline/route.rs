//! Where an entity goes: each route's agreement gives the document type, the envelope and its numbers, the channel and
//! the key. The result is an output that one commit writes.

use super::configured::Configured;
use super::echo;
use super::encode::{self, Envelope};
use super::map::{Target, map_by};
use super::profile;
use super::state::Service;
use crate::codec::segment::{GuideChoice, InterchangeReport};
use crate::diagnostic::{Diagnostic, Severity, Syntax};
use crate::entity::Entity;
use crate::partner::{Agreement, Directory, EnvelopeProfile, ExpectKind, PartyId, RequestAck, Una};
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

/// A route's result: an output with what was found in writing it, or the findings that forbid it.
pub type RouteResult = Result<(NewOutput, Vec<Diagnostic>), Vec<Diagnostic>>;

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
    let (entity, mut findings) =
        echo::from_ledger(service, &target, routed.entity, &agreement.partner, routed.environment).await?;
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Ok(Err(findings));
    }
    let (directory, configured) = (service.directory(), service.configured());
    let means = configured.means(&directory, Some(name));
    let (mut draft, more) = match map_by(&service.rules, &means, &target, &entity, "1") {
        Ok(done) => done,
        Err(finding) => return Ok(Err(vec![*finding])),
    };
    findings.extend(more);
    draft.guide.clone_from(&agreement.envelope.association_code);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Ok(Err(findings));
    }
    let (sender, receiver) = parties(&agreement.envelope);
    let numbers = numbers(service, &target.standard, &sender, &receiver, &agreement.envelope, &routed).await?;
    draft.control_number.clone_from(&numbers[2]);
    let mut envelope = envelope(service, &target, agreement, &numbers, routed.environment == "test");
    if let Err(name) = profile::agree(service, &agreement.envelope, &mut envelope.style).await {
        return Ok(Err(vec![missing(&format!("secret {name}, which is not set; `portolan secret set {name}`"))]));
    }
    let interchange = encode::draft(&target, envelope, vec![draft]);
    let (bytes, reports) = match encode::encode(
        &service.rules,
        target.syntax(),
        &interchange,
        Some(guides(&configured, &directory, name)),
    ) {
        Ok(done) => done,
        Err(findings) => return Ok(Err(findings)),
    };
    let own: Vec<Diagnostic> =
        reports.iter().flat_map(all_faults).filter(|one| one.severity == Severity::Error).collect();
    if !own.is_empty() {
        return Ok(Err(own));
    }
    let made = Made { target: &target, sender, receiver, numbers, bytes, findings: findings.clone() };
    Ok(Ok((output(service, name, agreement, routed, made).await?, findings)))
}

/// What we write has to follow the receiver's guide.
fn guides<'c>(configured: &'c Configured, directory: &'c Directory, agreement: &'c str) -> GuideChoice<'c> {
    Box::new(move |_, envelope, document| configured.guide_for(directory, Some(agreement), envelope, document))
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
    numbers: [String; 3],
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
    let [interchange_number, group_number, control_number] = made.numbers;
    let is_x12 = made.target.syntax() == Syntax::X12;
    let [sender, receiver] = [made.sender, made.receiver].map(|[scheme, value]| format!("{scheme}:{value}"));
    let file_name = profile::file_name(name, agreement, &interchange_number, routed.entity.known_by(), now);
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
        remembered_since: None,
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
        control_number: control_number.clone(),
        group_control_number: is_x12.then(|| group_number.clone()),
        business_number: routed.entity.known_by().map(str::to_owned),
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
        level: if expect.kind == ExpectKind::Ta1 { AckLevel::Technical } else { AckLevel::Functional },
        kind: expect.kind.as_str().to_owned(),
        partner: partner.clone(),
        sender: sender.clone(),
        receiver: receiver.clone(),
        interchange_control_number: interchange_number.clone(),
        group_control_number: is_x12.then(|| group_number.clone()),
        document_control_number: control_number.clone(),
        within_minutes: expect.within_minutes,
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
        file_name,
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

/// The control numbers of interchange, group and document, this owner's for ever, in the form that was agreed.
async fn numbers(
    service: &Service,
    standard: &str,
    sender: &[String; 2],
    receiver: &[String; 2],
    profile: &EnvelopeProfile,
    routed: &Routed<'_>,
) -> StoreResult<[String; 3]> {
    let start = profile.first_number.unwrap_or(1);
    let group_start = profile.first_group_number.unwrap_or(start);
    let [interchange, group, document] = three(&sequence(standard, sender, receiver, routed.environment));
    let mut wanted = vec![(interchange, start), (group, group_start)];
    wanted.extend(profile.first_document_number.map(|start| (document, start)));
    let mut taken = service.store.take_numbers(wanted, &routed.owner, service.now()).await?.into_iter();
    let is_x12 = standard == "x12";
    let widths = [profile.number_width, profile.group_number_width, profile.document_number_width];
    // ST02 has four digits at least.
    let least = [1, 1, if is_x12 { 4 } else { 1 }];
    Ok(std::array::from_fn(|at| {
        let (number, width) = (taken.next().unwrap_or(1), widths[at].unwrap_or(0).max(least[at]));
        format!("{number:0>width$}")
    }))
}

/// The sequences of interchange, group and document control numbers between two parties.
fn three(name: &str) -> [String; 3] {
    ["interchange", "group", "document"].map(|of| format!("{name} {of}"))
}

/// The sequences that an agreement of way out takes its numbers from.
#[must_use]
pub fn sequences(agreement: &Agreement) -> [String; 3] {
    let standard = agreement.document.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let (sender, receiver) = parties(&agreement.envelope);
    three(&sequence(&standard, &sender, &receiver, agreement.environment.as_str()))
}

/// The name of the sequences between two parties.
#[must_use]
pub fn sequence(standard: &str, sender: &[String; 2], receiver: &[String; 2], environment: &str) -> String {
    format!("{standard} {}:{} {}:{} {environment}", sender[0], sender[1], receiver[0], receiver[1])
}

fn envelope(service: &Service, target: &Target, agreement: &Agreement, numbers: &[String; 3], test: bool) -> Envelope {
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
        acknowledgment_requested: match profile.request_ack {
            Some(asked) => asked == RequestAck::Yes,
            None => agreement.expect.iter().any(is_asked_for),
        },
        style: style(target.syntax(), profile),
    }
}

/// TA1 and CONTRL come when they are asked for (ISA14, UNB 0031); a 997 or 999 comes unasked.
fn is_asked_for(expect: &crate::partner::Expect) -> bool {
    matches!(expect.kind, ExpectKind::Ta1 | ExpectKind::Contrl)
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
        let may_repeat = syntax == Syntax::X12 || separators.repetition.is_some();
        separators.repetition = (repetition != b' ').then_some(repetition).filter(|_| may_repeat);
    }
    match profile.line_end.as_deref() {
        Some("none") => style.line_end.clear(),
        Some("crlf") => "\r\n".clone_into(&mut style.line_end),
        _ => {}
    }
    if let (Syntax::Edifact, Some(repertoire)) = (syntax, &profile.repertoire) {
        style.syntax_identifier.clone_from(repertoire);
    }
    if let Some(version) = &profile.syntax_version {
        style.syntax_version.clone_from(version);
    }
    style.advice = syntax == Syntax::Edifact && profile.una == Una::Always;
    style
}
