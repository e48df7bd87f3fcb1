//! `DELETE /api/v1/secrets/{name}`

use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Removes a secret.
#[utoipa::path(delete, path = "/api/v1/secrets/{name}", operation_id = "secret_remove",
    params(("name" = String, Path, description = "Secret")),
    responses((status = 200, description = "It is gone"), (status = 404, description = "There is none")))]
pub async fn remove(State(service): State<Shared>, Extension(actor): By, Path(name): Path<String>) -> Reply {
    service.store.remove_secret(&name, &actor, service.now()).await?;
    Ok(Json(json!({ "secret": name, "removed": true })))
}
