//! `DELETE /api/v1/pauses/{kind}/{name}`

use super::kind;
use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Ends a pause: what waits for that goes on, in the order in which it came.
#[utoipa::path(delete, path = "/api/v1/pauses/{kind}/{name}", operation_id = "pause_end",
    params(("kind" = String, Path, description = "partner, channel, agreement or route"),
        ("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "{kind, name}"), (status = 404, description = "It is not paused")))]
pub async fn end(
    State(service): State<Shared>,
    Extension(actor): By,
    Path((word, name)): Path<(String, String)>,
) -> Reply {
    service.store.resume(kind(&word)?, &name, &actor, service.now()).await?;
    service.arrived.notify_one();
    service.departing.notify_one();
    Ok(Json(json!({ "kind": word, "name": name })))
}
