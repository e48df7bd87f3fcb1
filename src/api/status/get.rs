//! `GET /api/v1/status`

use crate::api::mailbox::bans::banned;
use crate::api::{Reply, Shared};
use crate::pipeline::sums::{Asked, count};
use crate::pipeline::unanswered::unanswered;
use crate::store::Page;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How far back refusals of strangers are shown.
const REFUSED_SHOWN: Duration = Duration::from_secs(24 * 60 * 60);

/// Where everything is, whether the sums hold, and what waits.
#[utoipa::path(get, path = "/api/v1/status", operation_id = "status_get",
    responses((status = 200, description = "Balances, acknowledgments and when they were counted, backlog, what is held without an answer, strangers refused in the last day by channel, partner they said to be, and hour; alarms that stand; what is paused; circuits that are open; addresses and users that are not heard; the collector that takes no traces")))]
pub async fn get(State(service): State<Shared>) -> Reply {
    let store = &service.store;
    let backlog = store.backlog(service.now()).await?;
    let backlog: Vec<Value> = backlog
        .iter()
        .map(|(kind, due, age)| json!({ "kind": kind, "due": due, "oldest_seconds": age / 1_000_000 }))
        .collect();
    let counted = match service.sums.counted(Asked::ByPerson, service.now()).await {
        Some(counted) => counted,
        None => Arc::new(count(store, service.now()).await?),
    };
    let acks: Vec<Value> = counted
        .ack_counts
        .iter()
        .map(|(direction, ack, count)| json!({ "direction": direction, "ack": ack, "count": count }))
        .collect();
    let awaited = counted.ack_states.iter();
    let awaited: Vec<Value> =
        awaited.map(|(level, state, count)| json!({ "level": level, "state": state, "count": count })).collect();
    let held = unanswered(&service).await?;
    let refused: Vec<Value> =
        store.refusals(service.now() - REFUSED_SHOWN).await?.iter().map(|one| json!(one)).collect();
    let alarms: Vec<Value> = store
        .alarm_counts()
        .await?
        .iter()
        .map(|(severity, state, count)| json!({ "severity": severity, "state": state, "count": count }))
        .collect();
    let collector = service.untraced.now(service.now()).into_iter().next();
    let collector = collector.map(|seen| json!({ "since": seen.first_at.as_microsecond(), "reason": seen.reason }));
    let unmatched = store.unmatched_acks(&Page::default()).await?.len();
    Ok(Json(json!({ "version": env!("CARGO_PKG_VERSION"), "database": store.database(), "balances": counted.balances,
        "counted_at": counted.at.as_microsecond(), "count_ms": u64::try_from(counted.took.as_millis()).unwrap_or(u64::MAX), "backlog": backlog,
        "acks": acks, "ack_levels": awaited, "unanswered": held, "unmatched_acks": unmatched, "circuits": service.pace.open_circuits(), "refused": refused, "alarms": alarms, "pauses": store.pauses(service.now()).await?,
        "bans": banned(&service), "collector": collector, "gathered": store.waiting_count().await?, "revision": store.resource_revision().await? })))
}
