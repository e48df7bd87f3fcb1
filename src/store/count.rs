//! Conservation: nothing is lost between stages. Every term is counted by a query of its own, none by subtraction, and
//! rows are held against the history, so that a deleted one is noticed.

use super::Store;
use super::error::Result;
use serde::Serialize;
use sqlx::Row as _;
use std::collections::BTreeMap;

/// One equation: what came in against where it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// What is counted.
    pub stage: &'static str,
    /// How many the history knows of.
    pub total: i64,
    /// How many are where.
    pub terms: BTreeMap<&'static str, i64>,
    /// Whether the terms add up to the total.
    pub holds: bool,
}

/// A term's name and its query.
type Term = (&'static str, &'static str);

const TRANSMISSIONS: &[Term] = &[
    ("split", "SELECT COUNT(*) FROM transmission WHERE direction = 'in' AND state = 'split'"),
    ("duplicate", "SELECT COUNT(*) FROM transmission WHERE direction = 'in' AND state = 'duplicate'"),
    ("held", "SELECT COUNT(*) FROM transmission WHERE direction = 'in' AND state = 'held'"),
    ("rejected", "SELECT COUNT(*) FROM transmission WHERE direction = 'in' AND state = 'rejected'"),
    (
        "open",
        "SELECT COUNT(*) FROM transmission WHERE direction = 'in' AND state IN ('incoming', 'stored', 'verified')",
    ),
];
const DOCUMENTS: &[Term] = &[
    ("routed", "SELECT COUNT(*) FROM document WHERE direction = 'in' AND processing = 'routed'"),
    ("failed", "SELECT COUNT(*) FROM document WHERE direction = 'in' AND processing = 'failed'"),
    ("held", "SELECT COUNT(*) FROM document WHERE direction = 'in' AND processing = 'held'"),
    ("duplicate", "SELECT COUNT(*) FROM document WHERE direction = 'in' AND processing = 'duplicate'"),
    ("dropped", "SELECT COUNT(*) FROM document WHERE direction = 'in' AND processing = 'dropped'"),
    (
        "acknowledgments",
        "SELECT COUNT(*) FROM document WHERE direction = 'in' AND is_acknowledgment = 1 AND processing IS NULL",
    ),
    ("open", "SELECT COUNT(*) FROM document WHERE direction = 'in' AND is_acknowledgment = 0 AND processing IS NULL"),
];
const DELIVERIES: &[Term] = &[
    ("delivered", "SELECT COUNT(*) FROM delivery WHERE state = 'delivered'"),
    ("parked", "SELECT COUNT(*) FROM delivery WHERE state = 'parked'"),
    ("cancelled", "SELECT COUNT(*) FROM delivery WHERE state = 'cancelled'"),
    ("held", "SELECT COUNT(*) FROM delivery WHERE state = 'held'"),
    (
        "open",
        "SELECT COUNT(*) FROM delivery WHERE state IN ('ready', 'leased', 'sending', 'awaiting_receipt', 'uncertain',
         'retry_wait')",
    ),
];
/// What the history, whose rows cannot be deleted, knows of.
const KNOWN: [(&str, &str, &[Term]); 3] = [
    ("transmissions", "SELECT COUNT(*) FROM event WHERE kind = 'stored' AND number = 1", TRANSMISSIONS),
    (
        "documents",
        "SELECT COUNT(*) FROM (SELECT DISTINCT e.document_id FROM event e JOIN event first
         ON first.transmission_id = e.transmission_id AND first.number = 1 AND first.kind = 'stored'
         WHERE e.kind = 'translated') AS known",
        DOCUMENTS,
    ),
    (
        "deliveries",
        "SELECT COUNT(*) FROM (SELECT DISTINCT delivery_id FROM event WHERE kind = 'delivery') AS known",
        DELIVERIES,
    ),
];

impl Store {
    /// The three equations of the ledger, read at one moment.
    ///
    /// # Errors
    /// The database failed.
    pub async fn balances(&self) -> Result<Vec<Balance>> {
        let mut snapshot = self.reader().begin().await?;
        let mut found = Vec::new();
        for (stage, known, terms) in KNOWN {
            let total: i64 = sqlx::query_scalar(known).fetch_one(&mut *snapshot).await?;
            let mut counted = BTreeMap::new();
            for (name, query) in terms {
                let count: i64 = sqlx::query_scalar(*query).fetch_one(&mut *snapshot).await?;
                counted.insert(*name, count);
            }
            let holds = counted.values().sum::<i64>() == total;
            found.push(Balance { stage, total, terms: counted, holds });
        }
        snapshot.rollback().await?;
        Ok(found)
    }

    /// How many documents have each acknowledgment status, in and out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn ack_counts(&self) -> Result<Vec<(String, String, i64)>> {
        let rows = sqlx::query("SELECT direction, ack, COUNT(*) FROM document GROUP BY direction, ack ORDER BY 1, 2")
            .fetch_all(self.reader())
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
    }
}
