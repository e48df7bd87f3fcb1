//! Which of the things we sent an acknowledgment is about: by partner, party ids and control numbers, within a window,
//! the newest unanswered first. An answer for something answered before changes it (a partner may accept after
//! rejecting); what fits nothing is kept as unmatched, and nothing that comes late is lost.

use super::ack::{AckLevel, AckState, Incoming, NamedDocument, Said};
use super::delivery::Delivery;
use super::document;
use super::error::Result;
use super::event::{self, NewEvent};
use super::job::{self, JobKind};
use super::value::Micros;
use super::writer::Tx;
use crate::clock::Timestamp;
use crate::partner::ORDER_RESPONSE;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long after its sending a document may be answered: control numbers come again some day.
const WINDOW: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Digits of the longest control number, to which some partners pad.
const NUMBER_DIGITS: usize = 9;

/// The word of the environment that goes before tests.
const PRODUCTION: &str = "production";

/// A document we sent that an answer may be about.
struct Sent {
    document_id: String,
    transmission_id: String,
    control_number: String,
    /// The interchange or group it went in.
    sending: (String, String),
    is_answered: bool,
}

/// Matches what came to what we sent. Returns how many documents it answers.
pub(crate) async fn apply(tx: &mut Tx<'_>, incoming: &Incoming, transmission_id: &str, now: Timestamp) -> Result<u64> {
    let incoming = &incoming.clone().storable();
    let sent = candidates(tx, incoming, now).await?;
    let sending = chosen(&sent, incoming);
    let (mut answered, mut named) = (0, BTreeSet::new());
    for document in sent.iter().filter(|one| Some(&one.sending) == sending.as_ref()) {
        let own = incoming.documents.iter().find(|(number, _)| bare(number) == bare(&document.control_number));
        named.extend(own.map(|(number, _)| number));
        if let Some(said) = own.map(|(_, said)| said).or(incoming.whole.as_ref()) {
            answer(tx, incoming, said, document, transmission_id, now).await?;
            answered += 1;
        }
    }
    if !incoming.is_listed {
        return Ok(answered);
    }
    for (number, said) in incoming.documents.iter().filter(|(number, _)| !named.contains(number)) {
        unmatched(tx, incoming, Some(number), said, transmission_id, now).await?;
    }
    if let Some(said) = incoming.whole.as_ref().filter(|_| sending.is_none() && incoming.documents.is_empty()) {
        unmatched(tx, incoming, None, said, transmission_id, now).await?;
    }
    Ok(answered)
}

/// What was sent between these parties under these numbers, newest first.
async fn candidates(tx: &mut Tx<'_>, incoming: &Incoming, now: Timestamp) -> Result<Vec<Sent>> {
    if let Some(named) = &incoming.named {
        return bearers(tx, incoming, named, now).await;
    }
    let (column, number) = match (&incoming.interchange_control_number, &incoming.group_control_number) {
        (Some(number), _) => ("i.control_number", number),
        (None, Some(number)) => ("d.group_control_number", number),
        (None, None) => return Ok(Vec::new()),
    };
    let query = format!(
        "SELECT d.document_id, d.transmission_id, d.control_number, d.interchange_id,
         COALESCE(d.group_control_number, ''), d.sender, d.receiver, d.partner,
         (SELECT COUNT(*) FROM ack a WHERE a.direction = 'in' AND a.refers_to = d.document_id AND a.level = $1
          AND a.answered_at IS NOT NULL)
         FROM document d JOIN interchange i ON i.interchange_id = d.interchange_id
         WHERE d.direction = 'out' AND {column} IN ($2, $3, $4) AND d.created_at >= $5
         AND d.environment = COALESCE($6, d.environment) ORDER BY d.created_at DESC, d.document_id DESC"
    );
    let short = bare(number);
    let rows = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(incoming.level)
        .bind(number)
        .bind(short)
        .bind(format!("{short:0>NUMBER_DIGITS$}"))
        .bind(Micros::from(now - WINDOW))
        .bind(&incoming.environment)
        .fetch_all(&mut *tx.connection)
        .await?;
    let is_ours = |row: &&AnyRow| {
        let text = |at: usize| row.get::<Option<String>, _>(at).unwrap_or_default();
        let value = |party: &str| party.split_once(':').map_or(party.to_owned(), |(_, value)| value.to_owned());
        let group = incoming.group_control_number.as_deref().filter(|_| incoming.interchange_control_number.is_some());
        value(&text(5)) == incoming.sender
            && value(&text(6)) == incoming.receiver
            && (text(7).is_empty() || incoming.partner.as_ref().is_none_or(|partner| *partner == text(7)))
            && group.is_none_or(|group| bare(group) == bare(&text(4)))
    };
    let one = |row: &AnyRow| Sent {
        document_id: row.get(0),
        transmission_id: row.get(1),
        control_number: row.get(2),
        sending: (row.get(3), row.get(4)),
        is_answered: row.get::<i64, _>(8) > 0,
    };
    Ok(rows.iter().filter(is_ours).map(one).collect())
}

