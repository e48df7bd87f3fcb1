//! A walk to a partner of AS2, step by step, before the first document goes: keys, name, TCP, TLS, a small message and its
//! receipt. It ends at the first step that fails. The message is no delivery: nothing of it is kept here, and nothing is
//! sent again.

use super::offered::offered;
use super::send::{Made, Plain, Wanted, encrypted_to, lines, make, typed, wanted_by};
use super::{certificates, own_keys};
use crate::clock::Timestamp;
use crate::id::new_id;
use crate::partner::{As2, Channel, Receipt, Way};
use crate::pipeline::reach::{Outbound, Unready, outbound};
use crate::pipeline::state::Service;
use crate::store::offered::Signed;
use crate::store::{Result, StoreError};
use crate::transport::as2::certificate::Certificate;
use crate::transport::as2::mime::Headers;
use crate::transport::as2::receipt::{self, Unproved};
use crate::transport::http::auth::oauth2::NoToken;
use crate::transport::http::body::Body;
use crate::transport::http::probe::{Handshake, Unresolved, connect, handshake, resolve};
use crate::transport::http::reach::Reach;
use crate::transport::http::send::{Asked, Outcome, Post, Said};
use reqwest::{Method, Url};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the answer to the message may take, its receipt with it.
pub const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// How long a receipt may take that comes on its own. With the answer and the steps before it that is less than the minute for
/// which the command line waits.
const RECEIPT_WAIT: Duration = Duration::from_secs(20);
/// Characters of what the other side says that are shown.
const SAID_SHOWN_MAX: usize = 300;
/// What is sent.
const MESSAGE: &[u8] = b"This is a test of the connection by Portolan. It holds no business document.\r\n";

/// What a step is about, in the order in which they are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepName {
    /// Our keys, and the partner's certificates.
    Keys,
    /// The addresses of the host; this step and the next two are not gone where a proxy goes them.
    Dns,
    /// A connection.
    Tcp,
    /// The server's certificate; not gone where the address is of http.
    Tls,
    /// The message is posted.
    Http,
    /// What proves that it arrived.
    Receipt,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is about.
    pub step: StepName,
    /// Whether it went as expected.
    pub passed: bool,
    /// What was seen.
    pub seen: String,
    /// What was expected.
    pub expected: String,
    /// What to do; empty where it passed.
    pub remedy: String,
}

/// A walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Walk {
    /// Of which channel.
    pub channel: String,
    /// Whether every step passed.
    pub passed: bool,
    /// Whether the other side could be reached at all.
    pub reached: bool,
    /// Of the message, which the partner may look for.
    pub message_id: String,
    /// What was seen, up to the first that failed.
    pub steps: Vec<Step>,
}

/// What is wrong with a step: what was seen, and what to do; `reached` where somebody answered, or nobody was asked.
struct Wrong {
    seen: String,
    remedy: String,
    reached: bool,
    /// Who signed the receipt, and is not trusted.
    stranger: Option<Box<Certificate>>,
}

impl Wrong {
    fn new(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Wrong { seen: shown(&seen.into()), remedy: remedy.into(), reached: true, stranger: None }
    }

    fn unreached(seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Wrong { reached: false, ..Wrong::new(seen, remedy) }
    }
}

/// The walks whose receipts are to come on their own: by Message-ID, who waits.
#[derive(Default)]
pub struct Walks(Mutex<HashMap<String, oneshot::Sender<Said>>>);

impl Walks {
    /// Hands a receipt to the walk that waits for it, if one does.
    pub(super) fn hand(&self, message_id: &str, receipt: impl FnOnce() -> Said) -> bool {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(message_id);
        // A walk that just ended waits for nothing.
        found.is_some_and(|walk| walk.send(receipt()).is_ok())
    }

    fn wait(&self, message_id: &str) -> Awaited<'_> {
        let (walk, came) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(message_id.to_owned(), walk);
        Awaited { walks: self, message_id: message_id.to_owned(), came }
    }
}

/// A receipt that a walk waits for, no longer than it goes.
struct Awaited<'w> {
    walks: &'w Walks,
    message_id: String,
    came: oneshot::Receiver<Said>,
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.walks.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.message_id);
    }
}

