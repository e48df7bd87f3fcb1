//! Messages of AS2 that go out: sealed once, since what is encrypted anew is other bytes, and a receiver knows a repeat by
//! them; and the receipts that came for them. What stands in them is not looked at here.

use super::delivery::{self, Change, Delivery, DeliveryState, NewDelivery, Turn, doubtful};
use super::error::Result;
use super::job::{self, Job, JobKind};
use super::payload::Files;
use super::rows::{Cell, Rows};
use super::transmission::{self, NewTransmission, TransmissionState};
use super::value::{Actor, Micros, storable};
use super::writer::Tx;
use super::{Content, Store, ack, payload};
use crate::clock::Timestamp;

/// A message as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SealedMessage {
    /// Where its bytes are.
    pub payload_id: String,
    /// Header lines in order, names and values, as JSON.
    pub headers: String,
    /// The digest that its receipt has to name: `sha-256`.
    pub digest: String,
    /// What that is.
    pub mic: Vec<u8>,
    /// What that may be instead, where the partner digests something else.
    pub also_mic: Option<Vec<u8>>,
    /// Where it is encrypted: the message as it stands under that.
    pub clear_payload_id: Option<String>,
    /// Where in that its payload belongs, where it was left out.
    pub payload_at: Option<i64>,
    /// What it was made of: the transmission's payload, or that with attachments.
    pub of_payload_id: String,
    /// Where attachments were passed on in it: the document with them, as one body.
    pub joined_payload_id: Option<String>,
    /// `Content-Type` of that.
    pub joined_type: Option<String>,
    /// SHA-256 of the certificate that signed it, in hexadecimal.
    pub signed_by: Option<String>,
    /// Whom it is from, in the names of AS2; none of a message that was sealed before they were kept.
    pub as2_from: Option<String>,
    /// Whom it is to.
    pub as2_to: Option<String>,
    /// When it was sealed.
    pub created_at: Micros,
}

/// A message about to be kept.
#[derive(Debug)]
pub struct NewMessage {
    /// Its bytes.
    pub content: Content,
    /// Where it is encrypted: the message as it stands under that.
    pub clear: Option<Stripped>,
    /// Where attachments are passed on in it: the document with them as one body, and its `Content-Type`.
    pub joined: Option<(Content, String)>,
    /// As [`SealedMessage::headers`].
    pub headers: String,
    /// As [`SealedMessage::digest`].
    pub digest: String,
    /// As [`SealedMessage::mic`].
    pub mic: Vec<u8>,
    /// As [`SealedMessage::also_mic`].
    pub also_mic: Option<Vec<u8>>,
    /// As [`SealedMessage::signed_by`].
    pub signed_by: Option<String>,
    /// Whom it is from and to, in the names of AS2.
    pub pair: (String, String),
}

/// A message as it stands under its encryption, to be kept.
#[derive(Debug)]
pub struct Stripped {
    /// Its bytes, without the payload where that is left out.
    pub content: Content,
    /// What it was made of.
    pub of: String,
    /// Where the payload belongs that is left out.
    pub payload_at: Option<u64>,
}

/// What is kept by the commit that takes a message in.
#[derive(Debug, Default)]
pub struct Beside {
    /// The receipt that leaves on its own.
    pub receipt: Option<Leaving>,
    /// The message as it stood under its encryption.
    pub clear: Option<Content>,
    /// Where in that its payload belongs, where it was left out.
    pub payload_at: Option<u64>,
}

/// `Content-Type` of a message with its header lines.
const WITH_HEADER_LINES: &str = "message/rfc822";

impl Store {
    /// The message of a delivery, if it was sealed already.
    ///
    /// # Errors
    /// The database failed.
    pub async fn as2_message(&self, delivery_id: &str) -> Result<Option<SealedMessage>> {
        let query = "SELECT sealed.payload_id, sealed.headers, sealed.digest, sealed.mic, sealed.also_mic,
                     sealed.clear_payload_id, sealed.payload_at, sealed.joined_payload_id, sealed.joined_type,
                     COALESCE(sealed.joined_payload_id, transmission.payload_id) AS of_payload_id, sealed.signed_by,
                     sealed.as2_from, sealed.as2_to, sealed.created_at
                     FROM as2_message AS sealed JOIN delivery ON delivery.delivery_id = sealed.delivery_id
                     JOIN transmission ON transmission.transmission_id = delivery.transmission_id
                     WHERE sealed.delivery_id = $1";
        Ok(sqlx::query_as(query).bind(delivery_id).fetch_optional(self.reader()).await?)
    }

