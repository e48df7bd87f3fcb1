//! What alerts find now: each watch is a question to the ledger, to the disk or to the resources, its answers narrowed by what
//! the alert says, and said in a sentence of ours. Nothing that a partner wrote is in it but codes and types, cut to plain
//! characters.

use super::{moment, zone};
use crate::clock::Timestamp;
use crate::partner::calendar::time_of_day;
use crate::partner::{Alert, Calendar, Directory, Watch, fits};
use crate::pipeline::as2::forecast::forecast;
use crate::pipeline::state::Service;
use crate::pipeline::unanswered::{Urgency, unanswered};
use crate::pipeline::webhook::event_type;
use crate::standard::load::Library;
use crate::store::ack::AckState;
use crate::store::alarm::{Finding, Happened, Hit};
use crate::store::finding::Found;
use crate::store::{Micros, Result};
use std::collections::BTreeMap;
use std::time::Duration;

/// After how many looks the sums of the ledger are counted: that reads all of it.
const BALANCE_LOOKS: u32 = 12;
/// Characters of a code or type that are shown.
const WORD_MAX: usize = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// What is remembered from one look to the next.
#[derive(Debug, Default)]
pub struct Looking {
    looks: u32,
}

/// Something found: what is counted, and the sentence where it is not that of its watch.
struct Seen {
    found: Found,
    words: Option<String>,
}

impl From<Found> for Seen {
    fn from(found: Found) -> Self {
        Seen { found, words: None }
    }
}

/// Something that is one by itself, with its sentence.
fn one(code: Option<&str>, (first_at, last_at): (Timestamp, Timestamp), words: String) -> Seen {
    let found = Found {
        partner: None,
        channel: None,
        document: None,
        environment: None,
        code: code.map(str::to_owned),
        count: 1,
        first_at: first_at.into(),
        last_at: last_at.into(),
        subject: None,
    };
    Seen { found, words: Some(words) }
}

