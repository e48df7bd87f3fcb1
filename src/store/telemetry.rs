//! What traces are made of: the events that are steps of a document's way, with the facts around them, and how far they have
//! been told. What is read here is ids, words and figures of ours, and nothing that people or documents say.

use super::Store;
use super::error::{Result, StoreError};
use super::value::{Direction, Micros};
use crate::clock::Timestamp;
use serde_json::Value;

/// Transmissions that an outgoing one is told to come from, at most.
pub const ORIGINS_MAX: u32 = 32;
/// The one row.
const TRACES: &str = "traces";

/// An event that is a step of a document's way, with what is known around it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Step {
    /// Its place among all events.
    pub sequence: i64,
    /// Its place in its chain.
    pub number: i64,
    /// The transmission whose chain it is in.
    pub transmission_id: String,
    /// The document concerned.
    pub document_id: Option<String>,
    /// The delivery concerned.
    pub delivery_id: Option<String>,
    /// What happened.
    pub kind: String,
    /// State before.
    pub from_state: Option<String>,
    /// State after.
    pub to_state: Option<String>,
    /// When.
    pub at: Micros,
    /// Of the transmission: in or out.
    pub direction: String,
    /// Its channel.
    pub channel: String,
    /// Its partner, once known.
    pub partner: Option<String>,
    /// Its bytes.
    pub size: i64,
    /// What of its transport's facts was kept, JSON.
    pub headers: String,
    /// Why it is where it is.
    pub transmission_code: Option<String>,
    /// When it was written.
    pub created_at: Micros,
    /// Of the document, or of the first that was made with the transmission.
    pub standard: Option<String>,
    /// Of the document.
    pub version: Option<String>,
    /// Of the document: its type.
    pub document_type: Option<String>,
    /// Why it is where it is.
    pub document_code: Option<String>,
    /// Of the delivery.
    pub delivery_channel: Option<String>,
    /// Of the delivery.
    pub delivery_partner: Option<String>,
    /// Why it is where it is.
    pub delivery_code: Option<String>,
    /// The attempt that ended with this event.
    pub attempt: Option<i64>,
    /// Status of its answer.
    pub status: Option<i64>,
    /// Where it went.
    pub remote: Option<String>,
    /// When it began.
    pub started_at: Option<Micros>,
    /// Of an acknowledgment: its kind, and behind a blank what its sender says, which is nobody else's.
    pub said: Option<String>,
}

/// What an outgoing transmission comes from.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Origin {
    /// The transmission.
    pub transmission_id: String,
    /// The document of it; none where it is answered as a whole.
    pub document_id: Option<String>,
}

/// The delivery that brought something to its receiver.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Brought {
    /// The delivery.
    pub delivery_id: String,
    /// The attempt.
    pub attempts: i64,
    /// When.
    pub changed_at: Micros,
}

/// All steps behind an event. An attempt ends in the commit that tells its end, so that both have one time. What is a step is a
/// case and not a choice of conditions: those by kind would be looked up by an index of their own, in all of the history, and sorted.
const STEPS: &str = "FROM event e JOIN transmission t ON t.transmission_id = e.transmission_id
    LEFT JOIN document d ON d.document_id = e.document_id
    LEFT JOIN document m ON e.kind = 'encoded' AND m.transmission_id = e.transmission_id AND m.number = 1
    LEFT JOIN delivery v ON v.delivery_id = e.delivery_id
    LEFT JOIN attempt a ON a.delivery_id = e.delivery_id AND a.ended_at = e.at AND e.from_state = 'sending'
    WHERE e.sequence > $1 AND e.sequence <= $2 AND CASE e.kind
    WHEN 'stored' THEN e.from_state IS NULL
    WHEN 'translated' THEN d.direction = 'in'
    WHEN 'delivery' THEN e.from_state = 'sending' OR e.to_state IN ('parked', 'held', 'cancelled')
    OR (e.from_state = 'awaiting_receipt' AND e.to_state = 'delivered')
    ELSE e.kind IN ('split', 'held', 'rejected', 'duplicate', 'encoded', 'refused', 'acknowledged', 'ack_overdue') END";

/// The sequence of the last event.
const LAST: &str = "SELECT COALESCE(MAX(sequence), 0) FROM event";
/// What an outgoing transmission was made from.
const MADE: &str = "SELECT s.transmission_id, s.document_id FROM document o
    JOIN document_source l ON l.document_id = o.document_id JOIN document s ON s.document_id = l.source_id
    WHERE o.transmission_id = $1 ORDER BY o.number, s.document_id LIMIT $2";
