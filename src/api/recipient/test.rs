//! `POST /api/v1/recipients/{name}/test`

use crate::api::{Reply, Shared};
use crate::pipeline::alarm::tell;
use axum::Json;
use axum::extract::{Path, State};
use serde_json::json;

/// Sends a test to each address of a recipient; `mail` is that of `[mail]`.
#[utoipa::path(post, path = "/api/v1/recipients/{name}/test", operation_id = "recipient_test",
    params(("name" = String, Path, description = "Recipient")),
    responses((status = 200, description = "{recipient, notices}: how many are on their way"),
        (status = 404, description = "There is none")))]
pub async fn test(State(service): State<Shared>, Path(name): Path<String>) -> Reply {
    let count = tell::test(&service, &name).await?;
    Ok(Json(json!({ "recipient": name, "notices": count })))
}
