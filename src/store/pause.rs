//! What an operator paused, and the jobs that wait for it. A job whose turn it is and that would use something paused is set
//! aside: it is due never, and says for which pause it waits, so that nobody looks at it again before that is over.
//! When the pause ends, those that wait are due at that moment, those that were made first before the others.
//!
//! Nothing that was begun is stopped here, and nothing is refused: what comes in is kept and answered as ever.

use super::Store;
use super::audit;
use super::error::{Result, StoreError};
use super::event;
use super::job::{self, Job, JobKind};
use super::select::Select;
use super::value::{Actor, Micros, storable, words};
use super::writer::Tx;
use crate::clock::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What the chain of a pause's events is called: `pause/KIND/NAME`, in place of a transmission.
pub const CHAIN: &str = "pause/";
/// Characters of a reason, at most.
pub const REASON_CHARACTERS_MAX: usize = 500;
/// Jobs that go on in one commit when a pause ends, at most; the others follow in the next.
pub const LET_GO_MAX: i64 = 1000;
/// When a job is due that waits for the end of a pause.
const NEVER: i64 = i64::MAX;

words! {
    /// What can be paused.
    PauseKind {
        /// A partner: what comes from it waits, and nothing is sent to it.
        Partner = "partner",
        /// A channel: what comes over it waits, and nothing is sent over it.
        Channel = "channel",
        /// An agreement: what comes or goes under it waits.
        Agreement = "agreement",
        /// A route: what would go along it waits.
        Route = "route",
    }
}

/// Something that is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Pause {
    /// [`PauseKind`].
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Why, as who paused it says.
    pub reason: Option<String>,
    /// Who paused it.
    pub actor: String,
    /// Since when.
    pub began_at: Micros,
    /// When it ends by itself.
    pub ends_at: Option<Micros>,
}

impl Pause {
    /// `kind/name`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// A pause, and how much waits for its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// What is paused.
    #[serde(flatten)]
    pub pause: Pause,
    /// Transmissions that came in and are not looked at.
    pub transmissions: i64,
    /// Deliveries that are not begun.
    pub deliveries: i64,
    /// Interchanges of documents that wait for company and do not leave.
    pub interchanges: i64,
}

/// All that is paused at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paused(Arc<[Pause]>);

impl Paused {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it, the oldest first.
    #[must_use]
    pub fn all(&self) -> &[Pause] {
        &self.0
    }

    /// The pause of something, if it is paused.
    #[must_use]
    pub fn of(&self, kind: PauseKind, name: &str) -> Option<&Pause> {
        self.0.iter().find(|one| one.kind == kind.as_str() && one.name == name)
    }

    /// The pause that a delivery waits for.
    #[must_use]
    pub fn over(&self, channel: &str, partner: Option<&str>, agreement: Option<&str>) -> Option<&Pause> {
        let of = |kind, name: Option<&str>| name.and_then(|name| self.of(kind, name));
        of(PauseKind::Channel, Some(channel))
            .or_else(|| of(PauseKind::Partner, partner))
            .or_else(|| of(PauseKind::Agreement, agreement))
    }
}

const SELECT: &str = "SELECT kind, name, reason, actor, began_at, ends_at FROM pause
                      WHERE ended_at IS NULL AND (ends_at IS NULL OR ends_at > $1) ORDER BY began_at, pause_id";

/// All that is paused now, as a worker sees it that leases jobs.
pub(crate) async fn paused(tx: &mut Tx<'_>, now: Timestamp) -> Result<Paused> {
    let rows: Vec<Pause> = sqlx::query_as(SELECT).bind(Micros::from(now)).fetch_all(&mut *tx.connection).await?;
    Ok(Paused(rows.into()))
}

