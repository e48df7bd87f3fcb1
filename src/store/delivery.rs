//! Deliveries: one outgoing transmission to one channel, under one key that never changes, with its attempts.

use super::Store;
use super::document;
use super::error::{Result, StoreError};
use super::event::{self, NewEvent, expect_state};
use super::job;
use super::lane;
use super::select::Select;
use super::value::{Actor, Micros, Page, words};
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::partner::Priority;

words! {
    /// Where a delivery stands.
    DeliveryState {
        /// To be sent as soon as a worker is free.
        Ready = "ready",
        /// A worker has it.
        Leased = "leased",
        /// Bytes may be on their way: after a crash nobody knows.
        Sending = "sending",
        /// Sent; the receipt is awaited.
        AwaitingReceipt = "awaiting_receipt",
        /// It may or may not have arrived; it goes again under the same key.
        Uncertain = "uncertain",
        /// It failed for now and goes again at `next_at`.
        RetryWait = "retry_wait",
        /// The receiver has it.
        Delivered = "delivered",
        /// All retries are spent, or it can never succeed; a person decides.
        Parked = "parked",
        /// A person or a rule holds it.
        Held = "held",
        /// A person cancelled it.
        Cancelled = "cancelled",
    }
}

impl DeliveryState {
    /// The higher, the more a person should know; the worst of several is shown.
    #[must_use]
    pub fn severity(self) -> i64 {
        match self {
            Self::Delivered => 0,
            Self::Cancelled => 1,
            Self::Ready => 2,
            Self::Leased => 3,
            Self::Sending => 4,
            Self::AwaitingReceipt => 5,
            Self::RetryWait => 6,
            Self::Uncertain => 7,
            Self::Held => 8,
            Self::Parked => 9,
        }
    }
}

/// A delivery about to be written.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Its id.
    pub delivery_id: String,
    /// The channel.
    pub channel: String,
    /// The partner.
    pub partner: Option<String>,
    /// The agreement.
    pub agreement: Option<String>,
    /// Idempotency-Key, Message-ID or remote name.
    pub key: String,
    /// `repeat` or `hold`: what an uncertain outcome leads to.
    pub on_uncertain: String,
    /// Whose turn it is.
    pub turn: Turn,
}

/// Where a delivery stands among others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// The lane in which one leaves after the other; `None`: it waits for nobody.
    pub lane: Option<String>,
    /// What leaves first within a channel.
    pub priority: Priority,
}

/// A delivery as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Delivery {
    /// Its id.
    pub delivery_id: String,
    /// What it sends.
    pub transmission_id: String,
    /// The channel.
    pub channel: String,
    /// The partner.
    pub partner: Option<String>,
    /// The agreement.
    pub agreement: Option<String>,
    /// The key under which it travels.
    pub key: String,
    /// [`DeliveryState`].
    pub state: String,
    /// `repeat` or `hold`.
    pub on_uncertain: String,
    /// The lane in which one leaves after the other.
    pub lane: Option<String>,
    /// The number of its [`Priority`]: the lower, the earlier.
    pub priority: i64,
    /// The delivery that its lane stands at, where that is another and this one is open. Only lists say it.
    #[sqlx(default)]
    pub waits_for: Option<String>,
    /// That one's state.
    #[sqlx(default)]
    pub waits_for_state: Option<String>,
    /// Attempts made.
    pub attempts: i64,
    /// When it goes next.
    pub next_at: Option<Micros>,
    /// Why it is where it is: a stable word.
    pub code: Option<String>,
    /// The same for people.
    pub reason: Option<String>,
    /// The delivery whose place it takes.
    pub resubmit_of: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When its state changed last.
    pub changed_at: Micros,
}

