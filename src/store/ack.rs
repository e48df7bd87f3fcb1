//! Acknowledgments: those we owe and sent, those we await, and those that fit nothing we sent.

use super::Store;
use super::document;
use super::error::Result;
use super::event::{self, NewEvent};
use super::job::{self, JobKind};
use super::select::Select;
use super::value::{Micros, Page, words};
use super::writer::Tx;
use crate::clock::Timestamp;
use sqlx::Row as _;

words! {
    /// What an acknowledgment answers for.
    AckLevel {
        /// The bytes arrived (MDN, HTTP status).
        Receipt = "receipt",
        /// The envelope was read (TA1, CONTRL on the interchange).
        Technical = "technical",
        /// The document's syntax was checked (997, 999, CONTRL).
        Functional = "functional",
        /// The business looked at it (824, APERAK).
        Application = "application",
    }
}

words! {
    /// How an acknowledgment stands.
    AckState {
        /// None is expected.
        None = "none",
        /// All is well.
        Accepted = "accepted",
        /// It is awaited.
        Waiting = "waiting",
        /// Taken, with remarks.
        AcceptedWithErrors = "accepted_with_errors",
        /// It did not come in time.
        Overdue = "overdue",
        /// The other side refused.
        Rejected = "rejected",
    }
}

/// The worst of several states; `none` when there is none.
pub(crate) fn worst<'s>(states: impl Iterator<Item = &'s str>) -> String {
    let rank = |word: &str| AckState::ALL.iter().position(|state| state.as_str() == word).unwrap_or(0);
    states.max_by_key(|word| rank(word)).unwrap_or(AckState::None.as_str()).to_owned()
}

/// An acknowledgment that we await for something we send.
#[derive(Debug, Clone)]
pub struct NewExpectation {
    /// The outgoing document.
    pub document_id: String,
    /// Technical or functional.
    pub level: AckLevel,
    /// `ta1`, `997`, `999`, `contrl`.
    pub kind: String,
    /// The partner who owes it.
    pub partner: Option<String>,
    /// `scheme:value` of what was sent.
    pub sender: String,
    /// `scheme:value` of what was sent.
    pub receiver: String,
    /// Of what was sent.
    pub interchange_control_number: String,
    /// Of what was sent; X12 only.
    pub group_control_number: Option<String>,
    /// Of what was sent.
    pub document_control_number: String,
    /// When it is overdue.
    pub deadline: Option<Timestamp>,
}

/// An acknowledgment that we sent, so that none is made twice.
#[derive(Debug, Clone)]
pub struct NewAnswered {
    /// The interchange it answers.
    pub interchange_id: String,
    /// `ta1`, `997`, `999`, `contrl`.
    pub kind: String,
    /// The transmission that carries it.
    pub transmission_id: String,
    /// [`AckState`] it tells.
    pub state: AckState,
    /// `scheme:value` of what is answered.
    pub sender: String,
    /// `scheme:value` of what is answered.
    pub receiver: String,
    /// Of what is answered.
    pub interchange_control_number: String,
}

/// One answer in an acknowledgment that came in, about one thing we sent.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Technical or functional.
    pub level: AckLevel,
    /// What it says.
    pub state: AckState,
    /// `ta1`, `997`, `999`, `contrl`.
    pub kind: String,
    /// The partner who sent it.
    pub partner: Option<String>,
    /// Value of the party id that sent what is answered: ours.
    pub sender: String,
    /// Value of the party id that received it: the partner's.
    pub receiver: String,
    /// `None`: not told (997).
    pub interchange_control_number: Option<String>,
    /// `None`: not told (TA1, CONTRL).
    pub group_control_number: Option<String>,
    /// `None`: the answer is for all documents.
    pub document_control_number: Option<String>,
    /// The code it gave.
    pub code: String,
    /// In words.
    pub detail: String,
}

