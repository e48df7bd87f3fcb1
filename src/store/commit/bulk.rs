//! An act over many deliveries or transmissions: begun in one commit with everything it is about, done in slices that hold the
//! writer for a moment each. A process that dies between two slices leaves the rest to whoever asks for the act again.

use super::release;
use crate::clock::Timestamp;
use crate::store::Store;
use crate::store::audit;
use crate::store::bulk::{self, Action, BulkAct, Object};
use crate::store::delivery::DeliveryState;
use crate::store::error::{Result, StoreError};
use crate::store::rows::{Cell, Rows};
use crate::store::value::{Actor, Micros, storable};
use crate::store::writer::Tx;
use serde_json::json;
use std::time::Duration;

/// Items in one commit, at most: what comes in waits for no more than these.
pub const SLICE_ITEMS: i64 = 100;
/// How long an act is remembered that has ended: until then it is done once, however often it is asked for.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long an act is remembered that was begun and never ended: nobody asks for its rest any more.
pub const UNENDED_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Acts that are forgotten when one is begun, at most.
const FORGOTTEN_MAX: i64 = 2;

/// An act about to be begun.
#[derive(Debug, Clone)]
pub struct NewBulk {
    /// The plan's token.
    pub bulk_act_id: String,
    /// Of what there are many.
    pub object: Object,
    /// What is done to each.
    pub action: Action,
    /// For those who look later.
    pub reason: String,
    /// Of whom released transmissions are said to be.
    pub as_partner: Option<String>,
    /// A digest of all that was asked for.
    pub wish: String,
    /// Those that it is about.
    pub items: Vec<NewItem>,
}

/// One of an act about to be begun.
#[derive(Debug, Clone)]
pub struct NewItem {
    /// Its id.
    pub subject: String,
    /// When its state had changed last as the plan saw it: it is left alone where that is another time now. None: there is no such.
    pub changed_at: Option<Micros>,
    /// Why it cannot be done.
    pub why: Option<String>,
}

impl Store {
    /// Begins an act; one that was begun already stays as it is.
    ///
    /// # Errors
    /// The database failed.
    pub async fn bulk_begin(&self, new: NewBulk, actor: &Actor, now: Timestamp) -> Result<()> {
        let actor = actor.clone();
        self.write("bulk_begin", move |mut tx| {
            Box::pin(async move {
                let begun: Option<BulkAct> = bulk::act(&new.bulk_act_id).first(&mut *tx.connection).await?;
                if begun.is_some() {
                    return Ok(());
                }
                forget(&mut tx, now).await?;
                insert(&mut tx, &new, &actor, now).await?;
                let what = format!("{}.{}.bulk", new.object, new.action);
                let after = json!({ "count": new.items.len(), "reason": new.reason, "as": new.as_partner });
                audit::append(&mut tx, &actor, &what, &new.bulk_act_id, (None, Some(&after)), now).await
            })
        })
        .await
    }

    /// Works on the next slice of an act; whether there is more to do.
    ///
    /// # Errors
    /// It was never begun, or the database failed.
    pub async fn bulk_slice(&self, bulk_act_id: &str, now: Timestamp) -> Result<bool> {
        let id = bulk_act_id.to_owned();
        self.write("bulk_slice", move |mut tx| Box::pin(async move { slice(&mut tx, id, now).await })).await
    }
}

/// Forgets a few acts that ended long ago, or were left unended longer ago.
async fn forget(tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
    let query = "SELECT bulk_act_id FROM bulk_act WHERE ended_at < $1 OR (ended_at IS NULL AND created_at < $2)
                 ORDER BY created_at LIMIT $3";
    let old: Vec<String> = sqlx::query_scalar(query)
        .bind(Micros::from(now - REMEMBERED_FOR))
        .bind(Micros::from(now - UNENDED_FOR))
        .bind(FORGOTTEN_MAX)
        .fetch_all(&mut *tx.connection)
        .await?;
    for id in &old {
        for statement in ["DELETE FROM bulk_item WHERE bulk_act_id = $1", "DELETE FROM bulk_act WHERE bulk_act_id = $1"]
        {
            sqlx::query(statement).bind(id).execute(&mut *tx.connection).await?;
        }
    }
    Ok(())
}

