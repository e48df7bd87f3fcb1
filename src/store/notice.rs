//! Notices: mails and posts that tell of alarms, made in the commit that notes who knows what, and tried until they are taken.
//! A crash between the answer and its commit sends one again, under the same Message-ID.

use super::Store;
use super::audit;
use super::error::{Result, StoreError};
use super::rows::{Cell, Rows};
use super::select::Select;
use super::value::{Actor, Micros, Page, words};
use crate::clock::Timestamp;
use serde_json::Value;
use sqlx::Row as _;
use std::collections::BTreeMap;

words! {
    /// What a notice is for.
    NoticeKind {
        /// It tells of alarms.
        Alarm = "alarm",
        /// It says that all is well.
        Heartbeat = "heartbeat",
        /// A person wants to see whether it arrives.
        Test = "test",
    }
}

words! {
    /// How a notice stands.
    NoticeState {
        /// It goes at its time.
        Ready = "ready",
        /// It was taken.
        Sent = "sent",
        /// It can never be sent, or was tried long enough.
        GivenUp = "given_up",
    }
}

/// A notice about to be written.
#[derive(Debug, Clone)]
pub struct NewNotice {
    /// Who is told.
    pub recipient: String,
    /// At which address; none: by a post.
    pub address: Option<String>,
    /// What for.
    pub kind: NoticeKind,
    /// What is told.
    pub facts: Value,
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Notice {
    /// Its id, which is its Message-ID too.
    pub notice_id: String,
    /// Who is told.
    pub recipient: String,
    /// At which address; none: by a post.
    pub address: Option<String>,
    /// [`NoticeKind`].
    pub kind: String,
    /// What is told, as JSON; it holds links that act, so that no list shows it.
    #[serde(skip)]
    pub facts: String,
    /// [`NoticeState`].
    pub state: String,
    /// Attempts made.
    pub attempts: i64,
    /// When it goes next.
    pub next_at: Micros,
    /// Why it did not go.
    pub reason: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it changed last.
    pub changed_at: Micros,
}

/// What a recipient knows of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Told {
    /// The alarm.
    pub alarm_id: String,
    /// The recipient.
    pub recipient: String,
    /// How many there were then.
    pub count: i64,
    /// Whether it was told that it is over.
    pub is_over: i64,
    /// When.
    pub told_at: Micros,
}

/// When a recipient was told something last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldLast {
    /// Of alarms.
    pub told_at: Option<Micros>,
    /// That all is well.
    pub heartbeat_at: Micros,
}

const SELECT: &str = "SELECT notice_id, recipient, address, kind, facts, state, attempts, next_at, reason, created_at, \
                      changed_at FROM notice WHERE 1 = 1";

impl Store {
    /// What recipients know of alarms that are open, or ended since a time.
    ///
    /// # Errors
    /// The database failed.
    pub async fn told(&self, ended_since: Timestamp) -> Result<Vec<Told>> {
        Select::new(
            "SELECT k.alarm_id, k.recipient, k.count, k.is_over, k.told_at FROM alarm_told k
             JOIN alarm a ON a.alarm_id = k.alarm_id WHERE 1 = 1",
        )
        .number("COALESCE(a.ended_at, 9223372036854775807) >=", Micros::from(ended_since).0)
        .all(self.reader())
        .await
    }

    /// When each recipient was told something last.
    ///
    /// # Errors
    /// The database failed.
    pub async fn told_last(&self) -> Result<BTreeMap<String, ToldLast>> {
        let rows =
            sqlx::query("SELECT recipient_id, told_at, heartbeat_at FROM recipient").fetch_all(self.reader()).await?;
        let one = |row: &sqlx::any::AnyRow| {
            let (told_at, heartbeat_at) = (row.get::<Option<i64>, _>(1).map(Micros), Micros(row.get(2)));
            (row.get(0), ToldLast { told_at, heartbeat_at })
        };
        Ok(rows.iter().map(one).collect())
    }

