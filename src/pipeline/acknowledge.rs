//! The acknowledgment that an interchange is owed, by the agreement's choice, as an output of the same commit.
//! Answers that came are read in `answer`; the rules of each kind stand in the codecs.

use super::identify::{Found, Identified};
use super::route::{content_type, sequence};
use super::state::Service;
use crate::codec::segment::{self, AckChoice, Acknowledgment, GroupAnswer, InterchangeReport, Stamp, Verdict, When};
use crate::codec::ubl;
use crate::diagnostic::{Diagnostic, Effect, Syntax};
use crate::partner::{AcceptedSets, AckForm, AckPer, AckPolicy, AckRule, Agreement, Directory, Rejects, VersionSuffix};
use crate::store::ack::{AckLevel, AckState, NewAnswered};
use crate::store::commit::translate::NewOutput;
use crate::store::delivery::{NewDelivery, Turn};
use crate::store::document::NewDocument;
use crate::store::interchange::NewInterchange;
use crate::store::transmission::NewTransmission;
use crate::store::{Direction, Result, hexadecimal};
use crate::transport::http::otlp::TraceId;
use crate::tree::DocumentDraft;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

/// The agreement that says how an interchange is treated as a whole: that of its first document type, else any with
/// the partner in the same standard and environment.
#[must_use]
pub fn governing<'d>(directory: &'d Directory, found: &Found, identified: &Identified) -> Option<&'d Agreement> {
    let named = identified.agreements.values().next().map(String::as_str);
    let standard = found.envelope.standard_in(found.syntax);
    let any = || directory.any_agreement_in(&identified.partner, standard, identified.environment);
    directory.agreement(named.or_else(any)?)
}

/// What the agreement chooses, as the codecs take it.
#[must_use]
pub fn choice(policy: &AckPolicy) -> AckChoice {
    AckChoice {
        technical: when(policy.technical),
        functional: when(policy.functional),
        accepted_documents: policy.accepted_sets == AcceptedSets::List,
        implementation: policy.form.map(|form| form == AckForm::Implementation),
        each_document: policy.per == AckPer::Document,
        version_suffix: policy.version_suffix == VersionSuffix::Echo,
        reach: policy.rejects.map(|rejects| match rejects {
            Rejects::Syntax => Effect::Syntax,
            Rejects::Guide => Effect::Guide,
            Rejects::Business => Effect::Business,
        }),
    }
}

fn when(rule: AckRule) -> When {
    match rule {
        AckRule::Always => When::Always,
        AckRule::OnError => When::OnError,
        AckRule::OnRequest => When::OnRequest,
        AckRule::Never => When::Never,
    }
}

/// The acknowledgment that an interchange is owed, if any.
///
/// # Errors
/// The ledger failed.
pub async fn owed(
    service: &Service,
    transmission_id: &str,
    interchange_id: &str,
    report: &InterchangeReport,
    (found, identified): (&Found, &Identified),
) -> Result<Option<NewOutput>> {
    let directory = service.directory();
    let Some(policy) = governing(&directory, found, identified).and_then(|agreement| agreement.ack.as_ref()) else {
        return Ok(None);
    };
    let Some(acknowledgment) = segment::acknowledge(report, choice(policy)) else { return Ok(None) };
    let envelope = &report.envelope;
    let ours = [envelope.receiver.scheme.clone(), envelope.receiver.value.clone()];
    let theirs = [envelope.sender.scheme.clone(), envelope.sender.value.clone()];
    let standard = report.envelope.standard_in(report.syntax);
    let name = sequence(standard, &ours, &theirs, identified.environment.as_str());
    let owner = format!("{transmission_id}/{}/ack", found.number);
    // Numbers are taken only when something is to be sent.
    let mut numbers = numbers(service, &name, &owner, acknowledgment.groups.len()).await?.into_iter();
    let stamp = Stamp {
        interchange_control_number: numbers.next().unwrap_or_default(),
        group_control_numbers: numbers.collect(),
        prepared: service.now().to_zoned(jiff::tz::TimeZone::UTC).datetime(),
    };
    let bytes = match acknowledgment.encode(&stamp) {
        Ok(bytes) => bytes,
        Err(findings) => {
            let words: Vec<_> = findings.iter().map(Diagnostic::message).collect();
            let findings = words.join("; ");
            tracing::error!(
                trace_id = %TraceId::of(transmission_id),
                transmission.id = transmission_id,
                findings,
                "Acknowledgment not written"
            );
            return Ok(None);
        }
    };
    let made = Made { acknowledgment, stamp, bytes, ours, theirs, channel: policy.channel.clone() };
    output(service, interchange_id, report, identified, made).await.map(Some)
}

