//! The AS2 side of a peer: opens what Portolan sends, and answers with a signed receipt. Its key is made when the demo begins
//! and gone with it. It knows one pair of names and no duplicates.

use crate::clock::{Clock as _, SystemClock};
use crate::id::SystemRandom;
use crate::transport::as2::certificate::{Certificate, OwnKey, private_key};
use crate::transport::as2::crypto::{Digest, Scheme};
use crate::transport::as2::mime::Headers;
use crate::transport::as2::open::{Layer, Outlets, Policy, Seen, open};
use crate::transport::as2::receipt::{self, Body, Disposition, Receipt};
use crate::transport::as2::refused::Refused;
use crate::transport::as2::seal::boundary;
use crate::transport::as2::self_signed::{NewKey, SelfSigned, self_signed};
use anyhow::Context as _;
use jiff::ToSpan as _;
use std::sync::Arc;

/// Bytes of a payload, at most.
const PAYLOAD_BYTES_MAX: u64 = 1 << 20;
/// Hours that a certificate of the demo counts: so long that nobody is told that it ends.
const HOURS: i64 = 24 * 365;

/// A key of P-256 and its certificate, for as long as a demonstration may be looked at.
///
/// # Errors
/// The provider failed.
pub fn new_key(common_name: &str) -> anyhow::Result<SelfSigned> {
    let now = SystemClock.now();
    let days = (now - 1.hours(), now + HOURS.hours());
    self_signed(common_name, NewKey::P256, days, &SystemRandom).ok().context("a key for AS2 cannot be made")
}

/// Who a peer is over AS2, and whom it trusts.
pub struct House {
    name: &'static str,
    key: Arc<OwnKey>,
    trusted: Vec<Certificate>,
}

/// What came of a message.
pub struct Opened {
    /// What was in it; none: it was refused.
    pub payload: Option<Vec<u8>>,
    /// In words.
    pub told: String,
    /// The receipt that is owed.
    pub receipt: Body,
}

impl House {
    /// A house with an AS2 name, a key, and the partner's certificate.
    ///
    /// # Errors
    /// The key is none.
    pub fn new(name: &'static str, own: &SelfSigned, partner: &SelfSigned) -> anyhow::Result<Self> {
        let key = private_key(own.key_pem.as_bytes()).context("a private key in PEM")?;
        let key = OwnKey::new(own.certificate.clone(), &key).ok().context("a key that belongs to its certificate")?;
        Ok(House { name, key: Arc::new(key), trusted: vec![partner.certificate.clone()] })
    }

    /// Opens a message, which must be encrypted and signed.
    ///
    /// # Errors
    /// The receipt cannot be signed.
    pub fn take(&self, headers: &Headers, body: &[u8]) -> anyhow::Result<Opened> {
        let now = SystemClock.now();
        let policy = Policy {
            trusted: &self.trusted,
            keys: std::slice::from_ref(&self.key),
            must_be_signed: true,
            must_be_encrypted: true,
            allows_legacy: false,
            receipt_digest: Digest::Sha256,
            takes_crlf: false,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            now,
        };
        let mut payload = Vec::new();
        let outlets = Outlets { payload: &mut payload, clear: None, leaves_out: false };
        let (seen, done) = open(headers, &mut &body[..], &policy, &SystemRandom, outlets);
        let disposition =
            done.as_ref().map_or_else(|refused| Disposition::refused(refused.cause), |()| Disposition::Processed);
        let message_id = headers.get("message-id").unwrap_or_default();
        let written = Receipt {
            agent: "the demo's peer",
            receiver: self.name,
            message_id,
            disposition: &disposition,
            mic: seen.mic.as_ref(),
            text: "This is what became of your message.",
        }
        .write(&boundary(&SystemRandom));
        let way = (&*self.key, Scheme::Ecdsa, Digest::Sha256);
        let receipt = receipt::sign(&written, way, &boundary(&SystemRandom), now);
        let receipt = receipt.ok().context("a receipt that can be signed")?;
        Ok(Opened { payload: done.is_ok().then_some(payload), told: words(&seen, done.as_ref().err()), receipt })
    }
}

/// What the layers were, or why it was refused.
fn words(seen: &Seen, refused: Option<&Refused>) -> String {
    if let Some(refused) = refused {
        return format!("over AS2, refused: {refused}");
    }
    let layer = |layer: &Layer| match layer {
        Layer::Encrypted(cipher, _) => format!("encrypted ({})", cipher.name()),
        Layer::Compressed => "compressed".to_owned(),
        Layer::Signed(_, digest) => format!("signed ({})", digest.name()),
    };
    let layers: Vec<String> = seen.layers.iter().map(layer).collect();
    format!("over AS2, {}; answered by a signed receipt", layers.join(", "))
}