type Seen<T> = std::result::Result<(String, T), Wrong>;

/// What was said, without controls and not at length.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SAID_SHOWN_MAX).collect()
}

impl Walk {
    /// Notes a step; what it found, where it passed.
    fn went<T>(&mut self, step: StepName, expected: &str, seen: Seen<T>) -> Option<T> {
        let expected = expected.to_owned();
        match seen {
            Ok((seen, found)) => {
                self.steps.push(Step { step, passed: true, seen, expected, remedy: String::new() });
                Some(found)
            }
            Err(Wrong { seen, remedy, reached, .. }) => {
                (self.passed, self.reached) = (false, reached);
                self.steps.push(Step { step, passed: false, seen, expected, remedy });
                None
            }
        }
    }
}

/// Walks to the partner of a channel: of transport as2, way out.
///
/// # Errors
/// There is no such channel, or it is another kind of channel.
pub async fn probe(service: &Service, name: &str) -> Result<Walk> {
    let directory = service.directory();
    let channel = directory.channel(name);
    let channel = channel.ok_or_else(|| StoreError::NotFound { what: "channel", id: name.to_owned() })?;
    let as2 = channel.as2.as_ref().filter(|_| channel.way == Way::Out);
    let unfit = || StoreError::Conflict(format!("channel {name}: expected one of transport as2 and way out"));
    let as2 = as2.ok_or_else(unfit)?;
    let id = new_id("test", service.now(), service.store.random());
    let message_id = format!("<{id}@test.portolan>");
    let mut walk = Walk { channel: name.to_owned(), passed: true, reached: true, message_id, steps: Vec::new() };
    steps(service, channel, as2, &mut walk).await;
    tracing::info!(channel = name, passed = walk.passed, "Tested");
    Ok(walk)
}

/// The steps; none: one of them failed, and is noted.
async fn steps(service: &Service, channel: &Channel, as2: &As2, walk: &mut Walk) -> Option<()> {
    let now = service.now();
    let trusted = certificates(service, &as2.certificates, now);
    let sealed = keys(service, as2, &trusted, now).await;
    let made = walk.went(StepName::Keys, "keys and certificates of the channel that count today", sealed)?;
    let out = outbound(service, channel, None).await.map_err(unready);
    let out = match out {
        Ok(out) => out,
        Err(wrong) => return walk.went(StepName::Keys, "the auth of the channel, with its secrets", Err(wrong)),
    };
    let url = Url::parse(channel.url.as_deref().unwrap_or_default());
    let url = url.map_err(|error| Wrong::new(format!("url of the channel: {error}"), "mend url of the channel"));
    let url = match url {
        Ok(url) => url,
        Err(wrong) => return walk.went(StepName::Dns, "an address with a host", Err(wrong)),
    };
    // A proxy takes these steps itself, and tells of them by its answer only.
    if out.reach.proxy.is_none() {
        reached(&url, &out.reach, walk).await?;
    }
    let later =
        (as2.receipt != Receipt::None && as2.receipt_url.is_some()).then(|| service.walks.wait(&walk.message_id));
    let (answer, wanted) = post(service, channel, as2, walk, out, made).await?;
    let answer = match later {
        // Some answer with it all the same.
        Some(mut later) if receipt::about(&Headers(answer.lines.clone()), &answer.body).is_none() => {
            tokio::time::timeout(RECEIPT_WAIT, &mut later.came).await.ok().and_then(|came| came.ok())
        }
        _ => Some(answer),
    };
    let seen = match &answer {
        Some(answer) => proven(as2, &walk.message_id, answer, wanted.as_ref(), service.now()),
        None => Err(Wrong::new(
            format!("the message was taken, and no receipt came within {} s", RECEIPT_WAIT.as_secs()),
            format!(
                "ask the partner whether it can reach receipt_url of the channel; a receipt that comes later is noted as \
                 AS2-RECEIPT-UNMATCHED for {}",
                walk.message_id
            ),
        )),
    };
    if let Err(Wrong { stranger: Some(stranger), .. }) = &seen {
        let by = (walk.channel.as_str(), channel.partners.first().map(String::as_str));
        if let Err(error) = offered(service, by, stranger, (Signed::Receipt, &walk.message_id)).await {
            tracing::error!(channel = walk.channel, error = %error, "The certificate that a partner brought cannot be kept");
        }
    }
    let expected = match as2.receipt {
        Receipt::None => "none, as the channel says",
        Receipt::Signed => "a receipt, signed by a certificate of the channel, that says what was received",
        Receipt::Unsigned => "a receipt that says what was received",
    };
    walk.went(StepName::Receipt, expected, seen)
}

