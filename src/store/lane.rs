//! Lanes: deliveries that leave one after the other, in the order in which what they were made of was received. Only the first
//! open one of a lane may be sent; the next comes when that one is delivered, cancelled, or was sent anew. One that is parked,
//! held or tried again keeps the lane standing.
//!
//! The first has a job and the others have none, so that a long lane costs the lease nothing. Who is first is decided by
//! the rows and not by the jobs: a job too many is dropped when it is leased, and `sending` is written by the first only.

use super::delivery::{Delivery, DeliveryState};
use super::error::{Result, StoreError};
use super::job::{self, JobKind};
use super::value::Micros;
use super::writer::Tx;
use crate::clock::Timestamp;
use std::time::Duration;

/// After this another look is taken at a lane whose first has to wait for one under way.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// The same while something that was received earlier is being translated: a quarter of its age, within these limits.
const TRANSLATING_WAIT: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(5)];

/// The first open delivery of a lane.
pub(super) const FIRST: &str = "SELECT delivery_id, state, next_at FROM delivery WHERE lane = $1 AND severity > 1
                                ORDER BY lane_place, lane_number LIMIT 1";
/// What of a lane is under way, but for one delivery: leased to awaiting_receipt by their severity, as the index has it.
pub(super) const UNDER_WAY: &str = "SELECT delivery_id, state, next_at FROM delivery
                                    WHERE lane = $1 AND severity >= 3 AND severity <= 5 AND delivery_id <> $2 LIMIT 1";
/// Since when something is being translated that came over a channel before an instant.
pub(super) const EARLIER: &str =
    "SELECT created_at FROM job WHERE kind = 'translate' AND waits_for IS NULL AND came_over = $1
                                  AND created_at < $2 ORDER BY created_at LIMIT 1";

/// A place in a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    lane: String,
    received: Micros,
    from: Option<String>,
    number: i64,
}

#[derive(sqlx::FromRow)]
struct Open {
    delivery_id: String,
    state: String,
    next_at: Option<Micros>,
}

impl Open {
    fn is_under_way(&self) -> bool {
        [DeliveryState::Leased, DeliveryState::Sending, DeliveryState::AwaitingReceipt]
            .iter()
            .any(|state| state.as_str() == self.state)
    }

    fn waits(&self) -> bool {
        [DeliveryState::Ready, DeliveryState::RetryWait, DeliveryState::Uncertain]
            .iter()
            .any(|state| state.as_str() == self.state)
    }
}

/// The first open delivery of a lane.
async fn first(tx: &mut Tx<'_>, lane: &str) -> Result<Option<Open>> {
    Ok(sqlx::query_as(FIRST).bind(lane).fetch_optional(&mut *tx.connection).await?)
}

/// What of a lane is under way, but for one delivery. It was the first when it began; any number of others, of what was released
/// late, may stand before it by now.
async fn under_way(tx: &mut Tx<'_>, lane: &str, but: &str) -> Result<Option<Open>> {
    Ok(sqlx::query_as(UNDER_WAY).bind(lane).bind(but).fetch_optional(&mut *tx.connection).await?)
}

/// Whether a delivery is under way.
async fn is_under_way(tx: &mut Tx<'_>, delivery_id: &str) -> Result<bool> {
    let query = "SELECT delivery_id, state, next_at FROM delivery WHERE delivery_id = $1";
    let found: Option<Open> = sqlx::query_as(query).bind(delivery_id).fetch_optional(&mut *tx.connection).await?;
    Ok(found.is_some_and(|one| one.is_under_way()))
}

/// A new place for what a transmission holds: behind all that was received before it, and behind what came with it.
pub(crate) async fn place(tx: &mut Tx<'_>, lane: &str, transmission_id: &str, now: Timestamp) -> Result<Place> {
    let query = "SELECT came.created_at, came.channel FROM document AS made
                 JOIN document_source ON document_source.document_id = made.document_id
                 JOIN document AS source ON source.document_id = document_source.source_id
                 JOIN transmission AS came ON came.transmission_id = source.transmission_id
                 WHERE made.transmission_id = $1 ORDER BY came.created_at LIMIT 1";
    let came: Option<(Micros, String)> =
        sqlx::query_as(query).bind(transmission_id).fetch_optional(&mut *tx.connection).await?;
    let (received, from) = came.map_or((Micros::from(now), None), |(at, channel)| (at, Some(channel)));
    let query = "SELECT CAST(COALESCE(MAX(lane_number), 0) + 1 AS BIGINT) FROM delivery WHERE lane = $1";
    let number = sqlx::query_scalar(query).bind(lane).fetch_one(&mut *tx.connection).await?;
    Ok(Place { lane: lane.to_owned(), received, from, number })
}

