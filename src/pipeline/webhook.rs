//! Events of the ledger, told to webhooks: each webhook in the order of the ledger, one at a time, until it is taken. A crash
//! between the answer and its commit tells one again, under the same id. What is told are ids, states and links, never what
//! a partner wrote.

use super::reach::{Outbound, Said, Unready, assemble};
use super::state::Service;
use super::turns::Turns;
use crate::clock::Timestamp;
use crate::partner::Webhook;
use crate::store::alarm;
use crate::store::circuit;
use crate::store::event::Event;
use crate::store::pause;
use crate::store::webhook::{CHAIN, Sequenced, WebhookState};
use crate::store::{Result, StoreError};
use crate::transport::http::auth::oauth2::NoToken;
use crate::transport::http::body::Body;
use crate::transport::http::reach::Owner;
use crate::transport::http::send::{Asked, Outcome, Post};
use crate::transport::http::webhook::{lines, secret};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often webhooks are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How long the answer to an event may take.
pub const ANSWER_WAIT: Duration = Duration::from_secs(20);
/// Webhooks that are told something at once; each is told one event at a time.
const PLACES: usize = 16;
/// How long to wait after a failure where the configuration has no schedule.
const WAIT_UNSAID: Duration = Duration::from_secs(60);
/// How long a stop waits for an answer.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// The status by which a receiver says that it wants no more.
const GONE: u16 = 410;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Tells all webhooks until told to stop.
pub async fn run(service: Arc<Service>, stop: CancellationToken) {
    let (mut running, mut turns) = (JoinSet::new(), Turns::new(PLACES));
    while !stop.is_cancelled() {
        let names: Vec<String> = service.directory().webhooks().map(|(name, _)| name.clone()).collect();
        for name in turns.next(&names) {
            let (service, stop, own) = (service.clone(), stop.clone(), name.clone());
            let told = running.spawn(async move {
                let told = tell_some(&service, &own, &stop).await;
                if let Err(error) = &told
                    && !matches!(error, StoreError::Stopped)
                {
                    tracing::error!(webhook = own, error = %error, "Events could not be told; they will be");
                }
                told.unwrap_or(false)
            });
            turns.begun(told.id(), name);
        }
        let tick = tokio::time::sleep(TICK);
        tokio::pin!(tick);
        loop {
            tokio::select! {
                () = &mut tick => break,
                () = stop.cancelled() => break,
                // Who has more to be told has the next turn at once, unless others wait.
                Some(ended) = running.join_next_with_id() => {
                    if turns.ended(ended).unwrap_or(false) {
                        break;
                    }
                }
            }
        }
    }
    let all = async { while running.join_next().await.is_some() {} };
    // What has no answer in time is told again at the next start.
    let _ = tokio::time::timeout(STOP_WAIT, all).await;
}

