//! One attempt of a delivery: `sending` on disk, the post, and what came of it on disk.

use super::acknowledge::state;
use super::as2::offered::offered;
use super::as2::send as as2;
use super::drop;
use super::live::{self, Place};
use super::mailbox;
use super::measure;
use super::output::CXML;
use super::pace::{self, Reached};
use super::places::place_of;
use super::reach::{Outbound, outbound};
use super::state::Service;
use super::stored;
use super::telemetry;
use crate::clock::Timestamp;
use crate::codec::cxml::{self, Status};
use crate::partner::calendar::due;
use crate::partner::{Calendar, Channel, Directory, Way};
use crate::store::ack;
use crate::store::as2::RECEIPT_OVERDUE;
use crate::store::call::{ANSWERS_MAX, NewAnswer};
use crate::store::commit::deliver::{AttemptEnd, AttemptFacts};
use crate::store::delivery::{Delivery, DeliveryState};
use crate::store::job::Job;
use crate::store::offered::Signed;
use crate::store::transmission::{NewTransmission, Transmission};
use crate::store::{Direction, Result, StoreError};
use crate::transport::http::auth::oauth2::NoToken;
use crate::transport::http::body::Body;
use crate::transport::http::send::{ANSWER_BYTES_MAX, Asked, Outcome, Post, Said};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

/// The first Status of cXML that means: not now.
const TRANSIENT: u16 = 500;
/// The status with which a proxy does not let us through.
const PROXY_REFUSES: u16 = 407;
/// Characters of an answer that are kept.
const ANSWER_SHOWN_MAX: usize = 300;

/// Runs a deliver job once, in a place that was given to it.
///
/// # Errors
/// The lease was lost, or the ledger failed; the job is then run again, under the same key.
pub async fn deliver(service: &Service, job: &Job, place: &mut pace::Place) -> Result<Reached> {
    let reached = match attempt(service, job, place).await {
        // Since it was leased something that was received before came into its lane, which lets this one go when its turn comes.
        Err(error @ StoreError::NotItsTurn { .. }) => {
            tracing::debug!(delivery.id = job.subject, reason = %error, "Not sent");
            service.store.give_back(job, service.now()).await.map(|()| Reached::Nothing)
        }
        reached => reached,
    };
    service.calls.ring(&job.subject);
    reached
}

