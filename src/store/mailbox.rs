//! Files that lie in mailboxes for their partners: put there by the commit that delivers them, fetched, and removed from
//! sight by the partner, which removes nothing of ours. What a partner drops is a transmission like any other and has no row
//! here.

mod lease; // files that somebody holds for a while

pub use lease::{Held, LEASE_FILES_MAX, LEASE_SECONDS, Leased};

use super::Store;
use super::delivery::Delivery;
use super::error::{Result, StoreError};
use super::event::{self, NewEvent};
use super::payload::{self, Content};
use super::select::Select;
use super::value::{Actor, Micros, Page, storable};
use super::writer::Tx;
use crate::clock::Timestamp;

/// The kind of the event of a file that was fetched.
const FETCHED: &str = "fetched";
/// Of one that was removed.
const REMOVED: &str = "removed";
/// Of one that was dropped once more.
const REPEATED: &str = "repeated";
/// Of one that was taken under a lease and confirmed.
const CONFIRMED: &str = "confirmed";
/// The kinds of events that mailboxes write.
pub const EVENT_KINDS: [&str; 4] = [FETCHED, REMOVED, REPEATED, CONFIRMED];
/// Files of a folder that are listed, at most: the oldest, so that those behind come into sight as these are fetched.
pub const LISTED_MAX: u32 = 10_000;
/// Numbers that are tried behind a name that is taken, before the id of the file stands there.
const NUMBERS_MAX: u32 = 20;

/// A file in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct MailboxFile {
    /// Its id.
    pub mailbox_file_id: String,
    /// The mailbox.
    pub mailbox: String,
    /// The folder in it.
    pub folder: String,
    /// Its name, the only one in its folder for ever.
    pub name: String,
    /// Where its bytes are.
    #[serde(skip)]
    pub payload_id: String,
    /// The transmission that it is, or that it tells of.
    pub transmission_id: String,
    /// The delivery that put it there; none where it tells of something that was refused.
    pub delivery_id: Option<String>,
    /// Bytes.
    pub size: i64,
    /// SHA-256 of them, hexadecimal.
    pub digest: String,
    /// How often all of it was fetched.
    pub fetched: i64,
    /// When it was first.
    pub fetched_at: Option<Micros>,
    /// The address that fetched it last.
    pub fetched_from: Option<String>,
    /// When the partner removed it from sight, or confirmed it.
    pub hidden_at: Option<Micros>,
    /// How often it was taken under a lease.
    pub leased: i64,
    /// The lease under which it was taken last and not given back.
    #[serde(skip)]
    pub lease: Option<String>,
    /// Before that moment nobody else takes it.
    pub leased_until: Option<Micros>,
    /// When it was put there.
    pub created_at: Micros,
}

/// Where a file is to lie, and the name that it would have there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placing {
    /// The mailbox.
    pub mailbox: String,
    /// The folder in it.
    pub folder: String,
    /// The name wanted; one that is taken gets a number.
    pub name: String,
}

/// A file that tells of something refused, about to be written.
#[derive(Debug)]
pub struct NewNote {
    /// Where it is to lie.
    pub placing: Placing,
    /// What it says.
    pub content: Content,
}

/// How many files lie in a mailbox, and how many of them nobody fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Lying {
    /// The mailbox.
    pub mailbox: String,
    /// Files that the partner did not remove.
    pub files: i64,
    /// Those of them that were never fetched.
    pub unfetched: i64,
}

const SELECT: &str = "SELECT mailbox_file_id, mailbox, folder, name, payload_id, transmission_id, delivery_id, size, \
                      (SELECT digest FROM payload WHERE payload.payload_id = mailbox_file.payload_id) AS digest, \
                      fetched, fetched_at, fetched_from, hidden_at, leased, lease, leased_until, created_at \
                      FROM mailbox_file WHERE 1 = 1";
/// What was fetched first before a moment is out of sight; but never what was taken under a lease and not confirmed, for then
/// the work on it is not done.
const IN_SIGHT: &str =
    "CASE WHEN leased > 0 THEN 9223372036854775807 ELSE COALESCE(fetched_at, 9223372036854775807) END >=";

