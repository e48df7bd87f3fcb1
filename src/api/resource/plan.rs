//! `POST /api/v1/resources/plan`

use crate::api::problem::Problem;
use crate::api::{Reply, Shared};
use crate::partner::{self, Directory, PlannedChange, Resource};
use crate::pipeline::configured::Configured;
use crate::pipeline::state::{Service, stored};
use crate::store::Store;
use crate::table::Tables;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

/// Files of resources.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Name and text of each file; CSV files hold the rows of tables that name them.
    pub files: Vec<(String, String)>,
    /// Delete what the files do not name.
    #[serde(default)]
    pub prune: bool,
    /// Apply them only where the resources are still at the revision that a plan told.
    #[serde(default)]
    pub revision: Option<i64>,
}

/// What files would change.
pub struct Planned {
    /// One a resource.
    pub changes: Vec<PlannedChange>,
    /// What they were compared with.
    pub revision: i64,
    /// Entries of the work list of lookups that go with it.
    pub answered: Vec<String>,
    /// Names of secrets that are used afterwards and are not set.
    pub secrets_missing: Vec<String>,
}

/// What the files would change, and the revision they were compared with.
pub async fn planned(service: &Service, files: &Files) -> Result<Planned, Problem> {
    let store = &service.store;
    let (mut wanted, mut errors) = (Vec::new(), Vec::new());
    let (rows, texts): (Vec<_>, Vec<_>) = files.files.iter().partition(|(name, _)| name.ends_with(".csv"));
    for (name, text) in texts {
        let (mut read, mut wrong) = partner::parse_all(name, text);
        wanted.append(&mut read);
        errors.append(&mut wrong);
    }
    let find = |path: &str| rows.iter().find(|(name, _)| name == path).map(|(_, text)| text.as_str());
    errors.extend(partner::attach(&mut wanted, find).err().unwrap_or_default());
    let revision = store.resource_revision().await?;
    let current = stored(store).await?;
    // What will be there afterwards must fit together.
    let stays = |one: &&Resource| !files.prune && !wanted.iter().any(|other| other.id() == one.id());
    let after: Vec<Resource> = wanted.iter().chain(current.iter().filter(stays)).cloned().collect();
    if !errors.is_empty() {
        // What the others refer to may be among what could not be read: only what they say themselves is told.
        errors.extend(wanted.iter().flat_map(Resource::check_shape));
    }
    let directory = if errors.is_empty() { Directory::new(&after) } else { Ok(Directory::default()) };
    let directory = directory.unwrap_or_else(|wrong| {
        errors.extend(wrong);
        Directory::default()
    });
    let configured = match errors.is_empty() {
        true => Configured::new(&service.rules, &directory, &after),
        false => Ok(Configured::default()),
    };
    let configured = configured.unwrap_or_else(|wrong| {
        errors.extend(wrong);
        Configured::default()
    });
    // Only what is new is read again, by a process of its own.
    let expressions = || configured.check_expressions(&service.expressions, &wanted);
    errors.extend(tokio::task::block_in_place(expressions).err().unwrap_or_default());
    if !errors.is_empty() {
        let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
        return Err(Problem::new(422, "RESOURCES-WRONG", &text.join("\n")));
    }
    let mut changes = partner::plan(&current, &wanted, files.prune);
    for change in changes.iter_mut().filter(|change| change.body.is_some()) {
        let overrides = configured.overrides.get(&format!("{}/{}", change.kind, change.name));
        change.lines.extend(overrides.into_iter().flatten().map(|one| format!("over its base: {one}")));
    }
    let listener = service.config.partner.tls.iter().flat_map(|tls| &tls.resources).collect::<Vec<_>>();
    for change in changes.iter_mut().filter(|change| change.body.is_none() && change.kind == "certificate") {
        if listener.contains(&&change.name) {
            change
                .lines
                .push("the partner listener has it in [partner] tls.resources, and cannot show it any more".to_owned());
        }
    }
    let answered = answered(store, &changes, &directory.tables().on(service.today())).await?;
    let known = store.secret_names().await?;
    let is_missing = |name: &String| !known.iter().any(|(one, _)| one == name);
    let secrets_missing = directory.secrets().into_iter().filter(is_missing).collect();
    Ok(Planned { changes, revision, answered, secrets_missing })
}

/// The entries of the work list that the changed tables answer, or that nobody can ask for any more.
async fn answered(store: &Store, changes: &[PlannedChange], tables: &Tables) -> Result<Vec<String>, Problem> {
    let mut found = Vec::new();
    for change in changes.iter().filter(|change| change.kind == "table") {
        for one in store.all_missing_lookups(&change.name).await? {
            let is_there = tables.lookup(&change.name, &one.column_name, &one.wanted, &one.value).is_ok();
            if is_there || !tables.all.contains_key(&change.name) {
                found.push(one.missing_lookup_id);
            }
        }
    }
    Ok(found)
}

/// What the files would change; nothing is changed.
#[utoipa::path(post, path = "/api/v1/resources/plan", operation_id = "resource_plan", request_body = Files,
    responses((status = 200, description = "{changes, revision, secrets_missing}"), (status = 422, description = "All that is wrong")))]
pub async fn plan(State(service): State<Shared>, Json(files): Json<Files>) -> Reply {
    let Planned { changes, revision, secrets_missing, .. } = planned(&service, &files).await?;
    Ok(Json(json!({ "changes": changes, "revision": revision, "secrets_missing": secrets_missing })))
}