/// Name, connection, and handshake of TLS.
async fn reached(url: &Url, reach: &Reach, walk: &mut Walk) -> Option<()> {
    let found = addresses(url, reach).await;
    let host = url.host_str().unwrap_or_default().to_owned();
    let addresses = walk.went(StepName::Dns, "a public address, or one of allow_networks of the channel", found)?;
    let port = url.port_or_known_default().unwrap_or_default();
    let connected = connect(&addresses).await.map(|(address, stream)| (format!("{address} takes connections"), stream));
    let remedy = "ask the partner whether the address is right and its firewall knows ours";
    let connected = connected
        .map_err(|error| Wrong::unreached(format!("port {port} of {host} takes no connection: {error}"), remedy));
    let stream = walk.went(StepName::Tcp, &format!("a connection to port {port} of {host}"), connected)?;
    if url.scheme() == "https" {
        let shaken = handshake(stream, &host, reach).await;
        let remedy = "ask the partner whether that port speaks HTTPS, of TLS 1.2 or 1.3";
        let shaken = shaken.map_err(|error| Wrong::unreached(error, remedy)).and_then(|shaken| trust(&shaken, &host));
        walk.went(StepName::Tls, &format!("a certificate for {host} that this machine trusts"), shaken)?;
    }
    Some(())
}

/// What the channel says of reaching the partner and cannot be had.
fn unready(unready: Unready) -> Wrong {
    match unready {
        Unready::NoSecret(name) => {
            Wrong::new(format!("no secret {name}"), format!("set it with `portolan secret set {name}`"))
        }
        Unready::Unfit(reason) => Wrong::new(reason, "mend the auth of the channel, and what it names"),
        Unready::Store(error) => Wrong::new(error.to_string(), "try again"),
    }
}

/// The message, which needs all keys and certificates.
async fn keys(service: &Service, as2: &As2, trusted: &[Certificate], now: Timestamp) -> Seen<Made<Vec<u8>>> {
    let configure = |error: StoreError| {
        let remedy = "set the secret with `portolan secret set`, or mend keys and certificates of the channel";
        Wrong::new(error.to_string(), remedy)
    };
    let own = own_keys(service, &as2.keys, (&as2.from, &as2.to), now).await.map_err(configure)?;
    let mut seen = Vec::new();
    if as2.sign != "none" {
        let ours = own.first().map(|key| &key.certificate);
        seen.push(counts("signed with", ours, "portolan certificate new", now)?);
    }
    if as2.encrypt != "none" {
        seen.push(counts("encrypted to", encrypted_to(trusted, now), "the partner gives you its new one", now)?);
    }
    if as2.receipt == Receipt::Signed && as2.encrypt == "none" {
        seen.push(counts("receipt signed with", trusted.first(), "the partner gives you its new one", now)?);
    }
    if seen.is_empty() {
        seen.push("the channel asks for none".to_owned());
    }
    let plain = Plain { content_type: "text/plain".to_owned(), file_name: None, content: Box::new(MESSAGE.to_vec()) };
    let write = |body: &mut Vec<u8>, piece: &[u8]| {
        body.extend_from_slice(piece);
        Ok(())
    };
    let made = make(service, as2, trusted, plain, Vec::new, write).await.map_err(configure)?;
    Ok((seen.join("; "), made))
}

