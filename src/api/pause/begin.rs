//! `POST /api/v1/pauses`

use super::kind;
use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared};
use crate::clock::Timestamp;
use crate::store::pause::REASON_CHARACTERS_MAX;
use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// What is to be paused.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// `partner`, `channel`, `agreement` or `route`.
    kind: String,
    /// Its name.
    name: String,
    /// For those who look later; 500 characters at most.
    #[serde(default)]
    reason: Option<String>,
    /// When it ends by itself, such as `2026-11-28T06:00:00Z`; when somebody resumes it, where left out.
    #[serde(default)]
    until: Option<String>,
}

/// Pauses a partner, channel, agreement or route from now on. What is paused already takes over reason and end.
#[utoipa::path(post, path = "/api/v1/pauses", operation_id = "pause_begin", request_body = Begin,
    responses((status = 200, description = "{kind, name}"), (status = 400, description = "A word or a time is not one"),
        (status = 404, description = "There is nothing of that kind and name")))]
pub async fn begin(State(service): State<Shared>, Extension(actor): By, Json(begin): Json<Begin>) -> Reply {
    let Begin { kind: word, name, reason, until } = begin;
    let (kind, now) = (kind(&word)?, service.now());
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_CHARACTERS_MAX) {
        let expected = format!("reason: expected {REASON_CHARACTERS_MAX} characters at most");
        return Err(Problem::new(400, "TEXT-TOO-LONG", &expected));
    }
    let until = until.as_deref().map(|until| time(until, now)).transpose()?;
    service.store.pause((kind, &name), (reason.as_deref(), until), &actor, now).await?;
    tracing::info!(kind = word, name, actor = actor.0, "Paused");
    Ok(Json(json!({ "kind": word, "name": name })))
}

/// When a pause is to end: a moment to come.
fn time(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let expected = |what: &str| Problem::new(400, "TIME-INVALID", &format!("until: expected {what}, found {text}"));
    let until: Timestamp = text.parse().map_err(|_| expected("a time such as 2026-11-28T06:00:00Z"))?;
    if until > now { Ok(until) } else { Err(expected("a time to come")) }
}
