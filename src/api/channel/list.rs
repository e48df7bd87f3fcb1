//! `GET /api/v1/channels`

use crate::api::{Reply, Shared};
use crate::partner::Way;
use axum::Json;
use axum::extract::State;
use serde_json::json;

/// How channels of way out are doing: whether each takes deliveries, since when it is probed only, and until when it is left alone.
/// Times are microseconds since 1970; what is told begins with this process.
#[utoipa::path(get, path = "/api/v1/channels", operation_id = "channel_list",
    responses((status = 200, description = "{items: [{channel, transport, circuit: null or {since, failures, next_probe}, \
        not_before}]}")))]
pub async fn list(State(service): State<Shared>) -> Reply {
    let (directory, now) = (service.directory(), service.now());
    let open = service.pace.open_circuits();
    let items: Vec<_> = directory
        .channels()
        .filter(|(_, channel)| channel.way == Way::Out)
        .map(|(name, channel)| {
            json!({
                "channel": name,
                "transport": channel.transport,
                "circuit": open.iter().find(|one| one.channel == *name),
                "not_before": service.pace.not_before(name, now).map(crate::store::Micros::from),
            })
        })
        .collect();
    Ok(Json(json!({ "items": items })))
}
