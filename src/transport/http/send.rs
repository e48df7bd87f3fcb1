//! Posting to partners: one key for all attempts of a delivery, the same bytes each time, no redirects, and an honest
//! answer to the question whether it arrived.

use super::auth::oauth2::{NoToken, Tokens};
use super::auth::{Credentials, Means, Request, Secrets};
use super::body::{Body, Progress};
use super::later::retry_after;
use super::reach::{Clients, Owner, Reach, ReachError};
use crate::clock::Timestamp;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Url};
use std::time::Duration;

/// Bytes of an answer that are looked at; the rest is not waited for.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Characters of an answer that are kept.
const ANSWER_SHOWN_MAX: usize = 300;
/// A body that a receiver takes more slowly than this is given up; each has the patience of its answer besides.
pub const SLOWEST_BYTES_A_SECOND: u64 = 8 * 1024;
/// How long the rest of a good answer is read, so that its connection can be used again.
const ANSWER_REST_WAIT: Duration = Duration::from_secs(1);
/// The most that a partner's Retry-After may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);
/// What is said of a proxy that answers CONNECT with 407.
const PROXY_REFUSES: &str = "proxy authorization required";

/// One post.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// With which method.
    pub method: Method,
    /// The delivery's key, sent as `Idempotency-Key`; none where the body's protocol has one of its own.
    pub key: Option<String>,
    /// Of the body.
    pub content_type: String,
    /// Further header lines; their values may be secrets.
    pub headers: Vec<(String, String)>,
    /// Those of their values that are.
    pub secrets: Secrets,
    /// The body.
    pub body: Body,
    /// How the receiver is reached.
    pub reach: Reach,
    /// How it is shown who sends it.
    pub credentials: Credentials,
    /// The present time and random text, for signatures.
    pub once: Once,
    /// Without a byte taken, and until the first byte of the answer; a body goes at 8 KiB a second besides.
    pub patience: Duration,
    /// What is wanted of the answer.
    pub asked: Asked,
}

/// What is wanted of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// That there is one.
    Status,
    /// What stands in it, which says what became of ours: without all of it nobody knows. 1 MiB at most.
    Whole,
    /// What stands in it, which is something of its own: ours has arrived all the same where it has more than so many bytes,
    /// and is cut somewhere behind them.
    Cut(usize),
}

/// What signatures have that no other may have.
#[derive(Debug, Clone, Default)]
pub struct Once {
    /// The present time.
    pub now: Timestamp,
    /// Random text that is used once.
    pub nonce: String,
}

/// What stands in an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Its `Content-Type`; empty where it names none.
    pub content_type: String,
    /// All its header lines that are text.
    pub lines: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// What of ours it may repeat, and nobody may see.
    pub hidden: Secrets,
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
    /// Nothing was sent, for there is no token that would show who sends it.
    NoToken(NoToken),
    /// Our own bytes cannot be read, so that not all of them left.
    Unreadable {
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
    clients: Clients,
    tokens: Tokens,
}

impl Sender {
    /// Posts once; and once more where the receiver refuses a token that was had before, with a fresh one.
    pub async fn send(&self, post: Post) -> Outcome {
        let permanent = |reason: String| Outcome::Permanent { status: None, reason };
        let url = match Url::parse(&post.url) {
            Ok(url) => url,
            Err(error) => return permanent(format!("{}: {error}", post.url)),
        };
        if let Err(error) = post.reach.check(&url).await {
            return permanent(error.to_string());
        }
        let headers = match headers(&post, &url) {
            Ok(headers) => headers,
            Err(reason) => return permanent(reason),
        };
        let client = match self.clients.of(&post.reach, post.patience) {
            Ok(client) => client,
            Err(error) => return permanent(error.to_string()),
        };
        let secrets = post.reach.secrets().with(&post.credentials.secrets()).with(&post.secrets);
        let Means::OAuth2(grant) = &post.credentials.means else {
            return told(&post.credentials, once(&client, url, headers, &post, &secrets).await);
        };
        let mut spent: Option<String> = None;
        loop {
            let had = match self.tokens.of(grant, &self.clients, spent.as_deref()).await {
                Ok(had) => had,
                Err(NoToken { reason, is_lasting }) => {
                    let reason = format!("auth {}: {reason}", post.credentials.name);
                    return Outcome::NoToken(NoToken { reason, is_lasting });
                }
            };
            let mut headers = headers.clone();
            match HeaderValue::from_str(&format!("Bearer {}", had.token)) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    headers.insert(reqwest::header::AUTHORIZATION, value);
                }
                Err(_) => return permanent("a token with control characters".to_owned()),
            }
            let mut secrets = secrets.clone();
            secrets.add(&had.token);
            let outcome = once(&client, url.clone(), headers, &post, &secrets).await;
            let is_refused = matches!(&outcome, Outcome::Permanent { status: Some(401), .. });
            if is_refused && !had.is_fresh && spent.is_none() {
                spent = Some(had.token);
                continue;
            }
            return told(&post.credentials, outcome);
        }
    }
}

