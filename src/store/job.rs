//! Jobs: what is to be done next, leased to one worker at a time. A worker that loses its lease has its writes refused;
//! a job whose lease was lost twice is poison and goes to its owner as a failure.

use super::Store;
use super::error::{Result, StoreError};
use super::lane;
use super::pause::{self, Paused};
use super::reconcile;
use super::rows::{Cell, Rows};
use super::select::Select;
use super::value::{Micros, words};
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::partner::Priority;
use sqlx::Row as _;
use std::time::Duration;

/// How long a lease holds without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(60);
/// Leases that may run out before a job counts as poison.
pub const LOSSES_MAX: i64 = 2;
/// Due jobs that are looked at for some that nothing paused holds up, at most.
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

/// Puts a job in the queue; one that is there already for the same subject runs then.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    kind: JobKind,
    subject: &str,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    insert_all(tx, kind, &[(subject, None, run_at, now)]).await
}

/// The same for the translation of a transmission that lay still, with the channel it came over, when it is to run and since when
/// it is to be translated. It goes on behind the documents that slices before it have written.
pub(crate) async fn translate(
    tx: &mut Tx<'_>,
    transmission_id: &str,
    came_over: &str,
    (run_at, since): (Timestamp, Timestamp),
) -> Result<()> {
    insert_all(tx, JobKind::Translate, &[(transmission_id, Some(came_over), run_at, since)]).await?;
    // What said nothing new was read as well, and is no row.
    let query = "SELECT CAST((SELECT COUNT(*) FROM document WHERE transmission_id = $1)
         + (SELECT COALESCE(SUM(unchanged), 0) FROM interchange WHERE transmission_id = $1) AS BIGINT)";
    let read: i64 = sqlx::query_scalar(query).bind(transmission_id).fetch_one(&mut *tx.connection).await?;
    if read > 0 {
        sqlx::query("UPDATE job SET slice_cursor = $2 WHERE kind = 'translate' AND subject = $1")
            .bind(transmission_id)
            .bind(read.to_string())
            .execute(&mut *tx.connection)
            .await?;
    }
    Ok(())
}

/// The same for the translation of several transmissions that came in, with the channels they came over.
pub(crate) async fn translate_all(tx: &mut Tx<'_>, transmissions: &[(&str, &str, Timestamp)]) -> Result<()> {
    let subjects: Vec<_> =
        transmissions.iter().map(|(id, came_over, now)| (*id, Some(*came_over), *now, *now)).collect();
    insert_all(tx, JobKind::Translate, &subjects).await
}

/// Several subjects, each with the channel it came over, when it is to run and when it was asked for.
async fn insert_all(
    tx: &mut Tx<'_>,
    kind: JobKind,
    subjects: &[(&str, Option<&str>, Timestamp, Timestamp)],
) -> Result<()> {
    let mut rows = Rows::new("INSERT INTO job (job_id, kind, subject, run_at, created_at, came_over)").then(
        "ON CONFLICT (kind, subject) DO UPDATE SET run_at = excluded.run_at, lease_token = NULL, lease_until = NULL",
    );
    for (subject, came_over, run_at, now) in subjects {
        rows.push([
            Cell::Owned(tx.id("job", *now)),
            Cell::Text(kind.as_str()),
            Cell::Text(subject),
            Micros::from(*run_at).into(),
            Micros::from(*now).into(),
            Cell::TextOrNull(*came_over),
        ]);
    }
    rows.insert(tx).await?;
    Ok(())
}

/// Puts the job of a delivery in the queue of its channel and partner; one that is there already is taken from whoever has it.
pub(crate) async fn deliver(tx: &mut Tx<'_>, delivery_id: &str, run_at: Timestamp, now: Timestamp) -> Result<()> {
    let end = "DO UPDATE SET run_at = excluded.run_at, lease_token = NULL, lease_until = NULL";
    insert_delivery(tx, delivery_id, (run_at, now), end).await
}

/// The same for one that has no job yet.
pub(crate) async fn deliver_if_none(
    tx: &mut Tx<'_>,
    delivery_id: &str,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    insert_delivery(tx, delivery_id, (run_at, now), "DO NOTHING").await
}

