//! Messages that go out: sealed once and kept, so that every attempt has the same Message-ID and the same bytes, and held
//! against the receipt that answers them: only one that proves what was received ends a delivery well.

use super::{VERSION, certificates, digest, own_keys, scheme};
use crate::clock::Timestamp;
use crate::partner::{As2, Compress, Receipt};
use crate::pipeline::deliver::{Awaited, Sent};
use crate::pipeline::state::Service;
use crate::store::as2::SealedMessage;
use crate::store::delivery::Delivery;
use crate::store::job::Job;
use crate::store::transmission::Transmission;
use crate::store::{Result, StoreError};
use crate::transport::as2::certificate::Certificate;
use crate::transport::as2::cms::{GcmForm, Recipient};
use crate::transport::as2::crypto::{Cipher, Digest, KeyKind, KeyTransport};
use crate::transport::as2::mime::Headers;
use crate::transport::as2::name::written;
use crate::transport::as2::open::Mic;
use crate::transport::as2::receipt::{self, Received};
use crate::transport::as2::seal::{Compression, Means, Payload, Protection, seal};
use crate::transport::http::send::{Outcome, Said};
use std::io;

/// What the receipt of a message has to say, and who may sign it.
pub struct Wanted {
    message_id: String,
    mic: Mic,
    must_be_signed: bool,
    trusted: Vec<Certificate>,
}

