//! Who is told what: for each recipient what is new of the alarms that are its business, as one notice for each of its addresses,
//! committed with what it knows from then on; and once a day that all is well, to those who want to hear that.

use super::{ENDED_KEPT, moment, zone};
use crate::alert::due::{Hours, News, Standing, Told as Known};
use crate::alert::link::{self, Act, KEY_BYTES, LINK_LASTS};
use crate::clock::Timestamp;
use crate::partner::calendar::{next_passing, time_of_day};
use crate::partner::{Directory, Recipient, Severity};
use crate::pipeline::state::Service;
use crate::store::alarm::{Alarm, AlarmState};
use crate::store::notice::{NewNotice, Notice, NoticeKind, Told, ToldLast};
use crate::store::{Actor, Micros, Result, StoreError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The recipient that `[mail]` names; a resource of this name takes its place.
pub const OF_MAIL: &str = "mail";
/// The secret that signs links.
const LINK_SECRET: &str = "alert.links";
/// Alarms of one notice; how many there are more is said.
const SHOWN_MAX: usize = 25;
/// How far the last heartbeat may lie ahead, as it may after a restart while the ledger's time is ahead of the machine's.
const HEARTBEAT_AHEAD_MAX: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// All recipients: those of the resources, and that of `[mail]`.
#[must_use]
pub fn recipients(service: &Service, directory: &Directory) -> Vec<(String, Recipient)> {
    let mut all: Vec<_> = directory.recipients().map(|(name, one)| (name.clone(), one.clone())).collect();
    let is_named = all.iter().any(|(name, _)| name == OF_MAIL);
    if let Some(mail) = service.config.mail.as_ref().filter(|mail| !mail.to.is_empty() && !is_named) {
        all.push((OF_MAIL.to_owned(), Recipient::of_mail(mail.to.clone(), mail.heartbeat.clone())));
    }
    all
}

/// The key that signs links; made when it is asked for first.
///
/// # Errors
/// The ledger failed.
pub(super) async fn link_key(service: &Service) -> Result<Vec<u8>> {
    match service.store.secret(LINK_SECRET).await {
        Err(StoreError::NotFound { .. }) => {
            let mut key = vec![0; KEY_BYTES];
            service.store.fill_random(&mut key);
            service.store.set_secret(LINK_SECRET, &key, &Actor::system(), service.now()).await?;
            Ok(key)
        }
        found => found,
    }
}

/// Tells all recipients what they have to know now.
///
/// # Errors
/// The ledger failed; who was not told will be.
pub(super) async fn tell(service: &Service) -> Result<()> {
    let (directory, now) = (service.directory(), service.now());
    let all = recipients(service, &directory);
    if all.is_empty() {
        return Ok(());
    }
    let alarms = service.store.standing_alarms(now - ENDED_KEPT).await?;
    let told: BTreeMap<(String, String), Told> = service
        .store
        .told(now - ENDED_KEPT)
        .await?
        .into_iter()
        .map(|one| ((one.alarm_id.clone(), one.recipient.clone()), one))
        .collect();
    let told_last = service.store.told_last().await?;
    for (name, recipient) in &all {
        let wanted: Vec<&Alarm> = alarms
            .iter()
            .filter(|one| {
                let (partner, document) = (one.partner.as_deref(), one.document.as_deref());
                recipient.wants(&one.alert, Severity::of(&one.severity), partner, document)
            })
            .collect();
        let standing: Vec<Standing> =
            wanted.iter().map(|one| standing(one, told.get(&(one.alarm_id.clone(), name.clone())))).collect();
        let quiet = recipient.quiet.as_ref().and_then(|quiet| quiet.calendar.as_ref());
        let last = told_last.get(name);
        let hours = Hours {
            recipient,
            calendar: quiet.and_then(|name| directory.calendar(name)),
            zone: zone(service),
            ahead: service.clock.ahead(),
            told_last: last.and_then(|last| last.told_at).map(Micros::timestamp),
            settle: Duration::from_secs(service.config.alert.settle_seconds),
        };
        let due: Vec<(&Alarm, News)> =
            hours.due(&standing, now).into_iter().map(|(at, news)| (wanted[at], news)).collect();
        let mut notices = Vec::new();
        if !due.is_empty() {
            let open = alarms.iter().filter(|one| one.ended_at.is_none()).count();
            let facts = facts(service, name, &due, open);
            notices.extend(addressed(service, name, recipient, NoticeKind::Alarm, &facts));
        }
        if is_heartbeat_due(recipient, last, &hours, now) {
            let facts = heartbeat(service, name, recipient, &alarms).await?;
            notices.extend(addressed(service, name, recipient, NoticeKind::Heartbeat, &facts));
        }
        if notices.is_empty() && last.is_some() {
            continue;
        }
        let told = due.iter().map(|(alarm, news)| Told {
            alarm_id: alarm.alarm_id.clone(),
            recipient: name.clone(),
            count: alarm.count,
            is_over: i64::from(*news == News::Over),
            told_at: Micros::from(now),
        });
        service.store.tell(name, notices, told.collect(), now).await?;
        service.told.notify_one();
    }
    Ok(())
}

fn standing(alarm: &Alarm, told: Option<&Told>) -> Standing {
    Standing {
        severity: Severity::of(&alarm.severity),
        is_open: alarm.state == AlarmState::Open.as_str(),
        is_over: alarm.ended_at.is_some(),
        raised_at: alarm.created_at.timestamp(),
        count: alarm.count,
        told: told.map(|one| Known { at: one.told_at.timestamp(), count: one.count, is_over: one.is_over != 0 }),
    }
}

/// One notice for each way to a recipient.
fn addressed(service: &Service, name: &str, recipient: &Recipient, kind: NoticeKind, facts: &Value) -> Vec<NewNotice> {
    let notice = |address: Option<&String>| NewNotice {
        recipient: name.to_owned(),
        address: address.cloned(),
        kind,
        facts: facts.clone(),
    };
    let mails = recipient.mail.iter().map(|address| notice(Some(address)));
    if service.config.mail.is_none() && !recipient.mail.is_empty() {
        tracing::warn!(recipient = name, "Mails cannot be sent: portolan.toml has no [mail]");
    }
    mails.chain(recipient.post.iter().map(|_| notice(None))).collect()
}

/// What a notice of alarms tells.
fn facts(service: &Service, recipient: &str, due: &[(&Alarm, News)], open: usize) -> Value {
    let (zone, now) = (zone(service), service.now());
    let mut worst: Vec<&(&Alarm, News)> = due.iter().collect();
    worst.sort_by_key(|(alarm, news)| (*news == News::Over, std::cmp::Reverse(Severity::of(&alarm.severity))));
    let items: Vec<Value> = worst
        .iter()
        .take(SHOWN_MAX)
        .map(|(alarm, news)| {
            let acts = Act::ALL.into_iter().filter(|act| *act != Act::Retry || can_be_retried(service, alarm));
            let acts: Vec<&str> = acts.filter(|_| *news != News::Over).map(Act::as_str).collect();
            json!({
                "alarm": alarm.alarm_id, "alert": alarm.alert, "what": news, "severity": alarm.severity,
                "title": alarm.title, "words": alarm.words, "count": alarm.count, "partner": alarm.partner,
                "channel": alarm.channel, "document": alarm.document, "code": alarm.code, "subject": alarm.subject,
                "since": moment(alarm.first_at.timestamp(), &zone), "last": moment(alarm.last_at.timestamp(), &zone),
                "link": null, "acts": acts,
            })
        })
        .collect();
    let severities = Severity::ALL.into_iter().rev().filter_map(|one| {
        let count = due.iter().filter(|(alarm, news)| *news != News::Over && alarm.severity == one.as_str()).count();
        (count > 0).then(|| format!("{count} {}", one.as_str()))
    });
    let over = due.iter().filter(|(_, news)| *news == News::Over).count();
    let severities: Vec<String> = severities.chain((over > 0).then(|| format!("{over} over"))).collect();
    json!({
        "instance": service.config.alert.name(), "recipient": recipient, "time": moment(now, &zone), "open": open,
        "more": due.len() - items.len(), "severities": severities.join(", "), "items": items,
    })
}

/// What a notice tells, with its links. They are made when it is sent, and kept nowhere: who holds one can act.
///
/// # Errors
/// The ledger failed.
pub(super) async fn linked(service: &Service, notice: &Notice) -> Result<Value> {
    let mut facts: Value = serde_json::from_str(&notice.facts).unwrap_or_default();
    let base = service.config.alert.links.as_ref().map(|links| links.trim_end_matches('/'));
    let key = match base {
        Some(_) => link_key(service).await?,
        None => Vec::new(),
    };
    let until = notice.created_at.timestamp() + LINK_LASTS;
    for item in facts["items"].as_array_mut().into_iter().flatten() {
        let alarm = item["alarm"].as_str().unwrap_or_default().to_owned();
        let words: Vec<&str> = item["acts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let acts = Act::ALL.into_iter().filter(|act| words.contains(&act.as_str()));
        let act = |act: Act| {
            let path = link::path(&key, &alarm, act, &notice.recipient, until);
            base.map(|base| json!({ "label": act.label(), "url": format!("{base}{path}") }))
        };
        let acts: Vec<Value> = acts.filter_map(act).collect();
        item["link"] = json!(base.map(|base| format!("{base}/api/v1/alarms/{alarm}")));
        item["acts"] = acts.into();
    }
    Ok(facts)
}

/// Whether what an alarm is about can be sent again.
pub(super) fn can_be_retried(service: &Service, alarm: &Alarm) -> bool {
    let directory = service.directory();
    let watch = directory.all_alerts().find(|(name, _)| **name == alarm.alert).map(|(_, alert)| alert.watch);
    watch == Some(crate::partner::Watch::Parked)
}

/// Whether a day has passed at the time of day that a recipient wants to hear that all is well, which is one of the clock on the
/// wall.
fn is_heartbeat_due(recipient: &Recipient, last: Option<&ToldLast>, hours: &Hours<'_>, now: Timestamp) -> bool {
    let Some(time) = recipient.heartbeat.as_ref().and_then(|text| time_of_day(text).ok()) else { return false };
    // Who was never seen before hears it at the next time.
    let Some(last) = last.map(|last| last.heartbeat_at.timestamp()) else { return false };
    // Of one that lies far ahead nobody knows when it was: the clock was, and is set right. One too many harms nobody.
    last > now + HEARTBEAT_AHEAD_MAX || next_passing(&hours.zone, time, last) <= now - hours.ahead
}

async fn heartbeat(service: &Service, name: &str, recipient: &Recipient, alarms: &[Alarm]) -> Result<Value> {
    let (zone, now) = (zone(service), service.now());
    let counts = service.store.day_counts(now - DAY).await?;
    let open: Vec<&Alarm> = alarms.iter().filter(|one| one.ended_at.is_none()).collect();
    let lines = open.iter().take(SHOWN_MAX).map(|one| format!("{}: {}", one.title, one.words));
    let time = recipient.heartbeat.as_ref().and_then(|text| time_of_day(text).ok()).unwrap_or_default();
    Ok(json!({
        "instance": service.config.alert.name(), "recipient": name, "time": moment(now, &zone),
        "until": moment(next_passing(&zone, time, now - service.clock.ahead()), &zone), "received": counts.received,
        "delivered": counts.delivered, "failed": counts.failed, "open": open.len(),
        "alarms": lines.collect::<Vec<_>>(), "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// A test for each way to a recipient, which goes at once. How many.
///
/// # Errors
/// There is no such recipient, or the ledger failed.
pub async fn test(service: &Service, name: &str) -> Result<usize> {
    let directory = service.directory();
    let found = recipients(service, &directory).into_iter().find(|(one, _)| one == name);
    let (_, recipient) = found.ok_or_else(|| StoreError::NotFound { what: "recipient", id: name.to_owned() })?;
    let now = service.now();
    let facts =
        json!({ "instance": service.config.alert.name(), "recipient": name, "time": moment(now, &zone(service)) });
    let notices = addressed(service, name, &recipient, NoticeKind::Test, &facts);
    let count = notices.len();
    service.store.tell(name, notices, Vec::new(), now).await?;
    service.told.notify_one();
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-{text}:00Z").parse().expect("a time")
    }

    /// Whether the heartbeat of seven in the morning is due now, where the last was then and the ledger's time is ahead.
    fn is_due(last: &str, now: &str, ahead_hours: u64) -> bool {
        let recipient = Recipient::of_mail(vec!["edi@example.com".into()], Some("07:00".into()));
        let hours = Hours {
            recipient: &recipient,
            calendar: None,
            zone: TimeZone::UTC,
            ahead: Duration::from_secs(ahead_hours * 60 * 60),
            told_last: None,
            settle: Duration::ZERO,
        };
        let last = ToldLast { told_at: None, heartbeat_at: Micros::from(at(last)) };
        is_heartbeat_due(&recipient, Some(&last), &hours, at(now))
    }

    #[test]
    fn a_heartbeat_comes_once_a_day_by_the_clock_on_the_wall() {
        assert!(!is_due("26T07:00", "27T06:59", 0) && is_due("26T07:00", "27T07:00", 0));
        // The ledger says nine, the wall seven.
        assert!(!is_due("26T09:00", "27T08:59", 2) && is_due("26T09:00", "27T09:00", 2));
    }

    #[test]
    fn a_heartbeat_of_a_time_that_was_none_keeps_none_back() {
        assert!(is_due("29T07:00", "27T12:00", 0), "the clock was two days ahead when it beat last");
        assert!(!is_due("27T07:30", "27T07:10", 0), "a restart goes on a little earlier");
    }
}
