//! Posting to partners: one key for all attempts of a delivery, the same bytes each time, no redirects, and an honest
//! answer to the question whether it arrived.

use super::address::{Network, may_reach};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use std::net::SocketAddr;
use std::time::Duration;

/// Bytes of an answer that are looked at; the rest is not waited for.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Characters of an answer that are kept.
const ANSWER_SHOWN_MAX: usize = 300;
/// The most that a partner's Retry-After may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// One post.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// The delivery's key, sent as `Idempotency-Key`.
    pub key: String,
    /// Of the body.
    pub content_type: String,
    /// Further header lines; their values may be secrets.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub bytes: Vec<u8>,
    /// Networks that may be reached although they are not public.
    pub allowed: Vec<Network>,
    /// Until the first byte of the answer.
    pub patience: Duration,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered {
        /// Status of the answer.
        status: u16,
    },
    /// It did not arrive; it may later.
    Transient {
        /// Status, if there was an answer.
        status: Option<u16>,
        /// In words.
        reason: String,
        /// When the receiver wants it again.
        retry_after: Option<Duration>,
    },
    /// It was refused and will be again.
    Permanent {
        /// Status, if there was an answer.
        status: Option<u16>,
        /// In words.
        reason: String,
    },
    /// The bytes left, and no answer came.
    Uncertain {
        /// In words.
        reason: String,
    },
}

/// Posts once.
pub async fn send(post: &Post) -> Outcome {
    let (client, url) = match client(post).await {
        Ok(ready) => ready,
        Err(outcome) => return outcome,
    };
    let headers = match headers(post) {
        Ok(headers) => headers,
        Err(reason) => return Outcome::Permanent { status: None, reason },
    };
    let asked = client.post(url).headers(headers).body(post.bytes.clone()).send();
    match tokio::time::timeout(post.patience, asked).await {
        Err(_) => {
            let reason = format!("no answer within {} s; it may have arrived", post.patience.as_secs());
            Outcome::Uncertain { reason }
        }
        Ok(Err(error)) => failed(&error),
        Ok(Ok(response)) => answered(response, post.patience).await,
    }
}

/// A client that connects to the checked addresses and no others.
async fn client(post: &Post) -> Result<(reqwest::Client, Url), Outcome> {
    let permanent = |reason: String| Outcome::Permanent { status: None, reason };
    let url = Url::parse(&post.url).map_err(|error| permanent(format!("{}: {error}", post.url)))?;
    let host = url.host_str().ok_or_else(|| permanent(format!("{}: no host", post.url)))?.to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let name = host.trim_matches(['[', ']']).to_owned();
    let found = tokio::net::lookup_host((name.as_str(), port)).await.map_err(|error| Outcome::Transient {
        status: None,
        reason: format!("{host}: {error}"),
        retry_after: None,
    })?;
    let all: Vec<SocketAddr> = found.collect();
    let open: Vec<SocketAddr> = all.iter().copied().filter(|one| may_reach(one.ip(), &post.allowed)).collect();
    if open.is_empty() {
        let found = all.first().map_or_else(|| "no address".to_owned(), |one| one.ip().to_string());
        return Err(permanent(format!(
            "{host} is {found}, which is not a public address; if it is meant, add its network to allow_networks of the channel"
        )));
    }
    let client = reqwest::Client::builder()
        .resolve_to_addrs(&name, &open)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(post.patience)
        .no_proxy()
        .build()
        .map_err(|error| permanent(error.to_string()))?;
    Ok((client, url))
}

fn headers(post: &Post) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let own =
        [(CONTENT_TYPE, post.content_type.as_str()), (HeaderName::from_static("idempotency-key"), post.key.as_str())];
    for (name, value) in own {
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| "a header line with control characters")?);
    }
    for (name, value) in &post.headers {
        let key: HeaderName = name.parse().map_err(|_| format!("{name} is no name of a header line"))?;
        let mut value =
            HeaderValue::from_str(value).map_err(|_| format!("the value of header {name} has control characters"))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

fn failed(error: &reqwest::Error) -> Outcome {
    // The URL may carry a secret, so the error is told without it.
    let mut reason = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    if error.is_connect() {
        return Outcome::Transient { status: None, reason: format!("cannot connect: {reason}"), retry_after: None };
    }
    if error.is_builder() {
        return Outcome::Permanent { status: None, reason };
    }
    Outcome::Uncertain { reason: format!("the connection broke before an answer: {reason}") }
}

async fn answered(mut response: reqwest::Response, patience: Duration) -> Outcome {
    let status = response.status().as_u16();
    if response.status().is_success() {
        return Outcome::Delivered { status };
    }
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let retry_after = seconds.map(Duration::from_secs).map(|asked| asked.min(RETRY_AFTER_MAX));
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                break;
            }
        }
    };
    // What came until then is enough for a reason.
    let _ = tokio::time::timeout(patience, read).await;
    let said: String =
        String::from_utf8_lossy(&body).chars().filter(|c| !c.is_control()).take(ANSWER_SHOWN_MAX).collect();
    let reason = format!("the receiver answered {status}: {said}");
    match status {
        408 | 409 | 425 | 429 | 500..=599 => Outcome::Transient { status: Some(status), reason, retry_after },
        300..=399 => {
            Outcome::Permanent { status: Some(status), reason: format!("{reason} (redirects are not followed)") }
        }
        _ => Outcome::Permanent { status: Some(status), reason },
    }
}