/// One request, and what came of it.
async fn once(client: &reqwest::Client, url: Url, mut headers: HeaderMap, post: &Post, secrets: &Secrets) -> Outcome {
    let began = tokio::time::Instant::now();
    let (body, progress) = post.body.posted();
    headers.insert(CONTENT_LENGTH, post.body.length().into());
    let asked = client.request(post.method.clone(), url).headers(headers).body(body).send();
    match patiently(asked, (&progress, post.body.length()), post.patience).await {
        Err(_) => {
            let reason = format!("no answer within {} s; it may have arrived", post.patience.as_secs());
            Outcome::Uncertain { reason }
        }
        Ok(Err(error)) => match progress.failure() {
            Some(reason) => Outcome::Unreadable { reason: reason.to_owned() },
            None => failed(&error, post.reach.owner),
        },
        Ok(Ok(response)) if post.asked != Asked::Status && response.status().is_success() => {
            said(response, post, secrets).await
        }
        Ok(Ok(response)) => {
            let now = post.once.now + began.elapsed();
            answered(response, (post.patience, now), secrets).await
        }
    }
}

/// Waits for an answer, and as long again whenever something of the body was taken, but for no receiver that is slower than
/// [`SLOWEST_BYTES_A_SECOND`].
async fn patiently<T>(
    asked: impl Future<Output = T>,
    (progress, length): (&Progress, u64),
    patience: Duration,
) -> Result<T, tokio::time::error::Elapsed> {
    let mut asked = std::pin::pin!(asked);
    let end = tokio::time::Instant::now() + patience + Duration::from_secs(length / SLOWEST_BYTES_A_SECOND);
    loop {
        let before = progress.pieces();
        let next = end.min(tokio::time::Instant::now() + patience);
        match tokio::time::timeout_at(next, &mut asked).await {
            Err(_) if next < end && progress.pieces() > before => {}
            done => return done,
        }
    }
}

/// Says of a refusal that it is about who we are.
fn told(credentials: &Credentials, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Permanent { status: Some(status @ (401 | 403)), reason } => {
            let what = match (credentials.name.as_str(), status) {
                ("", 401) => "it asks who sends: name an auth in the channel, or compare its header lines with what the partner gave"
                    .to_owned(),
                ("", _) => "it does not let us in: ask the partner whether it wants an auth, or our address".to_owned(),
                (name, 401) => {
                    format!("it does not take what auth {name} shows: compare it with what the partner gave")
                }
                (name, _) => format!("it knows auth {name} and does not let it in: ask the partner what it may do"),
            };
            Outcome::Permanent { status: Some(status), reason: format!("{reason}; {what}") }
        }
        other => other,
    }
}

fn headers(post: &Post, url: &Url) -> Result<HeaderMap, String> {
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
    let lines: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let Once { now, nonce } = &post.once;
    let request = Request { method: post.method.as_str(), url, headers: &lines, body: &post.body, now: *now, nonce };
    for (name, value) in post.credentials.lines(&request).map_err(|error| format!("its bytes: {error}"))? {
        let wrong = || format!("auth {} makes a header line that cannot be sent", post.credentials.name);
        let key: HeaderName = name.parse().map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// What lies at the bottom of a failure. The URL may carry a secret, so it is told without.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut reason = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    reason
}

/// Why the address policy refuses, where that is what failed.
pub(super) fn refusal(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(ReachError::NotAllowed(reason)) = inner.downcast_ref() {
            return Some(reason.clone());
        }
        cause = inner.source();
    }
    None
}

