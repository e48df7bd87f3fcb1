//! Alerts, recipients and calendars of the directory: what is watched when nothing is said, and whether what they name is there.

use super::directory::{Directory, missing};
use super::resource::{Alert, Calendar, Recipient, Resource, SecretOrText, packed};
use std::collections::BTreeMap;

/// What is watched, and who is told.
#[derive(Debug)]
pub(super) struct Watching {
    pub(super) alerts: BTreeMap<String, Alert>,
    pub(super) recipients: BTreeMap<String, Recipient>,
    pub(super) calendars: BTreeMap<String, Calendar>,
}

impl Default for Watching {
    fn default() -> Self {
        let alerts = packed().iter().filter_map(|one| Some((one.name.clone(), one.read().ok()?))).collect();
        Watching { alerts, recipients: BTreeMap::new(), calendars: BTreeMap::new() }
    }
}

impl Directory {
    /// The alerts that are looked at, by name: those of the resources, and the packed ones that no resource replaces.
    pub fn alerts(&self) -> impl Iterator<Item = (&String, &Alert)> {
        self.watching.alerts.iter().filter(|(_, alert)| alert.is_enabled())
    }

    /// All of them, with those that are switched off.
    pub fn all_alerts(&self) -> impl Iterator<Item = (&String, &Alert)> {
        self.watching.alerts.iter()
    }

    /// Who is told of alarms, by name.
    pub fn recipients(&self) -> impl Iterator<Item = (&String, &Recipient)> {
        self.watching.recipients.iter()
    }

    /// A calendar by name.
    #[must_use]
    pub fn calendar(&self, name: &str) -> Option<&Calendar> {
        self.watching.calendars.get(name)
    }

    pub(super) fn check_alert(&self, one: &Resource, found: &mut Vec<String>) {
        let Some(alert) = self.watching.alerts.get(&one.name) else { return };
        let written = one.body.as_object().into_iter().flat_map(|body| body.keys().map(String::as_str));
        alert.check(written, found);
        for name in alert.partners.iter().filter(|name| !name.ends_with('*') && !self.has_partner(name)) {
            found.push(missing("partners", "partner", name, self.partners.keys()));
        }
        for name in alert.channels.iter().filter(|name| !name.ends_with('*') && self.channel(name).is_none()) {
            found.push(missing("channels", "channel", name, self.channels.keys()));
        }
        self.check_calendar("calendar", alert.calendar.as_ref(), found);
    }

    pub(super) fn check_recipient(&self, name: &str, found: &mut Vec<String>) {
        let Some(recipient) = self.watching.recipients.get(name) else { return };
        recipient.check(found);
        for name in recipient.partners.iter().filter(|name| !name.ends_with('*') && !self.has_partner(name)) {
            found.push(missing("partners", "partner", name, self.partners.keys()));
        }
        for name in recipient.alerts.iter().filter(|name| !name.ends_with('*')) {
            if !self.watching.alerts.contains_key(name) {
                found.push(missing("alerts", "alert", name, self.watching.alerts.keys()));
            }
        }
        self.check_calendar(
            "quiet.calendar",
            recipient.quiet.as_ref().and_then(|quiet| quiet.calendar.as_ref()),
            found,
        );
        if let Some(auth) = recipient.post.as_ref().and_then(|post| post.auth.as_ref()) {
            self.check_named("post.auth", auth, found);
        }
    }

    pub(super) fn check_calendar(&self, key: &str, name: Option<&String>, found: &mut Vec<String>) {
        if let Some(name) = name.filter(|name| self.calendar(name).is_none()) {
            found.push(missing(key, "calendar", name, self.watching.calendars.keys()));
        }
    }

    /// The secrets that recipients are reached with.
    pub(super) fn secrets_of_recipients(&self) -> impl Iterator<Item = String> + '_ {
        let urls = self.watching.recipients.values().filter_map(|one| Some(&one.post.as_ref()?.url));
        urls.filter_map(|url| match url {
            SecretOrText::Secret(named) => Some(named.secret.clone()),
            SecretOrText::Text(_) => None,
        })
    }
}
