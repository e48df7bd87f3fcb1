//! Metrics and health: for machines that watch this one; they show numbers only and need no token.

use super::Shared;
use crate::partner::Severity;
use crate::pipeline::sums::Asked;
use crate::pipeline::unanswered::{Urgency, unanswered};
use crate::store::ack::{AckLevel, AckState};
use crate::store::alarm::AlarmState;
use crate::store::job::JobKind;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Names of certificates that were told, so that one that is gone does not stand there as it was.
type Told = Arc<Mutex<BTreeSet<String>>>;

/// `/metrics`, `/livez`, `/readyz`.
pub fn router(metrics: PrometheusHandle) -> Router<Shared> {
    let told = Told::default();
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready)).route(
        "/metrics",
        get(move |State(service): State<Shared>| async move {
            gauges(&service).await;
            certificates(&service, &told);
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

/// What is counted in the ledger is read when it is asked for; where that reads much of it, as it was counted last. What the ledger
/// has none of is 0, and not what it was before.
#[allow(clippy::cast_precision_loss)] // gauges are floats
async fn gauges(service: &Shared) {
    metrics::gauge!("portolan_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    metrics::gauge!("portolan_circuits_open").set(service.pace.open_circuits().len() as f64);
    if let Some((free, total)) = service.store.room() {
        metrics::gauge!("portolan_storage_free_bytes").set(free as f64);
        metrics::gauge!("portolan_storage_bytes").set(total as f64);
    }
    if let Ok(backlog) = service.store.backlog(service.now()).await {
        let mut kinds: BTreeMap<&str, (i64, i64)> = JobKind::ALL.iter().map(|kind| (kind.as_str(), (0, 0))).collect();
        kinds.extend(backlog.iter().map(|(kind, count, age)| (kind.as_str(), (*count, *age))));
        for (kind, (count, age)) in kinds {
            metrics::gauge!("portolan_jobs_due", "kind" => kind.to_owned()).set(count as f64);
            metrics::gauge!("portolan_jobs_oldest_seconds", "kind" => kind.to_owned()).set(age as f64 / 1e6);
        }
    }
    if let Ok(held) = unanswered(service).await {
        for urgency in Urgency::ALL {
            let count = held.iter().filter(|one| one.urgency == urgency).count();
            metrics::gauge!("portolan_held_unanswered", "urgency" => urgency.as_str()).set(count as f64);
        }
    }
    if let Ok(found) = service.store.alarm_counts().await {
        let severities = Severity::ALL.iter().map(|one| one.as_str());
        let standing = [AlarmState::Open, AlarmState::Acknowledged, AlarmState::Snoozed];
        let states = standing.iter().map(|one| one.as_str());
        for ((severity, state), count) in all_of(severities, states, &found) {
            metrics::gauge!("portolan_alarms", "severity" => severity, "state" => state).set(count as f64);
        }
    }
    if let Some(counted) = service.sums.counted(Asked::ByMachine, service.now()).await {
        let age = Duration::try_from(service.now().duration_since(counted.at)).unwrap_or_default();
        metrics::gauge!("portolan_conservation_age_seconds").set(age.as_secs_f64());
        metrics::gauge!("portolan_conservation_count_seconds").set(counted.took.as_secs_f64());
        for balance in &counted.balances {
            metrics::gauge!("portolan_conservation_holds", "stage" => balance.stage)
                .set(f64::from(u8::from(balance.holds)));
            for (term, count) in &balance.terms {
                metrics::gauge!("portolan_ledger_rows", "stage" => balance.stage, "where" => *term).set(*count as f64);
            }
        }
        let (levels, states) =
            (AckLevel::ALL.iter().map(|one| one.as_str()), AckState::ALL.iter().map(|one| one.as_str()));
        for ((level, state), count) in all_of(levels, states, &counted.ack_states) {
            metrics::gauge!("portolan_acks", "level" => level, "state" => state).set(count as f64);
        }
    }
}

/// Each pair of words with how many were found, 0 where none were.
fn all_of<'w>(
    first: impl Iterator<Item = &'w str>,
    second: impl Iterator<Item = &'w str> + Clone,
    found: &[(String, String, i64)],
) -> BTreeMap<(String, String), i64> {
    let none = first.flat_map(|one| second.clone().map(move |other| ((one.to_owned(), other.to_owned()), 0)));
    let mut all: BTreeMap<_, _> = none.collect();
    all.extend(found.iter().map(|(one, other, count)| ((one.clone(), other.clone()), *count)));
    all
}

/// How long each certificate still counts.
#[allow(clippy::cast_precision_loss)] // gauges are floats
fn certificates(service: &Shared, told: &Told) {
    let (configured, now) = (service.configured(), service.now());
    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
    for gone in told.iter().filter(|name| !configured.certificates.contains_key(*name)) {
        metrics::gauge!("portolan_certificate_expiry_seconds", "name" => gone.clone()).set(f64::NAN);
    }
    for (name, certificate) in &configured.certificates {
        let left = certificate.not_after.as_second() - now.as_second();
        metrics::gauge!("portolan_certificate_expiry_seconds", "name" => name.clone()).set(left as f64);
        told.insert(name.clone());
    }
}
