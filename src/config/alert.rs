//! `[alert]`: how alarms are looked for and told. What is watched, and who is told, are resources.

use serde::Deserialize;

/// How alarms are looked for and told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alert {
    /// What this instance is called in mails; the machine's name when left out.
    pub name: Option<String>,
    /// Seconds between two looks.
    pub look_seconds: u64,
    /// Seconds after which an alarm is told first, so that what has one cause is one mail.
    pub settle_seconds: u64,
    /// The time zone of times of day and of mails.
    pub time_zone: String,
    /// Where people reach the admin listener, `https://portolan.example.com`; without it mails have no links.
    pub links: Option<String>,
}

impl Default for Alert {
    fn default() -> Self {
        Self { name: None, look_seconds: 5, settle_seconds: 30, time_zone: "UTC".to_owned(), links: None }
    }
}

impl Alert {
    /// What this instance is called in mails.
    #[must_use]
    pub fn name(&self) -> String {
        let machine = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
        self.name.clone().or_else(machine).unwrap_or_else(|| "portolan".to_owned())
    }
}
