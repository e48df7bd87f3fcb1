//! `GET /api/v1/webhooks`

use crate::api::{Reply, Shared};
use axum::Json;
use axum::extract::State;
use serde_json::json;

/// How webhooks are doing; times are microseconds since 1970. `position` is the sequence of the last event that was taken or
/// is not wanted.
#[utoipa::path(get, path = "/api/v1/webhooks", operation_id = "webhook_list",
    responses((status = 200, description = "{items: [{webhook_id, position, failures, failing_since, next_at, \
        disabled_at, status, reason, delivered_at}]}")))]
pub async fn list(State(service): State<Shared>) -> Reply {
    Ok(Json(json!({ "items": service.store.webhooks().await? })))
}
