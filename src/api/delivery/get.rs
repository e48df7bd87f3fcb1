//! `GET /api/v1/deliveries/{id}`

use super::waiting;
use crate::api::{Reply, Shared};
use crate::clock::Timestamp;
use crate::pipeline::live;
use crate::pipeline::state::Service;
use crate::store::Micros;
use crate::store::delivery::{Delivery, DeliveryState};
use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

/// A delivery with the pause that it waits for, its attempts, and over AS2 with the receipt as it came. Where it waits for the
/// window of its channel, `window` says when that opens: `{channel, opens_at, opens}`, microseconds since 1970 and as clocks there
/// show it. The answer to a call that is over goes over another channel, which is named then, in `waits` as in `window`.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", operation_id = "delivery_get",
    params(("id" = String, Path, description = "Delivery")),
    responses((status = 200, description = "The delivery"), (status = 404, description = "There is none")))]
pub async fn get(State(service): State<Shared>, Path(id): Path<String>) -> Reply {
    let delivery = service.store.delivery(&id).await?;
    let window = waits(&service, &delivery);
    let delivery = waiting(&service, &[delivery]).await?.pop();
    let receipt = service.store.as2_receipt(&id).await?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let attempts = service.store.attempts(&id).await?;
    Ok(Json(json!({ "delivery": delivery, "attempts": attempts, "receipt": receipt, "window": window })))
}

/// States in which a delivery waits for its time.
const WAITING: [DeliveryState; 3] = [DeliveryState::Ready, DeliveryState::RetryWait, DeliveryState::Uncertain];

/// When the window of its channel opens, where it waits for that.
fn waits(service: &Service, delivery: &Delivery) -> Option<Value> {
    WAITING.iter().find(|state| state.as_str() == delivery.state)?;
    let next_at = delivery.next_at.and_then(|at| Timestamp::from_microsecond(at.0).ok());
    let goes_at = next_at.map_or(service.now(), |at| at.max(service.now()));
    let directory = service.directory();
    let policy = directory.channel(&delivery.channel).and_then(|channel| channel.answers_calls());
    let late = policy.and_then(|policy| live::late(&directory, policy));
    let channel = late.map_or(delivery.channel.as_str(), |(name, _)| name);
    let (opens_at, opens) = directory.waits(channel, goes_at)?;
    Some(json!({ "channel": channel, "opens_at": Micros::from(opens_at), "opens": opens }))
}
