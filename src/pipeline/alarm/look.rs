//! What alerts find now: each watch is a question to the ledger, to the disk or to the resources. What of the answers an alert
//! means, and the sentence for it, is `narrow`'s.

use super::narrow::{MINUTE, Seen, narrowed, one, sentence};
use super::{moment, zone};
use crate::clock::{AHEAD_MAX, Timestamp};
use crate::partner::calendar::time_of_day;
use crate::partner::{Alert, Calendar, Directory, Watch, fits};
use crate::pipeline::as2::forecast::forecast;
use crate::pipeline::meaning;
use crate::pipeline::pickup::PickupState;
use crate::pipeline::state::Service;
use crate::pipeline::sums::{Asked, Counted};
use crate::pipeline::unanswered::{Urgency, unanswered};
use crate::pipeline::webhook::event_type;
use crate::store::ack::AckState;
use crate::store::alarm::{Finding, Happened, Hit};
use crate::store::finding::{CAUSES_MAX, Found};
use crate::store::pause::{Pause, PauseKind};
use crate::store::{Micros, Result};
use jiff::tz::TimeZone;
use std::time::Duration;

/// After how many looks the sums of the ledger are asked for anew; whether they are counted then, how long that takes decides.
const BALANCE_LOOKS: u32 = 12;

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
pub struct Looking {
    looks: u32,
}

impl Looking {
    /// What all alerts find, and the names of those that could not be asked.
    ///
    /// # Errors
    /// The ledger cannot be read at all.
    pub async fn look(&mut self, service: &Service) -> Result<(Vec<Finding>, Vec<String>)> {
        let (directory, now) = (service.directory(), service.now());
        count_events(service, &directory, now).await?;
        if self.looks.is_multiple_of(BALANCE_LOOKS)
            && directory.alerts().any(|(_, alert)| alert.watch == Watch::Balance)
        {
            service.sums.counted(Asked::ByMachine, now).await;
        }
        self.looks = self.looks.wrapping_add(1);
        let (mut findings, mut unasked) = (Vec::new(), Vec::new());
        for (name, alert) in directory.alerts() {
            if alert.watch == Watch::Balance && service.sums.last().is_none() {
                unasked.push(name.clone());
                continue;
            }
            match seen(service, &directory, name, alert, now).await {
                Ok(seen) => {
                    // Of more causes than are looked at, one that is not among them may still stand.
                    if seen.len() >= CAUSES_MAX as usize {
                        unasked.push(name.clone());
                    }
                    findings.extend(narrowed(name, alert, seen, now));
                }
                Err(error) => {
                    tracing::error!(alert = name, error = %error, "An alert could not be looked at; it will be");
                    unasked.push(name.clone());
                }
            }
        }
        Ok((findings, unasked))
    }
}

/// Keeps the events that alerts count.
async fn count_events(service: &Service, directory: &Directory, now: Timestamp) -> Result<()> {
    let counting: Vec<(&String, &Alert)> =
        directory.alerts().filter(|(_, alert)| alert.watch == Watch::Events).collect();
    let longest = counting.iter().map(|(_, alert)| alert.within_minutes()).max().unwrap_or(0);
    let forget = now - MINUTE * u32::try_from(longest).unwrap_or(u32::MAX);
    loop {
        let happened = service.store.happened(forget).await?;
        let Some(last) = happened.last().map(|one| one.sequence) else { return Ok(()) };
        let mut hits = Vec::new();
        for one in &happened {
            let kind = event_type(&one.event);
            for (name, _) in counting.iter().filter(|(_, alert)| alert.wants(&kind)) {
                hits.push(Hit { alert: (*name).clone(), happened: one.clone(), subject: subject(one) });
            }
        }
        service.store.keep_hits(last, hits, forget).await?;
    }
}

