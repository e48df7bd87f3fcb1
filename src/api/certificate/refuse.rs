//! `DELETE /api/v1/certificates/offered/{fingerprint}`

use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Takes a certificate that was offered off the list. It was never trusted; should it sign again, it is listed again.
#[utoipa::path(delete, path = "/api/v1/certificates/offered/{fingerprint}", operation_id = "certificate_refuse",
    params(("fingerprint" = String, Path, description = "SHA-256, in hexadecimal")),
    responses((status = 200, description = "It is gone"), (status = 404, description = "There is none")))]
pub async fn refuse(State(service): State<Shared>, Extension(actor): By, Path(fingerprint): Path<String>) -> Reply {
    service.store.refuse_certificate(&fingerprint, &actor, service.now()).await?;
    Ok(Json(json!({ "fingerprint": fingerprint, "removed": true })))
}
