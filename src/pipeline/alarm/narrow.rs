//! What an alert means of what its watch saw: narrowed by partner, channel, type and code, put together by cause, and said in a
//! sentence of ours. Nothing that a partner wrote is in it but codes and types, cut to plain characters.

use crate::clock::Timestamp;
use crate::partner::{Alert, Watch, fits};
use crate::store::Micros;
use crate::store::alarm::Finding;
use crate::store::finding::Found;
use std::collections::BTreeMap;
use std::time::Duration;

/// Characters of a code or type that are shown.
const WORD_MAX: usize = 60;
/// As alerts count.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// Something found: what is counted, and the sentence where it is not that of its watch.
pub(super) struct Seen {
    pub(super) found: Found,
    pub(super) words: Option<String>,
}

impl From<Found> for Seen {
    fn from(found: Found) -> Self {
        Seen { found, words: None }
    }
}

/// Something that is one by itself, with its sentence.
pub(super) fn one(code: Option<&str>, (first_at, last_at): (Timestamp, Timestamp), words: String) -> Seen {
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
        about: None,
    };
    Seen { found, words: Some(words) }
}

/// A stranger's word in plain characters.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_ascii_alphanumeric() || "._-/:+, ".contains(*c)).take(WORD_MAX).collect()
}

/// What of it the alert means, as findings. With a count it counts together what is of one partner.
pub(super) fn narrowed(name: &str, alert: &Alert, seen: Vec<Seen>, now: Timestamp) -> Vec<Finding> {
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
    shared(&mut found.about, other.about);
}

/// `312 deliveries of lamps over channel lamps-out are parked: HTTP-503`.
pub(super) fn sentence(alert: &Alert, found: &Found) -> String {
    let (one, several, is, are) = match alert.watch {
        Watch::Failed => ("document", "documents", "failed", "failed"),
        Watch::Held => ("transmission or document", "transmissions or documents", "is held", "are held"),
        Watch::Parked => ("delivery", "deliveries", "is parked", "are parked"),
        Watch::Retrying => ("delivery", "deliveries", "does not arrive", "do not arrive"),
        Watch::Lane => ("delivery", "deliveries", "waits in its lane for one", "wait in their lanes for one"),
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
        Watch::Announced => (
            "certificate of ours",
            "certificates of ours",
            "was announced and is not accepted",
            "were announced and are not accepted",
        ),
        Watch::Notice => ("mail or post", "mails or posts", "could not be sent", "could not be sent"),
        _ => ("event", "events", "happened", "happened"),
    };
    let (noun, verb) = if found.count == 1 { (one, is) } else { (several, are) };
    let mut words = format!("{} {noun}", found.count);
    if alert.watch == Watch::Events {
        words.push_str(&format!(" ({})", alert.events.join(", ")));
    }
    // What a partner refused is of our document's type; by which answer is said behind.
    let of_type = if alert.watch == Watch::Rejected { &found.about } else { &found.document };
    if let Some(document) = of_type {
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
    if let Some(answer) = found.document.as_ref().filter(|_| alert.watch == Watch::Rejected) {
        words.push_str(&format!(" by {}", plain(answer)));
    }
    if let Some(code) = &found.code {
        words.push_str(&format!(": {}", plain(code)));
    }
    words
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
            about: None,
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
    fn what_a_partner_refused_is_said_by_our_type_and_its_answer() {
        let rejected = alert(json!({ "watch": "rejected" }));
        let Seen { found, .. } = found("lamps", "5", 1, 5);
        let text = |text: &str| Some(text.to_owned());
        let one = Found { channel: None, document: text("997"), about: text("850"), ..found };
        assert_eq!(sentence(&rejected, &one), "1 document of type 850 of lamps was refused by 997: 5");
        let several = Found { count: 2, about: None, ..one };
        assert_eq!(sentence(&rejected, &several), "2 documents of lamps were refused by 997: 5");
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
