//! `GET /api/v1/deliveries/groups`

use crate::api::{Reply, Shared};
use crate::pipeline::bulk::group;
use crate::store::bulk::Object;
use axum::Json;
use axum::extract::State;
use serde_json::json;

/// Deliveries that wait for a person (parked, held, uncertain), by equal cause, the largest group first.
#[utoipa::path(get, path = "/api/v1/deliveries/groups", operation_id = "delivery_groups",
    responses((status = 200, description = "{items, is_cut}: each with key, count and samples")))]
pub async fn groups(State(service): State<Shared>) -> Reply {
    let (groups, is_cut) = group::groups(&service.store, Object::Delivery).await?;
    Ok(Json(json!({ "items": groups, "is_cut": is_cut })))
}
