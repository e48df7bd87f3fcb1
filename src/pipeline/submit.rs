//! A transmission that somebody gives to be sent as it is, over a channel out of AS2: a file of any kind, or a document with its
//! attachments in one body (multipart/related). It is kept and will be delivered before who gives it is answered. It is not
//! translated, and no agreement is asked.

use super::attachments;
use super::receive::{location, unavailable};
use super::state::Service;
use crate::partner::Way;
use crate::store::claim::NewClaim;
use crate::store::commit::receive::Reception;
use crate::store::delivery::{NewDelivery, Turn};
use crate::store::transmission::NewTransmission;
use crate::store::{Actor, Content, Direction, Spool};
use crate::transport::as2::mime::Parameters;
use crate::transport::http::receive::{Answer, KEY_CHARACTERS_MAX, Refusal};
use serde_json::json;
use std::collections::BTreeSet;

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
    wish: Wish,
    partner: Option<String>,
    spool: Spool,
}

/// Begins to take one.
///
/// # Errors
/// There is no such channel, it is of another kind, a word of the wish cannot stand in a header line, or the disk is full.
pub fn begin(service: &Service, wish: Wish) -> Result<Submission, Refusal> {
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
    if wish.key.as_deref().is_some_and(|key| !is_fit(key, KEY_CHARACTERS_MAX)) {
        let detail = format!("expected an Idempotency-Key of 1 to {KEY_CHARACTERS_MAX} printable characters");
        return refused(400, "KEY-INVALID", detail);
    }
    service.store.has_room().map_err(|error| unavailable(&error))?;
    let spool = service.store.spool(service.config.limits.body_bytes, service.now()).leaving_reserve();
    Ok(Submission { partner: channel.partners.first().cloned(), wish, spool })
}

impl Submission {
    /// The next bytes.
    ///
    /// # Errors
    /// They are more than [limits] body_bytes, or cannot be kept.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.spool.write(bytes).map_err(|error| unavailable(&error))
    }

    /// That was all: it is kept, and leaves.
    ///
    /// # Errors
    /// Its parts cannot be told apart, its key came before with other bytes, or it cannot be kept.
    pub async fn finish(self, service: &Service, actor: &Actor) -> Result<Answer, Refusal> {
        let Submission { wish, partner, spool } = self;
        let now = service.now();
        let content = spool.finish().await.map_err(|error| unavailable(&error))?;
        if let Err(detail) = check_parts(service, &content, &wish.content_type).await {
            content.discard();
            return Err(Refusal { status: 422, code: "PARTS-WRONG", detail });
        }
        let (id, delivery_id) = (service.store.new_id("tra", now), service.store.new_id("del", now));
        let body = json!({ "transmission": id, "delivery": delivery_id }).to_string().into_bytes();
        let key = wish.key.map(|key| NewClaim {
            scope: format!("submit:{}", wish.channel),
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
        let done = service.store.submit((new, delivery), key, actor, now).await;
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
                tracing::info!(transmission.id = id, actor = actor.0, "Submitted");
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
async fn check_parts(service: &Service, content: &Content, content_type: &str) -> Result<(), String> {
    let said = Parameters::parse(content_type);
    if !said.value.starts_with("multipart/") {
        return Ok(());
    }
    let body = service.store.content_source(content).map_err(|error| error.to_string())?;
    let walked = tokio::task::spawn_blocking(move || attachments::parts_of(&mut body.open()?, &said));
    let unfit = |error: &dyn std::fmt::Display| format!("expected a body in parts, as its Content-Type says: {error}");
    let parts = walked.await.map_err(|error| unfit(&error))?.map_err(|error| unfit(&error))?;
    if !parts.iter().any(|part| part.is_document) {
        return Err(
            "expected a part that is the document: the one that start names, else the first; found none".to_owned()
        );
    }
    let mut names = BTreeSet::new();
    match parts.iter().filter_map(|part| part.name.as_deref()).find(|name| !names.insert(name.to_lowercase())) {
        Some(name) => Err(format!("expected a name of its own for each part, found {name:?} twice")),
        None => Ok(()),
    }
}
