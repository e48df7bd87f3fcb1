//! A transmission that somebody gives to be sent as it is, over a channel out of AS2: a file of any kind, or a document with its
//! attachments in one body (multipart/related). It is kept and will be delivered before who gives it is answered. It is not
//! translated, and no agreement is asked.

use super::attachments;
use super::receive::{check_room, location, unavailable};
use super::state::Service;
use crate::partner::Way;
use crate::store::claim::NewClaim;
use crate::store::commit::receive::Reception;
use crate::store::delivery::{NewDelivery, Turn};
use crate::store::transmission::NewTransmission;
use crate::store::{Actor, Content, Direction, Spool, StoreError};
use crate::transport::as2::mime::Parameters;
use crate::transport::http::otlp::TraceId;
use crate::transport::http::receive::{Answer, Intake, Refusal};
use futures_util::future::BoxFuture;
use serde_json::json;
use std::collections::BTreeSet;
use std::future::ready;
use std::sync::Arc;

/// The status of an answer.
const ACCEPTED: u16 = 202;
/// Characters of a file's name.
const FILE_NAME_CHARACTERS_MAX: usize = 255;
/// Characters of a content type.
const CONTENT_TYPE_CHARACTERS_MAX: usize = 255;

/// What is said of it before its bytes.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The channel that it goes over.
    pub channel: String,
    /// Its `Content-Type`.
    pub content_type: String,
    /// The name of its file, where the receiver is told one.
    pub file_name: Option<String>,
    /// `Idempotency-Key`: the same again under it is the same transmission.
    pub key: Option<String>,
}

/// Its bytes on their way in.
pub struct Submission {
    service: Arc<Service>,
    actor: Actor,
    wish: Wish,
    partner: Option<String>,
    spool: Spool,
}

