//! What links of mails do: an alarm is taken up, quiet for a while, or what it is about is sent again. A look at a link shows
//! what it would do, so that programs that follow links do nothing.

use super::tell::{can_be_retried, link_key};
use crate::alert::link::{self, Act, Link, Unlinked};
use crate::pipeline::state::Service;
use crate::store::alarm::{Alarm, AlarmState};
use crate::store::{Actor, Result, StoreError};
use std::time::Duration;

/// How long an alarm is quiet.
pub const SNOOZED_FOR: Duration = Duration::from_secs(4 * 60 * 60);
/// Deliveries that one act sends again, at most.
pub const RETRIED_MAX: usize = 1000;

/// A link, with its alarm.
///
/// # Errors
/// It is none of ours, or too old; the ledger failed.
pub async fn read(service: &Service, path: &str) -> Result<std::result::Result<(Link, Alarm), Unlinked>> {
    let key = link_key(service).await?;
    match link::read(&key, path, service.now()) {
        Ok(link) => {
            let alarm = service.store.alarm(&link.alarm).await?;
            Ok(Ok((link, alarm)))
        }
        Err(unlinked) => Ok(Err(unlinked)),
    }
}

/// Does what a link says, once. Returns what came of it, in words.
///
/// # Errors
/// It was used before, the alarm is over, or the ledger failed.
pub async fn act(service: &Service, link: &Link, alarm: &Alarm) -> Result<String> {
    let (actor, now) = (Actor(format!("recipient:{}", link.recipient)), service.now());
    let by = (&actor, Some(link.signature.as_str()));
    match link.act {
        Act::Acknowledge => {
            service.store.act_on_alarm(&link.alarm, (AlarmState::Acknowledged, None), by, now).await?;
            Ok("It is yours: nobody is reminded of it until it is over.".to_owned())
        }
        Act::Snooze => {
            service.store.act_on_alarm(&link.alarm, (AlarmState::Snoozed, Some(now + SNOOZED_FOR)), by, now).await?;
            Ok("It is quiet for four hours.".to_owned())
        }
        Act::Retry => {
            check_retry(service, alarm)?;
            service.store.use_alarm_link(&link.signature, now).await?;
            let count = retry(service, alarm, &actor).await?;
            Ok(format!("{count} deliveries go again."))
        }
    }
}

/// Sends again what an alarm of parked deliveries is about. How many went.
///
/// # Errors
/// It is about something else, or the ledger failed; those before went.
pub async fn retry(service: &Service, alarm: &Alarm, actor: &Actor) -> Result<usize> {
    check_retry(service, alarm)?;
    let parked = service.store.parked_of(alarm, RETRIED_MAX).await?;
    let mut count = 0;
    for id in parked {
        match service.store.resubmit(&id, actor, service.now()).await {
            Ok(new) => {
                service.hasten(&new).await?;
                count += 1;
            }
            // Somebody else was quicker, or it is held and not parked.
            Err(StoreError::Conflict(_) | StoreError::WrongState { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

fn check_retry(service: &Service, alarm: &Alarm) -> Result<()> {
    if can_be_retried(service, alarm) {
        return Ok(());
    }
    let (id, alert) = (&alarm.alarm_id, &alarm.alert);
    Err(StoreError::Conflict(format!(
        "alarm {id} of {alert} is not about parked deliveries; nothing of it can be sent again"
    )))
}
