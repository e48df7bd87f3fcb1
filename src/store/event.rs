//! The history: one chain of events per transmission, each with the hash of the one before; heads are anchored, so that
//! a whole chain cannot vanish either. Rows are only ever added.

use super::Store;
use super::error::{Result, StoreError};
use super::rows::{Cell, Rows};
use super::value::{Actor, Micros, hexadecimal};
use super::writer::Tx;
use crate::clock::Timestamp;
use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Value, json};
use sqlx::Row as _;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Event {
    /// Place in its chain, from 1.
    pub number: i64,
    /// The transmission whose chain it is in.
    pub transmission_id: String,
    /// The document concerned.
    pub document_id: Option<String>,
    /// The delivery concerned.
    pub delivery_id: Option<String>,
    /// What happened: `stored`, `translated`, `delivered` …
    pub kind: String,
    /// State before.
    pub from_state: Option<String>,
    /// State after.
    pub to_state: Option<String>,
    /// Who.
    pub actor: String,
    /// On which node.
    pub node: String,
    /// Why, for people.
    pub cause: Option<String>,
    /// Which attempt.
    pub attempt: Option<i64>,
    /// When.
    pub at: Micros,
}

/// An event about to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewEvent<'e> {
    pub transmission_id: &'e str,
    pub document_id: Option<&'e str>,
    pub delivery_id: Option<&'e str>,
    pub kind: &'e str,
    pub from_state: Option<&'e str>,
    pub to_state: Option<&'e str>,
    pub actor: Option<&'e Actor>,
    pub cause: Option<&'e str>,
    pub attempt: Option<i64>,
}

/// Says that the chain of a transmission begins with this piece, so that nobody looks for its last event.
pub(crate) fn begin(tx: &mut Tx<'_>, transmission_id: &str) {
    tx.heads.insert(transmission_id.to_owned(), (0, String::new()));
}

/// Appends to the chain of the event's transmission.
pub(crate) async fn append(tx: &mut Tx<'_>, event: NewEvent<'_>, now: Timestamp) -> Result<()> {
    append_all(tx, &[(event, now)]).await
}

/// Appends what becomes of something that is no transmission (an alarm, a pause, a webhook) to a chain of its own: `kind/id`.
pub(crate) async fn told(
    tx: &mut Tx<'_>,
    (kind, id): (&str, &str),
    (from, to): (Option<&str>, &str),
    (actor, cause): (&Actor, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    let event = NewEvent {
        transmission_id: &format!("{kind}/{id}"),
        kind,
        from_state: from,
        to_state: Some(to),
        actor: Some(actor),
        cause,
        ..NewEvent::default()
    };
    append(tx, event, now).await
}

/// Appends events to the chains of their transmissions, in this order.
pub(crate) async fn append_all(tx: &mut Tx<'_>, events: &[(NewEvent<'_>, Timestamp)]) -> Result<()> {
    let mut rows = Rows::new(
        "INSERT INTO event (event_id, transmission_id, number, document_id, delivery_id, kind, from_state, to_state,
         actor, node, cause, attempt, at, previous_hash, hash, sequence)",
    );
    let node = tx.node;
    for (event, now) in events {
        let (last, previous) = head(tx, event.transmission_id).await?;
        let number = last + 1;
        *tx.sequence += 1;
        let sequence = *tx.sequence;
        let actor = event.actor.map_or("system", |actor| &actor.0);
        let row = Event {
            number,
            transmission_id: event.transmission_id.to_owned(),
            document_id: event.document_id.map(str::to_owned),
            delivery_id: event.delivery_id.map(str::to_owned),
            kind: event.kind.to_owned(),
            from_state: event.from_state.map(str::to_owned),
            to_state: event.to_state.map(str::to_owned),
            actor: actor.to_owned(),
            node: node.to_owned(),
            cause: event.cause.map(str::to_owned),
            attempt: event.attempt,
            at: Micros::from(*now),
        };
        let hash = hash_of(&row, &previous);
        rows.push([
            Cell::Owned(format!("{}/{number}", event.transmission_id)),
            Cell::Text(event.transmission_id),
            Cell::Number(number),
            Cell::TextOrNull(event.document_id),
            Cell::TextOrNull(event.delivery_id),
            Cell::Text(event.kind),
            Cell::TextOrNull(event.from_state),
            Cell::TextOrNull(event.to_state),
            Cell::Text(actor),
            Cell::Text(node),
            Cell::TextOrNull(event.cause),
            Cell::NumberOrNull(event.attempt),
            row.at.into(),
            Cell::Owned(previous),
            Cell::Owned(hash.clone()),
            Cell::Number(sequence),
        ]);
        tx.heads.insert(event.transmission_id.to_owned(), (number, hash));
    }
    rows.insert(tx).await?;
    Ok(())
}