/// Tells a webhook a batch of what it does not know yet, up to the first failure. Returns whether there may be more.
async fn tell_some(service: &Service, name: &str, stop: &CancellationToken) -> Result<bool> {
    let state = match service.store.webhook(name).await {
        Ok(state) => state,
        // Its resource was taken away.
        Err(StoreError::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let is_due = state.next_at.is_none_or(|at| at.0 <= service.now().as_microsecond());
    if state.disabled_at.is_some() || !is_due {
        return Ok(false);
    }
    let mut written = state.position;
    let events = service.store.events_after(written).await?;
    let Some(last) = events.last().map(|one| one.sequence) else { return Ok(false) };
    for one in &events {
        let directory = service.directory();
        let Some(hook) = directory.webhook(name) else { return Ok(false) };
        if !hook.wants(&event_type(&one.event)) {
            continue;
        }
        if stop.is_cancelled() {
            return Ok(false);
        }
        let outcome = tell(service, hook, &id(one), &body(one)).await?;
        metrics::counter!("portolan_webhooks_total", "outcome" => word(&outcome)).increment(1);
        match outcome {
            Outcome::Delivered { status, .. } => {
                written = one.sequence;
                service.store.webhook_passed(name, written, Some(status), service.now()).await?;
            }
            other => return failed(service, name, hook, other).await.map(|()| false),
        }
    }
    if written < last {
        service.store.webhook_passed(name, last, None, service.now()).await?;
    }
    Ok(true)
}

/// Posts one event to a webhook.
///
/// # Errors
/// The ledger failed.
async fn tell(service: &Service, hook: &Webhook, id: &str, body: &Value) -> Result<Outcome> {
    let permanent = |reason: String| Ok(Outcome::Permanent { status: None, reason });
    let said = Said {
        networks: &hook.allow_networks,
        authorities: &hook.authorities,
        proxy: hook.proxy.as_ref(),
        headers: hook.headers.iter().collect(),
        auth: hook.auth.as_deref(),
        owner: Owner::Webhook,
    };
    let Outbound { reach, credentials, headers, secrets, once } = match assemble(service, said).await {
        Ok(outbound) => outbound,
        Err(unready) => return permanent(unready.told()?.1),
    };
    let mut keys = Vec::new();
    for named in std::iter::once(&hook.secret).chain(&hook.previous_secret) {
        let written = match super::reach::secret(service, named).await {
            Ok(written) => written,
            Err(Unready::Store(error)) => return Err(error),
            Err(unready) => return permanent(unready.told()?.1),
        };
        match secret(&written) {
            Ok(key) => keys.push(key),
            Err(expected) => return permanent(format!("secret {}: {expected}", named.secret)),
        }
    }
    let bytes = body.to_string().into_bytes();
    let signed = lines(id, once.now.as_second(), &bytes, &keys);
    let agent = ("user-agent".to_owned(), concat!("portolan/", env!("CARGO_PKG_VERSION")).to_owned());
    let post = Post {
        url: hook.url.clone(),
        method: Method::POST,
        key: None,
        content_type: "application/json".to_owned(),
        headers: std::iter::once(agent).chain(headers).chain(signed).collect(),
        secrets,
        body: Body::Held(bytes),
        reach,
        credentials,
        once,
        patience: ANSWER_WAIT,
        asked: Asked::Status,
    };
    Ok(service.sender.send(post).await)
}

/// Notes a failure, and when it goes on; what has failed for as many days as the webhook says is given up.
async fn failed(service: &Service, name: &str, hook: &Webhook, outcome: Outcome) -> Result<()> {
    let now = service.now();
    let (status, reason, asked) = match outcome {
        Outcome::Permanent { status, reason } => (status, reason, None),
        Outcome::Transient { status, reason, retry_after } => (status, reason, retry_after),
        Outcome::Uncertain { reason } | Outcome::NoToken(NoToken { reason, .. }) | Outcome::Unreadable { reason } => {
            (None, reason, None)
        }
        Outcome::Delivered { status, .. } => (Some(status), String::new(), None),
    };
    let state = service.store.webhook(name).await?;
    let is_over = is_over(&state, hook, now) || status == Some(GONE);
    let next_at = (!is_over).then(|| now + delay(service, state.failures, asked));
    if is_over {
        tracing::error!(webhook = name, status, reason, "A webhook is given up; portolan webhook resume lets it go on");
    } else if state.failures == 0 {
        tracing::warn!(webhook = name, status, reason, "A webhook does not take events");
    }
    service.store.webhook_failed(name, next_at, (status, &reason), now).await
}

fn is_over(state: &WebhookState, hook: &Webhook, now: Timestamp) -> bool {
    let days = u32::try_from(hook.disable_after_days).unwrap_or(u32::MAX);
    let limit = i64::try_from(DAY.saturating_mul(days).as_micros()).unwrap_or(i64::MAX);
    state.failing_since.is_some_and(|since| now.as_microsecond() - since.0 >= limit)
}

/// The schedule of deliveries, whose last wait goes on.
fn delay(service: &Service, failures: i64, asked: Option<Duration>) -> Duration {
    let count = i64::try_from(service.config.delivery.retry_seconds.len()).unwrap_or(i64::MAX);
    service.retry_delay((failures + 1).min(count), asked).unwrap_or(WAIT_UNSAID)
}

fn word(outcome: &Outcome) -> &'static str {
    if matches!(outcome, Outcome::Delivered { .. }) { "delivered" } else { "failed" }
}

/// The type of an event as webhooks know it, one of `partner::EVENT_TYPES`.
#[must_use]
pub fn event_type(event: &Event) -> String {
    let to = event.to_state.as_deref();
    match event.kind.as_str() {
        "translated" => format!("document.{}", to.unwrap_or("written")),
        "refused" => format!("document.{}", to.unwrap_or("failed")),
        "acknowledged" | "ack_overdue" => format!("ack.{}", to.unwrap_or("overdue")),
        "delivery" => format!("delivery.{}", to.unwrap_or("ready")),
        "webhook" => format!("webhook.{}", to.unwrap_or("disabled")),
        "alarm" => format!("alarm.{}", to.unwrap_or("raised")),
        "pause" => format!("pause.{}", to.unwrap_or("begun")),
        "circuit" => format!("circuit.{}", to.unwrap_or("opened")),
        "encoded" => "transmission.encoded".to_owned(),
        kind => format!("transmission.{}", to.unwrap_or(kind)),
    }
}

/// The same for every attempt, so that a receiver knows what it had.
fn id(one: &Sequenced) -> String {
    format!("evt_{}_{}", one.event.transmission_id.replace('/', "_"), one.event.number)
}

/// What is told of an event.
fn body(one: &Sequenced) -> Value {
    let event = &one.event;
    let (mut data, mut links) = (serde_json::Map::new(), serde_json::Map::new());
    data.insert("sequence".into(), one.sequence.into());
    match event.transmission_id.strip_prefix(CHAIN) {
        Some(name) => drop(data.insert("webhook".into(), name.into())),
        None if event.kind == "alarm" => {
            let id = event.transmission_id.strip_prefix(alarm::CHAIN).unwrap_or_default();
            data.insert("alarm".into(), id.into());
            links.insert("alarm".into(), format!("/api/v1/alarms/{id}").into());
        }
        None if event.kind == "pause" => {
            let what = event.transmission_id.strip_prefix(pause::CHAIN).and_then(|what| what.split_once('/'));
            let (kind, name) = what.unwrap_or_default();
            data.insert(kind.into(), name.into());
            links.insert("pauses".into(), "/api/v1/pauses".into());
        }
        None if event.kind == "circuit" => {
            let name = event.transmission_id.strip_prefix(circuit::CHAIN).unwrap_or_default();
            data.insert("channel".into(), name.into());
            links.insert("channels".into(), "/api/v1/channels".into());
        }
        None => {
            let all = [
                ("transmission", Some(&event.transmission_id), "transmissions"),
                ("document", event.document_id.as_ref(), "documents"),
                ("delivery", event.delivery_id.as_ref(), "deliveries"),
            ];
            for (key, id, folder) in all {
                if let Some(id) = id {
                    data.insert(key.into(), id.as_str().into());
                    links.insert(key.into(), format!("/api/v1/{folder}/{id}").into());
                }
            }
        }
    }
    data.insert("from".into(), json!(event.from_state));
    data.insert("to".into(), json!(event.to_state));
    data.insert("attempt".into(), json!(event.attempt));
    data.insert("links".into(), Value::Object(links));
    let at = Timestamp::from_microsecond(event.at.0).unwrap_or_default();
    json!({ "type": event_type(event), "timestamp": at.to_string(), "data": data })
}

/// Posts a test event to a webhook, now and once, whatever has happened to it. Nothing is kept of it.
///
/// # Errors
/// There is none of that name, or the ledger failed.
pub async fn test(service: &Service, name: &str) -> Result<Value> {
    let directory = service.directory();
    let missing = || StoreError::NotFound { what: "webhook", id: name.to_owned() };
    let hook = directory.webhook(name).ok_or_else(missing)?;
    let now = service.now();
    let body = json!({ "type": "webhook.test", "timestamp": now.to_string(), "data": { "webhook": name } });
    let outcome = tell(service, hook, &service.store.new_id("evt", now), &body).await?;
    Ok(match outcome {
        Outcome::Delivered { status, .. } => {
            json!({ "webhook": name, "passed": true, "status": status, "reason": null })
        }
        Outcome::Permanent { status, reason } | Outcome::Transient { status, reason, .. } => {
            json!({ "webhook": name, "passed": false, "status": status, "reason": reason })
        }
        Outcome::Uncertain { reason } | Outcome::NoToken(NoToken { reason, .. }) | Outcome::Unreadable { reason } => {
            json!({ "webhook": name, "passed": false, "status": null, "reason": reason })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partner::EVENT_TYPES;
    use crate::store::Micros;
    use crate::store::ack::AckState;
    use crate::store::circuit::CircuitState;
    use crate::store::delivery::DeliveryState;
    use crate::store::document::Processing;
    use crate::store::mailbox::EVENT_KINDS;
    use crate::store::retention::PURGED;
    use crate::store::transmission::TransmissionState;

    fn event(kind: &str, to: Option<&str>) -> Event {
        Event {
            number: 7,
            transmission_id: "tra_1".into(),
            document_id: Some("doc_1".into()),
            delivery_id: None,
            kind: kind.into(),
            from_state: None,
            to_state: to.map(str::to_owned),
            actor: "system".into(),
            node: "n".into(),
            cause: Some("PO102: found 12O".into()),
            attempt: None,
            at: Micros(1_790_000_000_000_000),
        }
    }

    /// Filters are checked against the list, so that it must have whatever the ledger says.
    #[test]
    fn every_state_has_its_type() {
        let mut all = vec![event_type(&event("translated", None)), event_type(&event("encoded", Some("stored")))];
        all.extend(TransmissionState::ALL.iter().map(|one| event_type(&event(one.as_str(), Some(one.as_str())))));
        all.extend(Processing::ALL.iter().map(|one| event_type(&event("translated", Some(one.as_str())))));
        all.extend(DeliveryState::ALL.iter().map(|one| event_type(&event("delivery", Some(one.as_str())))));
        all.extend(AckState::ALL.iter().map(|one| event_type(&event("acknowledged", Some(one.as_str())))));
        all.extend(
            ["raised", "acknowledged", "snoozed", "closed", "over"].map(|one| event_type(&event("alarm", Some(one)))),
        );
        all.extend(["begun", "ended"].map(|one| event_type(&event("pause", Some(one)))));
        all.extend(CircuitState::ALL.iter().map(|one| event_type(&event("circuit", Some(one.as_str())))));
        all.extend(["disabled", "enabled", "test"].map(|one| event_type(&event("webhook", Some(one)))));
        all.extend(EVENT_KINDS.map(|kind| event_type(&event(kind, None))));
        all.push(event_type(&event(PURGED, None)));
        for one in &all {
            assert!(EVENT_TYPES.contains(&one.as_str()), "{one}");
        }
        for one in EVENT_TYPES {
            assert!(all.iter().any(|known| known == one), "{one} never happens");
        }
    }

    #[test]
    fn it_is_given_up_after_days_of_failure_and_not_before() {
        let body = json!({ "url": "u", "secret": { "secret": "s" }, "disable_after_days": "2" });
        let hook: Webhook = serde_json::from_value(body).expect("a webhook");
        let begin = Timestamp::from_second(1_790_000_000).expect("a time");
        let fails = |since: Option<Timestamp>| WebhookState {
            webhook_id: "monitor".into(),
            position: 1,
            failures: 7,
            failing_since: since.map(Micros::from),
            next_at: None,
            disabled_at: None,
            status: Some(500),
            reason: None,
            delivered_at: None,
        };
        let after = |days: u32| begin + DAY * days;
        assert!(!is_over(&fails(None), &hook, after(9)));
        assert!(!is_over(&fails(Some(begin)), &hook, after(2) - Duration::from_micros(1)));
        assert!(is_over(&fails(Some(begin)), &hook, after(2)));
    }

    #[test]
    fn ids_and_links_are_told_and_nothing_that_a_partner_wrote() {
        let one = Sequenced { sequence: 12, event: event("translated", Some("failed")) };
        let expected = json!({ "type": "document.failed", "timestamp": "2026-09-21T14:13:20Z", "data": {
            "sequence": 12, "transmission": "tra_1", "document": "doc_1", "from": null, "to": "failed", "attempt": null,
            "links": { "transmission": "/api/v1/transmissions/tra_1", "document": "/api/v1/documents/doc_1" } } });
        assert_eq!((body(&one), id(&one).as_str()), (expected, "evt_tra_1_7"));
    }
}
