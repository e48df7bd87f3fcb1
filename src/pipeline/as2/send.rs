//! Messages that go out: sealed once and kept, so that every attempt has the same Message-ID and the same bytes, and held
//! against the receipt that answers them: only one that proves what was received ends a delivery well.

use super::clear::Clear;
use super::passed::{self, Joined};
use super::receive::joined;
use super::{FEATURES, VERSION, certificates, digest, kept_lines, own_keys, scheme};
use crate::clock::Timestamp;
use crate::partner::{As2, Compress, Receipt};
use crate::pipeline::deliver::{Awaited, Sent};
use crate::pipeline::state::Service;
use crate::pipeline::stored;
use crate::store::as2::{KEY_END, NewMessage, RECEIPT_MISSING, RECEIPT_REFUSED, SealedMessage, Stripped};
use crate::store::delivery::Delivery;
use crate::store::job::Job;
use crate::store::transmission::Transmission;
use crate::store::{Result, Spool, StoreError};
use crate::transport::as2::certificate::{Certificate, OwnKey};
use crate::transport::as2::cms::{GcmForm, Recipient};
use crate::transport::as2::crypto::{Cipher, Digest, KeyKind, KeyTransport};
use crate::transport::as2::mime::Headers;
use crate::transport::as2::name::{bare_id, written};
use crate::transport::as2::open::Mic;
use crate::transport::as2::receipt::{self, Disposition, Unproved};
use crate::transport::as2::refused::{Cause, Refused};
use crate::transport::as2::seal::{Compression, Means, Payload, Protection, seal};
use crate::transport::as2::variant::{TRIED_BYTES_MAX, Variant, fitting, meant};
use crate::transport::http::body::Body;
use crate::transport::http::send::{Outcome, Said};
use crate::transport::source::Source;
use std::io::{self, Read as _};
use std::sync::Arc;

/// Bytes of a message that are written at once.
const PIECE_BYTES: usize = 64 * 1024;
/// What stands behind the key of a delivery in its Message-ID.
const ID_RIGHT: &str = "@portolan";

/// What the receipt of a message has to say, and who may sign it.
pub struct Wanted {
    message_id: String,
    /// The digests that it may name, the right one first.
    mics: Vec<Mic>,
    /// The message, to find out what the partner digested.
    message: Option<Clear>,
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
        None => sealed(service, job, (delivery, transmission), as2, &trusted).await?,
    };
    let body = stored::body(service, &kept.payload_id).await?;
    let unfit = || StoreError::Unfit(format!("the message of {} was kept in a way that is not known", job.subject));
    let own: Vec<(String, String)> = serde_json::from_str(&kept.headers).map_err(|_| unfit())?;
    let (content_type, own) = typed(own).ok_or_else(unfit)?;
    let digest = Digest::named(&kept.digest).ok_or_else(unfit)?;
    let subject = format!("{} {}", transmission.content_type, transmission.transmission_id);
    let lines = lines(as2, message_id(&delivery.key), subject, own, digest);
    let answer = match as2.receipt {
        Receipt::None => Awaited::Nothing,
        _ => {
            let wanted = Box::new(wanted(service, as2, &kept, message_id(&delivery.key)).ok_or_else(unfit)?);
            let calendar = as2.receipt_calendar.as_ref().and_then(|name| service.directory().calendar(name).cloned());
            match as2.receipt_url {
                Some(_) => Awaited::Later { wanted, minutes: as2.receipt_minutes, calendar },
                None => Awaited::Receipt(wanted),
            }
        }
    };
    Ok(Sent { key: None, content_type, lines, body, answer })
}