impl Looking {
    /// What all alerts find, and the names of those that could not be asked.
    ///
    /// # Errors
    /// The ledger cannot be read at all.
    pub async fn look(&mut self, service: &Service) -> Result<(Vec<Finding>, Vec<String>)> {
        let (directory, now) = (service.directory(), service.now());
        count_events(service, &directory, now).await?;
        let is_balance_due = self.looks.is_multiple_of(BALANCE_LOOKS);
        self.looks = self.looks.wrapping_add(1);
        let (mut findings, mut unasked) = (Vec::new(), Vec::new());
        for (name, alert) in directory.alerts() {
            if alert.watch == Watch::Balance && !is_balance_due {
                unasked.push(name.clone());
                continue;
            }
            match seen(service, &directory, name, alert, now).await {
                Ok(seen) => findings.extend(narrowed(name, alert, seen, now)),
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
            store.found_events(name, now - within).await?
        }
        Watch::Failed => store.found_failed().await?,
        Watch::Held => store.found_held().await?,
        Watch::Parked => store.found_parked().await?,
        Watch::Retrying => store.found_retrying(before).await?,
        Watch::Overdue => store.found_acks(AckState::Overdue).await?,
        Watch::Rejected => {
            let said = |found: Found| {
                let (kind, codes) = (found.document.as_deref()?, found.code.as_deref()?);
                let meant = meanings(&service.rules.library, kind, codes)?;
                Some(format!("{} ({meant})", sentence(alert, &found)))
            };
            let found = store.found_acks(AckState::Rejected).await?.into_iter();
            return Ok(found.map(|found| Seen { words: said(found.clone()), found }).collect());
        }
        Watch::Unmatched => store.found_unmatched().await?,
        Watch::Unfetched => store.found_unfetched(before).await?,
        Watch::Refused => store.found_refused(now - MINUTE * 60).await?,
        Watch::Offered => store.found_offered().await?,
        Watch::Notice => store.found_notices().await?,
        Watch::Unanswered => return held_unanswered(service).await,
        Watch::Pickup => return Ok(pickups(service, directory, before)),
        Watch::Backlog => return backlog(service, before, now).await,
        Watch::Silence => return silence(service, directory, alert, now).await,
        Watch::Rate => return rate(service, directory, alert, now).await,
        Watch::Certificate => return Ok(certificates(service, directory, alert, now)),
        Watch::Webhook => return webhooks(service, before).await,
        Watch::Disk => return Ok(disk(service, alert, now)),
        Watch::Balance => return balances(service, now).await,
        Watch::Trouble => {
            let all = service.trouble.now(now).into_iter();
            let seen = |one: crate::pipeline::trouble::Seen| {
                self::one(Some(one.code), (one.first_at, one.last_at), format!("{}: {}", one.code, one.reason))
            };
            return Ok(all.map(seen).collect());
        }
    };
    Ok(found.into_iter().map(Seen::from).collect())
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

/// Channels whose folder cannot be looked at since before a time, and those with files that could not be taken.
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
        let waiting = state.troubles.len();
        if let Some(next) = state.troubles.iter().map(|one| one.next_at).max() {
            let count = i64::try_from(waiting).unwrap_or(i64::MAX);
            let words =
                format!("{waiting} files of channel {name} wait for somebody; portolan channel pickups says why");
            of_channel("FILES", next.timestamp(), count, words);
        }
    }
    seen
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

/// From whom nothing came: a time of day has passed on a working day, or so many minutes have.
async fn silence(service: &Service, directory: &Directory, alert: &Alert, now: Timestamp) -> Result<Vec<Seen>> {
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
    for (partner, channel, last) in awaited {
        if last.is_some_and(|last| last.timestamp() >= since) {
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
        let at = if alert.by.is_some() { due } else { since };
        let mut one = one(None, (at, at), format!("{what} came from {from} {until}; {before}"));
        one.found.partner = partner.cloned();
        one.found.channel = channel.cloned();
        seen.push(one);
    }
    Ok(seen)
}

async fn rate(service: &Service, directory: &Directory, alert: &Alert, now: Timestamp) -> Result<Vec<Seen>> {
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
        (Some(least), _) if count < least => format!("at least {least}"),
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

fn certificates(service: &Service, directory: &Directory, alert: &Alert, now: Timestamp) -> Vec<Seen> {
    let zone = zone(service);
    let gaps = forecast(directory, &service.configured(), alert.days.unwrap_or(30), now);
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

async fn balances(service: &Service, now: Timestamp) -> Result<Vec<Seen>> {
    let wrong = service.store.balances().await?.into_iter().filter(|one| !one.holds);
    let seen = wrong.map(|balance| {
        let (stage, total, there) = (balance.stage, balance.total, balance.terms.values().sum::<i64>());
        let words =
            format!("The history knows {total} {stage}, the ledger has {there}; portolan audit verify says which");
        one(Some(stage), (now, now), words)
    });
    Ok(seen.collect())
}

/// A stranger's word in plain characters.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_ascii_alphanumeric() || "._-/:+, ".contains(*c)).take(WORD_MAX).collect()
}

/// What of it the alert means, as findings. With a count it counts together what is of one partner.
fn narrowed(name: &str, alert: &Alert, seen: Vec<Seen>, now: Timestamp) -> Vec<Finding> {
    let before = Micros::from(now - MINUTE * u32::try_from(alert.minutes.unwrap_or(0)).unwrap_or(u32::MAX));
    let is_meant = |seen: &Seen| {
        let found = &seen.found;
        let in_environment = match (alert.environment, &found.environment) {
            (Some(wanted), Some(found)) => found == wanted.as_str(),
            _ => true,
        };
        // What is silent, or few, was asked for by name.
        let is_by_name = matches!(alert.watch, Watch::Silence | Watch::Rate);
        let is_of = is_by_name
            || (fits(&alert.partners, found.partner.as_deref())
                && fits(&alert.channels, found.channel.as_deref())
                && fits(&alert.documents, found.document.as_deref()));
        let is_old = alert.watch != Watch::Held || found.first_at <= before;
        in_environment && is_of && is_old && fits(&alert.codes, found.code.as_deref())
    };
    let meant = seen.into_iter().filter(is_meant);
    let mut causes: BTreeMap<String, Seen> = BTreeMap::new();
    for seen in meant {
        let found = &seen.found;
        let part = |part: &Option<String>| part.as_deref().map(plain).unwrap_or_default();
        let cause = match alert.count {
            Some(_) => part(&found.partner),
            None => {
                let all = [&found.partner, &found.channel, &found.document, &found.environment, &found.code];
                let id = if alert.watch == Watch::Unanswered { part(&found.subject) } else { String::new() };
                format!("{}|{id}", all.map(part).join("|"))
            }
        };
        match causes.get_mut(&cause) {
            None => drop(causes.insert(cause, seen)),
            Some(others) => add(&mut others.found, seen.found),
        }
    }
    let enough = causes.into_iter().filter(|(_, seen)| seen.found.count >= alert.count.unwrap_or(1));
    let finding = |(cause, seen): (String, Seen)| {
        let words = seen.words.unwrap_or_else(|| sentence(alert, &seen.found));
        let Found { partner, channel, document, code, count, first_at, last_at, subject, .. } = seen.found;
        Finding {
            alert: name.to_owned(),
            cause,
            title: alert.title.clone().unwrap_or_else(|| name.to_owned()),
            severity: alert.severity.as_str().to_owned(),
            partner,
            channel,
            document: document.as_deref().map(plain),
            code: code.as_deref().map(plain),
            words,
            subject,
            count,
            first_at,
            last_at,
        }
    };
    enough.map(finding).collect()
}

/// Counts others with it; what they do not share is no longer said.
fn add(found: &mut Found, other: Found) {
    let shared = |one: &mut Option<String>, other: Option<String>| {
        if *one != other {
            *one = None;
        }
    };
    if other.last_at > found.last_at {
        found.subject = other.subject;
    }
    found.count += other.count;
    found.first_at = found.first_at.min(other.first_at);
    found.last_at = found.last_at.max(other.last_at);
    shared(&mut found.channel, other.channel);
    shared(&mut found.document, other.document);
    shared(&mut found.environment, other.environment);
    shared(&mut found.code, other.code);
}

/// `312 deliveries of lamps over channel lamps-out are parked: HTTP-503`.
fn sentence(alert: &Alert, found: &Found) -> String {
    let (one, several, is, are) = match alert.watch {
        Watch::Failed => ("document", "documents", "failed", "failed"),
        Watch::Held => ("transmission or document", "transmissions or documents", "is held", "are held"),
        Watch::Parked => ("delivery", "deliveries", "is parked", "are parked"),
        Watch::Retrying => ("delivery", "deliveries", "does not arrive", "do not arrive"),
        Watch::Overdue => ("acknowledgment", "acknowledgments", "is overdue", "are overdue"),
        Watch::Rejected => ("document", "documents", "was refused", "were refused"),
        Watch::Unmatched => ("acknowledgment", "acknowledgments", "fits nothing we sent", "fit nothing we sent"),
        Watch::Unfetched => ("file", "files", "is not fetched", "are not fetched"),
        Watch::Refused => (
            "refusal",
            "refusals",
            "of somebody who did not prove who it is",
            "of somebody who did not prove who it is",
        ),
        Watch::Offered => {
            ("certificate", "certificates", "waits to be accepted or refused", "wait to be accepted or refused")
        }
        Watch::Notice => ("mail or post", "mails or posts", "could not be sent", "could not be sent"),
        _ => ("event", "events", "happened", "happened"),
    };
    let (noun, verb) = if found.count == 1 { (one, is) } else { (several, are) };
    let mut words = format!("{} {noun}", found.count);
    if alert.watch == Watch::Events {
        words.push_str(&format!(" ({})", alert.events.join(", ")));
    }
    if let Some(document) = &found.document {
        words.push_str(&format!(" of type {}", plain(document)));
    }
    if let Some(partner) = &found.partner {
        words.push_str(&format!(" of {partner}"));
    }
    if let Some(channel) = &found.channel {
        let place = if alert.watch == Watch::Unfetched { "in mailbox" } else { "over channel" };
        words.push_str(&format!(" {place} {channel}"));
    }
    if found.environment.as_deref() == Some("test") {
        words.push_str(" in test");
    }
    words.push_str(&format!(" {verb}"));
    if let Some(code) = &found.code {
        words.push_str(&format!(": {}", plain(code)));
    }
    words
}

/// What the codes of a technical or functional acknowledgment mean, by the code lists of its standard.
fn meanings(library: &Library, kind: &str, codes: &str) -> Option<String> {
    let (standard, version, elements) = match kind {
        "997" | "999" => ("x12", "005010", &["718", "716"][..]),
        "ta1" => ("x12", "005010", &["I18"][..]),
        "contrl" => ("edifact", "d3", &["0085"][..]),
        _ => return None,
    };
    let directory = library.directory(standard, version).ok()?;
    let meaning = |code: &str| elements.iter().find_map(|id| directory.meaning(id, code).map(str::to_owned));
    let all: Vec<String> = codes.split(' ').filter(|code| !code.is_empty()).filter_map(meaning).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(partner: &str, code: &str, count: i64, at: i64) -> Seen {
        let text = |text: &str| Some(text.to_owned());
        Found {
            partner: text(partner),
            channel: text("lamps-out"),
            document: None,
            environment: text("production"),
            code: text(code),
            count,
            first_at: Micros(at),
            last_at: Micros(at),
            subject: Some(format!("delivery/del_{at}")),
        }
        .into()
    }

    fn alert(body: serde_json::Value) -> Alert {
        serde_json::from_value(body).expect("an alert")
    }

    #[test]
    fn one_cause_is_one_finding() {
        let parked = alert(json!({ "watch": "parked", "partners": ["lamps"], "codes": ["HTTP-5*"] }));
        let seen = vec![
            found("lamps", "HTTP-503", 312, 5),
            found("lamps", "HTTP-404", 1, 6),
            found("others", "HTTP-503", 1, 7),
        ];
        let findings = narrowed("parked", &parked, seen, Timestamp::UNIX_EPOCH);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].words, "312 deliveries of lamps over channel lamps-out are parked: HTTP-503");
    }

    #[test]
    fn with_a_count_what_is_of_one_partner_counts_together() {
        let five = alert(json!({ "watch": "events", "events": ["delivery.parked"], "count": "5" }));
        let seen = || {
            vec![found("lamps", "HTTP-503", 3, 5), found("lamps", "HTTP-404", 2, 6), found("others", "HTTP-503", 4, 7)]
        };
        let findings = narrowed("five", &five, seen(), Timestamp::UNIX_EPOCH);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            (findings[0].count, &findings[0].code, findings[0].subject.as_deref()),
            (5, &None, Some("delivery/del_6"))
        );
        assert_eq!(findings[0].words, "5 events (delivery.parked) of lamps over channel lamps-out happened");
        let six = Alert { count: Some(6), ..five };
        assert_eq!(narrowed("six", &six, seen(), Timestamp::UNIX_EPOCH), []);
    }

