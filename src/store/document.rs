//! Documents: the unit of work, in and out, with three statuses that move on their own: processing, delivery, ack.

use super::Store;
use super::delta;
use super::error::{Result, StoreError};
use super::event::{self, NewEvent};
use super::payload;
use super::select::Select;
use super::value::{Actor, Direction, Micros, Page, storable, words};
use super::writer::Tx;
use super::{Content, ack};
use crate::clock::Timestamp;
use serde_json::Value;

words! {
    /// Where the processing of an incoming document rests.
    Processing {
        /// It was routed; what became of it is in its delivery status.
        Routed = "routed",
        /// It cannot be translated; the report says why.
        Failed = "failed",
        /// It waits for a person or a configuration.
        Held = "held",
        /// It came before.
        Duplicate = "duplicate",
        /// A rule said to drop it.
        Dropped = "dropped",
    }
}

/// A document about to be written.
#[derive(Debug)]
pub struct NewDocument {
    /// Its id.
    pub document_id: String,
    /// The interchange it came or goes in.
    pub interchange_id: Option<String>,
    /// In or out.
    pub direction: Direction,
    /// Place in the transmission, from 1.
    pub number: u32,
    /// `x12`, `edifact`.
    pub standard: String,
    /// Folder name of the version.
    pub version: String,
    /// Document type.
    pub kind: String,
    /// As written.
    pub control_number: String,
    /// The group's, as written.
    pub group_control_number: Option<String>,
    /// Number of the order, invoice …: what people ask for.
    pub business_number: Option<String>,
    /// `scheme:value` of the envelope.
    pub sender: String,
    /// `scheme:value` of the envelope.
    pub receiver: String,
    /// The partner on the other side.
    pub partner: Option<String>,
    /// The agreement it falls under.
    pub agreement: Option<String>,
    /// `test` or `production`.
    pub environment: String,
    /// 997, CONTRL and their like.
    pub is_acknowledgment: bool,
    /// Incoming ones: where processing rests.
    pub processing: Option<Processing>,
    /// Why it failed or is held: a stable word.
    pub code: Option<String>,
    /// The same for people.
    pub reason: Option<String>,
    /// Diagnostics, a JSON array.
    pub report: Value,
    /// First byte in the transmission.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// The canonical entity, sealed JSON.
    pub entity: Option<Content>,
    /// The documents an outgoing one was made from.
    pub made_from: Vec<String>,
}

/// A document as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Document {
    /// Its id.
    pub document_id: String,
    /// What carried it.
    pub transmission_id: String,
    /// Its interchange.
    pub interchange_id: Option<String>,
    /// In or out.
    pub direction: String,
    /// Place in the transmission, from 1.
    pub number: i64,
    /// `x12`, `edifact`.
    pub standard: String,
    /// Folder name of the version.
    pub version: String,
    /// Document type.
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    /// As written.
    pub control_number: String,
    /// The group's, as written.
    pub group_control_number: Option<String>,
    /// Number of the order, invoice …
    pub business_number: Option<String>,
    /// `scheme:value`.
    pub sender: String,
    /// `scheme:value`.
    pub receiver: String,
    /// The partner on the other side.
    pub partner: Option<String>,
    /// The agreement it falls under.
    pub agreement: Option<String>,
    /// `test` or `production`.
    pub environment: String,
    /// 1 for 997, CONTRL and their like.
    pub is_acknowledgment: i64,
    /// [`Processing`]; `None` while open, and for outgoing ones.
    pub processing: Option<String>,
    /// Worst state of its deliveries.
    pub delivery: Option<String>,
    /// Worst of the acknowledgments below.
    pub ack: String,
    /// Receipt level.
    pub ack_receipt: String,
    /// Technical level.
    pub ack_technical: String,
    /// Functional level.
    pub ack_functional: String,
    /// Application level.
    pub ack_application: String,
    /// Why it failed or is held.
    pub code: Option<String>,
    /// The same for people.
    pub reason: Option<String>,
    /// Diagnostics, a JSON array.
    pub report: String,
    /// First byte in the transmission.
    pub byte_offset: i64,
    /// Bytes.
    pub byte_length: i64,
    /// Where its entity is.
    pub entity_payload_id: Option<String>,
    /// When it was written.
    pub created_at: Micros,
    /// When a status changed last.
    pub changed_at: Micros,
}

/// Which documents a list shows.
#[derive(Debug, Clone, Default)]
pub struct DocumentFilter {
    /// Only this direction.
    pub direction: Option<Direction>,
    /// Only of this partner.
    pub partner: Option<String>,
    /// Only of this type.
    pub kind: Option<String>,
    /// Only with this business number.
    pub business_number: Option<String>,
    /// Only with this processing status.
    pub processing: Option<Processing>,
    /// Only with this delivery status.
    pub delivery: Option<String>,
    /// Only with this acknowledgment status.
    pub ack: Option<String>,
    /// Only of this transmission.
    pub transmission_id: Option<String>,
}

/// Documents of one business number that are looked through for an earlier one, at most.
const NUMBERED_MAX: u32 = 50;

