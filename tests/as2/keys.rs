//! Keys and certificates for the tests, made once, and what messages of them are made and opened with.

use super::made::made;
pub use super::made::{Keys, NOW};
use portolan::clock::{Clock as _, SystemClock};
use portolan::id::SystemRandom;
use portolan::transport::as2::certificate::{Certificate, OwnKey, private_key};
use portolan::transport::as2::cms::Recipient;
use portolan::transport::as2::crypto::{Digest, KeyTransport};
use portolan::transport::as2::frame::around;
use portolan::transport::as2::mime::Headers;
use portolan::transport::as2::open::{Outlets, Policy, Seen, open, open_clear};
use portolan::transport::as2::refused::Refused;
use portolan::transport::as2::seal::{Means, Payload, Protection, Sealed, seal};
use std::io::Read as _;
use std::sync::{Arc, LazyLock};

pub static RSA: LazyLock<Keys> = LazyLock::new(|| made("Sender RSA", &rcgen::PKCS_RSA_SHA256, NOW));
pub static RECEIVER: LazyLock<Keys> = LazyLock::new(|| made("Receiver", &rcgen::PKCS_RSA_SHA256, NOW));
pub static STRANGER: LazyLock<Keys> = LazyLock::new(|| made("Stranger", &rcgen::PKCS_RSA_SHA256, NOW));
pub static EXPIRED: LazyLock<Keys> = LazyLock::new(|| made("Expired", &rcgen::PKCS_RSA_SHA256, (-30, -10)));
pub static P256: LazyLock<Keys> = LazyLock::new(|| made("P-256", &rcgen::PKCS_ECDSA_P256_SHA256, NOW));
pub static P384: LazyLock<Keys> = LazyLock::new(|| made("P-384", &rcgen::PKCS_ECDSA_P384_SHA384, NOW));
pub static P521: LazyLock<Keys> = LazyLock::new(|| made("P-521", &rcgen::PKCS_ECDSA_P521_SHA512, NOW));

/// Nothing is done to it.
pub const PLAIN: Protection<'static> = Protection {
    sign: None,
    compress: None,
    encrypt: None,
    receipt_digest: Digest::Sha256,
    also: None,
    has_old_micalg: false,
};

pub fn recipient(keys: &Keys, transport: KeyTransport) -> Recipient {
    Recipient { certificate: keys.own.certificate.clone(), transport, by_key_id: false }
}

pub fn sealed<'s>(content: &'s Vec<u8>, protection: &Protection<'s>) -> Sealed<'s> {
    let random = SystemRandom;
    let means = Means { random: &random, now: SystemClock.now(), spool: &tempfile::tempfile };
    let payload = Payload { content_type: "application/EDI-X12", file_name: Some("order 4711.edi"), content };
    seal(&payload, protection, &means).expect("it is sealed")
}

/// Header lines and body of a message as it travels.
pub fn wire(sealed: &Sealed<'_>) -> (Headers, Vec<u8>) {
    let mut bytes = Vec::new();
    sealed.body.open().expect("it opens").read_to_end(&mut bytes).expect("it is read");
    assert_eq!(bytes.len() as u64, sealed.body.length(), "{}", sealed.content_type);
    let mut lines = vec![("Content-Type".to_owned(), sealed.content_type.clone())];
    lines.extend(sealed.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    (Headers(lines), bytes)
}

pub fn policy<'p>(trusted: &'p [Certificate], keys: &'p [Arc<OwnKey>]) -> Policy<'p> {
    Policy {
        trusted,
        keys,
        must_be_signed: false,
        must_be_encrypted: false,
        allows_legacy: false,
        receipt_digest: Digest::Sha256,
        takes_crlf: false,
        payload_bytes_max: 1 << 30,
        now: SystemClock.now(),
    }
}

/// Opens a message; its payload counts where it was taken.
pub fn opened(headers: &Headers, body: &[u8], policy: &Policy<'_>) -> (Seen, Result<Vec<u8>, Refused>) {
    let random = SystemRandom;
    let (mut payload, mut clear) = (Vec::new(), Vec::new());
    let outlets = Outlets { payload: &mut payload, clear: Some(&mut clear), leaves_out: false };
    let (seen, done) = open(headers, &mut &body[..], policy, &random, outlets);
    let (mut again, mut frame) = (Vec::new(), Vec::new());
    let outlets = Outlets { payload: &mut again, clear: Some(&mut frame), leaves_out: true };
    let (framed, same) = open(headers, &mut &body[..], policy, &random, outlets);
    assert_eq!(same.is_ok(), done.is_ok(), "what is kept of it changes nothing: {same:?} {done:?}");
    if let (Ok(()), Some(at)) = (&done, framed.payload_at) {
        assert_eq!(frame.len() + again.len(), clear.len(), "all but the payload is kept");
        let mut whole = Vec::new();
        let mut message = around(&frame[..], &again[..], at).expect("it is as long");
        message.read_to_end(&mut whole).expect("memory reads");
        assert_eq!(whole, clear, "the same message with its payload");
    } else if done.is_ok() {
        assert_eq!(frame, clear, "it is kept whole");
    }
    if done.is_ok() && seen.layers.is_empty() {
        assert!(clear.is_empty(), "a payload alone is kept as that");
    } else if done.is_ok() {
        let mut again = Vec::new();
        let (kept, opened) = open_clear(&mut &clear[..], policy, &random, &mut again).expect("header lines");
        assert_eq!(opened.is_ok(), !policy.must_be_encrypted, "{opened:?}");
        assert_eq!((kept.mic, again), (seen.mic.clone(), payload.clone()), "what was kept proves the same");
    }
    (seen, done.map(|()| payload))
}

pub fn headers(content_type: &str) -> Headers {
    Headers(vec![("Content-Type".to_owned(), content_type.to_owned())])
}

/// A second key object of the same key, for policies own theirs.
pub fn again(keys: &Keys) -> Arc<OwnKey> {
    let der = private_key(keys.key_pem.as_bytes()).expect("a key");
    Arc::new(OwnKey::new(keys.own.certificate.clone(), &der).expect("they belong together"))
}
