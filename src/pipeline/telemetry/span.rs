//! From a step in the ledger to a span. The trace of a document is that of the transmission it came in, and so is all that is made
//! of it; ids are digests of ids of the ledger, so that every process, before and after a restart, says the same.

use super::super::state::Service;
use crate::id::made_at;
use crate::partner::Directory;
use crate::store::telemetry::{Origin, Step};
use crate::store::{Direction, Micros, Result};
use crate::transport::http::otlp::{Context, Fact, Kind, Span, SpanId, TraceId};
use reqwest::Url;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The span of a transmission that came in: the first of its trace.
pub(super) fn received(transmission_id: &str) -> SpanId {
    SpanId::of(&format!("received {transmission_id}"))
}

/// That of its processing.
fn processed(transmission_id: &str) -> SpanId {
    SpanId::of(&format!("processed {transmission_id}"))
}

/// That of a document which came in.
fn translated(document_id: &str) -> SpanId {
    SpanId::of(&format!("translated {document_id}"))
}

/// That of a transmission which was made.
fn encoded(transmission_id: &str) -> SpanId {
    SpanId::of(&format!("encoded {transmission_id}"))
}

/// That of an attempt to deliver.
pub(super) fn attempted(delivery_id: &str, number: i64) -> SpanId {
    SpanId::of(&format!("attempt {delivery_id}/{number}"))
}

/// The trace of a transmission that comes from these.
pub(super) fn trace_of(transmission_id: &str, origins: &[Origin]) -> TraceId {
    TraceId::of(origins.first().map_or(transmission_id, |first| first.transmission_id.as_str()))
}

/// Makes spans of steps. What the ledger said of one it knows for the next.
pub(super) struct Spans<'s> {
    service: &'s Service,
    directory: Arc<Directory>,
    share: f64,
    origins: HashMap<String, Vec<Origin>>,
}

impl<'s> Spans<'s> {
    /// Of that share of all traces.
    pub(super) fn new(service: &'s Service, share: f64) -> Self {
        Self { service, directory: service.directory(), share, origins: HashMap::new() }
    }

    /// The span of a step; `None` where its trace is none of those that are told.
    ///
    /// # Errors
    /// The ledger failed.
    pub(super) async fn of(&mut self, step: &Step) -> Result<Option<Span>> {
        let origins = self.origins(step).await?;
        let trace = trace_of(&step.transmission_id, &origins);
        if !trace.is_sampled(self.share) {
            return Ok(None);
        }
        let mut span = match step.kind.as_str() {
            "stored" => self.receive(step),
            "translated" => translate(step),
            "refused" => refuse(step),
            "encoded" => self.encode(step, trace, &origins),
            "delivery" if step.from_state.as_deref() == Some("sending") => self.deliver(step),
            "delivery" => self.deliver_end(step).await?,
            "acknowledged" | "ack_overdue" => self.acknowledge(step).await?,
            _ => self.process(step).await?,
        };
        span.context.trace = trace;
        Ok(Some(span))
    }

    async fn origins(&mut self, step: &Step) -> Result<Vec<Origin>> {
        if step.direction == Direction::In.as_str() {
            return Ok(Vec::new());
        }
        if let Some(known) = self.origins.get(&step.transmission_id) {
            return Ok(known.clone());
        }
        let found = self.service.store.origins(&step.transmission_id).await?;
        self.origins.insert(step.transmission_id.clone(), found.clone());
        Ok(found)
    }

    fn receive(&self, step: &Step) -> Span {
        let mut span = span(step, received(&step.transmission_id), None, format!("receive {}", step.channel));
        span.kind = Kind::Consumer;
        // Its id was made when its first byte came.
        span.start = made_at(&step.transmission_id).unwrap_or(span.end);
        span.links.extend(sent_with(&step.headers));
        span.text("transmission.id", Some(&step.transmission_id));
        span.text("transmission.channel", Some(&step.channel));
        span.text("transmission.partner", step.partner.as_ref());
        self.messaging(&mut span, &step.channel, "receive");
        span.text("messaging.message.id", Some(&step.transmission_id));
        span.number("messaging.message.body.size", Some(step.size));
        span.ends(step, step.to_state.as_deref() != Some("stored"), step.transmission_code.as_deref());
        span
    }

    async fn process(&self, step: &Step) -> Result<Span> {
        let is_held = step.kind == "held";
        // What is held is processed again some day.
        let id = if is_held { of_event(step) } else { processed(&step.transmission_id) };
        let mut span = span(step, id, Some(received(&step.transmission_id)), "process".to_owned());
        let since = self.service.store.stored_at(&step.transmission_id, step.number).await?;
        span.start = since.unwrap_or(step.created_at).timestamp();
        span.text("transmission.id", Some(&step.transmission_id));
        span.ends(step, is_held || step.kind == "rejected", step.transmission_code.as_deref());
        Ok(span)
    }

