//! What alerts look at, counted by what is one cause: each question is one query over an index, and none of them knows an alert.

use super::Store;
use super::error::Result;
use super::select::Select;
use super::value::Micros;
use crate::clock::Timestamp;

/// Causes of one question, at most; the newest.
pub const CAUSES_MAX: u32 = 500;

/// Things that have one cause.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Found {
    /// Whose they are.
    pub partner: Option<String>,
    /// Over which channel, or in which mailbox.
    pub channel: Option<String>,
    /// The document type.
    pub document: Option<String>,
    /// `test` or `production`.
    pub environment: Option<String>,
    /// Why: a stable word.
    pub code: Option<String>,
    /// How many.
    pub count: i64,
    /// When the first came to be so.
    pub first_at: Micros,
    /// When the last did.
    pub last_at: Micros,
    /// The newest: `delivery/ID`.
    pub subject: Option<String>,
    /// Of acknowledgments: the one type of the documents of ours that they are about.
    #[sqlx(default)]
    pub about: Option<String>,
}

/// What happened in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCounts {
    /// Transmissions that came in.
    pub received: i64,
    /// Deliveries that were made in it and arrived.
    pub delivered: i64,
    /// Documents that failed.
    pub failed: i64,
}

const FAILED: &str =
    "SELECT d.partner, t.channel, d.type AS document, d.environment, d.code, COUNT(*) AS count, MIN(d.changed_at) AS first_at,
     MAX(d.changed_at) AS last_at, 'document/' || MAX(d.document_id) AS subject
     FROM document d JOIN transmission t ON t.transmission_id = d.transmission_id
     WHERE d.direction = 'in' AND d.processing = 'failed'
     GROUP BY d.partner, t.channel, d.type, d.environment, d.code ORDER BY last_at DESC";

const HELD: &str =
    "SELECT partner, channel, NULL AS document, environment, code, COUNT(*) AS count, MIN(changed_at) AS first_at,
     MAX(changed_at) AS last_at, 'transmission/' || MAX(transmission_id) AS subject
     FROM transmission WHERE direction = 'in' AND state = 'held'
     GROUP BY partner, channel, environment, code ORDER BY last_at DESC";

const HELD_DOCUMENTS: &str =
    "SELECT d.partner, t.channel, d.type AS document, d.environment, d.code, COUNT(*) AS count, MIN(d.changed_at) AS first_at,
     MAX(d.changed_at) AS last_at, 'document/' || MAX(d.document_id) AS subject
     FROM document d JOIN transmission t ON t.transmission_id = d.transmission_id
     WHERE d.direction = 'in' AND d.processing = 'held' AND t.state <> 'held'
     GROUP BY d.partner, t.channel, d.type, d.environment, d.code ORDER BY last_at DESC";

// One that was resubmitted stays parked; what became of it is the new one's.
const PARKED: &str = "SELECT d.partner, d.channel, NULL AS document, NULL AS environment, d.code, COUNT(*) AS count,
     MIN(d.changed_at) AS first_at, MAX(d.changed_at) AS last_at, 'delivery/' || MAX(d.delivery_id) AS subject
     FROM delivery d WHERE (d.state = 'parked' OR (d.state = 'held' AND d.code = 'UNCERTAIN'))
     AND NOT EXISTS (SELECT 1 FROM delivery later WHERE later.resubmit_of = d.delivery_id)
     GROUP BY d.partner, d.channel, d.code ORDER BY last_at DESC";

const RETRYING: &str =
    "SELECT partner, channel, NULL AS document, NULL AS environment, code, COUNT(*) AS count, MIN(created_at) AS first_at,
     MAX(changed_at) AS last_at, 'delivery/' || MIN(delivery_id) AS subject
     FROM delivery WHERE state IN ('retry_wait', 'uncertain') AND NOT EXISTS
     (SELECT 1 FROM job WHERE job.kind = 'deliver' AND job.subject = delivery.delivery_id AND job.waits_for IS NOT NULL)";

// The first open one of a lane that a person has to decide on, and those behind it.
const LANES: &str = "SELECT d.partner, d.channel, NULL AS document, NULL AS environment, f.state AS code, COUNT(*) AS count,
     MIN(f.changed_at) AS first_at, MAX(f.changed_at) AS last_at, 'delivery/' || MIN(f.delivery_id) AS subject
     FROM delivery f JOIN delivery d ON d.lane = f.lane AND d.severity > 1 AND d.delivery_id <> f.delivery_id
     WHERE f.state IN ('parked', 'held') AND f.lane IS NOT NULL
     AND f.delivery_id = (SELECT first.delivery_id FROM delivery AS first WHERE first.lane = f.lane AND first.severity > 1
                          ORDER BY first.lane_place, first.lane_number LIMIT 1)";