/// The header lines of a message but its `Content-Type`; `own` are those that say what it is.
pub(super) fn lines(
    as2: &As2,
    message_id: String,
    subject: String,
    own: Vec<(String, String)>,
    digest: Digest,
) -> Vec<(String, String)> {
    let mut lines = vec![
        ("AS2-Version".to_owned(), VERSION.to_owned()),
        ("EDIINT-Features".to_owned(), FEATURES.to_owned()),
        ("AS2-From".to_owned(), written(&as2.from)),
        ("AS2-To".to_owned(), written(&as2.to)),
        ("Message-ID".to_owned(), message_id),
        ("MIME-Version".to_owned(), "1.0".to_owned()),
        ("Subject".to_owned(), subject),
        ("User-Agent".to_owned(), concat!("portolan/", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    lines.extend(own);
    if as2.receipt != Receipt::None {
        lines.push(("Disposition-Notification-To".to_owned(), written(&as2.from)));
    }
    if as2.receipt == Receipt::Signed {
        let name = digest.name();
        let wish = format!("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, {name}");
        lines.push(("Disposition-Notification-Options".to_owned(), wish));
    }
    if let (Some(url), true) = (&as2.receipt_url, as2.receipt != Receipt::None) {
        lines.push(("Receipt-Delivery-Option".to_owned(), url.clone()));
    }
    lines
}

/// The Message-ID of a delivery, by its key, which another may have taken over.
pub(super) fn message_id(key: &str) -> String {
    let key = key.split(KEY_END).next().unwrap_or_default();
    format!("<{key}{ID_RIGHT}>")
}

/// The key of the delivery that a Message-ID is of; none where it is none of ours.
pub(super) fn key_of(message_id: &str) -> Option<&str> {
    bare_id(message_id).strip_suffix(ID_RIGHT)
}

/// What the receipt of a message has to say.
pub(super) fn wanted(service: &Service, as2: &As2, kept: &SealedMessage, message_id: String) -> Option<Wanted> {
    let digest = Digest::named(&kept.digest)?;
    let all = [Some(&kept.mic), kept.also_mic.as_ref()];
    let mics = all.into_iter().flatten().map(|value| Mic { digest, value: value.clone() }).collect();
    Some(Wanted { message: Clear::of(kept), ..wanted_by(service, as2, mics, message_id) })
}

/// The same of a message that is not kept.
pub(super) fn wanted_by(service: &Service, as2: &As2, mics: Vec<Mic>, message_id: String) -> Wanted {
    let trusted = certificates(service, &as2.certificates, service.now());
    Wanted { message_id, mics, message: None, must_be_signed: as2.receipt == Receipt::Signed, trusted }
}

/// What the receipt of a delivery has to say, which was sealed before.
///
/// # Errors
/// The ledger failed; none: it was not sent over AS2.
pub(super) async fn wanted_of(service: &Service, as2: &As2, delivery: &Delivery) -> Result<Option<Wanted>> {
    let Some(kept) = service.store.as2_message(&delivery.delivery_id).await? else { return Ok(None) };
    Ok(wanted(service, as2, &kept, message_id(&delivery.key)))
}

/// A receipt of ours that goes on its own: where to, and what.
///
/// # Errors
/// It was kept in a way that is not known, or its bytes cannot be read.
pub(in crate::pipeline) async fn late_receipt(
    service: &Service,
    transmission: &Transmission,
) -> Result<(String, Sent)> {
    let facts = service.store.transport_facts(&transmission.transmission_id).await?;
    let unfit = || StoreError::Unfit(format!("{} is no receipt", transmission.transmission_id));
    let url = facts["as2"]["receipt_to"].as_str().ok_or_else(unfit)?.to_owned();
    let lines: Vec<(String, String)> = serde_json::from_value(facts["as2"]["lines"].clone()).map_err(|_| unfit())?;
    let body = Body::Held(service.store.read_payload(&transmission.payload_id).await?);
    let content_type = transmission.content_type.clone();
    Ok((url, Sent { key: None, content_type, lines, body, answer: Awaited::Nothing }))
}

/// Seals a message, and keeps it.
async fn sealed(
    service: &Service,
    job: &Job,
    (delivery, transmission): (&Delivery, &Transmission),
    as2: &As2,
    trusted: &[Certificate],
) -> Result<SealedMessage> {
    let now = service.now();
    let joined = passed::joined(service, delivery, transmission).await?;
    let unkept_joined = joined.as_ref().map(|joined| joined.content.unkept());
    let plain = match &joined {
        Some(Joined { content, content_type }) => Plain {
            content_type: content_type.clone(),
            file_name: None,
            content: Box::new(service.store.content_source(content)?),
        },
        None => Plain {
            content_type: transmission.content_type.clone(),
            file_name: transmission.file_name.clone(),
            content: Box::new(service.store.payload_source(&transmission.payload_id).await?),
        },
    };
    let store = service.store.clone();
    let spool = move || store.spool(u64::MAX, now);
    let write = |spool: &mut Spool, piece: &[u8]| spool.write(piece).map_err(io::Error::other);
    let payload_id = match &joined {
        Some(Joined { content, .. }) => content.payload_id().to_owned(),
        None => transmission.payload_id.clone(),
    };
    let Made { headers, mic, also, body, clear, payload_at, signed_by } =
        make(service, as2, trusted, plain, spool, write).await?;
    let headers = serde_json::to_string(&headers).map_err(|error| unsealed(&error))?;
    let content = body.finish().await?;
    let unkept = content.unkept();
    let clear = match clear {
        Some(clear) => Some(clear.finish().await?),
        None => None,
    };
    for unkept in [Some(unkept), unkept_joined].into_iter().flatten() {
        unkept.kept();
    }
    let (digest, mic, also_mic) = (mic.digest.name().to_owned(), mic.value, also.map(|also| also.value));
    let pair = (as2.from.clone(), as2.to.clone());
    let joined = joined.map(|Joined { content, content_type }| (content, content_type));
    let clear = clear.map(|clear| Stripped { content: clear, of: payload_id, payload_at });
    let new = NewMessage { content, clear, joined, headers, digest, mic, also_mic, signed_by, pair };
    service.store.keep_as2_message(job, new, now).await
}

/// What is sealed.
pub(super) struct Plain {
    pub content_type: String,
    pub file_name: Option<String>,
    pub content: Box<dyn Source>,
}

/// A message as it is sealed.
pub(super) struct Made<W> {
    /// `Content-Type`, and what else says what it is.
    pub headers: Vec<(String, String)>,
    /// What a receipt has to say that was received.
    pub mic: Mic,
    /// What it may say instead.
    pub also: Option<Mic>,
    /// What it was written to.
    pub body: W,
    /// Where it is encrypted: what the message under that was written to, without its payload where that stands in it as it is.
    pub clear: Option<W>,
    /// Where in that its payload belongs, where it was left out.
    pub payload_at: Option<u64>,
    /// The fingerprint of the certificate that signed it.
    pub signed_by: Option<String>,
}

/// Seals a message as its channel says, and writes it piece by piece.
///
/// # Errors
/// A key or certificate cannot be had or used, or it cannot be written.
pub(super) async fn make<W: Send + 'static>(
    service: &Service,
    as2: &As2,
    trusted: &[Certificate],
    plain: Plain,
    place: impl Fn() -> W + Send + 'static,
    write: fn(&mut W, &[u8]) -> io::Result<()>,
) -> Result<Made<W>> {
    // Others are told the time of the machine.
    let (now, told) = (service.now(), service.clock.machine());
    let keys = keys_for(service, as2, trusted, now).await?;
    let (as2, store) = (as2.clone(), service.store.clone());
    let encrypted_to = encrypted_to(trusted, now);
    let recipients: Vec<Recipient> = encrypted_to
        .into_iter()
        .map(|certificate| Recipient {
            certificate: certificate.clone(),
            transport: key_transport(&as2.key_transport),
            by_key_id: false,
        })
        .collect();
    let made = tokio::task::spawn_blocking(move || {
        let Plain { content_type, file_name, content } = &plain;
        let payload = Payload { content_type, file_name: file_name.as_deref(), content: &**content };
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
            also: as2.mic.as_deref().and_then(meant),
            has_old_micalg: false,
        };
        let scratch = || store.scratch_file(now).map_err(io::Error::other);
        let means = Means { random: store.random(), now: told, spool: &scratch };
        let sealed = seal(&payload, &protection, &means)?;
        let written = |mut source: Box<dyn io::Read + '_>| {
            let (mut to, mut room) = (place(), vec![0; PIECE_BYTES]);
            loop {
                match source.read(&mut room)? {
                    0 => return Ok::<_, io::Error>(to),
                    count => write(&mut to, &room[..count])?,
                }
            }
        };
        let body = written(sealed.body.open()?)?;
        let clear = sealed.clear.as_deref().map(|clear| match sealed.payload_at {
            None => clear.open(),
            Some(at) => {
                let behind = clear.open_at(at + content.length())?;
                Ok(Box::new(clear.open()?.take(at).chain(behind)) as Box<dyn io::Read>)
            }
        });
        let clear = clear.transpose()?.map(written).transpose()?;
        let payload_at = sealed.payload_at.filter(|_| clear.is_some());
        let own = sealed.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
        // Of the day it was made, whenever it is tried again (rfc4130bis 5.4).
        let date = told.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let made = [("Content-Type".to_owned(), sealed.content_type), ("Date".to_owned(), date)];
        let headers = made.into_iter().chain(own).collect();
        let signed_by = sign.map(|(key, _)| key.certificate.fingerprint());
        Ok::<_, io::Error>(Made { headers, mic: sealed.mic, also: sealed.also, body, clear, payload_at, signed_by })
    });
    made.await.map_err(|error| unsealed(&error))?.map_err(|error| unsealed(&error))
}