/// The interchange's number and those of its groups, this owner's for ever.
async fn numbers(service: &Service, name: &str, owner: &str, groups: usize) -> Result<Vec<String>> {
    let (interchange, group) = (format!("{name} interchange"), format!("{name} group"));
    let wanted = vec![(interchange, 1), (group.clone(), 1)];
    let mut taken = service.store.take_numbers(wanted, owner, service.now()).await?;
    for further in 2..=groups {
        let owner = format!("{owner}/{further}");
        taken.extend(service.store.take_numbers(vec![(group.clone(), 1)], &owner, service.now()).await?);
    }
    Ok(taken.into_iter().map(|number| number.to_string()).collect())
}

struct Made {
    acknowledgment: Acknowledgment,
    stamp: Stamp,
    bytes: Vec<u8>,
    ours: [String; 2],
    theirs: [String; 2],
    channel: String,
}

async fn output(
    service: &Service,
    answered_id: &str,
    report: &InterchangeReport,
    identified: &Identified,
    made: Made,
) -> Result<NewOutput> {
    let now = service.now();
    let id = |prefix: &str| service.store.new_id(prefix, now);
    let (transmission_id, interchange_id, delivery_id) = (id("tra"), id("int"), id("del"));
    let party = |[scheme, value]: &[String; 2]| format!("{scheme}:{value}");
    let (sender, receiver) = (party(&made.ours), party(&made.theirs));
    let (standard, environment) = (report.envelope.standard_in(report.syntax), identified.environment.as_str());
    let partner = Some(identified.partner.clone());
    let documents = documents(service, &interchange_id, report.syntax, identified, &made);
    let answers = answers(report, &made, answered_id, &transmission_id);
    Ok(NewOutput {
        transmission: NewTransmission {
            transmission_id,
            direction: Direction::Out,
            channel: made.channel.clone(),
            partner: partner.clone(),
            environment: Some(environment.to_owned()),
            content: service.store.content(&made.bytes, now).await?,
            content_type: content_type(report.syntax).to_owned(),
            file_name: None,
            headers: json!({}),
        },
        interchange: NewInterchange {
            interchange_id,
            number: 1,
            direction: Direction::Out,
            format: standard.to_owned(),
            sender,
            receiver,
            control_number: made.stamp.interchange_control_number.clone(),
            environment: environment.to_owned(),
            digest: hexadecimal(digest(&SHA256, &made.bytes).as_ref()),
            document_count: u32::try_from(documents.len()).unwrap_or(u32::MAX),
            business_key: None,
            was_seen: false,
            remembered_since: None,
            report: json!([]),
        },
        documents,
        delivery: NewDelivery {
            key: delivery_id.clone(),
            delivery_id,
            channel: made.channel,
            partner,
            agreement: None,
            on_uncertain: "repeat".to_owned(),
            turn: Turn::default(),
        },
        expectations: Vec::new(),
        answers,
    })
}

