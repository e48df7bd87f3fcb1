//! `POST /api/v1/alarms/{id}/retry`

use crate::api::{By, Reply, Shared};
use crate::pipeline::alarm::act;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Sends again what an alarm of parked deliveries is about, each under a new key; 1000 at most.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/retry", operation_id = "alarm_retry",
    params(("id" = String, Path, description = "Alarm")),
    responses((status = 200, description = "{alarm, resubmitted}"), (status = 404, description = "There is none"),
        (status = 409, description = "It is about something else")))]
pub async fn retry(State(service): State<Shared>, Extension(actor): By, Path(id): Path<String>) -> Reply {
    let alarm = service.store.alarm(&id).await?;
    let count = act::retry(&service, &alarm, &actor).await?;
    Ok(Json(json!({ "alarm": id, "resubmitted": count })))
}
