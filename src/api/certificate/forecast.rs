//! `GET /api/v1/certificates/forecast`

use crate::api::problem::Problem;
use crate::api::{Reply, Shared};
use crate::pipeline::as2::forecast::{DAYS_MAX, forecast as all};
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::json;

/// How far.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Ahead {
    /// Days that are looked ahead, 3650 at most; 400 when left out.
    #[serde(default = "usual")]
    days: u32,
}

fn usual() -> u32 {
    400
}

/// The times in which a channel of AS2 has no certificate or key that counts, the first first: for which use, from when until
/// when (null: nothing follows), which certificate ends and which follows. Times are microseconds since 1970.
#[utoipa::path(get, path = "/api/v1/certificates/forecast", operation_id = "certificate_forecast", params(Ahead),
    responses((status = 200, description = "{days, items: [{channel, partner, use, from, until, days_left, ends, follows}]}"),
        (status = 400, description = "So far nobody looks")))]
pub async fn forecast(State(service): State<Shared>, Query(ahead): Query<Ahead>) -> Reply {
    if !(1..=DAYS_MAX).contains(&ahead.days) {
        return Err(Problem::new(400, "DAYS-WRONG", &format!("expected 1 to {DAYS_MAX} days, found {}", ahead.days)));
    }
    let accepted = service.store.accepted_certificates().await?;
    let items = all((&service.directory(), &service.configured()), &accepted, ahead.days, service.now());
    Ok(Json(json!({ "days": ahead.days, "items": items })))
}
