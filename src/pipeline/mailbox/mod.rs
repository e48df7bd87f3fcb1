//! Mailboxes: what partners drop and fetch over SFTP and HTTPS, joined to the ledger. What is dropped is a transmission by the
//! commit that its CLOSE is answered after (`upload`), what is fetched was put there by the commit that delivers it (`place`).
//! Unfinished uploads live in this process only: after a crash a client finds none of them and begins anew.

mod drafts; // uploads that are not whole yet
mod fetch;
mod folders; // what a partner sees
pub mod gate; // who may come in
pub mod https;
pub mod note; // what is told of refused files
mod parts; // of files that are fetched bit by bit
pub mod password;
pub mod place; // deliveries into mailboxes
mod ranges;
mod upload;

use crate::clock::Timestamp;
use crate::partner::Directory;
use crate::transport::sftp::ban::{BAN, Bans};
use drafts::Drafts;
use parts::Parts;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Passwords that are looked at at once: each takes the memory of a hash.
const HASHES_AT_ONCE: usize = 2;

/// What of mailboxes lives in this process only.
pub struct Mailboxes {
    drafts: Mutex<HashMap<String, Arc<Drafts>>>,
    bans: Mutex<Bans>,
    hashes: Semaphore,
    parts: Mutex<Parts>,
    /// Requests over HTTPS that are under way, by mailbox.
    requests: Arc<Mutex<HashMap<String, usize>>>,
}

impl Default for Mailboxes {
    fn default() -> Self {
        let hashes = Semaphore::new(HASHES_AT_ONCE);
        let (drafts, bans, parts, requests) = Default::default();
        Self { drafts, bans, hashes, parts, requests }
    }
}

/// Somebody who is not heard for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// An address, or the user of a mailbox.
    pub name: String,
    /// The mailbox whose password is barred; none: an address.
    pub mailbox: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The place of a request among those of its mailbox, until it is dropped.
struct Seat {
    requests: Arc<Mutex<HashMap<String, usize>>>,
    mailbox: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = requests.get_mut(&self.mailbox) {
            *count -= 1;
            if *count == 0 {
                requests.remove(&self.mailbox);
            }
        }
    }
}

impl Mailboxes {
    /// The unfinished uploads of a mailbox.
    fn drafts(&self, mailbox: &str) -> Arc<Drafts> {
        let mut all = self.drafts.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(mailbox.to_owned()).or_default().clone()
    }

    /// How many uploads of a mailbox do not count yet.
    #[must_use]
    pub fn unfinished(&self, mailbox: &str) -> usize {
        self.drafts(mailbox).count()
    }

    /// Who is not heard now: addresses, and users of mailboxes whose password is barred. A name that a stranger typed and nobody has
    /// is not among them.
    #[must_use]
    pub fn banned(&self, directory: &Directory, now: Timestamp) -> Vec<Ban> {
        let bans = self.bans();
        let one =
            |name: String, mailbox: Option<String>, until: Timestamp| Ban { name, mailbox, since: until - BAN, until };
        let addresses = bans.addresses(now).into_iter().map(|(address, until)| one(address.to_string(), None, until));
        let users = bans.users(now).into_iter().filter_map(|(user, until)| {
            let (mailbox, _) = directory.mailbox_of(&user)?;
            let mailbox = Some(mailbox.to_owned());
            Some(one(user, mailbox, until))
        });
        addresses.chain(users).collect()
    }

    /// Hears an address again, or takes passwords of a user again. Which of both it was; none: it was not banned.
    pub fn lift(&self, name: &str, now: Timestamp) -> Option<&'static str> {
        let mut bans = self.bans();
        match name.parse::<IpAddr>() {
            Ok(address) if bans.lift_address(address, now) => Some("address"),
            _ => bans.lift_user(name, now).then_some("user"),
        }
    }

    /// A place among the requests of a mailbox, where fewer than `most` are under way.
    fn seat(&self, mailbox: &str, most: usize) -> Option<Seat> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let count = requests.entry(mailbox.to_owned()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat { requests: self.requests.clone(), mailbox: mailbox.to_owned() })
    }

    fn parts(&self) -> std::sync::MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bans(&self) -> std::sync::MutexGuard<'_, Bans> {
        self.bans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
