//! `GET /api/v1/secrets`

use crate::api::{Reply, Shared};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

/// Names of all secrets, and those that resources use and nobody set.
#[utoipa::path(get, path = "/api/v1/secrets", operation_id = "secret_list",
    responses((status = 200, description = "{items, missing}")))]
pub async fn list(State(service): State<Shared>) -> Reply {
    let names = service.store.secret_names().await?;
    let missing: Vec<String> =
        service.directory().secrets().into_iter().filter(|name| !names.iter().any(|(one, _)| one == name)).collect();
    let items: Vec<Value> = names.iter().map(|(name, at)| json!({ "name": name, "changed_at": at })).collect();
    Ok(Json(json!({ "items": items, "missing": missing })))
}
