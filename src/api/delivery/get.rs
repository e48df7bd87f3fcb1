//! `GET /api/v1/deliveries/{id}`

use super::waiting;
use crate::api::{Reply, Shared};
use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;

/// A delivery with the pause that it waits for, its attempts, and over AS2 with the receipt as it came.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", operation_id = "delivery_get",
    params(("id" = String, Path, description = "Delivery")),
    responses((status = 200, description = "The delivery"), (status = 404, description = "There is none")))]
pub async fn get(State(service): State<Shared>, Path(id): Path<String>) -> Reply {
    let delivery = waiting(&service, &[service.store.delivery(&id).await?]).await?.pop();
    let receipt = service.store.as2_receipt(&id).await?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Json(json!({ "delivery": delivery, "attempts": service.store.attempts(&id).await?, "receipt": receipt })))
}