async fn insert_delivery(
    tx: &mut Tx<'_>,
    delivery_id: &str,
    (run_at, now): (Timestamp, Timestamp),
    on_conflict: &'static str,
) -> Result<()> {
    let text = format!(
        "INSERT INTO job (job_id, kind, subject, run_at, created_at, channel, partner, priority)
         SELECT CAST($1 AS TEXT), 'deliver', delivery_id, CAST($3 AS BIGINT), CAST($4 AS BIGINT), channel,
         COALESCE(partner, ''), priority FROM delivery WHERE delivery_id = $2
         ON CONFLICT (kind, subject) {on_conflict}"
    );
    // Safe: the text is fixed.
    sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(tx.id("job", now))
        .bind(delivery_id)
        .bind(Micros::from(run_at))
        .bind(Micros::from(now))
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Puts the job of a delivery off that nobody has.
pub(crate) async fn put_off(tx: &mut Tx<'_>, delivery_id: &str, run_at: Timestamp) -> Result<()> {
    sqlx::query("UPDATE job SET run_at = $2 WHERE kind = 'deliver' AND subject = $1")
        .bind(delivery_id)
        .bind(Micros::from(run_at))
        .execute(&mut *tx.connection)
        .await?;
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
    // Safe: the kind is a word of ours, which stands there for the reason of `Select::word`.
    let text = sqlx::AssertSqlSafe(format!("DELETE FROM job WHERE kind = '{kind}' AND subject = $1"));
    sqlx::query(text).bind(subject).execute(&mut *tx.connection).await?;
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
        let due = Due { kind, now, of: Of::All, at_work: at_work.to_vec() };
        if !self.is_due(&due).await? {
            return Ok(Vec::new());
        }
        self.write("lease", move |mut tx| {
            Box::pin(async move {
                let found = due.find(&mut tx, count).await?;
                lease(&mut tx, found, now).await
            })
        })
        .await
    }

    /// The queues of deliveries of which something is due, by channel, partner and priority.
    ///
    /// # Errors
    /// The database failed.
    pub async fn due_queues(&self, now: Timestamp) -> Result<Vec<Queue>> {
        let queues: Vec<(String, String, i64)> =
            sqlx::query_as(QUEUES).bind(Micros::from(now)).fetch_all(self.reader()).await?;
        let queue = |(channel, partner, priority)| Queue { channel, partner, priority: Priority::of(priority) };
        Ok(queues.into_iter().map(queue).collect())
    }

    /// Due deliveries that could be leased, of each of these queues the first few, the longest waiting first. Those `at_work`
    /// in this process are left out, see [`Store::lease`], and what uses something paused is set aside.
    ///
    /// # Errors
    /// The database failed.
    pub async fn due_deliveries(
        &self,
        queues: &[Queue],
        each: u32,
        at_work: &[String],
        now: Timestamp,
    ) -> Result<Vec<DueDelivery>> {
        if queues.is_empty() {
            return Ok(Vec::new());
        }
        let (paused, mut due) = (self.paused(now).await?, Vec::new());
        for queue in queues {
            let of = Of::Queue(queue.clone());
            let look = Due { kind: JobKind::Deliver, now, of, at_work: at_work.to_vec() };
            let found: Vec<Found> = look.query(each).all(self.reader()).await?;
            let partner = Some(queue.partner.as_str()).filter(|partner| !partner.is_empty());
            let is_held_up = |one: &Found| paused.over(&queue.channel, partner, one.agreement.as_deref()).is_some();
            if !found.iter().any(is_held_up) {
                due.extend(queue.deliveries(found));
                continue;
            }
            // Each queue by itself, so that other commits need not wait until all is set aside.
            let found = self.write("lease", move |mut tx| Box::pin(async move { look.find(&mut tx, each).await }));
            due.extend(queue.deliveries(found.await?));
        }
        Ok(due)
    }

    /// Leases deliveries that were found due, in their order, those that still are; of lanes only those whose turn it is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lease_deliveries(&self, chosen: Vec<DueDelivery>, now: Timestamp) -> Result<Vec<(Job, DueDelivery)>> {
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        self.write("lease", move |mut tx| {
            Box::pin(async move {
                let of = Of::These(chosen.iter().map(|one| one.job_id.clone()).collect());
                let count = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
                let found = Due { kind: JobKind::Deliver, now, of, at_work: Vec::new() }.find(&mut tx, count).await?;
                let mut leased = lease(&mut tx, found, now).await?;
                let mut job_of = |due: &DueDelivery| {
                    let at = leased.iter().position(|job| job.job_id == due.job_id)?;
                    Some(leased.swap_remove(at))
                };
                Ok(chosen.into_iter().filter_map(|due| Some((job_of(&due)?, due))).collect())
            })
        })
        .await
    }

    /// Leases the job of one subject, if it is due and nobody has it, however many wait before it. One that would use
    /// something paused is set aside, and of a lane only the first is leased.
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
        let due = Due { kind, now, of: Of::Subject(subject.to_owned()), at_work: at_work.to_vec() };
        self.write("lease", move |mut tx| {
            Box::pin(async move {
                let found = due.find(&mut tx, 1).await?;
                Ok(lease(&mut tx, found, now).await?.pop())
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
                     WHERE kind = 'deliver' AND run_at > $1 AND lease_token IS NULL AND waits_for IS NULL AND subject IN
                     (SELECT delivery_id FROM delivery
                      WHERE state IN ('ready', 'retry_wait', 'uncertain', 'awaiting_receipt'))",
                )
                .bind(Micros::from(now))
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

/// The channels, partners and priorities of which something is due, each found by one step through the index.
const QUEUES: &str = "WITH RECURSIVE way (channel) AS (
    SELECT MIN(channel) FROM job WHERE kind = 'deliver'
    UNION ALL
    SELECT (SELECT MIN(job.channel) FROM job WHERE job.kind = 'deliver' AND job.channel > way.channel)
    FROM way WHERE way.channel IS NOT NULL
), queue (channel, partner) AS (
    SELECT way.channel,
        (SELECT MIN(job.partner) FROM job WHERE job.kind = 'deliver' AND job.channel = way.channel)
    FROM way WHERE way.channel IS NOT NULL
    UNION ALL
    SELECT queue.channel,
        (SELECT MIN(job.partner) FROM job
         WHERE job.kind = 'deliver' AND job.channel = queue.channel AND job.partner > queue.partner)
    FROM queue WHERE queue.partner IS NOT NULL
), level (priority) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT 1 UNION ALL SELECT 2)
SELECT queue.channel, queue.partner, level.priority FROM queue CROSS JOIN level
WHERE queue.partner IS NOT NULL AND EXISTS (
    SELECT 1 FROM job WHERE job.kind = 'deliver' AND job.channel = queue.channel AND job.partner = queue.partner
        AND job.priority = level.priority AND job.run_at <= $1)
ORDER BY queue.channel, queue.partner, level.priority";

/// Deliveries of which the longest waiting goes first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Queue {
    /// Over which channel.
    pub channel: String,
    /// To which partner; empty where that is not known.
    pub partner: String,
    /// What leaves first.
    pub priority: Priority,
}

