//! `GET /api/v1/certificates/announced`

use crate::api::{Reply, Shared};
use crate::pipeline::as2::announced::all;
use axum::Json;
use axum::extract::State;
use serde_json::json;

/// Certificates of ours that partners were told of, the newest first, and what each answered. Times are microseconds since 1970.
#[utoipa::path(get, path = "/api/v1/certificates/announced", operation_id = "certificate_announced",
    responses((status = 200, description = "{items: [{request_id, name, fingerprint, serial, channel, partner, as2_from, as2_to, \
        respond_by, state, reason, transmission_id, answered_in, created_at, changed_at, is_given_up, is_overdue}]}")))]
pub async fn announced(State(service): State<Shared>) -> Reply {
    Ok(Json(json!({ "items": all(&service, service.now()).await? })))
}
