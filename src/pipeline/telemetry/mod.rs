//! Traces of documents, told to a collector by OTLP where `[telemetry]` says so. They are read from the ledger: each event that is
//! a step of a document's way becomes a span, after the commit that wrote it and apart from who did the work. So a collector
//! that is slow or away keeps nobody waiting, and what a process could not tell any more is told after the next start. A crash
//! between the collector's answer and the commit of the position tells a batch again, under the same ids.
//!
//! Not told: what strangers were refused for, alarms, pauses; metrics are at `/metrics` and logs on stderr.

mod span; // from a step in the ledger to a span

use self::span::{Spans, attempted, trace_of};
use super::reach::{Outbound, Said, Unready, assemble};
use super::state::Service;
use crate::config::{Config, Telemetry, has_user};
use crate::partner::{Secret, SecretOrText};
use crate::store::delivery::Delivery;
use crate::store::{Result, StoreError};
use crate::transport::http::auth::oauth2::NoToken;
use crate::transport::http::body::Body;
use crate::transport::http::otlp::{self, Context, Refusal, Span, TraceId};
use crate::transport::http::reach::Owner;
use crate::transport::http::send::{Asked, Outcome, Post};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::field::{DisplayValue, display};

/// The header of W3C Trace Context, and the key under which a transmission keeps it.
pub const TRACEPARENT: &str = "traceparent";
/// Attributes of the resource, at most.
pub const ATTRIBUTES_MAX: usize = 32;
/// Spans in one request, at most.
const BATCH_SPANS_MAX: u32 = 256;
/// How often the ledger is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How long a collector may take for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// How long to wait after a failure: at first, and at most, whatever a collector asks for.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How long a stop waits for what was not told yet.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// The code of a collector that takes nothing now.
const AWAY: &str = "COLLECTOR";
/// Characters that are logged of what a collector says.
const SAID_MAX: usize = 200;
/// Whoever runs this machine chose the collector, wherever it is.
const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

/// Looks at what `[telemetry]` says.
///
/// # Errors
/// What is wrong, with the key.
pub fn check(config: &Config) -> std::result::Result<(), String> {
    let Some(telemetry) = &config.telemetry else { return Ok(()) };
    collector(telemetry)?;
    if !(0.0..=1.0).contains(&telemetry.sample) {
        return Err(format!("[telemetry] sample: expected a share from 0 to 1, found {}", telemetry.sample));
    }
    if telemetry.backlog_events == 0 {
        return Err("[telemetry] backlog_events: expected 1 or more, found 0".to_owned());
    }
    match telemetry.attributes.len() {
        count if count > ATTRIBUTES_MAX => {
            Err(format!("[telemetry] attributes: expected {ATTRIBUTES_MAX} at most, found {count}"))
        }
        _ => Ok(()),
    }
}

/// Where traces are posted.
///
/// # Errors
/// What is wrong with the address. It is told without itself where it may hold a password.
pub fn collector(telemetry: &Telemetry) -> std::result::Result<Url, String> {
    let text = telemetry.endpoint.trim_end_matches('/');
    let expected = "[telemetry] endpoint: expected the address of a collector such as http://localhost:4318";
    let url = Url::parse(&format!("{text}{}", otlp::TRACES_PATH)).map_err(|error| format!("{expected}: {error}"))?;
    let is_fit = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_fit || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{expected}, found another kind of address; the path /v1/traces is put behind it"));
    }
    if has_user(text) {
        return Err(format!("{expected}, without a user; name a secret in headers for what it asks for"));
    }
    Ok(url)
}

/// The header lines of an attempt: where traces are told and deliveries bear them, its place in the trace of its document.
///
/// # Errors
/// The ledger failed.
pub(super) async fn lines(service: &Service, sending: &Delivery) -> Result<Vec<(String, String)>> {
    let Some(telemetry) = service.config.telemetry.as_ref().filter(|one| one.propagate) else { return Ok(Vec::new()) };
    let origins = service.store.origins(&sending.transmission_id).await?;
    let trace = trace_of(&sending.transmission_id, &origins);
    let context = Context { trace, span: attempted(&sending.delivery_id, sending.attempts) };
    Ok(vec![(TRACEPARENT.to_owned(), context.header(trace.is_sampled(telemetry.sample)))])
}

