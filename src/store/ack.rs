//! Acknowledgments: those we owe and sent, those we await, and those that fit nothing we sent. How an answer that came
//! finds what it is about stands in `matching`.

use super::Store;
use super::document;
use super::error::Result;
use super::event::{self, NewEvent};
use super::job::{self, JobKind};
use super::select::Select;
use super::value::{Direction, Micros, Page, storable, words};
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::partner::Calendar;
use crate::partner::calendar::due;
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
    /// Minutes from the delivery until it is overdue.
    pub within_minutes: u32,
    /// The calendar by which they are counted; none: by the clock.
    pub calendar: Option<Calendar>,
}

/// An acknowledgment that we sent, so that none is made twice.
#[derive(Debug, Clone)]
pub struct NewAnswered {
    /// The interchange it answers.
    pub interchange_id: String,
    /// Ordinal of the group it answers; 0 for the interchange.
    pub group_number: u32,
    /// Technical or functional.
    pub level: AckLevel,
    /// `ta1`, `997`, `999`, `contrl`, `application_response`.
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
    /// Of what is answered; X12 only.
    pub group_control_number: Option<String>,
}

/// What an acknowledgment that came in says about one sending of ours: an interchange, or a group of it.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Technical or functional.
    pub level: AckLevel,
    /// `ta1`, `997`, `999`, `contrl`.
    pub kind: String,
    /// The partner who sent it.
    pub partner: Option<String>,
    /// `test` or `production`: what it answers was sent there. `None`: its standard has no word for that (UBL), and what was
    /// sent in production goes before what was sent for a test.
    pub environment: Option<String>,
    /// Value of the party id that sent what is answered: ours.
    pub sender: String,
    /// Value of the party id that received it: the partner's.
    pub receiver: String,
    /// `None`: not told (997).
    pub interchange_control_number: Option<String>,
    /// `None`: not told (TA1, CONTRL).
    pub group_control_number: Option<String>,
    /// The document that it names in place of control numbers; `documents` then says nothing.
    pub named: Option<NamedDocument>,
    /// What it says of all documents that it does not name; `None`: nothing.
    pub whole: Option<Said>,
    /// What it says of documents by their control number.
    pub documents: Vec<(String, Said)>,
    /// Whether it is listed when it fits nothing; the other half of the same acknowledgment is, otherwise.
    pub is_listed: bool,
}

impl Incoming {
    /// The same with all that a stranger wrote made fit for every database.
    #[must_use]
    pub(crate) fn storable(self) -> Self {
        let said = Said::storable;
        Self {
            sender: storable(&self.sender),
            receiver: storable(&self.receiver),
            interchange_control_number: self.interchange_control_number.as_deref().map(storable),
            group_control_number: self.group_control_number.as_deref().map(storable),
            named: self.named.map(|named| NamedDocument { number: storable(&named.number), ..named }),
            whole: self.whole.map(said),
            documents: self.documents.into_iter().map(|(number, one)| (storable(&number), said(one))).collect(),
            ..self
        }
    }
}

/// A document of ours as acknowledgments of XML and answers of the business name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDocument {
    /// Its standard.
    pub standard: String,
    /// The types that may be meant; none: it is not told which. Then a number that documents of several types bear is nobody's.
    pub kinds: Vec<String>,
    /// Its number: that which people know it by (UBL), or that of its envelope (cXML).
    pub number: String,
    /// Whether it is the number of the envelope.
    pub is_envelope: bool,
    /// Whether only documents are meant that an answer of this kind is or was expected for, whatever their standard.
    pub is_awaited: bool,
}

/// A verdict as received.
#[derive(Debug, Clone)]
pub struct Said {
    /// What it comes to.
    pub state: AckState,
    /// The codes given.
    pub code: String,
    /// In words.
    pub detail: String,
    /// What it finds wrong, for those who may not see what stands there.
    pub faults: Faults,
}

/// What an answer finds wrong, place by place, without what stands there: the first, and how many there are more.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Faults {
    /// A line each: `segment 2 BEG, element 3 (353): code 7 (Invalid code value)`.
    pub first: Vec<String>,
    /// How many there are more.
    pub more: usize,
}

impl Faults {
    /// As the ledger keeps them; nothing where there are none.
    pub(crate) fn kept(&self) -> Option<String> {
        (!self.first.is_empty()).then(|| serde_json::to_string(self).ok()).flatten().map(|text| storable(&text))
    }
}

impl Said {
    /// The same made fit for every database.
    #[must_use]
    pub(crate) fn storable(self) -> Self {
        Said { code: storable(&self.code), detail: storable(&self.detail), ..self }
    }
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
    /// Minutes from the delivery to the deadline.
    pub wait_minutes: Option<i64>,
    /// When it is overdue; unknown until the delivery.
    pub deadline: Option<Micros>,
    /// When the answer came.
    pub answered_at: Option<Micros>,
    /// When the row was made.
    pub created_at: Micros,
}