/// Why a message could not be sealed. The words of the system stay in it, by which a full disk is known.
pub(in crate::pipeline) fn unsealed(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unfit(format!("the message cannot be made: {error}"))
}

/// Our keys for a message, the one to sign with first, where all that it is sealed with counts now.
async fn keys_for(service: &Service, as2: &As2, trusted: &[Certificate], now: Timestamp) -> Result<Vec<Arc<OwnKey>>> {
    let keys = own_keys(service, &as2.keys, (&as2.from, &as2.to), now).await?;
    if as2.encrypt != "none" {
        counts(encrypted_to(trusted, now), "the partner's certificate", now)?;
    }
    if as2.sign != "none" {
        counts(keys.first().map(|key| &key.certificate), "our certificate", now)?;
    }
    Ok(keys)
}

/// Looks whether a message could be sealed now as its channel says.
///
/// # Errors
/// A key or certificate cannot be had or used, or the ledger failed.
pub(in crate::pipeline) async fn check_keys(service: &Service, as2: &As2) -> Result<()> {
    let now = service.now();
    let trusted = certificates(service, &as2.certificates, now);
    keys_for(service, as2, &trusted, now).await.map(drop)
}

/// The partner's certificate that is encrypted to: one that says to be for that, counts now, and has a key of RSA, as far as
/// there is one. The partner may sign receipts with a key of a curve that is for nothing else.
pub(super) fn encrypted_to(trusted: &[Certificate], now: Timestamp) -> Option<&Certificate> {
    let order = |one: &&Certificate| (!one.can_be_encrypted_to(), !one.is_valid_at(now), one.kind != KeyKind::Rsa);
    trusted.iter().min_by_key(order)
}