async fn attempt(service: &Service, job: &Job, place: &mut pace::Place) -> Result<Reached> {
    let now = service.now();
    let delivery = service.store.delivery(&job.subject).await?;
    if job.is_poison() {
        let reason = format!("it took its worker down {} times", job.losses);
        service.store.deliver_park(job, "POISON", &reason, now).await?;
        return Ok(Reached::Nothing);
    }
    let directory = service.directory();
    let Some(mut channel) = leaving(&directory, &delivery.channel) else {
        let (code, reason) = gone(&delivery.channel);
        service.store.deliver_park(job, code, &reason, now).await?;
        return Ok(Reached::Nothing);
    };
    let mut name = delivery.channel.as_str();
    if let Some(policy) = channel.answers_calls() {
        match live::place(service, &directory, (&delivery, policy)).await? {
            Place::Call => return live::leave(service, job).await,
            Place::Nowhere => return live::park(service, job).await,
            Place::Late(late, there) => {
                if let Some(pause) = job.paused.over(late, delivery.partner.as_deref(), delivery.agreement.as_deref()) {
                    service.store.set_aside(job, pause, now).await?;
                    return Ok(Reached::Nothing);
                }
                (name, channel) = (late, there);
            }
        }
    }
    if waits_for_window(service, job, name, now).await? {
        return Ok(Reached::Nothing);
    }
    if delivery.state == DeliveryState::AwaitingReceipt.as_str()
        && service.delivery_delay(&delivery, delivery.attempts, None).is_none()
    {
        let reason = "no receipt came in time, and all retries are spent; ask the partner, then resubmit";
        service.store.deliver_park(job, RECEIPT_OVERDUE, reason, now).await?;
        return Ok(Reached::Nothing);
    }
    let transmission = service.store.transmission(&delivery.transmission_id).await?;
    if let Some(mailbox) = &channel.mailbox {
        return mailbox::place::deliver(service, (job, place), &delivery, &transmission, (mailbox, channel)).await;
    }
    if channel.is_place() {
        return drop::deliver(service, (job, place), &delivery, &transmission, channel).await;
    }
    let url = channel.url.clone().unwrap_or_default();
    let sent = match &channel.as2 {
        Some(_) if is_late_receipt(channel) => as2::late_receipt(service, &transmission).await,
        Some(as2) => as2::message(service, job, &delivery, &transmission, as2).await.map(|sent| (url, sent)),
        None => plain(service, &delivery, &transmission, channel).await.map(|sent| (url, sent)),
    };
    let (url, Sent { key, content_type, lines, body, answer }) = match sent {
        Ok(sent) => sent,
        Err(error) => {
            let (code, reason) = unmade(error, channel.as2.is_some())?;
            service.store.deliver_park(job, code, &reason, now).await?;
            return Ok(Reached::Nothing);
        }
    };
    let receipt_to = is_late_receipt(channel).then_some(url.as_str());
    let Outbound { reach, credentials, headers, secrets, once } = match outbound(service, channel, receipt_to).await {
        Ok(outbound) => outbound,
        Err(unready) => {
            let (code, reason) = unready.told()?;
            service.store.deliver_park(job, code, &reason, now).await?;
            return Ok(Reached::Nothing);
        }
    };
    let sending = service.store.deliver_sending(job, &url, now).await?;
    let traced = telemetry::lines(service, &sending).await?;
    let usual = Duration::from_secs(service.config.delivery.attempt_seconds);
    let patience = channel.asks().and_then(|asked| asked.wait_seconds).map_or(usual, Duration::from_secs);
    let post = Post {
        url,
        method: channel.method.as_deref().and_then(|method| method.parse().ok()).unwrap_or(Method::POST),
        key,
        content_type,
        headers: traced.into_iter().chain(headers).chain(lines).collect(),
        secrets,
        body,
        reach,
        credentials,
        once,
        patience,
        asked: match &answer {
            Awaited::Nothing => Asked::Status,
            Awaited::Response | Awaited::Receipt(_) => Asked::Whole,
            Awaited::Later { .. } => Asked::Cut(ANSWER_BYTES_MAX),
            Awaited::Document(most) => Asked::Cut(usize::try_from(*most).unwrap_or(usize::MAX)),
        },
    };
    service.pace.send(&directory, place, service.now());
    let begin = Instant::now();
    let outcome = service.sender.send(post).await;
    let took = begin.elapsed();
    if has_not_left(&outcome) {
        service.pace.unsend(place);
    }
    let (outcome, response) = match &answer {
        Awaited::Nothing => (outcome, None),
        Awaited::Response => heard(outcome),
        Awaited::Document(most) => document(service, &delivery, outcome, *most).await?,
        Awaited::Receipt(wanted) => {
            let (outcome, receipt, stranger) = wanted.heard(service, outcome).await;
            if let Some(stranger) = stranger {
                let by = (delivery.channel.as_str(), delivery.partner.as_deref());
                offered(service, by, &stranger, (Signed::Receipt, &delivery.delivery_id)).await?;
            }
            (outcome, receipt.map(Heard::Receipt))
        }
        Awaited::Later { wanted, .. } => {
            let (outcome, receipt, _) = wanted.heard_at_once(service, outcome).await;
            (outcome, receipt.map(Heard::Receipt))
        }
    };
    let reached = reached(&outcome, service.now());
    let (mut end, mut facts) = end(service, &outcome, &sending);
    if let (Awaited::Later { minutes, calendar, .. }, AttemptEnd::Delivered, None) = (&answer, &end, &response) {
        end = AttemptEnd::Awaiting(due(service.now(), *minutes, calendar.as_ref()));
    }
    if let Some(response) = response {
        response.note(&mut facts);
    }
    attempted(service, &sending, outcome_word(&outcome), took).await;
    let is_answered = facts.answer.is_some();
    service.store.deliver_result(job, end, facts, service.now()).await?;
    if is_answered {
        service.arrived.notify_one();
    }
    Ok(reached)
}

/// Whether nothing of it left for the receiver.
fn has_not_left(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NoToken(_) | Outcome::Permanent { status: None, .. })
}