/// What was sent to the partner under the number that a document is named by, newest first. Its parties are not asked for:
/// networks stand between, and a document of XML may name others than its envelope. An order and its invoice may bear one
/// number, and test and production too: what is said of one is never taken for a word on the other.
async fn bearers(tx: &mut Tx<'_>, incoming: &Incoming, named: &NamedDocument, now: Timestamp) -> Result<Vec<Sent>> {
    let column = if named.is_envelope { "i.control_number" } else { "d.business_number" };
    let (meant, of) = match named.is_awaited {
        false => ("d.standard = $3", &named.standard),
        true => (
            "EXISTS (SELECT 1 FROM ack e WHERE e.direction = 'in' AND e.refers_to = d.document_id AND e.level = $1
             AND e.kind = $3)",
            &incoming.kind,
        ),
    };
    let query = format!(
        "SELECT d.document_id, d.transmission_id, d.control_number, d.interchange_id, d.type, d.environment,
         (SELECT COUNT(*) FROM ack a WHERE a.direction = 'in' AND a.refers_to = d.document_id AND a.level = $1
          AND a.answered_at IS NOT NULL)
         FROM document d JOIN interchange i ON i.interchange_id = d.interchange_id
         WHERE d.direction = 'out' AND {column} = $2 AND {meant} AND d.partner = $4 AND d.created_at >= $5
         AND d.is_acknowledgment = 0 AND d.environment = COALESCE($6, d.environment)
         ORDER BY d.created_at DESC, d.document_id DESC"
    );
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(incoming.level)
        .bind(&named.number)
        .bind(of)
        .bind(&incoming.partner)
        .bind(Micros::from(now - WINDOW))
        .bind(&incoming.environment)
        .fetch_all(&mut *tx.connection)
        .await?;
    let (kind, environment) = (|row: &AnyRow| row.get::<String, _>(4), |row: &AnyRow| row.get::<String, _>(5));
    rows.retain(|row| named.kinds.is_empty() || named.kinds.iter().any(|one| one.eq_ignore_ascii_case(&kind(row))));
    if rows.iter().any(|row| environment(row) == PRODUCTION) {
        rows.retain(|row| environment(row) == PRODUCTION || incoming.environment.is_some());
    }
    if named.kinds.is_empty() && !named.is_awaited && rows.iter().any(|row| kind(row) != kind(&rows[0])) {
        return Ok(Vec::new());
    }
    let one = |row: &AnyRow| Sent {
        document_id: row.get(0),
        transmission_id: row.get(1),
        control_number: row.get(2),
        sending: (row.get(3), String::new()),
        is_answered: row.get::<i64, _>(6) > 0,
    };
    Ok(rows.iter().map(one).collect())
}

/// The receiver said of all documents of a transmission how they went, in the answer to the call of a delivery that brought
/// them. What it has said in a document of its own since that delivery was made stands: a repeat of the delivery may be
/// answered by rote after the receiver has thought about it.
pub(crate) async fn answered_at_once(
    tx: &mut Tx<'_>,
    delivery: &Delivery,
    (kind, said): (&str, &Said),
    now: Timestamp,
) -> Result<()> {
    let rows = sqlx::query(
        "SELECT d.document_id, d.control_number, d.interchange_id, d.partner, d.sender, d.receiver, i.control_number
         FROM document d JOIN interchange i ON i.interchange_id = d.interchange_id
         WHERE d.transmission_id = $1 AND NOT EXISTS (SELECT 1 FROM ack a WHERE a.direction = 'in'
         AND a.refers_to = d.document_id AND a.level = $2 AND a.kind = $3 AND a.transmission_id <> $1
         AND a.answered_at >= $4) ORDER BY d.number",
    )
    .bind(&delivery.transmission_id)
    .bind(AckLevel::Application)
    .bind(kind)
    .bind(delivery.created_at)
    .fetch_all(&mut *tx.connection)
    .await?;
    for row in rows {
        let document = Sent {
            document_id: row.get(0),
            transmission_id: delivery.transmission_id.clone(),
            control_number: row.get(1),
            sending: (row.get(2), String::new()),
            is_answered: false,
        };
        let incoming = Incoming {
            level: AckLevel::Application,
            kind: kind.to_owned(),
            partner: row.get(3),
            environment: None,
            sender: row.get(4),
            receiver: row.get(5),
            interchange_control_number: row.get(6),
            group_control_number: None,
            named: None,
            whole: None,
            documents: Vec::new(),
            is_listed: false,
        };
        let (incoming, said) = (incoming.storable(), said.clone().storable());
        answer(tx, &incoming, &said, &document, &delivery.transmission_id, now).await?;
    }
    Ok(())
}

/// The newest sending that still waits for what is said, else the newest of which something is said.
fn chosen(sent: &[Sent], incoming: &Incoming) -> Option<(String, String)> {
    let is_named = |one: &&Sent| {
        let own = |(number, _): &(String, Said)| bare(number) == bare(&one.control_number);
        incoming.whole.is_some() || incoming.documents.iter().any(own)
    };
    let waiting = sent.iter().filter(is_named).find(|one| !one.is_answered);
    waiting.or_else(|| sent.iter().find(is_named)).map(|one| one.sending.clone())
}

