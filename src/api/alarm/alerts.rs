//! `GET /api/v1/alerts`

use crate::api::{Reply, Shared};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

/// All alerts, those of the resources and those that every instance has, by name.
#[utoipa::path(get, path = "/api/v1/alerts", operation_id = "alert_list",
    responses((status = 200, description = "{items: [{alert, watch, title, severity, enabled}]}")))]
pub async fn list(State(service): State<Shared>) -> Reply {
    let directory = service.directory();
    let one = |(name, alert): (&String, &crate::partner::Alert)| {
        json!({ "alert": name, "watch": alert.watch, "title": alert.title, "severity": alert.severity,
            "enabled": alert.is_enabled() })
    };
    let items: Vec<Value> = directory.all_alerts().map(one).collect();
    Ok(Json(json!({ "items": items })))
}