impl Queue {
    /// What was found in it, with what is known of all in it.
    fn deliveries(&self, found: Vec<Found>) -> impl Iterator<Item = DueDelivery> {
        found.into_iter().map(|one| DueDelivery {
            job_id: one.job_id,
            channel: self.channel.clone(),
            partner: self.partner.clone(),
            priority: self.priority,
            run_at: one.run_at,
        })
    }
}

/// A delivery that could be leased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// Its job.
    pub job_id: String,
    /// Over which channel.
    pub channel: String,
    /// To which partner; empty where that is not known.
    pub partner: String,
    /// What leaves first.
    pub priority: Priority,
    /// Since when it is due.
    pub run_at: Micros,
}

/// Which jobs are looked for: of a kind, due, not leased, and not at work here.
struct Due {
    kind: JobKind,
    now: Timestamp,
    of: Of,
    at_work: Vec<String>,
}

enum Of {
    /// Whichever.
    All,
    /// Deliveries of one queue.
    Queue(Queue),
    /// These jobs.
    These(Vec<String>),
    /// The job of this subject.
    Subject(String),
}

/// A due job, and the lane and agreement of its delivery.
#[derive(sqlx::FromRow)]
struct Found {
    job_id: String,
    kind: JobKind,
    subject: String,
    slice_cursor: Option<String>,
    losses: i64,
    lease_token: Option<String>,
    run_at: Micros,
    lane: Option<String>,
    agreement: Option<String>,
    #[sqlx(skip)]
    paused: Paused,
}