const SELECT: &str = "SELECT document_id, transmission_id, interchange_id, direction, number, standard, version, type, \
                      control_number, group_control_number, business_number, sender, receiver, partner, agreement, \
                      environment, is_acknowledgment, processing, delivery, ack, ack_receipt, ack_technical, \
                      ack_functional, ack_application, code, reason, report, byte_offset, byte_length, \
                      entity_payload_id, created_at, changed_at FROM document WHERE 1 = 1";

/// Writes the row, its entity and its sources, and tells the chain of the transmission.
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    transmission_id: &str,
    new: NewDocument,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    if let Some(content) = &new.entity {
        payload::insert(tx, content, "application/json", now).await?;
    }
    sqlx::query(
        "INSERT INTO document (document_id, transmission_id, interchange_id, direction, number, standard, version, type,
         control_number, group_control_number, business_number, sender, receiver, partner, agreement, environment,
         is_acknowledgment, processing, code, reason, report, byte_offset, byte_length, entity_payload_id, created_at,
         changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
         $21, $22, $23, $24, $25, $25)",
    )
    .bind(&new.document_id)
    .bind(transmission_id)
    .bind(new.interchange_id)
    .bind(new.direction)
    .bind(i64::from(new.number))
    .bind(new.standard)
    .bind(storable(&new.version))
    .bind(storable(&new.kind))
    .bind(storable(&new.control_number))
    .bind(new.group_control_number.as_deref().map(storable))
    .bind(new.business_number.as_deref().map(storable))
    .bind(storable(&new.sender))
    .bind(storable(&new.receiver))
    .bind(new.partner)
    .bind(new.agreement)
    .bind(new.environment)
    .bind(i64::from(new.is_acknowledgment))
    .bind(new.processing)
    .bind(&new.code)
    .bind(&new.reason)
    .bind(new.report.to_string())
    .bind(i64::try_from(new.offset).unwrap_or(i64::MAX))
    .bind(i64::try_from(new.length).unwrap_or(i64::MAX))
    .bind(new.entity.as_ref().map(Content::payload_id))
    .bind(Micros::from(now))
    .execute(&mut *tx.connection)
    .await?;
    for source in &new.made_from {
        let id = tx.id("src", now);
        sqlx::query("INSERT INTO document_source (document_source_id, document_id, source_id) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(&new.document_id)
            .bind(source)
            .execute(&mut *tx.connection)
            .await?;
    }
    let event = NewEvent {
        transmission_id,
        document_id: Some(&new.document_id),
        kind: "translated",
        to_state: new.processing.map(Processing::as_str),
        actor: Some(actor),
        cause: new.reason.as_deref().or(new.code.as_deref()),
        ..NewEvent::default()
    };
    event::append(tx, event, now).await
}

/// A document that was routed turns out to be one that cannot leave.
pub(crate) async fn fail(
    tx: &mut Tx<'_>,
    document_id: &str,
    (code, reason): (&str, &str),
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let failed = Processing::Failed.as_str();
    let transmission_id: String = sqlx::query_scalar(
        "UPDATE document SET processing = $2, code = $3, reason = $4, changed_at = $5 WHERE document_id = $1
         RETURNING transmission_id",
    )
    .bind(document_id)
    .bind(failed)
    .bind(code)
    .bind(reason)
    .bind(Micros::from(now))
    .fetch_one(&mut *tx.connection)
    .await?;
    let event = NewEvent {
        transmission_id: &transmission_id,
        document_id: Some(document_id),
        kind: "refused",
        from_state: Some(Processing::Routed.as_str()),
        to_state: Some(failed),
        actor: Some(actor),
        cause: Some(reason),
        ..NewEvent::default()
    };
    event::append(tx, event, now).await?;
    delta::forget_document(tx, document_id).await
}

