//! Alarms: what alerts found, open until it is over or a person closes it; and the events that alerts count. What is found is
//! compared with what is open in one commit, so that no alarm is raised twice and none is forgotten.

use super::Store;
use super::audit;
use super::error::{Result, StoreError};
use super::event::{self, Event};
use super::finding::{CAUSES_MAX, Found};
use super::rows::{Cell, Rows};
use super::select::Select;
use super::value::{Actor, Micros, Page, storable, words};
use super::writer::Tx;
use crate::clock::{AHEAD_MAX, Timestamp};
use sqlx::Row as _;
use std::collections::BTreeMap;

/// What the chain of an alarm's events is called: `alarm/ID`, in place of a transmission.
pub const CHAIN: &str = "alarm/";
/// Events that are looked at at once.
pub const HAPPENED_MAX: u32 = 1000;
/// Open alarms that are read at once.
pub const OPEN_MAX: u32 = 20_000;
const POSITION: &str = "events";

words! {
    /// How an alarm stands.
    AlarmState {
        /// Nobody took it up.
        Open = "open",
        /// Somebody did.
        Acknowledged = "acknowledged",
        /// It is quiet for a while.
        Snoozed = "snoozed",
        /// A person closed it.
        Closed = "closed",
        /// Its cause is gone.
        Over = "over",
    }
}

/// Something that an alert found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The alert.
    pub alert: String,
    /// What is one cause of it.
    pub cause: String,
    /// What it is called.
    pub title: String,
    /// `warning`, `error` or `critical`.
    pub severity: String,
    /// Whose it is.
    pub partner: Option<String>,
    /// Over which channel.
    pub channel: Option<String>,
    /// The document type.
    pub document: Option<String>,
    /// Why: a stable word.
    pub code: Option<String>,
    /// What is wrong, a sentence.
    pub words: String,
    /// The newest of it.
    pub subject: Option<String>,
    /// How many.
    pub count: i64,
    /// Since when.
    pub first_at: Micros,
    /// When the last came.
    pub last_at: Micros,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Alarm {
    /// Its id.
    pub alarm_id: String,
    /// The alert that raised it.
    pub alert: String,
    /// What is one cause of it.
    pub cause: String,
    /// What it is called.
    pub title: String,
    /// `warning`, `error` or `critical`.
    pub severity: String,
    /// Whose it is.
    pub partner: Option<String>,
    /// Over which channel.
    pub channel: Option<String>,
    /// The document type.
    pub document: Option<String>,
    /// Why: a stable word.
    pub code: Option<String>,
    /// What is wrong, a sentence.
    pub words: String,
    /// The newest of it.
    pub subject: Option<String>,
    /// How many.
    pub count: i64,
    /// [`AlarmState`].
    pub state: String,
    /// Until when it is quiet, or was.
    pub snoozed_until: Option<Micros>,
    /// Who acknowledged, snoozed or closed it.
    pub acted_by: Option<String>,
    /// Since when it is wrong.
    pub first_at: Micros,
    /// When the last came.
    pub last_at: Micros,
    /// When it was over, or closed.
    pub ended_at: Option<Micros>,
    /// When it was raised.
    pub created_at: Micros,
    /// When it changed last.
    pub changed_at: Micros,
}

/// Which alarms a list shows.
#[derive(Debug, Clone, Default)]
pub struct AlarmFilter {
    /// Only in this state.
    pub state: Option<AlarmState>,
    /// Only of this alert.
    pub alert: Option<String>,
    /// Only of this partner.
    pub partner: Option<String>,
    /// Only those that are neither over nor closed.
    pub is_standing: bool,
}

const SELECT: &str = "SELECT alarm_id, alert, cause, title, severity, partner, channel, document, code, words, subject, \
                      count, state, snoozed_until, acted_by, first_at, last_at, ended_at, created_at, changed_at \
                      FROM alarm WHERE 1 = 1";

