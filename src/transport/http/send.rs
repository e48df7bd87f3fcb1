//! Posting to partners: one key for all attempts of a delivery, the same bytes each time, no redirects, and an honest
//! answer to the question whether it arrived.

use super::address::{Network, may_reach};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of an answer that are looked at; the rest is not waited for.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Characters of an answer that are kept.
const ANSWER_SHOWN_MAX: usize = 300;
/// How long the rest of a good answer is read, so that its connection can be used again.
const ANSWER_REST_WAIT: Duration = Duration::from_secs(1);
/// How long a connection stays open without a post. Shorter than receivers commonly wait: what is sent while they close
/// it would be in doubt.
const CONNECTION_IDLE: Duration = Duration::from_secs(2);
/// How long a client is used.
const CLIENT_LIFE: Duration = Duration::from_secs(600);
/// The most that a partner's Retry-After may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// One post.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// The delivery's key, sent as `Idempotency-Key`; none where the body's protocol has one of its own.
    pub key: Option<String>,
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
    /// What stands in the answer is wanted, not only that there is one.
    pub is_asking: bool,
}

/// What stands in an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Its `Content-Type`; empty where it names none.
    pub content_type: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered {
        /// Status of the answer.
        status: u16,
        /// What stands in it, where that is wanted.
        answer: Said,
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

/// Posts, over connections that stay open for a while for the next post to the same receiver.
#[derive(Default)]
pub struct Sender {
    clients: Mutex<Vec<Client>>,
}

/// A client for all posts that may reach the same networks, so that no connection is used by who might not have made it.
struct Client {
    allowed: Vec<Network>,
    patience: Duration,
    made: Instant,
    client: reqwest::Client,
}

impl Sender {
    /// Posts once.
    pub async fn send(&self, post: Post) -> Outcome {
        let permanent = |reason: String| Outcome::Permanent { status: None, reason };
        let url = match Url::parse(&post.url) {
            Ok(url) => url,
            Err(error) => return permanent(format!("{}: {error}", post.url)),
        };
        if let Err(reason) = check_host(&url, &post.allowed) {
            return permanent(reason);
        }
        let headers = match headers(&post) {
            Ok(headers) => headers,
            Err(reason) => return permanent(reason),
        };
        let client = match self.client(&post) {
            Ok(client) => client,
            Err(error) => return permanent(error.to_string()),
        };
        let asked = client.post(url).headers(headers).body(post.bytes).send();
        match tokio::time::timeout(post.patience, asked).await {
            Err(_) => {
                let reason = format!("no answer within {} s; it may have arrived", post.patience.as_secs());
                Outcome::Uncertain { reason }
            }
            Ok(Err(error)) => failed(&error),
            Ok(Ok(response)) if post.is_asking && response.status().is_success() => said(response, post.patience).await,
            Ok(Ok(response)) => answered(response, post.patience).await,
        }
    }

    /// The client for such a post. One that has lived long enough is made anew, for it knows the authorities of when it
    /// was made; reading those takes some milliseconds, which is why it is kept at all.
    fn client(&self, post: &Post) -> reqwest::Result<reqwest::Client> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|one| one.made.elapsed() < CLIENT_LIFE);
        if let Some(one) = clients.iter().find(|one| one.allowed == post.allowed && one.patience == post.patience) {
            return Ok(one.client.clone());
        }
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Checked { allowed: post.allowed.clone() }))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(post.patience)
            .pool_idle_timeout(CONNECTION_IDLE)
            .no_proxy()
            .build()?;
        let (allowed, patience) = (post.allowed.clone(), post.patience);
        clients.push(Client { allowed, patience, made: Instant::now(), client: client.clone() });
        Ok(client)
    }
}

