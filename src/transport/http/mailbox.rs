//! Mailboxes over HTTPS: folders are listed, files fetched, dropped and removed, and taken for a while by systems that confirm
//! when they are done. It says how that looks on the wire (RFC 9110, RFC 9530) and keeps nothing; what lies in a mailbox, and who
//! may come in, is said by who implements [`Doors`].
//!
//! Not supported: several ranges in one request, conditional PUT, WebDAV. Why: no client of a mailbox needs them. Seen as: all of
//! the file is sent; the header line is not looked at; 405.

use super::body::streamed_part;
use super::receive::{
    self, Intake, Pace, PeerAddress, ReceiveLimits, Refusal, answered, check_head, not_the_method, place,
};
use crate::clock::Timestamp;
use crate::transport::source::Source;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt as _, stream};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Files that are fetched at once, of all mailboxes.
pub const FETCHES_AT_ONCE: usize = 200;
/// Bytes of what is said of a lease, at most.
const SAID_BYTES_MAX: usize = 64 * 1024;
/// Files of a lease where it is not said how many.
const LEASE_FILES: u32 = 10;
/// Seconds of a lease where it is not said how many.
const LEASE_SECONDS: u32 = 300;

/// Lets in to mailboxes.
pub trait Doors: Send + Sync {
    /// The mailbox, if what is shown (`Authorization`) is right and the address may come in. Mailboxes that there are not, wrong
    /// tokens and wrong networks have one answer.
    fn open<'d>(
        &'d self,
        mailbox: &'d str,
        shown: Option<&'d str>,
        address: IpAddr,
    ) -> BoxFuture<'d, Result<Arc<dyn Mailbox>, Refusal>>;
}

/// A mailbox, for one who was let in.
pub trait Mailbox: Send + Sync {
    /// Its folders.
    fn folders(&self) -> Value;
    /// A page of what lies in a folder.
    fn list<'m>(&'m self, folder: &'m str, page: &'m Page) -> BoxFuture<'m, Result<Value, Refusal>>;
    /// Opens a file to be fetched.
    fn fetch<'m>(&'m self, folder: &'m str, name: &'m str) -> BoxFuture<'m, Result<Lying, Refusal>>;
    /// Begins to take a file.
    fn put(
        &self,
        folder: &str,
        name: &str,
        content_type: &str,
        key: Option<String>,
    ) -> Result<Box<dyn Intake>, Refusal>;
    /// Removes a file from sight.
    fn remove<'m>(&'m self, folder: &'m str, name: &'m str) -> BoxFuture<'m, Result<(), Refusal>>;
    /// Takes the next files for a while.
    fn lease<'m>(&'m self, folder: &'m str, asked: &'m AskedLease) -> BoxFuture<'m, Result<Value, Refusal>>;
    /// Says that the work on files is done.
    fn confirm<'m>(&'m self, folder: &'m str, done: Done) -> BoxFuture<'m, Result<Value, Refusal>>;
    /// Holds files for so many seconds from now on; none: gives them back.
    fn hold<'m>(&'m self, folder: &'m str, kept: Kept) -> BoxFuture<'m, Result<Value, Refusal>>;
}

/// Which page of a listing is wanted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Page {
    /// `next` of the page before.
    pub after: Option<String>,
    /// Files, at most; 0: as many as there may be.
    pub limit: u32,
}

/// What is to be taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AskedLease {
    /// Files, at most.
    pub files: u32,
    /// For how long.
    pub seconds: u32,
}

impl Default for AskedLease {
    fn default() -> Self {
        Self { files: LEASE_FILES, seconds: LEASE_SECONDS }
    }
}

/// Files on which the work is done.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// Under which they are held.
    pub lease: String,
    /// Their names. All are to be named, so that one that was lost meanwhile is noticed.
    pub files: Vec<String>,
}

/// Files that are held for longer, or no more.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Under which they are held.
    pub lease: String,
    /// Their names; all that are left when left out.
    #[serde(default)]
    pub files: Option<Vec<String>>,
    /// For how long, from now on.
    #[serde(default)]
    pub seconds: Option<u32>,
}

/// A file that lies there.
pub struct Lying {
    /// Its bytes.
    pub source: Arc<dyn Source>,
    /// SHA-256 of them.
    pub digest: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
    /// Told what of it leaves.
    pub fetched: Arc<dyn Fetched>,
}

