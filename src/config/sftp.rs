//! `[sftp]`: the listener by which partners reach their mailboxes.

use serde::Deserialize;

/// The word that closes the listener.
const OFF: &str = "off";

/// Where partners reach their mailboxes, and how many may at once.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sftp {
    /// Address and port, port 0 takes a free one; `off`: nobody is listened to.
    pub listen: String,
    /// Sessions at once; more are told to come back.
    pub sessions: usize,
    /// Seconds after which a session in which nothing happens is ended.
    pub idle_seconds: u64,
}

impl Default for Sftp {
    fn default() -> Self {
        Self { listen: "0.0.0.0:2222".to_owned(), sessions: 1000, idle_seconds: 600 }
    }
}

impl Sftp {
    /// Where to listen, if at all.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        (self.listen != OFF).then_some(self.listen.as_str())
    }
}