/// Recomputes the delivery status of a transmission's documents and of what they were made from: the worst of the
/// deliveries that no resubmission has taken the place of.
pub(crate) async fn refresh_delivery(tx: &mut Tx<'_>, transmission_id: &str, now: Timestamp) -> Result<()> {
    const OWN: &str = "UPDATE document SET changed_at = $2, delivery = (
        SELECT d.state FROM delivery d WHERE d.transmission_id = $1 AND NOT EXISTS
        (SELECT 1 FROM delivery r WHERE r.resubmit_of = d.delivery_id) ORDER BY d.severity DESC LIMIT 1)
        WHERE transmission_id = $1";
    const SOURCES: &str = "UPDATE document SET changed_at = $2, delivery = (
        SELECT d.state FROM document_source s JOIN document o ON o.document_id = s.document_id
        JOIN delivery d ON d.transmission_id = o.transmission_id
        WHERE s.source_id = document.document_id AND NOT EXISTS
        (SELECT 1 FROM delivery r WHERE r.resubmit_of = d.delivery_id) ORDER BY d.severity DESC LIMIT 1)
        WHERE document_id IN (SELECT s.source_id FROM document_source s
        JOIN document o ON o.document_id = s.document_id WHERE o.transmission_id = $1)";
    for query in [OWN, SOURCES] {
        sqlx::query(query).bind(transmission_id).bind(Micros::from(now)).execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Recomputes the acknowledgment statuses of an outgoing document and of what it was made from.
pub(crate) async fn refresh_ack(tx: &mut Tx<'_>, document_id: &str, now: Timestamp) -> Result<()> {
    let sources: Vec<String> = sqlx::query_scalar("SELECT source_id FROM document_source WHERE document_id = $1")
        .bind(document_id)
        .fetch_all(&mut *tx.connection)
        .await?;
    for id in sources.iter().map(String::as_str).chain([document_id]) {
        let levels = ack::levels(tx, id).await?;
        let worst = ack::worst(levels.iter().map(String::as_str));
        let [receipt, technical, functional, application] = levels;
        sqlx::query(
            "UPDATE document SET ack = $2, ack_receipt = $3, ack_technical = $4, ack_functional = $5,
             ack_application = $6, changed_at = $7 WHERE document_id = $1",
        )
        .bind(id)
        .bind(worst)
        .bind(receipt)
        .bind(technical)
        .bind(functional)
        .bind(application)
        .bind(Micros::from(now))
        .execute(&mut *tx.connection)
        .await?;
    }
    Ok(())
}

impl Store {
    /// One document.
    ///
    /// # Errors
    /// There is none, or the database failed.
    pub async fn document(&self, document_id: &str) -> Result<Document> {
        let found = Select::new(SELECT).text("document_id =", Some(document_id)).first(self.reader()).await?;
        found.ok_or_else(|| StoreError::NotFound { what: "document", id: document_id.to_owned() })
    }

    /// What became of a document of an interchange that was judged already; answers among them are not judged.
    ///
    /// # Errors
    /// The database failed.
    pub async fn processing_in(&self, interchange_id: &str) -> Result<Option<String>> {
        let query = "SELECT processing FROM document
             WHERE interchange_id = $1 AND direction = 'in' AND processing IS NOT NULL LIMIT 1";
        Ok(sqlx::query_scalar(query).bind(interchange_id).fetch_optional(self.reader()).await?)
    }

    /// Documents, newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn documents(&self, filter: &DocumentFilter, page: &Page) -> Result<Vec<Document>> {
        Select::new(SELECT)
            .text("direction =", filter.direction.map(Direction::as_str))
            .text("partner =", filter.partner.as_deref())
            .text("type =", filter.kind.as_deref())
            .text("business_number =", filter.business_number.as_deref())
            .text("processing =", filter.processing.map(Processing::as_str))
            .text("delivery =", filter.delivery.as_deref())
            .text("ack =", filter.ack.as_deref())
            .text("transmission_id =", filter.transmission_id.as_deref())
            .page("document_id", page)
            .all(self.reader())
            .await
    }

    /// Payloads of the entities that came in from a partner under a business number, newest first, and went on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn entities_numbered(&self, number: &str, partner: &str, environment: &str) -> Result<Vec<String>> {
        let found: Vec<Document> = Select::new(SELECT)
            .text("direction =", Some(Direction::In.as_str()))
            .text("business_number =", Some(number))
            .text("partner =", Some(partner))
            .text("environment =", Some(environment))
            .text("processing =", Some(Processing::Routed.as_str()))
            .page("document_id", &Page { after: None, limit: NUMBERED_MAX })
            .all(self.reader())
            .await?;
        Ok(found.into_iter().filter_map(|document| document.entity_payload_id).collect())
    }

    /// Payloads of the entities that came in from a partner and of which documents of a business number were made, newest
    /// first: a document that is cut into several has other numbers in its parts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn entities_of_part(&self, number: &str, partner: &str, environment: &str) -> Result<Vec<String>> {
        let found = sqlx::query_scalar(
            "SELECT source.entity_payload_id FROM document AS part
             JOIN document_source AS made ON made.document_id = part.document_id
             JOIN document AS source ON source.document_id = made.source_id
             WHERE part.direction = 'out' AND part.business_number = $1 AND part.environment = $2
             AND source.partner = $3 AND source.processing = 'routed' AND source.entity_payload_id IS NOT NULL
             AND (SELECT COUNT(*) FROM document_source AS fellow WHERE fellow.source_id = made.source_id) > 1
             ORDER BY part.created_at DESC, part.document_id DESC LIMIT $4",
        )
        .bind(storable(number))
        .bind(environment)
        .bind(partner)
        .bind(i64::from(NUMBERED_MAX))
        .fetch_all(self.reader())
        .await?;
        Ok(found)
    }

    /// The documents made from one, and those it was made from, as (made_from, made_into).
    ///
    /// # Errors
    /// The database failed.
    pub async fn document_family(&self, document_id: &str) -> Result<(Vec<String>, Vec<String>)> {
        let from = sqlx::query_scalar("SELECT source_id FROM document_source WHERE document_id = $1")
            .bind(document_id)
            .fetch_all(self.reader())
            .await?;
        let into = sqlx::query_scalar("SELECT document_id FROM document_source WHERE source_id = $1")
            .bind(document_id)
            .fetch_all(self.reader())
            .await?;
        Ok((from, into))
    }
}
