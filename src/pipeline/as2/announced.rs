//! Certificates of ours that partners are told of beforehand in certificate exchange messages, and what they answer. A certificate
//! that says `signs: once_accepted` signs for a partner when that has accepted it, and within its days; before that only where no
//! other counts any more, and the partner has not refused it. All keys of a channel decrypt whatever was answered.

use super::own_keys;
use crate::clock::Timestamp;
use crate::partner::{As2, Directory, Way};
use crate::pipeline::state::Service;
use crate::store::announced::{Announced, AnnouncedState};
use crate::store::delivery::{NewDelivery, Turn};
use crate::store::transmission::NewTransmission;
use crate::store::{Actor, Direction, Result, StoreError};
use crate::transport::as2::exchange::{self, Asked, Said};
use crate::transport::as2::seal::boundary;
use serde_json::{Value, json};
use std::time::Duration;

/// Days in which a partner is to answer, where nothing else is said.
pub const RESPOND_DAYS: u32 = 30;
/// The most that may be said.
pub const RESPOND_DAYS_MAX: u32 = 366;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How a certificate is announced.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The channel of AS2 and way out that it leaves over.
    pub channel: String,
    /// Days in which the partner is to answer; [`RESPOND_DAYS`] when left out.
    pub days: Option<u32>,
    /// Where the partner answers: our address for messages of AS2; that of the channel's `receipt_url` when left out.
    pub respond_to: Option<String>,
}

/// Announces a certificate of ours to the partner of a channel: a delivery, which has left when it is delivered.
///
/// # Errors
/// There is no such certificate of ours or no such channel, its keys do not have it, nothing says where the answer goes, it waits
/// for an answer already, or the ledger failed.
pub async fn announce(service: &Service, name: &str, wish: &Wish, actor: &Actor) -> Result<Value> {
    let (directory, now) = (service.directory(), service.now());
    let unfit = |detail: String| StoreError::Conflict(format!("channel {}: {detail}", wish.channel));
    let channel = directory.channel(&wish.channel);
    let channel = channel.ok_or_else(|| StoreError::NotFound { what: "channel", id: wish.channel.clone() })?;
    let as2 = channel.as2.as_ref().filter(|as2| channel.way == Way::Out && as2.sign != "none");
    let as2 = as2.ok_or_else(|| unfit("expected one of transport as2 and way out that signs".to_owned()))?;
    let key = own_keys(service, std::slice::from_ref(&name.to_owned()), (&as2.from, &as2.to), now).await?;
    let certificate = &key.first().ok_or_else(|| unfit(format!("no key of {name}")))?.certificate;
    for (channel, keys) in holders(&directory, &wish.channel, as2) {
        if !keys.iter().any(|key| key == name) {
            let detail = format!(
                "certificate {name} is not among its keys; add it to as2.keys, so that what is encrypted to it is read"
            );
            return Err(StoreError::Conflict(format!("channel {channel}: {detail}")));
        }
    }
    let days = wish.days.unwrap_or(RESPOND_DAYS);
    if !(1..=RESPOND_DAYS_MAX).contains(&days) {
        return Err(unfit(format!("expected an answer within 1 to {RESPOND_DAYS_MAX} days, found {days}")));
    }
    let respond_to = wish.respond_to.as_ref().or(as2.receipt_url.as_ref());
    let respond_to = respond_to.filter(|url| url.starts_with("http://") || url.starts_with("https://"));
    let respond_to = respond_to.ok_or_else(|| {
        unfit(
            "nothing says where the answer goes; say it with --respond-to https://HOST/as2, or set receipt_url"
                .to_owned(),
        )
    })?;
    let respond_by = now + DAY * days;
    let request_id = format!("{}@portolan", service.store.new_id("cer", now));
    let asked = Asked { name: &as2.from, request: &request_id, respond_by, respond_to, certificate };
    let body = exchange::request(&asked, service.clock.machine(), &boundary(service.store.random()));
    let (transmission_id, delivery_id) = (service.store.new_id("tra", now), service.store.new_id("del", now));
    let partner = channel.partners.first().cloned();
    let new = NewTransmission {
        transmission_id: transmission_id.clone(),
        direction: Direction::Out,
        channel: wish.channel.clone(),
        partner: partner.clone(),
        environment: None,
        content: service.store.content(&body.bytes, now).await?,
        content_type: body.content_type,
        file_name: None,
        headers: json!({ "as2": { "announces": name } }),
    };
    let delivery = NewDelivery {
        key: delivery_id.clone(),
        delivery_id: delivery_id.clone(),
        channel: wish.channel.clone(),
        partner: partner.clone(),
        agreement: None,
        on_uncertain: "repeat".to_owned(),
        turn: Turn::default(),
    };
    let announced = Announced {
        request_id: request_id.clone(),
        name: name.to_owned(),
        fingerprint: certificate.fingerprint(),
        serial: certificate.serial_decimal(),
        channel: wish.channel.clone(),
        partner,
        as2_from: as2.from.clone(),
        as2_to: as2.to.clone(),
        respond_by: respond_by.into(),
        state: AnnouncedState::Waiting.as_str().to_owned(),
        reason: None,
        transmission_id: transmission_id.clone(),
        answered_in: None,
        created_at: now.into(),
        changed_at: now.into(),
        is_given_up: 0,
    };
    service.store.announce(announced, (new, delivery), actor, now).await?;
    service.departing.notify_one();
    Ok(json!({ "request": request_id, "transmission": transmission_id, "delivery": delivery_id }))
}