/// Sets those jobs of a kind aside, each with its subject, that would use something paused. Returns their ids.
pub(crate) async fn set_aside(
    tx: &mut Tx<'_>,
    paused: &Paused,
    kind: JobKind,
    jobs: &[(String, String)],
) -> Result<HashSet<String>> {
    let mut waiting = HashSet::new();
    for (job_id, subject) in jobs {
        if let Some(pause) = held_up(tx, paused, kind, subject).await? {
            wait(tx, job_id, &pause.id()).await?;
            waiting.insert(job_id.clone());
        }
    }
    Ok(waiting)
}

/// What of a job's subject may be paused: channel, partner and agreement; and its content type.
type Held = (String, Option<String>, Option<String>, Option<String>);

/// The pause that a job has to wait for, as far as its row tells: of a transmission the channel and the partner.
async fn held_up<'p>(tx: &mut Tx<'_>, paused: &'p Paused, kind: JobKind, subject: &str) -> Result<Option<&'p Pause>> {
    let query = match kind {
        JobKind::Translate => {
            "SELECT channel, partner, NULL AS agreement, NULL AS content_type FROM transmission
             WHERE transmission_id = $1"
        }
        JobKind::Deliver => {
            "SELECT d.channel, d.partner, d.agreement, t.content_type FROM delivery d
             JOIN transmission t ON t.transmission_id = d.transmission_id WHERE d.delivery_id = $1"
        }
        JobKind::Gather => {
            let agreement = super::gathered::of_subject(subject).map_or(subject, |(agreement, _)| agreement);
            return Ok(paused.of(PauseKind::Agreement, agreement));
        }
        JobKind::Acknowledge => return Ok(None),
    };
    let row: Option<Held> = sqlx::query_as(query).bind(subject).fetch_optional(&mut *tx.connection).await?;
    Ok(row.and_then(|(channel, partner, agreement, content_type)| {
        let is_receipt = content_type.as_deref().is_some_and(is_receipt);
        paused.over(&channel, partner.as_deref(), agreement.as_deref()).filter(|_| !is_receipt)
    }))
}

/// A receipt of AS2 that leaves on its own answers what came in, which goes on while its channel is paused. Of what we
/// send only they are of these types.
fn is_receipt(content_type: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    ["multipart/report", "multipart/signed"].iter().any(|one| content_type.starts_with(one))
}

