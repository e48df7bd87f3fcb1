//! OTLP over HTTP in JSON (OpenTelemetry protocol 1.x), of which traces only, and the header `traceparent` of W3C Trace Context.
//! Ids are digests of what they stand for, so that who makes a span again gives it the same id.

use crate::clock::Timestamp;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use std::fmt;

/// What is put behind the address of a collector.
pub const TRACES_PATH: &str = "/v1/traces";
/// Characters of a value.
pub const VALUE_CHARACTERS_MAX: usize = 128;
/// A span that failed (`STATUS_CODE_ERROR`).
const FAILED: u8 = 2;

/// Which trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub [u8; 16]);

/// Which span of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanId(pub [u8; 8]);

impl TraceId {
    /// The trace of something.
    #[must_use]
    pub fn of(what: &str) -> Self {
        Self(begin_of(&format!("trace {what}")))
    }

    /// Whether it is in the share of all traces that is kept. All spans of a trace say the same, in every process.
    #[must_use]
    pub fn is_sampled(self, share: f64) -> bool {
        let [.., a, b, c, d] = self.0;
        f64::from(u32::from_be_bytes([a, b, c, d])) < share * (f64::from(u32::MAX) + 1.0)
    }
}

impl SpanId {
    /// The span of something.
    #[must_use]
    pub fn of(what: &str) -> Self {
        Self(begin_of(&format!("span {what}")))
    }
}

fn begin_of<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes.copy_from_slice(&digest(&SHA256, text.as_bytes()).as_ref()[..LENGTH]);
    bytes
}

fn hexadecimal(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(f, &self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(f, &self.0)
    }
}

/// A span of some trace, as another span or another system names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

impl Context {
    /// The value of `traceparent`. `is_sampled`: the trace is sent to a collector.
    #[must_use]
    pub fn header(&self, is_sampled: bool) -> String {
        format!("00-{}-{}-{:02x}", self.trace, self.span, u8::from(is_sampled))
    }

    /// Reads the value of `traceparent` (W3C Trace Context, 3.2); `None` where it is none, or names nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (version, rest) = text.trim().split_once('-')?;
        let (trace, rest) = rest.split_once('-')?;
        let (span, rest) = rest.split_once('-')?;
        // Version 00 ends with its flags; later ones may go on behind them.
        let flags = if version == "00" { rest } else { rest.split('-').next()? };
        let [version] = digits(version)?;
        let [_flags] = digits(flags)?;
        let (trace, span) = (digits(trace)?, digits(span)?);
        let is_some = version != 0xFF && trace != [0; 16] && span != [0; 8];
        is_some.then_some(Self { trace: TraceId(trace), span: SpanId(span) })
    }
}

/// So many bytes as lower-case hexadecimal digits.
fn digits<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let is_fit = text.len() == LENGTH * 2 && text.bytes().all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'f'));
    if !is_fit {
        return None;
    }
    let mut bytes = [0; LENGTH];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// What part a span has between systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// None: it is work of ours.
    Internal = 1,
    /// It gives something to another system.
    Producer = 4,
    /// It takes something from another system.
    Consumer = 5,
}

/// One step of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Where it is.
    pub context: Context,
    /// The step within which, or behind which, it was done.
    pub parent: Option<SpanId>,
    /// What was done; few values, as collectors group by it.
    pub name: String,
    /// Its part between systems.
    pub kind: Kind,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// Facts, by names of the semantic conventions or of our own.
    pub facts: Vec<(&'static str, Fact)>,
    /// Spans of other traces that it goes back to.
    pub links: Vec<Context>,
    /// Whether it failed.
    pub is_failed: bool,
}

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A word or an id; longer ones are cut to [`VALUE_CHARACTERS_MAX`], and control characters left out.
    Text(String),
    /// A number.
    Number(i64),
}

impl Fact {
    fn value(&self) -> Value {
        match self {
            Fact::Text(text) => json!({ "stringValue": shown(text) }),
            // 64 bits are text in the JSON of protocol buffers.
            Fact::Number(number) => json!({ "intValue": number.to_string() }),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).take(VALUE_CHARACTERS_MAX).collect()
}

impl Span {
    fn value(&self) -> Value {
        let mut span = Map::new();
        span.insert("traceId".into(), self.context.trace.to_string().into());
        span.insert("spanId".into(), self.context.span.to_string().into());
        if let Some(parent) = self.parent {
            span.insert("parentSpanId".into(), parent.to_string().into());
        }
        span.insert("name".into(), shown(&self.name).into());
        span.insert("kind".into(), (self.kind as u8).into());
        span.insert("startTimeUnixNano".into(), nanoseconds(self.start.min(self.end)).into());
        span.insert("endTimeUnixNano".into(), nanoseconds(self.end).into());
        let facts = self.facts.iter().map(|(key, fact)| json!({ "key": key, "value": fact.value() }));
        span.insert("attributes".into(), facts.collect());
        if !self.links.is_empty() {
            let link = |one: &Context| json!({ "traceId": one.trace.to_string(), "spanId": one.span.to_string() });
            span.insert("links".into(), self.links.iter().map(link).collect());
        }
        if self.is_failed {
            span.insert("status".into(), json!({ "code": FAILED }));
        }
        Value::Object(span)
    }
}

fn nanoseconds(at: Timestamp) -> String {
    at.as_nanosecond().max(0).to_string()
}

/// The body of a request (`ExportTraceServiceRequest`). `resource`: what is told of who sends it.
#[must_use]
pub fn body(resource: &[(String, String)], spans: &[Span]) -> Value {
    let attribute = |(key, value): &(String, String)| json!({ "key": key, "value": { "stringValue": shown(value) } });
    let resource: Vec<Value> = resource.iter().map(attribute).collect();
    let scope = json!({ "name": "portolan", "version": env!("CARGO_PKG_VERSION") });
    let spans: Vec<Value> = spans.iter().map(Span::value).collect();
    json!({ "resourceSpans": [{ "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": scope, "spans": spans }] }] })
}

