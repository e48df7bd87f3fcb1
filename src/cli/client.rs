//! How server commands reach the instance: `--url` and `PORTOLAN_TOKEN`, else what the data directory says.

use super::{Exit, input};
use crate::app::{ADMIN_ADDRESS_FILE, ADMIN_TOKEN_FILE};
use crate::transport::http::body::{Body, Progress};
use crate::transport::source::Source;
use anyhow::Context as _;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder};
use serde_json::Value;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where the instance is.
#[derive(clap::Args, Clone)]
pub struct Instance {
    /// Data directory.
    #[arg(long, global = true, env = "PORTOLAN_DATA", default_value = "portolan-data", value_name = "DIR")]
    pub data: PathBuf,
    /// Address of the admin listener; the data directory's when left out.
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
}

/// An answer of the instance: its JSON, or the exit code that its refusal means.
pub enum Answered {
    /// 2xx.
    Done(Value),
    /// Told on stderr already.
    Refused(Exit),
}

/// The token's variable.
const TOKEN_VARIABLE: &str = "PORTOLAN_TOKEN";
/// How long an answer may take; where a body goes before it, as long again from each piece of that on.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a body that an instance looks through and syncs in a second, at least: so much longer may its answer take.
const KEPT_BYTES_A_SECOND: u64 = 16 * 1024 * 1024;

impl Instance {
    /// Asks the instance.
    pub fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> anyhow::Result<Answered> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let asked = runtime.block_on(async {
            let response = self.send(method, path, query, (body, Some(PATIENCE))).await?;
            Ok::<_, anyhow::Error>((response.status().as_u16(), response.bytes().await?))
        });
        Ok(answered(asked))
    }

    /// Asks for bytes, and writes them to a file as they come; the exit code where there is a refusal, told on stderr already.
    pub fn fetch(&self, path: &str, to: &Path) -> anyhow::Result<Option<Exit>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut response = match self.send(Method::GET, path, &[], (None, None)).await {
                Ok(response) => response,
                Err(error) => {
                    eprintln!("portolan: {error:#}");
                    return Ok(Some(Exit::Unreachable));
                }
            };
            if !response.status().is_success() {
                return Ok(Some(refused(response.status().as_u16(), &response.bytes().await?)));
            }
            let mut file = File::create(to).with_context(|| to.display().to_string())?;
            while let Some(piece) = response.chunk().await? {
                file.write_all(&piece).with_context(|| to.display().to_string())?;
            }
            Ok(None)
        })
    }

    /// Posts bytes of any length as they are read. It is given up when no piece is taken for a while, however long all of it takes.
    ///
    /// # Errors
    /// The bytes cannot be read.
    pub fn post(
        &self,
        path: &str,
        query: &[(&str, String)],
        lines: &[(&str, String)],
        source: Arc<dyn Source>,
    ) -> anyhow::Result<Answered> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let request = match self.request(Method::POST, path, query, Client::builder()) {
            Ok(request) => lines.iter().fold(request, |request, (name, value)| request.header(*name, value)),
            Err(error) => return Ok(answered(Err::<(u16, Vec<u8>), _>(error))),
        };
        // What stands in no header line, or in no URL, reaches nobody.
        if request.try_clone().is_none() {
            let why = request.build().err().map(|error| error.to_string()).unwrap_or_default();
            eprintln!("portolan: what is said of the body cannot be sent: {why}");
            return Ok(Answered::Refused(Exit::Invalid));
        }
        let asked = runtime.block_on(posted(request, source, PATIENCE))?;
        Ok(answered(asked))
    }

    /// Asks, and prints the answer: as JSON, or as `words` puts it.
    pub fn show(
        &self,
        (method, path): (Method, &str),
        (query, body): (&[(&str, String)], Option<&Value>),
        as_json: bool,
        words: impl Fn(&Value) -> String,
    ) -> anyhow::Result<Exit> {
        match self.ask(method, path, query, body)? {
            Answered::Refused(exit) => Ok(exit),
            Answered::Done(value) => {
                if as_json {
                    input::print_json(&value)?
                } else {
                    input::print(words(&value).as_bytes())?
                }
                Ok(Exit::Ok)
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        (body, patience): (Option<&Value>, Option<Duration>),
    ) -> anyhow::Result<reqwest::Response> {
        let client = match patience {
            Some(patience) => Client::builder().timeout(patience),
            None => Client::builder().read_timeout(PATIENCE),
        };
        let mut request = self.request(method, path, query, client)?;
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.context("the instance does not answer; is it running?")
    }

    /// A request; `client` says how long it may take.
    fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        client: ClientBuilder,
    ) -> anyhow::Result<RequestBuilder> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let read = |name: &str| {
            let path = self.data.join(name);
            let text = std::fs::read_to_string(&path);
            let hint = "is the instance running? `portolan serve` starts it; --data says where its files are";
            text.map(|text| text.trim().to_owned()).with_context(|| format!("{}: {hint}", path.display()))
        };
        let base = self.url.clone().map_or_else(|| read(ADMIN_ADDRESS_FILE), Ok)?;
        let token = std::env::var(TOKEN_VARIABLE).or_else(|_| read(ADMIN_TOKEN_FILE))?;
        let mut url = reqwest::Url::parse(&format!("{}{path}", base.trim_end_matches('/')))?;
        for (key, value) in query {
            url.query_pairs_mut().append_pair(key, value);
        }
        Ok(client.no_proxy().build()?.request(method, url).bearer_auth(token))
    }
}