/// Begins to take one.
///
/// # Errors
/// There is no such channel, it is of another kind, a word of the wish cannot stand in a header line, or the disk is full.
pub async fn begin(service: &Arc<Service>, wish: Wish, actor: Actor) -> Result<Submission, Refusal> {
    let refused = |status, code, detail: String| Err(Refusal { status, code, detail });
    let directory = service.directory();
    let name = &wish.channel;
    let Some(channel) = directory.channel(name) else {
        return refused(404, "NOT-FOUND", format!("no channel is called {name:?}; `portolan export` lists all"));
    };
    if channel.as2.is_none() || channel.way != Way::Out {
        let detail = format!(
            "channel {name}: expected one of transport as2 and way out, which takes anything; over others documents go by routes"
        );
        return refused(409, "CHANNEL-UNFIT", detail);
    }
    let is_fit =
        |text: &str, most: usize| (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let content_type = &wish.content_type;
    if !is_fit(content_type, CONTENT_TYPE_CHARACTERS_MAX) || !content_type.is_ascii() || !content_type.contains('/') {
        let detail = format!("expected a Content-Type such as application/EDI-X12, found {content_type:?}");
        return refused(400, "CONTENT-TYPE-WRONG", detail);
    }
    if let Some(name) = wish.file_name.as_deref()
        && (!is_fit(name, FILE_NAME_CHARACTERS_MAX) || name.contains(['/', '\\']))
    {
        let detail = format!(
            "expected a file name of 1 to {FILE_NAME_CHARACTERS_MAX} characters without folders, found {name:?}"
        );
        return refused(400, "FILE-NAME-WRONG", detail);
    }
    check_room(service, &scope(name), wish.key.as_ref()).await?;
    let spool = service.store.spool(service.config.limits.body_bytes, service.now()).leaving_reserve();
    let (service, partner) = (service.clone(), channel.partners.first().cloned());
    Ok(Submission { service, actor, partner, wish, spool })
}

/// Whose keys those of a channel are.
fn scope(channel: &str) -> String {
    format!("submit:{channel}")
}

impl Intake for Submission {
    fn write<'w>(&'w mut self, bytes: &'w [u8]) -> BoxFuture<'w, Result<(), Refusal>> {
        Box::pin(ready(self.spool.write(bytes).map_err(|error| unavailable(&error))))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Answer, Refusal>> {
        Box::pin(async move { self.keep().await })
    }
}

impl Submission {
    /// That was all: it is kept, and leaves.
    async fn keep(self) -> Result<Answer, Refusal> {
        let Submission { service, actor, wish, partner, spool } = self;
        let now = service.now();
        let content = spool.finish().await.map_err(|error| unavailable(&error))?;
        let unkept = content.unkept();
        check_parts(&service, &content, &wish.content_type).await?;
        unkept.kept();
        let (id, delivery_id) = (service.store.new_id("tra", now), service.store.new_id("del", now));
        let body = json!({ "transmission": id, "delivery": delivery_id }).to_string().into_bytes();
        let key = wish.key.map(|key| NewClaim {
            scope: scope(&wish.channel),
            key,
            answer_status: ACCEPTED,
            answer_body: body.clone(),
        });
        let new = NewTransmission {
            transmission_id: id.clone(),
            direction: Direction::Out,
            channel: wish.channel.clone(),
            partner: partner.clone(),
            environment: None,
            content,
            content_type: wish.content_type,
            file_name: wish.file_name,
            headers: json!({}),
        };
        let delivery = NewDelivery {
            key: delivery_id.clone(),
            delivery_id,
            channel: wish.channel,
            partner,
            agreement: None,
            on_uncertain: "repeat".to_owned(),
            turn: Turn::default(),
        };
        let done = service.store.submit((new, delivery), key, &actor, now).await;
        let answer = |id: &str, status, body, replayed| Answer {
            status,
            content_type: "application/json".into(),
            headers: Vec::new(),
            body,
            location: location(id),
            replayed,
        };
        match done.map_err(|error| unavailable(&error))? {
            Reception::New => {
                tracing::info!(
                    trace_id = %TraceId::of(&id),
                    transmission.id = id,
                    actor = actor.0,
                    "Submitted"
                );
                service.departing.notify_one();
                Ok(answer(&id, ACCEPTED, body, false))
            }
            Reception::Replay { transmission_id, status, body } => Ok(answer(&transmission_id, status, body, true)),
            Reception::Conflict { transmission_id } => {
                let detail = format!(
                    "this Idempotency-Key came before with other bytes, as {transmission_id}; use a new key for new content"
                );
                Err(Refusal { status: 422, code: "KEY-REUSED", detail })
            }
        }
    }
}

/// Whether a body that says to have parts has them, and no two of one name: a receiver that keeps them as files would lose one.
async fn check_parts(service: &Service, content: &Content, content_type: &str) -> Result<(), Refusal> {
    let wrong = |detail: String| Refusal { status: 422, code: "PARTS-WRONG", detail };
    let said = Parameters::parse(content_type);
    if !said.value.starts_with("multipart/") {
        return Ok(());
    }
    let body = service.store.content_source(content).map_err(|error| unavailable(&error))?;
    let walked = tokio::task::spawn_blocking(move || attachments::parts_of(&mut body.open()?, &said));
    let walked = walked.await.map_err(|error| unavailable(&StoreError::Unfit(format!("its parts: {error}"))))?;
    let parts = walked.map_err(|error| match attachments::is_of_form(&error) {
        true => wrong(format!("expected a body in parts, as its Content-Type says: {error}")),
        // What was just kept cannot be read as it was: that is not the sender's.
        false => unavailable(&StoreError::Damaged(error.to_string())),
    })?;
    if !parts.iter().any(|part| part.is_document) {
        return Err(wrong(
            "expected a part that is the document: the one that start names, else the first; found none".to_owned(),
        ));
    }
    let mut names = BTreeSet::new();
    match parts.iter().filter_map(|part| part.name.as_deref()).find(|name| !names.insert(name.to_lowercase())) {
        Some(name) => Err(wrong(format!("expected a name of its own for each part, found {name:?} twice"))),
        None => Ok(()),
    }
}
