//! `GET /api/v1/pickups`

use crate::api::{Reply, Shared};
use axum::Json;
use axum::extract::State;
use serde_json::json;

/// How channels that pick files up are doing: when each was looked at last, the file that it took last, since when it fails and why,
/// since when more files lie there than are listed at once, and files that wait for somebody. Times are microseconds since 1970; what
/// is told of failures begins with this process.
#[utoipa::path(get, path = "/api/v1/pickups", operation_id = "pickup_list",
    responses((status = 200, description = "{items: [{channel, transport, folder, state: {looked_at, listed, failures, \
        failing_since, code, reason, next_at, cut_since, troubles: [{name, reason, since, next_at}]}, last: {name, transmission_id, \
        created_at, settled}, unsettled}]}")))]
pub async fn pickups(State(service): State<Shared>) -> Reply {
    let directory = service.directory();
    let mut items = Vec::new();
    for (name, channel) in directory.channels().filter(|(_, one)| one.pickup.is_some()) {
        items.push(json!({
            "channel": name,
            "transport": channel.transport,
            "folder": channel.folder(),
            "state": service.pickups.state(name),
            "last": service.store.pickup_last(name).await?,
            "unsettled": service.store.pickup_unsettled(name).await?.len(),
        }));
    }
    Ok(Json(json!({ "items": items })))
}
