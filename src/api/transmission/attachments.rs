//! `GET /api/v1/transmissions/{id}/attachments` and `…/{number}`

use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared, kept};
use crate::pipeline::attachments;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use serde_json::json;
use std::sync::Arc;

/// The parts of a transmission that brings attachments, its document among them; none where it is one document.
#[utoipa::path(get, path = "/api/v1/transmissions/{id}/attachments", operation_id = "transmission_attachments",
    params(("id" = String, Path, description = "Transmission")),
    responses((status = 200, description = "{items: [{number, name, content_type, content_id, size, sha256, is_document}]}"),
        (status = 404, description = "There is none")))]
pub async fn attachments(State(service): State<Shared>, Path(id): Path<String>) -> Reply {
    Ok(Json(json!({ "items": attachments::list(&service, &id).await? })))
}

/// The bytes of a part, unpacked.
#[utoipa::path(get, path = "/api/v1/transmissions/{id}/attachments/{number}", operation_id = "transmission_attachment",
    params(("id" = String, Path, description = "Transmission"), ("number" = u32, Path, description = "Place, from 1 on")),
    responses((status = 200, description = "The bytes"), (status = 404, description = "There is none")))]
pub async fn attachment(
    State(service): State<Shared>,
    Extension(actor): By,
    Path((id, number)): Path<(String, u32)>,
) -> Result<Response, Problem> {
    let file = attachments::content(&service, &id, number).await?;
    tracing::info!(transmission.id = id, part = number, actor = actor.0, "An attachment was read");
    Ok(kept(Arc::new(file)))
}
