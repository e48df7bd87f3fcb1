//! `GET /api/v1/certificates/offered`

use crate::api::{Reply, Shared};
use crate::pipeline::as2::offered::all;
use axum::Json;
use axum::extract::State;
use serde_json::json;

/// Certificates that signed messages or receipts and are none of the partner's, the newest first: none of them is trusted until
/// resources say so; one that is `trusted` by now waits for its answer still. `uses` and `respond_by` are what the partner said who
/// wants one. Times are microseconds since 1970; `channels` are those of the partner, where it may be put.
#[utoipa::path(get, path = "/api/v1/certificates/offered", operation_id = "certificate_offered",
    responses((status = 200, description = "{items: [{fingerprint, channel, partner, signed, seen_in, seen, first_at, last_at, \
        common_name, subject, issuer, serial, key, not_before, not_after, counts_now, channels, wants_answer, uses, respond_by, trusted, pem}]}")))]
pub async fn offered(State(service): State<Shared>) -> Reply {
    Ok(Json(json!({ "items": all(&service, service.now()).await? })))
}