fn subject(happened: &Happened) -> String {
    let event = &happened.event;
    match (&event.delivery_id, &event.document_id) {
        (Some(id), _) => format!("delivery/{id}"),
        (None, Some(id)) => format!("document/{id}"),
        // The chains of webhooks have their kind in front.
        (None, None) if event.transmission_id.contains('/') => event.transmission_id.clone(),
        (None, None) => format!("transmission/{}", event.transmission_id),
    }
}

/// What one alert sees.
async fn seen(
    service: &Service,
    directory: &Directory,
    name: &str,
    alert: &Alert,
    now: Timestamp,
) -> Result<Vec<Seen>> {
    let store = &service.store;
    let before = now - MINUTE * u32::try_from(alert.minutes.unwrap_or(0)).unwrap_or(u32::MAX);
    let found = match alert.watch {
        Watch::Events => {
            let within = MINUTE * u32::try_from(alert.within_minutes()).unwrap_or(u32::MAX);
            store.found_events(name, now - within, now).await?
        }
        Watch::Failed => store.found_failed().await?,
        Watch::Held => store.found_held().await?,
        Watch::Parked => store.found_parked().await?,
        Watch::Retrying => store.found_retrying(before).await?,
        Watch::Lane => store.found_standing(before).await?,
        Watch::Circuit => return Ok(circuits(service, before)),
        Watch::Overdue => return overdue(service, alert, now).await,
        Watch::Rejected => {
            let said = |found: Found| {
                let (kind, codes) = (found.document.as_deref()?, found.code.as_deref()?);
                let meant = meaning::of_verdict(&service.rules.library, kind, codes)?;
                Some(format!("{} ({meant})", sentence(alert, &found)))
            };
            let found = store.found_acks(AckState::Rejected).await?.into_iter();
            return Ok(found.map(|found| Seen { words: said(found.clone()), found }).collect());
        }
        Watch::Unmatched => store.found_unmatched().await?,
        Watch::Unfetched => store.found_unfetched(before).await?,
        Watch::Refused => store.found_refused(now - MINUTE * 60).await?,
        Watch::Offered => store.found_offered().await?,
        Watch::Announced => store.found_announced(now).await?,
        Watch::Notice => store.found_notices().await?,
        Watch::Unanswered => return held_unanswered(service).await,
        Watch::Pickup => return Ok(pickups(service, directory, before)),
        Watch::Backlog => return backlog(service, before, now).await,
        Watch::Paused => return pauses(service, before, now).await,
        Watch::Silence => return silence(service, directory, (name, alert), now).await,
        Watch::Rate => return rate(service, directory, (name, alert), now).await,
        Watch::Barred => return Ok(barred(service, directory, now)),
        Watch::Collector => return Ok(collector(service, before, now)),
        Watch::Certificate => return certificates(service, directory, alert, now).await,
        Watch::Webhook => return webhooks(service, before).await,
        Watch::Disk => return Ok(disk(service, alert, now)),
        Watch::Balance => return Ok(service.sums.last().map_or_else(Vec::new, |counted| balances(&counted))),
        Watch::Trouble => {
            let all = service.trouble.now(now).into_iter();
            let seen = |seen: crate::pipeline::trouble::Seen| {
                let words = format!("{}: {}", seen.code, seen.reason);
                one(Some(seen.code), (seen.first_at, seen.last_at), words)
            };
            return Ok(all.map(seen).collect());
        }
    };
    Ok(found.into_iter().map(Seen::from).collect())
}

/// Acknowledgments that did not come in time. Those of a partner that is paused may be here and wait themselves.
async fn overdue(service: &Service, alert: &Alert, now: Timestamp) -> Result<Vec<Seen>> {
    let (zone, paused) = (zone(service), service.store.paused(now).await?);
    let found = service.store.found_acks(AckState::Overdue).await?.into_iter();
    let seen = found.map(|found| {
        let pause = found.partner.as_deref().and_then(|partner| paused.of(PauseKind::Partner, partner));
        let words = pause.map(|pause| format!("{}. {}", sentence(alert, &found), is_paused(pause, &zone)));
        Seen { found, words }
    });
    Ok(seen.collect())
}

