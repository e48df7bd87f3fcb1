//! Serving partners' posts: `POST /in/<channel>` and `POST /as2`; mailboxes (`mailbox`) stand beside them, and nothing else is on
//! this listener. Limits come before bytes; every refusal is `application/problem+json` (RFC 9457) that says what is wrong and what to do.

use super::mailbox::{self, Doors};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use serde_json::json;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Characters of an Idempotency-Key.
pub const KEY_CHARACTERS_MAX: usize = 255;
/// Seconds after which a sender told to come back should.
const COME_BACK_SECONDS: &str = "5";

/// What a sender says before its body.
#[derive(Debug, Clone, Default)]
pub struct Arrival {
    /// The channel in the path.
    pub channel: String,
    /// `Authorization`, as sent.
    pub authorization: Option<String>,
    /// The certificate of TLS that the sender showed and has the key of, in DER. Whether it counts is the channel's affair.
    pub certificate: Option<Vec<u8>>,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// `Content-Type`.
    pub content_type: String,
    /// `Host`.
    pub host: String,
    /// All header lines, for those protocols that have more to say in them; names in lower case.
    pub headers: Vec<(String, String)>,
}

/// The address that a connection comes from.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub IpAddr);

/// The certificate that a client showed when its connection was made, in DER.
#[derive(Debug, Clone)]
pub struct ClientCertificate(pub Arc<[u8]>);

/// Why a post is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// A stable word, such as `BODY-TOO-LARGE`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
}

/// The answer to a post that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// What stands in it.
    pub content_type: Cow<'static, str>,
    /// Further header lines.
    pub headers: Vec<(String, String)>,
    /// What it says.
    pub body: Vec<u8>,
    /// Where to ask after it; empty where nothing was kept.
    pub location: String,
    /// It was answered before.
    pub replayed: bool,
}

/// Takes what arrives.
pub trait Receiver: Send + Sync {
    /// May the sender send, here, at all? Returns the one who takes its body.
    fn begin<'r>(&'r self, arrival: Arrival) -> BoxFuture<'r, Result<Box<dyn Intake>, Refusal>>;
    /// The same of a message of AS2, whose header lines say who sends it.
    fn begin_as2<'r>(&'r self, arrival: Arrival) -> BoxFuture<'r, Result<Box<dyn Intake>, Refusal>>;
}

/// Takes one body.
pub trait Intake: Send {
    /// The next bytes; it may wait until there is room for them.
    fn write<'w>(&'w mut self, bytes: &'w [u8]) -> BoxFuture<'w, Result<(), Refusal>>;
    /// That was all: keeps it, and answers once it is kept.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Answer, Refusal>>;
}

/// Limits of the listener.
#[derive(Debug, Clone)]
pub struct ReceiveLimits {
    /// Bodies at once.
    pub bodies_at_once: usize,
    /// Bytes of all header lines.
    pub header_bytes: usize,
    /// How slow a body may be.
    pub pace: Pace,
}

/// How slow a body may be before it is given up.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Without a byte.
    pub idle: Duration,
    /// Bytes a second on average, counted from the first `idle` on.
    pub bytes_per_second: u64,
}

#[derive(Clone)]
struct Shared {
    receiver: Arc<dyn Receiver>,
    places: Arc<Semaphore>,
    header_bytes: usize,
    pace: Pace,
}

/// The router of the partner listener; without `doors` no mailboxes are on it.
pub fn router(receiver: Arc<dyn Receiver>, doors: Option<Arc<dyn Doors>>, limits: &ReceiveLimits) -> Router {
    let places = Arc::new(Semaphore::new(limits.bodies_at_once));
    let mailboxes = doors.map(|doors| mailbox::router(doors, places.clone(), limits));
    let shared = Shared { receiver, places, header_bytes: limits.header_bytes, pace: limits.pace };
    Router::new()
        .route("/in/{channel}", post(take).fallback(wrong_method))
        .route("/as2", post(take_as2).fallback(wrong_method))
        .fallback(nothing_here)
        .with_state(shared)
        .merge(mailboxes.unwrap_or_default())
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let title = status.canonical_reason().unwrap_or("Error");
        let body = json!({ "type": "about:blank", "title": title, "status": self.status, "code": self.code,
            "detail": self.detail });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.status {
            401 => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer, Basic realm=\"portolan\""))),
            503 | 429 => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static(COME_BACK_SECONDS))),
            _ => {}
        }
        response
    }
}

async fn nothing_here() -> Refusal {
    let detail = "this listener takes POST /in/<channel>, POST /as2 and /mailbox/<name> only".to_owned();
    Refusal { status: 404, code: "PATH-UNKNOWN", detail }
}

async fn wrong_method() -> Response {
    not_the_method("POST", "documents are sent with POST")
}

/// Another method is meant: `allowed`, by commas.
pub(super) fn not_the_method(allowed: &'static str, detail: &str) -> Response {
    let refusal = Refusal { status: 405, code: "METHOD-WRONG", detail: detail.to_owned() };
    let mut response = refusal.into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

async fn take(
    State(shared): State<Shared>,
    Path(channel): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    receive(shared, Some(channel), request).await
}

async fn take_as2(State(shared): State<Shared>, request: Request) -> Result<Response, Refusal> {
    receive(shared, None, request).await
}

/// A place among the bodies that are being received.
pub(super) fn place(places: &Semaphore) -> Result<SemaphorePermit<'_>, Refusal> {
    let detail = || "too many bodies are being received; send it again in a few seconds".to_owned();
    places.try_acquire().map_err(|_| Refusal { status: 503, code: "BUSY", detail: detail() })
}

