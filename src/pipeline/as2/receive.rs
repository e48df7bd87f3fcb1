//! Messages that come in: opened while they arrive, kept with the receipt in one commit, and answered by that receipt. The
//! same again gets the same receipt, byte for byte, and nothing happens twice; what is refused is told by a receipt too, and
//! noted.

use super::offered::{kept, offered, tell};
use super::{FEATURES, VERSION, certificates, digest, kept_lines, own_keys, scheme, send};
use crate::partner::{As2, Legacy, LineEnds, Required};
use crate::pipeline::receive::{authenticate, not_authenticated, unavailable};
use crate::pipeline::state::Service;
use crate::store::as2::{Beside, Leaving, Matched, Verdict};
use crate::store::claim::NewClaim;
use crate::store::commit::receive::Reception;
use crate::store::delivery::{NewDelivery, Turn};
use crate::store::offered::Signed;
use crate::store::transmission::NewTransmission;
use crate::store::{Actor, Content, Direction, INLINE_BYTES_MAX, Result as StoreResult, Spool, StoreError, Unkept};
use crate::transport::as2::certificate::{Certificate, OwnKey};
use crate::transport::as2::crypto::Digest;
use crate::transport::as2::mime::{Headers, Parameters};
use crate::transport::as2::name::{ReceiptWish, bare_id, message_id, name, written};
use crate::transport::as2::open::{Layer, Mic, Outlets, Policy, Seen, open};
use crate::transport::as2::receipt::{self, Disposition, Receipt};
use crate::transport::as2::refused::{Cause, Refused};
use crate::transport::as2::seal::boundary;
use crate::transport::as2::variant::fitting;
use crate::transport::file_name::safe_name;
use crate::transport::http::otlp::TraceId;
use crate::transport::http::receive::{Answer, Arrival, Intake, Refusal};
use crate::transport::http::send::Said;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::io::{self, Read};
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

/// Pieces of a body that wait to be opened.
const PIECES_WAITING: usize = 4;
/// Bytes that are handed over at once, at least: each time a thread is woken.
const PIECE_BYTES: usize = 64 * 1024;
/// Bytes of what may be a receipt, which is read at once, at most.
const RECEIPT_BYTES_MAX: u64 = 1024 * 1024;
/// What receipts are.
const REPORT: &str = "multipart/report";
/// The status of every answer that has a receipt, whatever that says.
const ANSWERED: u16 = 200;
/// The status where the receipt leaves on its own.
pub(super) const RECEIPT_LEAVES: u16 = 202;

/// Whom a message is from and to, as its header lines say.
struct Addressed {
    from: String,
    to: String,
    /// As it came, with its brackets.
    message_id: String,
    wish: ReceiptWish,
}

/// The pair that it belongs to.
struct Pair {
    channel: String,
    partner: String,
    /// Ours, the one to sign receipts with first.
    keys: Vec<Arc<OwnKey>>,
}

/// What came of opening.
struct Found {
    seen: Seen,
    done: Result<(), Refused>,
    payload: Spool,
    /// The message under its encryption; nothing of one without layers.
    clear: Spool,
    /// The certificate that signed it.
    signed_by: Option<String>,
    /// Why the payload could not be kept, which is not the sender's fault.
    broken: Option<StoreError>,
}

struct Message {
    service: Arc<Service>,
    headers: Headers,
    addressed: Addressed,
    pair: Option<Pair>,
    id: String,
    limit: u64,
    size: u64,
    /// The bytes as they came, while they are few: to be looked at where the message is refused.
    raw: Vec<u8>,
    /// What came and was not handed over yet.
    piece: Vec<u8>,
    /// None: it is refused whatever stands in it.
    opening: Option<(Sender<Vec<u8>>, JoinHandle<Found>)>,
    /// Who sends it has not shown who it is, so that nothing but a receipt is taken.
    must_be_receipt: bool,
    refused: Option<Refused>,
}