/// An event with what it is about.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Happened {
    /// Its place among all events.
    pub sequence: i64,
    /// It.
    #[sqlx(flatten)]
    pub event: Event,
    /// Whose it is.
    pub partner: Option<String>,
    /// Over which channel.
    pub channel: Option<String>,
    /// The document type.
    pub document: Option<String>,
    /// Why: a stable word.
    pub code: Option<String>,
}

/// An event that an alert counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The alert.
    pub alert: String,
    /// The event.
    pub happened: Happened,
    /// What it is about: `delivery/ID`.
    pub subject: String,
}

impl Store {
    /// The events behind those that were looked at, in order; [`HAPPENED_MAX`] at most. The first time it begins with what
    /// happens next.
    ///
    /// # Errors
    /// The database failed.
    pub async fn happened(&self, now: Timestamp) -> Result<Vec<Happened>> {
        let position: Option<i64> =
            sqlx::query_scalar("SELECT position FROM alert_position WHERE alert_position_id = $1")
                .bind(POSITION)
                .fetch_optional(self.reader())
                .await?;
        let Some(position) = position else {
            let query = sqlx::query_scalar("SELECT COALESCE(MAX(sequence), 0) FROM event");
            self.keep_hits(query.fetch_one(self.reader()).await?, Vec::new(), now).await?;
            return Ok(Vec::new());
        };
        let query =
            "SELECT e.sequence, e.number, e.transmission_id, e.document_id, e.delivery_id, e.kind, e.from_state,
             e.to_state, e.actor, e.node, e.cause, e.attempt, e.at,
             COALESCE(l.partner, d.partner, t.partner) AS partner, COALESCE(l.channel, t.channel) AS channel,
             d.type AS document, COALESCE(l.code, d.code, t.code) AS code
             FROM event e LEFT JOIN transmission t ON t.transmission_id = e.transmission_id
             LEFT JOIN document d ON d.document_id = e.document_id
             LEFT JOIN delivery l ON l.delivery_id = e.delivery_id
             WHERE e.sequence > $1 ORDER BY e.sequence LIMIT $2";
        let query = sqlx::query_as(query).bind(position).bind(i64::from(HAPPENED_MAX));
        Ok(query.fetch_all(self.reader()).await?)
    }