async fn insert(tx: &mut Tx<'_>, new: &NewBulk, actor: &Actor, now: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO bulk_act (bulk_act_id, object, action, reason, wish, as_partner, actor, position, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)",
    )
    .bind(&new.bulk_act_id)
    .bind(new.object)
    .bind(new.action)
    .bind(storable(&new.reason))
    .bind(&new.wish)
    .bind(&new.as_partner)
    .bind(&actor.0)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    let mut rows = Rows::new("INSERT INTO bulk_item (bulk_act_id, number, subject, changed_at, outcome, detail)");
    for (number, item) in (1i64..).zip(&new.items) {
        rows.push([
            Cell::Text(&new.bulk_act_id),
            Cell::Number(number),
            Cell::Owned(storable(&item.subject)),
            Cell::NumberOrNull(item.changed_at.map(|at| at.0)),
            Cell::TextOrNull(item.why.as_ref().map(|_| "refused")),
            Cell::TextOrNull(item.why.as_deref()),
        ]);
    }
    rows.insert(tx).await?;
    Ok(())
}

async fn slice(tx: &mut Tx<'_>, id: String, now: Timestamp) -> Result<bool> {
    let found: Option<BulkAct> = bulk::act(&id).first(&mut *tx.connection).await?;
    let Some(found) = found else { return Err(StoreError::NotFound { what: "act", id }) };
    let query = "SELECT number, subject, changed_at FROM bulk_item WHERE bulk_act_id = $1 AND number > $2
                 AND outcome IS NULL ORDER BY number LIMIT $3";
    let items: Vec<(i64, String, Option<Micros>)> =
        sqlx::query_as(query).bind(&id).bind(found.position).bind(SLICE_ITEMS).fetch_all(&mut *tx.connection).await?;
    let mut position = found.position;
    for (number, subject, planned) in &items {
        let (outcome, detail) = match one(tx, &found, (subject, *planned), now).await {
            Ok(detail) => ("done", detail),
            // These are told before anything is written.
            Err(error @ (StoreError::WrongState { .. } | StoreError::Conflict(_) | StoreError::NotFound { .. })) => {
                ("refused", Some(error.to_string()))
            }
            Err(error) => return Err(error),
        };
        sqlx::query("UPDATE bulk_item SET outcome = $3, detail = $4 WHERE bulk_act_id = $1 AND number = $2")
            .bind(&id)
            .bind(number)
            .bind(outcome)
            .bind(detail)
            .execute(&mut *tx.connection)
            .await?;
        position = *number;
    }
    let is_more = i64::try_from(items.len()).unwrap_or(i64::MAX) >= SLICE_ITEMS;
    sqlx::query("UPDATE bulk_act SET position = $2, ended_at = $3 WHERE bulk_act_id = $1 AND ended_at IS NULL")
        .bind(&id)
        .bind(position)
        .bind((!is_more).then(|| Micros::from(now)))
        .execute(&mut *tx.connection)
        .await?;
    Ok(is_more)
}

/// Does it to one, with the audit row and the event that it has alone; the delivery that goes in its place, if any.
async fn one(
    tx: &mut Tx<'_>,
    act: &BulkAct,
    (subject, planned): (&str, Option<Micros>),
    now: Timestamp,
) -> Result<Option<String>> {
    expect_as_planned(tx, act.object, (subject, planned)).await?;
    let (actor, reason) = (act.by(), act.reason.as_str());
    let to = match (act.object, act.action) {
        (Object::Delivery, Action::Resubmit) => return release::resubmit(tx, subject, &actor, now).await.map(Some),
        (Object::Transmission, Action::Release) => {
            release::release(tx, subject, act.as_partner.as_deref(), &actor, now).await?;
            return Ok(None);
        }
        (Object::Transmission, _) => {
            release::reject(tx, subject, reason, &actor, now).await?;
            return Ok(None);
        }
        (Object::Delivery, Action::Hold) => DeliveryState::Held,
        (Object::Delivery, Action::Release) => DeliveryState::Ready,
        (Object::Delivery, _) => DeliveryState::Cancelled,
    };
    release::steer(tx, subject, to, reason, &actor, now).await?;
    Ok(None)
}

/// What changed since the plan is not what somebody agreed to, though it may stand in the same state again.
async fn expect_as_planned(tx: &mut Tx<'_>, object: Object, (subject, planned): (&str, Option<Micros>)) -> Result<()> {
    let query = match object {
        Object::Delivery => "SELECT changed_at FROM delivery WHERE delivery_id = $1",
        Object::Transmission => "SELECT changed_at FROM transmission WHERE transmission_id = $1",
    };
    let found: Option<Micros> = sqlx::query_scalar(query).bind(subject).fetch_optional(&mut *tx.connection).await?;
    match found {
        None => Err(StoreError::NotFound { what: object.as_str(), id: subject.to_owned() }),
        Some(_) if found == planned => Ok(()),
        Some(at) => {
            let at = at.timestamp();
            Err(StoreError::Conflict(format!(
                "{object} {subject} changed since the plan, at {at}; look at it, plan again"
            )))
        }
    }
}
