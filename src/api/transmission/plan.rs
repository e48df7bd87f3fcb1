//! `POST /api/v1/transmissions/plan`

use crate::api::{Bulk, Reply, Shared};
use crate::pipeline::bulk::plan;
use crate::store::bulk::Object;
use axum::Json;
use axum::extract::State;
use serde_json::json;

/// What an act over many transmissions would do; nothing is done. Its token is what the act names.
#[utoipa::path(post, path = "/api/v1/transmissions/plan", operation_id = "transmission_plan", request_body = Bulk,
    responses((status = 200, description = "{plan, count, able, channels, partners, unable, doubtful, is_more}"),
        (status = 400, description = "Nothing is chosen, or a word is none"), (status = 404, description = "No such group")))]
pub async fn plan(State(service): State<Shared>, Json(bulk): Json<Bulk>) -> Reply {
    let wish = bulk.wish(Object::Transmission)?;
    let (plan, _) = plan::plan(&service, &wish, service.now()).await?;
    Ok(Json(json!(plan)))
}
