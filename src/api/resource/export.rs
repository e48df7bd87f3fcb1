//! `GET /api/v1/resources`

use crate::api::Shared;
use crate::api::problem::Problem;
use crate::partner;
use crate::pipeline::state::stored;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

/// All resources as YAML that `apply` takes; secrets are only named.
#[utoipa::path(get, path = "/api/v1/resources", operation_id = "resource_export",
    responses((status = 200, description = "YAML")))]
pub async fn export(State(service): State<Shared>) -> Result<Response, Problem> {
    let text = partner::export(&stored(&service.store).await?);
    Ok(([(CONTENT_TYPE, "application/yaml")], text).into_response())
}
