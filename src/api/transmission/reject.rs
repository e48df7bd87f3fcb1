//! `POST /api/v1/transmissions/{id}/reject`

use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// Why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// For those who look later.
    reason: String,
}

/// Gives up a held transmission for good.
#[utoipa::path(post, path = "/api/v1/transmissions/{id}/reject", operation_id = "transmission_reject",
    params(("id" = String, Path, description = "Transmission")), request_body = Reject,
    responses((status = 200, description = "It is given up"), (status = 409, description = "It is not held")))]
pub async fn reject(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(id): Path<String>,
    Json(reject): Json<Reject>,
) -> Reply {
    service.store.reject_transmission(&id, &reject.reason, &actor, service.now()).await?;
    Ok(Json(json!({ "transmission": id, "state": "rejected" })))
}