/// The channels of a pair of names, and the keys of each: the one out, and the one in, where there is one.
fn holders<'d>(directory: &'d Directory, out: &'d str, as2: &'d As2) -> Vec<(&'d str, &'d [String])> {
    let mut found = vec![(out, &as2.keys[..])];
    if let Some((name, _, back)) = directory.as2_pair(&as2.to, &as2.from) {
        found.push((name, &back.keys[..]));
    }
    found
}

/// Takes what a partner answered, over a channel in between these names; why it cannot be used.
///
/// # Errors
/// The ledger failed.
pub(super) async fn answered(
    service: &Service,
    (ours, theirs): (&str, &str),
    transmission_id: &str,
    (request, said): (&str, &[Said]),
) -> Result<std::result::Result<(), String>> {
    let announced = service.store.announced(request).await?;
    let announced = announced.filter(|one| one.as2_from == ours && one.as2_to == theirs);
    let Some(announced) = announced else {
        return Ok(Err(format!("an answer to the request {request}, and we have made none")));
    };
    let Some(about) = said.iter().find(|one| one.serial == announced.serial) else {
        let serial = &announced.serial;
        return Ok(Err(format!(
            "expected an answer about the certificate with the serial number {serial}, found none"
        )));
    };
    let state = if about.is_accepted { AnnouncedState::Accepted } else { AnnouncedState::Rejected };
    let answer = (state, about.reason.as_deref());
    service.store.announced_answer(request, answer, transmission_id, service.now()).await?;
    tracing::info!(
        certificate = announced.name,
        channel = announced.channel,
        answer = state.as_str(),
        "A partner answered for a certificate of ours"
    );
    Ok(Ok(()))
}

/// All that were announced, as JSON.
///
/// # Errors
/// The ledger failed.
pub async fn all(service: &Service, now: Timestamp) -> Result<Vec<Value>> {
    let all = service.store.announced_certificates().await?;
    let overdue = |one: &Announced| one.state == AnnouncedState::Waiting.as_str() && one.respond_by.timestamp() < now;
    Ok(all
        .iter()
        .map(|one| {
            let mut value = json!(one);
            value["is_overdue"] = overdue(one).into();
            value["is_given_up"] = (one.is_given_up == 1).into();
            value
        })
        .collect())
}