/// The trace of something that leaves, for a line of the log, where traces are told. Of what came in it is that of its id. A ledger
/// that does not say it leaves the line without.
pub(super) async fn trace_id(service: &Service, transmission_id: &str) -> Option<DisplayValue<TraceId>> {
    service.config.telemetry.as_ref()?;
    let origins = service.store.origins(transmission_id).await.ok()?;
    Some(display(trace_of(transmission_id, &origins)))
}

/// What is kept of a sender's header lines with its transmission: the span it was sent in, where traces are told and it is one.
pub(super) fn facts(service: &Service, headers: &[(String, String)]) -> Value {
    let found = headers.iter().find(|(name, _)| service.config.telemetry.is_some() && name == TRACEPARENT);
    match found.and_then(|(_, value)| Context::parse(value)) {
        Some(context) => json!({ TRACEPARENT: context.header(true) }),
        None => json!({}),
    }
}

/// Tells traces until told to stop, and then for a while what is left.
pub async fn run(service: Arc<Service>, stop: CancellationToken) {
    let Some(telemetry) = service.config.telemetry.clone() else {
        if let Err(error) = service.store.telemetry_end().await {
            tracing::warn!(error = %error, "How far traces were told could not be forgotten");
        }
        return;
    };
    let mut telling = Telling::new(service, telemetry);
    tokio::select! {
        () = telling.until(&stop) => {}
        () = async { stop.cancelled().await; tokio::time::sleep(STOP_WAIT).await } => {}
    }
}

/// How a batch ended.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// The collector has it, but for so many spans.
    Taken(u64),
    /// It never will.
    Refused(String),
    /// Not now; it asked for this much time.
    Later(String, Option<Duration>),
}

/// A collector that is being told.
struct Telling {
    service: Arc<Service>,
    telemetry: Telemetry,
    /// The last event that is done with; `None` until the ledger said it.
    position: Option<i64>,
    /// Failures in a row.
    failures: u32,
    /// When it is tried again.
    next_at: Instant,
    /// Whether it was logged that spans were left out, since a batch was taken.
    has_told: bool,
    /// Whether it was logged that the collector warns.
    has_warned: bool,
}

impl Telling {
    fn new(service: Arc<Service>, telemetry: Telemetry) -> Self {
        Self {
            service,
            telemetry,
            position: None,
            failures: 0,
            next_at: Instant::now(),
            has_told: false,
            has_warned: false,
        }
    }

