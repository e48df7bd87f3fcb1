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
/// 1 where a document says something of a level of acknowledgments of which a row stands, of it or of what was made from it. The
/// sources come first: from the rows on all acknowledgments would be walked through for each.
macro_rules! stands {
    ($level:literal) => {
        concat!(
            "CASE WHEN d.ack_",
            $level,
            " <> 'none' AND (EXISTS (SELECT 1 FROM ack
              WHERE ack.direction = 'in' AND ack.refers_to = d.document_id AND ack.level = '",
            $level,
            "') OR EXISTS (SELECT 1 FROM document_source AS s CROSS JOIN ack WHERE s.source_id = d.document_id
              AND ack.direction = 'in' AND ack.refers_to = s.document_id AND ack.level = '",
            $level,
            "')) THEN 1 ELSE 0 END"
        )
    };
}
/// Levels of acknowledgments that documents of ours say to have, and of which a row stands.
const ACKS: &[Term] = &[(
    "acks",
    concat!(
        "SELECT CAST(COALESCE(SUM(",
        stands!("receipt"),
        " + ",
        stands!("technical"),
        " + ",
        stands!("functional"),
        " + ",
        stands!("application"),
        "), 0) AS BIGINT) FROM document AS d WHERE d.direction = 'out'"
    ),
)];
const ATTEMPTS: &[Term] = &[("attempts", "SELECT COUNT(*) FROM attempt")];
const MAILBOX_FILES: &[Term] = &[("files", "SELECT COUNT(*) FROM mailbox_file WHERE delivery_id IS NOT NULL")];
/// Deliveries that are on their way.
macro_rules! is_open {
    ($delivery:literal) => {
        concat!($delivery, ".state IN ('ready', 'leased', 'sending', 'awaiting_receipt', 'uncertain', 'retry_wait')")
    };
}
/// The first of each lane that is on its way: where a person holds it, nothing of the lane needs a job.
macro_rules! is_first {
    () => {
        concat!(
            is_open!("first"),
            " AND first.lane IS NOT NULL AND first.severity > 1 AND NOT EXISTS
             (SELECT 1 FROM delivery AS other WHERE other.lane = first.lane AND other.severity > 1
              AND (other.lane_place, other.lane_number) < (first.lane_place, first.lane_number))"
        )
    };
}
/// What came in and is not translated to its end.
macro_rules! is_untranslated {
    () => {
        "transmission.direction = 'in' AND transmission.state IN ('incoming', 'stored', 'verified')"
    };
}
/// An acknowledgment whose clock runs.
macro_rules! is_running {
    () => {
        "ack.direction = 'in' AND ack.state = 'waiting' AND ack.deadline IS NOT NULL"
    };
}
/// Agreements with their environments of which documents wait for company.
macro_rules! gatherings {
    () => {
        "(SELECT DISTINCT agreement, environment FROM gathered) AS waiting"
    };
}
/// What something is to be done with, each with its job: transmissions, deliveries that wait for nobody, lanes, of which one
/// delivery has a job at least, documents that wait for company, and acknowledgments that are awaited until a time. What
/// `reconcile` makes anew is the same.
const JOBS: &[Term] = &[
    (
        "translations",
        concat!(
            "SELECT COUNT(*) FROM transmission
             JOIN job ON job.kind = 'translate' AND job.subject = transmission.transmission_id WHERE ",
            is_untranslated!()
        ),
    ),
    (
        "gatherings",
        concat!(
            "SELECT COUNT(*) FROM ",
            gatherings!(),
            " JOIN job ON job.kind = 'gather' AND job.subject = waiting.agreement || '/' || waiting.environment"
        ),
    ),
    (
        "deliveries",
        concat!(
            "SELECT COUNT(*) FROM delivery JOIN job ON job.kind = 'deliver' AND job.subject = delivery.delivery_id WHERE ",
            is_open!("delivery"),
            " AND delivery.lane IS NULL"
        ),
    ),
    (
        "lanes",
        concat!(
            "SELECT COUNT(*) FROM delivery AS first WHERE ",
            is_first!(),
            " AND EXISTS
             (SELECT 1 FROM delivery AS one JOIN job ON job.kind = 'deliver' AND job.subject = one.delivery_id
              WHERE one.lane = first.lane AND one.severity > 1)"
        ),
    ),
    (
        "deadlines",
        concat!(
            "SELECT COUNT(*) FROM ack JOIN job ON job.kind = 'acknowledge' AND job.subject = ack.ack_id WHERE ",
            is_running!()
        ),
    ),
];
/// The same, whether it has a job or not. That a lane is none is asked of what its state found, not the other way round: most
/// deliveries have none.
const OPEN: &str = concat!(
    "SELECT (SELECT COUNT(*) FROM transmission WHERE ",
    is_untranslated!(),
    ") + (SELECT COUNT(*) FROM ",
    gatherings!(),
    ") + (SELECT COUNT(*) FROM delivery WHERE ",
    is_open!("delivery"),
    " AND COALESCE(delivery.lane, '') = '') + (SELECT COUNT(*) FROM delivery AS first WHERE ",
    is_first!(),
    ") + (SELECT COUNT(*) FROM ack WHERE ",
    is_running!(),
    ")"
);
/// What is known of by the history, whose rows cannot be deleted, or by other rows. Whatever event names a delivery comes behind the
/// one by which it was made, so that no kind is asked for there. Each is found by an index that holds all that is asked for (a test
/// holds them to it): the history grows for ever.
const KNOWN: [(&str, &str, &[Term]); 7] = [
    ("transmissions", "SELECT COUNT(*) FROM event WHERE kind = 'stored' AND number = 1", TRANSMISSIONS),
    (
        "documents",
        "SELECT COUNT(*) FROM (SELECT DISTINCT e.document_id FROM event AS first CROSS JOIN event AS e
         WHERE first.kind = 'stored' AND first.number = 1
         AND e.kind = 'translated' AND e.transmission_id = first.transmission_id) AS known",
        DOCUMENTS,
    ),
    (
        "deliveries",
        "SELECT COUNT(*) FROM (SELECT DISTINCT delivery_id FROM event WHERE delivery_id IS NOT NULL) AS known",
        DELIVERIES,
    ),
    ("attempts", "SELECT COUNT(*) FROM event WHERE kind = 'delivery' AND attempt IS NOT NULL", ATTEMPTS),
    (
        "mailbox files",
        "SELECT COUNT(*) FROM attempt WHERE outcome = 'delivered' AND remote LIKE 'mailbox %'",
        MAILBOX_FILES,
    ),
    (
        "acks",
        "SELECT CAST(COALESCE(SUM(CASE WHEN ack_receipt <> 'none' THEN 1 ELSE 0 END
         + CASE WHEN ack_technical <> 'none' THEN 1 ELSE 0 END + CASE WHEN ack_functional <> 'none' THEN 1 ELSE 0 END
         + CASE WHEN ack_application <> 'none' THEN 1 ELSE 0 END), 0) AS BIGINT) FROM document WHERE direction = 'out'",
        ACKS,
    ),
    ("jobs", OPEN, JOBS),
];