const ACKS: &str = "SELECT a.partner, NULL AS channel, a.kind AS document, NULL AS environment, a.code,
     COUNT(DISTINCT a.refers_to) AS count,
     MIN(COALESCE(a.answered_at, a.deadline, a.created_at)) AS first_at,
     MAX(COALESCE(a.answered_at, a.deadline, a.created_at)) AS last_at, 'document/' || MAX(a.refers_to) AS subject,
     CASE WHEN COUNT(DISTINCT d.type) = 1 THEN MAX(d.type) END AS about
     FROM ack a LEFT JOIN document d ON d.document_id = a.refers_to WHERE a.direction = 'in' AND a.refers_to IS NOT NULL";

const UNMATCHED: &str =
    "SELECT partner, NULL AS channel, kind AS document, NULL AS environment, code, COUNT(*) AS count,
     MIN(created_at) AS first_at, MAX(created_at) AS last_at, 'transmission/' || MAX(transmission_id) AS subject
     FROM ack WHERE direction = 'in' AND refers_to IS NULL GROUP BY partner, kind, code ORDER BY last_at DESC";

const UNFETCHED: &str =
    "SELECT t.partner, m.mailbox AS channel, NULL AS document, NULL AS environment, NULL AS code, COUNT(*) AS count,
     MIN(m.created_at) AS first_at, MAX(m.created_at) AS last_at, 'mailbox/' || m.mailbox AS subject
     FROM mailbox_file m JOIN transmission t ON t.transmission_id = m.transmission_id
     WHERE m.fetched_at IS NULL AND m.hidden_at IS NULL AND m.delivery_id IS NOT NULL";

const REFUSED: &str =
    "SELECT CASE WHEN claims = '' THEN NULL ELSE claims END AS partner, channel, NULL AS document, NULL AS environment,
     NULL AS code, CAST(COALESCE(SUM(refused), 0) AS BIGINT) AS count, MIN(hour) AS first_at, MAX(changed_at) AS last_at, 'channel/' || channel AS subject
     FROM refusal WHERE 1 = 1";

const OFFERED: &str = "SELECT partner, channel, NULL AS document, NULL AS environment, NULL AS code, COUNT(*) AS count,
     MIN(created_at) AS first_at, MAX(created_at) AS last_at, 'channel/' || channel AS subject
     FROM offered_certificate GROUP BY partner, channel ORDER BY last_at DESC";

/// What was announced again since is not asked for any more.
const ANNOUNCED: &str = "SELECT partner, channel, NULL AS document, NULL AS environment,
     CASE WHEN state = 'waiting' THEN 'OVERDUE' ELSE 'REJECTED' END AS code, COUNT(*) AS count,
     MIN(respond_by) AS first_at, MAX(respond_by) AS last_at, 'certificate/' || MAX(name) AS subject
     FROM announced_certificate AS a WHERE NOT EXISTS (SELECT 1 FROM announced_certificate AS later
      WHERE later.fingerprint = a.fingerprint AND later.as2_from = a.as2_from AND later.as2_to = a.as2_to
      AND later.created_at > a.created_at)";

const NOTICES: &str =
    "SELECT NULL AS partner, NULL AS channel, NULL AS document, NULL AS environment, recipient AS code, COUNT(*) AS count,
     MIN(changed_at) AS first_at, MAX(changed_at) AS last_at, 'notice/' || MAX(notice_id) AS subject
     FROM notice WHERE state = 'given_up' GROUP BY recipient ORDER BY last_at DESC";

/// How long a certificate that a partner refused is told.
const REJECTED_DAYS: u32 = 7;

