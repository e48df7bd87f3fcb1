//! Evidence of messages: what the ledger kept of one, brought together into a file that proves itself. What is in the file and
//! how it is checked is `transport::as2::evidence`'s.

use super::clear::Clear;
use super::receive::{RECEIPT_LEAVES, joined, scope};
use super::send::message_id;
use crate::pipeline::state::Service;
use crate::store::as2::SealedMessage;
use crate::store::{Direction, Result, StoreError};
use crate::transport::as2::certificate::Certificate;
use crate::transport::as2::evidence::{self, About, FORM, Parts, Way, Whose};
use crate::transport::as2::mime::{Headers, Peeked};
use crate::transport::as2::name::bare_id;
use crate::transport::as2::receipt;
use crate::transport::source::Spooled;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::Read;

/// What the ledger has of a message.
struct Kept {
    about: About,
    payload_id: String,
    message: Option<Clear>,
    receipt: Option<Vec<u8>>,
    /// Fingerprint of who signed the message.
    signed_by: Option<String>,
}

/// Writes the evidence of a message into a file without a name. The message is that of a transmission
/// that came in, or of a delivery that went out.
///
/// # Errors
/// There is no such message of AS2; its bytes are not kept any more, or cannot be read.
pub async fn evidence(service: &Service, id: &str) -> Result<Spooled> {
    let kept = match service.store.as2_message(id).await? {
        Some(message) => sent(service, id, message).await?,
        None => received(service, id).await?,
    };
    let Kept { about, payload_id, message, receipt, signed_by } = kept;
    let certificates = signers(service, &about, signed_by, receipt.as_deref()).await?;
    let mut payload = service.store.open_payload(&payload_id).await?;
    let mut message = match message {
        None => None,
        Some(message) => Some(message.open(&service.store).await?),
    };
    let file = service.store.scratch_file(service.now())?;
    let written = tokio::task::spawn_blocking(move || {
        let parts = Parts {
            payload: &mut payload,
            message: message.as_mut().map(|message| &mut **message as &mut dyn Read),
            receipt: receipt.as_deref(),
            certificates: &certificates,
        };
        Spooled::new(evidence::write(file, about, parts)?)
    });
    let unfit = |error: &dyn std::fmt::Display| StoreError::Unfit(format!("the evidence of {id}: {error}"));
    written.await.map_err(|error| unfit(&error))?.map_err(|error| unfit(&error))
}

/// Of a delivery.
async fn sent(service: &Service, id: &str, message: SealedMessage) -> Result<Kept> {
    let store = &service.store;
    let delivery = store.delivery(id).await?;
    let transmission = store.transmission(&delivery.transmission_id).await?;
    let unfit = || StoreError::Unfit(format!("the message of {id} was kept in a way that is not known"));
    let lines: Vec<(String, String)> = serde_json::from_str(&message.headers).map_err(|_| unfit())?;
    let headers = Headers(lines);
    let is_layered = ["multipart/signed", "application/pkcs7-mime"].contains(&headers.content_type().value.as_str());
    let part = Clear::of(&message).filter(|_| is_layered);
    let Headers(lines) = headers;
    let about = About {
        form: FORM.to_owned(),
        way: Way::Out,
        id: id.to_owned(),
        partner: delivery.partner.clone(),
        from: message.as2_from.unwrap_or_default(),
        to: message.as2_to.unwrap_or_default(),
        message_id: message_id(&delivery.key),
        at: message.created_at.timestamp(),
        receipt_at: delivery.changed_at.timestamp(),
        content_type: message.joined_type.unwrap_or(transmission.content_type),
        file_name: transmission.file_name,
        mic: Some(format!("{}, {}", STANDARD.encode(&message.mic), message.digest)),
        history: json!({ "delivery": delivery, "attempts": store.attempts(id).await?, "lines": lines }),
        payload: None,
        message: None,
        receipt: None,
        certificates: Vec::new(),
    };
    let receipt = store.as2_receipt(id).await?;
    let payload_id = message.joined_payload_id.unwrap_or(transmission.payload_id);
    Ok(Kept { about, payload_id, message: part, receipt, signed_by: message.signed_by })
}

