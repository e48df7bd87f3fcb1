//! `GET /api/v1/tokens`

use crate::api::{Reply, Shared};
use axum::Json;
use axum::extract::State;
use serde_json::json;

/// All tokens, without their texts.
#[utoipa::path(get, path = "/api/v1/tokens", operation_id = "token_list",
    responses((status = 200, description = "{items}")))]
pub async fn list(State(service): State<Shared>) -> Reply {
    Ok(Json(json!({ "items": service.store.tokens().await? })))
}