/// Told what of a file leaves.
pub trait Fetched: Send + Sync {
    /// These bytes went out, and then it was broken off.
    fn part(&self, start: u64, until: u64);
    /// The last of these bytes are about to go out. When this returns, a fetch that is complete by them is noted.
    fn whole(&self, start: u64, until: u64) -> BoxFuture<'_, io::Result<()>>;
}

#[derive(Clone)]
struct Shared {
    doors: Arc<dyn Doors>,
    places: Arc<Semaphore>,
    fetches: Arc<Semaphore>,
    header_bytes: usize,
    pace: Pace,
}

/// The routes of mailboxes; `places` are those of bodies that are being received.
pub(super) fn router(doors: Arc<dyn Doors>, places: Arc<Semaphore>, limits: &ReceiveLimits) -> Router {
    let fetches = Arc::new(Semaphore::new(FETCHES_AT_ONCE));
    let shared = Shared { doors, places, fetches, header_bytes: limits.header_bytes, pace: limits.pace };
    let only = |allowed: &'static str| {
        move || async move { not_the_method(allowed, &format!("this path of a mailbox takes {allowed}")) }
    };
    Router::new()
        .route("/mailbox/{mailbox}", get(folders).fallback(only("GET, HEAD")))
        .route("/mailbox/{mailbox}/{folder}", get(list).fallback(only("GET, HEAD")))
        .route(
            "/mailbox/{mailbox}/{folder}/{name}",
            get(fetch).put(drop_file).delete(remove).post(steer).fallback(only("GET, HEAD, PUT, DELETE, POST")),
        )
        .route("/mailbox/{mailbox}/", get(folders).fallback(only("GET, HEAD")))
        .with_state(shared)
}

/// The mailbox that a request is for, once it may come in.
fn open<'o>(
    shared: &'o Shared,
    mailbox: &'o str,
    request: &Request,
) -> impl Future<Output = Result<Arc<dyn Mailbox>, Refusal>> + Send + use<'o> {
    let fit = check_head(request.headers(), shared.header_bytes);
    let address = request.extensions().get::<PeerAddress>().map(|PeerAddress(address)| address.to_canonical());
    let shown = receive::text(request.headers(), &AUTHORIZATION);
    async move {
        fit?;
        shared.doors.open(mailbox, shown.as_deref(), address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))).await
    }
}

async fn folders(
    State(shared): State<Shared>,
    Path(mailbox): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let mailbox = open(&shared, &mailbox, &request).await?;
    Ok(Json(mailbox.folders()).into_response())
}

