//! Jobs: what is to be done next, leased to one worker at a time. A worker that loses its lease has its writes refused;
//! a job whose lease was lost twice is poison and goes to its owner as a failure.

use super::Store;
use super::error::{Result, StoreError};
use super::reconcile;
use super::value::{Micros, words};
use super::writer::Tx;
use crate::clock::Timestamp;
use sqlx::Row as _;
use std::time::Duration;

/// How long a lease holds without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(60);
/// Leases that may run out before a job counts as poison.
pub const LOSSES_MAX: i64 = 2;

words! {
    /// What a job does.
    JobKind {
        /// Identify to encode; the subject is a transmission.
        Translate = "translate",
        /// Send; the subject is a delivery.
        Deliver = "deliver",
        /// Look whether an acknowledgment came in time; the subject is an acknowledgment.
        Acknowledge = "acknowledge",
    }
}

/// A leased job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub job_id: String,
    /// What it does.
    pub kind: JobKind,
    /// To what.
    pub subject: String,
    /// Proof of the lease; every write of the worker carries it.
    pub token: String,
    /// How far a sliced translation has come.
    pub cursor: Option<String>,
    /// Leases that ran out before this one.
    pub losses: i64,
}

impl Job {
    /// Whether it has taken its workers down too often to be tried again.
    #[must_use]
    pub fn is_poison(&self) -> bool {
        self.losses >= LOSSES_MAX
    }
}

/// Puts a job in the queue; one that is there already for the same subject stays.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    kind: JobKind,
    subject: &str,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let id = tx.id("job", now);
    sqlx::query(
        "INSERT INTO job (job_id, kind, subject, run_at, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (kind, subject) DO UPDATE SET run_at = excluded.run_at, lease_token = NULL, lease_until = NULL",
    )
    .bind(id)
    .bind(kind)
    .bind(subject)
    .bind(Micros::from(run_at))
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Refuses the commit of a worker whose lease another has taken.
pub(crate) async fn check_lease(tx: &mut Tx<'_>, job: &Job) -> Result<()> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT lease_token FROM job WHERE job_id = $1 AND lease_token = $2")
            .bind(&job.job_id)
            .bind(&job.token)
            .fetch_optional(&mut *tx.connection)
            .await?;
    found.map(drop).ok_or_else(|| StoreError::LeaseLost(job.job_id.clone()))
}

/// The job is done.
pub(crate) async fn finish(tx: &mut Tx<'_>, job: &Job) -> Result<()> {
    sqlx::query("DELETE FROM job WHERE job_id = $1").bind(&job.job_id).execute(&mut *tx.connection).await?;
    Ok(())
}

/// Drops the job of a subject, if there is one.
pub(crate) async fn drop_for(tx: &mut Tx<'_>, kind: JobKind, subject: &str) -> Result<()> {
    sqlx::query("DELETE FROM job WHERE kind = $1 AND subject = $2")
        .bind(kind)
        .bind(subject)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// The job is to run again at `run_at`; keeps its cursor.
pub(crate) async fn again(tx: &mut Tx<'_>, job: &Job, run_at: Timestamp) -> Result<()> {
    sqlx::query("UPDATE job SET run_at = $2, lease_token = NULL, lease_until = NULL, losses = 0 WHERE job_id = $1")
        .bind(&job.job_id)
        .bind(Micros::from(run_at))
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Remembers how far a sliced translation has come.
pub(crate) async fn set_cursor(tx: &mut Tx<'_>, job: &Job, cursor: &str) -> Result<()> {
    sqlx::query("UPDATE job SET slice_cursor = $2, losses = 0 WHERE job_id = $1")
        .bind(&job.job_id)
        .bind(cursor)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

impl Store {
    /// Leases up to `count` due jobs of a kind, the longest waiting first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lease(&self, kind: JobKind, count: u32, now: Timestamp) -> Result<Vec<Job>> {
        // Most looks find nothing; they need not wait for the writer.
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM job WHERE kind = $1 AND run_at <= $2 AND (lease_until IS NULL OR lease_until < $2) LIMIT 1",
        )
        .bind(kind)
        .bind(Micros::from(now))
        .fetch_optional(self.reader())
        .await?;
        if due.is_none() {
            return Ok(Vec::new());
        }
        self.write("lease", move |mut tx| Box::pin(async move { lease(&mut tx, kind, count, now).await })).await
    }

    /// Prolongs a lease.
    ///
    /// # Errors
    /// The lease was lost, or the database failed.
    pub async fn heartbeat(&self, job: &Job, now: Timestamp) -> Result<()> {
        let job = job.clone();
        self.write("heartbeat", move |mut tx| {
            Box::pin(async move {
                check_lease(&mut tx, &job).await?;
                sqlx::query("UPDATE job SET lease_until = $2 WHERE job_id = $1")
                    .bind(&job.job_id)
                    .bind(Micros::from(now + LEASE))
                    .execute(&mut *tx.connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Gives a lease back, to run again at `run_at`; for work that could not be begun.
    ///
    /// # Errors
    /// The lease was lost, or the database failed.
    pub async fn give_back(&self, job: &Job, run_at: Timestamp) -> Result<()> {
        let job = job.clone();
        self.write("give_back", move |mut tx| {
            Box::pin(async move {
                check_lease(&mut tx, &job).await?;
                again(&mut tx, &job, run_at).await
            })
        })
        .await
    }

    /// Jobs that are due and waiting, by kind, with the age of the oldest in microseconds.
    ///
    /// # Errors
    /// The database failed.
    pub async fn backlog(&self, now: Timestamp) -> Result<Vec<(String, i64, i64)>> {
        let rows = sqlx::query("SELECT kind, COUNT(*), MIN(run_at) FROM job WHERE run_at <= $1 GROUP BY kind")
            .bind(Micros::from(now))
            .fetch_all(self.reader())
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1), Micros::from(now).0 - row.get::<i64, _>(2))).collect())
    }
}

async fn lease(tx: &mut Tx<'_>, kind: JobKind, count: u32, now: Timestamp) -> Result<Vec<Job>> {
    let rows = sqlx::query(
        "SELECT job_id, subject, slice_cursor, losses, lease_token FROM job
         WHERE kind = $1 AND run_at <= $2 AND (lease_until IS NULL OR lease_until < $2)
         ORDER BY run_at, job_id LIMIT $3",
    )
    .bind(kind)
    .bind(Micros::from(now))
    .bind(i64::from(count))
    .fetch_all(&mut *tx.connection)
    .await?;
    let mut jobs = Vec::new();
    for row in rows {
        let was_leased = row.get::<Option<String>, _>(4).is_some();
        if kind == JobKind::Deliver && was_leased && !reconcile::resume(tx, &row.get::<String, _>(1), now).await? {
            continue;
        }
        let job = Job {
            job_id: row.get(0),
            kind,
            subject: row.get(1),
            token: tx.id("lse", now),
            cursor: row.get(2),
            losses: row.get::<i64, _>(3) + i64::from(was_leased),
        };
        sqlx::query("UPDATE job SET lease_token = $2, lease_until = $3, losses = $4 WHERE job_id = $1")
            .bind(&job.job_id)
            .bind(&job.token)
            .bind(Micros::from(now + LEASE))
            .bind(job.losses)
            .execute(&mut *tx.connection)
            .await?;
        jobs.push(job);
    }
    Ok(jobs)
}
