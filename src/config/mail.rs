//! `[mail]`: the server that takes our mails, and who they are from.

use serde::Deserialize;
use std::path::PathBuf;

/// A server of SMTP, and what we are there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Its name.
    pub server: String,
    /// Its port; 587, and 465 for implicit TLS.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is kept private.
    #[serde(default)]
    pub tls: MailTls,
    /// Our user name there.
    #[serde(default)]
    pub user: Option<String>,
    /// The name of the secret that is our password.
    #[serde(default)]
    pub password: Option<String>,
    /// A file of certificates that count for the server beside those of this machine, PEM; a relative path starts at the data
    /// directory.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// Whom mails are from: an address of this instance.
    pub from: String,
    /// Who is told everything; further ones are resources of kind recipient.
    #[serde(default)]
    pub to: Vec<String>,
    /// When they are told every day that all is well, such as 07:00.
    #[serde(default)]
    pub heartbeat: Option<String>,
}

/// How the connection is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// It begins in clear and changes before anything is said (RFC 3207); a server that does not is refused.
    #[default]
    Starttls,
    /// From the first byte on (RFC 8314).
    Implicit,
    /// Not at all; for a server on this machine.
    None,
}

impl Mail {
    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls == MailTls::Implicit { 465 } else { 587 })
    }
}