impl Due {
    fn query(&self, count: u32) -> Select {
        let now = Micros::from(self.now).0;
        let query = Select::new(
            "SELECT job.job_id, job.kind, job.subject, job.slice_cursor, job.losses, job.lease_token, job.run_at,
             delivery.lane, delivery.agreement FROM job LEFT JOIN delivery ON delivery.delivery_id = job.subject WHERE 1 = 1",
        )
        .word("job.kind =", self.kind.as_str())
        .number("job.run_at <=", now)
        .number("COALESCE(job.lease_until, 0) <", now);
        let mut query = match &self.of {
            Of::All if self.kind == JobKind::Deliver => query,
            Of::All => in_queue(query, "", "", Priority::Normal),
            Of::Queue(queue) => in_queue(query, &queue.channel, &queue.partner, queue.priority),
            Of::Subject(subject) => query.text("job.subject =", Some(subject)),
            Of::These(ids) => query.among("job.job_id", ids),
        };
        // One condition, however many there are: a database goes only so deep into a chain of them.
        if !self.at_work.is_empty() {
            query = query.among("job.job_id NOT", &self.at_work);
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

/// All equal but the time, so that the index gives the longest waiting first.
fn in_queue(query: Select, channel: &str, partner: &str, priority: Priority) -> Select {
    query
        .text("job.channel =", Some(channel))
        .text("job.partner =", Some(partner))
        .number("job.priority =", priority.number())
}

/// Whether a due delivery stays where it is: nobody knows whether it arrived and it is held instead, or its lane is not at it.
async fn stays(tx: &mut Tx<'_>, one: &Found, now: Timestamp) -> Result<bool> {
    if one.kind != JobKind::Deliver {
        return Ok(false);
    }
    if one.lease_token.is_some() && !reconcile::resume(tx, &one.subject, now).await? {
        return Ok(true);
    }
    match &one.lane {
        Some(lane) => lane::waits(tx, &one.subject, lane, now).await,
        None => Ok(false),
    }
}

/// Leases what was found, all under one token.
async fn lease(tx: &mut Tx<'_>, found: Vec<Found>, now: Timestamp) -> Result<Vec<Job>> {
    let token = tx.id("lse", now);
    let mut leased = Vec::new();
    for one in found {
        if stays(tx, &one, now).await? {
            continue;
        }
        let (cursor, losses) = (one.slice_cursor, one.losses + i64::from(one.lease_token.is_some()));
        let (job_id, token, paused) = (one.job_id, token.clone(), one.paused);
        leased.push(Job { job_id, kind: one.kind, subject: one.subject, token, cursor, losses, paused });
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
    for job in &leased {
        query = query.bind(&job.job_id);
    }
    query.execute(&mut *tx.connection).await?;
    Ok(leased)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SystemRandom;
    use crate::store::lane::{EARLIER, FIRST, UNDER_WAY};
    use std::sync::Arc;

    /// How SQLite goes about a query, step by step.
    async fn plan(store: &Store, query: &str) -> Vec<String> {
        let text = format!("EXPLAIN QUERY PLAN {query}");
        // Safe: the text is that of a query of ours.
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(store.reader()).await.expect("a plan");
        rows.iter().map(|row| row.get("detail")).collect()
    }

    #[tokio::test]
    async fn who_goes_next_is_found_by_indexes_however_many_wait() {
        let (folder, now) = (tempfile::tempdir().expect("a folder"), Timestamp::UNIX_EPOCH);
        Store::init(folder.path(), &SystemRandom).expect("a data directory");
        let opened = Store::open(folder.path(), None, Arc::new(SystemRandom), "test", now).await;
        let (store, _) = opened.expect("a ledger");
        let queue = Queue { channel: "c".to_owned(), partner: "p".to_owned(), priority: Priority::Normal };
        let look = |of| Due { kind: JobKind::Deliver, now, of, at_work: vec!["job_1".to_owned()] }.query(9);
        let of_queue = look(Of::Queue(queue));
        let of_these = look(Of::These(vec!["job_1".to_owned(), "job_2".to_owned()]));
        for (query, index) in [
            (FIRST, "INDEX delivery_by_lane"),
            (UNDER_WAY, "INDEX delivery_under_way"),
            (EARLIER, "INDEX job_translating"),
            (QUEUES, "INDEX job_due"),
            (of_queue.sql(), "INDEX job_due"),
            (of_these.sql(), "INDEX sqlite_autoindex_job_1"),
        ] {
            let steps = plan(&store, query).await;
            assert!(steps.iter().any(|step| step.contains(index)), "{query}: {steps:?}");
            let walks = |table: &str| steps.iter().any(|step| step.starts_with(&format!("SCAN {table}")));
            assert!(!walks("job") && !walks("delivery"), "{query}: {steps:?}");
        }
    }
}
