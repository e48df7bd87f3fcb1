//! `POST /api/v1/transmissions/act`

use crate::api::{Bulk, By, Reply, Shared};
use crate::store::bulk::Object;
use axum::extract::State;
use axum::{Extension, Json};

/// Does what was planned, to each of many transmissions: `release` or `reject`. It is done once, however often it is asked for; one that was
/// broken off goes on.
#[utoipa::path(post, path = "/api/v1/transmissions/act", operation_id = "transmission_act", request_body = Bulk,
    responses((status = 200, description = "{plan, done, refused, items}: the first 100 that were refused, with the reasons"),
        (status = 400, description = "Nothing is chosen, or a word is none"),
        (status = 409, description = "The selection changed since the plan")))]
pub async fn act(State(service): State<Shared>, Extension(actor): By, Json(bulk): Json<Bulk>) -> Reply {
    bulk.act(&service, Object::Transmission, actor).await
}
