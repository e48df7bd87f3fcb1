//! What is not kept for ever: messages of AS2 whose time is over lose their bytes, and keep their rows, their history, their
//! claims and their receipts, so that a repeat gets the receipt of the first all the same. Nothing is taken that is still under
//! way, waits for a person, or lies in a mailbox. When their time is over is the pipeline's to say.

use super::Store;
use super::error::Result;
use super::event::{self, NewEvent};
use super::payload;
use super::value::{Cursor, Micros};
use super::writer::Tx;
use crate::clock::Timestamp;

/// The kind of the event that says that bytes are gone.
pub const PURGED: &str = "purged";
/// Transmissions that are looked at by one question.
pub const LOOKED_AT_MAX: i64 = 256;

/// What a look found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Transmissions whose bytes may go.
    pub ripe: Vec<String>,
    /// The last that was looked at; none: all were that are so old.
    pub last: Option<Cursor>,
}

/// Whether a `delivery` has not ended, as a condition. One that is parked has only when another was made of it.
macro_rules! open {
    () => {
        "delivery.state NOT IN ('delivered', 'cancelled') AND NOT (delivery.state = 'parked' AND EXISTS (
             SELECT 1 FROM delivery AS again WHERE again.resubmit_of = delivery.delivery_id))"
    };
}

/// Whether a message of AS2 is kept with its bytes, and all that began with it has ended: of `transmission`, as a condition.
macro_rules! ripe {
    () => {
        concat!("((transmission.direction = 'in' AND transmission.headers LIKE '{\"as2\":%')
          OR EXISTS (SELECT 1 FROM delivery JOIN as2_message ON as2_message.delivery_id = delivery.delivery_id
                     WHERE delivery.transmission_id = transmission.transmission_id))
         AND EXISTS (SELECT 1 FROM payload WHERE payload.payload_id = transmission.payload_id AND payload.purged_at IS NULL)
         AND transmission.state IN ('split', 'duplicate', 'rejected')
         AND NOT EXISTS (SELECT 1 FROM job WHERE job.kind = 'translate'
                         AND job.subject = transmission.transmission_id)
         AND NOT EXISTS (SELECT 1 FROM document WHERE document.transmission_id = transmission.transmission_id
                         AND ((document.direction = 'in'
                               AND (document.processing IS NULL OR document.processing IN ('failed', 'held')))
                              OR document.ack = 'waiting'))
         AND NOT EXISTS (SELECT 1 FROM document JOIN gathered ON gathered.document_id = document.document_id
                         WHERE document.transmission_id = transmission.transmission_id)
         AND NOT EXISTS (SELECT 1 FROM mailbox_file WHERE mailbox_file.hidden_at IS NULL
                         AND mailbox_file.payload_id = transmission.payload_id)
         AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.transmission_id = transmission.transmission_id AND ",
        open!(),
        ")
         AND NOT EXISTS (SELECT 1 FROM document AS source
                         JOIN document_source ON document_source.source_id = source.document_id
                         JOIN document AS made ON made.document_id = document_source.document_id
                         JOIN delivery ON delivery.transmission_id = made.transmission_id
                         WHERE source.transmission_id = transmission.transmission_id AND ",
        open!(),
        ")"
    )
    };
}

impl Store {
    /// Messages of AS2 from before a time whose bytes may go, the oldest first, behind the one that was looked at last.
    ///
    /// # Errors
    /// The database failed.
    pub async fn as2_past(&self, before: Timestamp, behind: Option<&Cursor>) -> Result<Past> {
        let query = concat!(
            "SELECT transmission.created_at, transmission.transmission_id, CASE WHEN ",
            ripe!(),
            " THEN 1 ELSE 0 END FROM transmission
             WHERE (transmission.created_at, transmission.transmission_id) > ($1, $2) AND transmission.created_at < $3
             ORDER BY transmission.created_at, transmission.transmission_id LIMIT $4"
        );
        let (at, id) = behind.map_or((i64::MIN, ""), |cursor| (cursor.created_at.0, cursor.id.as_str()));
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(query)
            .bind(at)
            .bind(id)
            .bind(Micros::from(before))
            .bind(LOOKED_AT_MAX)
            .fetch_all(self.reader())
            .await?;
        let is_full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= LOOKED_AT_MAX;
        let last =
            rows.last().filter(|_| is_full).map(|(at, id, _)| Cursor { created_at: Micros(*at), id: id.clone() });
        let ripe = rows.into_iter().filter(|(_, _, is_ripe)| *is_ripe == 1).map(|(_, id, _)| id).collect();
        Ok(Past { ripe, last })
    }

    /// Removes the bytes of a message of AS2, in a commit of its own, with an event in its history; false where that is not
    /// ripe any more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn purge_as2(&self, transmission_id: &str, now: Timestamp) -> Result<bool> {
        let id = transmission_id.to_owned();
        let purged = self.write("purge", move |mut tx| Box::pin(async move { purge(&mut tx, &id, now).await })).await?;
        self.remove_purged(&purged);
        Ok(!purged.is_empty())
    }
}

/// The payloads whose bytes are gone with this.
async fn purge(tx: &mut Tx<'_>, transmission_id: &str, now: Timestamp) -> Result<Vec<String>> {
    let query = concat!("SELECT payload_id FROM transmission WHERE transmission_id = $1 AND ", ripe!());
    let own: Option<String> =
        sqlx::query_scalar(query).bind(transmission_id).fetch_optional(&mut *tx.connection).await?;
    let Some(own) = own else { return Ok(Vec::new()) };
    let mut payloads = vec![own];
    let query = "SELECT clear_payload_id FROM as2_received WHERE transmission_id = $1";
    let clear: Option<String> =
        sqlx::query_scalar(query).bind(transmission_id).fetch_optional(&mut *tx.connection).await?;
    payloads.extend(clear);
    let query = "SELECT as2_message.payload_id, as2_message.clear_payload_id, as2_message.joined_payload_id
                 FROM as2_message JOIN delivery ON delivery.delivery_id = as2_message.delivery_id
                 WHERE delivery.transmission_id = $1";
    let sent: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as(query).bind(transmission_id).fetch_all(&mut *tx.connection).await?;
    for (wire, clear, joined) in sent {
        payloads.extend([Some(wire), clear, joined].into_iter().flatten());
    }
    for payload_id in &payloads {
        payload::purge(tx, payload_id, now).await?;
    }
    let cause = Some("the time for which messages of AS2 are kept is over");
    let event = NewEvent { transmission_id, kind: PURGED, cause, ..NewEvent::default() };
    event::append(tx, event, now).await?;
    Ok(payloads)
}
