//! `POST /api/v1/certificates/{name}/announce`

use crate::api::{By, Reply, Shared};
use crate::pipeline::as2::announced::{Wish, announce as announce_it};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;

/// Whom to.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Announcing {
    /// A channel of transport as2 and way out, whose partner is told.
    channel: String,
    /// Days in which the partner is to answer, 1 to 366; 30 when left out.
    days: Option<u32>,
    /// Our address for messages of AS2, where the answer goes; that of `receipt_url` of the channel when left out.
    respond_to: Option<String>,
}

/// Tells a partner which certificate of ours we will use, in a certificate exchange message that leaves as a delivery. One that
/// says `signs: once_accepted` signs for that partner when it has accepted it, and within its days.
#[utoipa::path(post, path = "/api/v1/certificates/{name}/announce", operation_id = "certificate_announce",
    request_body = Announcing, params(("name" = String, Path, description = "Certificate with a key")),
    responses((status = 200, description = "{request, transmission, delivery}"),
        (status = 404, description = "There is no such certificate of ours, or no such channel"),
        (status = 409, description = "The channel is of another kind or lacks the key, or the partner was asked already")))]
pub async fn announce(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(name): Path<String>,
    Json(Announcing { channel, days, respond_to }): Json<Announcing>,
) -> Reply {
    Ok(Json(announce_it(&service, &name, &Wish { channel, days, respond_to }, &actor).await?))
}
