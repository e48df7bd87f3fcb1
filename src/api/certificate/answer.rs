//! `POST /api/v1/certificates/offered/{fingerprint}/answer`

use crate::api::{By, Reply, Shared};
use crate::pipeline::as2::offered::answer as answer_all;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Answers the partners that asked in a certificate exchange message whether a certificate is taken, where the channel trusts it by
/// now: a delivery each, once. Where nobody asked, or it is not trusted yet, none leaves.
#[utoipa::path(post, path = "/api/v1/certificates/offered/{fingerprint}/answer", operation_id = "certificate_answer",
    params(("fingerprint" = String, Path, description = "SHA-256, in hexadecimal")),
    responses((status = 200, description = "{fingerprint, answered}: how many answers leave")))]
pub async fn answer(State(service): State<Shared>, Extension(actor): By, Path(fingerprint): Path<String>) -> Reply {
    let answered = answer_all(&service, &fingerprint, None, &actor).await?;
    Ok(Json(json!({ "fingerprint": fingerprint, "answered": answered })))
}