/// The last event of a chain: its number and its hash.
async fn head(tx: &mut Tx<'_>, transmission_id: &str) -> Result<(i64, String)> {
    if let Some(head) = tx.heads.remove(transmission_id) {
        return Ok(head);
    }
    let last = sqlx::query("SELECT number, hash FROM event WHERE transmission_id = $1 ORDER BY number DESC LIMIT 1")
        .bind(transmission_id)
        .fetch_optional(&mut *tx.connection)
        .await?;
    Ok(last.map_or_else(|| (0, String::new()), |row| (row.get(0), row.get(1))))
}

/// Everything an event says, in one fixed order, with the hash of the one before.
fn hash_of(event: &Event, previous: &str) -> String {
    let said = json!([
        previous,
        event.transmission_id,
        event.number,
        event.document_id,
        event.delivery_id,
        event.kind,
        event.from_state,
        event.to_state,
        event.actor,
        event.node,
        event.cause,
        event.attempt,
        event.at.0,
    ]);
    let mut context = Context::new(&SHA256);
    context.update(said.to_string().as_bytes());
    hexadecimal(context.finish().as_ref())
}

const COLUMNS: &str = "SELECT number, transmission_id, document_id, delivery_id, kind, from_state, to_state, actor, \
                       node, cause, attempt, at";

#[derive(sqlx::FromRow)]
struct Chained {
    #[sqlx(flatten)]
    event: Event,
    previous_hash: String,
    hash: String,
}

impl Store {
    /// The history of a transmission, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn events(&self, transmission_id: &str) -> Result<Vec<Event>> {
        let query = format!("{COLUMNS} FROM event WHERE transmission_id = $1 ORDER BY number");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(transmission_id).fetch_all(self.reader()).await?)
    }

    /// The history of a document, wherever its transmission's chain tells it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn document_events(&self, document_id: &str) -> Result<Vec<Event>> {
        let query = format!("{COLUMNS} FROM event WHERE document_id = $1 ORDER BY sequence");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(document_id).fetch_all(self.reader()).await?)
    }

    /// Checks every chain and every anchor. Returns what does not hold, in words; empty when all is as it was written.
    ///
    /// # Errors
    /// The database failed.
    pub async fn verify_events(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let chains: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT transmission_id FROM event").fetch_all(self.reader()).await?;
        for transmission_id in &chains {
            let query = format!("{COLUMNS}, previous_hash, hash FROM event WHERE transmission_id = $1 ORDER BY number");
            let rows: Vec<Chained> =
                sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(transmission_id).fetch_all(self.reader()).await?;
            let mut previous = String::new();
            for (at, row) in rows.iter().enumerate() {
                let is_next = row.event.number == i64::try_from(at).unwrap_or(0) + 1;
                if !is_next || row.previous_hash != previous || row.hash != hash_of(&row.event, &previous) {
                    found.push(format!("event {transmission_id}/{} is not as it was written", row.event.number));
                    break;
                }
                previous.clone_from(&row.hash);
            }
        }
        self.verify_anchors(&mut found).await?;
        Ok(found)
    }

    async fn verify_anchors(&self, found: &mut Vec<String>) -> Result<()> {
        let anchors = sqlx::query("SELECT number, heads, previous_hash, hash, at FROM anchor ORDER BY number")
            .fetch_all(self.reader())
            .await?;
        let mut previous = String::new();
        for row in anchors {
            let (number, heads): (i64, String) = (row.get(0), row.get(1));
            let (said_previous, hash, at): (String, String, i64) = (row.get(2), row.get(3), row.get(4));
            if said_previous != previous || hash != anchor_hash(number, &heads, &previous, at) {
                found.push(format!("anchor {number} is not as it was written"));
            }
            previous = hash;
            let heads: Vec<(String, i64, String)> = serde_json::from_str(&heads).unwrap_or_default();
            for (transmission_id, number, hash) in heads {
                let there: Option<String> =
                    sqlx::query_scalar("SELECT hash FROM event WHERE transmission_id = $1 AND number = $2")
                        .bind(&transmission_id)
                        .bind(number)
                        .fetch_optional(self.reader())
                        .await?;
                if there.as_deref() != Some(&hash) {
                    found.push(format!("event {transmission_id}/{number} was anchored and is gone or changed"));
                }
            }
        }
        Ok(())
    }

    /// Anchors the heads of all chains that grew since the last anchor. Returns how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn anchor(&self, now: Timestamp) -> Result<usize> {
        self.write("anchor", move |mut tx| Box::pin(async move { anchor(&mut tx, now).await })).await
    }
}

