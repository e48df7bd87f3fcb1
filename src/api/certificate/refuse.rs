//! `DELETE /api/v1/certificates/offered/{fingerprint}`

use crate::api::{By, Reply, Shared};
use crate::pipeline::as2::offered::answer;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// What a partner is answered that asked for it.
const REASON: &str = "the operator of the receiver does not take this certificate";

/// Takes a certificate that was offered off the list. It was never trusted; should it sign again, it is listed again. Who asked in
/// a certificate exchange message whether it is taken is answered that it is not, unless the channel trusts it by now.
#[utoipa::path(delete, path = "/api/v1/certificates/offered/{fingerprint}", operation_id = "certificate_refuse",
    params(("fingerprint" = String, Path, description = "SHA-256, in hexadecimal")),
    responses((status = 200, description = "{fingerprint, removed, answered}: it is gone, and how many answers leave"), (status = 404, description = "There is none")))]
pub async fn refuse(State(service): State<Shared>, Extension(actor): By, Path(fingerprint): Path<String>) -> Reply {
    let answered = answer(&service, &fingerprint, Some(REASON), &actor).await?;
    service.store.refuse_certificate(&fingerprint, &actor, service.now()).await?;
    Ok(Json(json!({ "fingerprint": fingerprint, "removed": true, "answered": answered })))
}