    #[test]
    fn codes_of_acknowledgments_are_said_in_words() {
        let library = Library::new(None);
        let said = |kind: &str, codes: &str| meanings(&library, kind, codes);
        let expected = |text: &str| Some(text.to_owned());
        assert_eq!(said("997", "5"), expected("One or more segments in error"));
        assert_eq!(said("997", "1 5"), expected("Transaction set not supported; One or more segments in error"));
        assert_eq!(said("contrl", "12"), expected("Invalid value"));
        assert_eq!((said("824", "ZZ"), said("997", ""), said("997", "<x>")), (None, None, None));
    }

    #[test]
    fn what_strangers_wrote_is_plain() {
        assert_eq!(plain("850\r\n<script>alert(1)</script>"), "850scriptalert1/script");
        assert_eq!(plain(&"x".repeat(500)).len(), WORD_MAX);
    }

    #[test]
    fn what_is_held_for_a_while_only_is_not_told() {
        let held = alert(json!({ "watch": "held", "minutes": "10" }));
        let minutes = |minutes: i64| Timestamp::from_second(minutes * 60).expect("a time");
        let seen = || vec![found("lamps", "AGREEMENT-MISSING", 1, 0)];
        assert_eq!(narrowed("held", &held, seen(), minutes(9)).len(), 0);
        assert_eq!(narrowed("held", &held, seen(), minutes(10)).len(), 1);
    }
}
