//! Where an entity goes: each route's agreement gives the document type, the envelope and its numbers, the channel and
//! the key. The result is an output that one commit writes.

use super::configured::Configured;
use super::echo;
use super::state::Service;
use super::{output, profile};
use crate::codec::segment::{GuideChoice, InterchangeReport};
use crate::diagnostic::{Diagnostic, Severity, Syntax, is_clean};
use crate::engine::encode::{self, Envelope};
use crate::engine::map::{Target, map_by};
use crate::entity::Entity;
use crate::entity::split::{self, SplitPart};
use crate::partner::{Agreement, DOCUMENTS_MAX, Directory, EnvelopeProfile, ExpectKind, PartyId, RequestAck, Una};
use crate::store::Result as StoreResult;
use crate::store::commit::translate::NewOutput;
use crate::store::gathered::Enough;
use crate::tree::{DocumentDraft, Style};

/// An agreement of way out, under which documents leave.
#[derive(Clone, Copy)]
pub struct Outward<'o> {
    /// Its name.
    pub name: &'o str,
    /// What it says.
    pub agreement: &'o Agreement,
    /// Test or production.
    pub environment: &'o str,
}

impl Outward<'_> {
    /// When an interchange has enough.
    #[must_use]
    pub fn enough(&self) -> Enough {
        let profile = &self.agreement.envelope;
        let waits = profile.gather_minutes.is_some() || profile.gather.is_some();
        let alone = if waits { DOCUMENTS_MAX as usize } else { 1 };
        Enough {
            documents: profile.documents_max.unwrap_or(alone),
            bytes: profile.bytes_max.unwrap_or(u64::MAX),
            is_timed: profile.gather.is_some(),
        }
    }
}

/// A document that waits for its interchange.
pub struct Outgoing {
    /// The document it was made from.
    pub source_id: String,
    /// What its numbers belong to for ever: transmission, document, agreement.
    pub owner: String,
    /// What people ask for it by.
    pub business_number: Option<String>,
    /// What it says.
    pub draft: DocumentDraft,
    /// What was found in making it.
    pub findings: Vec<Diagnostic>,
    /// Bytes of an interchange of its own; 0 until it was tried.
    pub size: u64,
    /// The value that it is kept in order by, where its agreement asks for one.
    pub order_key: Option<String>,
}

/// Something, or the findings that forbid it.
pub type Allowed<T> = Result<T, Vec<Diagnostic>>;

/// Makes the documents that an entity becomes under an agreement: one, or as many as the agreement cuts it into.
/// `source_id` and `owner` are those of [`Outgoing`].
///
/// # Errors
/// The ledger failed; what is wrong with the document is inside the result.
pub async fn prepare(
    service: &Service,
    outward: Outward<'_>,
    entity: &Entity,
    (source_id, owner): (&str, &str),
) -> StoreResult<Allowed<Vec<Outgoing>>> {
    let target = match Target::parse(&service.rules, &outward.agreement.document) {
        Ok(target) => target,
        Err(sentence) => return Ok(Err(vec![missing(&sentence)])),
    };
    let (partner, environment) = (&outward.agreement.partner, outward.environment);
    let (entity, findings) = echo::from_ledger(service, &target, entity, partner, environment).await?;
    if !is_clean(&findings) {
        return Ok(Err(findings));
    }
    let parts = match parts(outward.agreement, entity) {
        Ok(parts) => parts,
        Err(more) => return Ok(Err([findings, more].concat())),
    };
    let means = service.configured().means(&service.directory(), Some(outward.name));
    let mut made = Vec::with_capacity(parts.len());
    for part in parts {
        let mut findings = [findings.as_slice(), &part.findings].concat();
        let mut draft = match map_by(&service.rules, &means, &target, &part.entity, "1") {
            Ok((draft, more)) => {
                findings.extend(more);
                draft
            }
            Err(finding) => return Ok(Err(vec![*finding])),
        };
        draft.guide.clone_from(&outward.agreement.envelope.association_code);
        if !is_clean(&findings) {
            return Ok(Err(findings));
        }
        made.push(Outgoing {
            source_id: source_id.to_owned(),
            owner: owner.to_owned(),
            business_number: part.entity.known_by().map(str::to_owned),
            draft,
            findings,
            size: 0,
            order_key: outward.agreement.order_key(&part.entity),
        });
    }
    Ok(Ok(made))
}