impl Balance {
    /// What is wrong with one that does not hold, and what to do.
    #[must_use]
    pub fn words(&self) -> String {
        let (stage, total, there) = (self.stage, self.total, self.terms.values().sum::<i64>());
        match stage {
            "jobs" => format!(
                "{total} open transmissions, deliveries, lanes, gatherings and deadlines should have a job, {there} have one; the \
                 next start makes those that are missing"
            ),
            "acks" => format!("Documents tell of {total} acks, the ledger has {there}; compare with a copy"),
            "mailbox files" => format!(
                "{total} deliveries were laid into mailboxes, the ledger has {there} files; compare with a copy"
            ),
            _ => format!(
                "The history knows {total} {stage}, the ledger has {there}; portolan doctor --history says what was changed"
            ),
        }
    }
}

impl Store {
    /// The equations of the ledger, read at one moment.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::id::SystemRandom;
    use std::sync::Arc;

    #[tokio::test]
    async fn what_grows_for_ever_is_counted_by_indexes_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        Store::init(folder.path(), &SystemRandom).expect("a data directory");
        let opened = Store::open(folder.path(), None, Arc::new(SystemRandom), "test", Timestamp::UNIX_EPOCH).await;
        let (store, _) = opened.expect("a ledger");
        for (stage, known, terms) in KNOWN {
            for query in std::iter::once(known).chain(terms.iter().map(|(_, query)| *query)) {
                let text = format!("EXPLAIN QUERY PLAN {query}");
                // Safe: the text is that of a query of ours.
                let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(store.reader()).await.expect("a plan");
                let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
                let of_event = |step: &&String| {
                    ["event", "e", "first"].iter().any(|name| step.starts_with(&format!("SEARCH {name} ")))
                        && step.contains("INDEX event_")
                };
                if query.contains("FROM event") {
                    let asked = query.matches("event AS").count().max(1);
                    let covered = steps.iter().filter(of_event).filter(|step| step.contains("COVERING INDEX"));
                    assert_eq!(covered.count(), asked, "{stage}: {query}: {steps:?}");
                }
                let walks = |table: &str| steps.iter().any(|step| *step == format!("SCAN {table}"));
                for table in ["event", "transmission", "document", "delivery", "ack", "job", "gathered"] {
                    assert!(!walks(table), "{stage}: {query}: {steps:?}");
                }
                // Acknowledgments are found by what they are about or by their state, never all of them for one document.
                let all = |step: &String| step.contains("SEARCH ack ") && step.ends_with("(direction=?)");
                assert!(!steps.iter().any(all), "{stage}: {query}: {steps:?}");
            }
        }
        store.close().await;
    }
}
