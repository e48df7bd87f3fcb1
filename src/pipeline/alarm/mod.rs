//! Alarms, from what goes wrong to a person: alerts are looked at (`look`), what they find is compared with what is open in one
//! commit, who has to know is told by notices (`tell`), and those are sent (`send`). What a person does by a link of a mail is
//! `act`. A crash anywhere repeats a step and loses none: each begins with what the one before has committed.

pub mod act; // what links of mails do
pub mod look; // what alerts ask
mod narrow; // what of the answers they mean, in words
pub mod send; // notices on their way
pub mod tell; // who is told what

use super::state::Service;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::partner::calendar;
use crate::store::StoreError;
use crate::transport::smtp;
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long an ended alarm is looked at for those who have to be told: longer than quiet hours are, holidays and weekends together.
const ENDED_KEPT: Duration = Duration::from_secs(10 * 24 * 60 * 60);

/// What is wrong with the sections `[alert]` and `[mail]`.
///
/// # Errors
/// A sentence with the key, expected and found.
pub fn check(config: &Config) -> Result<(), String> {
    calendar::time_zone(&config.alert.time_zone).map_err(|why| format!("[alert] time_zone: {why}"))?;
    if let Some(links) = config.alert.links.as_ref().filter(|links| !links.starts_with("http")) {
        return Err(format!("[alert] links: expected such as https://portolan.example.com, found {links}"));
    }
    let Some(mail) = &config.mail else { return Ok(()) };
    smtp::check_sender(&mail.from).map_err(|why| format!("[mail] from: {why}"))?;
    if let Some(address) = mail.to.iter().find(|address| !crate::partner::is_address(address)) {
        let shown = address.escape_debug();
        return Err(format!("[mail] to: expected an address such as edi@example.com, found {shown}"));
    }
    if mail.user.is_some() != mail.password.is_some() {
        return Err("[mail] user: expected user and password, or neither".to_owned());
    }
    if let Some(heartbeat) = &mail.heartbeat {
        calendar::time_of_day(heartbeat).map_err(|why| format!("[mail] heartbeat: {why}"))?;
    }
    Ok(())
}

/// The time zone of times of day and of mails.
fn zone(service: &Service) -> TimeZone {
    calendar::time_zone(&service.config.alert.time_zone).unwrap_or(TimeZone::UTC)
}

/// A time as people read it.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// Looks, tells and sends until told to stop.
pub async fn run(service: Arc<Service>, stop: CancellationToken) {
    let mut loops = JoinSet::new();
    loops.spawn(watch(service.clone(), stop.clone()));
    loops.spawn(send::run(service, stop));
    while loops.join_next().await.is_some() {}
}

async fn watch(service: Arc<Service>, stop: CancellationToken) {
    let every = Duration::from_secs(service.config.alert.look_seconds.max(1));
    let mut looking = look::Looking::default();
    while !stop.is_cancelled() {
        match once(&service, &mut looking).await {
            Ok(()) | Err(StoreError::Stopped) => service.trouble.over("ALARMS"),
            Err(error) => {
                tracing::error!(error = %error, "Alarms could not be looked for; they will be");
                service.trouble.note("ALARMS", &error.to_string(), service.now());
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// One look, and what follows from it.
async fn once(service: &Service, looking: &mut look::Looking) -> Result<(), StoreError> {
    let (findings, unasked) = looking.look(service).await?;
    let (raised, over) = service.store.settle_alarms(unasked, findings, service.now()).await?;
    if raised + over > 0 {
        tracing::info!(raised, over, "Alarms");
        metrics::counter!("portolan_alarms_total", "what" => "raised").increment(raised as u64);
        metrics::counter!("portolan_alarms_total", "what" => "over").increment(over as u64);
    }
    tell::tell(service).await
}
