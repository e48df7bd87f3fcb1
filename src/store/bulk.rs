//! Deliveries and transmissions that somebody chooses many of: by id, by conditions, by what is one cause; and acts over them,
//! as they were begun and as far as they have come. What is done to each is `commit/bulk.rs`'s; it plans nothing.

use super::Store;
use super::commit::release::{ENDED, steered_from};
use super::delivery::{DeliveryState, doubtful};
use super::error::Result;
use super::select::Select;
use super::value::{Actor, Cursor, Micros, PAGE_ROWS_MAX, Page, words};
use crate::clock::Timestamp;

/// Causes that are told apart, at most; those of the most rows.
pub const CAUSES_MAX: u32 = 10_000;
/// Ids in one question.
const IDS_ASKED: usize = 500;

words! {
    /// Of what there are many.
    Object {
        /// Deliveries.
        Delivery = "delivery",
        /// Transmissions.
        Transmission = "transmission",
    }
}

words! {
    /// What is done to each.
    Action {
        /// A delivery goes anew, under a new key.
        Resubmit = "resubmit",
        /// A delivery is kept from being sent.
        Hold = "hold",
        /// What is held goes on.
        Release = "release",
        /// A delivery is given up.
        Cancel = "cancel",
        /// A transmission is given up.
        Reject = "reject",
    }
}

impl Action {
    /// What can be done to such.
    #[must_use]
    pub fn of(object: Object) -> &'static [Action] {
        match object {
            Object::Delivery => &[Self::Resubmit, Self::Hold, Self::Release, Self::Cancel],
            Object::Transmission => &[Self::Release, Self::Reject],
        }
    }

    /// The states from which it leads on.
    #[must_use]
    pub fn from_states(self, object: Object) -> Vec<&'static str> {
        let states: &[DeliveryState] = match (object, self) {
            (Object::Transmission, _) => return vec!["held"],
            (Object::Delivery, Self::Resubmit) => &ENDED,
            (Object::Delivery, Self::Hold) => steered_from(DeliveryState::Held),
            (Object::Delivery, Self::Release) => steered_from(DeliveryState::Ready),
            (Object::Delivery, _) => steered_from(DeliveryState::Cancelled),
        };
        states.iter().map(|state| state.as_str()).collect()
    }

    /// Which are meant where conditions name no state.
    fn meant(self, object: Object) -> Vec<String> {
        let states = match (object, self) {
            (Object::Delivery, Self::Resubmit) => vec![DeliveryState::Parked.as_str()],
            (Object::Delivery, Self::Release) => vec![DeliveryState::Held.as_str()],
            _ => self.from_states(object),
        };
        states.into_iter().map(str::to_owned).collect()
    }
}

/// One that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: String,
    /// The channel.
    pub channel: String,
    /// The partner, when known.
    pub partner: Option<String>,
    /// Why it is where it is: a stable word.
    pub code: Option<String>,
    /// The same for people.
    pub reason: Option<String>,
    /// The delivery that took its place.
    pub later: Option<String>,
    /// 1: the receiver may have got it.
    pub is_doubtful: i64,
    /// When it was made.
    pub created_at: Micros,
    /// When its state changed last.
    pub changed_at: Micros,
}

/// What holds for those that are chosen; what is left out holds for all.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Their state; none: those that the action is for.
    pub state: Option<String>,
    /// Their channel.
    pub channel: Option<String>,
    /// Their partner; `Some(None)`: they have none.
    pub partner: Option<Option<String>>,
    /// Why they are where they are; `Some(None)`: nothing was said.
    pub code: Option<Option<String>>,
    /// They came to be so then or later.
    pub since: Option<Timestamp>,
    /// They came to be so before.
    pub until: Option<Timestamp>,
}

