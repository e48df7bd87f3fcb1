//! `GET /api/v1/pauses`

use crate::api::{Reply, Shared};
use axum::Json;
use axum::extract::State;
use serde_json::json;

/// What is paused, the oldest first, and how much waits for the end of each; times are microseconds since 1970.
#[utoipa::path(get, path = "/api/v1/pauses", operation_id = "pause_list",
    responses((status = 200, description = "{items: [{kind, name, reason, actor, began_at, ends_at, transmissions, \
        deliveries, interchanges}]}")))]
pub async fn list(State(service): State<Shared>) -> Reply {
    Ok(Json(json!({ "items": service.store.pauses(service.now()).await? })))
}