/// What TLS makes of certificates, theirs or ours: nothing was taken, and it will be the same again until somebody mends it.
pub(super) fn untrusted(error: &reqwest::Error, owner: Owner) -> Option<String> {
    use rustls::AlertDescription as Alert;
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause {
        match inner.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(why)) => {
                let remedy = "ask the partner for one that counts, or name its authority in authorities of";
                return Some(format!("the certificate of the server does not count: {why:?}; {remedy} {owner}"));
            }
            Some(rustls::Error::AlertReceived(
                alert @ (Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::CertificateRequired),
            )) => {
                let remedy = match owner {
                    Owner::Token => "name a certificate in the auth that the partner knows".to_owned(),
                    owner => format!("name an auth in {owner} whose certificate the partner knows"),
                };
                return Some(format!(
                    "the server does not take our certificate of TLS, or misses one: {alert:?}; {remedy}"
                ));
            }
            _ => {
                // What an error of io holds is not among its sources.
                let io = inner.downcast_ref::<std::io::Error>();
                cause = io.map_or_else(|| inner.source(), |io| io.get_ref().map(|held| held as &dyn std::error::Error));
            }
        }
    }
    None
}

fn failed(error: &reqwest::Error, owner: Owner) -> Outcome {
    if let Some(reason) = refusal(error) {
        return Outcome::Permanent { status: None, reason };
    }
    let reason = cause(error);
    if let Some(reason) = untrusted(error, owner) {
        return Outcome::Permanent { status: None, reason };
    }
    if error.is_connect() && reason.contains(PROXY_REFUSES) {
        let reason = format!("{reason}: the proxy does not take our user and password");
        return Outcome::Permanent { status: Some(407), reason };
    }
    if error.is_connect() {
        return Outcome::Transient { status: None, reason: format!("cannot connect: {reason}"), retry_after: None };
    }
    if error.is_builder() {
        return Outcome::Permanent { status: None, reason };
    }
    Outcome::Uncertain { reason: format!("the connection broke before an answer: {reason}") }
}

async fn answered(
    mut response: reqwest::Response,
    (patience, now): (Duration, Timestamp),
    secrets: &Secrets,
) -> Outcome {
    let status = response.status().as_u16();
    if response.status().is_success() {
        // Read to its end, the connection can take the next post; nobody waits for that.
        tokio::spawn(tokio::time::timeout(ANSWER_REST_WAIT, async move {
            read(&mut response, &mut Vec::new(), ANSWER_BYTES_MAX).await
        }));
        return Outcome::Delivered { status, answer: Said::default() };
    }
    let line = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = line.and_then(|text| retry_after(text, now)).map(|asked| asked.min(RETRY_AFTER_MAX));
    let mut body = Vec::new();
    // What came until then is enough for a reason.
    let _ = tokio::time::timeout(patience, read(&mut response, &mut body, ANSWER_BYTES_MAX)).await;
    let said = secrets.shown(&String::from_utf8_lossy(&body), ANSWER_SHOWN_MAX);
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
async fn said(mut response: reqwest::Response, post: &Post, secrets: &Secrets) -> Outcome {
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let text = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
    let lines = response.headers().iter().filter_map(text).collect();
    let whole = async {
        let mut body = Vec::new();
        let read = match post.asked {
            Asked::Cut(most) => match read(&mut response, &mut body, most).await {
                Err(Cut::TooLong(_)) => Ok(()),
                read => read,
            },
            _ => read(&mut response, &mut body, ANSWER_BYTES_MAX).await,
        };
        read.map(|()| body)
    };
    match tokio::time::timeout(post.patience, whole).await.unwrap_or(Err(Cut::Late)) {
        Ok(body) => Outcome::Delivered { status, answer: Said { content_type, lines, body, hidden: secrets.clone() } },
        Err(what) => Outcome::Uncertain { reason: format!("the receiver answered {status}, and its answer {what}") },
    }
}

/// Why the body of an answer is not had whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Cut {
    /// The connection ended before it.
    #[error("broke off")]
    BrokeOff,
    /// It goes on.
    #[error("has more than {} KiB", .0 / 1024)]
    TooLong(usize),
    /// Its end did not come in time.
    #[error("did not come to its end in time")]
    Late,
}