    /// The receipt that came for a delivery, header lines and body.
    ///
    /// # Errors
    /// The database failed.
    pub async fn as2_receipt(&self, delivery_id: &str) -> Result<Option<Vec<u8>>> {
        let query = "SELECT receipt FROM as2_message WHERE delivery_id = $1 AND receipt IS NOT NULL";
        Ok(sqlx::query_scalar(query).bind(delivery_id).fetch_optional(self.reader()).await?)
    }

    /// The message of a transmission that came in as it stood under its encryption, with its header lines: its payload, and
    /// where in that the payload of the transmission belongs, where it was left out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn as2_clear(&self, transmission_id: &str) -> Result<Option<(String, Option<u64>)>> {
        let query = "SELECT clear_payload_id, payload_at FROM as2_received WHERE transmission_id = $1";
        let found: Option<(String, Option<i64>)> =
            sqlx::query_as(query).bind(transmission_id).fetch_optional(self.reader()).await?;
        Ok(found.map(|(id, at)| (id, at.and_then(|at| u64::try_from(at).ok()))))
    }

    /// Keeps a message before it is sent for the first time.
    ///
    /// # Errors
    /// The lease was lost, or the database failed; then nothing was kept.
    pub async fn keep_as2_message(&self, job: &Job, new: NewMessage, now: Timestamp) -> Result<SealedMessage> {
        let NewMessage { content, clear, joined, headers, digest, mic, also_mic, signed_by, pair } = new;
        let payload_id = content.payload_id().to_owned();
        let (clear, of, payload_at) = match clear {
            Some(Stripped { content, of, payload_at }) => (Some(content), of, payload_at),
            None => (None, String::new(), None),
        };
        let message = SealedMessage {
            clear_payload_id: clear.as_ref().map(|clear| clear.payload_id().to_owned()),
            payload_at: payload_at.and_then(|at| i64::try_from(at).ok()),
            of_payload_id: of,
            joined_payload_id: joined.as_ref().map(|(content, _)| content.payload_id().to_owned()),
            joined_type: joined.as_ref().map(|(_, content_type)| content_type.clone()),
            as2_from: Some(pair.0),
            as2_to: Some(pair.1),
            created_at: now.into(),
            payload_id,
            headers,
            digest,
            mic,
            also_mic,
            signed_by,
        };
        let (job, kept) = (job.clone(), message.clone());
        let files = Files::of([&content].into_iter().chain(&clear).chain(joined.as_ref().map(|(content, _)| content)));
        let done = self
            .write("as2_message", move |mut tx| {
                Box::pin(async move {
                    job::check_lease(&mut tx, &job).await?;
                    payload::insert(&mut tx, &content, "application/pkcs7-mime", now).await?;
                    if let Some(clear) = &clear {
                        payload::insert(&mut tx, clear, WITH_HEADER_LINES, now).await?;
                    }
                    if let Some((joined, content_type)) = &joined {
                        payload::insert(&mut tx, joined, content_type, now).await?;
                    }
                    sqlx::query(
                        "INSERT INTO as2_message (delivery_id, payload_id, headers, digest, mic, also_mic, clear_payload_id,
                         signed_by, as2_from, as2_to, created_at, joined_payload_id, joined_type, payload_at)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                    )
                    .bind(&job.subject)
                    .bind(&message.payload_id)
                    .bind(&message.headers)
                    .bind(&message.digest)
                    .bind(&message.mic)
                    .bind(&message.also_mic)
                    .bind(&message.clear_payload_id)
                    .bind(&message.signed_by)
                    .bind(&message.as2_from)
                    .bind(&message.as2_to)
                    .bind(message.created_at)
                    .bind(&message.joined_payload_id)
                    .bind(&message.joined_type)
                    .bind(message.payload_at)
                    .execute(&mut *tx.connection)
                    .await?;
                    Ok(())
                })
            })
            .await;
        match done {
            Ok(()) => Ok(kept),
            Err(error) => {
                if !matches!(error, super::StoreError::Unknown(_)) {
                    files.remove();
                }
                Err(error)
            }
        }
    }
}