    fn encode(&self, step: &Step, own: TraceId, origins: &[Origin]) -> Span {
        let parent = origins.first().map(|first| match &first.document_id {
            Some(document_id) => translated(document_id),
            None => received(&first.transmission_id),
        });
        let name = step.document_type.as_ref().map_or("encode".to_owned(), |kind| format!("encode {kind}"));
        let mut span = span(step, encoded(&step.transmission_id), parent, name);
        span.start = made_at(&step.transmission_id).unwrap_or(span.end);
        let others = origins.iter().skip(1).filter_map(|one| {
            let trace = TraceId::of(&one.transmission_id);
            let document = one.document_id.as_deref()?;
            (trace != own).then(|| Context { trace, span: translated(document) })
        });
        span.links.extend(others);
        span.text("transmission.id", Some(&step.transmission_id));
        span.text("transmission.channel", Some(&step.channel));
        span.text("document.format", format(step).as_ref());
        span.number("messaging.message.body.size", Some(step.size));
        span
    }

    fn deliver(&self, step: &Step) -> Span {
        let delivery_id = step.delivery_id.as_deref().unwrap_or_default();
        let number = step.attempt.unwrap_or_default();
        let mut span = self.delivering(step, attempted(delivery_id, number));
        span.start = step.started_at.map_or(span.end, Micros::timestamp);
        span.number("delivery.attempt", step.attempt);
        let remote = step.remote.as_deref().and_then(|remote| Url::parse(remote).ok());
        let host = remote.as_ref().and_then(Url::host_str).map(str::to_owned);
        span.text("server.address", host.as_ref());
        span.number("http.response.status_code", step.status);
        let is_failed = !matches!(step.to_state.as_deref(), Some("delivered" | "awaiting_receipt"));
        let status = step.status.map(|status| status.to_string());
        span.ends(step, is_failed, status.as_deref());
        span
    }

    /// What a delivery comes to otherwise: its receipt came, or it goes no further.
    async fn deliver_end(&self, step: &Step) -> Result<Span> {
        if step.from_state.as_deref() != Some("awaiting_receipt") {
            let mut span = self.delivering(step, of_event(step));
            span.ends(step, step.to_state.as_deref() != Some("cancelled"), step.delivery_code.as_deref());
            return Ok(span);
        }
        let delivery_id = step.delivery_id.as_deref().unwrap_or_default();
        let last = self.service.store.last_attempt(delivery_id).await?;
        let parent = last.map(|(number, _)| attempted(delivery_id, number));
        let mut span = span(step, of_event(step), parent, "acknowledge".to_owned());
        span.kind = Kind::Consumer;
        let sent_at = last.and_then(|(_, ended_at)| ended_at).map(|at| Micros(at).timestamp());
        span.start = sent_at.unwrap_or(span.end);
        span.text("delivery.id", step.delivery_id.as_ref());
        span.text("ack.kind", Some("mdn"));
        span.ends(step, step.to_state.as_deref() != Some("delivered"), step.delivery_code.as_deref());
        Ok(span)
    }

    fn delivering(&self, step: &Step, id: SpanId) -> Span {
        let channel = step.delivery_channel.as_deref().unwrap_or(&step.channel);
        let is_made = step.direction == Direction::Out.as_str();
        let parent = if is_made { encoded(&step.transmission_id) } else { processed(&step.transmission_id) };
        let mut span = span(step, id, Some(parent), format!("deliver {channel}"));
        span.kind = Kind::Producer;
        span.text("transmission.id", Some(&step.transmission_id));
        span.text("delivery.id", step.delivery_id.as_ref());
        span.text("delivery.channel", Some(channel));
        span.text("delivery.partner", step.delivery_partner.as_ref());
        self.messaging(&mut span, channel, "send");
        span.text("messaging.message.id", Some(&step.transmission_id));
        span
    }

    async fn acknowledge(&self, step: &Step) -> Result<Span> {
        let brought = self.service.store.brought(&step.transmission_id).await?;
        let parent = brought.as_ref().map(|one| attempted(&one.delivery_id, one.attempts));
        let parent = parent.unwrap_or_else(|| encoded(&step.transmission_id));
        let mut span = span(step, of_event(step), Some(parent), "acknowledge".to_owned());
        span.kind = Kind::Consumer;
        span.start = brought.map_or(span.end, |one| one.changed_at.timestamp());
        span.text("document.id", step.document_id.as_ref());
        span.text("document.format", format(step).as_ref());
        let document_id = step.document_id.as_deref().unwrap_or_default();
        // Only the word in front is ours.
        if let Some(kind) = step.said.as_deref().and_then(|said| said.split(' ').next()) {
            span.text("ack.kind", Some(kind));
            let carried = self.service.store.acknowledged_by(document_id, kind, step.at).await?;
            let carried = carried.filter(|id| *id != step.transmission_id);
            span.links.extend(carried.map(|id| Context { trace: TraceId::of(&id), span: received(&id) }));
        }
        let is_failed = matches!(step.to_state.as_deref(), Some("rejected" | "overdue"));
        span.ends(step, is_failed, None);
        Ok(span)
    }

