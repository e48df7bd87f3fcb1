//! Who may come in to a mailbox, and the keys by which clients know us. Unknown users, wrong passwords and networks that may
//! not come in are answered alike; who guesses is not heard for a while.

use super::folders::MailboxFiles;
use super::password;
use crate::partner::Mailbox;
use crate::pipeline::measure;
use crate::pipeline::state::Service;
use crate::store::{Actor, StoreError};
use crate::transport::http::address::Network;
use crate::transport::sftp::files::{Files, Gate, Shown};
use crate::transport::sftp::server::{ED25519_SEED_BYTES, HostKeys};
use anyhow::Context as _;
use futures_util::future::BoxFuture;
use std::net::IpAddr;
use std::sync::Arc;

/// The secrets that hold our host keys: a seed of Ed25519, and an RSA key as PKCS#8 in PEM.
const HOST_KEYS: [&str; 2] = ["sftp.host-key.ed25519", "sftp.host-key.rsa"];

/// Our host keys; made and sealed at the first start, for clients take a new key for an attack.
///
/// # Errors
/// The ledger failed, or what is kept there is no key.
pub async fn host_keys(service: &Service) -> anyhow::Result<HostKeys> {
    let store = &service.store;
    let mut kept = Vec::new();
    for name in HOST_KEYS {
        match store.secret(name).await {
            Ok(key) => kept.push(key),
            Err(StoreError::NotFound { .. }) => {
                let key = if name == HOST_KEYS[0] {
                    let mut seed = vec![0; ED25519_SEED_BYTES];
                    store.fill_random(&mut seed);
                    seed
                } else {
                    HostKeys::new_rsa().context("an RSA key cannot be made")?.into_bytes()
                };
                store.set_secret(name, &key, &Actor::system(), service.now()).await?;
                kept.push(key);
            }
            Err(error) => return Err(error).context("the host keys of [sftp] cannot be read"),
        }
    }
    let rsa = std::str::from_utf8(&kept[1]).unwrap_or_default();
    HostKeys::new(&kept[0], rsa).context("remove the secrets sftp.host-key.* to have new ones made")
}

/// Lets in to the mailboxes of a service.
pub struct MailboxGate(pub Arc<Service>);

impl MailboxGate {
    fn let_in(&self, mailbox: &str, address: IpAddr, by: &'static str) -> Arc<dyn Files> {
        self.0.mailboxes.bans().succeeded(address);
        metrics::counter!("portolan_sftp_logins_total", "outcome" => "in").increment(1);
        tracing::info!(mailbox.name = mailbox, address = %address, by, "Came in to a mailbox");
        let actor = Actor(format!("mailbox:{mailbox}"));
        Arc::new(MailboxFiles { service: self.0.clone(), mailbox: mailbox.to_owned(), address, actor })
    }

    async fn failed(&self, user: Option<&str>, address: IpAddr) {
        metrics::counter!("portolan_sftp_logins_total", "outcome" => "refused").increment(1);
        measure::not_let_in("sftp");
        self.count_failure(user, address).await;
    }

    /// Counts a failure; a ban is noted for good.
    pub(super) async fn count_failure(&self, user: Option<&str>, address: IpAddr) {
        let now = self.0.now();
        let banned = self.0.mailboxes.bans().failed(address, user, now);
        let mut noted = Vec::new();
        if banned.address {
            tracing::warn!(address = %address, "Guessed too often and is not heard for a while");
            noted.push(("sftp.ban", format!("address/{address}")));
        }
        // The name is what somebody typed; only a user that there is may be noted.
        let known = user.filter(|user| banned.user && self.0.directory().mailbox_of(user).is_some());
        if let Some(user) = known {
            tracing::warn!(mailbox.user = user, "Its password was guessed at too often and is barred for a while");
            noted.push(("sftp.bar", format!("user/{user}")));
        }
        for (action, object) in noted {
            if let Err(error) = self.0.store.audit_note(&Actor::system(), action, &object, now).await {
                tracing::error!(error = %error, "A ban was not noted");
            }
        }
    }

    /// Whether a password is that of a mailbox. It takes as long for none.
    async fn is_password(&self, mailbox: Option<&str>, shown: &str) -> bool {
        let kept = match mailbox {
            Some(name) => self.0.store.secret(&password::secret_name(name)).await.ok(),
            None => None,
        };
        let Ok(_turn) = self.0.mailboxes.hashes.acquire().await else { return false };
        let shown = shown.to_owned();
        let looked = tokio::task::spawn_blocking(move || {
            let kept = kept.and_then(|kept| String::from_utf8(kept).ok());
            password::is_right(&shown, kept.as_deref())
        });
        looked.await.unwrap_or(false)
    }
}

pub(super) fn may_come_from(mailbox: &Mailbox, address: IpAddr) -> bool {
    let networks: Vec<Network> = mailbox.networks.iter().filter_map(|text| text.parse().ok()).collect();
    mailbox.networks.is_empty() || networks.iter().any(|network| network.has(address))
}

impl Gate for MailboxGate {
    fn may_try(&self, address: IpAddr) -> bool {
        self.0.mailboxes.bans().hears(address, self.0.now())
    }

    fn admit<'g>(&'g self, user: &'g str, shown: Shown<'g>, address: IpAddr) -> BoxFuture<'g, Option<Arc<dyn Files>>> {
        Box::pin(async move {
            let directory = self.0.directory();
            let found = directory.mailbox_of(user).filter(|(_, mailbox)| may_come_from(mailbox, address));
            let shown = match shown {
                Shown::Key(key) => {
                    let (name, mailbox) = found?;
                    let is_known = mailbox.key_bytes().any(|own| own == key);
                    return is_known.then(|| self.let_in(name, address, "key"));
                }
                Shown::Password(shown) => shown,
            };
            let is_heard = self.may_try(address) && self.0.mailboxes.bans().takes_passwords(user, self.0.now());
            let is_right = self.is_password(found.map(|(name, _)| name), shown).await;
            match found {
                Some((name, _)) if is_right && is_heard => Some(self.let_in(name, address, "password")),
                _ => {
                    self.failed(Some(user), address).await;
                    None
                }
            }
        })
    }

    fn knows_key(&self, user: &str, key: &[u8], address: IpAddr) -> bool {
        let directory = self.0.directory();
        let found = directory.mailbox_of(user).filter(|(_, mailbox)| may_come_from(mailbox, address));
        found.is_some_and(|(_, mailbox)| mailbox.key_bytes().any(|own| own == key))
    }

    fn sessions_max(&self, user: &str) -> usize {
        self.0.directory().mailbox_of(user).map_or(0, |(_, mailbox)| mailbox.sessions)
    }

    fn left_outside(&self, address: IpAddr) -> BoxFuture<'_, ()> {
        Box::pin(self.failed(None, address))
    }
}