    /// Events up to a place were looked at: those that alerts count are kept, those before `forget` are no longer.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_hits(&self, position: i64, hits: Vec<Hit>, forget: Timestamp) -> Result<()> {
        self.write("alert_hits", move |mut tx| {
            Box::pin(async move {
                let mut rows =
                    Rows::new("INSERT INTO alert_hit (alert, sequence, partner, channel, document, code, subject, at)")
                        .then("ON CONFLICT (alert, sequence) DO NOTHING");
                for hit in &hits {
                    let one = &hit.happened;
                    rows.push([
                        Cell::Text(&hit.alert),
                        Cell::Number(one.sequence),
                        Cell::TextOrNull(one.partner.as_deref()),
                        Cell::TextOrNull(one.channel.as_deref()),
                        Cell::TextOrNull(one.document.as_deref()),
                        Cell::TextOrNull(one.code.as_deref()),
                        Cell::Text(&hit.subject),
                        one.event.at.into(),
                    ]);
                }
                rows.insert(&mut tx).await?;
                sqlx::query("DELETE FROM alert_hit WHERE at < $1")
                    .bind(Micros::from(forget))
                    .execute(&mut *tx.connection)
                    .await?;
                sqlx::query(
                    "INSERT INTO alert_position (alert_position_id, position) VALUES ($1, $2)
                     ON CONFLICT (alert_position_id) DO UPDATE SET position = excluded.position
                     WHERE alert_position.position < excluded.position",
                )
                .bind(POSITION)
                .bind(position)
                .execute(&mut *tx.connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// What an alert counted since a time, by cause. What lies more than a day ahead happened in a time that was none, and is over
    /// since the clock was set right.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_events(&self, alert: &str, since: Timestamp, now: Timestamp) -> Result<Vec<Found>> {
        Select::new(
            "SELECT partner, channel, document, NULL AS environment, code, COUNT(*) AS count, MIN(at) AS first_at,
             MAX(at) AS last_at, MAX(subject) AS subject FROM alert_hit WHERE 1 = 1",
        )
        .text("alert =", Some(alert))
        .number("at >=", Micros::from(since).0)
        .number("at <=", Micros::from(now + AHEAD_MAX).0)
        .then("GROUP BY partner, channel, document, code ORDER BY last_at DESC")
        .limit(CAUSES_MAX)
        .all(self.reader())
        .await
    }

    /// Compares what alerts found with what is open: an open alarm that was not found again is over, unless its alert is
    /// among `unasked`, which could not be looked at. Returns how many were raised and how many are over.
    ///
    /// # Errors
    /// The database failed; nothing has changed then.
    pub async fn settle_alarms(
        &self,
        unasked: Vec<String>,
        findings: Vec<Finding>,
        now: Timestamp,
    ) -> Result<(usize, usize)> {
        // Most looks find what they found before; they need not wait for the writer.
        if is_settled(&by_cause(open().all(self.reader()).await?), &findings, &unasked, now) {
            return Ok((0, 0));
        }
        self.write("alarm", move |mut tx| {
            Box::pin(async move {
                let mut open = by_cause(open().all(&mut *tx.connection).await?);
                let (mut raised, mut over) = (0, 0);
                for finding in &findings {
                    match open.remove(&(finding.alert.clone(), finding.cause.clone())) {
                        Some(alarm) => goes_on(&mut tx, &alarm, finding, now).await?,
                        None => raised += usize::from(raise(&mut tx, finding, now).await?),
                    }
                }
                for alarm in open.into_values().filter(|one| !unasked.contains(&one.alert)) {
                    end(&mut tx, &alarm, AlarmState::Over, (&Actor::system(), None), now).await?;
                    over += 1;
                }
                Ok((raised, over))
            })
        })
        .await
    }

    /// Alarms that are not over, the oldest first; then those that ended since a time and of which somebody was told who does not
    /// know that yet, or that were over before anybody took them up. [`OPEN_MAX`] at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn standing_alarms(&self, ended_since: Timestamp) -> Result<Vec<Alarm>> {
        Select::new(SELECT)
            .then(
                "AND (ended_at IS NULL OR (state = 'over' AND acted_by IS NULL) OR EXISTS
                 (SELECT 1 FROM alarm_told WHERE alarm_told.alarm_id = alarm.alarm_id AND alarm_told.is_over = 0))",
            )
            .number("COALESCE(ended_at, 9223372036854775807) >=", Micros::from(ended_since).0)
            .then("ORDER BY CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END, created_at, alarm_id")
            .limit(OPEN_MAX)
            .all(self.reader())
            .await
    }

    /// Alarms, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn alarms(&self, filter: &AlarmFilter, page: &Page) -> Result<Vec<Alarm>> {
        let standing = if filter.is_standing { "AND ended_at IS NULL" } else { "" };
        Select::new(SELECT)
            .then(standing)
            .text("state =", filter.state.map(AlarmState::as_str))
            .text("alert =", filter.alert.as_deref())
            .text("partner =", filter.partner.as_deref())
            .page("alarm_id", page)
            .all(self.reader())
            .await
    }

    /// An alarm.
    ///
    /// # Errors
    /// There is none, or the database failed.
    pub async fn alarm(&self, alarm_id: &str) -> Result<Alarm> {
        let found = Select::new(SELECT).text("alarm_id =", Some(alarm_id)).first(self.reader()).await?;
        found.ok_or_else(|| StoreError::NotFound { what: "alarm", id: alarm_id.to_owned() })
    }

    /// How many alarms are open, by severity.
    ///
    /// # Errors
    /// The database failed.
    pub async fn alarm_counts(&self) -> Result<Vec<(String, String, i64)>> {
        let rows =
            sqlx::query("SELECT severity, state, COUNT(*) FROM alarm WHERE ended_at IS NULL GROUP BY severity, state")
                .fetch_all(self.reader())
                .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
    }

    /// What a person does with an alarm: acknowledges it, keeps it quiet for a while, or closes it. `link` is the signature of
    /// the link of a mail by which it is done; it is used up.
    ///
    /// # Errors
    /// There is none, it is over, or the link was used before.
    pub async fn act_on_alarm(
        &self,
        alarm_id: &str,
        (to, until): (AlarmState, Option<Timestamp>),
        (actor, link): (&Actor, Option<&str>),
        now: Timestamp,
    ) -> Result<()> {
        let (id, actor, link) = (alarm_id.to_owned(), actor.clone(), link.map(str::to_owned));
        self.write("alarm_act", move |mut tx| {
            Box::pin(async move {
                let found: Option<Alarm> =
                    Select::new(SELECT).text("alarm_id =", Some(&id)).first(&mut *tx.connection).await?;
                let alarm = found.ok_or_else(|| StoreError::NotFound { what: "alarm", id: id.clone() })?;
                let expected = [AlarmState::Open, AlarmState::Acknowledged, AlarmState::Snoozed].map(AlarmState::as_str);
                event::expect_state("alarm", &id, &alarm.state, &expected)?;
                if let Some(link) = &link {
                    use_link(&mut tx, link, now).await?;
                }
                if to == AlarmState::Closed {
                    end(&mut tx, &alarm, to, (&actor, Some(&actor.0)), now).await?;
                } else {
                    sqlx::query(
                        "UPDATE alarm SET state = $2, snoozed_until = $3, acted_by = $4, changed_at = $5 WHERE alarm_id = $1",
                    )
                    .bind(&id)
                    .bind(to)
                    .bind(until.map(Micros::from))
                    .bind(&actor.0)
                    .bind(Micros::from(now))
                    .execute(&mut *tx.connection)
                    .await?;
                    event::told(&mut tx, ("alarm", &id), (Some(&alarm.state), to.as_str()), (&actor, None), now).await?;
                }
                let action = format!("alarm.{to}");
                audit::append(&mut tx, &actor, &action, &format!("alarm/{id}"), (None, None), now).await
            })
        })
        .await
    }

    /// Uses a link of a mail up.
    ///
    /// # Errors
    /// It was used before.
    pub async fn use_alarm_link(&self, link: &str, now: Timestamp) -> Result<()> {
        let link = link.to_owned();
        self.write("alarm_act", move |mut tx| Box::pin(async move { use_link(&mut tx, &link, now).await })).await
    }
}

async fn use_link(tx: &mut Tx<'_>, link: &str, now: Timestamp) -> Result<()> {
    let done = sqlx::query("INSERT INTO alarm_link (alarm_link_id, used_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(link)
        .bind(Micros::from(now))
        .execute(&mut *tx.connection)
        .await?;
    match done.rows_affected() {
        0 => Err(StoreError::Conflict("this link was used before; each works once".to_owned())),
        _ => Ok(()),
    }
}

/// Alarms that stand.
fn open() -> Select {
    Select::new(SELECT).then("AND ended_at IS NULL ORDER BY created_at, alarm_id")
}

/// Alarms by what is one: alert and cause.
type ByCause = BTreeMap<(String, String), Alarm>;

fn by_cause(alarms: Vec<Alarm>) -> ByCause {
    alarms.into_iter().map(|one| ((one.alert.clone(), one.cause.clone()), one)).collect()
}

/// Whether all that was found stands as it was found, and nothing else does.
fn is_settled(open: &ByCause, findings: &[Finding], unasked: &[String], now: Timestamp) -> bool {
    let of = |finding: &Finding| open.get(&(finding.alert.clone(), finding.cause.clone()));
    let stands = |finding: &Finding| of(finding).is_some_and(|alarm| alarm.is(finding) && !alarm.wakes(now));
    let asked = open.values().filter(|one| !unasked.contains(&one.alert)).count();
    let found = findings.iter().filter(|one| !unasked.contains(&one.alert)).count();
    asked == found && findings.iter().all(stands)
}

impl Alarm {
    /// Whether it is what was found.
    fn is(&self, finding: &Finding) -> bool {
        (self.count, &self.severity, &self.title) == (finding.count, &finding.severity, &finding.title)
            && self.words == storable(&finding.words)
    }

    /// Whether it was quiet for a while, and that while is over.
    fn wakes(&self, now: Timestamp) -> bool {
        self.state == AlarmState::Snoozed.as_str() && self.snoozed_until.is_none_or(|until| until <= Micros::from(now))
    }
}

/// One that is found again: what it is now, where that differs. A snooze that has ended makes it open, and its end stays noted.
async fn goes_on(tx: &mut Tx<'_>, alarm: &Alarm, finding: &Finding, now: Timestamp) -> Result<()> {
    let wakes = alarm.wakes(now);
    if alarm.is(finding) && !wakes {
        return Ok(());
    }
    sqlx::query(
        "UPDATE alarm SET count = $2, severity = $3, title = $4, words = $5, subject = $6, code = $7, last_at = $8,
         state = $9, changed_at = $10 WHERE alarm_id = $1",
    )
    .bind(&alarm.alarm_id)
    .bind(finding.count)
    .bind(&finding.severity)
    .bind(&finding.title)
    .bind(storable(&finding.words))
    .bind(&finding.subject)
    .bind(&finding.code)
    .bind(finding.last_at)
    .bind(if wakes { AlarmState::Open.as_str() } else { &alarm.state })
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// A new one, unless a person closed it and nothing has come since. Whether it was raised.
async fn raise(tx: &mut Tx<'_>, finding: &Finding, now: Timestamp) -> Result<bool> {
    let closed: Option<i64> =
        sqlx::query_scalar("SELECT MAX(ended_at) FROM alarm WHERE alert = $1 AND cause = $2 AND state = 'closed'")
            .bind(&finding.alert)
            .bind(&finding.cause)
            .fetch_one(&mut *tx.connection)
            .await?;
    if closed.is_some_and(|closed| finding.last_at.0 <= closed) {
        return Ok(false);
    }
    let id = tx.id("alm", now);
    sqlx::query(
        "INSERT INTO alarm (alarm_id, alert, cause, title, severity, partner, channel, document, code, words, subject, count,
         state, first_at, last_at, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open', $13, $14, $15, $15)",
    )
    .bind(&id)
    .bind(&finding.alert)
    .bind(&finding.cause)
    .bind(&finding.title)
    .bind(&finding.severity)
    .bind(&finding.partner)
    .bind(&finding.channel)
    .bind(&finding.document)
    .bind(&finding.code)
    .bind(storable(&finding.words))
    .bind(&finding.subject)
    .bind(finding.count)
    .bind(finding.first_at)
    .bind(finding.last_at)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    let cause = storable(&finding.words);
    event::told(tx, ("alarm", &id), (None, "raised"), (&Actor::system(), Some(&cause)), now).await?;
    Ok(true)
}

async fn end(
    tx: &mut Tx<'_>,
    alarm: &Alarm,
    to: AlarmState,
    (actor, acted_by): (&Actor, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE alarm SET state = $2, ended_at = $3, changed_at = $3, snoozed_until = NULL, acted_by = COALESCE($4, acted_by)
         WHERE alarm_id = $1",
    )
    .bind(&alarm.alarm_id)
    .bind(to)
    .bind(Micros::from(now))
    .bind(acted_by)
    .execute(&mut *tx.connection)
    .await?;
    event::told(tx, ("alarm", &alarm.alarm_id), (Some(&alarm.state), to.as_str()), (actor, None), now).await
}