/// Rows that stand where they stand for one reason, to the letter.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Cause {
    /// Where they stand.
    pub state: String,
    /// The channel.
    pub channel: String,
    /// The partner, when known.
    pub partner: Option<String>,
    /// Why: a stable word.
    pub code: Option<String>,
    /// The same for people.
    pub reason: Option<String>,
    /// How many.
    pub count: i64,
    /// When the first came to be so.
    pub first_at: Micros,
    /// When the last did.
    pub last_at: Micros,
    /// The one that was made first.
    pub oldest: String,
    /// The one that was made last.
    pub newest: String,
}

/// An act as it was begun.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct BulkAct {
    /// Its id, the plan's token.
    pub bulk_act_id: String,
    /// Of what there are many.
    pub object: Object,
    /// What is done to each.
    pub action: Action,
    /// For those who look later.
    pub reason: String,
    /// A digest of all that was asked for.
    pub wish: String,
    /// Of whom released transmissions are said to be.
    pub as_partner: Option<String>,
    /// Who began it.
    pub actor: String,
    /// The last item that was worked on, from 1.
    pub position: i64,
    /// When everything was worked on.
    pub ended_at: Option<Micros>,
}

impl BulkAct {
    /// Who began it.
    pub(crate) fn by(&self) -> Actor {
        Actor(self.actor.clone())
    }
}

/// What came of one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct BulkItem {
    /// Its id.
    #[serde(rename = "id")]
    pub subject: String,
    /// Why it was refused.
    #[serde(rename = "why")]
    pub detail: Option<String>,
}

/// What came of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkCounts {
    /// It was done.
    pub done: i64,
    /// It could not be done.
    pub refused: i64,
    /// It is still to be done.
    pub open: i64,
}