async fn held_unanswered(service: &Service) -> Result<Vec<Seen>> {
    let zone = zone(service);
    let all = unanswered(service).await?.into_iter().filter(|one| one.urgency != Urgency::Waiting);
    let mut seen = Vec::new();
    for waiting in all {
        let transmission = service.store.transmission(&waiting.transmission_id).await?;
        let until = moment(waiting.answer_due_at.timestamp(), &zone);
        let code = waiting.code.clone().unwrap_or_default();
        let at = transmission.changed_at.timestamp();
        let words = format!(
            "A transmission over channel {} is held ({code}); its sender waits for an answer until {until}",
            transmission.channel
        );
        let mut one = one(Some(&code), (at, at), words);
        one.found.channel = Some(transmission.channel);
        one.found.partner = transmission.partner;
        one.found.subject = Some(format!("transmission/{}", waiting.transmission_id));
        seen.push(one);
    }
    Ok(seen)
}

/// Channels whose folder cannot be looked at or has too many files since before a time, and those with files that could not be taken.
fn pickups(service: &Service, directory: &Directory, before: Timestamp) -> Vec<Seen> {
    let zone = zone(service);
    let mut seen = Vec::new();
    for (name, _) in directory.channels().filter(|(_, channel)| channel.pickup.is_some()) {
        let state = service.pickups.state(name);
        let mut of_channel = |code: &str, at: Timestamp, count: i64, words: String| {
            let mut one = one(Some(code), (at, at), words);
            (one.found.channel, one.found.count) = (Some(name.clone()), count);
            one.found.subject = Some(format!("channel/{name}"));
            seen.push(one);
        };
        if let (Some(since), Some(code)) = (state.failing_since.map(Micros::timestamp), &state.code)
            && since <= before
        {
            let since_when = moment(since, &zone);
            let words = format!(
                "The folder of channel {name} cannot be looked at since {since_when}: {code}; portolan channel pickups says why"
            );
            of_channel(code, since, 1, words);
        }
        if let Some(since) = state.cut_since.map(Micros::timestamp)
            && since <= before
        {
            let (since_when, cut) = (moment(since, &zone), PickupState::cut());
            let words =
                format!("In the folder of channel {name} {cut}, since {since_when}: take away what is done with");
            of_channel("LISTING-CUT", since, 1, words);
        }
        let waiting = state.troubles.len();
        if let Some(since) = state.troubles.iter().map(|one| one.since).max() {
            let count = i64::try_from(waiting).unwrap_or(i64::MAX);
            let words =
                format!("{waiting} files of channel {name} wait for somebody; portolan channel pickups says why");
            of_channel("FILES", since.timestamp(), count, words);
        }
    }
    seen
}

/// Channels that are probed only since before a time.
fn circuits(service: &Service, before: Timestamp) -> Vec<Seen> {
    let zone = zone(service);
    let open = service.pace.open_circuits().into_iter().filter(|one| one.since.timestamp() <= before);
    open.map(|circuit| {
        let (name, since) = (&circuit.channel, circuit.since.timestamp());
        let when = moment(since, &zone);
        let words =
            format!("Channel {name} is left alone since {when}, for it failed again and again; portolan channel list");
        let mut one = one(None, (since, since), words);
        one.found.channel = Some(name.clone());
        one.found.subject = Some(format!("channel/{name}"));
        one
    })
    .collect()
}

/// `Channel lamps-out is paused since 10:00 by token:anna`.
fn is_paused(pause: &Pause, zone: &TimeZone) -> String {
    let Pause { kind, name, actor, began_at, .. } = pause;
    format!("The {kind} {name} is paused since {} by {actor}", moment(began_at.timestamp(), zone))
}