    /// Notices for one recipient, with what it knows from then on.
    ///
    /// # Errors
    /// The database failed; nobody knows anything then.
    pub async fn tell(&self, recipient: &str, notices: Vec<NewNotice>, told: Vec<Told>, now: Timestamp) -> Result<()> {
        let recipient = recipient.to_owned();
        self.write("notice", move |mut tx| {
            Box::pin(async move {
                let at = Micros::from(now);
                let mut rows = Rows::new(
                    "INSERT INTO notice (notice_id, recipient, address, kind, facts, state, next_at, created_at, changed_at)",
                );
                for one in &notices {
                    rows.push([
                        Cell::Owned(tx.id("ntc", now)),
                        Cell::Text(&one.recipient),
                        Cell::TextOrNull(one.address.as_deref()),
                        Cell::Text(one.kind.as_str()),
                        Cell::Owned(one.facts.to_string()),
                        Cell::Text(NoticeState::Ready.as_str()),
                        at.into(),
                        at.into(),
                        at.into(),
                    ]);
                }
                rows.insert(&mut tx).await?;
                for one in &told {
                    sqlx::query(
                        "INSERT INTO alarm_told (alarm_id, recipient, count, is_over, told_at) VALUES ($1, $2, $3, $4, $5)
                         ON CONFLICT (alarm_id, recipient) DO UPDATE SET count = excluded.count, is_over = excluded.is_over,
                         told_at = excluded.told_at",
                    )
                    .bind(&one.alarm_id)
                    .bind(&recipient)
                    .bind(one.count)
                    .bind(one.is_over)
                    .bind(one.told_at)
                    .execute(&mut *tx.connection)
                    .await?;
                }
                let is = |kind| notices.iter().any(|one| one.kind == kind);
                let (alarm_at, heart_at) =
                    (is(NoticeKind::Alarm).then_some(at), is(NoticeKind::Heartbeat).then_some(at));
                // The first time that it is seen its heart begins to beat.
                sqlx::query(
                    "INSERT INTO recipient (recipient_id, told_at, heartbeat_at) VALUES ($1, $2, $4)
                     ON CONFLICT (recipient_id) DO UPDATE SET told_at = COALESCE($2, recipient.told_at),
                     heartbeat_at = COALESCE($3, recipient.heartbeat_at)",
                )
                .bind(&recipient)
                .bind(alarm_at)
                .bind(heart_at)
                .bind(at)
                .execute(&mut *tx.connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Notices that are due, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn due_notices(&self, count: u32, now: Timestamp) -> Result<Vec<Notice>> {
        Select::new(SELECT)
            .text("state =", Some(NoticeState::Ready.as_str()))
            .number("next_at <=", Micros::from(now).0)
            .then("ORDER BY next_at, notice_id")
            .limit(count)
            .all(self.reader())
            .await
    }

    /// What came of an attempt: taken without a reason, else tried again at a time, or given up without one.
    ///
    /// # Errors
    /// The database failed; it is then sent again, under the same id.
    pub async fn notice_tried(
        &self,
        notice_id: &str,
        (reason, next_at): (Option<&str>, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<()> {
        let (id, reason) = (notice_id.to_owned(), reason.map(str::to_owned));
        self.write("notice_tried", move |tx| {
            Box::pin(async move {
                let state = match (&reason, next_at) {
                    (None, _) => NoticeState::Sent,
                    (Some(_), Some(_)) => NoticeState::Ready,
                    (Some(_), None) => NoticeState::GivenUp,
                };
                sqlx::query(
                    "UPDATE notice SET state = $2, reason = $3, next_at = $4, attempts = attempts + 1, changed_at = $5
                     WHERE notice_id = $1",
                )
                .bind(&id)
                .bind(state)
                .bind(&reason)
                .bind(Micros::from(next_at.unwrap_or(now)))
                .bind(Micros::from(now))
                .execute(&mut *tx.connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Notices, newest first, in a state where one is named.
    ///
    /// # Errors
    /// The database failed.
    pub async fn notices(&self, state: Option<NoticeState>, page: &Page) -> Result<Vec<Notice>> {
        let select = Select::new(SELECT).text("state =", state.map(NoticeState::as_str));
        select.page("notice_id", page).all(self.reader()).await
    }

    /// One that was given up goes again, at once.
    ///
    /// # Errors
    /// There is none that was given up.
    pub async fn retry_notice(&self, notice_id: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (id, actor) = (notice_id.to_owned(), actor.clone());
        self.write("alarm_act", move |mut tx| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE notice SET state = 'ready', attempts = 0, next_at = $2, changed_at = $2
                     WHERE notice_id = $1 AND state = 'given_up'",
                )
                .bind(&id)
                .bind(Micros::from(now))
                .execute(&mut *tx.connection)
                .await?;
                if done.rows_affected() == 0 {
                    return Err(StoreError::NotFound { what: "notice that was given up", id });
                }
                audit::append(&mut tx, &actor, "notice.retry", &format!("notice/{id}"), (None, None), now).await
            })
        })
        .await
    }
}