/// Which acknowledgments a list shows.
#[derive(Debug, Clone, Default)]
pub struct AckFilter {
    /// `in`: we are answered; `out`: we answer.
    pub direction: Option<Direction>,
    /// Only of this level.
    pub level: Option<AckLevel>,
    /// Only in this state.
    pub state: Option<AckState>,
    /// Only of this partner.
    pub partner: Option<String>,
}

const SELECT: &str = "SELECT ack_id, direction, level, kind, state, refers_to, transmission_id, partner, sender, \
                      receiver, interchange_control_number, group_control_number, document_control_number, code, \
                      detail, wait_minutes, deadline, answered_at, created_at FROM ack WHERE 1 = 1";

/// Notes that an answer is awaited. Its clock begins with the delivery.
pub(crate) async fn expect(tx: &mut Tx<'_>, new: &NewExpectation, now: Timestamp) -> Result<()> {
    let id = tx.id("ack", now);
    sqlx::query(
        "INSERT INTO ack (ack_id, direction, level, kind, state, refers_to, partner, sender, receiver,
         interchange_control_number, group_control_number, document_control_number, wait_minutes, created_at, calendar)
         VALUES ($1, 'in', $2, $3, 'waiting', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
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
    .bind(i64::from(new.within_minutes))
    .bind(Micros::from(now))
    .bind(new.calendar.as_ref().and_then(|calendar| serde_json::to_string(calendar).ok()))
    .execute(&mut *tx.connection)
    .await?;
    document::refresh_ack(tx, &new.document_id, now).await
}

/// The receiver has a transmission (a 2xx of HTTP): the receipt of its documents is accepted, and the clocks of what
/// they await begin, each with a job that looks when it is due.
pub(crate) async fn received(tx: &mut Tx<'_>, transmission_id: &str, now: Timestamp) -> Result<()> {
    let documents: Vec<String> =
        sqlx::query_scalar("SELECT document_id FROM document WHERE transmission_id = $1 ORDER BY number")
            .bind(transmission_id)
            .fetch_all(&mut *tx.connection)
            .await?;
    for document_id in &documents {
        receipt(tx, transmission_id, document_id, now).await?;
        let waiting = sqlx::query(
            "SELECT ack_id, wait_minutes, calendar FROM ack WHERE direction = 'in' AND refers_to = $1 AND state = 'waiting'
             AND deadline IS NULL AND wait_minutes IS NOT NULL",
        )
        .bind(document_id)
        .fetch_all(&mut *tx.connection)
        .await?;
        for row in waiting {
            let (id, minutes) = (row.get::<String, _>(0), u64::try_from(row.get::<i64, _>(1)).unwrap_or(0));
            let calendar =
                row.get::<Option<String>, _>(2).and_then(|text| serde_json::from_str::<Calendar>(&text).ok());
            let deadline = due(now, minutes, calendar.as_ref());
            sqlx::query("UPDATE ack SET deadline = $2 WHERE ack_id = $1")
                .bind(&id)
                .bind(Micros::from(deadline))
                .execute(&mut *tx.connection)
                .await?;
            job::insert(tx, JobKind::Acknowledge, &id, deadline, now).await?;
        }
        document::refresh_ack(tx, document_id, now).await?;
    }
    Ok(())
}

/// A transmission will not be sent after all, or it will: what its documents await is awaited no more, or again. Clocks
/// that run are left alone, since then the receiver has had it once.
pub(crate) async fn awaited(tx: &mut Tx<'_>, transmission_id: &str, is_awaited: bool, now: Timestamp) -> Result<()> {
    let (from, to) = (AckState::Waiting.as_str(), AckState::None.as_str());
    let (from, to) = if is_awaited { (to, from) } else { (from, to) };
    let documents: Vec<String> = sqlx::query_scalar("SELECT document_id FROM document WHERE transmission_id = $1")
        .bind(transmission_id)
        .fetch_all(&mut *tx.connection)
        .await?;
    for document_id in &documents {
        let changed = sqlx::query(
            "UPDATE ack SET state = $3 WHERE direction = 'in' AND refers_to = $1 AND state = $2 AND deadline IS NULL
             AND wait_minutes IS NOT NULL",
        )
        .bind(document_id)
        .bind(from)
        .bind(to)
        .execute(&mut *tx.connection)
        .await?;
        if changed.rows_affected() > 0 {
            document::refresh_ack(tx, document_id, now).await?;
        }
    }
    Ok(())
}

async fn receipt(tx: &mut Tx<'_>, transmission_id: &str, document_id: &str, now: Timestamp) -> Result<()> {
    let id = tx.id("ack", now);
    sqlx::query(
        "INSERT INTO ack (ack_id, direction, level, kind, state, refers_to, partner, sender, receiver,
         interchange_control_number, group_control_number, document_control_number, answered_at, created_at)
         SELECT $1, 'in', 'receipt', 'http', 'accepted', d.document_id, d.partner, d.sender, d.receiver,
         i.control_number, d.group_control_number, d.control_number, $4, $4
         FROM document d JOIN interchange i ON i.interchange_id = d.interchange_id
         WHERE d.document_id = $2 AND d.transmission_id = $3
         ON CONFLICT (direction, refers_to, level, kind, group_no) DO NOTHING",
    )
    .bind(id)
    .bind(document_id)
    .bind(transmission_id)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Notes an acknowledgment that we made.
pub(crate) async fn answered(tx: &mut Tx<'_>, new: &NewAnswered, now: Timestamp) -> Result<()> {
    let id = tx.id("ack", now);
    sqlx::query(
        "INSERT INTO ack (ack_id, direction, level, kind, state, refers_to, group_no, transmission_id, sender, receiver,
         interchange_control_number, group_control_number, answered_at, created_at)
         VALUES ($1, 'out', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
         ON CONFLICT (direction, refers_to, level, kind, group_no) DO NOTHING",
    )
    .bind(id)
    .bind(new.level)
    .bind(&new.kind)
    .bind(new.state)
    .bind(&new.interchange_id)
    .bind(i64::from(new.group_number))
    .bind(&new.transmission_id)
    .bind(storable(&new.sender))
    .bind(storable(&new.receiver))
    .bind(storable(&new.interchange_control_number))
    .bind(new.group_control_number.as_deref().map(storable))
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Whether an interchange was answered already: then it is never answered again.
pub(crate) async fn is_answered(tx: &mut Tx<'_>, interchange_id: &str) -> Result<bool> {
    Ok(answer_of(tx, interchange_id).await?.is_some())
}

/// The transmission that answered an interchange.
pub(crate) async fn answer_of(tx: &mut Tx<'_>, interchange_id: &str) -> Result<Option<String>> {
    let query =
        "SELECT transmission_id FROM ack WHERE direction = 'out' AND refers_to = $1 ORDER BY created_at LIMIT 1";
    Ok(sqlx::query_scalar(query).bind(interchange_id).fetch_optional(&mut *tx.connection).await?)
}

/// Marks an awaited acknowledgment as overdue and tells the history; false when it came in the meantime. It may still
/// come.
pub(crate) async fn overdue(tx: &mut Tx<'_>, ack_id: &str, now: Timestamp) -> Result<bool> {
    let found = sqlx::query(
        "SELECT a.kind, d.document_id, d.transmission_id FROM ack a JOIN document d ON d.document_id = a.refers_to
         WHERE a.ack_id = $1 AND a.state = 'waiting'",
    )
    .bind(ack_id)
    .fetch_optional(&mut *tx.connection)
    .await?;
    let Some(found) = found else { return Ok(false) };
    let (kind, document_id, transmission_id): (String, String, String) = (found.get(0), found.get(1), found.get(2));
    sqlx::query("UPDATE ack SET state = 'overdue' WHERE ack_id = $1").bind(ack_id).execute(&mut *tx.connection).await?;
    document::refresh_ack(tx, &document_id, now).await?;
    let cause = format!("{kind} did not come in time");
    let event = NewEvent {
        transmission_id: &transmission_id,
        document_id: Some(&document_id),
        kind: "ack_overdue",
        from_state: Some(AckState::Waiting.as_str()),
        to_state: Some(AckState::Overdue.as_str()),
        cause: Some(&cause),
        ..NewEvent::default()
    };
    event::append(tx, event, now).await?;
    Ok(true)
}

/// The worst state of each level in the order of [`AckLevel::ALL`]: of an outgoing document, or of all that was made
/// from an incoming one.
pub(crate) async fn levels(tx: &mut Tx<'_>, document_id: &str) -> Result<[String; 4]> {
    let rows = sqlx::query(
        "SELECT level, state FROM ack WHERE direction = 'in' AND (refers_to = $1
         OR refers_to IN (SELECT document_id FROM document_source WHERE source_id = $1))",
    )
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

    /// Acknowledgments, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn acks(&self, filter: &AckFilter, page: &Page) -> Result<Vec<Ack>> {
        Select::new(SELECT)
            .text("direction =", filter.direction.map(Direction::as_str))
            .text("level =", filter.level.map(AckLevel::as_str))
            .text("state =", filter.state.map(AckState::as_str))
            .text("partner =", filter.partner.as_deref())
            .page("ack_id", page)
            .all(self.reader())
            .await
    }

    /// How many of the acknowledgments that we await or got are in each state.
    ///
    /// # Errors
    /// The database failed.
    pub async fn ack_states(&self) -> Result<Vec<(String, String, i64)>> {
        let rows = sqlx::query(
            "SELECT level, state, COUNT(*) FROM ack WHERE direction = 'in' GROUP BY level, state ORDER BY 1, 2",
        )
        .fetch_all(self.reader())
        .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
    }

    /// What the newest answer that refused a document found wrong in it, of a kind (`997`) where one is named.
    ///
    /// # Errors
    /// The database failed.
    pub async fn faults_of(&self, document_id: &str, kind: Option<&str>) -> Result<Option<Faults>> {
        let select = Select::new("SELECT faults FROM ack WHERE direction = 'in' AND faults IS NOT NULL")
            .text("refers_to =", Some(document_id))
            .text("state =", Some(AckState::Rejected.as_str()))
            .text("kind =", kind);
        let row: Option<(String,)> = select.then("ORDER BY answered_at DESC").first(self.reader()).await?;
        Ok(row.and_then(|(text,)| serde_json::from_str(&text).ok()))
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