/// What belongs to a message that came in, in the commit that takes it in: the transmission, by whom and when.
pub(crate) type Besides<'b> = (&'b str, &'b Beside, &'b Actor, Timestamp);

/// Keeps what belongs to messages that came in, in the commit that takes them in.
pub(crate) async fn keep_beside(tx: &mut Tx<'_>, all: &[Besides<'_>]) -> Result<()> {
    let mut kept = Vec::new();
    for (id, beside, _, now) in all {
        kept.extend(beside.clear.as_ref().map(|clear| (*id, clear, beside.payload_at, *now)));
    }
    if !kept.is_empty() {
        let contents: Vec<_> = kept.iter().map(|(_, clear, _, now)| (*clear, WITH_HEADER_LINES, *now)).collect();
        payload::insert_all(tx, &contents).await?;
        let mut rows =
            Rows::new("INSERT INTO as2_received (transmission_id, clear_payload_id, payload_at, created_at)");
        for (id, clear, payload_at, now) in kept {
            let payload_at = payload_at.and_then(|at| i64::try_from(at).ok());
            rows.push([
                Cell::Text(id),
                Cell::Text(clear.payload_id()),
                Cell::NumberOrNull(payload_at),
                Micros::from(now).into(),
            ]);
        }
        rows.insert(tx).await?;
    }
    for (_, beside, actor, now) in all {
        if let Some(receipt) = &beside.receipt {
            leave(tx, receipt, actor, *now).await?;
        }
    }
    Ok(())
}

/// What a receipt that came later says of its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was received as it was sent.
    Proved,
    /// It was not: why.
    Refused(String),
}

/// Whether a receipt that came later was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// The delivery ended by it.
    Ended,
    /// The attempt is still under way, and will end by it.
    Early,
    /// It says what was known already.
    Again,
    /// The delivery had ended otherwise, or another goes in its place: its state.
    Late(DeliveryState),
}

/// A receipt on its way: what it is, and how it goes.
pub type Leaving = (NewTransmission, NewDelivery);

/// The code of a delivery whose receipt refuses it, or proves nothing.
pub const RECEIPT_REFUSED: &str = "RECEIPT-REFUSED";
/// The code of a delivery that was answered with no receipt that counts: it may have arrived.
pub const RECEIPT_MISSING: &str = "RECEIPT-MISSING";
/// The code of a delivery whose receipt was waited for in vain.
pub const RECEIPT_OVERDUE: &str = "RECEIPT-OVERDUE";

const PROVED: i64 = 1;
const REFUSED: i64 = 2;

