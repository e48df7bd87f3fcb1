//! `PUT /api/v1/mailboxes/{name}/password`

use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared};
use crate::pipeline::mailbox::password;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

/// A password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// 12 to 256 characters; only a hash of it is kept.
    password: String,
}

/// Sets the password of a mailbox, new or again.
#[utoipa::path(put, path = "/api/v1/mailboxes/{name}/password", operation_id = "mailbox_password", request_body = Set,
    params(("name" = String, Path, description = "Mailbox")),
    responses((status = 200, description = "It is set"), (status = 404, description = "There is none"),
        (status = 422, description = "It is too short or too long")))]
pub async fn set(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(name): Path<String>,
    Json(set): Json<Set>,
) -> Reply {
    if service.directory().mailbox(&name).is_none() {
        return Err(Problem::new(404, "NOT-FOUND", &format!("no mailbox {name}")));
    }
    let random = service.clone();
    let hashed = tokio::task::spawn_blocking(move || password::hash(&set.password, random.store.random())).await;
    let hashed = hashed.map_err(|error| Problem::new(500, "NOT-HASHED", &error.to_string()))?;
    let hashed = hashed.map_err(|unfit| Problem::new(422, "PASSWORD-UNFIT", &unfit.to_string()))?;
    let secret = password::secret_name(&name);
    service.store.set_secret(&secret, hashed.as_bytes(), &actor, service.now()).await?;
    Ok(Json(json!({ "mailbox": name })))
}
