//! Files that channels took from folders, and what deliveries into folders are called there. What was seen is remembered, so
//! that it is taken once however often it is seen; bytes and states are those of its transmission and delivery.

use super::Store;
use super::error::{Result, StoreError};
use super::mailbox::numbered;
use super::select::Select;
use super::value::{Micros, storable};
use super::writer::Tx;
use crate::clock::Timestamp;

/// Files of a channel that are still to be removed or moved, read at once.
const UNSETTLED_MAX: u32 = 10_000;

/// A file that was taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct PickupFile {
    /// Its id.
    pub pickup_file_id: String,
    /// The channel that took it.
    pub channel: String,
    /// Its name there.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// When it was changed last, as its place says it.
    pub modified_at: i64,
    /// SHA-256, hexadecimal.
    pub digest: String,
    /// What it became.
    pub transmission_id: String,
    /// [`Settled`], once that is done.
    pub settled: Option<String>,
    /// When it was.
    pub settled_at: Option<Micros>,
    /// Why it could not be.
    pub reason: Option<String>,
    /// When that is tried again.
    pub next_at: Option<Micros>,
    /// 1 where it had the bytes of one that was taken before, and made no work; the transmission is that one's.
    pub unchanged: i64,
    /// When it was taken.
    pub created_at: Micros,
}

/// What became of a file there, after it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was removed.
    Removed,
    /// It was moved.
    Moved,
    /// It stays.
    Kept,
}

impl Settled {
    /// As the ledger has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Moved => "moved",
            Self::Kept => "kept",
        }
    }
}

/// A file as its place shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The channel that looks.
    pub channel: String,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// When it was changed last, as its place says it.
    pub modified_at: i64,
}

const SELECT: &str = "SELECT pickup_file_id, channel, name, size, modified_at, digest, transmission_id, settled, settled_at, \
                      reason, next_at, unchanged, created_at FROM pickup_file WHERE 1 = 1";
const NEWEST: &str = "ORDER BY created_at DESC, pickup_file_id DESC";

/// The newest file that a channel took, of a name where one is given.
pub(crate) async fn newest(tx: &mut Tx<'_>, channel: &str, name: Option<&str>) -> Result<Option<PickupFile>> {
    let found = Select::new(SELECT).text("channel =", Some(channel)).text("name =", name);
    found.then(NEWEST).first(&mut *tx.connection).await
}

/// Writes the row of a file that becomes a transmission by the same commit, or is `unchanged` since the one it became; its id.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    seen: &Seen,
    (digest, transmission_id): (&str, &str),
    unchanged: bool,
    now: Timestamp,
) -> Result<String> {
    let id = tx.id("pic", now);
    sqlx::query(
        "INSERT INTO pickup_file (pickup_file_id, channel, name, size, modified_at, digest, transmission_id, unchanged,
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&id)
    .bind(&seen.channel)
    .bind(storable(&seen.name))
    .bind(seen.size)
    .bind(seen.modified_at)
    .bind(digest)
    .bind(transmission_id)
    .bind(i64::from(unchanged))
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(id)
}

