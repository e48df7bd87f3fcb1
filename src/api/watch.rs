//! Metrics and health: for machines that watch this one; they show numbers only and need no token.

use super::Shared;
use crate::pipeline::unanswered::{Urgency, unanswered};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::atomic::Ordering;

/// `/metrics`, `/livez`, `/readyz`.
pub fn router(metrics: PrometheusHandle) -> Router<Shared> {
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready)).route(
        "/metrics",
        get(move |State(service): State<Shared>| async move {
            gauges(&service).await;
            metrics.render()
        }),
    )
}

/// Ready means that the ledger answers, that there is room for what comes in, and that this instance is not about to stop.
async fn ready(State(service): State<Shared>) -> (StatusCode, String) {
    let unready = |why: String| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
    if service.leaving.load(Ordering::Relaxed) {
        return unready("STOPPING: this instance stops within seconds; send to another".to_owned());
    }
    if let Err(error) = service.store.has_room() {
        return unready(format!("STORAGE-FULL: {error}"));
    }
    match service.store.resource_revision().await {
        Ok(_) => (StatusCode::OK, "ok\n".to_owned()),
        Err(error) => unready(error.to_string()),
    }
}

/// What is counted in the ledger is read when it is asked for.
#[allow(clippy::cast_precision_loss)] // gauges are floats
async fn gauges(service: &Shared) {
    for (kind, count, age) in service.store.backlog(service.now()).await.unwrap_or_default() {
        metrics::gauge!("portolan_jobs_due", "kind" => kind.clone()).set(count as f64);
        metrics::gauge!("portolan_jobs_oldest_seconds", "kind" => kind).set(age as f64 / 1e6);
    }
    for (level, state, count) in service.store.ack_states().await.unwrap_or_default() {
        metrics::gauge!("portolan_acks", "level" => level, "state" => state).set(count as f64);
    }
    let held = unanswered(service).await.unwrap_or_default();
    for urgency in Urgency::ALL {
        let count = held.iter().filter(|one| one.urgency == urgency).count();
        metrics::gauge!("portolan_held_unanswered", "urgency" => urgency.as_str()).set(count as f64);
    }
    for (severity, state, count) in service.store.alarm_counts().await.unwrap_or_default() {
        metrics::gauge!("portolan_alarms", "severity" => severity, "state" => state).set(count as f64);
    }
    for balance in service.store.balances().await.unwrap_or_default() {
        metrics::gauge!("portolan_conservation_holds", "stage" => balance.stage)
            .set(f64::from(u8::from(balance.holds)));
        for (term, count) in balance.terms {
            metrics::gauge!("portolan_ledger_rows", "stage" => balance.stage, "where" => term).set(count as f64);
        }
    }
}
