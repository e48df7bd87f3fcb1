//! Certificates that partners sign with and nobody trusts yet: kept to be shown, with where they may be put. Accepting one is a
//! change of resources like any other, by a person; what it signed before is not taken by that, and is sent again.

use super::announced::answered;
use super::certificates;
use crate::clock::Timestamp;
use crate::partner::Way;
use crate::pipeline::state::Service;
use crate::store::delivery::{NewDelivery, Turn};
use crate::store::offered::{OFFERED_BYTES_MAX, Offer, Signed};
use crate::store::transmission::NewTransmission;
use crate::store::{Actor, Direction, Result};
use crate::transport::as2::certificate::Certificate;
use crate::transport::as2::exchange::{self, Answer, Exchange, Reference};
use crate::transport::as2::seal::boundary;
use serde_json::{Value, json};

// What a message may bring is kept.
const _: () = assert!(exchange::CERTIFICATE_BYTES_MAX <= OFFERED_BYTES_MAX);

/// Keeps a certificate that signed something of a channel and its partner. That is told in the log once for each.
///
/// # Errors
/// The ledger failed.
pub(in crate::pipeline) async fn offered(
    service: &Service,
    by: (&str, Option<&str>),
    certificate: &Certificate,
    signed: (Signed, &str),
) -> Result<()> {
    if kept(service, by, certificate, signed).await? {
        tell(by.0, certificate);
    }
    Ok(())
}

/// The same without telling it; whether it is new on its channel.
///
/// # Errors
/// The ledger failed.
pub(super) async fn kept(
    service: &Service,
    (channel, partner): (&str, Option<&str>),
    certificate: &Certificate,
    (signed, seen_in): (Signed, &str),
) -> Result<bool> {
    let offer = Offer {
        fingerprint: certificate.fingerprint(),
        channel: channel.to_owned(),
        partner: partner.map(str::to_owned),
        der: certificate.der().to_vec(),
        signed,
        seen_in: seen_in.to_owned(),
        reference: None,
    };
    service.store.offer_certificate(offer, service.now()).await
}

/// Tells in the log that a certificate was offered.
pub(super) fn tell(channel: &str, certificate: &Certificate) {
    tracing::warn!(
        channel,
        certificate.fingerprint = certificate.fingerprint(),
        "A certificate that is not trusted signed or will sign; `portolan certificate list --offered` shows it"
    );
}

/// Those that were offered and are not trusted by now, or wait for an answer still, as JSON: who, when, what they say, and which
/// channels of the partner there are.
///
/// # Errors
/// The ledger failed.
pub async fn all(service: &Service, now: Timestamp) -> Result<Vec<Value>> {
    let directory = service.directory();
    let mut found = Vec::new();
    for one in service.store.offered_certificates().await? {
        let Ok(certificate) = Certificate::from_der(&one.der) else { continue };
        let is_trusted = is_trusted(service, &one.channel, &certificate, now);
        if is_trusted && one.reference.is_none() {
            continue;
        }
        let reference = one.reference.as_deref().and_then(|text| serde_json::from_str::<Reference>(text).ok());
        found.push(json!({
            "fingerprint": one.fingerprint,
            "channel": one.channel,
            "partner": one.partner,
            "signed": one.signed,
            "seen_in": one.seen_in,
            "wants_answer": one.reference.is_some(),
            "uses": reference.as_ref().map(|one| &one.uses),
            "respond_by": reference.as_ref().and_then(|one| one.respond_by.as_ref()),
            "trusted": is_trusted,
            "seen": one.seen,
            "first_at": one.created_at,
            "last_at": one.changed_at,
            "common_name": certificate.common_name(),
            "subject": certificate.subject_name(),
            "issuer": certificate.issuer_name(),
            "serial": certificate.serial_number(),
            "key": certificate.key_name(),
            "not_before": certificate.not_before.as_microsecond(),
            "not_after": certificate.not_after.as_microsecond(),
            "counts_now": certificate.is_valid_at(now),
            "channels": directory.as2_channels_of(one.partner.as_deref()),
            "pem": certificate.pem(),
        }));
    }
    Ok(found)
}

/// Whether a certificate is the partner's of a channel by now.
fn is_trusted(service: &Service, channel: &str, certificate: &Certificate, now: Timestamp) -> bool {
    let directory = service.directory();
    let as2 = directory.channel(channel).and_then(|channel| channel.as2.as_ref());
    as2.is_some_and(|as2| certificates(service, &as2.certificates, now).contains(certificate))
}

