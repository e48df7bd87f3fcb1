//! `portolan.toml` in the data directory: how this instance listens, logs and works. What it exchanges with whom are
//! resources, kept in the ledger, not here. Unknown keys are refused.

mod admin;
mod alert;
mod database;
mod delivery;
mod folder;
mod keep;
mod limits;
mod log;
mod mail;
mod partner;
mod proxy;
mod sftp;
mod storage;
mod telemetry;
mod url;
mod within;

pub use admin::Admin;
pub use alert::Alert;
pub use database::{DATABASE_VARIABLE, Database};
pub use delivery::Delivery;
pub use folder::Folder;
pub use keep::Keep;
pub use limits::Limits;
pub use log::{Log, LogFormat};
pub use mail::{Mail, MailTls};
pub use partner::{Partner, Tls};
pub use proxy::Proxy;
pub use sftp::Sftp;
pub use storage::Storage;
pub use telemetry::{Protocol, Telemetry};
pub use url::has_user;

use serde::Deserialize;
use std::path::Path;

/// The file's name in the data directory.
pub const FILE_NAME: &str = "portolan.toml";

/// All of `portolan.toml`; each section may be left out.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `database`: a PostgreSQL server's; `None` is the file in the data directory.
    pub database: Option<Database>,
    /// `[partner]`: where partners reach us.
    pub partner: Partner,
    /// `[admin]`: where we reach ourselves.
    pub admin: Admin,
    /// `[sftp]`: where partners reach their mailboxes.
    pub sftp: Sftp,
    /// `[folder]`: which folders of this machine channels may use.
    pub folder: Folder,
    /// `[log]`.
    pub log: Log,
    /// `[delivery]`.
    pub delivery: Delivery,
    /// `[proxy]`: what goes out over HTTP goes through it.
    pub proxy: Option<Proxy>,
    /// `[alert]`: how alarms are looked for and told.
    pub alert: Alert,
    /// `[mail]`: the server that takes our mails; without one nothing is mailed.
    pub mail: Option<Mail>,
    /// `[keep]`: for how long what has ended is kept.
    pub keep: Keep,
    /// `[storage]`: what of the disk is kept free.
    pub storage: Storage,
    /// `[telemetry]`: where traces of documents go; without it none are made.
    pub telemetry: Option<Telemetry>,
    /// `[limits]`.
    pub limits: Limits,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {message}")]
    Malformed {
        /// The file.
        path: String,
        /// Line, key, expected and found.
        message: String,
    },
}

impl Config {
    /// Reads the file of a data directory; without one everything is as by default.
    ///
    /// # Errors
    /// The file cannot be read, has a key that is not known, or a value of the wrong kind.
    pub fn load(directory: &Path) -> Result<Self, ConfigError> {
        let path = directory.join(FILE_NAME);
        let mut config = match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text)
                .map_err(|message| ConfigError::Malformed { path: path.display().to_string(), message })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(source) => return Err(ConfigError::File { path: path.display().to_string(), source }),
        };
        if let Ok(url) = std::env::var(DATABASE_VARIABLE) {
            let malformed = |message| ConfigError::Malformed { path: DATABASE_VARIABLE.to_owned(), message };
            config.database = Some(Database::new(&url).map_err(malformed)?);
        }
        let unread =
            |(path, source): (std::path::PathBuf, _)| ConfigError::File { path: path.display().to_string(), source };
        config.database = config.database.map(|one| one.with_password(directory)).transpose().map_err(unread)?;
        if let Some(authorities) = config.mail.as_mut().and_then(|mail| mail.authorities.as_mut()) {
            *authorities = directory.join(&*authorities);
        }
        Ok(config)
    }

    /// Names of the secrets that it uses.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let proxy = self.proxy.iter().filter_map(|proxy| proxy.password.clone());
        let traces = self.telemetry.iter().flat_map(|telemetry| telemetry.headers.values().cloned());
        proxy.chain(self.mail.iter().filter_map(|mail| mail.password.clone())).chain(traces).collect()
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// A sentence with line, key, expected and found.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self =
            toml::from_str(text).map_err(|error| database::without_passwords(error.to_string().trim_end()))?;
        if config.proxy.as_ref().is_some_and(|proxy| has_user(&proxy.url)) {
            return Err("[proxy] url: expected an address without a user, found one with it; name the user under user, and the \
                        secret that is its password under password"
                .to_owned());
        }
        if config.alert.links.as_ref().is_some_and(|links| has_user(links)) {
            return Err("[alert] links: expected an address without a user, found one with it, which every mail would show; leave \
                        it out"
                .to_owned());
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_contract() {
        let config = Config::default();
        assert_eq!(config.partner.listen, "0.0.0.0:8080");
        assert_eq!(config.admin.listen, "127.0.0.1:9080");
        assert_eq!(config.sftp.address(), Some("0.0.0.0:2222"));
        assert_eq!(Config::parse("").expect("an empty file"), config);
    }

    #[test]
    fn err_unknown_keys_name_their_line_and_the_known_ones() {
        let error = Config::parse("[partner]\nlissten = \"x\"\n").expect_err("a wrong key");
        assert!(error.contains("line 2") && error.contains("lissten") && error.contains("listen"), "{error}");
        assert!(Config::parse("[limits]\nbody_bytes = \"many\"\n").is_err());
    }

    #[test]
    fn err_a_user_in_an_address_is_refused_and_not_repeated() {
        for (text, expected) in [
            (
                "[proxy]\nurl = \"http://ann:hunter2@proxy.example:3128\"\n",
                "[proxy] url: expected an address without a user",
            ),
            (
                "[alert]\nlinks = \"https://ann:hunter2@edi.example\"\n",
                "[alert] links: expected an address without a user",
            ),
        ] {
            let error = Config::parse(text).expect_err("a user");
            assert!(error.starts_with(expected) && !error.contains("hunter2"), "{error}");
        }
        assert!(Config::parse("[proxy]\nurl = \"http://proxy.example:3128\"\n").is_ok());
    }
}
