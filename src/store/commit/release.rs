//! What was held goes on, what failed goes again, what is not wanted is cancelled: a person's commits, each audited.

use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::ack;
use crate::store::audit;
use crate::store::delivery::{self, Change, Delivery, DeliveryState, NewDelivery};
use crate::store::error::Result;
use crate::store::job::{self, JobKind};
use crate::store::transmission::{self, TransmissionState};
use crate::store::value::Actor;
use crate::store::writer::Tx;
use serde_json::json;

/// Looks at everything again that waits for the configuration.
pub(crate) async fn again(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    let held: Vec<String> =
        sqlx::query_scalar("SELECT transmission_id FROM transmission WHERE direction = 'in' AND state = 'held'")
            .fetch_all(&mut *tx.connection)
            .await?;
    for transmission_id in &held {
        let change = transmission::Change { reason: Some("the configuration was changed"), ..Default::default() };
        let (from, to) = ([TransmissionState::Held], TransmissionState::Stored);
        transmission::change(tx, transmission_id, &from, to, change, &Actor::system(), now).await?;
        job::insert(tx, JobKind::Translate, transmission_id, now, now).await?;
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
            Box::pin(async move {
                let change = transmission::Change {
                    reason: Some("released"),
                    partner: partner.as_deref(),
                    ..Default::default()
                };
                let (from, to) = ([TransmissionState::Held], TransmissionState::Stored);
                transmission::change(&mut tx, &id, &from, to, change, &actor, now).await?;
                job::insert(&mut tx, JobKind::Translate, &id, now, now).await?;
                let after = json!({ "as": partner });
                audit::append(&mut tx, &actor, "transmission.release", &id, (None, Some(&after)), now).await
            })
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
        self.write("reject", move |mut tx| {
            Box::pin(async move {
                let change = transmission::Change {
                    code: Some("REJECTED-BY-HAND"),
                    reason: Some(&reason),
                    ..Default::default()
                };
                let (from, to) = ([TransmissionState::Held], TransmissionState::Rejected);
                transmission::change(&mut tx, &id, &from, to, change, &actor, now).await?;
                audit::append(&mut tx, &actor, "transmission.reject", &id, (None, Some(&json!(reason))), now).await
            })
        })
        .await
    }

    /// Sends a parked delivery's bytes anew, as a new delivery under a new key, linked to the old one.
    ///
    /// # Errors
    /// The delivery is not parked or cancelled, was resubmitted already, or the database failed.
    pub async fn resubmit(&self, delivery_id: &str, actor: &Actor, now: Timestamp) -> Result<String> {
        let (id, actor, new_id) = (delivery_id.to_owned(), actor.clone(), self.new_id("del", now));
        self.write("resubmit", move |mut tx| {
            Box::pin(async move {
                let old: Delivery = delivery::find(&mut tx, &id).await?;
                let expected = [DeliveryState::Parked.as_str(), DeliveryState::Cancelled.as_str()];
                crate::store::event::expect_state("delivery", &id, &old.state, &expected)?;
                let later: Option<String> =
                    sqlx::query_scalar("SELECT delivery_id FROM delivery WHERE resubmit_of = $1")
                        .bind(&id)
                        .fetch_optional(&mut *tx.connection)
                        .await?;
                if let Some(later) = later {
                    let message = format!("delivery {id} was resubmitted already, as {later}");
                    return Err(crate::store::StoreError::Conflict(message));
                }
                let new = NewDelivery {
                    delivery_id: new_id.clone(),
                    channel: old.channel,
                    partner: old.partner,
                    agreement: old.agreement,
                    key: new_id.clone(),
                    on_uncertain: old.on_uncertain,
                };
                delivery::insert(&mut tx, &old.transmission_id, &new, Some(&id), &actor, now).await?;
                ack::awaited(&mut tx, &old.transmission_id, true, now).await?;
                audit::append(&mut tx, &actor, "delivery.resubmit", &id, (None, Some(&json!(new_id))), now).await?;
                Ok(new_id)
            })
        })
        .await
    }

    /// Holds, releases or cancels a delivery that is not being sent right now.
    ///
    /// # Errors
    /// It is in no state from which this leads, or the database failed.
    pub async fn steer_delivery(
        &self,
        delivery_id: &str,
        to: DeliveryState,
        reason: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        const OPEN: [DeliveryState; 4] =
            [DeliveryState::Ready, DeliveryState::AwaitingReceipt, DeliveryState::RetryWait, DeliveryState::Uncertain];
        let from: Vec<DeliveryState> = match to {
            DeliveryState::Held => OPEN.to_vec(),
            DeliveryState::Ready => vec![DeliveryState::Held, DeliveryState::RetryWait],
            _ => [OPEN.as_slice(), &[DeliveryState::Held, DeliveryState::Parked]].concat(),
        };
        let to = if matches!(to, DeliveryState::Held | DeliveryState::Ready) { to } else { DeliveryState::Cancelled };
        let (id, reason, actor) = (delivery_id.to_owned(), reason.to_owned(), actor.clone());
        self.write("steer", move |mut tx| {
            Box::pin(async move {
                let change = Change { reason: Some(&reason), ..Change::default() };
                delivery::change(&mut tx, &id, &from, to, change, &actor, now).await?;
                if to == DeliveryState::Ready {
                    job::insert(&mut tx, JobKind::Deliver, &id, now, now).await?;
                } else {
                    job::drop_for(&mut tx, JobKind::Deliver, &id).await?;
                }
                if to == DeliveryState::Cancelled {
                    let transmission_id = delivery::find(&mut tx, &id).await?.transmission_id;
                    ack::awaited(&mut tx, &transmission_id, false, now).await?;
                }
                let action = format!("delivery.{to}");
                audit::append(&mut tx, &actor, &action, &id, (None, Some(&json!(reason))), now).await
            })
        })
        .await
    }
}
