//! `POST /api/v1/deliveries/{id}/steer`

use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared};
use crate::store::delivery::DeliveryState;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// What is to happen.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Steer {
    /// `held`, `ready` or `cancelled`.
    to: String,
    /// For those who look later.
    #[serde(default)]
    reason: String,
}

/// Holds, releases or cancels a delivery.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/steer", operation_id = "delivery_steer",
    params(("id" = String, Path, description = "Delivery")), request_body = Steer,
    responses((status = 200, description = "Done; of what is let go `waits_for` and `waits_for_state` where another of its \
        lane goes first"), (status = 409, description = "Not from the state it is in")))]
pub async fn steer(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(id): Path<String>,
    Json(steer): Json<Steer>,
) -> Reply {
    let to: Option<DeliveryState> = steer.to.parse().ok();
    let to = to.filter(|to| matches!(to, DeliveryState::Held | DeliveryState::Ready | DeliveryState::Cancelled));
    let to = to.ok_or_else(|| Problem::new(400, "WORD-UNKNOWN", "to: expected held, ready or cancelled"))?;
    service.store.steer_delivery(&id, to, &steer.reason, &actor, service.now()).await?;
    let let_go = if to == DeliveryState::Ready { Some(service.hasten(&id).await?) } else { None };
    // Of its lane another may be the first now.
    service.departing.notify_one();
    let (waits_for, waits_for_state) = let_go.map(|one| (one.waits_for, one.waits_for_state)).unwrap_or_default();
    Ok(Json(json!({ "delivery": id, "state": to, "waits_for": waits_for, "waits_for_state": waits_for_state })))
}
