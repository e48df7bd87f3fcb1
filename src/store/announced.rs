//! Certificates of ours that a partner was told of beforehand, and what it answered. When one signs is the pipeline's to say.

use super::Store;
use super::as2::{Leaving, leave};
use super::audit;
use super::error::{Result, StoreError};
use super::payload::Files;
use super::select::Select;
use super::value::{Actor, Micros, storable, words};
use crate::clock::Timestamp;
use serde_json::json;
use std::collections::BTreeSet;

words! {
    /// What a partner said of a certificate.
    AnnouncedState {
        /// Nothing yet.
        Waiting = "waiting",
        /// It takes it.
        Accepted = "accepted",
        /// It does not.
        Rejected = "rejected",
    }
}

/// One that a partner was told of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Announced {
    /// `requestId` of the message.
    pub request_id: String,
    /// Name of the resource.
    pub name: String,
    /// SHA-256 of it, in lower-case hexadecimal.
    pub fingerprint: String,
    /// Its serial number, decimal.
    pub serial: String,
    /// The channel over which it left.
    pub channel: String,
    /// Who was told.
    pub partner: Option<String>,
    /// Our AS2 name.
    pub as2_from: String,
    /// The partner's.
    pub as2_to: String,
    /// Until when an answer is wanted.
    pub respond_by: Micros,
    /// [`AnnouncedState`].
    pub state: String,
    /// Why it was rejected, as the partner says.
    pub reason: Option<String>,
    /// The message.
    pub transmission_id: String,
    /// What brought the answer.
    pub answered_in: Option<String>,
    /// When it was told.
    pub created_at: Micros,
    /// When it was answered.
    pub changed_at: Micros,
    /// Its message is parked or cancelled: the partner was not told.
    pub is_given_up: i64,
}

/// Whether the message of an announcement is on its way, or arrived.
macro_rules! is_told {
    () => {
        "EXISTS (SELECT 1 FROM delivery WHERE delivery.transmission_id = announced_certificate.transmission_id
                 AND delivery.state NOT IN ('parked', 'cancelled'))"
    };
}

