//! `DELETE /api/v1/bans/{name}`

use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::json;

/// Hears an address again, or takes passwords of a user again. Who did that is in the audit chain.
#[utoipa::path(delete, path = "/api/v1/bans/{name}", operation_id = "ban_lift",
    params(("name" = String, Path, description = "An address, or the user of a mailbox")),
    responses((status = 200, description = "{name}"), (status = 404, description = "It is not banned")))]
pub async fn lift(State(service): State<Shared>, Extension(actor): By, Path(name): Path<String>) -> Reply {
    let now = service.now();
    let Some(what) = service.mailboxes.lift(&name, now) else {
        let words = "expected an address or a user that portolan mailbox bans lists, found another";
        return Err(Problem::new(404, "NOT-FOUND", words));
    };
    service.store.audit_note(&actor, "sftp.unban", &format!("{what}/{name}"), now).await?;
    Ok(Json(json!({ "name": name })))
}