impl Store {
    /// Takes a receipt that came on its own, and was read and found to be the partner's.
    ///
    /// # Errors
    /// There is no such delivery, or the database failed.
    pub async fn receipt_came(
        &self,
        delivery_id: &str,
        verdict: Verdict,
        receipt: Vec<u8>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Matched> {
        let (delivery_id, actor) = (delivery_id.to_owned(), actor.clone());
        let done = self.write("as2_receipt", move |mut tx| {
            Box::pin(async move {
                let found = delivery::find(&mut tx, &delivery_id).await?;
                let state: DeliveryState = found.state.parse().unwrap_or(DeliveryState::Delivered);
                let has_ended = match (state, found.code.as_deref()) {
                    (DeliveryState::Delivered | DeliveryState::Cancelled, _) => true,
                    (DeliveryState::Parked, Some(RECEIPT_REFUSED)) => true,
                    // What was sent may have arrived, however it was given up.
                    _ => found.attempts == 0 || delivery::resubmitted_as(&mut tx, &delivery_id).await?.is_some(),
                };
                if has_ended {
                    let is_proved = verdict == Verdict::Proved;
                    let is_known = match state {
                        DeliveryState::Delivered => is_proved,
                        DeliveryState::Parked => !is_proved && found.code.as_deref() == Some(RECEIPT_REFUSED),
                        _ => false,
                    };
                    return Ok((if is_known { Matched::Again } else { Matched::Late(state) }, None));
                }
                let is_sending = state == DeliveryState::Sending;
                receipted(&mut tx, &delivery_id, &receipt).await?;
                let said = if verdict == Verdict::Proved { PROVED } else { REFUSED };
                let query = "UPDATE as2_message SET verdict = $2 WHERE delivery_id = $1";
                sqlx::query(query).bind(&delivery_id).bind(said).execute(&mut *tx.connection).await?;
                if is_sending {
                    return Ok((Matched::Early, None));
                }
                let refusal = match &verdict {
                    Verdict::Proved => None,
                    Verdict::Refused(reason) => Some(reason.as_str()),
                };
                end_by(&mut tx, &found, refusal, &actor, now).await?;
                let sent = match verdict {
                    Verdict::Proved => drop_sent(&mut tx, &delivery_id, now).await?,
                    Verdict::Refused(_) => None,
                };
                Ok((Matched::Ended, sent))
            })
        });
        let (matched, sent) = done.await?;
        self.remove_purged(sent.as_slice());
        Ok(matched)
    }

    /// Lets a receipt leave on its own.
    ///
    /// # Errors
    /// The database failed; then nothing leaves.
    pub async fn receipt_leaves(&self, leaving: Leaving, actor: &Actor, now: Timestamp) -> Result<()> {
        let actor = actor.clone();
        self.write("as2_receipt", move |mut tx| Box::pin(async move { leave(&mut tx, &leaving, &actor, now).await }))
            .await
    }

    /// Lets the receipt that is a transmission leave once more, unless it is still on its way: its message came again.
    ///
    /// # Errors
    /// The database failed.
    pub async fn receipt_leaves_again(&self, transmission_id: &str, actor: &Actor, now: Timestamp) -> Result<()> {
        let (transmission_id, actor) = (transmission_id.to_owned(), actor.clone());
        self.write("as2_receipt", move |mut tx| {
            Box::pin(async move {
                let Some(last) = delivery::last_of(&mut tx, &transmission_id).await? else { return Ok(()) };
                if !["delivered", "parked", "cancelled"].contains(&last.state.as_str()) {
                    return Ok(());
                }
                // Its own Message-ID is in its bytes, so that this key is ours only.
                let delivery_id = tx.id("del", now);
                let new = NewDelivery {
                    key: delivery_id.clone(),
                    delivery_id,
                    channel: last.channel,
                    partner: last.partner,
                    agreement: last.agreement,
                    on_uncertain: last.on_uncertain,
                    turn: Turn::default(),
                };
                delivery::insert(&mut tx, &transmission_id, &new, None, &actor, now).await
            })
        })
        .await
    }
}

/// Ends a delivery by its receipt, which proves that the message arrived, or says why it counts as refused.
pub(crate) async fn end_by(
    tx: &mut Tx<'_>,
    found: &Delivery,
    refusal: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let to = if refusal.is_none() { DeliveryState::Delivered } else { DeliveryState::Parked };
    let reason = refusal.map(storable);
    let change = Change { code: refusal.map(|_| RECEIPT_REFUSED), reason: reason.as_deref(), ..Change::default() };
    let state: DeliveryState = found.state.parse().unwrap_or(DeliveryState::Delivered);
    delivery::change_found(tx, found, &[state], to, change, actor, now).await?;
    if to == DeliveryState::Delivered {
        ack::received(tx, &found.transmission_id, now).await?;
    }
    job::drop_for(tx, JobKind::Deliver, &found.delivery_id).await
}

/// What stands between a key that another delivery has taken over and the delivery that had it.
pub const KEY_END: char = '/';

/// Whether the message of a delivery that was given up goes once more as it was, under its Message-ID: it may have arrived, and who
/// has it knows it by that. What was refused is sealed anew.
pub(crate) async fn goes_again(tx: &mut Tx<'_>, old: &Delivery) -> Result<bool> {
    if old.code.as_deref() == Some(RECEIPT_REFUSED) {
        return Ok(false);
    }
    let query = concat!(
        "SELECT 1 FROM delivery JOIN as2_message ON as2_message.delivery_id = delivery.delivery_id
         JOIN payload ON payload.payload_id = as2_message.payload_id
         WHERE delivery.delivery_id = $1 AND payload.purged_at IS NULL AND ",
        doubtful!()
    );
    let found: Option<i32> =
        sqlx::query_scalar(query).bind(&old.delivery_id).fetch_optional(&mut *tx.connection).await?;
    Ok(found.is_some())
}

/// Takes the key from a delivery, for the one that goes in its place.
pub(crate) async fn give_key(tx: &mut Tx<'_>, old: &Delivery) -> Result<String> {
    let left = format!("{}{KEY_END}{}", old.key, old.delivery_id);
    let query = "UPDATE delivery SET key = $2 WHERE delivery_id = $1";
    sqlx::query(query).bind(&old.delivery_id).bind(left).execute(&mut *tx.connection).await?;
    Ok(old.key.clone())
}

/// Has a delivery send the message of another.
pub(crate) async fn take_over(tx: &mut Tx<'_>, old_id: &str, new_id: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO as2_message (delivery_id, payload_id, headers, digest, mic, also_mic, clear_payload_id, signed_by,
         as2_from, as2_to, created_at, joined_payload_id, joined_type, payload_at)
         SELECT $2, payload_id, headers, digest, mic, also_mic, clear_payload_id, signed_by,
         as2_from, as2_to, created_at, joined_payload_id, joined_type, payload_at
         FROM as2_message WHERE delivery_id = $1",
    )
    .bind(old_id)
    .bind(new_id)
    .execute(&mut *tx.connection)
    .await?;
    Ok(())
}

