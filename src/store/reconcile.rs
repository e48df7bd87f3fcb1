//! Putting right at the start what a crash left behind: half uploads, payloads without a row, deliveries of which nobody
//! knows whether they arrived.

use super::Store;
use super::as2;
use super::delivery::{self, DeliveryState};
use super::error::{Result, StoreError};
use super::job::{self, JobKind};
use super::lane;
use super::payload;
use super::value::{Actor, Micros};
use super::writer::Tx;
use crate::clock::Timestamp;
use std::collections::HashSet;

/// What was found and done.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reconciliation {
    /// Uploads that never ended, removed; their senders had no answer and send again.
    pub uploads_removed: u64,
    /// Payload files that no row refers to, removed; their senders had no answer either.
    pub orphans_removed: u64,
    /// Deliveries that were being sent and go again under the same key.
    pub deliveries_uncertain: u64,
    /// Leases of workers that are gone.
    pub leases_freed: u64,
    /// Jobs that were gone, made anew.
    pub jobs_made: u64,
}

/// A payload of the ledger whose file is not as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Its id, the file's name.
    pub payload_id: String,
    /// The transmission that it is the body of; none where it is something else, such as an entity.
    pub transmission_id: Option<String>,
    /// Bytes that the file should have.
    pub expected: u64,
    /// Those that it has; none where there is no file.
    pub found: Option<u64>,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "payload/{}", self.payload_id)?;
        if let Some(transmission_id) = &self.transmission_id {
            write!(f, " of {transmission_id}")?;
        }
        match self.found {
            Some(found) => write!(f, " (expected {} bytes, found {found})", self.expected),
            None => Ok(()),
        }
    }
}

/// Payloads, or secrets where there are none, that are tried, so that a single damaged one does not pass for a wrong key.
const TRIED: i64 = 5;

impl Store {
    /// Refuses a data directory whose key is not the one that the rows were sealed with: a server's database was given
    /// another directory, say. Going on would mix what two keys open.
    pub(crate) async fn check_key(&self) -> Result<()> {
        let query = "SELECT payload_id, sealed FROM payload WHERE sealed IS NOT NULL LIMIT $1";
        let mut sealed: Vec<(String, Vec<u8>)> = sqlx::query_as(query).bind(TRIED).fetch_all(self.reader()).await?;
        if sealed.is_empty() {
            sealed = self.sealed_secrets(TRIED).await?;
        }
        if !sealed.is_empty() && !sealed.iter().any(|(id, bytes)| self.master_key().open_all(id, bytes).is_ok()) {
            return Err(StoreError::Unfit(format!(
                "{} was sealed with another master.key; use the data directory that belongs to it",
                self.database()
            )));
        }
        Ok(())
    }

    pub(crate) async fn reconcile(&self, now: Timestamp) -> Result<Reconciliation> {
        let uploads_removed = self.directory().clear_temporary()?;
        let rows: Vec<String> = sqlx::query_scalar(KEPT_AS_FILES).fetch_all(self.reader()).await?;
        let files: HashSet<String> = self.directory().payload_names()?.into_iter().collect();
        let wanted: HashSet<&String> = rows.iter().collect();
        let mut orphans_removed = 0;
        for orphan in files.iter().filter(|name| !wanted.contains(name)) {
            let path = self.directory().payload(orphan);
            std::fs::remove_file(&path).map_err(|error| StoreError::file(&path, error))?;
            orphans_removed += 1;
        }
        let (deliveries_uncertain, leases_freed, jobs_made) = self
            .write("reconcile", move |mut tx| {
                Box::pin(async move {
                    let (uncertain, freed) = free(&mut tx, now).await?;
                    Ok((uncertain, freed, make_jobs(&mut tx, now).await?))
                })
            })
            .await?;
        Ok(Reconciliation { uploads_removed, orphans_removed, deliveries_uncertain, leases_freed, jobs_made })
    }

