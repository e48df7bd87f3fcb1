//! `GET /schemas/resource/{kind}.json`: the JSON Schemas of resources, for editors; no token is asked for.

use crate::api::problem::Problem;
use crate::partner::{KINDS, resource::shape};
use axum::Json;
use axum::extract::Path;
use serde_json::Value;

/// The schema of a kind.
pub async fn schema(Path(file): Path<String>) -> Result<Json<Value>, Problem> {
    let found = file.strip_suffix(".json").and_then(shape::schema);
    let missing = || format!("no schema {file}; there are {}", KINDS.map(|kind| format!("{kind}.json")).join(", "));
    found.map(Json).ok_or_else(|| Problem::new(404, "NOT-FOUND", &missing()))
}