async fn list(
    State(shared): State<Shared>,
    Path((mailbox, folder)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let mailbox = open(&shared, &mailbox, &request).await?;
    let Query(page) = Query::<Page>::try_from_uri(request.uri()).map_err(|error| Refusal {
        status: 400,
        code: "QUERY-INVALID",
        detail: format!("expected after and limit, found {}", error.body_text()),
    })?;
    Ok(Json(mailbox.list(&folder, &page).await?).into_response())
}

async fn remove(
    State(shared): State<Shared>,
    Path((mailbox, folder, name)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let mailbox = open(&shared, &mailbox, &request).await?;
    mailbox.remove(&folder, &name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn drop_file(
    State(shared): State<Shared>,
    Path((mailbox, folder, name)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let mailbox = open(&shared, &mailbox, &request).await?;
    let _place = place(&shared.places)?;
    let headers = request.headers();
    if headers.contains_key(CONTENT_RANGE) {
        let detail = "a file is sent whole, without Content-Range (RFC 9110, 14.5)".to_owned();
        return Err(Refusal { status: 400, code: "RANGE-NOT-TAKEN", detail });
    }
    let content_type = receive::text(headers, &CONTENT_TYPE).unwrap_or_else(|| "application/octet-stream".to_owned());
    let length = receive::text(headers, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let intake = mailbox.put(&folder, &name, &content_type, receive::key(headers)?)?;
    receive::body(intake, request.into_body(), length, shared.pace).await.map(answered)
}

/// What is done with files that are taken: `lease`, `confirm`, `extend`, `give-back`. Nothing is posted to a file, so that these
/// words are in the way of no name.
async fn steer(
    State(shared): State<Shared>,
    Path((mailbox, folder, verb)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let mailbox = open(&shared, &mailbox, &request).await?;
    let body = request.into_body();
    let done = match verb.as_str() {
        "lease" => mailbox.lease(&folder, &said(body, shared.pace).await?).await?,
        "confirm" => mailbox.confirm(&folder, said(body, shared.pace).await?).await?,
        "extend" => {
            let kept: Kept = said(body, shared.pace).await?;
            mailbox.hold(&folder, Kept { seconds: kept.seconds.or(Some(LEASE_SECONDS)), ..kept }).await?
        }
        "give-back" => mailbox.hold(&folder, Kept { seconds: None, ..said(body, shared.pace).await? }).await?,
        _ => {
            let detail = "expected POST to lease, confirm, extend or give-back of a folder; files are sent with PUT";
            return Ok(not_the_method("GET, HEAD, PUT, DELETE", detail));
        }
    };
    Ok(Json(done).into_response())
}

/// What is said in a body; `{}` where it is empty.
async fn said<T: DeserializeOwned>(body: Body, pace: Pace) -> Result<T, Refusal> {
    let invalid = |detail: String| Refusal { status: 400, code: "BODY-INVALID", detail };
    let bytes = tokio::time::timeout(pace.idle, Limited::new(body, SAID_BYTES_MAX).collect()).await;
    let bytes = bytes.map_err(|_| Refusal {
        status: 408,
        code: "BODY-SLOW",
        detail: format!("it did not come within {} s; send it again", pace.idle.as_secs()),
    })?;
    let bytes = bytes.map_err(|_| invalid(format!("expected a body of up to {SAID_BYTES_MAX} bytes")))?.to_bytes();
    let bytes = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
    serde_json::from_slice(bytes).map_err(|error| invalid(format!("expected JSON: {error}")))
}

/// The bytes that are asked for, and how that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    All,
    Part(u64, u64),
    Beyond,
}

/// Reads `Range` (RFC 9110, 14.2) for a file of so many bytes; what is none, or names several, is left out of account.
fn asked(range: Option<&str>, size: u64) -> Asked {
    let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")).filter(|range| !range.contains(',')) else {
        return Asked::All;
    };
    let Some((first, last)) = range.trim().split_once('-') else { return Asked::All };
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let (start, until) = match (first, last) {
        ("", last) => match number(last) {
            Some(count) => (size.saturating_sub(count), if count == 0 { 0 } else { size }),
            None => return Asked::All,
        },
        (first, "") => match number(first) {
            Some(start) => (start, size),
            None => return Asked::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(start), Some(last)) if start <= last => (start, size.min(last.saturating_add(1))),
            _ => return Asked::All,
        },
    };
    if start < until && until <= size { Asked::Part(start, until) } else { Asked::Beyond }
}

async fn fetch(
    State(shared): State<Shared>,
    Path((mailbox, folder, name)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let mailbox = open(&shared, &mailbox, &request).await?;
    let lying = mailbox.fetch(&folder, &name).await?;
    let (size, headers) = (lying.source.length(), request.headers());
    let hexadecimal: String = lying.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{hexadecimal}\"");
    let at = lying.at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let told = [
        (ETAG, etag.clone()),
        (LAST_MODIFIED, at),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        // Never shown by a browser, whatever it is.
        (CONTENT_DISPOSITION, "attachment".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    let digest = [("repr-digest", format!("sha-256=:{}:", STANDARD.encode(&lying.digest)))];
    if names(headers.get(IF_NONE_MATCH), &etag) {
        return Ok((StatusCode::NOT_MODIFIED, told, digest).into_response());
    }
    // With another file in mind than this one, all of this one is wanted (RFC 9110, 13.1.5).
    let is_this = headers.get(IF_RANGE).is_none_or(|one| one.as_bytes() == etag.as_bytes());
    let range = receive::text(headers, &RANGE).filter(|_| is_this && *request.method() == Method::GET);
    let (status, start, until) = match asked(range.as_deref(), size) {
        Asked::All => (StatusCode::OK, 0, size),
        Asked::Part(start, until) => (StatusCode::PARTIAL_CONTENT, start, until),
        Asked::Beyond => {
            let refusal = Refusal {
                status: 416,
                code: "RANGE-BEYOND",
                detail: format!("the file has {size} bytes; ask for some of these"),
            };
            return Ok(([(CONTENT_RANGE, format!("bytes */{size}"))], refusal).into_response());
        }
    };
    let body = if *request.method() == Method::HEAD {
        Body::empty()
    } else {
        let place = shared.fetches.clone().try_acquire_owned().map_err(|_| Refusal {
            status: 503,
            code: "BUSY",
            detail: "too many files are being fetched; fetch it again in a few seconds".to_owned(),
        })?;
        let pieces = streamed_part(lying.source, start, until, place);
        if start == until {
            let unkept = |_| Refusal { status: 503, code: "NOT-NOTED", detail: "fetch it again later".to_owned() };
            lying.fetched.whole(start, until).await.map_err(unkept)?;
        }
        // The mailbox stays open as long as something of it leaves.
        Body::from_stream(leaving(Box::pin(pieces), lying.fetched, (start, until), mailbox))
    };
    let mut response = (status, told, digest, body).into_response();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(until - start));
    if let (StatusCode::PARTIAL_CONTENT, Ok(range)) =
        (status, HeaderValue::from_str(&format!("bytes {start}-{}/{size}", until - 1)))
    {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    Ok(response)
}

/// Whether a list of entity tags names this one (RFC 9110, 13.1.2).
fn names(list: Option<&HeaderValue>, etag: &str) -> bool {
    let list = list.and_then(|list| list.to_str().ok()).unwrap_or_default();
    list.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == etag || one == "*")
}

/// Bytes on their way out.
struct Leaving<P> {
    pieces: P,
    fetched: Arc<dyn Fetched>,
    start: u64,
    at: u64,
    until: u64,
    _mailbox: Arc<dyn Mailbox>,
}

impl<P> Drop for Leaving<P> {
    fn drop(&mut self) {
        if self.start < self.at && self.at < self.until {
            self.fetched.part(self.start, self.at);
        }
    }
}

/// The pieces, and before the last of them leaves it is noted that all of them did: who has all of a file is noted, whatever
/// happens to us then. Where it cannot be noted, the last piece does not leave, and the client begins anew.
fn leaving<P: Stream<Item = io::Result<Vec<u8>>> + Send + Unpin + 'static>(
    pieces: P,
    fetched: Arc<dyn Fetched>,
    (start, until): (u64, u64),
    mailbox: Arc<dyn Mailbox>,
) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + 'static {
    let leaving = Leaving { pieces, fetched, start, at: start, until, _mailbox: mailbox };
    stream::try_unfold(leaving, |mut leaving| async move {
        let Some(piece) = leaving.pieces.next().await else { return Ok(None) };
        let piece = piece?;
        if leaving.at + piece.len() as u64 >= leaving.until {
            leaving.fetched.whole(leaving.start, leaving.until).await?;
        }
        leaving.at += piece.len() as u64;
        Ok(Some((piece, leaving)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_has_them() {
        for (range, found) in [
            (None, Asked::All),
            (Some("bytes=0-"), Asked::Part(0, 100)),
            (Some("bytes=0-0"), Asked::Part(0, 1)),
            (Some("bytes=40-59"), Asked::Part(40, 60)),
            (Some("bytes=40-5000"), Asked::Part(40, 100)),
            (Some("bytes=-10"), Asked::Part(90, 100)),
            (Some("bytes=-500"), Asked::Part(0, 100)),
            (Some("bytes=-0"), Asked::Beyond),
            (Some("bytes=100-"), Asked::Beyond),
            (Some("bytes=5-2"), Asked::All),
            (Some("bytes=0-1,5-6"), Asked::All),
            (Some("bytes=+1-5"), Asked::All),
            (Some("bytes=1-18446744073709551615"), Asked::Part(1, 100)),
            (Some("lines=0-1"), Asked::All),
        ] {
            assert_eq!(asked(range, 100), found, "{range:?}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Beyond);
    }

    #[test]
    fn entity_tags_are_found_in_a_list() {
        let list = HeaderValue::from_static("\"a\", W/\"b\"");
        assert!(names(Some(&list), "\"b\"") && !names(Some(&list), "\"c\"") && !names(None, "\"a\""));
        assert!(names(Some(&HeaderValue::from_static("*")), "\"a\""));
    }
}