/// What an outcome tells of the channel.
fn reached(outcome: &Outcome, now: Timestamp) -> Reached {
    match outcome {
        // What was refused was reached.
        Outcome::Delivered { .. } => Reached::Yes,
        // A proxy, which is not the receiver.
        Outcome::Permanent { status: Some(PROXY_REFUSES), .. } => Reached::Untold,
        Outcome::Permanent { status: Some(_), .. } => Reached::Yes,
        // An address that may not be reached, a certificate that is not trusted: it was given up here.
        Outcome::Permanent { status: None, .. } => Reached::Nothing,
        Outcome::NoToken(NoToken { is_lasting: true, .. }) | Outcome::Unreadable { .. } => Reached::Untold,
        // It answers, and says when it wants to be asked again: all that waits for it waits so long.
        Outcome::Transient { retry_after: Some(asked), .. } => Reached::Busy(now + *asked),
        Outcome::Transient { .. } | Outcome::Uncertain { .. } | Outcome::NoToken(_) => Reached::No,
    }
}

/// Why a delivery is parked: a stable word, and the same for people.
type Why = (&'static str, String);

/// The channel of a name, where something leaves over it.
fn leaving<'d>(directory: &'d Directory, name: &str) -> Option<&'d Channel> {
    directory.channel(name).filter(|one| {
        let is_place = one.url.is_some() || one.mailbox.is_some() || one.is_place();
        is_place || is_late_receipt(one) || one.answers_calls().is_some()
    })
}

fn is_late_receipt(channel: &Channel) -> bool {
    channel.way == Way::In && channel.as2.is_some()
}

fn gone(channel: &str) -> Why {
    ("CHANNEL-MISSING", format!("channel {channel} is gone; add it again, then resubmit"))
}

/// What would park every delivery over a channel before anything of it is sent, as far as the channel alone tells. `is_anew`: a
/// message of AS2 is sealed anew. A receipt of AS2 goes where its message said, so that nothing is told of it.
///
/// # Errors
/// The ledger failed.
pub(super) async fn obstacle(service: &Service, name: &str, is_anew: bool) -> Result<Option<Why>> {
    let directory = service.directory();
    let Some(mut channel) = leaving(&directory, name) else { return Ok(Some(gone(name))) };
    if let Some(policy) = channel.answers_calls() {
        match live::late(&directory, policy) {
            Some((_, late)) => channel = late,
            None => return Ok(Some((live::ANSWER_LATE, live::NO_CALL.to_owned()))),
        }
    }
    if channel.mailbox.is_some() || is_late_receipt(channel) {
        return Ok(None);
    }
    if let Some(as2) = channel.as2.as_ref().filter(|_| is_anew)
        && let Err(error) = as2::check_keys(service, as2).await
    {
        return unmade(error, true).map(Some);
    }
    let ready = if channel.is_place() {
        place_of(service, channel).await.map(|_| ())
    } else {
        outbound(service, channel, None).await.map(|_| ())
    };
    match ready {
        Ok(()) => Ok(None),
        Err(unready) => unready.told().map(Some),
    }
}

/// Gives a delivery back until the window of the channel opens that it goes over, if that is closed.
async fn waits_for_window(service: &Service, job: &Job, channel: &str, now: Timestamp) -> Result<bool> {
    let opens = service.directory().opens(channel, now);
    if opens <= now {
        return Ok(false);
    }
    service.store.give_back(job, opens).await?;
    // Who changed the window meanwhile did not see this one.
    if service.directory().opens(channel, now) < opens {
        service.store.windows_changed(now).await?;
    }
    Ok(true)
}

/// Tells what came of an attempt.
pub(super) async fn attempted(service: &Service, sending: &Delivery, outcome: &'static str, took: Duration) {
    let trace_id = telemetry::trace_id(service, &sending.transmission_id).await;
    tracing::info!(
        trace_id,
        delivery.id = sending.delivery_id,
        delivery.channel = sending.channel,
        attempt = sending.attempts,
        outcome,
        "Attempted"
    );
    let channel = measure::channel(&sending.channel);
    metrics::histogram!("portolan_attempt_seconds", "channel" => channel.clone(), "outcome" => outcome).record(took);
    metrics::counter!("portolan_attempts_total", "channel" => channel, "outcome" => outcome).increment(1);
}

/// What is sent, and which answer is awaited.
pub(super) struct Sent {
    /// `Idempotency-Key`, where the protocol has none of its own.
    pub key: Option<String>,
    pub content_type: String,
    pub lines: Vec<(String, String)>,
    pub body: Body,
    pub answer: Awaited,
}