/// The `Content-Type` of header lines, and the others.
pub(super) fn typed(lines: Vec<(String, String)>) -> Option<(String, Vec<(String, String)>)> {
    let (types, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(|(name, _)| name == "Content-Type");
    Some((types.into_iter().next()?.1, others))
}

/// What nobody would accept is not sent.
fn counts(certificate: Option<&Certificate>, whose: &str, now: Timestamp) -> Result<()> {
    let Some(one) = certificate.filter(|one| !one.is_valid_at(now)) else { return Ok(()) };
    let (name, from, to) = (one.common_name(), one.not_before, one.not_after);
    let reason = format!("{whose} {name} counts from {from} to {to} only; add the one that follows it, then resubmit");
    Err(StoreError::Unfit(reason))
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

/// What a receipt comes to: it proves the message, or why not; an error where it is nobody's who may say so.
type Proof = std::result::Result<std::result::Result<(), Unproved>, Refused>;
/// The same, in words where it proves nothing.
type Told = std::result::Result<std::result::Result<(), String>, Refused>;

/// A receipt as it came, and the code of a delivery that it does not end well.
pub(in crate::pipeline) type Came = (Vec<u8>, &'static str);
/// An answer: what it comes to, the receipt, and a certificate that signed it and is not trusted.
pub(in crate::pipeline) type Answered = (Outcome, Option<Came>, Option<Box<Certificate>>);

impl Wanted {
    /// What an answer comes to: the receipt says whether the message arrived as it was sent.
    pub(in crate::pipeline) async fn heard(&self, service: &Service, outcome: Outcome) -> Answered {
        let Outcome::Delivered { status, answer } = outcome else { return (outcome, None, None) };
        let Said { lines, body, hidden, .. } = answer;
        let headers = Headers(lines);
        let kept = joined(&kept_lines(&headers), &body);
        // Kept as it came, for it proves something; what is told of it has no secret of ours.
        let refused =
            |reason: String| Outcome::Permanent { status: Some(status), reason: hidden.shown(&reason, usize::MAX) };
        let (mut stranger, mut code) = (None, RECEIPT_REFUSED);
        let outcome = match self.judged(service, &headers, &body).await {
            Ok(Ok(())) => Outcome::Delivered { status, answer: Said::default() },
            Ok(Err(reason)) => refused(reason),
            Err(error) => {
                let detail = error.detail;
                (stranger, code) = (error.stranger, RECEIPT_MISSING);
                refused(format!("the receiver took it and answered with no receipt that counts: {detail}"))
            }
        };
        (outcome, Some((kept, code)), stranger)
    }

    /// The same where the receipt was to come on its own, and some partners answer with it all the same. An answer that is none, or
    /// is none that counts, says no more than that the message arrived.
    pub(in crate::pipeline) async fn heard_at_once(&self, service: &Service, outcome: Outcome) -> Answered {
        let arrived = outcome.clone();
        match self.heard(service, outcome).await {
            (_, Some((_, RECEIPT_MISSING)), _) => (arrived, None, None),
            heard => heard,
        }
    }

    /// What a receipt proves, and where it names another digest than it should, of what that is.
    pub(super) async fn judged(&self, service: &Service, headers: &Headers, body: &[u8]) -> Told {
        let Unproved { mut reason, mic } = match self.read(headers, body, service.now()) {
            Ok(Err(unproved)) => unproved,
            Ok(Ok(())) => return Ok(Ok(())),
            Err(detail) => return Err(detail),
        };
        if let (Some(mic), Some(message)) = (mic, &self.message)
            && let Ok(source) = message.open(&service.store).await
        {
            let work = tokio::task::spawn_blocking(move || {
                let mut bytes = Vec::new();
                source.take(TRIED_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).ok()?;
                fitting(&bytes, &mic.value)
            });
            // The verdict stands without it.
            reason.extend(work.await.ok().flatten().map(|variant| digested(&variant)));
        }
        Ok(Err(reason))
    }

    /// What a receipt proves: that the message was received, or why it was not. An error where it is nobody's who may say so.
    pub(super) fn read(&self, headers: &Headers, body: &[u8], now: Timestamp) -> Proof {
        let receipt = receipt::read(headers, body, &self.trusted, now)?;
        if self.must_be_signed && receipt.signed_by.is_none() {
            let said = match receipt.disposition {
                Disposition::Error(why) | Disposition::Failed(why) => format!(" and says: {why}"),
                _ => String::new(),
            };
            let detail = format!("expected a signed receipt, as asked, found one that is not{said}");
            return Err(Refused::new(Cause::InsufficientMessageSecurity, detail));
        }
        Ok(receipt.proves(&self.message_id, &self.mics, self.must_be_signed))
    }
}

/// What a partner digested in place of what it should, and what to do.
fn digested(variant: &Variant) -> String {
    match variant.word() {
        Some(word) => format!("; that is {variant}: to take it from this partner, set mic: {word} in the channel"),
        None => format!("; that is {variant}"),
    }
}
