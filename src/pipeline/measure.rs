//! What `/metrics` gives: the list of all metrics with what each says, and labels of which there are only so many. A metric is
//! written where its thing happens; docs/METRICS.md lists them all, and a test holds the three together.

use crate::store::document::NewDocument;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Channels that have a label of their own, and document types; those that come later share [`OTHERS`].
pub const LABELS_MAX: usize = 200;
/// The label of what has none of its own.
pub const OTHERS: &str = "others";
/// Upper bounds of the buckets of all histograms, in seconds.
pub const BUCKETS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// How a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever more, from the start of the process on.
    Counter,
    /// As it is now.
    Gauge,
    /// Seconds, in buckets.
    Histogram,
}

/// A metric: its name, how it counts, its labels, and what it says.
pub type Metric = (&'static str, Kind, &'static [&'static str], &'static str);

/// All that `/metrics` may give.
pub const METRICS: &[Metric] = &[
    ("portolan_acks", Kind::Gauge, &["level", "state"], "Acknowledgments of partners, awaited or here"),
    ("portolan_acks_overdue_total", Kind::Counter, &[], "Acknowledgments that did not come in time"),
    ("portolan_alarms", Kind::Gauge, &["severity", "state"], "Alarms that stand"),
    ("portolan_alarms_total", Kind::Counter, &["what"], "Alarms that were raised, or are over"),
    ("portolan_attempt_seconds", Kind::Histogram, &["channel", "outcome"], "How long attempts to deliver take"),
    ("portolan_attempts_total", Kind::Counter, &["channel", "outcome"], "Attempts to deliver"),
    ("portolan_auth_failures_total", Kind::Counter, &["listener"], "Who came without the right token, password or key"),
    ("portolan_build_info", Kind::Gauge, &["version"], "1, with the version of the binary"),
    ("portolan_call_seconds", Kind::Histogram, &["channel", "outcome"], "How long callers wait for their answers"),
    (
        "portolan_certificate_expiry_seconds",
        Kind::Gauge,
        &["name"],
        "Until the end of a certificate (resource); less than 0 after it, NaN for one that is gone",
    ),
    ("portolan_circuits_open", Kind::Gauge, &[], "Channels that are probed only"),
    ("portolan_commit_seconds", Kind::Histogram, &[], "How long the database takes to sync a commit"),
    ("portolan_commits_total", Kind::Counter, &[], "Commits of the ledger"),
    ("portolan_conservation_age_seconds", Kind::Gauge, &[], "How long ago the sums of the ledger were counted"),
    ("portolan_conservation_count_seconds", Kind::Gauge, &[], "How long that took"),
    ("portolan_conservation_holds", Kind::Gauge, &["stage"], "1 where the sum of the ledger holds, else 0"),
    ("portolan_documents_total", Kind::Counter, &["direction", "type", "result"], "Documents that were written"),
    ("portolan_handshakes_total", Kind::Counter, &["outcome"], "Handshakes of TLS with partners"),
    ("portolan_held_unanswered", Kind::Gauge, &["urgency"], "What is held while its sender waits for an answer"),
    ("portolan_jobs_due", Kind::Gauge, &["kind"], "Jobs that are due and wait"),
    ("portolan_jobs_oldest_seconds", Kind::Gauge, &["kind"], "For how long the oldest of them is due"),
    ("portolan_ledger_rows", Kind::Gauge, &["stage", "where"], "Rows of the ledger, by where they stand"),
    ("portolan_mailbox_requests_total", Kind::Counter, &["outcome"], "Requests of mailboxes over HTTPS"),
    ("portolan_notices_total", Kind::Counter, &["outcome"], "Mails and posts about alarms"),
    ("portolan_purged_total", Kind::Counter, &["kind"], "Messages whose bytes are gone, since their time was over"),
    ("portolan_received_total", Kind::Counter, &["channel"], "Transmissions that were taken in"),
    ("portolan_refused_total", Kind::Counter, &["channel"], "Transmissions that were refused"),
    ("portolan_sftp_logins_total", Kind::Counter, &["outcome"], "Logins over SFTP"),
    ("portolan_sftp_sessions", Kind::Gauge, &[], "Sessions of SFTP that are open"),
    ("portolan_spans_total", Kind::Counter, &["outcome"], "Spans of traces"),
    ("portolan_stage_seconds", Kind::Histogram, &["stage"], "How long a stage of the work takes"),
    ("portolan_storage_bytes", Kind::Gauge, &[], "Bytes of the disk of the data directory"),
    ("portolan_storage_free_bytes", Kind::Gauge, &[], "Bytes of it that are free"),
    ("portolan_telemetry_waiting_events", Kind::Gauge, &[], "Events that the collector of traces was not told yet"),
    ("portolan_webhooks_total", Kind::Counter, &["outcome"], "Events told to webhooks"),
    ("portolan_writes_total", Kind::Counter, &["write"], "Writes of the ledger; several share a commit"),
];

/// Tells a recorder what each metric says.
pub fn describe() {
    for (name, kind, _, says) in METRICS {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *says),
            Kind::Gauge => metrics::describe_gauge!(*name, *says),
            Kind::Histogram => metrics::describe_histogram!(*name, *says),
        }
    }
}

/// Labels that were given so far.
struct Labels(Mutex<BTreeSet<String>>);

static CHANNELS: Labels = Labels(Mutex::new(BTreeSet::new()));
static TYPES: Labels = Labels(Mutex::new(BTreeSet::new()));

impl Labels {
    fn label(&self, name: &str) -> String {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !given.contains(name) {
            if given.len() >= LABELS_MAX {
                return OTHERS.to_owned();
            }
            given.insert(name.to_owned());
        }
        name.to_owned()
    }
}

/// The label of a channel.
#[must_use]
pub fn channel(name: &str) -> String {
    CHANNELS.label(name)
}

/// Documents that a commit has written, in and out.
pub(super) struct Written(Vec<(&'static str, String, &'static str)>);

impl Written {
    pub(super) fn of<'d>(documents: impl Iterator<Item = &'d NewDocument>) -> Self {
        let one = |document: &NewDocument| {
            let result = match (document.processing, document.is_acknowledgment) {
                (Some(processing), _) => processing.as_str(),
                (None, true) => "acknowledgment",
                (None, false) => "made",
            };
            (document.direction.as_str(), document.kind.clone(), result)
        };
        Written(documents.map(one).collect())
    }

    pub(super) fn count(self) {
        for (direction, kind, result) in self.0 {
            let labels =
                [("direction", direction.to_owned()), ("type", TYPES.label(&kind)), ("result", result.to_owned())];
            metrics::counter!("portolan_documents_total", &labels).increment(1);
        }
    }
}

/// Somebody came to a listener (`partner`, `admin`, `sftp`) without what lets them in.
pub fn not_let_in(listener: &'static str) {
    metrics::counter!("portolan_auth_failures_total", "listener" => listener).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_strangers_choose_are_so_many_at_most() {
        let labels = Labels(Mutex::new(BTreeSet::new()));
        let given: BTreeSet<String> = (0..LABELS_MAX + 50).map(|at| labels.label(&format!("type-{at}"))).collect();
        assert_eq!(given.len(), LABELS_MAX + 1);
        assert!(given.contains(OTHERS));
        assert_eq!((labels.label("type-0"), labels.label("new")), ("type-0".to_owned(), OTHERS.to_owned()));
    }
}