/// What an answer has to hold.
pub(super) enum Awaited {
    /// Its status is enough.
    Nothing,
    /// A Response of cXML.
    Response,
    /// A document of so many bytes at most, or nothing.
    Document(u64),
    /// A receipt of AS2.
    Receipt(Box<as2::Wanted>),
    /// A receipt of AS2 that comes on its own, within so many minutes of the calendar, or of the clock.
    Later { wanted: Box<as2::Wanted>, minutes: u64, calendar: Option<Calendar> },
}

/// Why a delivery waits for somebody whose message cannot be had: a stable word, and the reason with what to do.
///
/// # Errors
/// The error itself, where the message may be had another time: the ledger failed, or the disk is full.
fn unmade(error: StoreError, is_as2: bool) -> Result<Why> {
    match error {
        error if error.is_full() => Err(error),
        // A key or certificate that does not fit stays so until somebody mends it.
        StoreError::Unfit(reason) if is_as2 => Ok(("MESSAGE-UNFIT", reason)),
        error if !error.is_lasting() => Err(error),
        StoreError::NotFound { what: "secret", id } => {
            let reason = format!("secret {id} is not set; set it with `portolan secret set {id}`, then resubmit");
            Ok(("SECRET-MISSING", reason))
        }
        error => Ok(("STORAGE", format!("its bytes cannot be read: {error}"))),
    }
}

/// The bytes as they are.
async fn plain(service: &Service, delivery: &Delivery, transmission: &Transmission, channel: &Channel) -> Result<Sent> {
    let body = stored::body(service, &transmission.payload_id).await?;
    let answer = match channel.asks() {
        _ if is_cxml(service, transmission).await? => Awaited::Response,
        Some(asked) => Awaited::Document(asked.bytes()),
        None => Awaited::Nothing,
    };
    let (key, content_type) = (Some(delivery.key.clone()), transmission.content_type.clone());
    Ok(Sent { key, content_type, lines: Vec::new(), body, answer })
}

/// Whether cXML is sent, whose receiver says in its answer what becomes of the document.
async fn is_cxml(service: &Service, transmission: &Transmission) -> Result<bool> {
    if !transmission.content_type.contains("xml") {
        return Ok(false);
    }
    let interchanges = service.store.interchanges(&transmission.transmission_id).await?;
    Ok(interchanges.iter().any(|one| one.format == CXML))
}