/// Puts a delivery's transmission into a mailbox, by the commit that delivers it.
pub(crate) async fn deliver(tx: &mut Tx<'_>, placing: &Placing, delivery: &Delivery, now: Timestamp) -> Result<()> {
    let found: Option<(String, i64)> =
        sqlx::query_as("SELECT payload_id, size FROM transmission WHERE transmission_id = $1")
            .bind(&delivery.transmission_id)
            .fetch_optional(&mut *tx.connection)
            .await?;
    let missing = || StoreError::NotFound { what: "transmission", id: delivery.transmission_id.clone() };
    let (payload_id, size) = found.ok_or_else(missing)?;
    let of = (delivery.transmission_id.as_str(), Some(delivery.delivery_id.as_str()));
    insert(tx, placing, of, (&payload_id, size), now).await
}

/// Puts a file that tells of a transmission into a mailbox.
pub(crate) async fn note(tx: &mut Tx<'_>, note: &NewNote, transmission_id: &str, now: Timestamp) -> Result<()> {
    payload::insert(tx, &note.content, "text/plain", now).await?;
    let size = i64::try_from(note.content.size()).unwrap_or(i64::MAX);
    insert(tx, &note.placing, (transmission_id, None), (note.content.payload_id(), size), now).await
}

async fn insert(
    tx: &mut Tx<'_>,
    placing: &Placing,
    (transmission_id, delivery_id): (&str, Option<&str>),
    (payload_id, size): (&str, i64),
    now: Timestamp,
) -> Result<()> {
    let id = tx.id("mbf", now);
    let name = free_name(tx, placing, &id).await?;
    sqlx::query(
        "INSERT INTO mailbox_file (mailbox_file_id, mailbox, folder, name, payload_id, transmission_id, delivery_id, size,
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(id)
    .bind(&placing.mailbox)
    .bind(&placing.folder)
    .bind(name)
    .bind(payload_id)
    .bind(transmission_id)
    .bind(delivery_id)
    .bind(size)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// The name wanted, or the first that is free: `order.edi`, `order-2.edi` … A name is never used again, also when its file
/// is out of sight: who fetched it would take the new one for it.
async fn free_name(tx: &mut Tx<'_>, placing: &Placing, id: &str) -> Result<String> {
    let names = numbered(&placing.name, id);
    for name in &names {
        let taken: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM mailbox_file WHERE mailbox = $1 AND folder = $2 AND name = $3")
                .bind(&placing.mailbox)
                .bind(&placing.folder)
                .bind(name)
                .fetch_optional(&mut *tx.connection)
                .await?;
        if taken.is_none() {
            return Ok(name.clone());
        }
    }
    Ok(names.into_iter().next_back().unwrap_or_default())
}

/// The names that are tried, one after the other: the one wanted, those with a number, and at last one with an id, which no other
/// has.
#[must_use]
pub fn numbered(wanted: &str, id: &str) -> Vec<String> {
    let (stem, ending) = match wanted.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (wanted, String::new()),
    };
    let numbers = (2..=NUMBERS_MAX).map(|number| format!("{stem}-{number}{ending}"));
    let last = std::iter::once(format!("{stem}-{id}{ending}"));
    std::iter::once(wanted.to_owned()).chain(numbers).chain(last).collect()
}

/// What a partner did with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Fetched all of it.
    Fetched,
    /// Removed it from sight.
    Hidden,
}

