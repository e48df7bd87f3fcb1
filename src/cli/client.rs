//! How server commands reach the instance: `--url` and `PORTOLAN_TOKEN`, else what the data directory says.

use super::{Exit, input};
use crate::app::{ADMIN_ADDRESS_FILE, ADMIN_TOKEN_FILE};
use crate::transport::http::body::streamed;
use crate::transport::source::Source;
use anyhow::Context as _;
use reqwest::Method;
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
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

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

    /// Posts bytes of any length as they are read.
    ///
    /// # Errors
    /// The data directory does not say how the instance is reached.
    pub fn post(
        &self,
        path: &str,
        query: &[(&str, String)],
        lines: &[(&str, String)],
        source: Arc<dyn Source>,
    ) -> anyhow::Result<Answered> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let asked = runtime.block_on(async {
            let mut request = self.request(Method::POST, path, query, None)?;
            for (name, value) in lines {
                request = request.header(*name, value);
            }
            let length = source.length();
            let body = reqwest::Body::wrap_stream(streamed(source));
            let response = request.header(reqwest::header::CONTENT_LENGTH, length).body(body).send().await;
            let response = response.context("the instance does not answer, or takes no more bytes")?;
            Ok::<_, anyhow::Error>((response.status().as_u16(), response.bytes().await?))
        });
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
        let mut request = self.request(method, path, query, patience)?;
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.context("the instance does not answer; is it running?")
    }

    /// A request; without `patience` it may take as long as bytes go in either direction.
    fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        patience: Option<Duration>,
    ) -> anyhow::Result<reqwest::RequestBuilder> {
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
        let client = reqwest::Client::builder().no_proxy();
        let client = match patience {
            Some(patience) => client.timeout(patience),
            None => client.read_timeout(PATIENCE),
        };
        Ok(client.build()?.request(method, url).bearer_auth(token))
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
        400 | 413 | 422 => Exit::Invalid,
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