const DELIVERY: &str = concat!(
    "SELECT delivery_id AS id, state, channel, partner, code, reason,
     (SELECT MIN(later.delivery_id) FROM delivery later WHERE later.resubmit_of = delivery.delivery_id) AS later,
     CAST(CASE WHEN ",
    doubtful!(),
    " THEN 1 ELSE 0 END AS BIGINT) AS is_doubtful, created_at, changed_at FROM delivery WHERE 1 = 1"
);
const NOT_RESUBMITTED: &str =
    "AND NOT EXISTS (SELECT 1 FROM delivery later WHERE later.resubmit_of = delivery.delivery_id)";
const TRANSMISSION: &str = "SELECT transmission_id AS id, state, channel, partner, code, reason, NULL AS later,
     CAST(0 AS BIGINT) AS is_doubtful, created_at, changed_at FROM transmission WHERE direction = 'in'";
const DELIVERY_CAUSES: &str = "SELECT state, channel, partner, code, reason, COUNT(*) AS count,
     MIN(changed_at) AS first_at, MAX(changed_at) AS last_at, MIN(delivery_id) AS oldest, MAX(delivery_id) AS newest
     FROM delivery WHERE state IN ('parked', 'held', 'uncertain')
     AND NOT EXISTS (SELECT 1 FROM delivery later WHERE later.resubmit_of = delivery.delivery_id)
     GROUP BY state, channel, partner, code, reason ORDER BY count DESC, oldest";
const TRANSMISSION_CAUSES: &str = "SELECT state, channel, partner, code, reason, COUNT(*) AS count,
     MIN(changed_at) AS first_at, MAX(changed_at) AS last_at, MIN(transmission_id) AS oldest,
     MAX(transmission_id) AS newest FROM transmission WHERE direction = 'in' AND state = 'held'
     GROUP BY state, channel, partner, code, reason ORDER BY count DESC, oldest";

fn head(object: Object) -> (Select, &'static str) {
    match object {
        Object::Delivery => (Select::new(DELIVERY), "delivery_id"),
        Object::Transmission => (Select::new(TRANSMISSION), "transmission_id"),
    }
}

impl Store {
    /// Those of these ids that there are, in no order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn candidates(&self, object: Object, ids: &[String]) -> Result<Vec<Candidate>> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_ASKED) {
            let (select, key) = head(object);
            let rows: Vec<Candidate> = select.among(key, ids).all(self.reader()).await?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// A page of those that conditions hold for, the oldest first, and where the next one begins. What was resubmitted is
    /// left out: another stands in its place.
    ///
    /// # Errors
    /// The database failed.
    pub async fn candidates_of(
        &self,
        (object, action): (Object, Action),
        conditions: &Conditions,
        after: Option<Cursor>,
    ) -> Result<(Vec<Candidate>, Option<Cursor>)> {
        let (mut select, key) = head(object);
        if object == Object::Delivery {
            select = select.then(NOT_RESUBMITTED);
        }
        select = match &conditions.state {
            Some(state) => select.text("state =", Some(state)),
            None => select.among("state", &action.meant(object)),
        };
        select = match &conditions.partner {
            Some(None) => select.then("AND partner IS NULL"),
            partner => select.text("partner =", partner.as_ref().and_then(Option::as_deref)),
        };
        select = match &conditions.code {
            Some(None) => select.then("AND code IS NULL"),
            code => select.text("code =", code.as_ref().and_then(Option::as_deref)),
        };
        if let Some(since) = conditions.since {
            select = select.number("changed_at >=", Micros::from(since).0);
        }
        if let Some(until) = conditions.until {
            select = select.number("changed_at <", Micros::from(until).0);
        }
        let page = Page { after, limit: PAGE_ROWS_MAX };
        let select = select.text("channel =", conditions.channel.as_deref()).page_forward(key, &page);
        let rows: Vec<Candidate> = select.all(self.reader()).await?;
        let last = rows.last().filter(|_| rows.len() >= PAGE_ROWS_MAX as usize);
        let next = last.map(|last| Cursor { created_at: last.created_at, id: last.id.clone() });
        Ok((rows, next))
    }

    /// Why those stand still that wait for a person, the most frequent cause first; [`CAUSES_MAX`] at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn causes(&self, object: Object) -> Result<Vec<Cause>> {
        let query = match object {
            Object::Delivery => DELIVERY_CAUSES,
            Object::Transmission => TRANSMISSION_CAUSES,
        };
        Select::new(query).limit(CAUSES_MAX).all(self.reader()).await
    }

    /// An act, if it was begun.
    ///
    /// # Errors
    /// The database failed.
    pub async fn bulk_act(&self, bulk_act_id: &str) -> Result<Option<BulkAct>> {
        act(bulk_act_id).first(self.reader()).await
    }

    /// What came of an act so far.
    ///
    /// # Errors
    /// The database failed.
    pub async fn bulk_counts(&self, bulk_act_id: &str) -> Result<BulkCounts> {
        let query = "SELECT CAST(COALESCE(SUM(CASE WHEN outcome = 'done' THEN 1 ELSE 0 END), 0) AS BIGINT),
                     CAST(COALESCE(SUM(CASE WHEN outcome = 'refused' THEN 1 ELSE 0 END), 0) AS BIGINT),
                     CAST(COALESCE(SUM(CASE WHEN outcome IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT)
                     FROM bulk_item WHERE bulk_act_id = $1";
        let (done, refused, open): (i64, i64, i64) =
            sqlx::query_as(query).bind(bulk_act_id).fetch_one(self.reader()).await?;
        Ok(BulkCounts { done, refused, open })
    }

    /// The first that an act refused, with the reasons.
    ///
    /// # Errors
    /// The database failed.
    pub async fn bulk_refused(&self, bulk_act_id: &str, count: u32) -> Result<Vec<BulkItem>> {
        let query = "SELECT subject, detail FROM bulk_item WHERE bulk_act_id = $1 AND outcome = 'refused'
                     ORDER BY number LIMIT $2";
        Ok(sqlx::query_as(query).bind(bulk_act_id).bind(i64::from(count)).fetch_all(self.reader()).await?)
    }
}

/// The question for one act.
pub(crate) fn act(bulk_act_id: &str) -> Select {
    Select::new(
        "SELECT bulk_act_id, object, action, reason, wish, as_partner, actor, position, ended_at FROM bulk_act WHERE 1 = 1",
    )
    .text("bulk_act_id =", Some(bulk_act_id))
}