/// Whether a certificate counts now, and what it is.
fn counts(
    role: &str,
    certificate: Option<&Certificate>,
    from: &str,
    now: Timestamp,
) -> std::result::Result<String, Wrong> {
    let none = || Wrong::new(format!("{role}: no certificate"), "name one in the channel");
    let one = certificate.ok_or_else(none)?;
    let (day, begin) = (one.not_after.strftime("%Y-%m-%d"), one.not_before.strftime("%Y-%m-%d"));
    let seen = format!("{role} {:?}, {} until {day}", one.common_name(), one.fingerprint());
    match one.is_valid_at(now) {
        true => Ok(seen),
        false => {
            Err(Wrong::new(format!("{seen}, from {begin}: not today"), format!("put another in its place: {from}")))
        }
    }
}

async fn addresses(url: &Url, reach: &Reach) -> Seen<Vec<std::net::SocketAddr>> {
    let host = url.host_str().unwrap_or_default();
    match resolve(url, reach).await {
        Ok(found) => {
            let all: Vec<String> = found.iter().map(|one| one.ip().to_string()).collect();
            Ok((format!("{host} is {}", all.join(", ")), found))
        }
        Err(Unresolved::Unknown(why)) => {
            let remedy = "compare the host in url of the channel with what the partner says; see whether this machine \
                          can look up other names";
            Err(Wrong::unreached(format!("{host}: {why}"), remedy))
        }
        Err(Unresolved::NotAllowed(why)) => {
            let remedy = "if it is meant, add its network to allow_networks of the channel";
            Err(Wrong::new(why.split(';').next().unwrap_or_default(), remedy))
        }
    }
}

/// What the certificate of a server says, and whether it will do.
fn trust(shaken: &Handshake, host: &str) -> Seen<()> {
    let said = match Certificate::from_der(&shaken.certificate) {
        Ok(one) => {
            let names = if one.dns_names.is_empty() { one.common_name() } else { one.dns_names.join(", ") };
            let (from, until) = (one.not_before.strftime("%Y-%m-%d"), one.not_after.strftime("%Y-%m-%d"));
            format!("{}, a certificate for {} from {from} until {until}", shaken.version, shown(&names))
        }
        Err(_) => format!("{}, a certificate with a key of a kind that is not known here", shaken.version),
    };
    let remedy = || {
        format!(
            "ask the partner for a certificate for {host} of an authority; or add the one that it uses to the trusted \
             ones of this machine"
        )
    };
    match &shaken.trust {
        Ok(()) => Ok((format!("{said}; it is trusted"), ())),
        Err(why) => Err(Wrong::new(format!("{said}; it is not trusted: {why}"), remedy())),
    }
}

/// Posts the message; what was answered, and what the receipt has to say.
async fn post(
    service: &Service,
    channel: &Channel,
    as2: &As2,
    walk: &mut Walk,
    out: Outbound,
    made: Made<Vec<u8>>,
) -> Option<(Said, Option<Wanted>)> {
    let expected = "an answer of 200 or 202";
    let (content_type, own) = typed(made.headers).unwrap_or_default();
    let subject = "Test of the connection".to_owned();
    let own = lines(as2, walk.message_id.clone(), subject, own, made.mic.digest);
    let wanted = (as2.receipt != Receipt::None).then(|| {
        wanted_by(service, as2, [Some(made.mic), made.also].into_iter().flatten().collect(), walk.message_id.clone())
    });
    let Outbound { reach, credentials, headers, secrets, once } = out;
    let post = Post {
        url: channel.url.clone().unwrap_or_default(),
        method: Method::POST,
        key: None,
        content_type,
        headers: headers.into_iter().chain(own).collect(),
        secrets,
        body: Body::Held(made.body),
        reach,
        credentials,
        once,
        patience: ANSWER_WAIT,
        asked: if wanted.is_some() { Asked::Whole } else { Asked::Status },
    };
    let sent = tokio::time::timeout(ANSWER_WAIT, service.sender.send(post)).await;
    let late = || Outcome::Uncertain { reason: format!("no answer within {} s", ANSWER_WAIT.as_secs()) };
    let seen = answered(sent.unwrap_or_else(|_| late()));
    walk.went(StepName::Http, expected, seen).map(|said| (said, wanted))
}

