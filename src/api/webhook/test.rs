//! `POST /api/v1/webhooks/{name}/test`

use crate::api::{Reply, Shared};
use crate::pipeline::webhook;
use axum::Json;
use axum::extract::{Path, State};

/// Posts an event of type `webhook.test`, once; nothing is kept of it. The answer is what was seen.
#[utoipa::path(post, path = "/api/v1/webhooks/{name}/test", operation_id = "webhook_test",
    params(("name" = String, Path, description = "Webhook")),
    responses((status = 200, description = "{webhook, passed, status, reason}"),
        (status = 404, description = "There is none")))]
pub async fn test(State(service): State<Shared>, Path(name): Path<String>) -> Reply {
    Ok(Json(webhook::test(&service, &name).await?))
}
