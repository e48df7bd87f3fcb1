//! An interchange that leaves, as one commit writes it: transmission, interchange, documents, delivery, and the answers
//! that are expected.

use super::profile;
use super::route::{Made, Outward, content_type, parties};
use super::state::Service;
use crate::codec::segment::DocumentReport;
use crate::diagnostic::{Diagnostic, Syntax};
use crate::partner::{Expect, ExpectKind, OnUncertain, Order, lane};
use crate::store::ack::{AckLevel, NewExpectation};
use crate::store::commit::translate::NewOutput;
use crate::store::delivery::{NewDelivery, Turn};
use crate::store::document::NewDocument;
use crate::store::interchange::NewInterchange;
use crate::store::transmission::NewTransmission;
use crate::store::{Direction, Result, hexadecimal};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

/// The standard whose documents are answered in the call that brings them.
pub(super) const CXML: &str = "cxml";
/// What its users look for.
const CXML_TYPE: &str = "text/xml; charset=UTF-8";

/// What the ledger is to hold of it.
///
/// # Errors
/// The payload could not be kept.
pub async fn output(service: &Service, outward: Outward<'_>, made: Made) -> Result<NewOutput> {
    let (directory, now) = (service.directory(), service.now());
    let id = |prefix: &str| service.store.new_id(prefix, now);
    let (interchange_id, delivery_id) = (id("int"), id("del"));
    let Outward { name, agreement, environment } = outward;
    let mut parts = agreement.document.split('/');
    let [standard, version, kind] = std::array::from_fn(|_| parts.next().unwrap_or_default().to_owned());
    let syntax = made.reports.first().map_or_else(|| Syntax::of(&standard), |report| report.syntax);
    let (sender, receiver) = parties(&agreement.envelope);
    let [sender, receiver] = [sender, receiver].map(|[scheme, value]| format!("{scheme}:{value}"));
    let business_number = made.outgoing.first().and_then(|one| one.business_number.as_deref());
    let order_key = made.outgoing.first().and_then(|one| one.order_key.clone());
    let file_name = profile::file_name(name, agreement, &made.numbers.interchange, business_number, now);
    let (channel, partner) = (agreement.channel.clone().unwrap_or_default(), Some(agreement.partner.clone()));
    let group_control_number = (syntax == Syntax::X12).then(|| made.numbers.group.clone());
    let interchange = NewInterchange {
        interchange_id: interchange_id.clone(),
        number: 1,
        direction: Direction::Out,
        format: standard.clone(),
        sender: sender.clone(),
        receiver: receiver.clone(),
        control_number: made.numbers.interchange.clone(),
        environment: environment.to_owned(),
        digest: hexadecimal(digest(&SHA256, &made.bytes).as_ref()),
        document_count: u32::try_from(made.outgoing.len()).unwrap_or(u32::MAX),
        business_key: None,
        was_seen: false,
        remembered_since: None,
        report: json!([]),
    };
    let (mut documents, mut expectations) = (Vec::new(), Vec::new());
    let written = made.reports.iter().flat_map(|report| &report.groups).flat_map(|group| &group.documents);
    let written: Vec<&DocumentReport> = written.collect();
    for (at, (one, control_number)) in made.outgoing.iter().zip(&made.numbers.documents).enumerate() {
        let document_id = id("doc");
        let expectation = |expect: &Expect| NewExpectation {
            document_id: document_id.clone(),
            level: match expect.kind {
                ExpectKind::Ta1 => AckLevel::Technical,
                ExpectKind::Application | ExpectKind::Advice | ExpectKind::Aperak | ExpectKind::OrderResponse => {
                    AckLevel::Application
                }
                _ => AckLevel::Functional,
            },
            kind: expect.kind.as_str().to_owned(),
            partner: partner.clone(),
            sender: sender.clone(),
            receiver: receiver.clone(),
            interchange_control_number: made.numbers.interchange.clone(),
            group_control_number: group_control_number.clone(),
            document_control_number: control_number.clone(),
            within_minutes: expect.within_minutes,
            calendar: expect.calendar.as_ref().and_then(|name| directory.calendar(name)).cloned(),
        };
        expectations.extend(agreement.expect.iter().map(expectation));
        // The only document of an interchange is shown with the envelope it went in.
        let (offset, length) = match written.get(at) {
            Some(report) if written.len() > 1 => (report.offset, report.length),
            _ => (0, made.bytes.len() as u64),
        };
        documents.push(NewDocument {
            document_id,
            interchange_id: Some(interchange_id.clone()),
            direction: Direction::Out,
            number: u32::try_from(at + 1).unwrap_or(u32::MAX),
            standard: standard.clone(),
            version: version.clone(),
            kind: kind.clone(),
            control_number: control_number.clone(),
            group_control_number: group_control_number.clone(),
            business_number: one.business_number.clone(),
            sender: sender.clone(),
            receiver: receiver.clone(),
            partner: partner.clone(),
            agreement: Some(name.to_owned()),
            environment: environment.to_owned(),
            is_acknowledgment: false,
            processing: None,
            code: None,
            reason: None,
            report: one.findings.iter().map(Diagnostic::to_json).collect(),
            offset,
            length,
            entity: None,
            made_from: vec![one.source_id.clone()],
        });
    }
    let transmission = NewTransmission {
        transmission_id: id("tra"),
        direction: Direction::Out,
        channel: channel.clone(),
        partner: partner.clone(),
        environment: Some(environment.to_owned()),
        content: service.store.content(&made.bytes, now).await?,
        content_type: if standard == CXML { CXML_TYPE } else { content_type(syntax) }.to_owned(),
        file_name,
        headers: json!({}),
    };
    let lane = match agreement.order {
        Order::None => None,
        Order::Partner => Some(lane(&agreement.partner, environment, None)),
        Order::Key => Some(lane(&agreement.partner, environment, order_key.as_deref())),
    };
    let priority = agreement.priority;
    let on_uncertain = match agreement.on_uncertain {
        OnUncertain::Repeat => "repeat",
        OnUncertain::Hold => "hold",
    };
    let agreement = Some(name.to_owned());
    let on_uncertain = on_uncertain.to_owned();
    let turn = Turn { lane, priority };
    let key = delivery_id.clone();
    let delivery = NewDelivery { delivery_id, channel, partner, agreement, key, on_uncertain, turn };
    Ok(NewOutput { transmission, interchange, documents, delivery, expectations, answers: Vec::new() })
}
