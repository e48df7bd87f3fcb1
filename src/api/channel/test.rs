//! `POST /api/v1/channels/{name}/test`

use crate::api::{Reply, Shared};
use crate::pipeline::as2::probe::probe;
use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;

/// Walks to the partner of an AS2 channel of way out, step by step, with a small message that is no delivery. The answer is
/// what was seen, also where a step failed; it takes a minute at most.
#[utoipa::path(post, path = "/api/v1/channels/{name}/test", operation_id = "channel_test",
    params(("name" = String, Path, description = "Channel")),
    responses((status = 200, description = "{channel, passed, reached, message_id, steps}"),
        (status = 404, description = "There is none"), (status = 409, description = "It is of another kind")))]
pub async fn test(State(service): State<Shared>, Path(name): Path<String>) -> Reply {
    Ok(Json(json!(probe(&service, &name).await?)))
}
