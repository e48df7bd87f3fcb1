//! `POST /api/v1/alarms/{id}/act`

use crate::api::problem::Problem;
use crate::api::{By, Reply, Shared};
use crate::pipeline::alarm::act::SNOOZED_FOR;
use crate::store::alarm::AlarmState;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// Minutes of four weeks: how long an alarm may be quiet.
const SNOOZED_MINUTES_MAX: u64 = 28 * 24 * 60;

/// What is to happen.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// `acknowledged`: somebody takes it up. `snoozed`: it is quiet for a while. `closed`: it is done with, until more comes.
    to: String,
    /// How long it is quiet; four hours when left out.
    #[serde(default)]
    minutes: Option<u64>,
}

/// Acknowledges, snoozes or closes an alarm.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/act", operation_id = "alarm_act",
    params(("id" = String, Path, description = "Alarm")), request_body = Wanted,
    responses((status = 200, description = "{alarm, state}"), (status = 404, description = "There is none"),
        (status = 409, description = "It is over")))]
pub async fn act(
    State(service): State<Shared>,
    Extension(actor): By,
    Path(id): Path<String>,
    Json(wanted): Json<Wanted>,
) -> Reply {
    let to: Option<AlarmState> = wanted.to.parse().ok();
    let to = to.filter(|to| matches!(to, AlarmState::Acknowledged | AlarmState::Snoozed | AlarmState::Closed));
    let to = to.ok_or_else(|| Problem::new(400, "WORD-UNKNOWN", "to: expected acknowledged, snoozed or closed"))?;
    if wanted.minutes.is_some_and(|minutes| !(1..=SNOOZED_MINUTES_MAX).contains(&minutes)) {
        let detail = format!("minutes: expected 1 to {SNOOZED_MINUTES_MAX}");
        return Err(Problem::new(400, "NUMBER-INVALID", &detail));
    }
    let lasts = wanted.minutes.map_or(SNOOZED_FOR, |minutes| Duration::from_secs(minutes * 60));
    let until = (to == AlarmState::Snoozed).then(|| service.now() + lasts);
    service.store.act_on_alarm(&id, (to, until), (&actor, None), service.now()).await?;
    Ok(Json(json!({ "alarm": id, "state": to })))
}
