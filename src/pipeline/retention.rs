//! Bytes go whose time is over, as `[keep]` says: now those of messages of AS2. What may go is `store::retention`'s.

use super::state::Service;
use crate::store::{Cursor, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks; what is kept is kept for days.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Between two questions of one look.
const REST: Duration = Duration::from_millis(100);

/// Looks until told to stop.
pub(super) async fn run(service: Arc<Service>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match look(&service, &stop).await {
            Ok(count) => {
                service.trouble.over("KEEP");
                if count > 0 {
                    let days = service.config.keep.as2_days;
                    tracing::info!(count, days, "Messages of AS2 whose time is over have no bytes any more");
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "What is kept could not be looked through");
                service.trouble.note("KEEP", &error.to_string(), service.now());
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Removes what is past its time, each message in a commit of its own; how many they were.
async fn look(service: &Service, stop: &CancellationToken) -> Result<u64> {
    // By the clock that is behind the other: what is gone does not come back.
    let now = service.clock.machine().min(service.now());
    let Ok(before) = now.checked_sub(DAY * u32::try_from(service.config.keep.as2_days).unwrap_or(u32::MAX)) else {
        return Ok(0);
    };
    let (mut behind, mut count): (Option<Cursor>, u64) = (None, 0);
    loop {
        let past = service.store.as2_past(before, behind.as_ref()).await?;
        for id in &past.ripe {
            if stop.is_cancelled() {
                return Ok(count);
            }
            if service.store.purge_as2(id, service.now()).await? {
                metrics::counter!("portolan_purged_total", "kind" => "as2").increment(1);
                count += 1;
            }
        }
        behind = past.last;
        if behind.is_none() || stop.is_cancelled() {
            return Ok(count);
        }
        tokio::time::sleep(REST).await;
    }
}
