//! `POST /api/v1/resources/apply`

use super::plan::{Files, Planned, planned};
use crate::api::{By, Reply, Shared};
use crate::store::resource::ResourceChange;
use axum::extract::State;
use axum::{Extension, Json};
use serde_json::json;

/// Changes resources to what the files say, all or none; held transmissions are looked at again.
#[utoipa::path(post, path = "/api/v1/resources/apply", operation_id = "resource_apply", request_body = Files,
    responses((status = 200, description = "{changes, revision, secrets_missing}"), (status = 409, description = "Changed meanwhile"),
        (status = 422, description = "All that is wrong")))]
pub async fn apply(State(service): State<Shared>, Extension(actor): By, Json(files): Json<Files>) -> Reply {
    let Planned { changes, revision, answered, secrets_missing } = planned(&service, &files).await?;
    let one = |change: &crate::partner::PlannedChange| ResourceChange {
        kind: change.kind.clone(),
        name: change.name.clone(),
        body: change.body.clone(),
    };
    let all = changes.iter().map(one).collect();
    let looked_at = files.revision.unwrap_or(revision);
    let revision = service.store.apply_all(all, answered, looked_at, &actor, service.now()).await?;
    service.reload().await?;
    Ok(Json(json!({ "changes": changes, "revision": revision, "secrets_missing": secrets_missing })))
}
