//! What was held goes on, what failed goes again, what is not wanted is cancelled: a person's commits, each audited. Of
//! many at once, `bulk.rs` does the same for each.

use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::ack;
use crate::store::as2;
use crate::store::audit;
use crate::store::delivery::{self, Change, Delivery, DeliveryState, NewDelivery};
use crate::store::error::{Result, StoreError};
use crate::store::event::expect_state;
use crate::store::job::{self, JobKind};
use crate::store::transmission::{self, TransmissionState};
use crate::store::value::Actor;
use crate::store::writer::Tx;
use serde_json::json;

/// Looks at everything again that waits for the configuration.
pub(crate) async fn again(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    let query = "SELECT transmission_id, channel FROM transmission WHERE direction = 'in' AND state = 'held'";
    let held: Vec<(String, String)> = sqlx::query_as(query).fetch_all(&mut *tx.connection).await?;
    for (transmission_id, channel) in &held {
        let change = transmission::Change { reason: Some("the configuration was changed"), ..Default::default() };
        let (from, to) = ([TransmissionState::Held], TransmissionState::Stored);
        transmission::change(tx, transmission_id, &from, to, change, &Actor::system(), now).await?;
        job::translate(tx, transmission_id, channel, (now, now)).await?;
    }
    Ok(held.len() as u64)
}

impl Store {
    /// Lets a held transmission go on, as of `partner` where the sender's identity is overruled.
    ///
    /// # Errors
    /// It is not held, or the database failed.
    pub async fn release_transmission(
        &self,
        transmission_id: &str,
        partner: Option<&str>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (id, partner, actor) = (transmission_id.to_owned(), partner.map(str::to_owned), actor.clone());
        self.write("release", move |mut tx| {
            Box::pin(async move { release(&mut tx, &id, partner.as_deref(), &actor, now).await })
        })
        .await
    }

    /// Gives up a held transmission for good.
    ///
    /// # Errors
    /// It is not held, or the database failed.
    pub async fn reject_transmission(
        &self,
        transmission_id: &str,
        reason: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (id, reason, actor) = (transmission_id.to_owned(), reason.to_owned(), actor.clone());
        self.write("reject", move |mut tx| Box::pin(async move { reject(&mut tx, &id, &reason, &actor, now).await }))
            .await
    }

    /// Sends a parked delivery's bytes anew, as a new delivery linked to the old one. Its key is new, but where it is a message of
    /// AS2 that may have arrived: that goes as it was, under its Message-ID.
    ///
    /// # Errors
    /// The delivery is not parked or cancelled, was resubmitted already, or the database failed.
    pub async fn resubmit(&self, delivery_id: &str, actor: &Actor, now: Timestamp) -> Result<String> {
        let (id, actor) = (delivery_id.to_owned(), actor.clone());
        self.write("resubmit", move |mut tx| Box::pin(async move { resubmit(&mut tx, &id, &actor, now).await })).await
    }

    /// Holds, releases or cancels a delivery that is not being sent right now.
    ///
    /// # Errors
    /// It is in no state from which this leads, it is to be cancelled and was resubmitted, or the database failed.
    pub async fn steer_delivery(
        &self,
        delivery_id: &str,
        to: DeliveryState,
        reason: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (id, reason, actor) = (delivery_id.to_owned(), reason.to_owned(), actor.clone());
        self.write("steer", move |mut tx| Box::pin(async move { steer(&mut tx, &id, to, &reason, &actor, now).await }))
            .await
    }
}

/// The code of a transmission that a person refused.
pub const REJECTED_BY_HAND: &str = "REJECTED-BY-HAND";

/// States of which a person may hold a delivery.
const OPEN: [DeliveryState; 4] =
    [DeliveryState::Ready, DeliveryState::AwaitingReceipt, DeliveryState::RetryWait, DeliveryState::Uncertain];
/// States of which a person may let one go.
const WAITING: [DeliveryState; 2] = [DeliveryState::Held, DeliveryState::RetryWait];
/// States of which a person may give one up.
const UNDONE: [DeliveryState; 6] = [
    DeliveryState::Ready,
    DeliveryState::AwaitingReceipt,
    DeliveryState::RetryWait,
    DeliveryState::Uncertain,
    DeliveryState::Held,
    DeliveryState::Parked,
];
/// States of which one may be sent anew.
pub(crate) const ENDED: [DeliveryState; 2] = [DeliveryState::Parked, DeliveryState::Cancelled];

