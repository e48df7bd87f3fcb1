//! AS2 in the service: messages come in and are answered by receipts, and go out and are proved by theirs. What stands in
//! messages and receipts is `transport::as2`'s; here is who may send, what is kept, and what came before.

pub mod announced; // certificates of ours that partners are told of
mod clear;
pub mod evidence; // GET /api/v1/evidence/{id}
pub mod forecast; // when a channel has no certificate that counts
pub mod key; // portolan certificate import, export
pub mod offered; // certificates that nobody trusts yet
mod passed; // attachments that go on with their document
pub mod probe; // portolan as2 test
pub mod receive; // POST /as2
pub mod send; // deliveries over channels of transport as2

use super::state::Service;
use crate::clock::Timestamp;
use crate::partner::{Signs, is_secret};
use crate::store::announced::AnnouncedState;
use crate::store::{Result, StoreError};
use crate::transport::as2::certificate::{Certificate, OwnKey, private_key};
use crate::transport::as2::crypto::{Digest, KeyKind, Scheme};
use crate::transport::as2::mime::Headers;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// `AS2-Version`: 1.1 has compression, 1.2 EDIINT-Features (RFC 6017).
const VERSION: &str = "1.2";
/// `EDIINT-Features` (RFC 6017): attachments (RFC 6362), and certificate exchange messages, which are taken and answered.
const FEATURES: &str = "multiple-attachments, CEM";
/// Keys that are held ready; reading one costs as much as signing with it.
const KEYS_HELD_MAX: usize = 1024;

/// Header lines that are kept of a message or receipt.
const HEADER_LINES_KEPT_MAX: usize = 64;
/// Characters that are kept of the value of each.
const HEADER_CHARACTERS_MAX: usize = 1024;

/// The names of a certificate and of the secret that its key is.
type Names = (String, String);
/// A key, and when it was read, in changes of secrets.
type Held = (u64, Arc<OwnKey>);

/// Our keys as they were read.
#[derive(Default)]
pub struct Keys(Mutex<HashMap<Names, Held>>);

impl Keys {
    /// The key of this certificate, unless a secret was changed since it was read.
    fn held(&self, names: &Names, certificate: &Certificate, changes: u64) -> Option<Arc<OwnKey>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, key) = held.get(names)?;
        (*at == changes && key.certificate.der() == certificate.der()).then(|| key.clone())
    }

    fn hold(&self, names: Names, changes: u64, key: Arc<OwnKey>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() == KEYS_HELD_MAX {
            held.clear();
        }
        held.insert(names, (changes, key));
    }
}

/// Our keys of a channel, the one to sign with first; `pair` is our name and the partner's. One that signs once it is accepted comes
/// behind the others that count until the partner has accepted it. A partner that never answers keeps nothing from leaving: where
/// none of the others counts any more, it signs, unless the partner has refused it.
///
/// # Errors
/// There is none whose private key is set and belongs to its certificate: what is wrong, with the name of the secret.
pub(super) async fn own_keys(
    service: &Service,
    names: &[String],
    pair: (&str, &str),
    now: Timestamp,
) -> Result<Vec<Arc<OwnKey>>> {
    let (directory, mut found, mut lacking) = (service.directory(), Vec::new(), None);
    for name in names {
        let key = match own_key(service, name).await {
            Ok(key) => key,
            // Of two that overlap the other still counts.
            Err(error) if error.is_lasting() || matches!(error, StoreError::Unfit(_)) => {
                tracing::warn!(certificate = name, error = %error, "A key cannot be had; the others are used");
                lacking = lacking.or(Some(error));
                continue;
            }
            Err(error) => return Err(error),
        };
        let waits = directory.certificate(name).is_some_and(|one| one.signs == Signs::OnceAccepted);
        let answer = match waits {
            true => service.store.last_answer(&key.certificate.fingerprint(), pair).await?,
            false => Some(AnnouncedState::Accepted),
        };
        found.push((answer, key));
    }
    if let (true, Some(error)) = (found.is_empty(), lacking) {
        return Err(error);
    }
    found.sort_by_key(|(answer, key)| {
        let counts = key.certificate.is_valid_at(now) && *answer != Some(AnnouncedState::Rejected);
        let is_accepted = *answer == Some(AnnouncedState::Accepted);
        (!key.certificate.can_sign(), !counts, !is_accepted, preference(&key.certificate, now))
    });
    Ok(found.into_iter().map(|(_, key)| key).collect())
}

/// The key of a certificate of ours.
///
/// # Errors
/// It is not set, or does not belong to the certificate.
async fn own_key(service: &Service, name: &str) -> Result<Arc<OwnKey>> {
    let directory = service.directory();
    let secret = directory.certificate(name).and_then(|one| one.key.as_ref());
    let (Some(certificate), Some(secret)) = (service.certificate(name), secret) else {
        return Err(StoreError::NotFound { what: "certificate with a key", id: name.to_owned() });
    };
    let (names, changes) = ((name.to_owned(), secret.secret.clone()), service.store.secret_changes());
    if let Some(key) = service.as2_keys.held(&names, &certificate, changes) {
        return Ok(key);
    }
    let pem = service.store.secret(&secret.secret).await?;
    let wrong = || {
        let secret = &secret.secret;
        StoreError::Unfit(format!("secret {secret} is no private key of certificate {name}, in PEM"))
    };
    let der = private_key(&pem).ok_or_else(wrong)?;
    let key = Arc::new(OwnKey::new((*certificate).clone(), &der).map_err(|_| wrong())?);
    service.as2_keys.hold(names, changes, key.clone());
    Ok(key)
}

/// Header lines as they came, without secrets, as far as they are kept.
pub(super) fn kept_lines(Headers(lines): &Headers) -> Vec<(String, String)> {
    let kept = lines.iter().take(HEADER_LINES_KEPT_MAX).map(|(name, value)| {
        let value =
            if is_secret(name) { "…".to_owned() } else { value.chars().take(HEADER_CHARACTERS_MAX).collect() };
        (name.clone(), value)
    });
    kept.collect()
}

/// The partner's certificates of a channel, the one to encrypt to first.
pub(super) fn certificates(service: &Service, names: &[String], now: Timestamp) -> Vec<Certificate> {
    let configured = service.configured();
    let found = names.iter().filter_map(|name| configured.certificates.get(name));
    let mut found: Vec<Certificate> = found.map(|one| (**one).clone()).collect();
    found.sort_by_key(|certificate| preference(certificate, now));
    found
}

/// Those that count now come first, the newest of them before the others: where two overlap, both sides know it already.
fn preference(certificate: &Certificate, now: Timestamp) -> (bool, std::cmp::Reverse<Timestamp>) {
    (!certificate.is_valid_at(now), std::cmp::Reverse(certificate.not_before))
}

/// How a key signs.
pub(super) fn scheme(key: &OwnKey, wanted: &str) -> Scheme {
    match (key.certificate.kind, wanted) {
        (KeyKind::Ec(_), _) => Scheme::Ecdsa,
        (KeyKind::Rsa, "pss") => Scheme::Pss,
        (KeyKind::Rsa, _) => Scheme::Pkcs1,
    }
}

/// The digest with which a key signs, where this one is wanted; keys of curves have their own.
pub(super) fn digest(key: &OwnKey, wanted: Digest) -> Digest {
    match key.certificate.kind {
        KeyKind::Ec(curve) => curve.digest(),
        KeyKind::Rsa => wanted,
    }
}
