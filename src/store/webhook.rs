//! How far each webhook has come in the events of the ledger. Its row is made in the commit that adds the resource, so that it
//! begins with what happens next; its position moves only when an event was taken by the receiver, or is not wanted there.

use super::Store;
use super::audit;
use super::error::{Result, StoreError};
use super::event::{self, Event};
use super::value::{Actor, Micros};
use super::writer::Tx;
use crate::clock::Timestamp;
use sqlx::Row as _;

/// Events that are read at once.
pub const EVENTS_MAX: u32 = 100;
/// What the chain of a webhook's own events is called: `webhook/NAME`, in place of a transmission.
pub const CHAIN: &str = "webhook/";

/// How a webhook is doing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct WebhookState {
    /// The name of the resource.
    pub webhook_id: String,
    /// The sequence of the last event that was taken, or is not wanted.
    pub position: i64,
    /// Failures in a row of the event that comes next.
    pub failures: i64,
    /// Since when it fails.
    pub failing_since: Option<Micros>,
    /// When the event that comes next is tried again.
    pub next_at: Option<Micros>,
    /// When it was given up.
    pub disabled_at: Option<Micros>,
    /// Of the last answer.
    pub status: Option<i64>,
    /// Why it failed last.
    pub reason: Option<String>,
    /// When an event was taken last.
    pub delivered_at: Option<Micros>,
}

/// An event and its place among all.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Sequenced {
    /// Its place among all events, growing; some numbers are left out.
    pub sequence: i64,
    /// What happened.
    #[sqlx(flatten)]
    pub event: Event,
}

const COLUMNS: &str =
    "webhook_id, position, failures, failing_since, next_at, disabled_at, status, reason, delivered_at";

/// Keeps the row beside its resource: made with it, cleared by a change of it, gone with it.
pub(crate) async fn follow(tx: &mut Tx<'_>, name: &str, is_there: bool) -> Result<()> {
    if !is_there {
        sqlx::query("DELETE FROM webhook WHERE webhook_id = $1").bind(name).execute(&mut *tx.connection).await?;
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO webhook (webhook_id, position) SELECT $1, COALESCE(MAX(sequence), 0) FROM event WHERE 1 = 1
         ON CONFLICT (webhook_id) DO UPDATE SET failures = 0, failing_since = NULL, next_at = NULL, disabled_at = NULL,
         status = NULL, reason = NULL",
    )
    .bind(name)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

impl Store {
    /// How all webhooks are doing, by name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn webhooks(&self) -> Result<Vec<WebhookState>> {
        let query = format!("SELECT {COLUMNS} FROM webhook ORDER BY webhook_id");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(query)).fetch_all(self.reader()).await?)
    }

    /// How a webhook is doing.
    ///
    /// # Errors
    /// There is none of that name, or the database failed.
    pub async fn webhook(&self, name: &str) -> Result<WebhookState> {
        let query = format!("SELECT {COLUMNS} FROM webhook WHERE webhook_id = $1");
        let found = sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(name).fetch_optional(self.reader()).await?;
        found.ok_or_else(|| StoreError::NotFound { what: "webhook", id: name.to_owned() })
    }

    /// The events behind a place, in order; [`EVENTS_MAX`] at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn events_after(&self, sequence: i64) -> Result<Vec<Sequenced>> {
        let query = "SELECT sequence, number, transmission_id, document_id, delivery_id, kind, from_state, to_state, \
                     actor, node, cause, attempt, at FROM event WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        Ok(sqlx::query_as(query).bind(sequence).bind(i64::from(EVENTS_MAX)).fetch_all(self.reader()).await?)
    }

    /// Events up to a place are done with: taken by the receiver, where `status` tells its answer, or not wanted.
    ///
    /// # Errors
    /// The database failed; what was taken is then posted again.
    pub async fn webhook_passed(&self, name: &str, position: i64, status: Option<u16>, now: Timestamp) -> Result<()> {
        let name = name.to_owned();
        self.write("webhook", move |tx| {
            Box::pin(async move {
                let query = match status {
                    None => sqlx::query("UPDATE webhook SET position = $2 WHERE webhook_id = $1 AND position < $2")
                        .bind(&name)
                        .bind(position),
                    Some(status) => sqlx::query(
                        "UPDATE webhook SET position = $2, failures = 0, failing_since = NULL, next_at = NULL,
                         reason = NULL, status = $3, delivered_at = $4 WHERE webhook_id = $1 AND position < $2",
                    )
                    .bind(&name)
                    .bind(position)
                    .bind(i64::from(status))
                    .bind(Micros::from(now)),
                };
                query.execute(&mut *tx.connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// The event that comes next was not taken. Without a time for the next attempt the webhook is given up, which is an
    /// event of its own.
    ///
    /// # Errors
    /// The database failed.
    pub async fn webhook_failed(
        &self,
        name: &str,
        next_at: Option<Timestamp>,
        (status, reason): (Option<u16>, &str),
        now: Timestamp,
    ) -> Result<()> {
        let (name, reason) = (name.to_owned(), reason.to_owned());
        self.write("webhook", move |mut tx| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE webhook SET failures = failures + 1, failing_since = COALESCE(failing_since, $2),
                     next_at = $3, disabled_at = $4, status = $5, reason = $6 WHERE webhook_id = $1",
                )
                .bind(&name)
                .bind(Micros::from(now))
                .bind(next_at.map(Micros::from))
                .bind(next_at.is_none().then(|| Micros::from(now)))
                .bind(status.map(i64::from))
                .bind(&reason)
                .execute(&mut *tx.connection)
                .await?;
                // One that was taken away meanwhile needs no telling.
                if next_at.is_some() || done.rows_affected() == 0 {
                    return Ok(());
                }
                event::told(
                    &mut tx,
                    ("webhook", &name),
                    (Some("enabled"), "disabled"),
                    (&Actor::system(), Some(&reason)),
                    now,
                )
                .await
            })
        })
        .await
    }

    /// A webhook goes on where it stopped, at once.
    ///
    /// # Errors
    /// There is none of that name, or the database failed.
    pub async fn resume_webhook(&self, name: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (name, actor) = (name.to_owned(), actor.clone());
        self.write("webhook", move |mut tx| {
            Box::pin(async move {
                let query = "SELECT disabled_at FROM webhook WHERE webhook_id = $1";
                let found = sqlx::query(query).bind(&name).fetch_optional(&mut *tx.connection).await?;
                let found = found.ok_or_else(|| StoreError::NotFound { what: "webhook", id: name.clone() })?;
                let was_disabled = found.get::<Option<i64>, _>(0).is_some();
                follow(&mut tx, &name, true).await?;
                audit::append(&mut tx, &actor, "webhook.resume", &format!("webhook/{name}"), (None, None), now).await?;
                if was_disabled {
                    event::told(&mut tx, ("webhook", &name), (Some("disabled"), "enabled"), (&actor, None), now)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }
}