/// Begins to take a message.
pub async fn begin(service: &Arc<Service>, arrival: Arrival) -> Result<Box<dyn Intake>, Refusal> {
    let headers = Headers(arrival.headers.clone());
    let missing = |name: &str| Refusal {
        status: 400,
        code: "AS2-HEADER-MISSING",
        detail: format!("expected a header line {name}, found none; this address takes AS2 messages (RFC 4130) only"),
    };
    let line = |name: &str| headers.get(name).ok_or_else(|| missing(name));
    let wrong = |detail: String| Refusal { status: 400, code: "AS2-HEADER-WRONG", detail };
    let (from, to) = (name(line("AS2-From")?).map_err(wrong)?, name(line("AS2-To")?).map_err(wrong)?);
    // Receipts may come without one; of a message it is told in its receipt.
    let id = headers.get("Message-ID").unwrap_or_default().trim().to_owned();
    let bad_id = message_id(&id).err().map(|detail| Refused::new(Cause::InvalidMessageId, detail));
    let mut wish = ReceiptWish::parse(
        headers.get("Disposition-Notification-To"),
        headers.get("Disposition-Notification-Options"),
        headers.get("Receipt-Delivery-Option"),
    );
    let bad_url = wish.url.take_if(|url| !url.starts_with("http://") && !url.starts_with("https://"));
    let bad_url = bad_url.map(|url| {
        let detail = format!("expected a Receipt-Delivery-Option of http or https, found {url:?}");
        Refused::new(Cause::UnsupportedFormat, detail)
    });
    let now = service.now();
    let directory = service.directory();
    let limit = service.config.limits.body_bytes;
    let mut message = Message {
        service: service.clone(),
        addressed: Addressed { from, to, message_id: id, wish },
        headers: Headers::default(),
        pair: None,
        id: service.store.new_id("tra", now),
        limit,
        size: 0,
        raw: Vec::new(),
        piece: Vec::new(),
        opening: None,
        must_be_receipt: false,
        refused: bad_id.or(bad_url),
    };
    let Some((channel, found, as2)) = directory.as2_pair(&message.addressed.from, &message.addressed.to) else {
        let detail =
            format!("no channel takes messages from {:?} to {:?}", message.addressed.from, message.addressed.to);
        message.refused = message.refused.or(Some(Refused::new(Cause::UnknownTradingRelationship, detail)));
        message.headers = headers;
        return Ok(Box::new(message));
    };
    if !found.is_open() && authenticate(service, &arrival, (channel, found)).await?.is_none() {
        // A receipt of what we sent proves itself; it may come from another machine of the partner.
        if !may_be_receipt(&headers) {
            return Err(not_authenticated());
        }
        message.must_be_receipt = true;
    }
    if !may_be_receipt(&headers) {
        service.store.has_room().map_err(|error| unavailable(&error))?;
    }
    message.limit = found.body_bytes.unwrap_or(limit);
    let keys = own_keys(service, &as2.keys, (&as2.to, &as2.from), now).await.map_err(|error| {
        tracing::error!(channel, error = %error, "The keys of a channel cannot be had");
        unavailable(&error)
    })?;
    let partner = found.partners.first().cloned().unwrap_or_default();
    message.pair = Some(Pair { channel: channel.to_owned(), partner, keys });
    message.refused = message.refused.or_else(|| unknown_wish(&message.addressed.wish));
    if message.refused.is_none() && !message.must_be_receipt {
        message.opening = Some(message.open(headers.clone(), as2));
    }
    message.headers = headers;
    Ok(Box::new(message))
}

/// Whether it may be a receipt: those are reports, signed or not (RFC 4130 7.4).
fn may_be_receipt(headers: &Headers) -> bool {
    matches!(headers.content_type().value.as_str(), REPORT | "multipart/signed")
}

/// Whether that is the type of a receipt, and of nothing else (RFC 8098 3).
fn is_receipt(content_type: &str) -> bool {
    let content_type = Parameters::parse(content_type);
    let kind = content_type.get("report-type").unwrap_or_default();
    content_type.value == REPORT && kind.eq_ignore_ascii_case("disposition-notification")
}

/// A receipt that cannot be given as it must be.
fn unknown_wish(wish: &ReceiptWish) -> Option<Refused> {
    if let Some(protocol) = &wish.unknown_protocol {
        let detail = format!("expected receipts signed by pkcs7-signature, found {protocol:?}");
        return Some(Refused::new(Cause::UnsupportedFormat, detail));
    }
    let digests = wish.unknown_digests.as_ref()?;
    Some(Refused::new(Cause::UnsupportedMicAlgorithms, format!("expected digests of SHA, found {digests:?}")))
}

/// A body that comes in pieces from elsewhere.
struct Pieces {
    from: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            let Some(piece) = self.from.blocking_recv() else { return Ok(0) };
            (self.piece, self.at) = (piece, 0);
        }
        let count = (self.piece.len() - self.at).min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// How what was signed was changed on the way, where that can be told.