/// The answer to a request with a body; why nobody could be asked, where that is so.
///
/// # Errors
/// The body cannot be read.
async fn posted(
    request: RequestBuilder,
    source: Arc<dyn Source>,
    patience: Duration,
) -> anyhow::Result<anyhow::Result<(u16, Vec<u8>)>> {
    let length = source.length();
    let (body, progress) = Body::Read(source).posted();
    let asked = async {
        let response = request.header(reqwest::header::CONTENT_LENGTH, length).body(body).send().await?;
        Ok((response.status().as_u16(), response.bytes().await?.to_vec()))
    };
    let patience = patience + Duration::from_secs(length / KEPT_BYTES_A_SECOND);
    let done: reqwest::Result<_> = match patiently(asked, &progress, patience).await {
        Ok(done) => done,
        Err(_) => {
            let seconds = patience.as_secs();
            return Ok(Err(anyhow::anyhow!("the instance takes no more bytes and does not answer, since {seconds} s")));
        }
    };
    if let Some(reason) = progress.failure() {
        anyhow::bail!("cannot read what is to be sent: {reason}");
    }
    Ok(done.context("the instance does not answer, or takes no more bytes"))
}

/// Waits for an answer, and as long again whenever something of the body was taken.
async fn patiently<T>(
    asked: impl Future<Output = T>,
    progress: &Progress,
    patience: Duration,
) -> Result<T, tokio::time::error::Elapsed> {
    let mut asked = std::pin::pin!(asked);
    loop {
        let before = progress.pieces();
        match tokio::time::timeout(patience, &mut asked).await {
            Err(_) if progress.pieces() > before => {}
            done => return done,
        }
    }
}

/// What came of asking; why nobody could be asked is told.
fn answered(asked: anyhow::Result<(u16, impl AsRef<[u8]>)>) -> Answered {
    match asked {
        Ok((status, bytes)) if (200..300).contains(&status) => Answered::Done(said(bytes.as_ref())),
        Ok((status, bytes)) => Answered::Refused(refused(status, bytes.as_ref())),
        Err(error) => {
            eprintln!("portolan: {error:#}");
            Answered::Refused(Exit::Unreachable)
        }
    }
}

/// What an answer says.
fn said(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into()))
}

/// Tells a refusal, and what it means for who called.
fn refused(status: u16, bytes: &[u8]) -> Exit {
    let value = said(bytes);
    let detail = value["detail"].as_str().map_or_else(|| value.to_string(), str::to_owned);
    eprintln!("portolan: {detail}");
    match status {
        401 | 403 => Exit::NotPermitted,
        404 => Exit::NotFound,
        409 => Exit::Conflict,
        400 | 413 | 415 | 422 => Exit::Invalid,
        _ => Exit::Failed,
    }
}

/// A column of text, cut or padded.
pub fn column(value: &Value, width: usize) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    format!("{text:width$} ")
}

/// Microseconds since 1970 as a moment in UTC.
pub fn moment(value: &Value) -> String {
    let at = value.as_i64().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::net::TcpListener;

    /// More than stands in the buffers of a connection.
    const BYTES: usize = 32 * 1024 * 1024;
    const PATIENCE: Duration = Duration::from_millis(500);

    /// An instance that takes `most` bytes in pieces, each after a while, and then answers, or is silent; its address.
    fn slow(most: usize, answers: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            let (mut wire, _) = listener.accept().expect("a connection");
            let (mut room, mut taken) = (vec![0; 1024 * 1024], 0);
            while taken < most {
                match wire.read(&mut room).expect("bytes") {
                    0 => return,
                    count => taken += count,
                }
                std::thread::sleep(Duration::from_millis(25));
            }
            if answers {
                wire.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}").expect("written");
            }
            std::thread::sleep(4 * PATIENCE);
        });
        url
    }

    fn request(url: &str) -> RequestBuilder {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Client::builder().no_proxy().build().expect("a client").post(url)
    }

    async fn post(url: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        posted(request(url), Arc::new(vec![b'x'; BYTES]), PATIENCE).await.expect("it can be read")
    }

    #[tokio::test]
    async fn a_body_may_take_longer_than_an_answer_as_long_as_it_is_taken() {
        let begin = std::time::Instant::now();
        let answer = post(&slow(BYTES, true)).await.expect("an answer");
        assert_eq!(answer, (202, b"{}".to_vec()));
        assert!(begin.elapsed() > PATIENCE, "it was not slow enough to show anything: {:?}", begin.elapsed());
    }

    #[tokio::test]
    async fn err_an_instance_that_takes_no_more_is_given_up() {
        let told = post(&slow(BYTES / 4, false)).await.expect_err("no answer").to_string();
        assert!(told.contains("takes no more bytes"), "{told}");
    }

    #[tokio::test]
    async fn err_what_cannot_be_read_is_told_as_that() {
        struct Gone;
        impl Source for Gone {
            fn length(&self) -> u64 {
                5
            }

            fn open(&self) -> std::io::Result<Box<dyn std::io::Read + '_>> {
                Err(std::io::Error::other("it is gone"))
            }
        }
        let told = posted(request(&slow(BYTES, true)), Arc::new(Gone), PATIENCE).await.expect_err("no body");
        assert!(told.to_string().contains("it is gone"), "{told}");
    }
}