/// What an acknowledgment of ours answers: it was noted in the commit that made its transmission.
const ANSWERED: &str = "SELECT i.transmission_id, NULL AS document_id FROM transmission t
    JOIN ack a ON a.created_at = t.created_at AND a.transmission_id = t.transmission_id AND a.direction = 'out'
    JOIN interchange i ON i.interchange_id = a.refers_to WHERE t.transmission_id = $1 LIMIT 1";
/// When a transmission was stored, or released, last before an event. Not at the latest time: the clock may have been set back.
const STORED: &str = "SELECT at FROM event WHERE transmission_id = $1 AND number < $2 AND to_state = 'stored'
    ORDER BY number DESC LIMIT 1";
/// The delivery of a transmission that arrived last, by the order of events.
const BROUGHT: &str = "SELECT delivery_id, attempts, changed_at FROM delivery WHERE transmission_id = $1
    AND state IN ('delivered', 'awaiting_receipt')
    ORDER BY (SELECT MAX(sequence) FROM event WHERE event.delivery_id = delivery.delivery_id) DESC LIMIT 1";
const LAST_ATTEMPT: &str = "SELECT number, ended_at FROM attempt WHERE delivery_id = $1 ORDER BY number DESC LIMIT 1";
const ACKNOWLEDGED: &str = "SELECT transmission_id FROM ack WHERE direction = $1 AND refers_to = $2 AND kind = $3
    AND answered_at = $4 LIMIT 1";

/// All steps, with what is known around them.
fn steps() -> String {
    format!(
        "SELECT e.sequence, e.number, e.transmission_id, e.document_id, e.delivery_id, e.kind, e.from_state,
         e.to_state, e.at, t.direction, t.channel, t.partner, t.size, t.headers, t.code AS transmission_code,
         t.created_at, COALESCE(d.standard, m.standard) AS standard, COALESCE(d.version, m.version) AS version,
         COALESCE(d.type, m.type) AS document_type, d.code AS document_code,
         v.channel AS delivery_channel, v.partner AS delivery_partner, v.code AS delivery_code,
         a.number AS attempt, a.status, a.remote, a.started_at,
         CASE e.kind WHEN 'acknowledged' THEN e.cause END AS said {STEPS} ORDER BY e.sequence LIMIT $3"
    )
}

/// How many steps there are.
fn count() -> String {
    format!("SELECT COUNT(*) {STEPS}")
}

