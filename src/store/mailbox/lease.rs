//! Files of a mailbox that somebody holds for a while: an internal system takes the next ones that nobody has, works on them,
//! and confirms each when its work is done. Who holds a file is said by a lease, a word made for each taking; a lease that was
//! lost to another confirms nothing. It knows no protocol.

use super::{CONFIRMED, IN_SIGHT, MailboxFile, Micros, SELECT};
use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::error::{Result, StoreError};
use crate::store::event::{self, NewEvent};
use crate::store::select::Select;
use crate::store::value::{Actor, storable};
use crate::store::writer::Tx;
use std::time::Duration;

/// Files that one lease holds, at most.
pub const LEASE_FILES_MAX: u32 = 100;
/// Seconds that a lease lasts, at least and at most.
pub const LEASE_SECONDS: std::ops::RangeInclusive<u32> = 1..=43_200;

/// Files that were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// The lease.
    pub lease: String,
    /// When it ends.
    pub until: Timestamp,
    /// The files, oldest first; none where nothing lies there that nobody has.
    pub files: Vec<MailboxFile>,
}

/// Files of a folder that somebody says to hold.
#[derive(Debug, Clone)]
pub struct Held {
    /// The mailbox.
    pub mailbox: String,
    /// The folder in it.
    pub folder: String,
    /// The lease.
    pub lease: String,
    /// Which of the files under it, by name; all that are left when none are named.
    pub names: Option<Vec<String>>,
}

impl Store {
    /// Takes the oldest files of a folder that are in sight and that nobody holds, `count` at most.
    ///
    /// # Errors
    /// The database failed; then nothing was taken.
    pub async fn mailbox_lease(
        &self,
        (mailbox, folder): (&str, &str),
        (count, lasts): (u32, Duration),
        fetched_since: Timestamp,
        now: Timestamp,
    ) -> Result<Leased> {
        let (mailbox, folder) = (storable(mailbox), storable(folder));
        let (lease, until) = (self.new_id("lea", now), now + lasts);
        self.write("mailbox_lease", move |tx| {
            Box::pin(async move {
                let free = Select::new(SELECT)
                    .text("mailbox =", Some(&mailbox))
                    .text("folder =", Some(&folder))
                    .then("AND hidden_at IS NULL")
                    .number(IN_SIGHT, Micros::from(fetched_since).0)
                    .number("COALESCE(leased_until, 0) <=", Micros::from(now).0)
                    .then("ORDER BY created_at, mailbox_file_id")
                    .limit(count.min(LEASE_FILES_MAX));
                let mut files: Vec<MailboxFile> = free.all(&mut *tx.connection).await?;
                for file in &mut files {
                    sqlx::query(
                        "UPDATE mailbox_file SET lease = $2, leased_until = $3, leased = leased + 1
                         WHERE mailbox_file_id = $1",
                    )
                    .bind(&file.mailbox_file_id)
                    .bind(&lease)
                    .bind(Micros::from(until))
                    .execute(&mut *tx.connection)
                    .await?;
                    (file.lease, file.leased_until) = (Some(lease.clone()), Some(until.into()));
                    file.leased += 1;
                }
                Ok(Leased { lease, until, files })
            })
        })
        .await
    }

    /// Confirms files that are held: they are out of sight from now on, with an event in the chain of each transmission. All
    /// that are named, or none; what was confirmed under this lease before is confirmed.
    ///
    /// # Errors
    /// Some are not held under this lease any more ([`StoreError::Conflict`] names them), or the database failed; then
    /// nothing was confirmed.
    pub async fn mailbox_confirm(&self, held: &Held, address: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (held, address, actor) = (held.clone(), storable(address), actor.clone());
        self.write("mailbox_confirm", move |mut tx| {
            Box::pin(async move {
                for file in held_files(&mut tx, &held).await?.iter().filter(|file| file.hidden_at.is_none()) {
                    sqlx::query("UPDATE mailbox_file SET hidden_at = $2 WHERE mailbox_file_id = $1")
                        .bind(&file.mailbox_file_id)
                        .bind(Micros::from(now))
                        .execute(&mut *tx.connection)
                        .await?;
                    let cause = format!("{}/{} by {address}", file.folder, file.name);
                    let event = NewEvent {
                        transmission_id: &file.transmission_id,
                        delivery_id: file.delivery_id.as_deref(),
                        kind: CONFIRMED,
                        actor: Some(&actor),
                        cause: Some(&cause),
                        attempt: Some(file.leased),
                        ..NewEvent::default()
                    };
                    event::append(&mut tx, event, now).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Holds files for longer, or until a moment that is over: then they can be taken again at once, and the lease confirms
    /// them no more. Their names.
    ///
    /// # Errors
    /// Some that are named are not held under this lease any more ([`StoreError::Conflict`] names them), or the database
    /// failed; then nothing changed.
    pub async fn mailbox_hold(&self, held: &Held, lasts: Option<Duration>, now: Timestamp) -> Result<Vec<String>> {
        let held = held.clone();
        self.write("mailbox_lease", move |mut tx| {
            Box::pin(async move {
                let mut names = Vec::new();
                for file in held_files(&mut tx, &held).await?.into_iter().filter(|file| file.hidden_at.is_none()) {
                    sqlx::query("UPDATE mailbox_file SET lease = $2, leased_until = $3 WHERE mailbox_file_id = $1")
                        .bind(&file.mailbox_file_id)
                        .bind(lasts.map(|_| held.lease.as_str()))
                        .bind(lasts.map(|lasts| Micros::from(now + lasts)))
                        .execute(&mut *tx.connection)
                        .await?;
                    names.push(file.name);
                }
                Ok(names)
            })
        })
        .await
    }
}

/// The files of a lease, confirmed ones too; an error names those that are another's by now.
async fn held_files(tx: &mut Tx<'_>, held: &Held) -> Result<Vec<MailboxFile>> {
    let all: Vec<MailboxFile> = Select::new(SELECT)
        .text("mailbox =", Some(&held.mailbox))
        .text("folder =", Some(&held.folder))
        .text("lease =", Some(&held.lease))
        .then("ORDER BY created_at, mailbox_file_id")
        .limit(LEASE_FILES_MAX)
        .all(&mut *tx.connection)
        .await?;
    let Some(names) = &held.names else { return Ok(all) };
    let lost: Vec<&str> =
        names.iter().filter(|name| all.iter().all(|file| file.name != **name)).map(String::as_str).collect();
    if !lost.is_empty() {
        return Err(StoreError::Conflict(lost.join(", ")));
    }
    Ok(all.into_iter().filter(|file| names.contains(&file.name)).collect())
}