/// Of a transmission.
async fn received(service: &Service, id: &str) -> Result<Kept> {
    let store = &service.store;
    let none = || StoreError::NotFound { what: "message of AS2", id: id.to_owned() };
    let transmission = store.transmission(id).await?;
    let facts = store.transport_facts(id).await?;
    let as2 = &facts["as2"];
    let (Some(from), Some(to), Some(message_id)) =
        (as2["from"].as_str(), as2["to"].as_str(), as2["message_id"].as_str())
    else {
        return Err(none());
    };
    let claim = store.claim(&scope(from, to), bare_id(message_id)).await?;
    // What was refused used up no id, and proves nothing.
    let claim = claim.filter(|claim| claim.transmission_id == id && transmission.direction == Direction::In.as_str());
    let claim = claim.ok_or_else(none)?;
    let receipt = match claim.answer_status == i64::from(RECEIPT_LEAVES) {
        false => claim.answer_body,
        true => {
            let leaving = String::from_utf8_lossy(&claim.answer_body).into_owned();
            let (receipt, facts) = (store.transmission(&leaving).await?, store.transport_facts(&leaving).await?);
            let mut lines: Vec<(String, String)> =
                serde_json::from_value(facts["as2"]["lines"].clone()).unwrap_or_default();
            lines.push(("Content-Type".to_owned(), receipt.content_type));
            joined(&lines, &store.read_payload(&receipt.payload_id).await?)
        }
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let about = About {
        form: FORM.to_owned(),
        way: Way::In,
        id: id.to_owned(),
        partner: transmission.partner.clone(),
        from: from.to_owned(),
        to: to.to_owned(),
        message_id: message_id.to_owned(),
        at: transmission.created_at.timestamp(),
        receipt_at: transmission.created_at.timestamp(),
        content_type: transmission.content_type,
        file_name: transmission.file_name,
        mic: text(&as2["mic"]),
        history: json!({ "as2": as2, "events": store.events(id).await? }),
        payload: None,
        message: None,
        receipt: None,
        certificates: Vec::new(),
    };
    let message = store.as2_clear(id).await?.map(|(message, payload_at)| match payload_at {
        None => Clear::Whole(message),
        Some(at) => Clear::Around(message, transmission.payload_id.clone(), at),
    });
    // Where no receipt was asked for there are header lines and nothing behind them.
    let receipt = Some(receipt).filter(|receipt| !receipt.ends_with(b"\r\n\r\n"));
    Ok(Kept { about, payload_id: transmission.payload_id, message, receipt, signed_by: text(&as2["signed_by"]) })
}

/// The certificates that signed, from all that ever were resources, and whose each is.
async fn signers(
    service: &Service,
    about: &About,
    signed_by: Option<String>,
    receipt: Option<&[u8]>,
) -> Result<Vec<(Certificate, Whose)>> {
    let bodies = service.store.resource_bodies("certificate").await?;
    let all: Vec<Certificate> =
        bodies.iter().filter_map(|body| Certificate::all(body["pem"].as_str()?.as_bytes()).ok()).flatten().collect();
    let (sender, receiver) = match about.way {
        Way::In => (Whose::Partner, Whose::Ours),
        Way::Out => (Whose::Ours, Whose::Partner),
    };
    let signed = all.iter().find(|one| Some(one.fingerprint()) == signed_by).map(|one| (one.clone(), sender));
    let receipted = receipt.and_then(|receipt| {
        let mut source = receipt;
        let head = Peeked::new(&mut source).head().ok()?;
        let read = receipt::read(&Headers::parse(&head), &receipt[head.len()..], &all, about.receipt_at).ok()?;
        read.signed_by.map(|at| (all[at].clone(), receiver))
    });
    Ok(signed.into_iter().chain(receipted).collect())
}
