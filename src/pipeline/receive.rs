//! A sender's body over HTTP: who may send, the bytes into the spool, the commit, and only then the answer.

use super::as2;
use super::converse;
use super::live::{self, Seat};
use super::measure;
use super::reach::is_pinned;
use super::state::Service;
use super::telemetry;
use crate::config::Limits;
use crate::partner::{AnswerPolicy, Basic, Channel, Shown, Way};
use crate::store::claim::NewClaim;
use crate::store::commit::receive::Reception;
use crate::store::transmission::NewTransmission;
use crate::store::{Actor, Direction, Spool, StoreError};
use crate::transport::http::otlp::TraceId;
use crate::transport::http::receive::{Answer, Arrival, Intake, Pace, Receiver, Refusal};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

/// The status of an answer to a body that was kept.
const ACCEPTED: u16 = 202;
/// What stands in it.
const CONTENT_TYPE: &str = "application/json";

/// Takes bodies for a service.
pub struct HttpReceiver(pub Arc<Service>);

impl Receiver for HttpReceiver {
    fn begin<'r>(&'r self, arrival: Arrival) -> BoxFuture<'r, Result<Box<dyn Intake>, Refusal>> {
        Box::pin(async move {
            let service = &self.0;
            let directory = service.directory();
            let channel = directory.channel(&arrival.channel).filter(|channel| channel.way == Way::In);
            if channel.filter(|channel| channel.is_open()).is_some_and(|channel| channel.cxml.is_some()) {
                // Its documents say themselves who sends them.
                service.store.has_room().map_err(|error| unavailable(&error))?;
                return Ok(converse::intake(service, arrival));
            }
            // Who does not prove to be allowed is not told which channels there are. A channel of AS2 is not one of these.
            let channel = channel.filter(|channel| channel.as2.is_none());
            let actor = match channel {
                Some(channel) => authenticate(service, &arrival, (&arrival.channel, channel)).await?,
                None => None,
            };
            let (Some(actor), Some(channel)) = (actor, channel) else { return Err(not_authenticated()) };
            if channel.cxml.is_some() {
                service.store.has_room().map_err(|error| unavailable(&error))?;
                return Ok(converse::intake(service, arrival));
            }
            check_room(service, &scope(&arrival.channel), arrival.key.as_ref()).await?;
            let answering = match channel.answers_calls() {
                Some(policy) => Some((Seat::take(service, &arrival.channel, policy)?, policy.clone())),
                None => None,
            };
            let now = service.now();
            let limit = channel.body_bytes.unwrap_or(service.config.limits.body_bytes);
            let spool = service.store.spool(limit, now).leaving_reserve();
            let transmission_id = service.store.new_id("tra", now);
            let intake = HttpIntake { service: service.clone(), arrival, actor, spool, transmission_id, answering };
            Ok(Box::new(intake) as Box<dyn Intake>)
        })
    }

    fn begin_as2<'r>(&'r self, arrival: Arrival) -> BoxFuture<'r, Result<Box<dyn Intake>, Refusal>> {
        Box::pin(as2::receive::begin(&self.0, arrival))
    }
}

/// Whose keys those of a channel are.
fn scope(channel: &str) -> String {
    format!("http:{channel}")
}

/// How slow a body may be.
#[must_use]
pub fn pace(limits: &Limits) -> Pace {
    Pace { idle: Duration::from_secs(limits.body_idle_seconds), bytes_per_second: limits.body_bytes_per_second }
}

/// Whether there is room for a body. One that came before under its key is answered from what is here, and needs none; where
/// it is so large that it would need a file, the spool refuses it.
pub(super) async fn check_room(service: &Service, scope: &str, key: Option<&String>) -> Result<(), Refusal> {
    let Err(full) = service.store.has_room() else { return Ok(()) };
    if let Some(key) = key {
        let claim = service.store.claim(scope, key).await;
        if claim.map_err(|error| unavailable(&error))?.is_some() {
            return Ok(());
        }
    }
    Err(unavailable(&full))
}

/// Who sends, if what they show is what the channel asks for: a token or password, a certificate of TLS, or both.
pub(super) async fn authenticate(
    service: &Service,
    arrival: &Arrival,
    (name, channel): (&str, &Channel),
) -> Result<Option<Actor>, Refusal> {
    let mut actor = None;
    if !channel.client_certificates.is_empty() {
        let pinned = |shown: &Vec<u8>| is_pinned(service, &channel.client_certificates, shown, service.now());
        let Some(shown) = arrival.certificate.as_ref().filter(|shown| pinned(shown)) else { return Ok(None) };
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, shown);
        let fingerprint: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        actor = Some(Actor(format!("certificate:{fingerprint}")));
    }
    let Some(auth) = &channel.auth else { return Ok(actor) };
    let Some((scheme, shown)) = arrival.authorization.as_deref().and_then(|shown| shown.split_once(' ')) else {
        return Ok(None);
    };
    let shown = shown.trim();
    let directory = service.directory();
    let basic = match auth {
        Shown::Token => None,
        Shown::Basic(basic) => Some(basic),
        Shown::Named(name) => directory.auth(name).and_then(|auth| auth.basic.as_ref()),
    };
    match basic {
        None if *auth == Shown::Token && scheme.eq_ignore_ascii_case("bearer") => {
            let token = service.store.token(shown, service.now()).await.map_err(|error| unavailable(&error))?;
            let scope = format!("channel:{name}");
            Ok(token.filter(|token| token.scope == scope).map(|token| Actor(format!("token:{}", token.token_id))))
        }
        Some(Basic { user, password }) if scheme.eq_ignore_ascii_case("basic") => {
            let wanted = match service.store.secret(&password.secret).await {
                Ok(wanted) => wanted,
                Err(error) if error.is_lasting() => {
                    tracing::error!(channel = name, secret = password.secret, "The channel's password is not set");
                    return Ok(None);
                }
                Err(error) => return Err(unavailable(&error)),
            };
            let decoded = base64::engine::general_purpose::STANDARD.decode(shown).unwrap_or_default();
            let end = wanted.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
            let wanted = [user.as_bytes(), b":", &wanted[..end]].concat();
            Ok(verify_slices_are_equal(&decoded, &wanted).is_ok().then(|| Actor(format!("user:{user}"))))
        }
        _ => Ok(None),
    }
}