/// An acknowledgment as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Ack {
    /// Its id.
    pub ack_id: String,
    /// `in`: we are answered; `out`: we answer.
    pub direction: String,
    /// [`AckLevel`].
    pub level: String,
    /// `ta1`, `997`, `contrl` …
    pub kind: String,
    /// [`AckState`].
    pub state: String,
    /// The document or interchange answered; `None`: nothing we sent fits.
    pub refers_to: Option<String>,
    /// The transmission that carries it.
    pub transmission_id: Option<String>,
    /// The partner.
    pub partner: Option<String>,
    /// Of what is answered.
    pub sender: String,
    /// Of what is answered.
    pub receiver: String,
    /// Of what is answered.
    pub interchange_control_number: Option<String>,
    /// Of what is answered.
    pub group_control_number: Option<String>,
    /// Of what is answered.
    pub document_control_number: Option<String>,
    /// The code given.
    pub code: Option<String>,
    /// In words.
    pub detail: Option<String>,
    /// When it is overdue.
    pub deadline: Option<Micros>,
    /// When the answer came.
    pub answered_at: Option<Micros>,
    /// When the row was made.
    pub created_at: Micros,
}

const SELECT: &str = "SELECT ack_id, direction, level, kind, state, refers_to, transmission_id, partner, sender, \
                      receiver, interchange_control_number, group_control_number, document_control_number, code, \
                      detail, deadline, answered_at, created_at FROM ack WHERE 1 = 1";

/// Notes that an answer is awaited, with a job that looks when it is due.
pub(crate) async fn expect(tx: &mut Tx<'_>, new: &NewExpectation, now: Timestamp) -> Result<()> {
    let id = tx.id("ack", now);
    sqlx::query(
        "INSERT INTO ack (ack_id, direction, level, kind, state, refers_to, partner, sender, receiver,
         interchange_control_number, group_control_number, document_control_number, deadline, created_at)
         VALUES ($1, 'in', $2, $3, 'waiting', $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&id)
    .bind(new.level)
    .bind(&new.kind)
    .bind(&new.document_id)
    .bind(&new.partner)
    .bind(&new.sender)
    .bind(&new.receiver)
    .bind(&new.interchange_control_number)
    .bind(&new.group_control_number)
    .bind(&new.document_control_number)
    .bind(new.deadline.map(Micros::from))
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    if let Some(deadline) = new.deadline {
        job::insert(tx, JobKind::Acknowledge, &id, deadline, now).await?;
    }
    document::refresh_ack(tx, &new.document_id, now).await
}