/// Finds the addresses of a name, and tells only those that may be reached.
struct Checked {
    allowed: Vec<Network>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.allowed.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await;
            let all: Vec<_> = found.map_err(|error| std::io::Error::other(format!("{host}: {error}")))?.collect();
            let open: Vec<_> = all.iter().copied().filter(|one| may_reach(one.ip(), &allowed)).collect();
            if open.is_empty() {
                return Err(Unreachable(not_public(host, all.first().map(SocketAddr::ip))).into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

/// A name that has only addresses that may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreachable(String);

/// Refuses an address in place of a name that may not be reached; nobody is asked about such a one.
fn check_host(url: &Url, allowed: &[Network]) -> Result<(), String> {
    let host = url.host_str().ok_or_else(|| format!("{url}: no host"))?;
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if !may_reach(address, allowed) => Err(not_public(host, Some(address))),
        _ => Ok(()),
    }
}

/// Why an address is not tried, and what to do where it is meant.
pub(super) fn not_public(host: &str, address: Option<IpAddr>) -> String {
    let found = address.map_or_else(|| "no address".to_owned(), |address| address.to_string());
    format!(
        "{host} is {found}, which is not a public address; if it is meant, add its network to allow_networks of the channel"
    )
}

fn headers(post: &Post) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let key = post.key.as_deref().map(|key| (HeaderName::from_static("idempotency-key"), key));
    for (name, value) in [(CONTENT_TYPE, post.content_type.as_str())].into_iter().chain(key) {
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
        if let Some(Unreachable(reason)) = inner.downcast_ref() {
            return Outcome::Permanent { status: None, reason: reason.clone() };
        }
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
        // Read to its end, the connection can take the next post; nobody waits for that.
        tokio::spawn(tokio::time::timeout(ANSWER_REST_WAIT, async move { read(&mut response).await }));
        return Outcome::Delivered { status, answer: Said::default() };
    }
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let retry_after = seconds.map(Duration::from_secs).map(|asked| asked.min(RETRY_AFTER_MAX));
    // What came until then is enough for a reason.
    let body = tokio::time::timeout(patience, read(&mut response)).await.unwrap_or_default();
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

/// A good answer whose body counts: without that, nobody knows what the receiver said.
async fn said(mut response: reqwest::Response, patience: Duration) -> Outcome {
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let whole = async {
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| "broke off")? {
            answer.extend_from_slice(&chunk);
            if answer.len() > ANSWER_BYTES_MAX {
                return Err("has more bytes than are looked at");
            }
        }
        Ok(answer)
    };
    match tokio::time::timeout(patience, whole).await.unwrap_or(Err("did not come to its end in time")) {
        Ok(body) => Outcome::Delivered { status, answer: Said { content_type, body } },
        Err(what) => Outcome::Uncertain { reason: format!("the receiver answered {status}, and its answer {what}") },
    }
}

/// The body of an answer, as far as it is looked at.
async fn read(response: &mut reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    fn post(host: &str, port: u16, allowed: &[&str]) -> Post {
        Post {
            url: format!("http://{host}:{port}/edi"),
            key: Some("k".into()),
            content_type: "application/EDIFACT".into(),
            headers: Vec::new(),
            bytes: b"UNB".to_vec(),
            allowed: allowed.iter().map(|text| text.parse().expect("a network")).collect(),
            patience: Duration::from_secs(10),
            is_asking: false,
        }
    }

    /// Answers every post on a connection, with a body, as long as the other side wants.
    async fn answer_all(mut stream: TcpStream) {
        let mut bytes = [0; 4096];
        let mut seen = Vec::new();
        while let Ok(length @ 1..) = stream.read(&mut bytes).await {
            seen.extend_from_slice(&bytes[..length]);
            if seen.ends_with(b"\r\n\r\nUNB") {
                seen.clear();
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthank").await.expect("written");
            }
        }
    }

    #[tokio::test]
    async fn posts_share_a_connection_but_not_with_those_that_may_reach_less() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let accepted = Arc::new(Mutex::new(0));
        let count = accepted.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().expect("no panic held it") += 1;
                tokio::spawn(answer_all(stream));
            }
        });
        let sender = Sender::default();
        for _ in 0..3 {
            let sent = sender.send(post("localhost", port, &["127.0.0.0/8", "::1"])).await;
            assert_eq!(sent, Outcome::Delivered { status: 200, answer: Said::default() });
            // The rest of the answer is read beside.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(*accepted.lock().expect("no panic held it"), 1);
        for host in ["localhost", "127.0.0.1"] {
            let refused = sender.send(post(host, port, &["10.0.0.0/8"])).await;
            assert!(
                matches!(&refused, Outcome::Permanent { reason, .. } if reason.contains("allow_networks")),
                "{host}: {refused:?}"
            );
        }
        assert_eq!(*accepted.lock().expect("no panic held it"), 1, "nothing was asked");
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_may_be_known_later() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let sent = Sender::default().send(post("nobody.invalid", 80, &[])).await;
        assert!(matches!(&sent, Outcome::Transient { reason, .. } if reason.contains("nobody.invalid")), "{sent:?}");
    }
}