/// Writes a receipt that leaves.
pub(crate) async fn leave(tx: &mut Tx<'_>, (new, how): &Leaving, actor: &Actor, now: Timestamp) -> Result<()> {
    transmission::insert(tx, (new, actor, now), TransmissionState::Split).await?;
    delivery::insert(tx, &new.transmission_id, how, None, actor, now).await
}

/// Why a delivery is parked whose receipt was quicker than the end of its attempt.
pub(crate) const EARLY_REFUSAL: &str =
    "the receipt, which came before the answer, refuses the message or proves nothing";

/// What a receipt says that came before the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Early {
    Proved,
    Refused,
}

/// The receipt of an attempt under way, if it came already.
pub(crate) async fn came_early(tx: &mut Tx<'_>, delivery_id: &str) -> Result<Option<Early>> {
    let query = "SELECT verdict FROM as2_message WHERE delivery_id = $1";
    let verdict: Option<i64> = sqlx::query_scalar(query).bind(delivery_id).fetch_optional(&mut *tx.connection).await?;
    Ok(match verdict {
        Some(PROVED) => Some(Early::Proved),
        Some(REFUSED) => Some(Early::Refused),
        _ => None,
    })
}

/// Removes what was sent of a message that was encrypted and whose receipt proves it, in the commit that ends its delivery: it is
/// never sent again, and what proves it is kept beside. The payload whose file is to be removed behind that commit.
pub(crate) async fn drop_sent(tx: &mut Tx<'_>, delivery_id: &str, now: Timestamp) -> Result<Option<String>> {
    let query = "SELECT payload_id FROM as2_message WHERE delivery_id = $1 AND clear_payload_id IS NOT NULL";
    let sent: Option<String> = sqlx::query_scalar(query).bind(delivery_id).fetch_optional(&mut *tx.connection).await?;
    if let Some(payload_id) = &sent {
        payload::purge(tx, payload_id, now).await?;
    }
    Ok(sent)
}

/// Keeps the receipt of a delivery, in the commit that ends its attempt.
pub(crate) async fn receipted(tx: &mut Tx<'_>, delivery_id: &str, receipt: &[u8]) -> Result<()> {
    let query = "UPDATE as2_message SET receipt = $2 WHERE delivery_id = $1";
    sqlx::query(query).bind(delivery_id).bind(receipt).execute(&mut *tx.connection).await?;
    Ok(())
}
