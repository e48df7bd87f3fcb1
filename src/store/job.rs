//! Jobs: what is to be done next, leased to one worker at a time. A worker that loses its lease has its writes refused;
//! a job whose lease was lost twice is poison and goes to its owner as a failure.

use super::Store;
use super::error::{Result, StoreError};
use super::pause::{self, Paused};
use super::reconcile;
use super::rows::{Cell, Rows};
use super::select::Select;
use super::value::{Micros, words};
use super::writer::Tx;
use crate::clock::Timestamp;
use sqlx::Row as _;
use std::collections::HashMap;
use std::time::Duration;

/// How long a lease holds without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(60);
/// Leases that may run out before a job counts as poison.
pub const LOSSES_MAX: i64 = 2;
/// Due deliveries that are looked at for some whose channel has a place, at most.
const LOOKED_AT: u32 = 64;
/// How often in one commit others are looked for where all that were found wait for the end of a pause, at most.
const LOOKS_PAUSED_MAX: usize = 64;

words! {
    /// What a job does.
    JobKind {
        /// Identify to encode; the subject is a transmission.
        Translate = "translate",
        /// Let documents that wait for company leave; the subject is an agreement with its environment.
        Gather = "gather",
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
    /// What was paused when it was leased.
    pub paused: Paused,
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
    insert_all(tx, kind, &[(subject, run_at, now)]).await
}

/// The same for several subjects, each with when it is to run and when it was asked for.
pub(crate) async fn insert_all(
    tx: &mut Tx<'_>,
    kind: JobKind,
    subjects: &[(&str, Timestamp, Timestamp)],
) -> Result<()> {
    let mut rows = Rows::new("INSERT INTO job (job_id, kind, subject, run_at, created_at)").then(
        "ON CONFLICT (kind, subject) DO UPDATE SET run_at = excluded.run_at, lease_token = NULL, lease_until = NULL",
    );
    for (subject, run_at, now) in subjects {
        rows.push([
            Cell::Owned(tx.id("job", *now)),
            Cell::Text(kind.as_str()),
            Cell::Text(subject),
            Micros::from(*run_at).into(),
            Micros::from(*now).into(),
        ]);
    }
    rows.insert(tx).await?;
    Ok(())
}

/// Puts a job in the queue, or lets one that is there run sooner; a lease that it has goes on.
pub(crate) async fn hasten(
    tx: &mut Tx<'_>,
    kind: JobKind,
    subject: &str,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO job (job_id, kind, subject, run_at, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (kind, subject) DO UPDATE SET
         run_at = CASE WHEN excluded.run_at < job.run_at THEN excluded.run_at ELSE job.run_at END",
    )
    .bind(tx.id("job", now))
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
    /// Leases up to `count` due jobs of a kind, the longest waiting first. Those `at_work` in this process are left out: set
    /// forward, the clock lets a lease run out whose worker is well.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lease(&self, kind: JobKind, count: u32, at_work: &[String], now: Timestamp) -> Result<Vec<Job>> {
        let due = Due { kind, now, subject: None, without: Vec::new(), at_work: at_work.to_vec() };
        if !self.is_due(&due).await? {
            return Ok(Vec::new());
        }
        self.write("lease", move |mut tx| {
            Box::pin(async move {
                let found = due.find(&mut tx, count).await?;
                Ok(lease(&mut tx, found, now).await?.into_iter().map(|(job, _)| job).collect())
            })
        })
        .await
    }

    /// Leases up to `count` due deliveries with their channels, the longest waiting first; over one channel so many that
    /// with those at work it has `places` at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lease_deliveries(
        &self,
        count: usize,
        places: usize,
        at_work: HashMap<String, usize>,
        jobs_at_work: &[String],
        now: Timestamp,
    ) -> Result<Vec<(Job, String)>> {
        let full = at_work.iter().filter(|(_, count)| **count >= places).map(|(channel, _)| channel.clone()).collect();
        let due = Due { kind: JobKind::Deliver, now, subject: None, without: full, at_work: jobs_at_work.to_vec() };
        if !self.is_due(&due).await? {
            return Ok(Vec::new());
        }
        self.write("lease", move |mut tx| {
            Box::pin(async move {
                let mut found = due.find(&mut tx, LOOKED_AT).await?;
                let mut taken = at_work;
                found.retain(|one| {
                    let taken = taken.entry(one.channel.clone()).or_default();
                    *taken += 1;
                    *taken <= places
                });
                found.truncate(count);
                lease(&mut tx, found, now).await
            })
        })
        .await
    }

    /// Leases the job of one subject, if it is due and nobody has it, however many wait before it. One that would use
    /// something paused is set aside.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lease_of(
        &self,
        kind: JobKind,
        subject: &str,
        at_work: &[String],
        now: Timestamp,
    ) -> Result<Option<Job>> {
        let subject = Some(subject.to_owned());
        let due = Due { kind, now, subject, without: Vec::new(), at_work: at_work.to_vec() };
        self.write("lease", move |mut tx| {
            Box::pin(async move {
                let found = due.find(&mut tx, 1).await?;
                Ok(lease(&mut tx, found, now).await?.into_iter().next().map(|(job, _)| job))
            })
        })
        .await
    }

    /// Most looks find nothing; they need not wait for the writer.
    async fn is_due(&self, due: &Due) -> Result<bool> {
        Ok(!due.query(1).all::<Found, _>(self.reader()).await?.is_empty())
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

    /// How far a sliced translation has come by now, slices of this lease included.
    ///
    /// # Errors
    /// The lease was lost, or the database failed.
    pub async fn cursor(&self, job: &Job) -> Result<Option<String>> {
        let found: Option<Option<String>> =
            sqlx::query_scalar("SELECT slice_cursor FROM job WHERE job_id = $1 AND lease_token = $2")
                .bind(&job.job_id)
                .bind(&job.token)
                .fetch_optional(self.reader())
                .await?;
        found.ok_or_else(|| StoreError::LeaseLost(job.job_id.clone()))
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

    /// Lets deliveries that were given back until later be looked at now, or at the time of their retry: windows have changed.
    /// What waits for a pause waits on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn windows_changed(&self, now: Timestamp) -> Result<()> {
        self.write("windows_changed", move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE job SET run_at = (SELECT COALESCE(next_at, $1) FROM delivery WHERE delivery_id = job.subject)
                     WHERE kind = $2 AND run_at > $1 AND lease_token IS NULL AND waits_for IS NULL AND subject IN
                     (SELECT delivery_id FROM delivery
                      WHERE state IN ('ready', 'retry_wait', 'uncertain', 'awaiting_receipt'))",
                )
                .bind(Micros::from(now))
                .bind(JobKind::Deliver)
                .execute(&mut *tx.connection)
                .await?;
                Ok(())
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

/// Which jobs are looked for: of a kind, due, not leased, of one subject where that is named, not over one of some channels,
/// and not at work here.
struct Due {
    kind: JobKind,
    now: Timestamp,
    subject: Option<String>,
    without: Vec<String>,
    at_work: Vec<String>,
}

/// A due job, and the channel of its delivery.
#[derive(sqlx::FromRow)]
struct Found {
    job_id: String,
    kind: JobKind,
    subject: String,
    slice_cursor: Option<String>,
    losses: i64,
    lease_token: Option<String>,
    channel: String,
    #[sqlx(skip)]
    paused: Paused,
}

impl Due {
    fn query(&self, count: u32) -> Select {
        let now = Micros::from(self.now).0;
        let mut query = Select::new(
            "SELECT job.job_id, job.kind, job.subject, job.slice_cursor, job.losses, job.lease_token,
             COALESCE(delivery.channel, '') AS channel
             FROM job LEFT JOIN delivery ON delivery.delivery_id = job.subject WHERE 1 = 1",
        )
        .text("job.kind =", Some(self.kind.as_str()))
        .text("job.subject =", self.subject.as_deref())
        .number("job.run_at <=", now)
        .number("COALESCE(job.lease_until, 0) <", now);
        // One condition each, however many there are: a database goes only so deep into a chain of them.
        for (left, values) in [("delivery.channel NOT", &self.without), ("job.job_id NOT", &self.at_work)] {
            if !values.is_empty() {
                query = query.among(left, values);
            }
        }
        query.then("ORDER BY job.run_at, job.job_id").limit(count)
    }

    async fn find(&self, tx: &mut Tx<'_>, count: u32) -> Result<Vec<Found>> {
        let paused = pause::paused(tx, self.now).await?;
        let looked_at = if paused.is_empty() { count } else { count.max(LOOKED_AT) };
        for _ in 0..LOOKS_PAUSED_MAX {
            let mut found: Vec<Found> = self.query(looked_at).all(&mut *tx.connection).await?;
            if paused.is_empty() || found.is_empty() {
                return Ok(found);
            }
            // What is written in part already goes on to its end.
            let whole = found.iter().filter(|one| one.slice_cursor.is_none());
            let jobs: Vec<_> = whole.map(|one| (one.job_id.clone(), one.subject.clone())).collect();
            let waiting = pause::set_aside(tx, &paused, self.kind, &jobs).await?;
            found.retain(|one| !waiting.contains(&one.job_id));
            if !found.is_empty() {
                found.truncate(count as usize);
                found.iter_mut().for_each(|one| one.paused = paused.clone());
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

/// Leases what was found, all under one token. A delivery of which nobody knows whether it arrived may be held instead.
async fn lease(tx: &mut Tx<'_>, found: Vec<Found>, now: Timestamp) -> Result<Vec<(Job, String)>> {
    let token = tx.id("lse", now);
    let mut leased = Vec::new();
    for one in found {
        let was_leased = one.lease_token.is_some();
        if one.kind == JobKind::Deliver && was_leased && !reconcile::resume(tx, &one.subject, now).await? {
            continue;
        }
        let (cursor, losses) = (one.slice_cursor, one.losses + i64::from(was_leased));
        let (job_id, token, paused) = (one.job_id, token.clone(), one.paused);
        leased.push((Job { job_id, kind: one.kind, subject: one.subject, token, cursor, losses, paused }, one.channel));
    }
    if leased.is_empty() {
        return Ok(leased);
    }
    let places: Vec<String> = (3..leased.len() + 3).map(|at| format!("${at}")).collect();
    let text = format!(
        "UPDATE job SET losses = losses + CASE WHEN lease_token IS NULL THEN 0 ELSE 1 END, lease_token = $1,
         lease_until = $2, waits_for = NULL WHERE job_id IN ({})",
        places.join(", ")
    );
    // Safe: the text has placeholders only.
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(&token).bind(Micros::from(now + LEASE));
    for (job, _) in &leased {
        query = query.bind(&job.job_id);
    }
    query.execute(&mut *tx.connection).await?;
    Ok(leased)
}