/// What is paused since before a time.
async fn pauses(service: &Service, before: Timestamp, now: Timestamp) -> Result<Vec<Seen>> {
    let zone = zone(service);
    let paused = service.store.paused(now).await?;
    let seen = paused.all().iter().filter(|one| one.began_at.timestamp() <= before).map(|pause| {
        let (kind, name, id, since) = (&pause.kind, &pause.name, pause.id(), pause.began_at.timestamp());
        let words = format!(
            "{}; portolan pause says how much waits for that, portolan resume {kind} {name} lets it go on",
            is_paused(pause, &zone)
        );
        let mut one = one(Some(&id), (since, since), words);
        one.found.partner = Some(name.clone()).filter(|_| kind == PauseKind::Partner.as_str());
        one.found.channel = Some(name.clone()).filter(|_| kind == PauseKind::Channel.as_str());
        one.found.subject = Some(format!("pause/{id}"));
        one
    });
    Ok(seen.collect())
}

async fn backlog(service: &Service, before: Timestamp, now: Timestamp) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    for (kind, due, age) in service.store.backlog(now).await? {
        let since = now - Duration::from_micros(u64::try_from(age).unwrap_or(0));
        if since > before {
            continue;
        }
        let minutes = age / 60_000_000;
        let words = format!("{due} jobs of kind {kind} are due, the oldest for {minutes} minutes");
        let mut one = one(Some(&kind), (since, now), words);
        one.found.count = due;
        seen.push(one);
    }
    Ok(seen)
}

/// Since when a resource is there. One of a time to come was applied before the clock was set back: since when, nobody knows.
async fn applied(service: &Service, (kind, name): (&str, &str), now: Timestamp) -> Result<Option<Timestamp>> {
    let since = service.store.resource_since(kind, name).await?.map(Micros::timestamp);
    Ok(since.filter(|since| *since <= now + AHEAD_MAX))
}

/// From whom nothing came: a time of day has passed on a working day, or so many minutes have, since the alert and who is awaited
/// were applied.
async fn silence(
    service: &Service,
    directory: &Directory,
    (name, alert): (&str, &Alert),
    now: Timestamp,
) -> Result<Vec<Seen>> {
    let always = Calendar::always();
    let calendar = alert.calendar.as_ref().and_then(|name| directory.calendar(name)).unwrap_or(&always);
    let zone = calendar.zone();
    let (due, since) = match (alert.by.as_ref().and_then(|by| time_of_day(by).ok()), alert.minutes) {
        (Some(by), _) => match calendar.last_passed(by, now) {
            Some(passed) => passed,
            None => return Ok(Vec::new()),
        },
        (None, Some(minutes)) if calendar.is_working(now) => {
            let since = now - MINUTE * u32::try_from(minutes).unwrap_or(u32::MAX);
            (now, since)
        }
        _ => return Ok(Vec::new()),
    };
    let paused = service.store.paused(now).await?;
    let mut awaited = Vec::new();
    for partner in &alert.partners {
        let last = match alert.documents.as_slice() {
            [] => service.store.last_from(partner, None).await?,
            types => {
                let mut last = None;
                for one in types {
                    last = last.max(service.store.last_from(partner, Some(one)).await?);
                }
                last
            }
        };
        awaited.push((Some(partner), None, last));
    }
    for channel in &alert.channels {
        awaited.push((None, Some(channel), service.store.last_over(channel).await?));
    }
    let mut seen = Vec::new();
    let at = if alert.by.is_some() { due } else { since };
    let alert_since = applied(service, ("alert", name), now).await?;
    for (partner, channel, last) in awaited {
        if last.is_some_and(|last| last.timestamp() >= since) {
            continue;
        }
        let who = partner.map(|name| ("partner", name.as_str())).or(channel.map(|name| ("channel", name.as_str())));
        let who_since = match who {
            Some(who) => applied(service, who, now).await?,
            None => None,
        };
        if alert_since.max(who_since).is_some_and(|since| at < since) {
            continue;
        }
        let from = partner.or(channel).map_or("", String::as_str);
        let what = match alert.documents.as_slice() {
            [] => "Nothing".to_owned(),
            types => format!("No {}", types.join(", ")),
        };
        let until = match &alert.by {
            Some(by) => format!("by {by}, {}", due.to_zoned(zone.clone()).date()),
            None => format!("for {} minutes", alert.minutes.unwrap_or(0)),
        };
        let before = last.map_or("nothing came before".to_owned(), |last| {
            format!("the last came {}", moment(last.timestamp(), &zone))
        });
        let pause = partner.and_then(|name| paused.of(PauseKind::Partner, name));
        let pause = pause.or_else(|| channel.and_then(|name| paused.of(PauseKind::Channel, name)));
        let cause = pause.map(|pause| format!(". {}", is_paused(pause, &zone))).unwrap_or_default();
        let mut one = one(None, (at, at), format!("{what} came from {from} {until}; {before}{cause}"));
        one.found.partner = partner.cloned();
        one.found.channel = channel.cloned();
        seen.push(one);
    }
    Ok(seen)
}

