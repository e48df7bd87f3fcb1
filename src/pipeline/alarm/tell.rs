//! Who is told what: for each recipient what is new of the alarms that are its business, as one notice for each of its addresses,
//! committed with what it knows from then on; and once a day that all is well, to those who want to hear that. A recipient begins
//! with what stands: what was over before it was there is none of its business.

use super::{ENDED_KEPT, moment, zone};
use crate::alert::due::{Hours, News, Standing, Told as Known};
use crate::alert::link::{self, Act, KEY_BYTES, LINK_LASTS};
use crate::clock::Timestamp;
use crate::partner::calendar::{next_passing, time_of_day};
use crate::partner::{Directory, Recipient, Severity, Watch};
use crate::pipeline::state::Service;
use crate::store::ack::Faults;
use crate::store::alarm::{Alarm, AlarmState};
use crate::store::notice::{NewNotice, Notice, NoticeKind, Told, ToldLast};
use crate::store::{Actor, Micros, Result, StoreError};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
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
    let passing: BTreeSet<&str> =
        directory.all_alerts().filter(|(_, alert)| alert.watch.is_passing()).map(|(name, _)| name.as_str()).collect();
    for (name, recipient) in &all {
        let last = told_last.get(name);
        let is_business = |one: &&Alarm| is_wanted(recipient, one) && (last.is_some() || one.ended_at.is_none());
        let wanted: Vec<&Alarm> = alarms.iter().filter(is_business).collect();
        let standing = |one: &&Alarm| {
            let known = told.get(&(one.alarm_id.clone(), name.clone()));
            standing(one, passing.contains(one.alert.as_str()), known)
        };
        let standing: Vec<Standing> = wanted.iter().map(standing).collect();
        let quiet = recipient.quiet.as_ref().and_then(|quiet| quiet.calendar.as_ref());
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
            let facts = facts(service, name, &due, open).await?;
            notices.extend(addressed(service, name, recipient, NoticeKind::Alarm, &facts));
        }
        if is_heartbeat_due(recipient, last, &hours, now) {
            let facts = heartbeat(service, name, recipient, &alarms).await?;
            notices.extend(addressed(service, name, recipient, NoticeKind::Heartbeat, &facts));
        }
        if notices.is_empty() && last.is_some() {
            continue;
        }
        let told = due.iter().map(|(alarm, news)| {
            let is_over = matches!(news, News::Over | News::Passed);
            known(name, alarm, is_over, now)
        });
        let before = if last.is_none() { before(name, recipient, &alarms, now) } else { Vec::new() };
        service.store.tell(name, notices, told.chain(before).collect(), now).await?;
        service.told.notify_one();
    }
    Ok(())
}

fn is_wanted(recipient: &Recipient, alarm: &Alarm) -> bool {
    let (partner, document) = (alarm.partner.as_deref(), alarm.document.as_deref());
    recipient.wants(&alarm.alert, Severity::of(&alarm.severity), partner, document)
}

/// What a recipient knows of an alarm from now on.
fn known(recipient: &str, alarm: &Alarm, is_over: bool, now: Timestamp) -> Told {
    Told {
        alarm_id: alarm.alarm_id.clone(),
        recipient: recipient.to_owned(),
        count: alarm.count,
        is_over: i64::from(is_over),
        told_at: Micros::from(now),
    }
}

/// What was over before a recipient was there, as if it knew that.
fn before(name: &str, recipient: &Recipient, alarms: &[Alarm], now: Timestamp) -> Vec<Told> {
    let over = alarms.iter().filter(|one| one.ended_at.is_some() && is_wanted(recipient, one));
    over.map(|one| known(name, one, true, now)).collect()
}

fn standing(alarm: &Alarm, is_passing: bool, told: Option<&Told>) -> Standing {
    let is_over = alarm.state == AlarmState::Over.as_str();
    let is_open = alarm.state == AlarmState::Open.as_str();
    Standing {
        severity: Severity::of(&alarm.severity),
        is_open: is_open || (is_over && alarm.acted_by.is_none()),
        is_passing,
        raised_at: alarm.created_at.timestamp(),
        woken_at: alarm.snoozed_until.filter(|_| is_open).map(Micros::timestamp),
        ended_at: alarm.ended_at.map(Micros::timestamp),
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

/// An alarm of a notice, with what is new of it; where it came and went several times untold, how often, and since when.
struct Item<'a> {
    alarm: &'a Alarm,
    news: News,
    times: usize,
    first_at: Micros,
}

/// What came and went several times of one cause is one item, with the newest of it. The worst first, what is over last.
fn items<'a>(due: &[(&'a Alarm, News)]) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'a>> = Vec::new();
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for &(alarm, news) in due {
        let cause = (alarm.alert.as_str(), alarm.cause.as_str());
        let place = places.get(&cause).copied().filter(|_| news == News::Passed);
        match place.map(|place| &mut items[place]) {
            Some(item) => {
                let is_newer = alarm.created_at > item.alarm.created_at;
                item.alarm = if is_newer { alarm } else { item.alarm };
                (item.times, item.first_at) = (item.times + 1, item.first_at.min(alarm.first_at));
            }
            None => {
                if news == News::Passed {
                    places.insert(cause, items.len());
                }
                items.push(Item { alarm, news, times: 1, first_at: alarm.first_at });
            }
        }
    }
    items.sort_by_key(|item| {
        let severity = std::cmp::Reverse(Severity::of(&item.alarm.severity));
        (item.news == News::Over, item.news == News::Passed, severity)
    });
    items
}