    /// Payloads whose file is gone, or is not as long as it was. Nothing is opened; what stands in a file is checked when it is
    /// read.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lost_payloads(&self) -> Result<Vec<Lost>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(KEPT_AS_FILES_WITH_SIZE).fetch_all(self.reader()).await?;
        let mut lost = Vec::new();
        for (payload_id, size) in rows {
            let expected = payload::file_bytes(u64::try_from(size).unwrap_or(0));
            let found = self.payload_file_bytes(&payload_id);
            if found == Some(expected) {
                continue;
            }
            // Its bytes may have been removed for their age since the rows were read.
            let query = "SELECT purged_at FROM payload WHERE payload_id = $1";
            let purged: Option<Option<i64>> =
                sqlx::query_scalar(query).bind(&payload_id).fetch_optional(self.reader()).await?;
            if purged.flatten().is_some() {
                continue;
            }
            let query = "SELECT transmission_id FROM transmission WHERE payload_id = $1 LIMIT 1";
            let transmission_id = sqlx::query_scalar(query).bind(&payload_id).fetch_optional(self.reader()).await?;
            lost.push(Lost { payload_id, transmission_id, expected, found });
        }
        Ok(lost)
    }

    /// Bytes of the file of a payload; none where there is no file.
    #[must_use]
    pub fn payload_file_bytes(&self, payload_id: &str) -> Option<u64> {
        std::fs::metadata(self.directory().payload(payload_id)).ok().map(|file| file.len())
    }
}

/// Payloads that are files.
const KEPT_AS_FILES: &str = "SELECT payload_id FROM payload WHERE sealed IS NULL AND purged_at IS NULL";
/// The same with their bytes of plaintext.
const KEPT_AS_FILES_WITH_SIZE: &str =
    "SELECT payload_id, size FROM payload WHERE sealed IS NULL AND purged_at IS NULL ORDER BY payload_id";

/// Makes the jobs that are lacking: without one nothing ever comes back to what it is for. No commit of ours leaves one out, so
/// that somebody else took it away. What is counted is the same (`count.rs`, the sum of jobs).
async fn make_jobs(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    let count = "SELECT COUNT(*) FROM job";
    let before: i64 = sqlx::query_scalar(count).fetch_one(&mut *tx.connection).await?;
    translations(tx, now).await?;
    deliveries(tx, now).await?;
    make(tx, JobKind::Gather, GATHERINGS, now).await?;
    make(tx, JobKind::Acknowledge, DEADLINES, now).await?;
    let after: i64 = sqlx::query_scalar(count).fetch_one(&mut *tx.connection).await?;
    Ok(u64::try_from(after - before).unwrap_or(0))
}

/// What came in and is not translated to its end. It is in translation since it came, as whoever waits for what is earlier sees it.
async fn translations(tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
    let lacking: Vec<(String, String, Micros)> = sqlx::query_as(
        "SELECT transmission_id, channel, created_at FROM transmission
         WHERE direction = 'in' AND state IN ('incoming', 'stored', 'verified')
         AND NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'translate' AND job.subject = transmission.transmission_id)
         ORDER BY created_at, transmission_id",
    )
    .fetch_all(&mut *tx.connection)
    .await?;
    for (transmission_id, channel, came_at) in lacking {
        job::translate(tx, &transmission_id, &channel, (now, came_at.timestamp())).await?;
    }
    Ok(())
}

/// Documents that wait for company leave when the first of them is due; whether they are enough already, only their agreement knows.
const GATHERINGS: &str = "SELECT waiting.subject, waiting.due_at FROM
     (SELECT agreement || '/' || environment AS subject, MIN(due_at) AS due_at FROM gathered
      GROUP BY agreement, environment) AS waiting
     WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'gather' AND job.subject = waiting.subject)";
/// Acknowledgments whose clock runs.
const DEADLINES: &str =
    "SELECT ack_id, deadline FROM ack WHERE direction = 'in' AND state = 'waiting' AND deadline IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'acknowledge' AND job.subject = ack.ack_id)";

/// Makes a job of a kind for each subject that a query finds lacking one, at the time that stands beside it.
async fn make(tx: &mut Tx<'_>, kind: JobKind, lacking: &'static str, now: Timestamp) -> Result<()> {
    let lacking: Vec<(String, Micros)> = sqlx::query_as(lacking).fetch_all(&mut *tx.connection).await?;
    for (subject, due_at) in lacking {
        job::insert(tx, kind, &subject, due_at.timestamp(), now).await?;
    }
    Ok(())
}