/// Reads the body of an answer into `body`, where what came stays whatever happens.
///
/// # Errors
/// It breaks off, or has more than `most` bytes.
pub(super) async fn read(response: &mut reqwest::Response, body: &mut Vec<u8>, most: usize) -> Result<(), Cut> {
    while let Some(chunk) = response.chunk().await.map_err(|_| Cut::BrokeOff)? {
        body.extend_from_slice(&chunk);
        if body.len() > most {
            return Err(Cut::TooLong(most));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::source::Source;
    use std::sync::{Arc, Mutex};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    fn post(host: &str, port: u16, allowed: &[&str]) -> Post {
        Post {
            url: format!("http://{host}:{port}/edi"),
            method: Method::POST,
            key: Some("k".into()),
            content_type: "application/EDIFACT".into(),
            headers: Vec::new(),
            secrets: Secrets::default(),
            body: Body::Held(b"UNB".to_vec()),
            reach: Reach {
                allowed: allowed.iter().map(|text| text.parse().expect("a network")).collect(),
                ..Reach::default()
            },
            credentials: Credentials::default(),
            once: Once::default(),
            patience: Duration::from_secs(10),
            asked: Asked::Status,
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

    /// Answers a post with a body of so many bytes, and says how often it was posted to.
    async fn answer_with(bytes: usize) -> (u16, Arc<Mutex<usize>>) {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let posts = Arc::new(Mutex::new(0));
        let count = posts.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut seen = Vec::new();
                while !seen.ends_with(b"\r\n\r\nUNB") {
                    seen.push(stream.read_u8().await.expect("a post"));
                }
                *count.lock().expect("no panic held it") += 1;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.expect("written");
                // Who has read enough does not wait for the rest.
                let _ = stream.write_all(&vec![b'x'; bytes]).await;
            }
        });
        (port, posts)
    }

    /// An answer that is a document says nothing of ours by its length; one that says what became of ours has to be whole.
    #[tokio::test]
    async fn ours_has_arrived_however_long_the_answer_is() {
        let (port, posts) = answer_with(2 * ANSWER_BYTES_MAX).await;
        let asked = |asked| Post { asked, ..post("localhost", port, &["127.0.0.0/8", "::1"]) };
        let sender = Sender::default();
        let sent = sender.send(asked(Asked::Cut(ANSWER_BYTES_MAX))).await;
        let Outcome::Delivered { status: 200, answer } = &sent else { panic!("it arrived: {sent:?}") };
        assert!(answer.body.len() > ANSWER_BYTES_MAX, "that it is too long is seen");
        let sent = sender.send(asked(Asked::Whole)).await;
        assert!(matches!(&sent, Outcome::Uncertain { reason } if reason.contains("more than 1024 KiB")), "{sent:?}");
        assert_eq!(*posts.lock().expect("no panic held it"), 2);
    }

    /// So many zeros, of which none are held.
    struct Zeros(u64);

    impl Source for Zeros {
        fn length(&self) -> u64 {
            self.0
        }

        fn open(&self) -> std::io::Result<Box<dyn std::io::Read + '_>> {
            Ok(Box::new(std::io::Read::take(std::io::repeat(0), self.0)))
        }
    }

    /// A receiver that takes its time is not given up while it takes anything, and is told the length before.
    #[tokio::test]
    async fn a_body_may_take_longer_than_the_patience() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let length: u64 = 64 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let taken = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_exact(&mut byte).await.expect("a head");
                head.push(byte[0]);
            }
            let mut piece = vec![0; 4 << 20];
            for _ in 0..length >> 22 {
                tokio::time::sleep(Duration::from_millis(150)).await;
                stream.read_exact(&mut piece).await.expect("a body");
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.expect("written");
            String::from_utf8(head).expect("text")
        });
        let mut slow = post("localhost", port, &["127.0.0.0/8", "::1"]);
        slow.body = Body::Read(std::sync::Arc::new(Zeros(length)));
        slow.patience = Duration::from_secs(1);
        let begin = std::time::Instant::now();
        let sent = Sender::default().send(slow).await;
        assert_eq!(sent, Outcome::Delivered { status: 200, answer: Said::default() });
        assert!(begin.elapsed() > Duration::from_secs(2), "it took its time");
        let head = taken.await.expect("it was taken").to_ascii_lowercase();
        assert!(head.contains(&format!("content-length: {length}\r\n")) && !head.contains("chunked"), "{head}");
    }
}