async fn anchor(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize> {
    let rows = sqlx::query(
        "SELECT e.transmission_id, e.number, e.hash FROM event e JOIN transmission t
         ON t.transmission_id = e.transmission_id
         WHERE e.number > t.anchored_number AND e.number =
         (SELECT MAX(number) FROM event m WHERE m.transmission_id = e.transmission_id)
         ORDER BY e.transmission_id LIMIT 10000",
    )
    .fetch_all(&mut *tx.connection)
    .await?;
    let heads: Vec<(String, i64, String)> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    if heads.is_empty() {
        return Ok(0);
    }
    for (transmission_id, number, _) in &heads {
        sqlx::query("UPDATE transmission SET anchored_number = $2 WHERE transmission_id = $1")
            .bind(transmission_id)
            .bind(number)
            .execute(&mut *tx.connection)
            .await?;
    }
    let last = sqlx::query("SELECT number, hash FROM anchor ORDER BY number DESC LIMIT 1")
        .fetch_optional(&mut *tx.connection)
        .await?;
    let (number, previous): (i64, String) =
        last.map_or((1, String::new()), |row| (row.get::<i64, _>(0) + 1, row.get(1)));
    let count = heads.len();
    let heads = serde_json::to_value(heads).unwrap_or(Value::Null).to_string();
    let at = Micros::from(now);
    let hash = anchor_hash(number, &heads, &previous, at.0);
    let id = tx.id("anc", now);
    sqlx::query(
        "INSERT INTO anchor (anchor_id, number, heads, at, previous_hash, hash) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(number)
    .bind(heads)
    .bind(at)
    .bind(previous)
    .bind(hash)
    .execute(&mut *tx.connection)
    .await?;
    Ok(count)
}

fn anchor_hash(number: i64, heads: &str, previous: &str, at: i64) -> String {
    let mut context = Context::new(&SHA256);
    context.update(json!([previous, number, heads, at]).to_string().as_bytes());
    hexadecimal(context.finish().as_ref())
}

/// A row that must be in one of some states, or the transition is refused.
pub(crate) fn expect_state(what: &'static str, id: &str, found: &str, expected: &[&str]) -> Result<()> {
    if expected.contains(&found) {
        return Ok(());
    }
    Err(StoreError::WrongState { what, id: id.to_owned(), expected: expected.join(" or "), found: found.to_owned() })
}