/// Deliveries that wait for nobody, what of lanes is under way, and of each lane the first.
async fn deliveries(tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
    let alone: Vec<(String, Option<Micros>)> = sqlx::query_as(
        "SELECT delivery_id, next_at FROM delivery
         WHERE state IN ('ready', 'leased', 'sending', 'awaiting_receipt', 'uncertain', 'retry_wait') AND lane IS NULL
         AND NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'deliver' AND job.subject = delivery.delivery_id)",
    )
    .fetch_all(&mut *tx.connection)
    .await?;
    for (delivery_id, next_at) in alone {
        job::deliver_if_none(tx, &delivery_id, next_at.map_or(now, Micros::timestamp), now).await?;
    }
    // What of a lane is under way needs its own; the first of the others is the lane's affair.
    let receipts: Vec<(String, Option<Micros>)> = sqlx::query_as(
        "SELECT delivery_id, next_at FROM delivery WHERE state = 'awaiting_receipt' AND lane IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'deliver' AND job.subject = delivery.delivery_id)",
    )
    .fetch_all(&mut *tx.connection)
    .await?;
    for (delivery_id, next_at) in receipts {
        job::deliver_if_none(tx, &delivery_id, next_at.map_or(now, Micros::timestamp), now).await?;
    }
    let lanes: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT lane FROM delivery WHERE state IN ('ready', 'uncertain', 'retry_wait') AND lane IS NOT NULL",
    )
    .fetch_all(&mut *tx.connection)
    .await?;
    for lane in lanes {
        lane::turn(tx, &lane, now).await?;
    }
    Ok(())
}

/// This process holds the directory alone, so every lease is of a process that is gone. Each counts as lost: a document
/// that takes its worker down must not do so for ever.
async fn free(tx: &mut Tx<'_>, now: Timestamp) -> Result<(u64, u64)> {
    let sending: Vec<String> =
        sqlx::query_scalar("SELECT delivery_id FROM delivery WHERE state IN ('sending', 'leased')")
            .fetch_all(&mut *tx.connection)
            .await?;
    for delivery_id in &sending {
        if doubt(tx, delivery_id, "the process ended while it was being sent", now).await? {
            job::deliver(tx, delivery_id, now, now).await?;
        }
    }
    let freed = sqlx::query(
        "UPDATE job SET lease_token = NULL, lease_until = NULL, losses = losses + 1, run_at = $1
         WHERE lease_token IS NOT NULL",
    )
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok((sending.len() as u64, freed.rows_affected()))
}

/// A delivery of which nobody knows whether it arrived is uncertain and goes again, or is held where its agreement says
/// so. Its attempt ends with that, so that the next one's end is not taken for this one's. Returns whether it goes again.
async fn doubt(tx: &mut Tx<'_>, delivery_id: &str, reason: &str, now: Timestamp) -> Result<bool> {
    let from = [DeliveryState::Sending, DeliveryState::Leased];
    let change = delivery::Change { reason: Some(reason), ..delivery::Change::default() };
    let before =
        delivery::change(tx, delivery_id, &from, DeliveryState::Uncertain, change, &Actor::system(), now).await?;
    sqlx::query(
        "UPDATE attempt SET outcome = $2, detail = $3, ended_at = $4 WHERE delivery_id = $1 AND ended_at IS NULL",
    )
    .bind(delivery_id)
    .bind(DeliveryState::Uncertain)
    .bind(reason)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    // Its receipt may have been quicker than the end of the attempt.
    if let Some(early) = as2::came_early(tx, delivery_id).await? {
        let found = delivery::find(tx, delivery_id).await?;
        let refusal = (early == as2::Early::Refused).then_some(as2::EARLY_REFUSAL);
        as2::end_by(tx, &found, refusal, &Actor::system(), now).await?;
        return Ok(false);
    }
    if before.on_uncertain != "hold" {
        return Ok(true);
    }
    // By its code alerts know it.
    let (code, reason) = (Some("UNCERTAIN"), Some("uncertain, and the agreement says to hold"));
    let change = delivery::Change { code, reason, ..Default::default() };
    let (from, to) = ([DeliveryState::Uncertain], DeliveryState::Held);
    delivery::change(tx, delivery_id, &from, to, change, &Actor::system(), now).await?;
    job::drop_for(tx, JobKind::Deliver, delivery_id).await?;
    Ok(false)
}

/// A delivery whose lease ran out: what came of its attempt was not written, because its worker or the database went
/// away. Returns whether it goes again.
pub(crate) async fn resume(tx: &mut Tx<'_>, delivery_id: &str, now: Timestamp) -> Result<bool> {
    let found = delivery::find(tx, delivery_id).await?;
    if found.state != DeliveryState::Sending.as_str() {
        return Ok(true);
    }
    doubt(tx, delivery_id, "its lease ran out while it was being sent", now).await
}