/// What is said to who does not prove to be allowed; it is counted.
pub(super) fn not_authenticated() -> Refusal {
    measure::not_let_in("partner");
    let detail =
        "expected the token or password of this channel in Authorization, and its certificate of TLS where it \
                  wants one"
            .to_owned();
    Refusal { status: 401, code: "NOT-AUTHENTICATED", detail }
}

struct HttpIntake {
    service: Arc<Service>,
    arrival: Arrival,
    actor: Actor,
    spool: Spool,
    transmission_id: String,
    /// Where the call gets a document as its answer: its place among those, and how.
    answering: Option<(Seat, AnswerPolicy)>,
}

impl Intake for HttpIntake {
    fn write<'w>(&'w mut self, bytes: &'w [u8]) -> BoxFuture<'w, Result<(), Refusal>> {
        Box::pin(ready(self.spool.write(bytes).map_err(|error| unavailable(&error))))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Answer, Refusal>> {
        Box::pin(async move { self.keep().await })
    }
}

impl HttpIntake {
    async fn keep(self) -> Result<Answer, Refusal> {
        let (service, id) = (self.service, self.transmission_id);
        let content = self.spool.finish().await.map_err(|error| unavailable(&error))?;
        let body = json!({ "transmission": id, "state": "stored", "duplicate_of": null }).to_string().into_bytes();
        let channel = self.arrival.channel;
        let key = self.arrival.key.map(|key| NewClaim {
            scope: scope(&channel),
            key,
            answer_status: ACCEPTED,
            answer_body: body.clone(),
        });
        let new = NewTransmission {
            transmission_id: id.clone(),
            direction: Direction::In,
            channel: channel.clone(),
            partner: None,
            environment: None,
            content,
            content_type: self.arrival.content_type,
            file_name: None,
            headers: telemetry::facts(&service, &self.arrival.headers),
        };
        let done = service.store.receive(new, key, &self.actor, service.now()).await;
        let answering = self.answering.as_ref().map(|(_, policy)| (channel.as_str(), policy));
        match done.map_err(|error| unavailable(&error))? {
            Reception::New => {
                tracing::info!(
                    trace_id = %TraceId::of(&id),
                    transmission.id = id,
                    transmission.channel = channel,
                    "Received"
                );
                metrics::counter!("portolan_received_total", "channel" => channel.clone()).increment(1);
                if let Some(answering) = answering {
                    return live::answer(&service, answering, &id, false).await;
                }
                service.arrived.notify_one();
                Ok(Answer {
                    status: ACCEPTED,
                    content_type: CONTENT_TYPE.into(),
                    headers: Vec::new(),
                    body,
                    location: location(&id),
                    replayed: false,
                })
            }
            Reception::Replay { transmission_id, status, body } => match answering {
                Some(answering) => live::answer(&service, answering, &transmission_id, true).await,
                None => Ok(Answer {
                    status,
                    content_type: CONTENT_TYPE.into(),
                    headers: Vec::new(),
                    body,
                    location: location(&transmission_id),
                    replayed: true,
                }),
            },
            Reception::Conflict { transmission_id } => {
                tracing::warn!(
                    trace_id = %TraceId::of(&transmission_id),
                    transmission.id = transmission_id,
                    transmission.channel = channel,
                    "Key used again"
                );
                let detail = format!(
                    "this Idempotency-Key came before with other bytes, as {transmission_id}; use a new key for new content"
                );
                Err(Refusal { status: 422, code: "KEY-REUSED", detail })
            }
        }
    }
}

pub(super) fn location(id: &str) -> String {
    format!("/api/v1/transmissions/{id}")
}

/// A failure of ours, or a limit: what the sender should do differs.
pub(super) fn unavailable(error: &StoreError) -> Refusal {
    if let StoreError::Limit(limit) = error {
        let detail = format!("{limit} is not taken here; send it in parts");
        return Refusal { status: 413, code: "BODY-TOO-LARGE", detail };
    }
    tracing::error!(error = %error, "Not kept");
    Refusal {
        status: 503,
        code: if error.is_full() { "STORAGE-FULL" } else { "NOT-KEPT" },
        detail: "it could not be kept; nothing was lost, send it again with the same key".to_owned(),
    }
}