/// From which states a person may steer a delivery there.
pub(crate) fn steered_from(to: DeliveryState) -> &'static [DeliveryState] {
    match to {
        DeliveryState::Held => &OPEN,
        DeliveryState::Ready => &WAITING,
        _ => &UNDONE,
    }
}

/// See [`Store::release_transmission`].
pub(super) async fn release(
    tx: &mut Tx<'_>,
    id: &str,
    partner: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let change = transmission::Change { reason: Some("released"), partner, ..Default::default() };
    let (from, to) = ([TransmissionState::Held], TransmissionState::Stored);
    transmission::change(tx, id, &from, to, change, actor, now).await?;
    let query = "SELECT channel FROM transmission WHERE transmission_id = $1";
    let came_over: String = sqlx::query_scalar(query).bind(id).fetch_one(&mut *tx.connection).await?;
    job::translate(tx, id, &came_over, (now, now)).await?;
    let after = json!({ "as": partner });
    audit::append(tx, actor, "transmission.release", id, (None, Some(&after)), now).await
}

/// See [`Store::reject_transmission`].
pub(super) async fn reject(tx: &mut Tx<'_>, id: &str, reason: &str, actor: &Actor, now: Timestamp) -> Result<()> {
    let change = transmission::Change { code: Some(REJECTED_BY_HAND), reason: Some(reason), ..Default::default() };
    let (from, to) = ([TransmissionState::Held], TransmissionState::Rejected);
    transmission::change(tx, id, &from, to, change, actor, now).await?;
    audit::append(tx, actor, "transmission.reject", id, (None, Some(&json!(reason))), now).await
}

/// See [`Store::resubmit`]. What is refused is refused before anything is written.
pub(super) async fn resubmit(tx: &mut Tx<'_>, id: &str, actor: &Actor, now: Timestamp) -> Result<String> {
    let old: Delivery = delivery::find(tx, id).await?;
    expect_state("delivery", id, &old.state, &ENDED.map(DeliveryState::as_str))?;
    expect_not_resubmitted(tx, id).await?;
    let (new_id, turn) = (tx.id("del", now), old.turn());
    let goes_again = as2::goes_again(tx, &old).await?;
    let key = if goes_again { as2::give_key(tx, &old).await? } else { new_id.clone() };
    let new = NewDelivery {
        delivery_id: new_id.clone(),
        channel: old.channel,
        partner: old.partner,
        agreement: old.agreement,
        key,
        on_uncertain: old.on_uncertain,
        turn,
    };
    delivery::insert(tx, &old.transmission_id, &new, Some(id), actor, now).await?;
    if goes_again {
        as2::take_over(tx, id, &new_id).await?;
    }
    ack::awaited(tx, &old.transmission_id, true, now).await?;
    audit::append(tx, actor, "delivery.resubmit", id, (None, Some(&json!(new_id))), now).await?;
    Ok(new_id)
}

async fn expect_not_resubmitted(tx: &mut Tx<'_>, id: &str) -> Result<()> {
    match delivery::resubmitted_as(tx, id).await? {
        Some(later) => Err(StoreError::Conflict(format!("delivery {id} was resubmitted already, as {later}"))),
        None => Ok(()),
    }
}

/// See [`Store::steer_delivery`]. What is refused is refused before anything is written.
pub(super) async fn steer(
    tx: &mut Tx<'_>,
    id: &str,
    to: DeliveryState,
    reason: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let from = steered_from(to);
    let to = if matches!(to, DeliveryState::Held | DeliveryState::Ready) { to } else { DeliveryState::Cancelled };
    if to == DeliveryState::Cancelled {
        expect_not_resubmitted(tx, id).await?;
    }
    let change = Change { reason: Some(reason), ..Change::default() };
    let found = delivery::change(tx, id, from, to, change, actor, now).await?;
    if to == DeliveryState::Ready {
        job::deliver(tx, id, now, now).await?;
    } else {
        job::drop_for(tx, JobKind::Deliver, id).await?;
    }
    if to == DeliveryState::Cancelled {
        ack::awaited(tx, &found.transmission_id, false, now).await?;
    }
    audit::append(tx, actor, &format!("delivery.{to}"), id, (None, Some(&json!(reason))), now).await
}
