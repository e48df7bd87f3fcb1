//! Transmissions: one thing a transport carried, in or out.

use super::error::{Result, StoreError};
use super::event::{self, NewEvent, expect_state};
use super::payload;
use super::rows::{Cell, Rows};
use super::select::Select;
use super::value::{Actor, Direction, Micros, Page, words};
use super::writer::Tx;
use super::{Content, Store};
use crate::clock::Timestamp;
use serde_json::Value;

words! {
    /// Where a transmission stands.
    TransmissionState {
        /// Its bytes are still coming.
        Incoming = "incoming",
        /// All bytes are on disk.
        Stored = "stored",
        /// Its signature was checked.
        Verified = "verified",
        /// Its documents are in the ledger.
        Split = "split",
        /// It came before.
        Duplicate = "duplicate",
        /// It waits for a person or a configuration; the code says why.
        Held = "held",
        /// It is nothing we can read; the sender was told.
        Rejected = "rejected",
    }
}

/// A transmission as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Transmission {
    /// Its id.
    pub transmission_id: String,
    /// From a partner to us, or from us to a partner.
    pub direction: String,
    /// The channel that carried it.
    pub channel: String,
    /// The partner, when known.
    pub partner: Option<String>,
    /// `test` or `production`, when known.
    pub environment: Option<String>,
    /// [`TransmissionState`].
    pub state: String,
    /// Why held or rejected: a stable word.
    pub code: Option<String>,
    /// The same for people.
    pub reason: Option<String>,
    /// The one that came before.
    pub duplicate_of: Option<String>,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// Bytes.
    pub size: i64,
    /// As its transport said.
    pub content_type: String,
    /// Name it had at its transport.
    pub file_name: Option<String>,
    /// Where its bytes are.
    pub payload_id: String,
    /// When it came or was made.
    pub created_at: Micros,
    /// When its state changed last.
    pub changed_at: Micros,
}

/// A transmission about to be written.
#[derive(Debug)]
pub struct NewTransmission {
    /// Its id, made by the caller, who may have to answer with it.
    pub transmission_id: String,
    /// From a partner, or to one.
    pub direction: Direction,
    /// The channel that carries it.
    pub channel: String,
    /// The partner, when known.
    pub partner: Option<String>,
    /// `test` or `production`, when known.
    pub environment: Option<String>,
    /// Its bytes.
    pub content: Content,
    /// As its transport says.
    pub content_type: String,
    /// Name at its transport.
    pub file_name: Option<String>,
    /// What of its transport's facts is kept, a JSON object.
    pub headers: Value,
}

/// Which transmissions a list shows.
#[derive(Debug, Clone, Default)]
pub struct TransmissionFilter {
    /// Only this direction.
    pub direction: Option<Direction>,
    /// Only this state.
    pub state: Option<TransmissionState>,
    /// Only this channel.
    pub channel: Option<String>,
    /// Only this partner.
    pub partner: Option<String>,
    /// Only with this digest.
    pub digest: Option<String>,
}

const SELECT: &str = "SELECT transmission_id, direction, channel, partner, environment, state, code, reason, \
                      duplicate_of, digest, size, content_type, file_name, payload_id, created_at, changed_at \
                      FROM transmission WHERE 1 = 1";

/// A transmission to be written, by whom and when.
pub(crate) type Arriving<'a> = (&'a NewTransmission, &'a Actor, Timestamp);

/// Writes the row and its payload; `state` is `stored` for what comes in and `split` for what goes out.
pub(crate) async fn insert(tx: &mut Tx<'_>, new: Arriving<'_>, state: TransmissionState) -> Result<()> {
    insert_all(tx, &[new], state).await
}