    /// Tells what there is, again and again; after the stop, until nothing is left or the collector takes no more.
    async fn until(&mut self, stop: &CancellationToken) {
        loop {
            let is_last = stop.is_cancelled();
            let has_more = self.some().await.unwrap_or_else(|error| {
                if !matches!(error, StoreError::Stopped) {
                    tracing::warn!(error = %error, "Traces could not be read; they will be");
                }
                false
            });
            if is_last && !has_more {
                return;
            }
            if !has_more {
                tokio::select! {
                    () = tokio::time::sleep(TICK) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }

    /// Tells one batch. Returns whether there may be more at once.
    async fn some(&mut self) -> Result<bool> {
        let position = match self.position {
            Some(position) => position,
            None => *self.position.insert(self.service.store.telemetry_begin(self.service.now()).await?),
        };
        let last = self.service.store.last_sequence().await?;
        let position = self.leave_out(position, last).await?;
        if Instant::now() < self.next_at {
            return Ok(false);
        }
        let steps = self.service.store.steps(position, last, BATCH_SPANS_MAX).await?;
        let is_full = steps.len() == BATCH_SPANS_MAX as usize;
        let to = steps.last().filter(|_| is_full).map_or(last, |step| step.sequence);
        let mut spans = Vec::with_capacity(steps.len());
        let mut making = Spans::new(&self.service, self.telemetry.sample);
        for step in &steps {
            spans.extend(making.of(step).await?);
        }
        if spans.is_empty() {
            // Where nothing is told, looking again costs less than a commit.
            self.position = Some(to);
            return Ok(is_full);
        }
        let told = self.post(&spans).await?;
        self.noted(told, spans.len() as u64, to).await.map(|is_taken| is_taken && is_full)
    }

    /// Leaves the oldest out where more wait than may.
    async fn leave_out(&mut self, position: i64, last: i64) -> Result<i64> {
        let most = i64::from(self.telemetry.backlog_events);
        metrics::gauge!("portolan_telemetry_waiting_events").set(((last - position).max(0)) as f64);
        if last - position <= most {
            return Ok(position);
        }
        let to = last - most;
        let count = self.service.store.count_steps(position, to).await?;
        self.passed(to).await?;
        self.left_out(u64::try_from(count).unwrap_or(0), "more wait than [telemetry] backlog_events lets");
        Ok(to)
    }

    /// Counts spans that the collector will not have, and says so once.
    fn left_out(&mut self, count: u64, why: &str) {
        metrics::counter!("portolan_spans_total", "outcome" => "dropped").increment(count);
        if count > 0 && !self.has_told {
            self.has_told = true;
            tracing::warn!(count, why, "Spans of traces were left out; more are counted in portolan_spans_total");
        }
    }

    async fn passed(&mut self, to: i64) -> Result<()> {
        self.service.store.telemetry_passed(to, self.service.now()).await?;
        self.position = Some(to);
        Ok(())
    }

    /// Notes what came of a batch; whether the collector is done with it.
    async fn noted(&mut self, told: Told, count: u64, to: i64) -> Result<bool> {
        let (reason, asked) = match told {
            Told::Taken(rejected) => {
                self.passed(to).await?;
                metrics::counter!("portolan_spans_total", "outcome" => "sent").increment(count - rejected);
                if rejected == 0 {
                    self.has_told = false;
                }
                if self.failures > 0 {
                    tracing::info!("The collector takes traces again");
                }
                self.failures = 0;
                self.service.untraced.over(AWAY);
                return Ok(true);
            }
            Told::Refused(reason) => {
                self.passed(to).await?;
                self.left_out(count, &reason);
                return Ok(true);
            }
            Told::Later(reason, asked) => (reason, asked),
        };
        self.failures = self.failures.saturating_add(1);
        // The alert `collector` looks at it.
        self.service.untraced.note(AWAY, &reason, self.service.now());
        let own = RETRY_WAIT.0.saturating_mul(1 << self.failures.min(6).saturating_sub(1));
        self.next_at = Instant::now() + asked.map_or(own, |asked| asked.max(own)).min(RETRY_WAIT.1);
        if self.failures == 1 {
            tracing::warn!(reason, "The collector does not take traces; they wait, and the work goes on");
        }
        Ok(false)
    }

    async fn post(&mut self, spans: &[Span]) -> Result<Told> {
        let post = match self.prepared(spans).await {
            Ok(post) => post,
            Err(unready) => return Ok(Told::Later(unready.told()?.1, None)),
        };
        Ok(match self.service.sender.send(post).await {
            Outcome::Delivered { answer, .. } => match otlp::partial(&answer.body) {
                None => Told::Taken(0),
                Some((0, why)) => {
                    self.warned(&answer.hidden.shown(&why, SAID_MAX));
                    Told::Taken(0)
                }
                Some((count, why)) => {
                    let count = count.min(spans.len() as u64);
                    self.left_out(count, &answer.hidden.shown(&why, SAID_MAX));
                    Told::Taken(count)
                }
            },
            Outcome::Transient { status: Some(status), reason, retry_after } => match otlp::refusal(status) {
                Refusal::Final => Told::Refused(reason),
                Refusal::Retried | Refusal::Misdirected => Told::Later(reason, retry_after),
            },
            Outcome::Permanent { status: Some(status), reason } => match otlp::refusal(status) {
                Refusal::Final => Told::Refused(reason),
                Refusal::Retried | Refusal::Misdirected => Told::Later(reason, None),
            },
            Outcome::Transient { status: None, reason, retry_after } => Told::Later(reason, retry_after),
            Outcome::Permanent { status: None, reason }
            | Outcome::Uncertain { reason }
            | Outcome::Unreadable { reason }
            | Outcome::NoToken(NoToken { reason, .. }) => Told::Later(reason, None),
        })
    }

    /// Says once what a collector wants us to know that takes all.
    fn warned(&mut self, why: &str) {
        if !self.has_warned {
            self.has_warned = true;
            tracing::warn!(why, "The collector takes traces, and warns");
        }
    }

    async fn prepared(&self, spans: &[Span]) -> std::result::Result<Post, Unready> {
        let (telemetry, networks) = (&self.telemetry, EVERYWHERE.map(str::to_owned));
        let named = |name: &String| SecretOrText::Secret(Secret { secret: name.clone() });
        let lines: Vec<(String, SecretOrText)> =
            telemetry.headers.iter().map(|(line, name)| (line.clone(), named(name))).collect();
        let said = Said {
            networks: &networks,
            authorities: &telemetry.authorities,
            proxy: None,
            headers: lines.iter().map(|(line, value)| (line, value)).collect(),
            auth: None,
            owner: Owner::Telemetry,
        };
        let Outbound { reach, credentials, headers, secrets, once } = assemble(&self.service, said).await?;
        let url = collector(telemetry).map_err(Unready::Unfit)?;
        let body = otlp::body(&self.resource(), spans);
        let agent = ("user-agent".to_owned(), concat!("portolan/", env!("CARGO_PKG_VERSION")).to_owned());
        Ok(Post {
            url: url.to_string(),
            method: Method::POST,
            key: None,
            content_type: "application/json".to_owned(),
            headers: std::iter::once(agent).chain(headers).collect(),
            secrets,
            body: Body::Held(body.to_string().into_bytes()),
            reach,
            credentials,
            once,
            patience: ANSWER_WAIT,
            asked: Asked::Whole,
        })
    }

    /// What is told of this instance.
    fn resource(&self) -> Vec<(String, String)> {
        let own = [
            ("service.name", self.telemetry.service.clone()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", self.service.config.alert.name()),
        ];
        let further = self.telemetry.attributes.iter().map(|(key, value)| (key.clone(), value.clone()));
        own.map(|(key, value)| (key.to_owned(), value)).into_iter().chain(further).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> std::result::Result<(), String> {
        check(&Config::parse(text).expect("a configuration"))
    }

    #[test]
    fn an_address_gets_its_path() {
        for address in ["http://localhost:4318", "http://localhost:4318/"] {
            let config = Config::parse(&format!("[telemetry]\nendpoint = \"{address}\"\n")).expect("a configuration");
            let url = collector(&config.telemetry.expect("a section")).expect("an address");
            assert_eq!(url.as_str(), "http://localhost:4318/v1/traces");
        }
        assert_eq!(said("[telemetry]\nendpoint = \"https://otel.example/base\"\nsample = 1.0\n"), Ok(()));
        assert_eq!(said(""), Ok(()));
    }

    #[test]
    fn err_what_telemetry_says_is_told_with_its_key() {
        let wrong = |line: &str, key: &str| {
            let told = said(&format!("[telemetry]\n{line}\n")).expect_err(line);
            assert!(told.starts_with(&format!("[telemetry] {key}: expected")), "{told}");
            told
        };
        for address in ["localhost:4318", "ftp://otel.example", "https://otel.example/?key=1", "x"] {
            wrong(&format!("endpoint = \"{address}\""), "endpoint");
        }
        let told = wrong("endpoint = \"https://me:canary@otel.example\"", "endpoint");
        assert!(!told.contains("canary") && told.contains("headers"), "{told}");
        wrong("endpoint = \"http://localhost\"\nsample = 1.5", "sample");
        wrong("endpoint = \"http://localhost\"\nbacklog_events = 0", "backlog_events");
        let many: Vec<String> = (0..=ATTRIBUTES_MAX).map(|number| format!("k{number} = \"v\"")).collect();
        wrong(&format!("endpoint = \"http://localhost\"\nattributes = {{ {} }}", many.join(", ")), "attributes");
        let told =
            Config::parse("[telemetry]\nendpoint = \"http://localhost\"\nprotocol = \"grpc\"\n").expect_err("it");
        assert!(told.contains("grpc") && told.contains("http/json"), "{told}");
    }
}