/// What came of a certificate exchange message.
pub(in crate::pipeline) enum Exchanged {
    /// Its certificates are offered, or known and answered.
    Offered,
    /// It answers for a certificate of ours.
    Answered,
    /// It cannot be used: a stable word, and why.
    Unfit(&'static str, String),
}

/// Takes a certificate exchange message that came on a channel of AS2, which one that is trusted signed.
///
/// # Errors
/// The ledger failed.
pub(in crate::pipeline) async fn exchanged(
    service: &Service,
    (channel, partner): (&str, Option<&str>),
    transmission_id: &str,
    (content_type, body): (&str, &[u8]),
) -> Result<Exchanged> {
    let wanted = match exchange::read(content_type, body) {
        Ok(Exchange::Request(wanted)) => wanted,
        Ok(Exchange::Response(id, said)) => {
            let directory = service.directory();
            let pair = directory.channel(channel).and_then(|channel| channel.as2.as_ref());
            let pair = pair.map_or(("", ""), |as2| (as2.to.as_str(), as2.from.as_str()));
            return Ok(match answered(service, pair, transmission_id, (&id, &said)).await? {
                Ok(()) => Exchanged::Answered,
                Err(why) => Exchanged::Unfit("AS2-EXCHANGE-UNMATCHED", why),
            });
        }
        Err(why) => return Ok(Exchanged::Unfit("AS2-EXCHANGE-UNFIT", why)),
    };
    for (reference, certificate) in wanted {
        let offer = Offer {
            fingerprint: certificate.fingerprint(),
            channel: channel.to_owned(),
            partner: partner.map(str::to_owned),
            der: certificate.der().to_vec(),
            signed: Signed::Exchange,
            seen_in: transmission_id.to_owned(),
            reference: serde_json::to_string(&reference).ok(),
        };
        if service.store.offer_certificate(offer, service.now()).await? {
            tell(channel, &certificate);
        }
        if is_trusted(service, channel, &certificate, service.now()) {
            answer(service, &certificate.fingerprint(), None, &Actor::system()).await?;
        }
    }
    Ok(Exchanged::Offered)
}

/// Answers all requests for a certificate: those of channels that trust it by now, or with why it is not taken, which no channel
/// says that trusts it. How many answers leave; a request is answered once, over the channel out of the same pair of names.
///
/// # Errors
/// The ledger failed.
pub async fn answer(service: &Service, fingerprint: &str, refusal: Option<&str>, actor: &Actor) -> Result<usize> {
    let (directory, now, mut left) = (service.directory(), service.now(), 0);
    for one in service.store.offered_certificates().await? {
        let reference = one.reference.as_deref().and_then(|text| serde_json::from_str::<Reference>(text).ok());
        let (Some(reference), true) = (reference, one.fingerprint == fingerprint) else { continue };
        let Ok(certificate) = Certificate::from_der(&one.der) else { continue };
        let said = match (refusal, is_trusted(service, &one.channel, &certificate, now)) {
            (Some(why), false) => Answer::Rejected(why),
            (None, true) => Answer::Accepted,
            _ => continue,
        };
        let Some(pair) = directory.channel(&one.channel).and_then(|channel| channel.as2.as_ref()) else { continue };
        let mut channels = directory.as2_channels();
        let out = channels
            .find(|(_, channel, as2)| channel.way == Way::Out && (&as2.from, &as2.to) == (&pair.to, &pair.from));
        let Some((out, _, _)) = out else {
            tracing::warn!(
                channel = one.channel,
                "No channel out has the same pair; the certificate exchange is not answered"
            );
            continue;
        };
        let body = exchange::response(&pair.to, &reference, said, now, &boundary(service.store.random()));
        let delivery_id = service.store.new_id("del", now);
        let new = NewTransmission {
            transmission_id: service.store.new_id("tra", now),
            direction: Direction::Out,
            channel: out.to_owned(),
            partner: one.partner.clone(),
            environment: None,
            content: service.store.content(&body.bytes, now).await?,
            content_type: body.content_type,
            file_name: None,
            headers: json!({ "as2": { "exchange_for": one.seen_in } }),
        };
        let delivery = NewDelivery {
            key: delivery_id.clone(),
            delivery_id,
            channel: out.to_owned(),
            partner: one.partner.clone(),
            agreement: None,
            on_uncertain: "repeat".to_owned(),
            turn: Turn::default(),
        };
        let by = (fingerprint, one.channel.as_str());
        left += usize::from(service.store.answer_certificate(by, (new, delivery), actor, now).await?);
    }
    if left > 0 {
        service.departing.notify_one();
    }
    Ok(left)
}
