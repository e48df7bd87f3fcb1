//! `GET /api/v1/alarms/{id}`

use crate::api::{Reply, Shared};
use crate::store::alarm::CHAIN;
use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;

/// An alarm with its history.
#[utoipa::path(get, path = "/api/v1/alarms/{id}", operation_id = "alarm_get",
    params(("id" = String, Path, description = "Alarm")),
    responses((status = 200, description = "{alarm, events}"), (status = 404, description = "There is none")))]
pub async fn get(State(service): State<Shared>, Path(id): Path<String>) -> Reply {
    let alarm = service.store.alarm(&id).await?;
    let events = service.store.events(&format!("{CHAIN}{id}")).await?;
    Ok(Json(json!({ "alarm": alarm, "events": events })))
}