/// The message of a delivery, sealed now or before.
///
/// # Errors
/// A key or certificate cannot be had or used, its bytes cannot be read, or the ledger failed.
pub(in crate::pipeline) async fn message(
    service: &Service,
    job: &Job,
    delivery: &Delivery,
    transmission: &Transmission,
    as2: &As2,
) -> Result<Sent> {
    let now = service.now();
    let trusted = certificates(service, &as2.certificates, now);
    let kept = match service.store.as2_message(&delivery.delivery_id).await? {
        Some(kept) => kept,
        None => sealed(service, job, transmission, as2, &trusted).await?,
    };
    let bytes = service.store.read_payload(&kept.payload_id).await?;
    let unfit = || StoreError::Unfit(format!("the message of {} was kept in a way that is not known", job.subject));
    let own: Vec<(String, String)> = serde_json::from_str(&kept.headers).map_err(|_| unfit())?;
    let (types, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|(name, _)| name == "Content-Type");
    let content_type = types.into_iter().next().map(|(_, value)| value).ok_or_else(unfit)?;
    let message_id = format!("<{}@portolan>", delivery.key);
    let mut lines = vec![
        ("AS2-Version".to_owned(), VERSION.to_owned()),
        ("AS2-From".to_owned(), written(&as2.from)),
        ("AS2-To".to_owned(), written(&as2.to)),
        ("Message-ID".to_owned(), message_id.clone()),
        ("MIME-Version".to_owned(), "1.0".to_owned()),
        ("Subject".to_owned(), format!("{} {}", transmission.content_type, transmission.transmission_id)),
        ("User-Agent".to_owned(), concat!("portolan/", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    lines.extend(own);
    let digest = Digest::named(&kept.digest).ok_or_else(unfit)?;
    if as2.receipt != Receipt::None {
        lines.push(("Disposition-Notification-To".to_owned(), written(&as2.from)));
    }
    if as2.receipt == Receipt::Signed {
        let name = digest.name();
        let wish = format!("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, {name}");
        lines.push(("Disposition-Notification-Options".to_owned(), wish));
    }
    let answer = match as2.receipt {
        Receipt::None => Awaited::Nothing,
        receipt => {
            let must_be_signed = receipt == Receipt::Signed;
            let mic = Mic { digest, value: kept.mic };
            Awaited::Receipt(Box::new(Wanted { message_id, mic, must_be_signed, trusted }))
        }
    };
    Ok(Sent { key: None, content_type, lines, bytes, answer })
}

/// Seals a message, and keeps it.
async fn sealed(
    service: &Service,
    job: &Job,
    transmission: &Transmission,
    as2: &As2,
    trusted: &[Certificate],
) -> Result<SealedMessage> {
    let now = service.now();
    let keys = own_keys(service, &as2.keys, now).await?;
    let content = service.store.read_payload(&transmission.payload_id).await?;
    let spool = service.store.spool(u64::MAX, now);
    let (as2, store) = (as2.clone(), service.store.clone());
    // A partner may sign receipts with a key that nothing can be encrypted to.
    let encrypted_to = trusted.iter().find(|certificate| certificate.kind == KeyKind::Rsa).or(trusted.first());
    let recipients: Vec<Recipient> = encrypted_to
        .into_iter()
        .map(|certificate| Recipient {
            certificate: certificate.clone(),
            transport: key_transport(&as2.key_transport),
            by_key_id: false,
        })
        .collect();
    let (content_type, file_name) = (transmission.content_type.clone(), transmission.file_name.clone());
    let made = tokio::task::spawn_blocking(move || {
        let payload = Payload { content_type: &content_type, file_name: file_name.as_deref(), content: &content };
        let wanted = Digest::named(&as2.sign);
        let sign = keys.first().zip(wanted);
        let protection = Protection {
            sign: sign.map(|(key, wanted)| (&**key, scheme(key, &as2.scheme), digest(key, wanted))),
            compress: match as2.compress {
                Compress::None => None,
                Compress::Before => Some(Compression::BeforeSigning),
                Compress::After => Some(Compression::AfterSigning),
            },
            encrypt: cipher(&as2.encrypt).map(|cipher| (cipher, gcm_form(&as2.gcm_form), &recipients[..])),
            receipt_digest: wanted.unwrap_or(Digest::Sha256),
            has_old_micalg: false,
        };
        let scratch = || store.scratch_file(now).map_err(io::Error::other);
        let means = Means { random: store.random(), now, spool: &scratch };
        let sealed = seal(&payload, &protection, &means)?;
        let mut spool = spool;
        let mut body = sealed.body.open()?;
        let mut room = vec![0; 64 * 1024];
        loop {
            match body.read(&mut room)? {
                0 => break,
                count => spool.write(&room[..count]).map_err(io::Error::other)?,
            }
        }
        let own = sealed.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
        let headers: Vec<(String, String)> =
            std::iter::once(("Content-Type".to_owned(), sealed.content_type)).chain(own).collect();
        Ok::<_, io::Error>((spool, headers, sealed.mic))
    });
    let unfit = |error: &dyn std::fmt::Display| StoreError::Unfit(format!("the message cannot be made: {error}"));
    let made = made.await.map_err(|error| unfit(&error))?;
    let (spool, headers, mic) = made.map_err(|error| unfit(&error))?;
    let headers = serde_json::to_string(&headers).map_err(|error| unfit(&error))?;
    let content = spool.finish().await?;
    service.store.keep_as2_message(job, content, headers, (mic.digest.name().to_owned(), mic.value), now).await
}

fn cipher(name: &str) -> Option<Cipher> {
    Cipher::ALL.into_iter().find_map(|(cipher, own)| (own == name).then_some(cipher))
}

fn gcm_form(name: &str) -> GcmForm {
    if name == "enveloped" { GcmForm::Enveloped } else { GcmForm::AuthEnveloped }
}

fn key_transport(name: &str) -> KeyTransport {
    let digest = name.strip_prefix("oaep-").and_then(Digest::named);
    digest.map_or(KeyTransport::Pkcs1, KeyTransport::Oaep)
}

impl Wanted {
    /// What an answer comes to: the receipt says whether the message arrived as it was sent. Also the receipt as it came.
    pub(in crate::pipeline) fn heard(&self, outcome: Outcome, now: Timestamp) -> (Outcome, Option<Vec<u8>>) {
        let Outcome::Delivered { status, answer } = outcome else { return (outcome, None) };
        let Said { content_type, body } = answer;
        let kept = [format!("Content-Type: {content_type}\r\n\r\n").as_bytes(), &body].concat();
        let headers = Headers(vec![("Content-Type".to_owned(), content_type)]);
        let refused = |reason: String| Outcome::Permanent { status: Some(status), reason };
        let read = receipt::read(&headers, &body, &self.trusted, now);
        let outcome =
            match read.map(|receipt: Received| receipt.proves(&self.message_id, &self.mic, self.must_be_signed)) {
                Ok(Ok(())) => Outcome::Delivered { status, answer: Said::default() },
                Ok(Err(reason)) => refused(reason),
                Err(error) => {
                    refused(format!("the receiver took it and answered with no receipt that counts: {}", error.detail))
                }
            };
        (outcome, Some(kept))
    }
}
