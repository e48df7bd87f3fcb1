//! `POST /api/v1/tokens`

use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared};
use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// What the token is for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// A channel of way in; without one, and without a mailbox, the token is for this API.
    channel: Option<String>,
    /// A mailbox, which is reached by the token over HTTPS.
    mailbox: Option<String>,
    /// What people call it.
    #[serde(default)]
    label: String,
    /// Days until it ends; for ever when left out.
    days: Option<u32>,
}

/// Makes a token; its text is told once.
#[utoipa::path(post, path = "/api/v1/tokens", operation_id = "token_create", request_body = Create,
    responses((status = 200, description = "{token, text}"), (status = 404, description = "No such channel or mailbox"),
        (status = 422, description = "A channel and a mailbox")))]
pub async fn create(State(service): State<Shared>, Extension(actor): By, Json(create): Json<Create>) -> Reply {
    let scope = match (&create.channel, &create.mailbox) {
        (Some(_), Some(_)) => {
            let detail = "a token is for a channel or for a mailbox; make two";
            return Err(Problem::new(422, "TOKEN-FOR-TWO", detail));
        }
        (Some(channel), None) if service.directory().channel(channel).is_none() => {
            return Err(Problem::new(404, "CHANNEL-UNKNOWN", &format!("no channel {channel}")));
        }
        (None, Some(mailbox)) if service.directory().mailbox(mailbox).is_none() => {
            return Err(Problem::new(404, "MAILBOX-UNKNOWN", &format!("no mailbox {mailbox}")));
        }
        (Some(channel), None) => format!("channel:{channel}"),
        (None, Some(mailbox)) => format!("mailbox:{mailbox}"),
        (None, None) => "role:admin".to_owned(),
    };
    let now = service.now();
    let ends = create.days.map(|days| now + std::time::Duration::from_secs(u64::from(days) * 86_400));
    let (token, text) = service.store.create_token(&scope, &create.label, ends, &actor, now).await?;
    Ok(Json(json!({ "token": token, "text": text })))
}