impl Store {
    /// The files of a folder that the partner sees: neither removed, nor fetched first before `fetched_since`. Oldest first,
    /// [`LISTED_MAX`] at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn mailbox_folder(
        &self,
        mailbox: &str,
        folder: &str,
        fetched_since: Timestamp,
    ) -> Result<Vec<MailboxFile>> {
        Select::new(SELECT)
            .text("mailbox =", Some(mailbox))
            .text("folder =", Some(folder))
            .then("AND hidden_at IS NULL")
            .number(IN_SIGHT, Micros::from(fetched_since).0)
            .then("ORDER BY created_at, mailbox_file_id")
            .limit(LISTED_MAX)
            .all(self.reader())
            .await
    }

    /// The same page by page: what lies behind `after`, `page.limit` files at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn mailbox_folder_page(
        &self,
        mailbox: &str,
        folder: &str,
        fetched_since: Timestamp,
        page: &Page,
    ) -> Result<Vec<MailboxFile>> {
        Select::new(SELECT)
            .text("mailbox =", Some(mailbox))
            .text("folder =", Some(folder))
            .then("AND hidden_at IS NULL")
            .number(IN_SIGHT, Micros::from(fetched_since).0)
            .page_forward("mailbox_file_id", page)
            .all(self.reader())
            .await
    }

    /// One of them by its name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn mailbox_file(
        &self,
        mailbox: &str,
        folder: &str,
        name: &str,
        fetched_since: Timestamp,
    ) -> Result<Option<MailboxFile>> {
        if name.contains('\0') {
            return Ok(None);
        }
        Select::new(SELECT)
            .text("mailbox =", Some(mailbox))
            .text("folder =", Some(folder))
            .text("name =", Some(name))
            .then("AND hidden_at IS NULL")
            .number(IN_SIGHT, Micros::from(fetched_since).0)
            .first(self.reader())
            .await
    }

    /// All files of a mailbox, removed ones too, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn mailbox_files(&self, mailbox: &str, page: &Page) -> Result<Vec<MailboxFile>> {
        Select::new(SELECT).text("mailbox =", Some(mailbox)).page("mailbox_file_id", page).all(self.reader()).await
    }

    /// How many files lie in each mailbox.
    ///
    /// # Errors
    /// The database failed.
    pub async fn mailboxes_lying(&self) -> Result<Vec<Lying>> {
        let query = "SELECT mailbox, COUNT(*) AS files,
                     CAST(COALESCE(SUM(CASE WHEN fetched = 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS unfetched
                     FROM mailbox_file WHERE hidden_at IS NULL GROUP BY mailbox ORDER BY mailbox";
        Ok(sqlx::query_as(query).fetch_all(self.reader()).await?)
    }

    /// Notes what a partner did with a file, with an event in the chain of its transmission.
    ///
    /// # Errors
    /// There is no such file, or the database failed.
    pub async fn mailbox_mark(
        &self,
        file: &MailboxFile,
        mark: Mark,
        address: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (file, address, actor) = (file.clone(), storable(address), actor.clone());
        self.write("mailbox", move |mut tx| {
            Box::pin(async move {
                let query = match mark {
                    Mark::Fetched => {
                        "UPDATE mailbox_file SET fetched = fetched + 1, fetched_at = COALESCE(fetched_at, $2),
                         fetched_from = $3 WHERE mailbox_file_id = $1 RETURNING fetched"
                    }
                    Mark::Hidden => {
                        "UPDATE mailbox_file SET hidden_at = COALESCE(hidden_at, $2),
                         fetched_from = COALESCE(fetched_from, $3) WHERE mailbox_file_id = $1 RETURNING fetched"
                    }
                };
                let fetched: Option<i64> = sqlx::query_scalar(query)
                    .bind(&file.mailbox_file_id)
                    .bind(Micros::from(now))
                    .bind((mark == Mark::Fetched).then_some(&address))
                    .fetch_optional(&mut *tx.connection)
                    .await?;
                let missing = || StoreError::NotFound { what: "mailbox file", id: file.mailbox_file_id.clone() };
                let fetched = fetched.ok_or_else(missing)?;
                let (kind, cause) = match mark {
                    Mark::Fetched => (FETCHED, format!("{}/{} by {address}", file.folder, file.name)),
                    Mark::Hidden => (REMOVED, format!("{}/{} by {address}", file.folder, file.name)),
                };
                let event = NewEvent {
                    transmission_id: &file.transmission_id,
                    delivery_id: file.delivery_id.as_deref(),
                    kind,
                    actor: Some(&actor),
                    cause: Some(&cause),
                    attempt: (mark == Mark::Fetched).then_some(fetched),
                    ..NewEvent::default()
                };
                event::append(&mut tx, event, now).await
            })
        })
        .await
    }

    /// Notes that a partner dropped a file once more, whose first upload was taken already and answered perhaps not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn mailbox_repeated(&self, earlier: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (transmission_id, actor) = (earlier.to_owned(), actor.clone());
        self.write("mailbox", move |mut tx| {
            Box::pin(async move {
                let transmission_id = transmission_id.as_str();
                let event = NewEvent { transmission_id, kind: REPEATED, actor: Some(&actor), ..NewEvent::default() };
                event::append(&mut tx, event, now).await
            })
        })
        .await
    }
}
