//! A partner's listener, written on bare sockets so that it can also misbehave: it notes every post and answers by a
//! script; when the script is over it answers 200.

use portolan::clock::{Clock as _, SystemClock};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How one post is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16),
    /// 503 with Retry-After in seconds.
    Later(u32),
    /// 503 with Retry-After as a date, so many seconds ahead.
    LaterAt(u32),
    /// The connection is cut when the body has been read.
    Cut,
    /// 200, after a while.
    Slow(Duration),
    /// 200, with a body.
    Says(String),
    /// A status, with a Location.
    Leads(u16, String),
    /// A status, with a body.
    Refuses(u16, String),
    /// A status; its body is so many dots, then all that was sent.
    Repeats(u16, usize),
    /// 200 with such a Content-Type and Content-Length, and the connection is cut after these bytes.
    Breaks(&'static str, usize, Vec<u8>),
    /// 200, with a body, after a while.
    Late(Duration, String),
    /// 200, with a body made of what was posted, for this post and all that follow.
    Makes(fn(&[u8]) -> Vec<u8>),
    /// 200, with header lines and a body made of the post.
    Tells(fn(&Post) -> (String, Vec<u8>)),
    /// 200, in bytes and with its Content-Type.
    Sends(&'static str, Vec<u8>),
}

/// A post as it came.
#[derive(Debug, Clone)]
pub struct Post {
    /// `POST /edi HTTP/1.1`.
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// When it was all there.
    pub at: std::time::Instant,
}

impl Post {
    pub fn key(&self) -> &str {
        self.headers.get("idempotency-key").map_or("", String::as_str)
    }
}

#[derive(Clone)]
pub struct Peer {
    pub port: u16,
    posts: Arc<Mutex<Vec<Post>>>,
    script: Arc<Mutex<VecDeque<Answer>>>,
    /// Posts that are being answered, and the most that ever were.
    at_work: Arc<Mutex<(usize, usize)>>,
}

impl Peer {
    pub async fn start(script: &[Answer]) -> Peer {
        Peer::listen(script, None).await
    }

    /// One that speaks TLS.
    pub async fn start_tls(script: &[Answer], config: rustls::ServerConfig) -> Peer {
        Peer::listen(script, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn listen(script: &[Answer], tls: Option<TlsAcceptor>) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let peer = Peer {
            port,
            posts: Arc::default(),
            script: Arc::new(Mutex::new(script.iter().cloned().collect())),
            at_work: Arc::default(),
        };
        let own = peer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (peer, tls) = (own.clone(), tls.clone());
                // A client that breaks off is part of some tests.
                tokio::spawn(async move {
                    match tls {
                        None => peer.serve(stream).await,
                        Some(tls) => peer.serve(tls.accept(stream).await?).await,
                    }
                });
            }
        });
        peer
    }

    /// The same, reached over another port.
    pub fn behind(&self, port: u16) -> Peer {
        Peer { port, ..self.clone() }
    }

    /// How the next posts are answered.
    pub fn then(&self, script: &[Answer]) {
        self.script.lock().expect("no panic held it").extend(script.iter().cloned());
    }

    fn began(&self) {
        let mut at_work = self.at_work.lock().expect("no panic held it");
        at_work.0 += 1;
        at_work.1 = at_work.1.max(at_work.0);
    }

    /// The most posts that were being answered at once.
    pub fn most_at_once(&self) -> usize {
        self.at_work.lock().expect("no panic held it").1
    }

    /// What came so far.
    pub fn posts(&self) -> Vec<Post> {
        self.posts.lock().expect("no panic held it").clone()
    }

    /// What came so far, acknowledgments left out.
    pub fn orders(&self) -> Vec<Post> {
        self.posts().into_iter().filter(|post| super::edi::number_of(&post.body).is_some()).collect()
    }

    fn next(&self) -> Answer {
        let mut script = self.script.lock().expect("no panic held it");
        match script.front() {
            Some(Answer::Makes(make)) => Answer::Makes(*make),
            _ => script.pop_front().unwrap_or(Answer::Status(200)),
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let headers: BTreeMap<String, String> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while bytes.len() < end + length {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        }
        let line = head.lines().next().unwrap_or_default().to_owned();
        let post = Post { line, headers, body: bytes[end..].to_vec(), at: std::time::Instant::now() };
        self.posts.lock().expect("no panic held it").push(post.clone());
        self.began();
        let answer = self.next();
        let (status, more, body) = match answer {
            Answer::Cut => {
                self.at_work.lock().expect("no panic held it").0 -= 1;
                return Ok(());
            }
            Answer::Status(status) => (status, String::new(), Vec::new()),
            Answer::Later(seconds) => (503, format!("retry-after: {seconds}\r\n"), Vec::new()),
            Answer::LaterAt(seconds) => {
                let at = SystemClock.now() + Duration::from_secs(u64::from(seconds));
                (503, format!("retry-after: {}\r\n", at.strftime("%a, %d %b %Y %H:%M:%S GMT")), Vec::new())
            }
            Answer::Slow(time) => {
                tokio::time::sleep(time).await;
                (200, String::new(), Vec::new())
            }
            Answer::Late(time, body) => {
                tokio::time::sleep(time).await;
                (200, String::new(), body.into_bytes())
            }
            Answer::Makes(make) => (200, String::new(), make(&bytes[end..])),
            Answer::Tells(tell) => {
                let (lines, body) = tell(&post);
                (200, lines, body)
            }
            Answer::Says(body) => (200, String::new(), body.into_bytes()),
            Answer::Leads(status, to) => (status, format!("location: {to}\r\n"), Vec::new()),
            Answer::Refuses(status, body) => (status, String::new(), body.into_bytes()),
            Answer::Sends(kind, body) => (200, format!("content-type: {kind}\r\n"), body),
            Answer::Repeats(status, dots) => (status, String::new(), [".".repeat(dots).as_bytes(), &bytes].concat()),
            Answer::Breaks(kind, length, body) => {
                let head = format!("HTTP/1.1 200 x\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
                stream.write_all(&[head.as_bytes(), &body].concat()).await?;
                return stream.shutdown().await;
            }
        };
        self.at_work.lock().expect("no panic held it").0 -= 1;
        let length = body.len();
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        stream.shutdown().await
    }
}
