//! `POST /api/v1/deliveries/{id}/resubmit`

use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Sends a parked delivery anew, under a new key.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/resubmit", operation_id = "delivery_resubmit",
    params(("id" = String, Path, description = "Delivery")),
    responses((status = 200, description = "The new delivery; `waits_for` and `waits_for_state` where another \
        of its lane goes first"), (status = 409, description = "It is not parked")))]
pub async fn resubmit(State(service): State<Shared>, Extension(actor): By, Path(id): Path<String>) -> Reply {
    let new = service.store.resubmit(&id, &actor, service.now()).await?;
    let made = service.hasten(&new).await?;
    Ok(Json(json!({ "delivery": new, "resubmit_of": id, "state": "ready", "waits_for": made.waits_for,
        "waits_for_state": made.waits_for_state })))
}
