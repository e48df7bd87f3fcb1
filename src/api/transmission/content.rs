//! `GET /api/v1/transmissions/{id}/content`

use crate::api::problem::Problem;
use crate::api::{By, Shared, kept};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use std::sync::Arc;

/// The bytes as they came or go.
#[utoipa::path(get, path = "/api/v1/transmissions/{id}/content", operation_id = "transmission_content",
    params(("id" = String, Path, description = "Transmission")),
    responses((status = 200, description = "The bytes"), (status = 404, description = "There is none")))]
pub async fn content(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let transmission = service.store.transmission(&id).await?;
    let payload = service.store.payload_source(&transmission.payload_id).await?;
    tracing::info!(transmission.id = id, actor = actor.0, "Content was read");
    Ok(kept(Arc::new(payload)))
}