/// An entity as the agreement cuts it.
fn parts(agreement: &Agreement, entity: Entity) -> Allowed<Vec<SplitPart>> {
    match &agreement.split {
        None => Ok(vec![SplitPart { entity, findings: Vec::new() }]),
        Some(split) => split::split(&entity, &split.rule().map_err(|wrong| vec![missing(&wrong.join("; "))])?),
    }
}

/// Whether a document can be written, in an interchange of its own that goes nowhere: how many bytes that has.
///
/// # Errors
/// What forbids it.
pub async fn attempt(service: &Service, outward: Outward<'_>, outgoing: &Outgoing) -> Allowed<u64> {
    let numbers = Numbers { interchange: "1".to_owned(), group: "1".to_owned(), documents: vec!["1".to_owned()] };
    written(service, outward, std::slice::from_ref(outgoing), &numbers).await.map(|(bytes, _)| bytes.len() as u64)
}

/// Puts documents into one interchange that leaves under the agreement.
///
/// # Errors
/// The ledger failed; what forbids it is inside the result.
pub async fn send(service: &Service, outward: Outward<'_>, outgoing: Vec<Outgoing>) -> StoreResult<Allowed<NewOutput>> {
    let numbers = numbers(service, outward, &outgoing).await?;
    match written(service, outward, &outgoing, &numbers).await {
        Ok((bytes, reports)) => {
            let made = Made { outgoing, numbers, bytes, reports };
            output::output(service, outward, made).await.map(Ok)
        }
        Err(findings) => Ok(Err(findings)),
    }
}

/// An interchange and what it was made of.
pub struct Made {
    /// Its documents.
    pub outgoing: Vec<Outgoing>,
    /// Its numbers.
    pub numbers: Numbers,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What its receiver finds in it.
    pub reports: Vec<InterchangeReport>,
}

/// The bytes, and what the receiver will find in them.
async fn written(
    service: &Service,
    outward: Outward<'_>,
    outgoing: &[Outgoing],
    numbers: &Numbers,
) -> Allowed<(Vec<u8>, Vec<InterchangeReport>)> {
    let (directory, configured) = (service.directory(), service.configured());
    let profile = &outward.agreement.envelope;
    let target = Target::parse(&service.rules, &outward.agreement.document);
    let target = target.map_err(|sentence| vec![missing(&sentence)])?;
    let mut envelope = envelope(service, &target, outward, numbers);
    profile::agree(service, profile, &mut envelope.style)
        .await
        .map_err(|name| vec![missing(&format!("secret {name}, which is not set; `portolan secret set {name}`"))])?;
    let drafts = outgoing.iter().zip(&numbers.documents).map(|(one, number)| {
        let control_number = number.clone();
        DocumentDraft { control_number, ..one.draft.clone() }
    });
    let interchange = encode::draft(&target, envelope, drafts.collect());
    let guides = guides(&configured, &directory, outward.name);
    let (bytes, reports) = encode::encode(&service.rules, target.syntax(), &interchange, Some(guides))?;
    let own: Vec<Diagnostic> =
        reports.iter().flat_map(all_faults).filter(|one| one.severity == Severity::Error).collect();
    if own.is_empty() { Ok((bytes, reports)) } else { Err(own) }
}

/// What we write has to follow the receiver's guide.
fn guides<'c>(configured: &'c Configured, directory: &'c Directory, agreement: &'c str) -> GuideChoice<'c> {
    Box::new(move |_, envelope, document| configured.guide_for(directory, Some(agreement), envelope, document))
}

/// What a route lacks to be followed.
pub(super) fn missing(sentence: &str) -> Diagnostic {
    Diagnostic::new(Syntax::Document, crate::diagnostic::Fault::MappingMissing).because(sentence, "")
}

fn all_faults(report: &InterchangeReport) -> Vec<Diagnostic> {
    let documents = report.groups.iter().flat_map(|group| &group.documents);
    report.envelope_faults().chain(documents.flat_map(|one| &one.faults)).cloned().collect()
}