/// Too few since the alert was applied, or too many.
async fn rate(
    service: &Service,
    directory: &Directory,
    (name, alert): (&str, &Alert),
    now: Timestamp,
) -> Result<Vec<Seen>> {
    let calendar = alert.calendar.as_ref().and_then(|name| directory.calendar(name));
    if calendar.is_some_and(|calendar| !calendar.is_working(now)) {
        return Ok(Vec::new());
    }
    let minutes = alert.within_minutes();
    let since = now - MINUTE * u32::try_from(minutes).unwrap_or(u32::MAX);
    let arrived = service.store.arrived_since(since).await?;
    let wanted = arrived.iter().filter(|(partner, channel, _)| {
        fits(&alert.partners, partner.as_deref()) && fits(&alert.channels, Some(channel))
    });
    let count: i64 = wanted.map(|(_, _, count)| count).sum();
    let expected = match (alert.at_least, alert.at_most) {
        (Some(least), _) if count < least => {
            if applied(service, ("alert", name), now).await?.is_some_and(|applied| since < applied) {
                return Ok(Vec::new());
            }
            format!("at least {least}")
        }
        (_, Some(most)) if count > most => format!("at most {most}"),
        _ => return Ok(Vec::new()),
    };
    let whose: Vec<&str> = alert.partners.iter().chain(&alert.channels).map(String::as_str).collect();
    let from = if whose.is_empty() { String::new() } else { format!(" from {}", whose.join(", ")) };
    let words = format!("{count} transmissions came{from} within {minutes} minutes, {expected} were expected");
    let mut one = one(None, (since, now), words);
    one.found.count = count.max(1);
    one.found.partner = alert.partners.first().filter(|_| alert.partners.len() == 1).cloned();
    Ok(vec![one])
}

async fn certificates(service: &Service, directory: &Directory, alert: &Alert, now: Timestamp) -> Result<Vec<Seen>> {
    let zone = zone(service);
    let accepted = service.store.accepted_certificates().await?;
    let gaps = forecast((directory, &service.configured()), &accepted, alert.days.unwrap_or(30), now);
    let seen = gaps.into_iter().map(|gap| {
        let what =
            serde_json::to_value(gap.what).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
        let from = Micros(gap.from).timestamp();
        let until = gap.until.map(|until| format!(" until {}", moment(Micros(until).timestamp(), &zone)));
        let ends = gap.ends.as_ref().map(|name| format!("; {name} ends then")).unwrap_or_default();
        let words = format!(
            "Channel {} has no certificate or key to {} from {} on{}{ends}",
            gap.channel,
            what.replace('_', " "),
            moment(from, &zone),
            until.unwrap_or_default()
        );
        let mut one = one(Some(&what), (now, now), words);
        one.found.partner = gap.partner;
        one.found.channel = Some(gap.channel);
        one.found.subject = gap.ends.map(|name| format!("certificate/{name}"));
        one
    });
    Ok(seen.collect())
}

