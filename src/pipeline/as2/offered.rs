//! Certificates that partners sign with and nobody trusts yet: kept to be shown, with where they may be put. Accepting one is a
//! change of resources like any other, by a person; what it signed before is not taken by that, and is sent again.

use super::certificates;
use crate::clock::Timestamp;
use crate::pipeline::state::Service;
use crate::store::Result;
use crate::store::offered::{Offer, Signed};
use crate::transport::as2::certificate::Certificate;
use serde_json::{Value, json};

/// Keeps a certificate that signed something of a channel and its partner. That is told in the log once for each.
///
/// # Errors
/// The ledger failed.
pub(in crate::pipeline) async fn offered(
    service: &Service,
    (channel, partner): (&str, Option<&str>),
    certificate: &Certificate,
    (signed, seen_in): (Signed, &str),
) -> Result<()> {
    let fingerprint = certificate.fingerprint();
    let offer = Offer {
        fingerprint: fingerprint.clone(),
        channel: channel.to_owned(),
        partner: partner.map(str::to_owned),
        der: certificate.der().to_vec(),
        signed,
        seen_in: seen_in.to_owned(),
    };
    if service.store.offer_certificate(offer, service.now()).await? {
        tracing::warn!(
            channel,
            certificate.fingerprint = fingerprint,
            "A certificate that is not trusted signed; `portolan certificate list --offered` shows it"
        );
    }
    Ok(())
}

/// Those that were offered and are not trusted by now, as JSON: who, when, what they say, and which channels of the partner
/// there are.
///
/// # Errors
/// The ledger failed.
pub async fn all(service: &Service, now: Timestamp) -> Result<Vec<Value>> {
    let directory = service.directory();
    let mut found = Vec::new();
    for one in service.store.offered_certificates().await? {
        let Ok(certificate) = Certificate::from_der(&one.der) else { continue };
        let as2 = directory.channel(&one.channel).and_then(|channel| channel.as2.as_ref());
        let trusted = as2.map(|as2| certificates(service, &as2.certificates, now)).unwrap_or_default();
        if trusted.contains(&certificate) {
            continue;
        }
        found.push(json!({
            "fingerprint": one.fingerprint,
            "channel": one.channel,
            "partner": one.partner,
            "signed": one.signed,
            "seen_in": one.seen_in,
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