/// As RFC 1767 names them; XML as RFC 7303 does, tables as RFC 4180, JSON as RFC 8259.
#[must_use]
pub fn content_type(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::X12 => "application/EDI-X12",
        Syntax::Edifact => "application/EDIFACT",
        Syntax::Csv => "text/csv",
        Syntax::Fixed => "text/plain",
        Syntax::Json => "application/json",
        Syntax::Xml | Syntax::Document => "application/xml",
    }
}

pub(super) fn parties(profile: &EnvelopeProfile) -> ([String; 2], [String; 2]) {
    let of = |id: &Option<PartyId>| {
        id.as_ref().map_or_else(Default::default, |id| [id.scheme.clone().unwrap_or_default(), id.value.clone()])
    };
    (of(&profile.sender), of(&profile.receiver))
}

/// Control numbers in the form that was agreed.
pub struct Numbers {
    /// ISA13, UNB 0020.
    pub interchange: String,
    /// GS06.
    pub group: String,
    /// ST02, UNH 0062 of each document.
    pub documents: Vec<String>,
}

/// The control numbers of an interchange and its documents, their owners' for ever. An interchange belongs to the owner
/// of its first document.
async fn numbers(service: &Service, outward: Outward<'_>, outgoing: &[Outgoing]) -> StoreResult<Numbers> {
    let profile = &outward.agreement.envelope;
    let start = profile.first_number.unwrap_or(1);
    let group_start = profile.first_group_number.unwrap_or(start);
    let [interchange, group, document] = sequences(outward.agreement);
    let is_x12 = outward.agreement.document.starts_with("x12/");
    let in_form = |number: u64, width: Option<usize>, least: usize| {
        format!("{number:0>width$}", width = width.unwrap_or(0).max(least))
    };
    let first = outgoing.first().map_or("", |one| one.owner.as_str());
    let mut wanted = vec![(interchange, start), (group, group_start)];
    wanted.extend(profile.first_document_number.map(|start| (document.clone(), start)));
    let mut taken = service.store.take_numbers(wanted, first, service.now()).await?.into_iter();
    let (interchange, group) = (taken.next().unwrap_or(1), taken.next().unwrap_or(1));
    let mut documents = Vec::new();
    for (at, one) in outgoing.iter().enumerate() {
        let number = match (taken.next(), profile.first_document_number) {
            (Some(number), _) => number,
            (None, None) => at as u64 + 1,
            (None, Some(start)) => {
                let wanted = vec![(document.clone(), start)];
                service.store.take_numbers(wanted, &one.owner, service.now()).await?.into_iter().next().unwrap_or(1)
            }
        };
        // ST02 has four digits at least.
        documents.push(in_form(number, profile.document_number_width, if is_x12 { 4 } else { 1 }));
    }
    let interchange = in_form(interchange, profile.number_width, 1);
    Ok(Numbers {
        interchange: if outward.agreement.document.starts_with("cxml/") {
            payload_id(&interchange, outward)
        } else {
            interchange
        },
        group: in_form(group, profile.group_number_width, 1),
        documents,
    })
}

/// The number of a cXML document: unlike control numbers it is to be the only one of its kind in the world, for networks
/// see those of many. `41.AN-SHOP@987654321`, with `test.` before the receiver where it is for test.
fn payload_id(number: &str, outward: Outward<'_>) -> String {
    let ([_, sender], [_, receiver]) = parties(&outward.agreement.envelope);
    let test = if outward.environment == "test" { "test." } else { "" };
    let plain = |text: String| text.replace(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c), "-");
    format!("{number}.{test}{}@{}", plain(receiver), plain(sender))
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

fn envelope(service: &Service, target: &Target, outward: Outward<'_>, numbers: &Numbers) -> Envelope {
    let (agreement, profile) = (outward.agreement, &outward.agreement.envelope);
    let (sender, receiver) = parties(profile);
    Envelope {
        sender,
        receiver,
        group_parties: [profile.group_sender.clone(), profile.group_receiver.clone()],
        group_version: profile.group_version.clone(),
        control_number: numbers.interchange.clone(),
        group_control_number: numbers.group.clone(),
        prepared: service.now().to_zoned(jiff::tz::TimeZone::UTC).datetime(),
        test: outward.environment == "test",
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
