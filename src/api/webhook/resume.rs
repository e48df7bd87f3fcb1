//! `POST /api/v1/webhooks/{name}/resume`

use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Lets a webhook go on where it stopped, at once: one that was given up, or one that waits for its next attempt.
#[utoipa::path(post, path = "/api/v1/webhooks/{name}/resume", operation_id = "webhook_resume",
    params(("name" = String, Path, description = "Webhook")),
    responses((status = 200, description = "{webhook}"), (status = 404, description = "There is none")))]
pub async fn resume(State(service): State<Shared>, Extension(actor): By, Path(name): Path<String>) -> Reply {
    service.store.resume_webhook(&name, &actor, service.now()).await?;
    Ok(Json(json!({ "webhook": name })))
}