impl Store {
    /// How far traces have been told: the sequence of the last event that is done with. The first time that is the last event
    /// there is, so that nothing is told of what was before.
    ///
    /// # Errors
    /// The database failed.
    pub async fn telemetry_begin(&self, now: Timestamp) -> Result<i64> {
        self.write("telemetry", move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO telemetry (telemetry_id, position, changed_at)
                     SELECT $1, COALESCE(MAX(sequence), 0), CAST($2 AS BIGINT) FROM event WHERE 1 = 1
                     ON CONFLICT (telemetry_id) DO NOTHING",
                )
                .bind(TRACES)
                .bind(Micros::from(now))
                .execute(&mut *tx.connection)
                .await?;
                let position = "SELECT position FROM telemetry WHERE telemetry_id = $1";
                Ok(sqlx::query_scalar(position).bind(TRACES).fetch_one(&mut *tx.connection).await?)
            })
        })
        .await
    }

    /// Traces are not told any more: nothing is kept of how far they were. Writes nothing where nothing was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn telemetry_end(&self) -> Result<()> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM telemetry").fetch_one(self.reader()).await?;
        if count == 0 {
            return Ok(());
        }
        self.write("telemetry", move |tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM telemetry").execute(&mut *tx.connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Events up to a place are done with.
    ///
    /// # Errors
    /// The database failed; they are then told again, under the same ids.
    pub async fn telemetry_passed(&self, position: i64, now: Timestamp) -> Result<()> {
        self.write("telemetry", move |tx| {
            Box::pin(async move {
                sqlx::query("UPDATE telemetry SET position = $2, changed_at = $3 WHERE telemetry_id = $1")
                    .bind(TRACES)
                    .bind(position)
                    .bind(Micros::from(now))
                    .execute(&mut *tx.connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// The sequence of the last event; 0 when there is none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_sequence(&self) -> Result<i64> {
        Ok(sqlx::query_scalar(LAST).fetch_one(self.reader()).await?)
    }

    /// The steps behind one event and up to another, in order, so many at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn steps(&self, after: i64, to: i64, most: u32) -> Result<Vec<Step>> {
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(steps())).bind(after).bind(to).bind(i64::from(most));
        Ok(rows.fetch_all(self.reader()).await?)
    }

    /// How many steps there are behind one event and up to another.
    ///
    /// # Errors
    /// The database failed.
    pub async fn count_steps(&self, after: i64, to: i64) -> Result<i64> {
        Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(count())).bind(after).bind(to).fetch_one(self.reader()).await?)
    }

    /// What an outgoing transmission comes from, the first first; [`ORIGINS_MAX`] at most, and none where it comes from nothing.
    ///
    /// # Errors
    /// The database failed.
    pub async fn origins(&self, transmission_id: &str) -> Result<Vec<Origin>> {
        let made = sqlx::query_as(MADE);
        let made: Vec<Origin> =
            made.bind(transmission_id).bind(i64::from(ORIGINS_MAX)).fetch_all(self.reader()).await?;
        if !made.is_empty() {
            return Ok(made);
        }
        let answered: Vec<Origin> = sqlx::query_as(ANSWERED).bind(transmission_id).fetch_all(self.reader()).await?;
        if !answered.is_empty() {
            return Ok(answered);
        }
        Ok(self.receipt_for(transmission_id).await?.into_iter().collect())
    }

    /// The message that a receipt of AS2 is for, which leaves on its own.
    async fn receipt_for(&self, transmission_id: &str) -> Result<Option<Origin>> {
        let facts: Value = match self.transport_facts(transmission_id).await {
            Ok(facts) => facts,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let id = facts["as2"]["receipt_for"].as_str();
        Ok(id.map(|id| Origin { transmission_id: id.to_owned(), document_id: None }))
    }

    /// Since when a transmission was to be processed, before some event of its chain.
    ///
    /// # Errors
    /// The database failed.
    pub async fn stored_at(&self, transmission_id: &str, before: i64) -> Result<Option<Micros>> {
        let stored = sqlx::query_scalar(STORED).bind(transmission_id).bind(before);
        Ok(stored.fetch_optional(self.reader()).await?)
    }

    /// The delivery that brought a transmission to its receiver last, if one did.
    ///
    /// # Errors
    /// The database failed.
    pub async fn brought(&self, transmission_id: &str) -> Result<Option<Brought>> {
        Ok(sqlx::query_as(BROUGHT).bind(transmission_id).fetch_optional(self.reader()).await?)
    }

    /// The last attempt of a delivery, and when it ended.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_attempt(&self, delivery_id: &str) -> Result<Option<(i64, Option<i64>)>> {
        Ok(sqlx::query_as(LAST_ATTEMPT).bind(delivery_id).fetch_optional(self.reader()).await?)
    }

    /// The transmission whose acknowledgment of a kind answered a document at some time.
    ///
    /// # Errors
    /// The database failed.
    pub async fn acknowledged_by(&self, document_id: &str, kind: &str, at: Micros) -> Result<Option<String>> {
        let row = sqlx::query_scalar(ACKNOWLEDGED).bind(Direction::In).bind(document_id).bind(kind).bind(at);
        Ok(row.fetch_optional(self.reader()).await?.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};
    use crate::id::SystemRandom;
    use sqlx::Row as _;
    use std::sync::Arc;

    /// The exporter runs beside everything else: none of its questions may read a table from end to end, or sort what it reads,
    /// however large the ledger is.
    #[tokio::test]
    async fn every_question_of_the_exporter_goes_by_an_index() {
        let folder = tempfile::tempdir().expect("a folder");
        Store::init(folder.path(), &SystemRandom).expect("a data directory");
        let opened = Store::open(folder.path(), None, Arc::new(SystemRandom), "test", SystemClock.now()).await;
        let (store, _) = opened.expect("a ledger");
        let position = "SELECT position FROM telemetry WHERE telemetry_id = $1";
        let facts = "SELECT headers FROM transmission WHERE transmission_id = $1";
        let queries =
            [&steps(), &count(), LAST, MADE, ANSWERED, STORED, BROUGHT, LAST_ATTEMPT, ACKNOWLEDGED, position, facts];
        for query in queries {
            let asked = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")));
            let rows = asked.fetch_all(store.reader()).await.expect("a plan");
            let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
            assert!(!plan.is_empty(), "{query}");
            for step in &plan {
                let is_sorted = query == MADE || query == BROUGHT;
                assert!(!step.starts_with("SCAN"), "{query}\n{plan:#?}");
                assert!(is_sorted || !step.contains("TEMP B-TREE"), "{query}\n{plan:#?}");
            }
        }
        store.close().await;
    }
}