impl Store {
    /// Certificates that were announced and not answered in time, or refused lately, by partner, channel and which of both.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_announced(&self, now: Timestamp) -> Result<Vec<Found>> {
        let day = std::time::Duration::from_secs(24 * 3600);
        let overdue =
            Select::new(ANNOUNCED).text("a.state =", Some("waiting")).number("a.respond_by <", Micros::from(now).0);
        let since = Micros::from(now - day * REJECTED_DAYS);
        let rejected = Select::new(ANNOUNCED).text("a.state =", Some("rejected")).number("a.changed_at >", since.0);
        let grouped = |select: Select| select.then("GROUP BY partner, channel, state ORDER BY last_at DESC");
        let mut found = self.found(grouped(overdue)).await?;
        found.extend(self.found(grouped(rejected)).await?);
        Ok(found)
    }

    async fn found(&self, select: Select) -> Result<Vec<Found>> {
        select.limit(CAUSES_MAX).all(self.reader()).await
    }

    /// Documents that failed, by partner, channel, type and code.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_failed(&self) -> Result<Vec<Found>> {
        self.found(Select::new(FAILED)).await
    }

    /// What is held, transmissions and documents of others.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_held(&self) -> Result<Vec<Found>> {
        let mut found = self.found(Select::new(HELD)).await?;
        found.extend(self.found(Select::new(HELD_DOCUMENTS)).await?);
        Ok(found)
    }

    /// Deliveries that are parked or wait for a person because nobody knows whether they arrived.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_parked(&self) -> Result<Vec<Found>> {
        self.found(Select::new(PARKED)).await
    }

    /// Deliveries made before a time that are still tried; not those that wait for the end of a pause.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_retrying(&self, before: Timestamp) -> Result<Vec<Found>> {
        let select = Select::new(RETRYING).number("created_at <=", Micros::from(before).0);
        self.found(select.then("GROUP BY partner, channel, code ORDER BY last_at DESC")).await
    }

    /// Deliveries whose lane stands since before a time, by the state of its first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_standing(&self, before: Timestamp) -> Result<Vec<Found>> {
        let select = Select::new(LANES).number("f.changed_at <=", Micros::from(before).0);
        self.found(select.then("GROUP BY d.partner, d.channel, f.state ORDER BY last_at DESC")).await
    }

    /// Acknowledgments in a state.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_acks(&self, state: super::ack::AckState) -> Result<Vec<Found>> {
        let select = Select::new(ACKS).text("a.state =", Some(state.as_str()));
        self.found(select.then("GROUP BY a.partner, a.kind, a.code ORDER BY last_at DESC")).await
    }

    /// Acknowledgments that fit nothing we sent.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_unmatched(&self) -> Result<Vec<Found>> {
        self.found(Select::new(UNMATCHED)).await
    }

    /// Files put into mailboxes before a time that nobody fetched.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_unfetched(&self, before: Timestamp) -> Result<Vec<Found>> {
        let select = Select::new(UNFETCHED).number("m.created_at <=", Micros::from(before).0);
        self.found(select.then("GROUP BY t.partner, m.mailbox ORDER BY last_at DESC")).await
    }

    /// Strangers refused in hours that began since a time, by channel and by whom they say to be.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_refused(&self, since: Timestamp) -> Result<Vec<Found>> {
        let select = Select::new(REFUSED).number("hour >=", Micros::from(since).0);
        self.found(select.then("GROUP BY claims, channel ORDER BY last_at DESC")).await
    }

    /// Certificates that partners offered and nobody decided on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_offered(&self) -> Result<Vec<Found>> {
        self.found(Select::new(OFFERED)).await
    }

    /// Notices that were given up, by recipient.
    ///
    /// # Errors
    /// The database failed.
    pub async fn found_notices(&self) -> Result<Vec<Found>> {
        self.found(Select::new(NOTICES)).await
    }

    /// The parked deliveries that an alarm is about, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn parked_of(&self, alarm: &super::alarm::Alarm, count: usize) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = Select::new(
            "SELECT d.delivery_id FROM delivery d WHERE d.state = 'parked'
             AND NOT EXISTS (SELECT 1 FROM delivery later WHERE later.resubmit_of = d.delivery_id)",
        )
        .text("d.partner =", alarm.partner.as_deref())
        .text("d.channel =", alarm.channel.as_deref())
        .text("d.code =", alarm.code.as_deref())
        .then("ORDER BY d.delivery_id")
        .limit(u32::try_from(count).unwrap_or(u32::MAX))
        .all(self.reader())
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// What happened since a time.
    ///
    /// # Errors
    /// The database failed.
    pub async fn day_counts(&self, since: Timestamp) -> Result<DayCounts> {
        let count = async |query: &'static str| -> Result<i64> {
            Ok(sqlx::query_scalar(query).bind(Micros::from(since)).fetch_one(self.reader()).await?)
        };
        Ok(DayCounts {
            received: count("SELECT COUNT(*) FROM transmission WHERE direction = 'in' AND created_at >= $1").await?,
            delivered: count("SELECT COUNT(*) FROM delivery WHERE state = 'delivered' AND created_at >= $1").await?,
            failed: count(
                "SELECT COUNT(*) FROM document WHERE direction = 'in' AND processing = 'failed' AND created_at >= $1",
            )
            .await?,
        })
    }

    /// When something came in last over a channel that was not refused.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_over(&self, channel: &str) -> Result<Option<Micros>> {
        let query =
            "SELECT MAX(created_at) FROM transmission WHERE channel = $1 AND direction = 'in' AND state <> 'rejected'";
        Ok(sqlx::query_scalar(query).bind(channel).fetch_one(self.reader()).await?)
    }

    /// When a document came in last from a partner, of a type where one is named.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_from(&self, partner: &str, document: Option<&str>) -> Result<Option<Micros>> {
        let select = Select::new("SELECT MAX(created_at) FROM document WHERE direction = 'in'")
            .text("partner =", Some(partner))
            .text("type =", document);
        let row: Option<(Option<Micros>,)> = select.first(self.reader()).await?;
        Ok(row.and_then(|(at,)| at))
    }

    /// How many transmissions came in since a time, by partner and channel.
    ///
    /// # Errors
    /// The database failed.
    pub async fn arrived_since(&self, since: Timestamp) -> Result<Vec<(Option<String>, String, i64)>> {
        let select = Select::new("SELECT partner, channel, COUNT(*) FROM transmission WHERE direction = 'in'")
            .number("created_at >=", Micros::from(since).0)
            .then("GROUP BY partner, channel");
        select.all(self.reader()).await
    }
}
