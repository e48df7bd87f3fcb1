//! `GET /api/v1/evidence/{id}`

use crate::api::problem::Problem;
use crate::api::{By, Shared, bytes};
use crate::pipeline::as2::evidence::evidence;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;

/// What proves a message of AS2: a transmission that came in, or a delivery that went out. A ZIP file, which
/// `portolan as2 verify` checks without this instance.
#[utoipa::path(get, path = "/api/v1/evidence/{id}", operation_id = "evidence_get",
    params(("id" = String, Path, description = "Transmission that came in over AS2, or delivery that went out over it")),
    responses((status = 200, description = "The file"), (status = 404, description = "There is no such message of AS2")))]
pub async fn get(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let file = evidence(&service, &id).await?;
    tracing::info!(evidence.of = id, actor = actor.0, "Evidence was read");
    let name = format!("attachment; filename=\"{id}.evidence.zip\"");
    Ok(([(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, name)], bytes(Arc::new(file)))
        .into_response())
}