/// What a receiver of cXML answered.
enum Heard {
    /// A Response with this Status.
    Status(Status),
    /// Something else.
    Other(String),
    /// A receipt of AS2.
    Receipt(as2::Came),
    /// A document, which is kept and goes on.
    Document(Box<NewAnswer>),
    /// A document that is not taken: a stable word, and why.
    Untaken(&'static str, String),
}

impl Heard {
    /// Puts it into the books: a Status that is final is an acknowledgment.
    fn note(self, facts: &mut AttemptFacts) {
        match self {
            Heard::Status(status) => {
                facts.code = Some(format!("CXML-{}", status.code));
                let detail = format!("Status {}: {}", status.code, status.words);
                facts.detail = Some(facts.detail.take().unwrap_or(detail));
                if status.code < TRANSIENT {
                    let (code, detail) = (status.code.to_string(), status.words.clone());
                    let said =
                        ack::Said { state: state(status.verdict()), code, detail, faults: ack::Faults::default() };
                    facts.said = Some(("cxml".to_owned(), said));
                }
            }
            Heard::Receipt((bytes, code)) => {
                // HTTP went well, whatever the receipt says.
                facts.code = facts.code.take().map(|_| code.to_owned());
                facts.receipt = Some(bytes);
            }
            Heard::Document(answer) => facts.answer = Some(*answer),
            Heard::Untaken(code, detail) => {
                facts.code = Some(code.to_owned());
                facts.detail = Some(detail);
            }
            Heard::Other(begin) => {
                facts.code = Some("RESPONSE-MISSING".to_owned());
                facts.detail = Some(format!("the receiver took it and answered with no cXML Response: {begin}"));
            }
        }
    }
}

/// What an answer to cXML comes to: HTTP says only that the bytes arrived, the Status whether the document is taken.
fn heard(outcome: Outcome) -> (Outcome, Option<Heard>) {
    let Outcome::Delivered { status, answer } = outcome else { return (outcome, None) };
    let Some(said) = cxml::status_of(&answer.content_type, &answer.body) else {
        let begin = answer.hidden.shown(&String::from_utf8_lossy(&answer.body), ANSWER_SHOWN_MAX);
        return (Outcome::Delivered { status, answer: Said::default() }, Some(Heard::Other(begin)));
    };
    let words = answer.hidden.shown(&said.words, ANSWER_SHOWN_MAX);
    let said = Status { words, ..said };
    let (reason, status) = (format!("the receiver answered Status {}: {}", said.code, said.words), Some(status));
    let outcome = match said.code {
        ..300 => Outcome::Delivered { status: status.unwrap_or_default(), answer: Said::default() },
        TRANSIENT.. => Outcome::Transient { status, reason, retry_after: None },
        _ => Outcome::Permanent { status, reason },
    };
    (outcome, Some(Heard::Status(said)))
}

/// What an answer comes to that is a document: it is to be kept, unless it is empty.
async fn document(
    service: &Service,
    delivery: &Delivery,
    outcome: Outcome,
    most: u64,
) -> Result<(Outcome, Option<Heard>)> {
    let Outcome::Delivered { status, answer } = outcome else { return Ok((outcome, None)) };
    let taken = Outcome::Delivered { status, answer: Said::default() };
    if answer.body.is_empty() {
        return Ok((taken, None));
    }
    if answer.body.len() as u64 > most {
        let detail = format!("the receiver took it; its answer has more than the {most} bytes that are taken here");
        return Ok((taken, Some(Heard::Untaken("ANSWER-TOO-LARGE", detail))));
    }
    let Some((origin_id, answers)) = service.store.origin_of(&delivery.transmission_id).await? else {
        let detail = "the receiver took it; what was made from no document is answered by none".to_owned();
        return Ok((taken, Some(Heard::Untaken("ANSWER-UNASKED", detail))));
    };
    if answers >= ANSWERS_MAX {
        let detail = format!("the receiver took it; {ANSWERS_MAX} answers came of {origin_id}, and no more are taken");
        return Ok((taken, Some(Heard::Untaken("ANSWERS-TOO-MANY", detail))));
    }
    let kind = Some(answer.content_type).filter(|kind| !kind.is_empty());
    let transmission = NewTransmission {
        transmission_id: service.store.new_id("tra", service.now()),
        direction: Direction::In,
        channel: delivery.channel.clone(),
        partner: None,
        environment: None,
        content: service.store.content(&answer.body, service.now()).await?,
        content_type: kind.unwrap_or_else(|| "application/octet-stream".to_owned()),
        file_name: None,
        headers: json!({}),
    };
    Ok((taken, Some(Heard::Document(Box::new(NewAnswer { transmission, origin_id })))))
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered { .. } => "delivered",
        Outcome::Transient { .. } => "transient",
        Outcome::Permanent { .. } => "permanent",
        Outcome::Uncertain { .. } => "uncertain",
        Outcome::NoToken(_) => "no_token",
        Outcome::Unreadable { .. } => "unreadable",
    }
}

