//! `POST /api/v1/notices/{id}/retry`

use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Sends a notice again that was given up.
#[utoipa::path(post, path = "/api/v1/notices/{id}/retry", operation_id = "notice_retry",
    params(("id" = String, Path, description = "Notice")),
    responses((status = 200, description = "{notice}"), (status = 404, description = "None of that id was given up")))]
pub async fn retry(State(service): State<Shared>, Extension(actor): By, Path(id): Path<String>) -> Reply {
    service.store.retry_notice(&id, &actor, service.now()).await?;
    service.told.notify_one();
    Ok(Json(json!({ "notice": id })))
}
