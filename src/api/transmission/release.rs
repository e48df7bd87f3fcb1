//! `POST /api/v1/transmissions/{id}/release`

use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// As of whom.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Release {
    /// The partner it is from, whatever the envelope says.
    #[serde(rename = "as")]
    partner: Option<String>,
}

/// Lets a held transmission go on.
#[utoipa::path(post, path = "/api/v1/transmissions/{id}/release", operation_id = "transmission_release",
    params(("id" = String, Path, description = "Transmission")), request_body = Release,
    responses((status = 200, description = "It goes on"), (status = 409, description = "It is not held")))]
pub async fn release(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(id): Path<String>,
    Json(release): Json<Release>,
) -> Reply {
    let partner = release.partner.as_deref();
    if let Some(name) = partner.filter(|name| !service.directory().has_partner(name)) {
        return Err(Problem::new(404, "PARTNER-UNKNOWN", &format!("no partner {name}")));
    }
    service.store.release_transmission(&id, partner, &actor, service.now()).await?;
    service.arrived.notify_one();
    Ok(Json(json!({ "transmission": id, "state": "stored" })))
}
