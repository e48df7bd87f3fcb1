//! `kind: webhook`: where events of the ledger are posted, signed as Standard Webhooks has it. What is posted, and when, is
//! `pipeline::webhook`'s.

use super::channel::{AUTHORITIES, ChannelProxy, PROXY};
use super::shape::{Key, SECRET, SECRET_OR_TEXT, Shape, may, must};
use super::{Secret, SecretOrText, parsed};
use crate::near::hint;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The types of events that webhooks are told.
pub const EVENT_TYPES: [&str; 47] = [
    "transmission.incoming",
    "transmission.stored",
    "transmission.encoded",
    "transmission.verified",
    "transmission.split",
    "transmission.duplicate",
    "transmission.held",
    "transmission.rejected",
    "transmission.fetched",
    "transmission.removed",
    "transmission.repeated",
    "transmission.confirmed",
    "transmission.purged",
    "document.routed",
    "document.failed",
    "document.held",
    "document.duplicate",
    "document.dropped",
    "document.written",
    "delivery.ready",
    "delivery.leased",
    "delivery.sending",
    "delivery.awaiting_receipt",
    "delivery.uncertain",
    "delivery.retry_wait",
    "delivery.delivered",
    "delivery.parked",
    "delivery.held",
    "delivery.cancelled",
    "ack.accepted",
    "ack.waiting",
    "ack.none",
    "ack.accepted_with_errors",
    "ack.overdue",
    "ack.rejected",
    "webhook.disabled",
    "webhook.enabled",
    "webhook.test",
    "alarm.raised",
    "alarm.acknowledged",
    "alarm.snoozed",
    "alarm.closed",
    "alarm.over",
    "pause.begun",
    "pause.ended",
    "circuit.opened",
    "circuit.closed",
];

/// Its keys.
pub const KEYS: &[Key] = &[
    must("url", Shape::Url("name an auth under auth, whose password is a secret"), "Where events are posted"),
    must("secret", SECRET, "What signs them, whsec_ and 24 to 64 bytes in Base64"),
    may("previous_secret", SECRET, "The one before, which signs as well while the receiver changes to the new one"),
    may("events", Shape::List(&Shape::Filled), "Types that are wanted, delivery.parked or delivery.*; none: all"),
    may("auth", Shape::Filled, "The auth that shows who we are"),
    may("headers", Shape::Map(&SECRET_OR_TEXT), "Header lines to send"),
    may("authorities", AUTHORITIES, "Certificates of authorities that count for the server"),
    may("proxy", PROXY, "The proxy, or none; when left out that of [proxy]"),
    may("allow_networks", Shape::List(&Shape::Filled), "Networks that may be reached although not public"),
    may("disable_after_days", Shape::Number(1, 90), "Days of failure after which it is given up; 5 when left out"),
];

/// Where events are posted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to.
    pub url: String,
    /// What signs them.
    pub secret: Secret,
    /// What signed them before, while the receiver changes to the new one.
    #[serde(default)]
    pub previous_secret: Option<Secret>,
    /// Types that are wanted; none: all.
    #[serde(default)]
    pub events: Vec<String>,
    /// The auth that shows who we are.
    #[serde(default)]
    pub auth: Option<String>,
    /// Header lines to send.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretOrText>,
    /// Names of certificates of authorities that count for the server.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// The proxy, where it is not the instance's.
    #[serde(default)]
    pub proxy: Option<ChannelProxy>,
    /// Networks that may be reached although they are not public.
    #[serde(default)]
    pub allow_networks: Vec<String>,
    /// Days of failure after which it is given up.
    #[serde(default = "five_days", deserialize_with = "parsed")]
    pub disable_after_days: u64,
}

fn five_days() -> u64 {
    5
}

impl Webhook {
    /// Whether it wants events of a type.
    #[must_use]
    pub fn wants(&self, event_type: &str) -> bool {
        wants(&self.events, event_type)
    }

    /// What is wrong with the types that it wants, by key.
    pub(in crate::partner) fn check(&self, found: &mut Vec<String>) {
        check_events(&self.events, found);
    }
}

/// Whether one of these types is meant; none: all are.
pub(super) fn wants(events: &[String], event_type: &str) -> bool {
    let fits = |wanted: &String| match wanted.strip_suffix('*') {
        Some(begin) => event_type.starts_with(begin),
        None => wanted == event_type,
    };
    events.is_empty() || events.iter().any(fits)
}

/// What is wrong with types of events under `events`, by key.
pub(super) fn check_events(events: &[String], found: &mut Vec<String>) {
    for (at, wanted) in events.iter().enumerate() {
        let is_known = match wanted.strip_suffix('*') {
            Some(begin) => EVENT_TYPES.iter().any(|one| one.starts_with(begin)),
            None => EVENT_TYPES.contains(&wanted.as_str()),
        };
        if !is_known {
            let hint = hint(wanted, &EVENT_TYPES);
            found.push(format!(
                "events[{}]: expected a type of events such as delivery.parked or delivery.*, found {wanted}{hint}",
                at + 1
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_for_all_that_begin_so() {
        let body =
            serde_json::json!({ "url": "u", "secret": { "secret": "s" }, "events": ["delivery.*", "ack.overdue"] });
        let hook: Webhook = serde_json::from_value(body).expect("a webhook");
        assert!(hook.wants("delivery.parked") && hook.wants("ack.overdue"));
        assert!(!hook.wants("ack.accepted") && !hook.wants("document.failed"));
        assert!(Webhook { events: Vec::new(), ..hook }.wants("document.failed"));
    }
}