impl Store {
    /// The newest file of a name that a channel took.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pickup_file(&self, channel: &str, name: &str) -> Result<Option<PickupFile>> {
        let found = Select::new(SELECT).text("channel =", Some(channel)).text("name =", Some(name));
        found.then(NEWEST).first(self.reader()).await
    }

    /// Files that a channel took and that are still to be removed or moved, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pickup_unsettled(&self, channel: &str) -> Result<Vec<PickupFile>> {
        let found = Select::new(SELECT).text("channel =", Some(channel)).then("AND settled IS NULL");
        found.then("ORDER BY created_at, pickup_file_id").limit(UNSETTLED_MAX).all(self.reader()).await
    }

    /// The file that a channel took last.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pickup_last(&self, channel: &str) -> Result<Option<PickupFile>> {
        Select::new(SELECT).text("channel =", Some(channel)).then(NEWEST).first(self.reader()).await
    }

    /// Until when the schedule of a channel was followed; `None` where it has just begun.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pickup_followed(&self, channel: &str) -> Result<Option<Timestamp>> {
        let query = sqlx::query_scalar("SELECT followed_to FROM pickup_look WHERE channel = $1").bind(channel);
        let found: Option<i64> = query.fetch_optional(self.reader()).await?;
        Ok(found.and_then(|at| Timestamp::from_microsecond(at).ok()))
    }

    /// The schedule of a channel was followed until a time.
    ///
    /// # Errors
    /// The database failed; what came due by then is then done once more.
    pub async fn pickup_follow(&self, channel: &str, to: Timestamp) -> Result<()> {
        let channel = channel.to_owned();
        self.write("pickup_followed", move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO pickup_look (channel, followed_to) VALUES ($1, $2)
                     ON CONFLICT (channel) DO UPDATE SET followed_to = excluded.followed_to",
                )
                .bind(channel)
                .bind(Micros::from(to))
                .execute(&mut *tx.connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// What became of a file there. With the time that its place says now, where that changed.
    ///
    /// # Errors
    /// The database failed; the file is then seen again, is known, and the same is done once more.
    pub async fn pickup_settled(&self, id: &str, what: Settled, modified_at: i64, now: Timestamp) -> Result<()> {
        let id = id.to_owned();
        self.write("pickup_settled", move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE pickup_file SET settled = $2, settled_at = $3, modified_at = $4, reason = NULL, next_at = NULL
                     WHERE pickup_file_id = $1",
                )
                .bind(id)
                .bind(what.as_str())
                .bind(Micros::from(now))
                .bind(modified_at)
                .execute(&mut *tx.connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// A file that was taken can be neither removed nor moved; that is tried again then.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pickup_stuck(&self, id: &str, reason: &str, next_at: Timestamp) -> Result<()> {
        let (id, reason) = (id.to_owned(), storable(reason));
        self.write("pickup_settled", move |tx| {
            Box::pin(async move {
                sqlx::query("UPDATE pickup_file SET reason = $2, next_at = $3 WHERE pickup_file_id = $1")
                    .bind(id)
                    .bind(reason)
                    .bind(Micros::from(next_at))
                    .execute(&mut *tx.connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// What a delivery is called in the folder of its channel: the name wanted or the first with a number that no other has,
    /// the same at each attempt. Where something that is not ours has the name there, `taken` is it, and the next is had.
    ///
    /// # Errors
    /// The database failed.
    pub async fn dropped_name(
        &self,
        (delivery_id, channel): (&str, &str),
        wanted: &str,
        taken: Option<&str>,
        now: Timestamp,
    ) -> Result<String> {
        let (delivery_id, channel) = (delivery_id.to_owned(), channel.to_owned());
        let (wanted, taken) = (wanted.to_owned(), taken.map(str::to_owned));
        self.write("dropped_name", move |tx| {
            Box::pin(async move {
                let own: Option<String> = sqlx::query_scalar("SELECT name FROM dropped_file WHERE delivery_id = $1")
                    .bind(&delivery_id)
                    .fetch_optional(&mut *tx.connection)
                    .await?;
                if let Some(own) = own.as_ref().filter(|own| taken.as_ref() != Some(own)) {
                    return Ok(own.clone());
                }
                let mut names = numbered(&wanted, &delivery_id);
                if let Some(taken) = &taken {
                    // What was tried before is not tried again.
                    names = match names.iter().position(|name| name == taken) {
                        Some(at) => names.split_off(at + 1),
                        None => names.split_off(names.len() - 1),
                    };
                }
                for name in names {
                    let other: Option<i64> =
                        sqlx::query_scalar("SELECT 1 FROM dropped_file WHERE channel = $1 AND name = $2")
                            .bind(&channel)
                            .bind(&name)
                            .fetch_optional(&mut *tx.connection)
                            .await?;
                    if other.is_some() {
                        continue;
                    }
                    sqlx::query(
                        "INSERT INTO dropped_file (delivery_id, channel, name, created_at) VALUES ($1, $2, $3, $4)
                         ON CONFLICT (delivery_id) DO UPDATE SET name = $3",
                    )
                    .bind(&delivery_id)
                    .bind(&channel)
                    .bind(&name)
                    .bind(Micros::from(now))
                    .execute(&mut *tx.connection)
                    .await?;
                    return Ok(name);
                }
                Err(StoreError::Conflict(format!("all names like {wanted} are taken in the folder of {channel}")))
            })
        })
        .await
    }
}
