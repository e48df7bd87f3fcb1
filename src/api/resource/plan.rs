//! `POST /api/v1/resources/plan`

use crate::api::problem::Problem;
use crate::api::{Reply, Shared};
use crate::partner::{self, Directory, PlannedChange, Resource};
use crate::pipeline::state::stored;
use crate::store::Store;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

/// Files of resources.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Name and text of each file.
    pub files: Vec<(String, String)>,
    /// Delete what the files do not name.
    #[serde(default)]
    pub prune: bool,
}

/// What the files would change, and the revision they were compared with.
pub async fn planned(store: &Store, files: &Files) -> Result<(Vec<PlannedChange>, i64), Problem> {
    let (mut wanted, mut errors) = (Vec::new(), Vec::new());
    for (name, text) in &files.files {
        match partner::parse(name, text) {
            Ok(mut read) => wanted.append(&mut read),
            Err(mut wrong) => errors.append(&mut wrong),
        }
    }
    let revision = store.resource_revision().await?;
    let current = stored(store).await?;
    // What will be there afterwards must fit together.
    let stays = |one: &&Resource| !files.prune && !wanted.iter().any(|other| other.id() == one.id());
    let after: Vec<Resource> = wanted.iter().chain(current.iter().filter(stays)).cloned().collect();
    errors.extend(Directory::new(&after).err().unwrap_or_default());
    if !errors.is_empty() {
        let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
        return Err(Problem::new(422, "RESOURCES-WRONG", &text.join("\n")));
    }
    Ok((partner::plan(&current, &wanted, files.prune), revision))
}

/// What the files would change; nothing is changed.
#[utoipa::path(post, path = "/api/v1/resources/plan", operation_id = "resource_plan", request_body = Files,
    responses((status = 200, description = "{changes, revision}"), (status = 422, description = "All that is wrong")))]
pub async fn plan(State(service): State<Shared>, Json(files): Json<Files>) -> Reply {
    let (changes, revision) = planned(&service.store, &files).await?;
    Ok(Json(json!({ "changes": changes, "revision": revision })))
}
