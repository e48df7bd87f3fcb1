//! `DELETE /api/v1/tokens/{id}`

use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Ends a token now.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", operation_id = "token_revoke",
    params(("id" = String, Path, description = "Token")),
    responses((status = 200, description = "It is ended"), (status = 404, description = "There is none")))]
pub async fn revoke(State(service): State<Shared>, Extension(actor): By, Path(id): Path<String>) -> Reply {
    service.store.revoke_token(&id, &actor, service.now()).await?;
    Ok(Json(json!({ "token": id, "revoked": true })))
}