fn changed(message: &[u8], signed: &[u8]) -> Option<String> {
    let variant = fitting(message, signed)?;
    let remedy = match variant.is_part_with_crlf() {
        true => "; to take that from this partner, set line_ends: crlf in the channel",
        false => "; the sender, or something between, changes messages behind the signature",
    };
    Some(format!("; what was signed is {variant}{remedy}"))
}

/// Writes what was opened where it is sealed.
struct Kept {
    spool: Spool,
    broken: Option<StoreError>,
    /// All of it, while it is little: to be looked at where the message is refused.
    begin: Option<Vec<u8>>,
}

impl Kept {
    fn new(spool: Spool) -> Self {
        Kept { spool, broken: None, begin: Some(Vec::new()) }
    }
}

/// A message under its encryption that is refused, while it is little: what was kept of it, with its payload where that was left out.
fn whole(seen: &Seen, clear: &Kept, payload: &Kept) -> Option<Vec<u8>> {
    let clear = clear.begin.as_deref()?;
    let at = match seen.payload_at {
        None => return Some(clear.to_vec()),
        Some(at) => usize::try_from(at).ok()?,
    };
    let (before, behind) = clear.split_at_checked(at)?;
    Some([before, payload.begin.as_deref()?, behind].concat())
}

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begin.take_if(|begin| begin.len() + bytes.len() > INLINE_BYTES_MAX);
        if let Some(begin) = &mut self.begin {
            begin.extend_from_slice(bytes);
        }
        self.spool.write(bytes).map(|()| bytes.len()).map_err(|error| {
            let told = io::Error::other(error.to_string());
            self.broken = Some(error);
            told
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Message {
    /// Opens it while it comes, off the runtime's threads.
    fn open(&self, headers: Headers, as2: &As2) -> (Sender<Vec<u8>>, JoinHandle<Found>) {
        let (service, now) = (self.service.clone(), self.service.now());
        let trusted: Vec<Certificate> = certificates(&service, &as2.certificates, now);
        let keys = self.pair.as_ref().map(|pair| pair.keys.clone()).unwrap_or_default();
        let (must_be_signed, must_be_encrypted) =
            (as2.require.contains(&Required::Signed), as2.require.contains(&Required::Encrypted));
        let (allows_legacy, takes_crlf) = (as2.legacy == Legacy::Allowed, as2.line_ends == LineEnds::Crlf);
        let receipt_digest = self.addressed.wish.digests.first().copied().unwrap_or(Digest::Sha256);
        let limit = self.limit;
        let spool = || service.store.spool(u64::MAX, now).leaving_reserve();
        let (payload, clear) = (spool(), spool());
        let (to, from) = channel(PIECES_WAITING);
        let work = tokio::task::spawn_blocking(move || {
            let policy = Policy {
                trusted: &trusted,
                keys: &keys,
                must_be_signed,
                must_be_encrypted,
                allows_legacy,
                receipt_digest,
                takes_crlf,
                payload_bytes_max: limit,
                now,
            };
            let mut body = Pieces { from, piece: Vec::new(), at: 0 };
            let (mut payload, mut clear) = (Kept::new(payload), Kept::new(clear));
            let outlets = Outlets { payload: &mut payload, clear: Some(&mut clear), leaves_out: true };
            let (seen, mut done) = open(&headers, &mut body, &policy, service.store.random(), outlets);
            if let (Err(refused), Some(signed)) = (&mut done, &seen.signed)
                && let Some(message) = whole(&seen, &clear, &payload)
            {
                refused.detail.extend(changed(&message, signed));
            }
            let signed_by = seen.layers.iter().find_map(|layer| match layer {
                Layer::Signed(at, _) => Some(trusted[*at].fingerprint()),
                _ => None,
            });
            let broken = payload.broken.or(clear.broken);
            Found { seen, done, payload: payload.spool, clear: clear.spool, signed_by, broken }
        });
        (to, work)
    }

    async fn answer(mut self) -> StoreResult<Answer> {
        if let Some(about) = receipt::about(&self.headers, &self.raw) {
            return self.take_receipt(about).await;
        }
        self.service.store.has_room()?;
        if let Some((pieces, work)) = self.opening.take() {
            // Who opens it may have seen enough; its verdict comes now.
            let _ = pieces.send(std::mem::take(&mut self.piece)).await;
            drop(pieces);
            let found = work.await.map_err(|error| StoreError::Unfit(format!("opening an AS2 message: {error}")))?;
            if let Some(error) = found.broken {
                return Err(error);
            }
            return match found.done {
                // A receipt is no document, whatever it is of.
                Ok(()) if is_receipt(&found.seen.content_type) => {
                    self.note_receipt("AS2-RECEIPT-UNMATCHED", "it does not say which message it is of").await
                }
                Ok(()) => self.keep(found).await,
                Err(refused) => self.refuse(&found.seen, refused).await,
            };
        }
        let refused = self.refused.take();
        let unknown = || Refused::new(Cause::UnexpectedProcessingError, "it was not looked at");
        self.refuse(&Seen::default(), refused.unwrap_or_else(unknown)).await
    }

    /// Takes a receipt for what we sent, which came on its own.
    async fn take_receipt(self, about: String) -> StoreResult<Answer> {
        let said = || Said { lines: self.headers.0.clone(), body: self.raw.clone(), ..Said::default() };
        if self.service.walks.hand(&about, said) {
            return Ok(silent(ANSWERED));
        }
        let (store, now) = (&self.service.store, self.service.now());
        let Addressed { from, to, .. } = &self.addressed;
        let directory = self.service.directory();
        let delivery = match send::key_of(&about) {
            Some(key) => store.delivery_of_key(key).await?,
            None => None,
        };
        let as2 = delivery.as_ref().and_then(|one| directory.as2_out(&one.channel));
        let as2 = as2.filter(|as2| as2.from == *to && as2.to == *from);
        let (Some(delivery), Some(as2)) = (delivery, as2) else {
            let reason = format!("no message {about} was sent from {to:?} to {from:?}");
            return self.note_receipt("AS2-RECEIPT-UNMATCHED", &reason).await;
        };
        let wanted = send::wanted_of(&self.service, as2, &delivery).await?;
        let Some(wanted) = wanted else {
            return self.note_receipt("AS2-RECEIPT-UNMATCHED", &format!("{about} was not sent yet")).await;
        };
        let verdict = match wanted.judged(&self.service, &self.headers, &self.raw).await {
            Ok(Ok(())) => Verdict::Proved,
            Ok(Err(reason)) => Verdict::Refused(reason),
            Err(error) => {
                if let Some(stranger) = &error.stranger {
                    let by = (delivery.channel.as_str(), delivery.partner.as_deref());
                    offered(&self.service, by, stranger, (Signed::Receipt, &self.id)).await?;
                }
                return self.note_receipt("AS2-RECEIPT-REFUSED", &format!("{about}: {}", error.detail)).await;
            }
        };
        let kept = joined(&kept_lines(&self.headers), &self.raw);
        let actor = Actor(format!("as2:{}", delivery.partner.as_deref().unwrap_or_default()));
        let matched = store.receipt_came(&delivery.delivery_id, verdict.clone(), kept, &actor, now).await?;
        tracing::info!(delivery.id = delivery.delivery_id, matched = ?matched, "Receipt came");
        let Matched::Late(state) = matched else { return Ok(silent(ANSWERED)) };
        // It is the partner's, and says of a delivery that ended something else than how it ended.
        let says = match &verdict {
            Verdict::Proved => "that it has the message",
            Verdict::Refused(reason) => reason,
        };
        self.note_receipt("AS2-RECEIPT-LATE", &format!("{about} of {} is {state}: {says}", delivery.delivery_id)).await
    }

    /// Notes a receipt that changes nothing.
    async fn note_receipt(&self, code: &str, reason: &str) -> StoreResult<Answer> {
        let (store, now) = (&self.service.store, self.service.now());
        let new = NewTransmission {
            transmission_id: self.id.clone(),
            direction: Direction::In,
            channel: self.pair.as_ref().map_or("as2", |pair| &pair.channel).to_owned(),
            partner: None,
            environment: None,
            content: store.content(&self.raw, now).await?,
            content_type: self.headers.get("content-type").unwrap_or_default().to_owned(),
            file_name: None,
            headers: self.facts(&Seen::default(), None),
        };
        let claims = self.pair.as_ref().map(|pair| pair.partner.as_str());
        if store.settle_stranger(new, claims, (code, reason), &self.actor(), now).await? {
            tracing::warn!(
                trace_id = %TraceId::of(&self.id),
                transmission.id = self.id,
                code,
                "Receipt refused"
            );
        }
        Ok(silent(ANSWERED))
    }

    /// A receipt on its way to where it is wanted, and its transmission.
    async fn leaving(&self, url: &str, said: &[u8]) -> StoreResult<Leaving> {
        let (store, now) = (&self.service.store, self.service.now());
        let Answer { headers, content_type, body, .. } = told(said);
        let pair = self.pair.as_ref();
        let (channel, partner) = (pair.map(|pair| pair.channel.clone()), pair.map(|pair| pair.partner.clone()));
        let (channel, delivery_id) = (channel.unwrap_or_default(), store.new_id("del", now));
        let new = NewTransmission {
            transmission_id: store.new_id("tra", now),
            direction: Direction::Out,
            channel: channel.clone(),
            partner: partner.clone(),
            environment: None,
            content: store.content(&body, now).await?,
            content_type: content_type.into_owned(),
            file_name: None,
            headers: json!({ "as2": { "receipt_to": url, "receipt_for": self.id, "lines": headers } }),
        };
        let key = delivery_id.clone();
        let on_uncertain = "repeat".to_owned();
        Ok((
            new,
            NewDelivery { delivery_id, channel, partner, agreement: None, key, on_uncertain, turn: Turn::default() },
        ))
    }

    /// Keeps what was received, to be processed; the same again gets the same receipt.
    async fn keep(self, found: Found) -> StoreResult<Answer> {
        let Found { seen, payload, clear, signed_by, .. } = found;
        let content = payload.finish().await?;
        let unkept = content.unkept();
        let clear = if clear.size() > 0 { Some(clear.finish().await?) } else { None };
        let unkept_clear = clear.as_ref().map(Content::unkept);
        let said = self.receipt(&Disposition::Processed, seen.mic.as_ref())?;
        let (from, to) = (&self.addressed.from, &self.addressed.to);
        let leaving = match &self.addressed.wish.url {
            Some(url) => Some(self.leaving(url, &said).await?),
            None => None,
        };
        let is_later = leaving.is_some();
        let claim = NewClaim {
            scope: scope(from, to),
            key: bare_id(&self.addressed.message_id).to_owned(),
            answer_status: if leaving.is_some() { RECEIPT_LEAVES } else { ANSWERED },
            answer_body: match &leaving {
                Some((new, _)) => new.transmission_id.clone().into_bytes(),
                None => said.clone(),
            },
        };
        let actor = self.actor();
        let pair = self.pair.as_ref();
        let channel = pair.map(|pair| pair.channel.clone()).unwrap_or_default();
        let new = NewTransmission {
            transmission_id: self.id.clone(),
            direction: Direction::In,
            channel: channel.clone(),
            partner: pair.map(|pair| pair.partner.clone()),
            environment: None,
            content,
            content_type: seen.content_type.clone(),
            file_name: seen.file_name.as_deref().and_then(safe_name),
            headers: self.facts(&seen, signed_by),
        };
        let store = &self.service.store;
        let beside = Beside { receipt: leaving, clear, payload_at: seen.payload_at };
        unkept.kept();
        unkept_clear.into_iter().for_each(Unkept::kept);
        match store.receive_beside(new, Some(claim), beside, &actor, self.service.now()).await? {
            Reception::New => {
                let has_turned_ends = seen.has_turned_ends;
                tracing::info!(
                    trace_id = %TraceId::of(&self.id),
                    transmission.id = self.id,
                    transmission.channel = channel,
                    has_turned_ends,
                    "Received"
                );
                metrics::counter!("portolan_received_total", "channel" => channel).increment(1);
                self.service.arrived.notify_one();
                if is_later {
                    self.service.departing.notify_one();
                    return Ok(silent(RECEIPT_LEAVES));
                }
                Ok(told(&said))
            }
            Reception::Replay { status: RECEIPT_LEAVES, body, .. } => {
                let id = String::from_utf8_lossy(&body).into_owned();
                store.receipt_leaves_again(&id, &actor, self.service.now()).await?;
                self.service.departing.notify_one();
                Ok(silent(RECEIPT_LEAVES))
            }
            Reception::Replay { body, .. } => Ok(told(&body)),
            Reception::Conflict { transmission_id } => {
                tracing::warn!(
                    trace_id = %TraceId::of(&transmission_id),
                    transmission.id = transmission_id,
                    transmission.channel = channel,
                    "Message-ID used again"
                );
                let detail = format!("this Message-ID came before with other content, as {transmission_id}");
                self.refuse(&seen, Refused::new(Cause::UnexpectedProcessingError, detail)).await
            }
        }
    }

    /// Tells the sender, and notes it with what came, where that is little. Of very many there is only how many they were.
    async fn refuse(self, seen: &Seen, refused: Refused) -> StoreResult<Answer> {
        let said = self.receipt(&Disposition::refused(refused.cause), seen.mic.as_ref())?;
        let pair = self.pair.as_ref();
        let channel = pair.map(|pair| pair.channel.clone()).unwrap_or_else(|| "as2".to_owned());
        let (now, actor) = (self.service.now(), self.actor());
        let new = NewTransmission {
            transmission_id: self.id.clone(),
            direction: Direction::In,
            channel: channel.clone(),
            partner: None,
            environment: None,
            content: self.service.store.content(&self.raw, now).await?,
            content_type: "application/octet-stream".to_owned(),
            file_name: None,
            headers: self.facts(seen, None),
        };
        let mut new_stranger = None;
        if let (Some(stranger), Some(pair)) = (&seen.stranger, &self.pair) {
            let by = (pair.channel.as_str(), Some(pair.partner.as_str()));
            let is_new = kept(&self.service, by, stranger, (Signed::Message, &self.id)).await?;
            new_stranger = is_new.then_some(stranger);
        }
        let code = format!("AS2-{}", refused.cause.word().to_ascii_uppercase().replace(' ', "-"));
        let claims = pair.map(|pair| pair.partner.as_str());
        let told_us = (code.as_str(), refused.detail.as_str());
        let is_noted = self.service.store.settle_stranger(new, claims, told_us, &actor, now).await?;
        if is_noted {
            tracing::warn!(
                trace_id = %TraceId::of(&self.id),
                transmission.id = self.id,
                transmission.channel = channel,
                code,
                "Refused"
            );
            // Whoever makes a new one for each message fills no log with them.
            if let Some(stranger) = new_stranger {
                tell(&channel, stranger);
            }
        }
        metrics::counter!("portolan_refused_total", "channel" => channel).increment(1);
        // Only those we know can make us send something somewhere, and of very many no more than are noted: nobody has proved
        // to be the partner yet. The others are told here.
        if let (Some(url), Some(_), true) = (&self.addressed.wish.url, &self.pair, is_noted) {
            let leaving = self.leaving(url, &said).await?;
            self.service.store.receipt_leaves(leaving, &actor, now).await?;
            self.service.departing.notify_one();
            return Ok(silent(RECEIPT_LEAVES));
        }
        Ok(told(&said))
    }

    /// The receipt with its header lines, as it is answered and kept; no more than those where none is asked for.
    fn receipt(&self, disposition: &Disposition, mic: Option<&Mic>) -> StoreResult<Vec<u8>> {
        let Addressed { from, to, message_id, wish } = &self.addressed;
        let random = self.service.store.random();
        let mut lines = versioned();
        if !wish.is_asked {
            return Ok(joined(&lines, &[]));
        }
        let text = match disposition {
            Disposition::Processed | Disposition::Warning(_) => {
                format!("The message {message_id} was received, and is kept as {}.", self.id)
            }
            Disposition::Error(why) | Disposition::Failed(why) => {
                format!("The message {message_id} was not taken: {why}. It is noted as {}.", self.id)
            }
        };
        let agent = concat!("portolan/", env!("CARGO_PKG_VERSION"));
        let receipt = Receipt { agent, receiver: to, message_id, disposition, mic, text: &text };
        let mut body = receipt.write(&boundary(random));
        let key = self.pair.as_ref().and_then(|pair| pair.keys.first()).filter(|_| wish.is_signed);
        if let Some(key) = key {
            // Nobody signs with SHA-1 any more; who asks for nothing else gets the usual one.
            let wanted = wish.digests.iter().copied().find(|digest| *digest != Digest::Sha1);
            let way = (&**key, scheme(key, "pkcs1"), digest(key, wanted.unwrap_or(Digest::Sha256)));
            body = receipt::sign(&body, way, &boundary(random), self.service.clock.machine())
                .map_err(|_| StoreError::Unfit("a receipt cannot be signed".to_owned()))?;
        }
        lines.extend([
            ("AS2-From".to_owned(), written(to)),
            ("AS2-To".to_owned(), written(from)),
            ("Message-ID".to_owned(), format!("<{}@portolan>", self.service.store.new_id("mdn", self.service.now()))),
            ("MIME-Version".to_owned(), "1.0".to_owned()),
            ("Content-Type".to_owned(), body.content_type),
        ]);
        Ok(joined(&lines, &body.bytes))
    }

    /// What is kept beside the payload.
    fn facts(&self, seen: &Seen, signed_by: Option<String>) -> Value {
        let layers: Vec<Value> = seen
            .layers
            .iter()
            .map(|layer| match layer {
                Layer::Encrypted(cipher, _) => json!({ "encrypted": cipher.name() }),
                Layer::Compressed => json!("compressed"),
                Layer::Signed(_, digest) => json!({ "signed": digest.name() }),
            })
            .collect();
        let mic = seen.mic.as_ref().map(|mic| format!("{}, {}", STANDARD.encode(&mic.value), mic.digest.name()));
        let stranger =
            seen.stranger.as_ref().map(|one| json!({ "name": one.common_name(), "sha256": one.fingerprint() }));
        let Addressed { from, to, message_id, wish } = &self.addressed;
        json!({ "as2": { "from": from, "to": to, "message_id": message_id, "layers": layers, "mic": mic,
            "receipt": wish.is_asked, "signed_by": signed_by, "line_ends": seen.has_turned_ends.then_some("crlf"), "signer_unknown": stranger,
            "lines": kept_lines(&self.headers) } })
    }

    fn actor(&self) -> Actor {
        Actor(self.pair.as_ref().map_or("as2".to_owned(), |pair| format!("as2:{}", pair.partner)))
    }
}

impl Intake for Message {
    fn write<'w>(&'w mut self, bytes: &'w [u8]) -> BoxFuture<'w, Result<(), Refusal>> {
        Box::pin(async move {
            self.size += bytes.len() as u64;
            if self.size > self.limit {
                let detail = format!("a body of more than {} bytes is not taken here; send it in parts", self.limit);
                return Err(Refusal { status: 413, code: "BODY-TOO-LARGE", detail });
            }
            let most = if may_be_receipt(&self.headers) { RECEIPT_BYTES_MAX } else { INLINE_BYTES_MAX as u64 };
            match self.size <= most {
                true => self.raw.extend_from_slice(bytes),
                false => self.raw = Vec::new(),
            }
            if let Some((pieces, _)) = &self.opening {
                self.piece.extend_from_slice(bytes);
                if self.piece.len() >= PIECE_BYTES {
                    let next = Vec::with_capacity(self.piece.capacity());
                    // Who opens it may have seen enough; its verdict comes at the end.
                    let _ = pieces.send(std::mem::replace(&mut self.piece, next)).await;
                }
            }
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Answer, Refusal>> {
        Box::pin(async move {
            if self.must_be_receipt && receipt::about(&self.headers, &self.raw).is_none() {
                return Err(not_authenticated());
            }
            self.answer().await.map_err(|error| unavailable(&error))
        })
    }
}

/// Whose Message-IDs are told apart: those of a pair of names.
pub(super) fn scope(from: &str, to: &str) -> String {
    format!("as2:{}", json!([from, to]))
}

/// Header lines and body in one, as they are kept.
pub(super) fn joined(lines: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let head: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    [head.as_bytes(), b"\r\n", body].concat()
}

/// The header lines of everything that we answer.
fn versioned() -> Vec<(String, String)> {
    [("AS2-Version", VERSION), ("EDIINT-Features", FEATURES)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// An answer with nothing in it.
fn silent(status: u16) -> Answer {
    let (headers, content_type, body, location) = (versioned(), "".into(), Vec::new(), String::new());
    Answer { status, content_type, headers, body, location, replayed: false }
}

/// The answer of what was kept.
fn told(kept: &[u8]) -> Answer {
    let end = kept.windows(4).position(|four| four == b"\r\n\r\n").map_or(kept.len(), |at| at + 4);
    let Headers(lines) = Headers::parse(&kept[..end]);
    let is_type = |(name, _): &&(String, String)| name == "Content-Type";
    let content_type = lines.iter().find(is_type).map(|(_, value)| value.clone()).unwrap_or_default();
    let headers = lines.into_iter().filter(|line| !is_type(&line)).collect();
    Answer {
        status: ANSWERED,
        content_type: content_type.into(),
        headers,
        body: kept[end..].to_vec(),
        location: String::new(),
        replayed: false,
    }
}
