//! `GET /api/v1/certificates`

use crate::api::{Reply, Shared};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

/// Days before its last at which a certificate is marked: as long as a change with a partner takes.
pub const ENDS_SOON_DAYS: i64 = 60;
const DAY_MICROSECONDS: i64 = 24 * 3600 * 1_000_000;

/// Certificates of the resources, ours and theirs; times are microseconds since 1970. `ends_soon` is there 60 days before
/// the last day, and after it.
#[utoipa::path(get, path = "/api/v1/certificates", operation_id = "certificate_list",
    responses((status = 200, description = "{items: [{name, ours, common_name, not_before, not_after, days_left, \
        ends_soon, fingerprint, channels}]}")))]
pub async fn list(State(service): State<Shared>) -> Reply {
    let (directory, configured, now) = (service.directory(), service.configured(), service.now());
    let item = |(name, one): (&String, &std::sync::Arc<crate::transport::as2::certificate::Certificate>)| -> Value {
        let left = one.not_after.as_microsecond() - now.as_microsecond();
        json!({
            "name": name,
            "ours": directory.certificate(name).is_some_and(|one| one.key.is_some()),
            "common_name": one.common_name(),
            "not_before": one.not_before.as_microsecond(),
            "not_after": one.not_after.as_microsecond(),
            "days_left": left.div_euclid(DAY_MICROSECONDS),
            "ends_soon": left <= ENDS_SOON_DAYS * DAY_MICROSECONDS,
            "fingerprint": one.fingerprint(),
            "channels": directory.channels_with_certificate(name),
        })
    };
    Ok(Json(json!({ "items": configured.certificates.iter().map(item).collect::<Vec<_>>() })))
}
