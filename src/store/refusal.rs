//! Refusals of those who did not prove to be a partner, counted by channel, by the partner they say to be, and by hour. The
//! first of each hour are transmissions as well; the rest are this count only, so that strangers cannot fill the ledger.
//! Who says to be a partner is counted apart, so that a partner's own failures are not lost among those of strangers at
//! large; a stranger who claims that partner's name uses up the same rows.

use super::Store;
use super::error::Result;
use super::select::Select;
use super::value::Micros;
use super::writer::Tx;
use crate::clock::Timestamp;
use std::time::Duration;

/// Refusals in an hour, on one channel and by those who say to be the same, that are transmissions of their own, at most.
pub const STRANGERS_KEPT_MAX: i64 = 100;
/// How long the counts of an hour are kept.
const COUNTS_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const HOUR_SECONDS: i64 = 60 * 60;

/// The refusals of an hour.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Refusals {
    /// The channel.
    pub channel: String,
    /// The partner they said to be; empty where they named none that may send there.
    pub claims: String,
    /// When the hour began.
    pub hour: Micros,
    /// How many there were.
    pub refused: i64,
    /// When the last one came.
    pub changed_at: Micros,
}

/// Counts one; whether it is among the first.
pub(crate) async fn count(tx: &mut Tx<'_>, channel: &str, claims: &str, now: Timestamp) -> Result<bool> {
    let hour = Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(HOUR_SECONDS)).unwrap_or(now);
    let refused: i64 = sqlx::query_scalar(
        "INSERT INTO refusal (channel, claims, hour, refused, changed_at) VALUES ($1, $2, $3, 1, $4)
         ON CONFLICT (channel, claims, hour) DO UPDATE SET refused = refusal.refused + 1, changed_at = $4
         RETURNING refused",
    )
    .bind(channel)
    .bind(claims)
    .bind(Micros::from(hour))
    .bind(Micros::from(now))
    .fetch_one(&mut *tx.connection)
    .await?;
    if refused == 1 {
        sqlx::query("DELETE FROM refusal WHERE hour < $1")
            .bind(Micros::from(now - COUNTS_KEPT))
            .execute(&mut *tx.connection)
            .await?;
    }
    Ok(refused <= STRANGERS_KEPT_MAX)
}

impl Store {
    /// The refusals of hours that began since then, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn refusals(&self, since: Timestamp) -> Result<Vec<Refusals>> {
        Select::new("SELECT channel, claims, hour, refused, changed_at FROM refusal WHERE 1 = 1")
            .number("hour >=", Micros::from(since).0)
            .then("ORDER BY hour DESC, channel, claims")
            .all(self.reader())
            .await
    }
}