    fn messaging(&self, span: &mut Span, channel: &str, operation: &str) {
        span.text("messaging.system", self.directory.channel(channel).map(|one| &one.transport));
        span.text("messaging.destination.name", Some(channel));
        span.text("messaging.operation.type", Some(operation));
    }
}

fn translate(step: &Step) -> Span {
    let document_id = step.document_id.as_deref().unwrap_or_default();
    let mut span = document(step, translated(document_id), processed(&step.transmission_id));
    span.start = made_at(document_id).unwrap_or(span.end);
    let is_failed = matches!(step.to_state.as_deref(), Some("failed" | "held"));
    span.ends(step, is_failed, step.document_code.as_deref());
    span
}

/// One that was to leave turns out to be one that cannot.
fn refuse(step: &Step) -> Span {
    let document_id = step.document_id.as_deref().unwrap_or_default();
    let mut span = document(step, of_event(step), translated(document_id));
    span.ends(step, true, step.document_code.as_deref());
    span
}

fn document(step: &Step, id: SpanId, parent: SpanId) -> Span {
    let kind = step.document_type.as_deref().unwrap_or_default();
    let mut span = span(step, id, Some(parent), format!("translate {kind}"));
    span.text("transmission.id", Some(&step.transmission_id));
    span.text("document.id", step.document_id.as_ref());
    span.text("document.format", format(step).as_ref());
    span
}

/// `x12/004010/850`.
fn format(step: &Step) -> Option<String> {
    let (standard, version) = (step.standard.as_ref()?, step.version.as_ref()?);
    Some(format!("{standard}/{version}/{}", step.document_type.as_ref()?))
}

/// The span of a step that happens more than once.
fn of_event(step: &Step) -> SpanId {
    SpanId::of(&format!("event {}/{}", step.transmission_id, step.number))
}

/// A span that ends with a step, and took no time as far as is known.
fn span(step: &Step, id: SpanId, parent: Option<SpanId>, name: String) -> Span {
    let at = step.at.timestamp();
    let context = Context { trace: TraceId::of(&step.transmission_id), span: id };
    let (facts, links) = (Vec::new(), Vec::new());
    Span { context, parent, name, kind: Kind::Internal, start: at, end: at, facts, links, is_failed: false }
}

impl Span {
    fn text<T: AsRef<str>>(&mut self, key: &'static str, value: Option<T>) {
        let value = value.map(|value| Fact::Text(value.as_ref().to_owned()));
        self.facts.extend(value.map(|value| (key, value)));
    }

    fn number(&mut self, key: &'static str, value: Option<i64>) {
        self.facts.extend(value.map(|value| (key, Fact::Number(value))));
    }

    /// How it ended: the state that the step led to, and where that is a failure, of which kind.
    fn ends(&mut self, step: &Step, is_failed: bool, code: Option<&str>) {
        self.text("outcome", step.to_state.as_ref());
        self.is_failed = is_failed;
        if is_failed {
            self.text("error.type", code.or(step.to_state.as_deref()));
        }
    }
}

/// The span of the sender's that a transmission came with, from what was kept of its header lines.
fn sent_with(facts: &str) -> Option<Context> {
    let facts: Value = serde_json::from_str(facts).ok()?;
    let own = facts[super::TRACEPARENT].as_str();
    let lines = facts["as2"]["lines"].as_array().into_iter().flatten();
    let of_message = lines.filter(|line| line[0] == super::TRACEPARENT).find_map(|line| line[1].as_str());
    Context::parse(own.or(of_message)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_sender_said_is_found_in_either_place_and_only_where_it_is_one() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let expected = Context::parse(text);
        assert!(expected.is_some());
        assert_eq!(sent_with(&json!({ "traceparent": text }).to_string()), expected);
        let message = json!({ "as2": { "lines": [["as2-from", "x"], ["traceparent", text]] } });
        assert_eq!(sent_with(&message.to_string()), expected);
        for none in [json!({}), json!({ "traceparent": "00-1" }), json!({ "as2": { "lines": [["traceparent"]] } })] {
            assert_eq!(sent_with(&none.to_string()), None, "{none}");
        }
    }

    #[test]
    fn what_is_made_of_something_is_in_its_trace() {
        let origin = |id: &str| Origin { transmission_id: id.to_owned(), document_id: None };
        let own = trace_of("tra_1", &[]);
        assert_eq!(own, TraceId::of("tra_1"));
        assert_eq!(trace_of("tra_3", &[origin("tra_1"), origin("tra_2")]), own);
        assert_ne!(attempted("del_1", 1), attempted("del_1", 2));
    }
}
