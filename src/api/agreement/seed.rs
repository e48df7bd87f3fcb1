//! `POST /api/v1/agreements/{name}/seed`

use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared};
use crate::pipeline::route::sequences;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The numbers that come next; those left out stay.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// Interchange control number.
    interchange: Option<u64>,
    /// Group control number, X12.
    group: Option<u64>,
    /// Document control number, where they run on.
    document: Option<u64>,
}

/// Sets the control numbers that come next under an agreement of way out, as the system before it left them. They never
/// go backwards.
#[utoipa::path(post, path = "/api/v1/agreements/{name}/seed", operation_id = "agreement_seed", request_body = Next,
    params(("name" = String, Path)), responses((status = 200, description = "{next}: all sequences of the agreement"),
        (status = 404, description = "No such agreement"), (status = 409, description = "A number would be used twice")))]
pub async fn seed(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(name): Path<String>,
    Json(next): Json<Next>,
) -> Reply {
    let directory = service.directory();
    let agreement = directory.agreement(&name).filter(|agreement| agreement.way == crate::partner::Way::Out);
    let Some(agreement) = agreement else {
        return Err(Problem::new(404, "NOT-FOUND", &format!("no agreement of way out is called {name}")));
    };
    let names = sequences(agreement);
    let wanted = [next.interchange, next.group, next.document];
    let pairs = names.iter().cloned().zip(wanted).filter_map(|(name, next)| Some((name, next?))).collect();
    service.store.seed_sequences(pairs, &actor, service.now()).await?;
    let all = service.store.sequences().await?;
    let ours: Map<String, Value> =
        all.into_iter().filter(|(name, _)| names.contains(name)).map(|(name, next)| (name, next.into())).collect();
    Ok(Json(json!({ "next": ours })))
}
