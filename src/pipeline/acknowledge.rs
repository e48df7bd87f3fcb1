//! Acknowledgments: the answer an interchange is owed, as an output of the same commit; and answers that came, as the
//! ledger matches them.

use super::identify::{Found, Identified};
use super::route::{content_type, sequence};
use super::state::Service;
use crate::codec::segment::{AckChoice, Answer, InterchangeReport, Stamp, Verdict, When};
use crate::codec::{edifact, x12};
use crate::diagnostic::Syntax;
use crate::partner::AckRule;
use crate::store::ack::{AckLevel, AckState, Incoming, NewAnswered};
use crate::store::commit::translate::NewOutput;
use crate::store::delivery::NewDelivery;
use crate::store::document::NewDocument;
use crate::store::interchange::NewInterchange;
use crate::store::transmission::NewTransmission;
use crate::store::{Direction, Result, hexadecimal};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

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
    let standard = super::identify::standard_of(report.syntax);
    let named = identified.agreements.values().next().map(String::as_str);
    let agreement = named.or_else(|| directory.any_agreement_in(&identified.partner, standard, identified.environment));
    let Some(policy) = agreement.and_then(|name| directory.agreement(name)?.ack.clone()) else { return Ok(None) };
    let choice =
        AckChoice { technical: when(policy.technical), functional: when(policy.functional), ..AckChoice::default() };
    let envelope = &report.envelope;
    let ours = [envelope.receiver.scheme.clone(), envelope.receiver.value.clone()];
    let theirs = [envelope.sender.scheme.clone(), envelope.sender.value.clone()];
    let environment = identified.environment.as_str();
    let now = service.now();
    let stamp = |numbers: [String; 2]| {
        let [interchange_control_number, group_control_number] = numbers;
        let prepared = now.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        Stamp { interchange_control_number, group_control_number, prepared }
    };
    let acknowledge = if report.syntax == Syntax::X12 { x12::acknowledge } else { edifact::acknowledge };
    // A number is taken only when something is to be sent.
    if acknowledge(report, &choice, &stamp(["1".to_owned(), "1".to_owned()])).is_none() {
        return Ok(None);
    }
    let name = sequence(standard, &ours, &theirs, environment);
    let owner = format!("{transmission_id}/{}/ack", found.number);
    let wanted = vec![(format!("{name} interchange"), 1), (format!("{name} group"), 1)];
    let mut taken = service.store.take_numbers(wanted, &owner, now).await?.into_iter().map(|number| number.to_string());
    let numbers: [String; 2] = std::array::from_fn(|_| taken.next().unwrap_or_default());
    let Some(draft) = acknowledge(report, &choice, &stamp(numbers.clone())) else { return Ok(None) };
    let encoded = if report.syntax == Syntax::X12 { x12::encode(&draft) } else { edifact::encode(&draft) };
    let bytes = match encoded {
        Ok(bytes) => bytes,
        Err(findings) => {
            let words: Vec<_> = findings.iter().map(crate::diagnostic::Diagnostic::message).collect();
            tracing::error!(
                transmission.id = transmission_id,
                findings = words.join("; "),
                "Acknowledgment not written"
            );
            return Ok(None);
        }
    };
    let kind = draft.groups.first().and_then(|group| group.documents.first()).map_or("TA1", |one| one.kind.as_str());
    let made = Made { kind: kind.to_owned(), numbers, bytes, ours, theirs, channel: policy.channel };
    output(service, interchange_id, report, identified, made).await.map(Some)
}

struct Made {
    kind: String,
    numbers: [String; 2],
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
    let [ours, theirs] = [made.ours, made.theirs].map(|[scheme, value]| format!("{scheme}:{value}"));
    let (standard, environment) = (super::identify::standard_of(report.syntax), identified.environment.as_str());
    let partner = Some(identified.partner.clone());
    let worst = worst(report);
    let document = NewDocument {
        document_id: id("doc"),
        interchange_id: Some(interchange_id.clone()),
        direction: Direction::Out,
        number: 1,
        standard: standard.to_owned(),
        version: report.envelope.version.to_ascii_lowercase().replace('.', ""),
        kind: made.kind.clone(),
        control_number: "1".to_owned(),
        group_control_number: Some(made.numbers[1].clone()),
        business_number: None,
        sender: ours.clone(),
        receiver: theirs.clone(),
        partner: partner.clone(),
        agreement: None,
        environment: environment.to_owned(),
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
    let answered = NewAnswered {
        interchange_id: answered_id.to_owned(),
        kind: made.kind.to_ascii_lowercase(),
        transmission_id: transmission_id.clone(),
        state: state(worst),
        sender: theirs.clone(),
        receiver: ours.clone(),
        interchange_control_number: report.envelope.interchange_control_number.clone(),
    };
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
            sender: ours,
            receiver: theirs,
            control_number: made.numbers[0].clone(),
            environment: environment.to_owned(),
            digest: hexadecimal(digest(&SHA256, &made.bytes).as_ref()),
            document_count: 1,
            business_key: None,
            report: json!([]),
        },
        documents: vec![document],
        delivery: NewDelivery {
            key: delivery_id.clone(),
            delivery_id,
            channel: made.channel,
            partner,
            agreement: None,
            on_uncertain: "repeat".to_owned(),
        },
        expectations: Vec::new(),
        answers: vec![answered],
    })
}

fn worst(report: &InterchangeReport) -> Verdict {
    let documents = report.groups.iter().flat_map(|group| &group.documents).map(|document| document.verdict());
    let groups = report.groups.iter().map(crate::codec::segment::GroupReport::verdict);
    documents.chain(groups).chain([report.verdict()]).max().unwrap_or(Verdict::Accepted)
}

fn when(rule: AckRule) -> When {
    match rule {
        AckRule::Always => When::Always,
        AckRule::OnError => When::OnError,
        AckRule::OnRequest => When::OnRequest,
        AckRule::Never => When::Never,
    }
}

fn state(verdict: Verdict) -> AckState {
    match verdict {
        Verdict::Accepted => AckState::Accepted,
        Verdict::AcceptedWithErrors => AckState::AcceptedWithErrors,
        Verdict::Rejected => AckState::Rejected,
    }
}

/// What answers that came say of things we sent. An answer for a group or interchange counts for documents that have
/// none of their own.
#[must_use]
pub fn incoming(answers: &[Answer], found: &Found, identified: &Identified) -> Vec<Incoming> {
    let own = |answer: &Answer| !answer.about.document_control_number.is_empty();
    let any_own = answers.iter().any(own);
    let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
    let one = |answer: &Answer| Incoming {
        level: if answer.kind == "ta1" { AckLevel::Technical } else { AckLevel::Functional },
        state: state(answer.verdict),
        kind: answer.kind.to_owned(),
        partner: Some(identified.partner.clone()),
        sender: found.envelope.receiver.value.clone(),
        receiver: found.envelope.sender.value.clone(),
        interchange_control_number: filled(&answer.about.interchange_control_number),
        group_control_number: filled(&answer.about.group_control_number),
        document_control_number: filled(&answer.about.document_control_number),
        code: answer.codes.join(" "),
        detail: answer.notes.join("; "),
    };
    answers.iter().filter(|answer| own(answer) || !any_own).map(one).collect()
}