/// Addresses that are not heard, all as one, for whoever guesses comes from many; and each mailbox whose password is barred.
fn barred(service: &Service, directory: &Directory, now: Timestamp) -> Vec<Seen> {
    let zone = zone(service);
    let bans = service.mailboxes.banned(directory, now);
    let of_addresses: Vec<_> = bans.iter().filter(|ban| ban.mailbox.is_none()).collect();
    let mut seen = Vec::new();
    if let (Some(first), Some(last)) =
        (of_addresses.iter().min_by_key(|ban| ban.since), of_addresses.iter().max_by_key(|ban| ban.until))
    {
        let (count, until) = (of_addresses.len(), moment(last.until, &zone));
        let words = match count {
            1 => format!("The address {} is not heard until {until}, for it guessed", first.name),
            _ => format!("{count} addresses are not heard, the last until {until}, for they guessed"),
        };
        let words = format!("{words}; portolan mailbox bans lists them, portolan mailbox unban lifts one");
        let mut of_all = one(Some("ADDRESS"), (first.since, last.since), words);
        of_all.found.count = i64::try_from(count).unwrap_or(i64::MAX);
        seen.push(of_all);
    }
    for ban in bans.iter() {
        let Some(mailbox) = &ban.mailbox else { continue };
        let (user, until) = (&ban.name, moment(ban.until, &zone));
        let words = format!(
            "No password is taken for user {user} of mailbox {mailbox} until {until}, for somebody guessed at it; keys and \
             tokens are; portolan mailbox unban {user} lifts it"
        );
        let mut of_user = one(Some("PASSWORD"), (ban.since, ban.since), words);
        of_user.found.channel = Some(mailbox.clone());
        of_user.found.subject = Some(format!("mailbox/{mailbox}"));
        seen.push(of_user);
    }
    seen
}

/// The collector that takes no traces since before a time.
fn collector(service: &Service, before: Timestamp, now: Timestamp) -> Vec<Seen> {
    let zone = zone(service);
    let away = service.untraced.now(now).into_iter().filter(|seen| seen.first_at <= before);
    let seen = away.map(|seen| {
        let (since, reason) = (moment(seen.first_at, &zone), seen.reason);
        let words = format!("The collector of [telemetry] takes no traces since {since}: {reason}");
        one(Some(seen.code), (seen.first_at, seen.last_at), words)
    });
    seen.collect()
}

async fn webhooks(service: &Service, before: Timestamp) -> Result<Vec<Seen>> {
    let zone = zone(service);
    let mut seen = Vec::new();
    for hook in service.store.webhooks().await? {
        let name = &hook.webhook_id;
        let (at, words) = match (hook.disabled_at, hook.failing_since) {
            (Some(at), _) => {
                (at.timestamp(), format!("Webhook {name} was given up; portolan webhook resume {name} lets it go on"))
            }
            (None, Some(since)) if since.timestamp() <= before => (
                since.timestamp(),
                format!("Webhook {name} takes no events since {}", moment(since.timestamp(), &zone)),
            ),
            _ => continue,
        };
        let mut one = one(Some(name), (at, at), words);
        one.found.subject = Some(format!("webhook/{name}"));
        seen.push(one);
    }
    Ok(seen)
}

fn disk(service: &Service, alert: &Alert, now: Timestamp) -> Vec<Seen> {
    let Some((free, total)) = service.store.room() else { return Vec::new() };
    let (percent, megabytes) = (free.saturating_mul(100) / total.max(1), free >> 20);
    if percent >= alert.percent.unwrap_or(10) && megabytes >= alert.megabytes.unwrap_or(1024) {
        return Vec::new();
    }
    // Said roughly, so that it is not something new with every byte.
    let left =
        if megabytes >= 10_240 { format!("{} GB", megabytes >> 10) } else { format!("{} MB", megabytes / 100 * 100) };
    vec![one(None, (now, now), format!("The disk of the data directory has {percent} percent free, {left}"))]
}

/// Sums that did not hold when they were counted last.
fn balances(counted: &Counted) -> Vec<Seen> {
    let wrong = counted.balances.iter().filter(|one| !one.holds);
    wrong.map(|balance| one(Some(balance.stage), (counted.at, counted.at), balance.words())).collect()
}