/// What a collector says of a request that it took: how many spans it did not take all the same (`partialSuccess`), and why; with
/// none, that is a warning (OTLP/HTTP, Partial Success). `None` where it says neither.
#[must_use]
pub fn partial(answer: &[u8]) -> Option<(u64, String)> {
    let said: Value = serde_json::from_slice(answer).ok()?;
    let partial = &said["partialSuccess"];
    let count = &partial["rejectedSpans"];
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok()).unwrap_or(0);
    let why = partial["errorMessage"].as_str().unwrap_or_default();
    (count > 0 || !why.is_empty()).then(|| (count, why.to_owned()))
}

/// What becomes of a request that a collector did not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The same again, later.
    Retried,
    /// It is not at fault: who we are, or where the collector is, is to be mended first.
    Misdirected,
    /// The same would be refused again.
    Final,
}

/// What a status says of a request that was not taken (OTLP/HTTP, Failures): 429, 502, 503 and 504 are tried again, and no other is.
/// Not so with those by which a collector, or what stands before it, says that it did not look at the request: then what is
/// wrong stands in our configuration.
#[must_use]
pub fn refusal(status: u16) -> Refusal {
    match status {
        429 | 502 | 503 | 504 => Refusal::Retried,
        300..=399 | 401 | 403 | 404 | 405 | 407 => Refusal::Misdirected,
        _ => Refusal::Final,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_as_the_recommendation_has_it() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context = Context::parse(text).expect("the example of the recommendation");
        assert_eq!(context.header(true), text);
        assert_eq!(context.header(false), text.replace("-01", "-00"));
        let later = format!("{}-what comes later", text.replacen("00-", "cc-", 1));
        assert_eq!(Context::parse(&later), Some(context));
    }

    #[test]
    fn err_what_is_no_traceparent() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for wrong in [
            String::new(),
            "00".to_owned(),
            good.to_uppercase(),
            good.replacen("00-", "ff-", 1),
            format!("{good}-more"),
            good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            good.replace("00f067aa0ba902b7", "00f067aa0ba902b"),
            good.replace("-01", "-1"),
            good.replace("4bf9", "é9"),
        ] {
            assert_eq!(Context::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn who_has_the_id_of_a_transmission_finds_its_trace() {
        // printf 'trace tra_1' | sha256sum (docs/TRACES.md)
        assert_eq!(TraceId::of("tra_1").to_string(), "13e89757bf5c46483c5bfcb5dbce82a1");
    }

    #[test]
    fn a_share_of_traces_is_kept_and_always_the_same() {
        let ids: Vec<TraceId> = (0..10_000).map(|number| TraceId::of(&number.to_string())).collect();
        let kept = |share: f64| ids.iter().filter(|id| id.is_sampled(share)).count();
        assert_eq!((kept(0.0), kept(1.0)), (0, 10_000));
        assert!((2_300..2_700).contains(&kept(0.25)), "{}", kept(0.25));
        assert!(ids.iter().all(|id| !id.is_sampled(0.25) || id.is_sampled(0.5)), "a larger share has the smaller one");
        assert_eq!(TraceId::of("tra_1"), TraceId::of("tra_1"));
        assert_ne!(TraceId::of("tra_1"), TraceId::of("tra_2"));
    }

    #[test]
    fn a_collector_that_takes_some_says_how_many_not() {
        let said = br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}"#;
        assert_eq!(partial(said), Some((3, "too old".to_owned())));
        let warned = br#"{"partialSuccess":{"rejectedSpans":"0","errorMessage":"soon too old"}}"#;
        assert_eq!(partial(warned), Some((0, "soon too old".to_owned())));
        for all in ["{}", "", r#"{"partialSuccess":{}}"#, r#"{"partialSuccess":{"rejectedSpans":0}}"#] {
            assert_eq!(partial(all.as_bytes()), None, "{all}");
        }
    }

    #[test]
    fn only_what_the_protocol_names_is_tried_again() {
        let of = |wanted: Refusal| (300..=599).filter(|status| refusal(*status) == wanted).collect::<Vec<u16>>();
        assert_eq!(of(Refusal::Retried), [429, 502, 503, 504]);
        assert_eq!(of(Refusal::Misdirected)[100..], [401, 403, 404, 405, 407]);
        for status in [400, 408, 409, 413, 415, 425, 500, 501, 505] {
            assert_eq!(refusal(status), Refusal::Final, "{status}");
        }
    }

    #[test]
    fn values_have_no_control_characters_and_an_end() {
        let long = "é".repeat(VALUE_CHARACTERS_MAX + 1);
        assert_eq!(Fact::Text(long).value()["stringValue"].as_str().map(|text| text.chars().count()), Some(128));
        assert_eq!(Fact::Text("a\r\nb".into()).value(), json!({ "stringValue": "ab" }));
    }
}