/// Notes an acknowledgment that we made. False when there is one already: then none may be sent.
pub(crate) async fn answered(tx: &mut Tx<'_>, new: &NewAnswered, now: Timestamp) -> Result<bool> {
    let id = tx.id("ack", now);
    let level = if new.kind == "ta1" { AckLevel::Technical } else { AckLevel::Functional };
    let done = sqlx::query(
        "INSERT INTO ack (ack_id, direction, level, kind, state, refers_to, transmission_id, sender, receiver,
         interchange_control_number, answered_at, created_at)
         VALUES ($1, 'out', $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         ON CONFLICT (direction, refers_to, kind, group_no) DO NOTHING",
    )
    .bind(id)
    .bind(level)
    .bind(&new.kind)
    .bind(new.state)
    .bind(&new.interchange_id)
    .bind(&new.transmission_id)
    .bind(&new.sender)
    .bind(&new.receiver)
    .bind(&new.interchange_control_number)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Matches an answer to what we sent: the newest unanswered first; an answer for something answered before changes it
/// (a partner may accept after rejecting). What fits nothing is kept as unmatched.
pub(crate) async fn apply(tx: &mut Tx<'_>, incoming: &Incoming, transmission_id: &str, now: Timestamp) -> Result<u64> {
    let rows = candidates(tx, incoming).await?;
    if rows.is_empty() {
        let id = tx.id("ack", now);
        sqlx::query(
            "INSERT INTO ack (ack_id, direction, level, kind, state, transmission_id, partner, sender, receiver,
             interchange_control_number, group_control_number, document_control_number, code, detail, answered_at,
             created_at) VALUES ($1, 'in', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
        )
        .bind(id)
        .bind(incoming.level)
        .bind(&incoming.kind)
        .bind(incoming.state)
        .bind(transmission_id)
        .bind(&incoming.partner)
        .bind(&incoming.sender)
        .bind(&incoming.receiver)
        .bind(&incoming.interchange_control_number)
        .bind(&incoming.group_control_number)
        .bind(&incoming.document_control_number)
        .bind(&incoming.code)
        .bind(&incoming.detail)
        .bind(Micros::from(now))
        .execute(&mut *tx.connection)
        .await?;
        return Ok(0);
    }
    for (ack_id, document_id, sent_in, before) in &rows {
        sqlx::query(
            "UPDATE ack SET state = $2, code = $3, detail = $4, transmission_id = $5, answered_at = $6 WHERE ack_id = $1",
        )
        .bind(ack_id)
        .bind(incoming.state)
        .bind(&incoming.code)
        .bind(&incoming.detail)
        .bind(transmission_id)
        .bind(Micros::from(now))
        .execute(&mut *tx.connection)
        .await?;
        job::drop_for(tx, JobKind::Acknowledge, ack_id).await?;
        document::refresh_ack(tx, document_id, now).await?;
        let cause = format!("{} {}: {}", incoming.kind, incoming.code, incoming.detail);
        let event = NewEvent {
            transmission_id: sent_in,
            document_id: Some(document_id),
            kind: "acknowledged",
            from_state: Some(before),
            to_state: Some(incoming.state.as_str()),
            cause: Some(&cause),
            ..NewEvent::default()
        };
        event::append(tx, event, now).await?;
    }
    Ok(rows.len() as u64)
}

type Candidate = (String, String, String, String);

/// Rows that an answer is for. One document's answer takes one row; an answer for a group or an interchange takes all
/// rows of the newest sending that fits.
async fn candidates(tx: &mut Tx<'_>, incoming: &Incoming) -> Result<Vec<Candidate>> {
    let rows = sqlx::query(
        "SELECT a.ack_id, a.refers_to, d.transmission_id, a.state,
         COALESCE(a.group_control_number, '') || '/' || a.interchange_control_number AS sending
         FROM ack a JOIN document d ON d.document_id = a.refers_to
         WHERE a.direction = 'in' AND a.level = $1
         AND (a.partner = $2 OR a.partner IS NULL OR $2 IS NULL)
         AND a.sender LIKE '%:' || $3 AND a.receiver LIKE '%:' || $4
         AND ($5 IS NULL OR LTRIM(a.interchange_control_number, '0') = LTRIM($5, '0'))
         AND ($6 IS NULL OR LTRIM(a.group_control_number, '0') = LTRIM($6, '0'))
         AND ($7 IS NULL OR LTRIM(a.document_control_number, '0') = LTRIM($7, '0'))
         ORDER BY CASE WHEN a.state IN ('waiting', 'overdue') THEN 0 ELSE 1 END, a.created_at DESC, a.ack_id DESC",
    )
    .bind(incoming.level)
    .bind(&incoming.partner)
    .bind(&incoming.sender)
    .bind(&incoming.receiver)
    .bind(&incoming.interchange_control_number)
    .bind(&incoming.group_control_number)
    .bind(&incoming.document_control_number)
    .fetch_all(&mut *tx.connection)
    .await?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let sending: String = first.get(4);
    let same = rows.iter().filter(|row| row.get::<String, _>(4) == sending);
    let wanted = if incoming.document_control_number.is_some() { 1 } else { usize::MAX };
    Ok(same.take(wanted).map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect())
}

/// The worst state of each level for an outgoing document, in the order of [`AckLevel::ALL`].
pub(crate) async fn levels(tx: &mut Tx<'_>, document_id: &str) -> Result<[String; 4]> {
    let rows = sqlx::query("SELECT level, state FROM ack WHERE direction = 'in' AND refers_to = $1")
        .bind(document_id)
        .fetch_all(&mut *tx.connection)
        .await?;
    let of = |level: &AckLevel| {
        let states: Vec<String> =
            rows.iter().filter(|row| row.get::<String, _>(0) == level.as_str()).map(|row| row.get(1)).collect();
        worst(states.iter().map(String::as_str))
    };
    let mut found = AckLevel::ALL.iter().map(of);
    Ok(std::array::from_fn(|_| found.next().unwrap_or_default()))
}

impl Store {
    /// The acknowledgments that answer a document or interchange.
    ///
    /// # Errors
    /// The database failed.
    pub async fn acks_of(&self, refers_to: &str) -> Result<Vec<Ack>> {
        Select::new(SELECT).text("refers_to =", Some(refers_to)).then("ORDER BY created_at").all(self.reader()).await
    }

    /// Acknowledgments that came in and fit nothing we sent, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unmatched_acks(&self, page: &Page) -> Result<Vec<Ack>> {
        Select::new(SELECT)
            .then("AND direction = 'in' AND refers_to IS NULL")
            .page("ack_id", page)
            .all(self.reader())
            .await
    }
}