/// The same of several.
pub(crate) async fn insert_all(tx: &mut Tx<'_>, all: &[Arriving<'_>], state: TransmissionState) -> Result<()> {
    let contents: Vec<_> = all.iter().map(|(new, _, now)| (&new.content, new.content_type.as_str(), *now)).collect();
    payload::insert_all(tx, &contents).await?;
    let mut rows = Rows::new(
        "INSERT INTO transmission (transmission_id, direction, channel, partner, environment, state, digest, size,
         content_type, file_name, headers, payload_id, created_at, changed_at)",
    );
    let mut events = Vec::with_capacity(all.len());
    for (new, actor, now) in all {
        let at = Micros::from(*now);
        rows.push([
            Cell::Text(&new.transmission_id),
            Cell::Text(new.direction.as_str()),
            Cell::Text(&new.channel),
            Cell::TextOrNull(new.partner.as_deref()),
            Cell::TextOrNull(new.environment.as_deref()),
            Cell::Text(state.as_str()),
            Cell::Text(new.content.digest()),
            Cell::Number(i64::try_from(new.content.size()).unwrap_or(i64::MAX)),
            Cell::Text(&new.content_type),
            Cell::TextOrNull(new.file_name.as_deref()),
            Cell::Owned(new.headers.to_string()),
            Cell::Text(new.content.payload_id()),
            at.into(),
            at.into(),
        ]);
        event::begin(tx, &new.transmission_id);
        let (transmission_id, to_state) = (new.transmission_id.as_str(), Some(state.as_str()));
        let kind = if new.direction == Direction::In { "stored" } else { "encoded" };
        let event = NewEvent { transmission_id, kind, to_state, actor: Some(actor), ..NewEvent::default() };
        events.push((event, *now));
    }
    rows.insert(tx).await?;
    event::append_all(tx, &events).await
}

/// Why a transmission changes its state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change<'c> {
    pub code: Option<&'c str>,
    pub reason: Option<&'c str>,
    pub duplicate_of: Option<&'c str>,
    pub partner: Option<&'c str>,
    pub environment: Option<&'c str>,
}

/// Changes the state of an incoming transmission that is in one of `from`.
pub(crate) async fn change(
    tx: &mut Tx<'_>,
    transmission_id: &str,
    from: &[TransmissionState],
    to: TransmissionState,
    change: Change<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let found: Option<String> = sqlx::query_scalar("SELECT state FROM transmission WHERE transmission_id = $1")
        .bind(transmission_id)
        .fetch_optional(&mut *tx.connection)
        .await?;
    let found = found.ok_or(StoreError::NotFound { what: "transmission", id: transmission_id.to_owned() })?;
    let expected: Vec<&str> = from.iter().map(|state| state.as_str()).collect();
    expect_state("transmission", transmission_id, &found, &expected)?;
    sqlx::query(
        "UPDATE transmission SET state = $2, code = $3, reason = $4, duplicate_of = $5,
         partner = COALESCE($6, partner), environment = COALESCE($7, environment), changed_at = $8
         WHERE transmission_id = $1",
    )
    .bind(transmission_id)
    .bind(to)
    .bind(change.code)
    .bind(change.reason)
    .bind(change.duplicate_of)
    .bind(change.partner)
    .bind(change.environment)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    let cause = change.reason.or(change.code);
    let (kind, from_state, to_state) = (to.as_str(), Some(found.as_str()), Some(to.as_str()));
    let event =
        NewEvent { transmission_id, kind, from_state, to_state, actor: Some(actor), cause, ..NewEvent::default() };
    event::append(tx, event, now).await
}

impl Store {
    /// One transmission.
    ///
    /// # Errors
    /// There is none, or the database failed.
    pub async fn transmission(&self, transmission_id: &str) -> Result<Transmission> {
        let found = Select::new(SELECT).text("transmission_id =", Some(transmission_id)).first(self.reader()).await?;
        found.ok_or_else(|| StoreError::NotFound { what: "transmission", id: transmission_id.to_owned() })
    }

    /// What of its transport's facts was kept, a JSON object.
    ///
    /// # Errors
    /// The database failed, or there is none.
    pub async fn transport_facts(&self, transmission_id: &str) -> Result<Value> {
        let query = "SELECT headers FROM transmission WHERE transmission_id = $1";
        let found: Option<String> =
            sqlx::query_scalar(query).bind(transmission_id).fetch_optional(self.reader()).await?;
        let found =
            found.ok_or_else(|| StoreError::NotFound { what: "transmission", id: transmission_id.to_owned() })?;
        serde_json::from_str(&found).map_err(|error| StoreError::Unfit(format!("facts of {transmission_id}: {error}")))
    }

    /// Everything that is held on its way in, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn held(&self) -> Result<Vec<Transmission>> {
        let held = Select::new(SELECT).then("AND direction = 'in' AND state = 'held' ORDER BY created_at");
        held.all(self.reader()).await
    }

    /// Transmissions, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn transmissions(&self, filter: &TransmissionFilter, page: &Page) -> Result<Vec<Transmission>> {
        Select::new(SELECT)
            .text("direction =", filter.direction.map(Direction::as_str))
            .text("state =", filter.state.map(TransmissionState::as_str))
            .text("channel =", filter.channel.as_deref())
            .text("partner =", filter.partner.as_deref())
            .text("digest =", filter.digest.as_deref())
            .page("transmission_id", page)
            .all(self.reader())
            .await
    }
}
