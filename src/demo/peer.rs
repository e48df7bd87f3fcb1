//! A small trading partner of our own: takes posts and, where it has a key, messages of AS2; answers business documents with the acknowledgment of its standard,
//! and posts what it is told to. It is no part of the product's service.

use super::as2::{House, Opened};
use crate::clock::{Clock as _, SystemClock};
use crate::codec::segment::{AckChoice, Inspection, InterchangeReport, Limits, Stamp, acknowledge};
use crate::pipeline::identify::ACKNOWLEDGMENTS;
use crate::standard::load::Library;
use crate::transport::as2::mime::Headers;
use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedSender;

/// What a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// X12, answers with 997.
    X12,
    /// EDIFACT, answers with CONTRL.
    Edifact,
}

/// A peer; it serves until the process ends.
#[derive(Clone)]
pub struct Peer {
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    language: Language,
    address: SocketAddr,
    /// Where it posts to, and what it shows there.
    hub: Mutex<(String, String)>,
    /// Who it is over AS2.
    house: Option<House>,
    numbers: AtomicU32,
    library: Library,
    client: reqwest::Client,
    seen: UnboundedSender<String>,
}

impl Peer {
    /// Starts a peer on a free loopback port, where `/edi` takes posts and `/as2` messages to its house. What it sees it
    /// tells as lines.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(
        name: &'static str,
        language: Language,
        house: Option<House>,
        seen: UnboundedSender<String>,
    ) -> anyhow::Result<Self> {
        // The first to ask decides; all our parts use the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let inner = Inner {
            name,
            language,
            address: listener.local_addr()?,
            hub: Mutex::default(),
            house,
            numbers: AtomicU32::new(1),
            library: Library::new(None),
            client: reqwest::Client::builder().no_proxy().build()?,
            seen,
        };
        let peer = Peer { inner: Arc::new(inner) };
        let router = Router::new().route("/edi", post(take)).route("/as2", post(take_as2)).with_state(peer.clone());
        tokio::spawn(async move {
            // Ends with the process.
            let _ = axum::serve(listener, router).await;
        });
        Ok(peer)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.inner.address.port()
    }

    /// Says where to post to, and what to show there.
    pub fn connect(&self, url: &str, authorization: &str) {
        let mut hub = self.inner.hub.lock().unwrap_or_else(PoisonError::into_inner);
        *hub = (url.to_owned(), authorization.to_owned());
    }

    /// Posts bytes under a key; returns what was answered, in words.
    ///
    /// # Errors
    /// Nobody answered.
    pub async fn post(&self, key: &str, bytes: &[u8]) -> anyhow::Result<String> {
        let (url, authorization) = self.inner.hub.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let request = self.inner.client.post(&url).header("authorization", authorization);
        let request = request.header("idempotency-key", format!("{}-{key}", self.inner.name)).body(bytes.to_vec());
        let response = request.send().await.with_context(|| format!("{url} does not answer"))?;
        let status = response.status();
        let answer: serde_json::Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        let word = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        Ok(format!("{status} {}{}", word("transmission"), word("detail")))
    }
}

async fn take(State(peer): State<Peer>, body: Bytes) -> StatusCode {
    look(&peer, &body, "")
}

/// Opens a message of AS2, and answers with the receipt.
async fn take_as2(State(peer): State<Peer>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(house) = &peer.inner.house else { return StatusCode::NOT_FOUND.into_response() };
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let lines = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let Ok(Opened { payload, told, receipt }) = house.take(&Headers(lines), &body) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    match payload {
        Some(payload) => drop(look(&peer, &payload, &format!(", {told}"))),
        None => drop(peer.inner.seen.send(format!("{} ← a message {told}", peer.inner.name))),
    }
    ([(CONTENT_TYPE, receipt.content_type)], receipt.bytes).into_response()
}

/// Tells what came, and sees to its acknowledgment.
fn look(peer: &Peer, body: &[u8], how: &str) -> StatusCode {
    let inner = &peer.inner;
    let Ok(reports) = Inspection::new(&inner.library).whole(body, Limits::default()) else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    for report in reports.into_iter().filter(|report| report.number > 0) {
        let kinds: Vec<String> = report
            .groups
            .iter()
            .flat_map(|group| &group.documents)
            .map(|document| document.envelope.document_type.clone())
            .collect();
        let _ = inner.seen.send(format!("{} ← {} ({} bytes){how}", inner.name, kinds.join(", "), body.len()));
        if kinds.iter().any(|kind| !ACKNOWLEDGMENTS.contains(&kind.as_str())) {
            let peer = peer.clone();
            tokio::spawn(async move { answer(&peer, &report).await });
        }
    }
    StatusCode::OK
}

/// Sends the acknowledgment of the peer's standard back.
async fn answer(peer: &Peer, report: &InterchangeReport) {
    let number = peer.inner.numbers.fetch_add(1, Ordering::SeqCst).to_string();
    let prepared = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let stamp =
        Stamp { interchange_control_number: number.clone(), group_control_numbers: vec![number.clone()], prepared };
    let kind = match peer.inner.language {
        Language::X12 => "997",
        Language::Edifact => "CONTRL",
    };
    let written = acknowledge(report, AckChoice::default()).map(|acknowledgment| acknowledgment.encode(&stamp));
    let Some(Ok(bytes)) = written else { return };
    let told = match peer.post(&format!("ack-{number}"), &bytes).await {
        Ok(answer) => format!("{} → {kind}: {answer}", peer.inner.name),
        Err(error) => format!("{} → {kind}: {error:#}", peer.inner.name),
    };
    let _ = peer.inner.seen.send(told);
}