/// Control numbers that differ in leading zeros only are the same.
fn bare(number: &str) -> &str {
    let short = number.trim_start_matches('0');
    if short.is_empty() && !number.is_empty() { "0" } else { short }
}

/// Writes a verdict to the document's row of this level: the one of its kind, or the one that waits. That an application took an
/// order is no answer of the seller, nor the other way round.
async fn answer(
    tx: &mut Tx<'_>,
    incoming: &Incoming,
    said: &Said,
    document: &Sent,
    transmission_id: &str,
    now: Timestamp,
) -> Result<()> {
    let row = sqlx::query(
        "SELECT ack_id, state FROM ack WHERE direction = 'in' AND refers_to = $1 AND level = $2
         AND (kind = $3 OR (state IN ('waiting', 'overdue') AND kind <> $4 AND $3 <> $4))
         ORDER BY CASE WHEN kind = $3 THEN 0 ELSE 1 END LIMIT 1",
    )
    .bind(&document.document_id)
    .bind(incoming.level)
    .bind(&incoming.kind)
    .bind(ORDER_RESPONSE)
    .fetch_optional(&mut *tx.connection)
    .await?;
    let before = row.as_ref().map(|row| row.get::<String, _>(1));
    let ack_id = match row {
        Some(row) => row.get::<String, _>(0),
        None => insert(tx, incoming, Some(document), Some(&document.control_number), now).await?,
    };
    sqlx::query(
        "UPDATE ack SET state = $2, code = $3, detail = $4, transmission_id = $5, answered_at = $6, kind = $7, faults = $8
         WHERE ack_id = $1",
    )
    .bind(&ack_id)
    .bind(said.state)
    .bind(&said.code)
    .bind(&said.detail)
    .bind(transmission_id)
    .bind(Micros::from(now))
    .bind(&incoming.kind)
    .bind(said.faults.kept())
    .execute(&mut *tx.connection)
    .await?;
    job::drop_for(tx, JobKind::Acknowledge, &ack_id).await?;
    if incoming.level == AckLevel::Technical && said.state == AckState::Rejected {
        await_no_more(tx, &document.document_id).await?;
    }
    document::refresh_ack(tx, &document.document_id, now).await?;
    let cause = format!("{} {}: {}", incoming.kind, said.code, said.detail);
    let event = NewEvent {
        transmission_id: &document.transmission_id,
        document_id: Some(&document.document_id),
        kind: "acknowledged",
        from_state: before.as_deref(),
        to_state: Some(said.state.as_str()),
        cause: Some(&cause),
        ..NewEvent::default()
    };
    event::append(tx, event, now).await
}

/// After a refused interchange no answer about its documents follows; should one come all the same, it still counts.
async fn await_no_more(tx: &mut Tx<'_>, document_id: &str) -> Result<()> {
    const AWAITED: &str =
        "direction = 'in' AND refers_to = $1 AND level = 'functional' AND state IN ('waiting', 'overdue')";
    let query = format!("SELECT ack_id FROM ack WHERE {AWAITED}");
    let waiting: Vec<String> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(document_id).fetch_all(&mut *tx.connection).await?;
    for ack_id in &waiting {
        job::drop_for(tx, JobKind::Acknowledge, ack_id).await?;
    }
    let query =
        format!("UPDATE ack SET state = 'none', detail = 'none follows: the interchange was refused' WHERE {AWAITED}");
    sqlx::query(sqlx::AssertSqlSafe(query)).bind(document_id).execute(&mut *tx.connection).await?;
    Ok(())
}

/// What fits nothing we sent is kept, to be looked at by a person.
async fn unmatched(
    tx: &mut Tx<'_>,
    incoming: &Incoming,
    number: Option<&String>,
    said: &Said,
    transmission_id: &str,
    now: Timestamp,
) -> Result<()> {
    let ack_id = insert(tx, incoming, None, number, now).await?;
    sqlx::query(
        "UPDATE ack SET state = $2, code = $3, detail = $4, transmission_id = $5, answered_at = $6 WHERE ack_id = $1",
    )
    .bind(ack_id)
    .bind(said.state)
    .bind(&said.code)
    .bind(&said.detail)
    .bind(transmission_id)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

async fn insert(
    tx: &mut Tx<'_>,
    incoming: &Incoming,
    document: Option<&Sent>,
    number: Option<&String>,
    now: Timestamp,
) -> Result<String> {
    let id = tx.id("ack", now);
    sqlx::query(
        "INSERT INTO ack (ack_id, direction, level, kind, state, refers_to, partner, sender, receiver,
         interchange_control_number, group_control_number, document_control_number, created_at)
         VALUES ($1, 'in', $2, $3, 'none', $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&id)
    .bind(incoming.level)
    .bind(&incoming.kind)
    .bind(document.map(|document| &document.document_id))
    .bind(&incoming.partner)
    .bind(&incoming.sender)
    .bind(&incoming.receiver)
    .bind(&incoming.interchange_control_number)
    .bind(&incoming.group_control_number)
    .bind(number)
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    Ok(id)
}