const SELECT: &str = concat!(
    "SELECT request_id, name, fingerprint, serial, channel, partner, as2_from, as2_to, respond_by, state, reason,
     transmission_id, answered_in, created_at, changed_at, CAST(CASE WHEN ",
    is_told!(),
    " THEN 0 ELSE 1 END AS BIGINT) AS is_given_up FROM announced_certificate WHERE 1 = 1"
);

impl Store {
    /// Notes a certificate that is announced, with the message that tells it. An announcement that was given up, be it that its
    /// message is parked or cancelled or that its day is over, is in nobody's way.
    ///
    /// # Errors
    /// It waits for an answer of this partner already, or the database failed; then nothing leaves.
    pub async fn announce(&self, new: Announced, leaving: Leaving, actor: &Actor, now: Timestamp) -> Result<()> {
        let (files, actor) = (Files::of([&leaving.0.content]), actor.clone());
        let done = self
            .write("announce", move |mut tx| {
                Box::pin(async move {
                    let waiting: Option<String> = sqlx::query_scalar(concat!(
                        "SELECT request_id FROM announced_certificate
                         WHERE fingerprint = $1 AND as2_from = $2 AND as2_to = $3 AND state = 'waiting' AND respond_by >= $4
                         AND ",
                        is_told!(),
                        " ORDER BY request_id LIMIT 1"
                    ))
                    .bind(&new.fingerprint)
                    .bind(&new.as2_from)
                    .bind(&new.as2_to)
                    .bind(Micros::from(now))
                    .fetch_optional(&mut *tx.connection)
                    .await?;
                    if let Some(request) = waiting {
                        let (name, to) = (&new.name, &new.as2_to);
                        let told = format!("certificate {name} waits for the answer of {to} already, to the request {request}");
                        return Err(StoreError::Conflict(told));
                    }
                    leave(&mut tx, &leaving, &actor, now).await?;
                    sqlx::query(
                        "INSERT INTO announced_certificate (request_id, name, fingerprint, serial, channel, partner, as2_from,
                         as2_to, respond_by, state, transmission_id, created_at, changed_at)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
                    )
                    .bind(&new.request_id)
                    .bind(&new.name)
                    .bind(&new.fingerprint)
                    .bind(&new.serial)
                    .bind(&new.channel)
                    .bind(&new.partner)
                    .bind(&new.as2_from)
                    .bind(&new.as2_to)
                    .bind(new.respond_by)
                    .bind(&new.state)
                    .bind(&new.transmission_id)
                    .bind(Micros::from(now))
                    .execute(&mut *tx.connection)
                    .await?;
                    let (object, after) = (format!("certificate/{}", new.name), json!({ "channel": new.channel }));
                    audit::append(&mut tx, &actor, "certificate.announce", &object, (None, Some(&after)), now).await
                })
            })
            .await;
        if done.as_ref().is_err_and(|error| !matches!(error, StoreError::Unknown(_))) {
            files.remove();
        }
        done
    }

    /// One that was announced, by the id of its request.
    ///
    /// # Errors
    /// The database failed.
    pub async fn announced(&self, request_id: &str) -> Result<Option<Announced>> {
        Ok(Select::new(SELECT).text("request_id =", Some(request_id)).all(self.reader()).await?.pop())
    }

    /// All that were announced, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn announced_certificates(&self) -> Result<Vec<Announced>> {
        Select::new(SELECT).then("ORDER BY created_at DESC, request_id").all(self.reader()).await
    }

    /// Notes what a partner answered; its last word counts, and the same again changes nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn announced_answer(
        &self,
        request_id: &str,
        (state, reason): (AnnouncedState, Option<&str>),
        transmission_id: &str,
        now: Timestamp,
    ) -> Result<()> {
        let (request_id, transmission_id) = (request_id.to_owned(), transmission_id.to_owned());
        let reason = reason.map(storable);
        self.write("announce", move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE announced_certificate SET state = $2, reason = $3, answered_in = $4, changed_at = $5
                     WHERE request_id = $1 AND (answered_in IS NULL OR answered_in <> $4)",
                )
                .bind(&request_id)
                .bind(state.as_str())
                .bind(&reason)
                .bind(&transmission_id)
                .bind(Micros::from(now))
                .execute(&mut *tx.connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// The certificates of ours that partners take by their last answers, each by its fingerprint, our name and the partner's.
    ///
    /// # Errors
    /// The database failed.
    pub async fn accepted_certificates(&self) -> Result<BTreeSet<(String, String, String)>> {
        let query = "SELECT fingerprint, as2_from, as2_to, state FROM announced_certificate WHERE state <> 'waiting'
             ORDER BY changed_at, request_id";
        let all: Vec<(String, String, String, String)> = sqlx::query_as(query).fetch_all(self.reader()).await?;
        let mut accepted = BTreeSet::new();
        for (fingerprint, from, to, state) in all {
            let one = (fingerprint, from, to);
            match state == AnnouncedState::Accepted.as_str() {
                true => accepted.insert(one),
                false => accepted.remove(&one),
            };
        }
        Ok(accepted)
    }

    /// What a partner said last of a certificate of ours; none where it said nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_answer(&self, fingerprint: &str, (from, to): (&str, &str)) -> Result<Option<AnnouncedState>> {
        let query = "SELECT state FROM announced_certificate WHERE fingerprint = $1 AND as2_from = $2 AND as2_to = $3
             AND state <> 'waiting' ORDER BY changed_at DESC, request_id DESC LIMIT 1";
        let state: Option<String> =
            sqlx::query_scalar(query).bind(fingerprint).bind(from).bind(to).fetch_optional(self.reader()).await?;
        Ok(state.and_then(|state| state.parse().ok()))
    }
}