/// What an outcome leads to, given how often it was tried.
fn end(service: &Service, outcome: &Outcome, sending: &Delivery) -> (AttemptEnd, AttemptFacts) {
    let facts = |status: Option<u16>, code: &str, reason: &str| AttemptFacts {
        status,
        code: Some(status.map_or_else(|| code.to_owned(), |status| format!("HTTP-{status}"))),
        detail: Some(reason.to_owned()),
        said: None,
        receipt: None,
        placed: None,
        answer: None,
    };
    let hold = sending.on_uncertain == "hold";
    let delay = |asked| service.delivery_delay(sending, sending.attempts, asked);
    let later = |asked| delay(asked).map(|delay| service.now() + delay);
    match outcome {
        Outcome::Delivered { status, .. } => {
            (AttemptEnd::Delivered, AttemptFacts { status: Some(*status), ..AttemptFacts::default() })
        }
        Outcome::Permanent { status, reason } => (AttemptEnd::Park, facts(*status, "REFUSED", reason)),
        Outcome::Unreadable { reason } => {
            (AttemptEnd::Park, facts(None, "STORAGE", &format!("its bytes cannot be read: {reason}")))
        }
        Outcome::NoToken(NoToken { reason, is_lasting: true }) => {
            (AttemptEnd::Park, facts(None, "TOKEN-REFUSED", reason))
        }
        Outcome::NoToken(NoToken { reason, .. }) => match later(None) {
            Some(at) => (AttemptEnd::Retry(at), facts(None, "TOKEN-NOT-REACHED", reason)),
            None => (AttemptEnd::Park, facts(None, "RETRIES-SPENT", &format!("{reason}; all retries are spent"))),
        },
        Outcome::Transient { status, reason, retry_after } => match later(*retry_after) {
            Some(at) => (AttemptEnd::Retry(at), facts(*status, "NOT-REACHED", reason)),
            None => (AttemptEnd::Park, facts(*status, "RETRIES-SPENT", &format!("{reason}; all retries are spent"))),
        },
        Outcome::Uncertain { reason } if hold => (AttemptEnd::Hold, facts(None, "UNCERTAIN", reason)),
        Outcome::Uncertain { reason } => match later(None) {
            Some(at) => (AttemptEnd::Uncertain(at), facts(None, "UNCERTAIN", reason)),
            // Who sends it anew must know that it may have arrived.
            None => (AttemptEnd::Park, facts(None, "UNCERTAIN", &format!("{reason}; all retries are spent"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::http::auth::Secrets;
    use std::io;

    #[test]
    fn an_outcome_says_what_it_tells_of_the_channel() {
        let now = Timestamp::UNIX_EPOCH;
        let transient = |status, retry_after| Outcome::Transient { status, reason: String::new(), retry_after };
        let permanent = |status| Outcome::Permanent { status, reason: String::new() };
        let no_token = |is_lasting| Outcome::NoToken(NoToken { reason: String::new(), is_lasting });
        let asked = Duration::from_secs(90);
        for (outcome, told, left) in [
            (Outcome::Delivered { status: 200, answer: Said::default() }, Reached::Yes, true),
            (permanent(Some(422)), Reached::Yes, true),
            (permanent(Some(PROXY_REFUSES)), Reached::Untold, true),
            (permanent(None), Reached::Nothing, false),
            (transient(Some(503), Some(asked)), Reached::Busy(now + asked), true),
            (transient(Some(503), None), Reached::No, true),
            (transient(None, None), Reached::No, true),
            (Outcome::Uncertain { reason: String::new() }, Reached::No, true),
            (Outcome::Unreadable { reason: String::new() }, Reached::Untold, true),
            (no_token(true), Reached::Untold, false),
            (no_token(false), Reached::No, false),
        ] {
            assert_eq!((reached(&outcome, now), !has_not_left(&outcome)), (told, left), "{outcome:?}");
        }
    }

    #[test]
    fn what_cannot_be_sealed_on_a_full_disk_is_tried_again() {
        let full = io::Error::other(StoreError::file("spool".as_ref(), io::Error::from_raw_os_error(28)));
        let error = unmade(as2::unsealed(&full), true).expect_err("it may be sealed later");
        assert!(error.is_full(), "{error}");
        let (code, _) = unmade(as2::unsealed(&"our key is of a curve"), true).expect("it waits for somebody");
        assert_eq!(code, "MESSAGE-UNFIT");
    }

    /// A receiver of cXML that answers with something else, in which our secret is repeated.
    #[test]
    fn what_is_kept_of_an_answer_has_no_secret_of_ours() {
        let mut hidden = Secrets::default();
        hidden.add("correct horse");
        let said = |body: &str| {
            let answer = Said {
                content_type: "text/xml".to_owned(),
                body: body.as_bytes().to_vec(),
                hidden: hidden.clone(),
                ..Said::default()
            };
            let (outcome, heard) = heard(Outcome::Delivered { status: 200, answer });
            let mut facts = AttemptFacts::default();
            heard.expect("an answer").note(&mut facts);
            let all =
                format!("{:?} {outcome:?} {:?} {:?}", facts.detail, facts.code, facts.said.map(|said| said.1.detail));
            assert!(!all.contains("orrect"), "{all}");
            all
        };
        assert!(said("you sent correct horse").contains("no cXML Response: you sent ***"));
        said(&format!("{}correct horse", "x".repeat(ANSWER_SHOWN_MAX - 8)));
        let status =
            said("<cXML><Response><Status code=\"406\" text=\"Not\">you sent correct horse</Status></Response></cXML>");
        assert!(status.contains("Status 406: ") && status.contains("you sent ***"), "{status}");
    }
}