/// What of the newest document that an alarm is about a partner's answer found wrong, where the alarm is of such answers.
async fn faults(service: &Service, alarm: &Alarm) -> Result<Option<Faults>> {
    let is_of_document = |subject: &String| subject.strip_prefix("document/").map(str::to_owned);
    match alarm.subject.as_ref().and_then(is_of_document).filter(|_| watch(service, alarm) == Some(Watch::Rejected)) {
        Some(document_id) => service.store.faults_of(&document_id, alarm.document.as_deref()).await,
        None => Ok(None),
    }
}

/// What a notice of alarms tells.
async fn facts(service: &Service, recipient: &str, due: &[(&Alarm, News)], open: usize) -> Result<Value> {
    let (zone, now) = (zone(service), service.now());
    let is_over = |news: News| matches!(news, News::Over | News::Passed);
    let worst = items(due);
    let mut items = Vec::new();
    for Item { alarm, news, times, first_at } in worst.iter().take(SHOWN_MAX) {
        let acts = Act::ALL.into_iter().filter(|act| *act != Act::Retry || can_be_retried(service, alarm));
        let acts: Vec<&str> = acts.filter(|_| !is_over(*news)).map(Act::as_str).collect();
        let faults = if is_over(*news) { None } else { faults(service, alarm).await? };
        items.push(json!({
            "alarm": alarm.alarm_id, "alert": alarm.alert, "what": news, "severity": alarm.severity, "times": times,
            "title": alarm.title, "words": alarm.words, "count": alarm.count, "partner": alarm.partner,
            "channel": alarm.channel, "document": alarm.document, "code": alarm.code, "subject": alarm.subject,
            "faults": faults, "since": moment(first_at.timestamp(), &zone),
            "last": moment(alarm.last_at.timestamp(), &zone), "link": null, "acts": acts,
        }));
    }
    let severities = Severity::ALL.into_iter().rev().filter_map(|one| {
        let is_one = |item: &&Item<'_>| !is_over(item.news) && item.alarm.severity == one.as_str();
        let count = worst.iter().filter(is_one).count();
        (count > 0).then(|| format!("{count} {}", one.as_str()))
    });
    let ended = [(News::Passed, "over by now"), (News::Over, "over")].into_iter().filter_map(|(news, words)| {
        let count = worst.iter().filter(|item| item.news == news).count();
        (count > 0).then(|| format!("{count} {words}"))
    });
    let severities: Vec<String> = severities.chain(ended).collect();
    Ok(json!({
        "instance": service.config.alert.name(), "recipient": recipient, "time": moment(now, &zone), "open": open,
        "more": worst.len() - items.len(), "severities": severities.join(", "), "items": items,
    }))
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
    watch(service, alarm) == Some(Watch::Parked)
}

/// What the alert of an alarm watches.
fn watch(service: &Service, alarm: &Alarm) -> Option<Watch> {
    service.directory().all_alerts().find(|(name, _)| **name == alarm.alert).map(|(_, alert)| alert.watch)
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
    let before = match service.store.told_last().await?.contains_key(name) {
        true => Vec::new(),
        false => before(name, &recipient, &service.store.standing_alarms(now - ENDED_KEPT).await?, now),
    };
    service.store.tell(name, notices, before, now).await?;
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

    fn alarm(cause: &str, severity: Severity, raised: i64) -> Alarm {
        let text = |text: &str| text.to_owned();
        Alarm {
            alarm_id: format!("alm_{raised}"),
            alert: text("brief"),
            cause: text(cause),
            title: text("brief"),
            severity: text(severity.as_str()),
            partner: None,
            channel: None,
            document: None,
            code: None,
            words: text("1 event happened"),
            subject: None,
            count: 1,
            state: text(AlarmState::Over.as_str()),
            snoozed_until: None,
            acted_by: None,
            first_at: Micros(raised),
            last_at: Micros(raised),
            ended_at: Some(Micros(raised + 1)),
            created_at: Micros(raised),
            changed_at: Micros(raised),
        }
    }

    #[test]
    fn what_came_and_went_again_and_again_is_one_item() {
        let storm: Vec<Alarm> = (1..=400).map(|at| alarm("a", Severity::Warning, at)).collect();
        let (other, stands) = (alarm("b", Severity::Error, 5), alarm("a", Severity::Warning, 500));
        let mut due: Vec<(&Alarm, News)> = storm.iter().map(|one| (one, News::Passed)).collect();
        due.extend([(&other, News::Passed), (&stands, News::Raised), (&other, News::Over)]);
        let items = items(&due);
        let said: Vec<_> =
            items.iter().map(|one| (one.alarm.alarm_id.as_str(), one.news, one.times, one.first_at.0)).collect();
        let expected = [
            ("alm_500", News::Raised, 1, 500),
            ("alm_5", News::Passed, 1, 5),
            ("alm_400", News::Passed, 400, 1),
            ("alm_5", News::Over, 1, 5),
        ];
        assert_eq!(said, expected);
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