/// The place of a delivery that another takes over; the old one is out of the lane.
pub(crate) async fn leave(tx: &mut Tx<'_>, delivery_id: &str) -> Result<Option<Place>> {
    let query =
        "SELECT lane, lane_place, lane_from, lane_number FROM delivery WHERE delivery_id = $1 AND lane IS NOT NULL";
    let row: Option<(String, Micros, Option<String>, i64)> =
        sqlx::query_as(query).bind(delivery_id).fetch_optional(&mut *tx.connection).await?;
    let Some((lane, received, from, number)) = row else { return Ok(None) };
    sqlx::query("UPDATE delivery SET lane = NULL, lane_place = NULL, lane_number = NULL WHERE delivery_id = $1")
        .bind(delivery_id)
        .execute(&mut *tx.connection)
        .await?;
    Ok(Some(Place { lane, received, from, number }))
}

/// Puts a delivery into its place. Its job is made where it is the first.
pub(crate) async fn enter(tx: &mut Tx<'_>, delivery_id: &str, place: &Place, now: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE delivery SET lane = $2, lane_place = $3, lane_from = $4, lane_number = $5 WHERE delivery_id = $1",
    )
    .bind(delivery_id)
    .bind(&place.lane)
    .bind(place.received)
    .bind(&place.from)
    .bind(place.number)
    .execute(&mut *tx.connection)
    .await?;
    turn(tx, &place.lane, now).await
}

/// Gives the first of a lane its job, unless it has one or another is still under way.
pub(crate) async fn turn(tx: &mut Tx<'_>, lane: &str, now: Timestamp) -> Result<()> {
    let Some(first) = first(tx, lane).await?.filter(Open::waits) else { return Ok(()) };
    if under_way(tx, lane, &first.delivery_id).await?.is_some() {
        return Ok(());
    }
    let run_at = first.next_at.map_or(now, Micros::timestamp);
    job::deliver_if_none(tx, &first.delivery_id, run_at, now).await
}

/// Whether a delivery whose job is due has to wait all the same. Its job is then put off, or dropped where it is not the
/// first.
pub(crate) async fn waits(tx: &mut Tx<'_>, delivery_id: &str, lane: &str, now: Timestamp) -> Result<bool> {
    if is_under_way(tx, delivery_id).await? {
        return Ok(false);
    }
    if first(tx, lane).await?.is_none_or(|first| first.delivery_id != delivery_id) {
        job::drop_for(tx, JobKind::Deliver, delivery_id).await?;
        turn(tx, lane, now).await?;
        return Ok(true);
    }
    let until = match under_way(tx, lane, delivery_id).await? {
        Some(_) => Some(now + LOOK_AGAIN),
        None => earlier_in_translation(tx, delivery_id, now).await?,
    };
    match until {
        Some(until) => job::put_off(tx, delivery_id, until).await.map(|()| true),
        None => Ok(false),
    }
}

/// Translations run side by side, so that what came later may be ready first. While something is being translated that came
/// over the same channel before, nobody knows whether it belongs in front. What a pause holds is not waited for: it may take days,
/// and others have nothing to do with it.
async fn earlier_in_translation(tx: &mut Tx<'_>, delivery_id: &str, now: Timestamp) -> Result<Option<Timestamp>> {
    let query = "SELECT lane_place, lane_from FROM delivery WHERE delivery_id = $1";
    let (received, from): (Micros, Option<String>) =
        sqlx::query_as(query).bind(delivery_id).fetch_one(&mut *tx.connection).await?;
    let since: Option<Micros> =
        sqlx::query_scalar(EARLIER).bind(from).bind(received).fetch_optional(&mut *tx.connection).await?;
    Ok(since.map(|since| {
        let age = Duration::try_from(now.duration_since(since.timestamp())).unwrap_or_default();
        now + (age / 4).clamp(TRANSLATING_WAIT[0], TRANSLATING_WAIT[1])
    }))
}

/// Refuses `sending` to one that is not the first of its lane, or while another is under way. This is what keeps the order;
/// all else only sees to it that somebody goes.
pub(crate) async fn check(tx: &mut Tx<'_>, delivery: &Delivery) -> Result<()> {
    let Some(lane) = &delivery.lane else { return Ok(()) };
    let before = match under_way(tx, lane, &delivery.delivery_id).await? {
        None if is_under_way(tx, &delivery.delivery_id).await? => None,
        None => first(tx, lane).await?.filter(|first| first.delivery_id != delivery.delivery_id),
        other => other,
    };
    match before {
        None => Ok(()),
        Some(before) => Err(StoreError::NotItsTurn {
            delivery_id: delivery.delivery_id.clone(),
            lane: lane.clone(),
            before: before.delivery_id,
            state: before.state,
        }),
    }
}
