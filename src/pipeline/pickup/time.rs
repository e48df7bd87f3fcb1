//! When channels with a schedule are looked at. Until when a schedule was followed is in the ledger: a time that passed while nothing
//! ran, or that ended in a kill, is made up once. What is looked at too often is harmless, since files are known.

use super::round::Looked;
use crate::clock::Timestamp;
use crate::partner::{Pickup, When};
use crate::pipeline::state::Service;
use crate::store::{Micros, Result};
use std::time::Duration;

/// Looks that follow one whose time came, at most, as long as a look finds something to do.
const FOLLOWING_LOOKS_MAX: u32 = 10;
/// How long to wait where a schedule has no time any more, as after the last day that its calendar can tell.
const WAIT_UNSAID: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether a channel is to be looked at, that is due or not known yet to this process.
///
/// # Errors
/// The ledger failed.
pub(super) async fn is_time(service: &Service, name: &str, when: &When) -> Result<bool> {
    if service.pickups.with(name, |known| known.state.next_at.is_some()) {
        return Ok(true);
    }
    let now = service.now();
    let followed = match service.store.pickup_followed(name).await? {
        Some(at) => at,
        None => {
            service.store.pickup_follow(name, now).await?;
            now
        }
    };
    let next_at = following(service, when, followed);
    service.pickups.with(name, |known| known.state.next_at = Some(next_at.into()));
    Ok(next_at <= now)
}

/// When a channel is looked at next, after a look that began at a time and went well.
///
/// # Errors
/// The ledger failed; the time is then made up.
pub(super) async fn next(
    service: &Service,
    name: &str,
    pickup: &Pickup,
    looked: Looked,
    began: Timestamp,
) -> Result<Micros> {
    let soon = service.now() + Duration::from_secs(pickup.every_seconds);
    let Some(when) = &pickup.schedule else { return Ok(soon.into()) };
    let follows = service.pickups.with(name, |known| {
        known.following = if looked.is_open { known.following + 1 } else { 0 };
        (1..=FOLLOWING_LOOKS_MAX).contains(&known.following)
    });
    if follows {
        return Ok(soon.into());
    }
    service.pickups.with(name, |known| known.following = 0);
    service.store.pickup_follow(name, began).await?;
    Ok(following(service, when, began).into())
}

fn following(service: &Service, when: &When, after: Timestamp) -> Timestamp {
    service.directory().next_time(when, after).unwrap_or_else(|| service.now() + WAIT_UNSAID)
}