/// What an answer of HTTP says.
fn answered(outcome: Outcome) -> Seen<Said> {
    let is_ours = matches!(outcome, Outcome::Permanent { .. });
    let (status, reason) = match outcome {
        Outcome::Delivered { status, answer } => return Ok((format!("{status}"), answer)),
        Outcome::Uncertain { reason } | Outcome::Unreadable { reason } => {
            return Err(Wrong::unreached(reason, "ask the partner for its log at this time, with this Message-ID"));
        }
        Outcome::NoToken(NoToken { reason, is_lasting }) => {
            let remedy = "compare token_url, client_id and client_secret of the auth with what the partner gave";
            let wrong =
                if is_lasting { Wrong::new(reason, remedy) } else { Wrong::unreached(reason, "try again later") };
            return Err(wrong);
        }
        Outcome::Transient { status, reason, .. } | Outcome::Permanent { status, reason } => (status, reason),
    };
    let remedy = match status {
        None if is_ours => "mend url or headers of the channel",
        None => return Err(Wrong::unreached(reason, "try again; ask the partner whether its server is up")),
        Some(401 | 403) => {
            "ask the partner which header lines it wants (headers of the channel), or whether it knows our address"
        }
        Some(404 | 405) => "compare the path in url of the channel with what the partner says",
        Some(300..=399) => "put the address that it redirects to into url of the channel, if the partner means it",
        Some(400..=499) => "ask the partner what it misses, with this Message-ID",
        Some(_) => "ask the partner for its log at this time, with this Message-ID; try again later",
    };
    Err(Wrong::new(reason, remedy))
}

/// What partners refuse with, and what to do about it.
const REFUSALS: [(&str, &str); 9] = [
    ("unknown-trading-relationship", "ask the partner whether it knows this pair of names: from and to of the channel"),
    ("authentication-failed", "give the partner the certificate with which the message is signed"),
    ("integrity-check-failed", "try sign: sha-256 and compress: none; something on the way may change messages"),
    (
        "decryption-failed",
        "ask the partner for the certificate that it decrypts with; try encrypt: aes256-cbc or aes128-cbc",
    ),
    ("decompression-failed", "set compress: none in the channel"),
    ("insufficient-message-security", "sign and encrypt as the partner asks: sign and encrypt of the channel"),
    ("unsupported", "ask the partner which receipts and digests it knows: receipt and sign of the channel"),
    (
        "expected multipart/report",
        "ask the partner whether its AS2 answers with a receipt (MDN) in the same call, or set receipt: none in the channel",
    ),
    ("expected a signed receipt", "ask the partner to sign its receipts, or set receipt: unsigned in the channel"),
];

/// What the receipt says, where one is awaited.
fn proven(as2: &As2, message_id: &str, answer: &Said, wanted: Option<&Wanted>, now: Timestamp) -> Seen<()> {
    let Some(wanted) = wanted else { return Ok(("the message was taken".to_owned(), ())) };
    let headers = Headers(answer.lines.clone());
    let remedy = |why: &str| {
        let known = REFUSALS.iter().find(|(word, _)| why.contains(word)).map(|(_, remedy)| *remedy);
        let who = "ask the partner whether the certificate is its own; if so, `portolan certificate list --offered` shows it, and \
                   `portolan certificate accept` puts it into certificates of the channel";
        let other =
            if why.contains("none of the partner's certificates") { who } else { "ask the partner for its log" };
        format!("{}; the Message-ID is {message_id}", known.unwrap_or(other))
    };
    match wanted.read(&headers, &answer.body, now) {
        Ok(Ok(())) => {
            let signed = if as2.receipt == Receipt::Signed { "a signed receipt" } else { "a receipt" };
            Ok((format!("{signed} that names the digest of what was sent"), ()))
        }
        Ok(Err(Unproved { reason, .. })) => {
            let why = answer.hidden.shown(&reason, usize::MAX);
            Err(Wrong::new(&why, remedy(&why)))
        }
        Err(error) => {
            let why = answer.hidden.shown(&error.detail, usize::MAX);
            let mut wrong = Wrong::new(&why, remedy(&why));
            wrong.stranger = error.stranger;
            Err(wrong)
        }
    }
}