impl Delivery {
    /// Whether its bytes have left, or are leaving just now.
    #[must_use]
    pub fn has_left(&self) -> bool {
        let states = [
            DeliveryState::Sending,
            DeliveryState::Uncertain,
            DeliveryState::AwaitingReceipt,
            DeliveryState::Delivered,
        ];
        states.iter().any(|state| self.state == state.as_str())
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Attempt {
    /// From 1.
    pub number: i64,
    /// Node that made it.
    pub node: String,
    /// Where to.
    pub remote: Option<String>,
    /// What came of it; `None` while under way.
    pub outcome: Option<String>,
    /// Status of the answer.
    pub status: Option<i64>,
    /// The same for people.
    pub detail: Option<String>,
    /// When it began.
    pub started_at: Micros,
    /// When it ended.
    pub ended_at: Option<Micros>,
}

/// Which deliveries a list shows.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only over this channel.
    pub channel: Option<String>,
    /// Only to this partner.
    pub partner: Option<String>,
    /// Only of this transmission.
    pub transmission_id: Option<String>,
}

/// The columns of a [`Delivery`] that its row has.
macro_rules! columns {
    () => {
        "delivery_id, transmission_id, channel, partner, agreement, key, state, on_uncertain, lane, priority, attempts, next_at, \
         code, reason, resubmit_of, created_at, changed_at"
    };
}
pub(super) use columns;

/// That a delivery may have arrived although it did not end well: an attempt whose end nobody knows, a receipt that did not come
/// or proves nothing.
macro_rules! doubtful {
    () => {
        "(delivery.code IN ('UNCERTAIN', 'RECEIPT-OVERDUE', 'RECEIPT-MISSING', 'RECEIPT-REFUSED') OR EXISTS (SELECT 1 FROM attempt
         WHERE attempt.delivery_id = delivery.delivery_id
         AND (attempt.outcome IS NULL OR attempt.outcome IN ('uncertain', 'awaiting_receipt', 'held'))))"
    };
}
pub(super) use doubtful;

const SELECT: &str = concat!("SELECT ", columns!(), " FROM delivery WHERE 1 = 1");

/// The same, with the first open one of the lane, where it is another.
const LISTED: &str = concat!(
    "SELECT ",
    columns!(),
    ", (SELECT NULLIF(first.delivery_id, delivery.delivery_id) FROM delivery AS first
        WHERE first.lane = delivery.lane AND first.severity > 1 AND delivery.severity > 1
        ORDER BY first.lane_place, first.lane_number LIMIT 1) AS waits_for,
       (SELECT CASE WHEN first.delivery_id = delivery.delivery_id THEN NULL ELSE first.state END
        FROM delivery AS first
        WHERE first.lane = delivery.lane AND first.severity > 1 AND delivery.severity > 1
        ORDER BY first.lane_place, first.lane_number LIMIT 1) AS waits_for_state
     FROM delivery WHERE 1 = 1"
);

/// Writes the row, ready, with its job; in a lane only the first has one. It takes the place of the one that it is sent anew
/// for.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    transmission_id: &str,
    new: &NewDelivery,
    resubmit_of: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let state = DeliveryState::Ready;
    sqlx::query(
        "INSERT INTO delivery (delivery_id, transmission_id, channel, partner, agreement, key, state, severity,
         on_uncertain, resubmit_of, created_at, changed_at, priority)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)",
    )
    .bind(&new.delivery_id)
    .bind(transmission_id)
    .bind(&new.channel)
    .bind(&new.partner)
    .bind(&new.agreement)
    .bind(&new.key)
    .bind(state)
    .bind(state.severity())
    .bind(&new.on_uncertain)
    .bind(resubmit_of)
    .bind(Micros::from(now))
    .bind(new.turn.priority.number())
    .execute(&mut *tx.connection)
    .await?;
    match &new.turn.lane {
        None => job::deliver(tx, &new.delivery_id, now, now).await?,
        Some(lane) => {
            let taken_over = match resubmit_of {
                Some(old) => lane::leave(tx, old).await?,
                None => None,
            };
            let place = match taken_over {
                Some(place) => place,
                None => lane::place(tx, lane, transmission_id, now).await?,
            };
            lane::enter(tx, &new.delivery_id, &place, now).await?;
        }
    }
    let event = NewEvent {
        transmission_id,
        delivery_id: Some(&new.delivery_id),
        kind: "delivery",
        to_state: Some(state.as_str()),
        actor: Some(actor),
        cause: resubmit_of,
        ..NewEvent::default()
    };
    event::append(tx, event, now).await?;
    document::refresh_delivery(tx, transmission_id, now).await
}

/// The delivery that goes in the place of another, if it was resubmitted: they share its documents and what is awaited for them.
pub(crate) async fn resubmitted_as(tx: &mut Tx<'_>, delivery_id: &str) -> Result<Option<String>> {
    let query = "SELECT delivery_id FROM delivery WHERE resubmit_of = $1";
    Ok(sqlx::query_scalar(query).bind(delivery_id).fetch_optional(&mut *tx.connection).await?)
}

/// What a change of state brings with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change<'c> {
    pub code: Option<&'c str>,
    pub reason: Option<&'c str>,
    pub next_at: Option<Timestamp>,
    pub attempt: Option<i64>,
}

