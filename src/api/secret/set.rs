//! `PUT /api/v1/secrets`

use crate::api::{By, Reply, Shared};
use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// A secret.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Its name.
    name: String,
    /// Its value; it is sealed and never told again.
    value: String,
}

/// Sets a secret, new or again.
#[utoipa::path(put, path = "/api/v1/secrets", operation_id = "secret_set", request_body = Set,
    responses((status = 200, description = "It is set")))]
pub async fn set(State(service): State<Shared>, Extension(actor): By, Json(set): Json<Set>) -> Reply {
    service.store.set_secret(&set.name, set.value.as_bytes(), &actor, service.now()).await?;
    Ok(Json(json!({ "secret": set.name })))
}