/// The documents of the answer; a TA1 alone counts as one, so that it is seen.
fn documents(
    service: &Service,
    interchange_id: &str,
    syntax: Syntax,
    identified: &Identified,
    made: &Made,
) -> Vec<NewDocument> {
    let ta1 = DocumentDraft { kind: "TA1".into(), control_number: "1".into(), ..DocumentDraft::default() };
    // CONTRL travels without groups.
    let number = |answer: &GroupAnswer| (syntax == Syntax::X12).then(|| made.stamp.group_control_number(answer.at));
    let answers = made.acknowledgment.answers.iter();
    let mut all: Vec<(&DocumentDraft, Option<String>)> =
        answers.map(|answer| (&answer.document, number(answer))).collect();
    if all.is_empty() {
        all.push((&ta1, None));
    }
    let party = |[scheme, value]: &[String; 2]| format!("{scheme}:{value}");
    let one = |(at, (draft, group_control_number)): (usize, (&DocumentDraft, Option<String>))| NewDocument {
        document_id: service.store.new_id("doc", service.now()),
        interchange_id: Some(interchange_id.to_owned()),
        direction: Direction::Out,
        number: u32::try_from(at + 1).unwrap_or(u32::MAX),
        standard: match syntax {
            Syntax::Xml => draft.standard.clone(),
            _ => segment::Envelope::default().standard_in(syntax).to_owned(),
        },
        version: match syntax {
            Syntax::Xml => draft.version.clone(),
            _ => draft.version.to_ascii_lowercase().replace('.', ""),
        },
        kind: draft.kind.clone(),
        control_number: draft.control_number.clone(),
        group_control_number,
        business_number: None,
        sender: party(&made.ours),
        receiver: party(&made.theirs),
        partner: Some(identified.partner.clone()),
        agreement: None,
        environment: identified.environment.as_str().to_owned(),
        is_acknowledgment: true,
        processing: None,
        code: None,
        reason: None,
        report: json!([]),
        offset: 0,
        length: made.bytes.len() as u64,
        entity: None,
        made_from: Vec::new(),
    };
    all.into_iter().enumerate().map(one).collect()
}

/// What the answer answers: the interchange by TA1 or CONTRL, each group by its 997 or 999.
fn answers(report: &InterchangeReport, made: &Made, answered_id: &str, transmission_id: &str) -> Vec<NewAnswered> {
    let party = |[scheme, value]: &[String; 2]| format!("{scheme}:{value}");
    let one = |level: AckLevel, kind: &str, verdict: Verdict| NewAnswered {
        interchange_id: answered_id.to_owned(),
        group_number: 0,
        level,
        kind: kind.to_owned(),
        transmission_id: transmission_id.to_owned(),
        state: state(verdict),
        sender: party(&made.theirs),
        receiver: party(&made.ours),
        interchange_control_number: report.envelope.interchange_control_number.clone(),
        group_control_number: None,
    };
    let mut all = Vec::new();
    if made.acknowledgment.technical.is_some() {
        all.push(one(AckLevel::Technical, "ta1", report.verdict()));
    }
    let level = match (report.syntax, made.acknowledgment.is_functional) {
        (Syntax::Xml, true) => AckLevel::Application,
        (_, true) => AckLevel::Functional,
        (_, false) => AckLevel::Technical,
    };
    all.extend(made.acknowledgment.answers.iter().map(|answer| NewAnswered {
        group_number: answer.group_number,
        group_control_number: Some(answer.group_control_number.clone()).filter(|number| !number.is_empty()),
        ..one(level, &word(&answer.document.kind), answer.verdict)
    }));
    all
}

/// The word that the ledger has for a document type that answers.
fn word(kind: &str) -> String {
    if kind == ubl::KIND { ubl::WORD.to_owned() } else { kind.to_ascii_lowercase() }
}

/// A verdict as the ledger has it.
#[must_use]
pub fn state(verdict: Verdict) -> AckState {
    match verdict {
        Verdict::Accepted => AckState::Accepted,
        Verdict::AcceptedWithErrors => AckState::AcceptedWithErrors,
        Verdict::Rejected => AckState::Rejected,
    }
}