/// Changes the state of a delivery that is in one of `from`; its documents follow.
pub(crate) async fn change(
    tx: &mut Tx<'_>,
    delivery_id: &str,
    from: &[DeliveryState],
    to: DeliveryState,
    change: Change<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Delivery> {
    let found = find(tx, delivery_id).await?;
    change_found(tx, &found, from, to, change, actor, now).await?;
    Ok(found)
}

/// The same of one that was found already, in this piece of work.
pub(crate) async fn change_found(
    tx: &mut Tx<'_>,
    found: &Delivery,
    from: &[DeliveryState],
    to: DeliveryState,
    change: Change<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let delivery_id = found.delivery_id.as_str();
    let expected: Vec<&str> = from.iter().map(|state| state.as_str()).collect();
    expect_state("delivery", delivery_id, &found.state, &expected)?;
    sqlx::query(
        "UPDATE delivery SET state = $2, severity = $3, code = $4, reason = $5, next_at = $6, changed_at = $7,
         attempts = COALESCE($8, attempts) WHERE delivery_id = $1",
    )
    .bind(delivery_id)
    .bind(to)
    .bind(to.severity())
    .bind(change.code)
    .bind(change.reason)
    .bind(change.next_at.map(Micros::from))
    .bind(Micros::from(now))
    .bind(change.attempt)
    .execute(&mut *tx.connection)
    .await?;
    let event = NewEvent {
        transmission_id: &found.transmission_id,
        delivery_id: Some(delivery_id),
        kind: "delivery",
        from_state: Some(&found.state),
        to_state: Some(to.as_str()),
        actor: Some(actor),
        cause: change.reason.or(change.code),
        attempt: change.attempt,
        ..NewEvent::default()
    };
    event::append(tx, event, now).await?;
    document::refresh_delivery(tx, &found.transmission_id, now).await?;
    match &found.lane {
        Some(lane) if to != DeliveryState::Sending => lane::turn(tx, lane, now).await,
        _ => Ok(()),
    }
}

pub(crate) async fn find(tx: &mut Tx<'_>, delivery_id: &str) -> Result<Delivery> {
    let found = Select::new(SELECT).text("delivery_id =", Some(delivery_id)).first(&mut *tx.connection).await?;
    found.ok_or_else(|| StoreError::NotFound { what: "delivery", id: delivery_id.to_owned() })
}

/// The delivery of a transmission that no other has taken the place of.
pub(crate) async fn last_of(tx: &mut Tx<'_>, transmission_id: &str) -> Result<Option<Delivery>> {
    let last = Select::new(SELECT).text("transmission_id =", Some(transmission_id));
    last.then("ORDER BY created_at DESC, delivery_id DESC").first(&mut *tx.connection).await
}

impl Delivery {
    /// Whose turn it is; one that is sent anew takes it over.
    pub(crate) fn turn(&self) -> Turn {
        Turn { lane: self.lane.clone(), priority: Priority::of(self.priority) }
    }
}

impl Store {
    /// One delivery.
    ///
    /// # Errors
    /// There is none, or the database failed.
    pub async fn delivery(&self, delivery_id: &str) -> Result<Delivery> {
        let found = Select::new(LISTED).text("delivery_id =", Some(delivery_id)).first(self.reader()).await?;
        found.ok_or_else(|| StoreError::NotFound { what: "delivery", id: delivery_id.to_owned() })
    }

    /// The delivery under this key, if there is one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delivery_of_key(&self, key: &str) -> Result<Option<Delivery>> {
        Select::new(LISTED).text("key =", Some(key)).first(self.reader()).await
    }

    /// Deliveries, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn deliveries(&self, filter: &DeliveryFilter, page: &Page) -> Result<Vec<Delivery>> {
        Select::new(LISTED)
            .text("state =", filter.state.map(DeliveryState::as_str))
            .text("channel =", filter.channel.as_deref())
            .text("partner =", filter.partner.as_deref())
            .text("transmission_id =", filter.transmission_id.as_deref())
            .page("delivery_id", page)
            .all(self.reader())
            .await
    }

    /// The attempts of a delivery, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn attempts(&self, delivery_id: &str) -> Result<Vec<Attempt>> {
        let query = "SELECT number, node, remote, outcome, status, detail, started_at, ended_at FROM attempt
                     WHERE delivery_id = $1 ORDER BY number";
        Ok(sqlx::query_as(query).bind(delivery_id).fetch_all(self.reader()).await?)
    }
}