async fn wait(tx: &mut Tx<'_>, job_id: &str, pause_id: &str) -> Result<()> {
    sqlx::query("UPDATE job SET waits_for = $2, run_at = $3 WHERE job_id = $1")
        .bind(job_id)
        .bind(pause_id)
        .bind(NEVER)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Ends a pause, or goes on with that: as many of the jobs that wait for it go on as one commit takes. Returns whether
/// that were all; the row is gone then.
async fn end(tx: &mut Tx<'_>, pause_id: &str, actor: &Actor, now: Timestamp) -> Result<bool> {
    let query = "SELECT ended_at FROM pause WHERE pause_id = $1";
    let found: Option<Option<Micros>> =
        sqlx::query_scalar(query).bind(pause_id).fetch_optional(&mut *tx.connection).await?;
    let Some(ended_at) = found else { return Ok(true) };
    let ended_at = match ended_at {
        Some(ended_at) => ended_at,
        None => {
            let query = "UPDATE pause SET ended_at = $2 WHERE pause_id = $1";
            sqlx::query(query).bind(pause_id).bind(Micros::from(now)).execute(&mut *tx.connection).await?;
            audit::append(tx, actor, "pause.end", pause_id, (None, None), now).await?;
            event::told(tx, ("pause", pause_id), (Some("begun"), "ended"), (actor, None), now).await?;
            Micros::from(now)
        }
    };
    // Those that became due meanwhile for another reason keep that time.
    let gone_on = sqlx::query(
        "UPDATE job SET run_at = CASE WHEN run_at = $2 THEN $3 ELSE run_at END, waits_for = NULL WHERE job_id IN
         (SELECT job_id FROM job WHERE waits_for = $1 ORDER BY job_id LIMIT $4)",
    )
    .bind(pause_id)
    .bind(NEVER)
    .bind(ended_at)
    .bind(LET_GO_MAX)
    .execute(&mut *tx.connection)
    .await?;
    let is_done = i64::try_from(gone_on.rows_affected()).is_ok_and(|count| count < LET_GO_MAX);
    if is_done {
        sqlx::query("DELETE FROM pause WHERE pause_id = $1").bind(pause_id).execute(&mut *tx.connection).await?;
    }
    Ok(is_done)
}

impl Store {
    /// Pauses something from now on. What is paused already stays so, since when it was; reason, person and end are those
    /// of now.
    ///
    /// # Errors
    /// There is nothing of that kind and name, or the database failed.
    pub async fn pause(
        &self,
        (kind, name): (PauseKind, &str),
        (reason, ends_at): (Option<&str>, Option<Timestamp>),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (name, reason, actor) = (storable(name), reason.map(storable), actor.clone());
        self.write("pause", move |mut tx| {
            Box::pin(async move {
                let pause_id = format!("{kind}/{name}");
                let query = "SELECT resource_id FROM resource WHERE resource_id = $1 AND is_deleted = 0";
                let there = sqlx::query(query).bind(&pause_id).fetch_optional(&mut *tx.connection).await?;
                if there.is_none() {
                    return Err(StoreError::NotFound { what: kind.as_str(), id: name });
                }
                let before = paused(&mut tx, now).await?.of(kind, &name).map(|one| json!(one));
                if before.is_none() {
                    // One whose time has come may not have ended yet; what still waits for it waits on for this one.
                    end(&mut tx, &pause_id, &Actor::system(), now).await?;
                }
                sqlx::query(
                    "INSERT INTO pause (pause_id, kind, name, reason, actor, began_at, ends_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (pause_id) DO UPDATE SET
                     reason = excluded.reason, actor = excluded.actor, ends_at = excluded.ends_at, ended_at = NULL,
                     began_at = CASE WHEN $8 = 1 THEN pause.began_at ELSE excluded.began_at END",
                )
                .bind(&pause_id)
                .bind(kind)
                .bind(&name)
                .bind(&reason)
                .bind(&actor.0)
                .bind(Micros::from(now))
                .bind(ends_at.map(Micros::from))
                .bind(i64::from(before.is_some()))
                .execute(&mut *tx.connection)
                .await?;
                let after = paused(&mut tx, now).await?.of(kind, &name).map(|one| json!(one));
                audit::append(&mut tx, &actor, "pause.begin", &pause_id, (before.as_ref(), after.as_ref()), now)
                    .await?;
                if before.is_none() {
                    event::told(&mut tx, ("pause", &pause_id), (None, "begun"), (&actor, reason.as_deref()), now)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Ends a pause: what waits for it goes on. What one commit does not take follows with [`Store::end_pauses`].
    ///
    /// # Errors
    /// It is not paused, or the database failed.
    pub async fn resume(&self, kind: PauseKind, name: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (name, actor) = (storable(name), actor.clone());
        self.write("resume", move |mut tx| {
            Box::pin(async move {
                if paused(&mut tx, now).await?.of(kind, &name).is_none() {
                    return Err(StoreError::NotFound { what: "pause of", id: format!("{kind} {name}") });
                }
                end(&mut tx, &format!("{kind}/{name}"), &actor, now).await.map(drop)
            })
        })
        .await
    }

    /// Ends pauses whose time has come, and lets those jobs go on that still wait for one that ended. Returns whether
    /// there was any.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_pauses(&self, now: Timestamp) -> Result<bool> {
        let query = "SELECT pause_id FROM pause WHERE ended_at IS NOT NULL OR ends_at <= $1 ORDER BY pause_id";
        let over: Vec<String> = sqlx::query_scalar(query).bind(Micros::from(now)).fetch_all(self.reader()).await?;
        for pause_id in &over {
            loop {
                let pause_id = pause_id.clone();
                let is_done = self
                    .write("resume", move |mut tx| {
                        Box::pin(async move {
                            // Meanwhile somebody may have prolonged it.
                            let query = "SELECT pause_id FROM pause WHERE pause_id = $1
                                         AND (ended_at IS NOT NULL OR ends_at <= $2)";
                            let over = sqlx::query(query).bind(&pause_id).bind(Micros::from(now));
                            match over.fetch_optional(&mut *tx.connection).await? {
                                Some(_) => end(&mut tx, &pause_id, &Actor::system(), now).await,
                                None => Ok(true),
                            }
                        })
                    })
                    .await?;
                if is_done {
                    break;
                }
            }
        }
        Ok(!over.is_empty())
    }

    /// Sets a leased job aside, of which it showed only when it was looked into that it would use something paused. Where
    /// that is paused no more, the job runs again at once.
    ///
    /// # Errors
    /// The lease was lost, or the database failed.
    pub async fn set_aside(&self, job: &Job, pause: &Pause, now: Timestamp) -> Result<()> {
        let (job, pause) = (job.clone(), pause.clone());
        self.write("set_aside", move |mut tx| {
            Box::pin(async move {
                job::check_lease(&mut tx, &job).await?;
                job::again(&mut tx, &job, now).await?;
                let lasts = paused(&mut tx, now).await?.0.iter().any(|one| one.id() == pause.id());
                if lasts { wait(&mut tx, &job.job_id, &pause.id()).await } else { Ok(()) }
            })
        })
        .await
    }

    /// All that is paused, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn paused(&self, now: Timestamp) -> Result<Paused> {
        let rows: Vec<Pause> = sqlx::query_as(SELECT).bind(Micros::from(now)).fetch_all(self.reader()).await?;
        Ok(Paused(rows.into()))
    }

    /// The same, with how much waits for the end of each.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pauses(&self, now: Timestamp) -> Result<Vec<Standing>> {
        let query = "SELECT waits_for, kind, COUNT(*) FROM job WHERE waits_for IS NOT NULL GROUP BY waits_for, kind";
        let waiting: Vec<(String, String, i64)> = sqlx::query_as(query).fetch_all(self.reader()).await?;
        let standing = |pause: &Pause| {
            let id = pause.id();
            let count = |kind: JobKind| {
                let mut of = waiting.iter().filter(|(waits_for, job, _)| *waits_for == id && job == kind.as_str());
                of.next().map_or(0, |(_, _, count)| *count)
            };
            Standing {
                pause: pause.clone(),
                transmissions: count(JobKind::Translate),
                deliveries: count(JobKind::Deliver),
                interchanges: count(JobKind::Gather),
            }
        };
        Ok(self.paused(now).await?.0.iter().map(standing).collect())
    }

    /// The pause that a job waits for which was set aside: that of a transmission which came in, or of a delivery.
    ///
    /// # Errors
    /// The database failed.
    pub async fn job_waits(&self, kind: JobKind, subject: &str, now: Timestamp) -> Result<Option<Pause>> {
        Ok(self.jobs_wait(kind, &[subject.to_owned()], now).await?.remove(subject))
    }

    /// The pauses that jobs of a kind wait for, by subject.
    ///
    /// # Errors
    /// The database failed.
    pub async fn jobs_wait(
        &self,
        kind: JobKind,
        subjects: &[String],
        now: Timestamp,
    ) -> Result<HashMap<String, Pause>> {
        let paused = self.paused(now).await?;
        if paused.is_empty() || subjects.is_empty() {
            return Ok(HashMap::new());
        }
        let query = Select::new("SELECT subject, waits_for FROM job WHERE waits_for IS NOT NULL");
        let query = query.text("kind =", Some(kind.as_str())).among("subject", subjects);
        let waiting: Vec<(String, String)> = query.all(self.reader()).await?;
        let pause = |(subject, waits_for): (String, String)| {
            Some((subject, paused.0.iter().find(|one| one.id() == waits_for)?.clone()))
        };
        Ok(waiting.into_iter().filter_map(pause).collect())
    }
}