/// Whether header lines are few enough, and the body as it is.
///
/// # Errors
/// They are not.
pub fn check_head(headers: &HeaderMap, most: usize) -> Result<(), Refusal> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > most {
        let detail = format!("the header lines have {size} bytes, {most} are taken; send fewer");
        return Err(Refusal { status: 431, code: "HEADER-TOO-LARGE", detail });
    }
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|value| *value != "identity") {
        let detail = format!("Content-Encoding {encoding:?} is not taken; send the body as it is");
        return Err(Refusal { status: 415, code: "ENCODING-UNKNOWN", detail });
    }
    Ok(())
}

/// Takes a body for a channel, or a message of AS2.
async fn receive(shared: Shared, channel: Option<String>, request: Request) -> Result<Response, Refusal> {
    let _place = place(&shared.places)?;
    check_head(request.headers(), shared.header_bytes)?;
    let headers = request.headers();
    let arrival = Arrival {
        channel: channel.clone().unwrap_or_default(),
        authorization: text(headers, &AUTHORIZATION),
        certificate: request.extensions().get::<ClientCertificate>().map(|ClientCertificate(der)| der.to_vec()),
        key: key(headers)?,
        content_type: text(headers, &CONTENT_TYPE).unwrap_or_else(|| "application/octet-stream".to_owned()),
        host: text(headers, &HOST).unwrap_or_default(),
        headers: headers.iter().map(line).collect(),
    };
    let length: Option<u64> = text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let intake = match channel {
        Some(_) => shared.receiver.begin(arrival).await?,
        None => shared.receiver.begin_as2(arrival).await?,
    };
    let answer = body(intake, request.into_body(), length, shared.pace).await?;
    Ok(answered(answer))
}

/// An answer as it is sent.
#[must_use]
pub fn answered(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::ACCEPTED);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    if !answer.content_type.is_empty() {
        let kind = HeaderValue::from_str(&answer.content_type);
        headers.insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    }
    if let (false, Ok(location)) = (answer.location.is_empty(), HeaderValue::from_str(&answer.location)) {
        headers.insert(LOCATION, location);
    }
    if answer.replayed {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// Takes a body to its end, within the pace.
///
/// # Errors
/// It is cut, empty or too slow, or is not taken.
pub async fn body(
    mut intake: Box<dyn Intake>,
    mut body: Body,
    length: Option<u64>,
    pace: Pace,
) -> Result<Answer, Refusal> {
    let begin = Instant::now();
    let slow = |detail: String| Refusal { status: 408, code: "BODY-SLOW", detail };
    let mut taken = 0u64;
    loop {
        let frame = match tokio::time::timeout(pace.idle, body.frame()).await {
            Err(_) => {
                let seconds = pace.idle.as_secs();
                return Err(slow(format!("no byte came for {seconds} s after {taken} bytes; send it again")));
            }
            Ok(None) => break,
            Ok(Some(Err(_))) => {
                let detail = format!("the connection broke after {taken} bytes; nothing was kept, send it again");
                return Err(Refusal { status: 400, code: "BODY-CUT", detail });
            }
            Ok(Some(Ok(frame))) => frame,
        };
        if let Ok(bytes) = frame.into_data() {
            taken += bytes.len() as u64;
            intake.write(&bytes).await?;
            let counted = begin.elapsed().saturating_sub(pace.idle).as_secs();
            if taken < counted.saturating_mul(pace.bytes_per_second) {
                let (seconds, least) = (begin.elapsed().as_secs(), pace.bytes_per_second);
                return Err(slow(format!(
                    "{taken} bytes came in {seconds} s, at least {least} a second are expected; send it again"
                )));
            }
        }
    }
    if length.is_some_and(|length| length != taken) {
        let detail = format!("Content-Length says {}, {taken} bytes came", length.unwrap_or(0));
        return Err(Refusal { status: 400, code: "BODY-CUT", detail });
    }
    if taken == 0 {
        let detail = "the body is empty; send one interchange or several".to_owned();
        return Err(Refusal { status: 400, code: "BODY-EMPTY", detail });
    }
    intake.finish().await
}

/// A header line as text; octets beyond ASCII are those of Latin 1, as HTTP had it.
fn line((name, value): (&HeaderName, &HeaderValue)) -> (String, String) {
    (name.as_str().to_owned(), value.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

/// A header line, where it is ASCII.
#[must_use]
pub fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// `Idempotency-Key`.
///
/// # Errors
/// It is too long, or none.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default().trim();
    if key.is_empty() || key.len() > KEY_CHARACTERS_MAX {
        let detail = format!("expected an Idempotency-Key of 1 to {KEY_CHARACTERS_MAX} printable characters");
        return Err(Refusal { status: 400, code: "KEY-INVALID", detail });
    }
    Ok(Some(key.to_owned()))
}
