//! Calls that get a document as their answer: what a call brought is worked on at once, beside the queues and not behind them,
//! and the call waits until the ledger holds the document that goes back over its channel, or the reason why there is none.
//! Every step is an ordinary commit, so that a call that breaks off loses nothing: the workers go on with what it began.

use super::departures;
use super::measure;
use super::pace::Reached;
use super::receive::{location, unavailable};
use super::state::Service;
use super::translate::{HAS_ERRORS, translate};
use super::worker::{kept, measured, told};
use crate::clock::Timestamp;
use crate::partner::{AnswerPolicy, Channel, Directory, Duplicate, Way};
use crate::store::call::{Course, HandedOver};
use crate::store::commit::release::REJECTED_BY_HAND;
use crate::store::delivery::{Delivery, DeliveryState};
use crate::store::document::{Document, DocumentFilter, Processing};
use crate::store::job::{Job, JobKind};
use crate::store::transmission::{Transmission, TransmissionState};
use crate::store::{Page, Result, StoreError};
use crate::transport::http::otlp::TraceId;
use crate::transport::http::receive::{Answer, Refusal};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// How long a call sleeps when nothing rings.
const TICK: Duration = Duration::from_millis(250);
/// How long an answer is left to the call that waits for it, before its delivery looks again.
const LEFT_TO_CALL: Duration = Duration::from_secs(1);
/// Of the bodies that are received at once, calls take one in so many at most, so that others always find a place.
const SHARE_OF_BODIES: usize = 2;
/// Documents of a file that are named as refused.
const PARTS_NAMED: usize = 20;
const PROBLEM: &str = "application/problem+json";
/// Why an answer is parked.
pub(super) const ANSWER_LATE: &str = "ANSWER-LATE";
/// The same for people.
pub(super) const NO_CALL: &str = "no call waits for it any more; the sender gets it by the same call with the same \
                                  Idempotency-Key, or name a channel for it under answer.late of its channel and resubmit it";

/// The calls that wait now, and what is worked on for them.
#[derive(Default)]
pub struct Calls {
    waiting: Mutex<Waiting>,
    work: TaskTracker,
}

#[derive(Default)]
struct Waiting {
    /// Calls by channel.
    seats: HashMap<String, usize>,
    /// Calls by the transmission that they brought, with the bell that wakes them.
    origins: HashMap<String, (usize, Arc<Notify>)>,
    /// The transmission that something at work belongs to.
    subjects: HashMap<String, String>,
}

impl Calls {
    fn with<T>(&self, done: impl FnOnce(&mut Waiting) -> T) -> T {
        done(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Rings for the calls that wait for what has just been done.
    pub fn ring(&self, subject: &str) {
        self.with(|waiting| {
            let origin = waiting.subjects.get(subject).map_or(subject, String::as_str);
            waiting.origins.get(origin).iter().for_each(|(_, bell)| bell.notify_waiters());
        });
    }

    fn is_waited(&self, origin: &str) -> bool {
        self.with(|waiting| waiting.origins.contains_key(origin))
    }

    /// Begins nothing more, and waits until what is worked on for calls has ended, whether they wait for it still or not.
    pub(super) async fn drain(&self) {
        self.work.close();
        self.work.wait().await;
    }
}

/// A place among the calls of a channel, which is free again when this is dropped.
pub struct Seat {
    service: Arc<Service>,
    channel: String,
}

impl Seat {
    /// Takes one, if there is one.
    ///
    /// # Errors
    /// Too many calls wait.
    pub fn take(service: &Arc<Service>, channel: &str, policy: &AnswerPolicy) -> std::result::Result<Self, Refusal> {
        let most = service.config.limits.bodies_at_once / SHARE_OF_BODIES;
        let full = service.calls.with(|waiting| {
            let all: usize = waiting.seats.values().sum();
            let own = waiting.seats.entry(channel.to_owned()).or_default();
            let full = busy((*own, policy.at_once()), (all, most));
            *own += usize::from(full.is_none());
            full
        });
        match full {
            None => Ok(Seat { service: service.clone(), channel: channel.to_owned() }),
            Some(detail) => Err(Refusal { status: 503, code: "BUSY", detail }),
        }
    }
}

/// Which limit leaves no place for one more call: of those over its channel, and of those over all, each with how many wait.
fn busy((own, at_once): (usize, usize), (all, most): (usize, usize)) -> Option<String> {
    let (limit, over) = match (own < at_once, all < most) {
        (true, true) => return None,
        (false, _) => (at_once, "this channel"),
        (true, false) => (most, "all channels"),
    };
    Some(format!("{limit} calls wait for their answers over {over}, which is the most; send it again in a few seconds"))
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.service.calls.with(|waiting| {
            if let Some(count) = waiting.seats.get_mut(&self.channel) {
                *count = count.saturating_sub(1);
            }
            waiting.seats.retain(|_, count| *count > 0);
        });
    }
}

/// A call that waits for what comes of one transmission.
struct Waiter<'s> {
    service: &'s Arc<Service>,
    origin: String,
    bell: Arc<Notify>,
}

impl<'s> Waiter<'s> {
    fn new(service: &'s Arc<Service>, origin: &str) -> Self {
        let bell = service.calls.with(|waiting| {
            let (count, bell) = waiting.origins.entry(origin.to_owned()).or_default();
            *count += 1;
            bell.clone()
        });
        Waiter { service, origin: origin.to_owned(), bell }
    }

    /// Whoever works on this rings when it is done.
    fn watch(&self, subject: &str) {
        self.service.calls.with(|waiting| drop(waiting.subjects.insert(subject.to_owned(), self.origin.clone())));
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.service.calls.with(|waiting| {
            if let Some((count, _)) = waiting.origins.get_mut(&self.origin) {
                *count = count.saturating_sub(1);
            }
            waiting.origins.retain(|_, (count, _)| *count > 0);
            let Waiting { origins, subjects, .. } = waiting;
            subjects.retain(|_, origin| origins.contains_key(origin));
        });
    }
}

/// Works on the transmission of a call and waits for its answer. `is_repeat`: the same call came before, and its transmission
/// may be done already.
///
/// # Errors
/// The ledger failed; the transmission is there, and goes on.
pub(super) async fn answer(
    service: &Arc<Service>,
    (name, policy): (&str, &AnswerPolicy),
    origin: &str,
    is_repeat: bool,
) -> std::result::Result<Answer, Refusal> {
    let begin = Instant::now();
    let call = Call { service, channel: name, policy, end: begin + policy.wait(), is_repeat };
    let (outcome, answer) = call.wait(origin).await.map_err(|error| unavailable(&error))?;
    let seconds = begin.elapsed().as_secs_f64();
    metrics::histogram!("portolan_call_seconds", "channel" => name.to_owned(), "outcome" => outcome).record(seconds);
    tracing::info!(
        trace_id = %TraceId::of(origin),
        transmission.id = origin,
        transmission.channel = name,
        outcome,
        seconds,
        "Call answered"
    );
    Ok(answer)
}

struct Call<'c> {
    service: &'c Arc<Service>,
    channel: &'c str,
    policy: &'c AnswerPolicy,
    end: Instant,
    is_repeat: bool,
}

/// How far the transmission of a call has come.
enum Standing {
    /// The document that goes back.
    Answered(Box<Delivery>),
    /// These are at work, and the next of them that waits goes on at this instant.
    Open(Vec<(JobKind, String)>, Option<Timestamp>),
    /// The same came before: its answer is this one's.
    Repeats(String),
    /// There is no answer, and will be none by itself.
    Ended,
}

impl Call<'_> {
    /// The answer, with a word for what it is.
    async fn wait(&self, origin: &str) -> Result<(&'static str, Answer)> {
        let mut waiter = Waiter::new(self.service, origin);
        // What was begun once is not begun again here: whoever has it now goes on with it.
        let mut begun = HashSet::new();
        loop {
            let bell = waiter.bell.clone();
            let rung = bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            let course = self.service.store.course(&waiter.origin).await?;
            match standing(&self.service.directory(), self.channel, &course, self.service.now()) {
                Standing::Answered(delivery) => {
                    if let Some(handed) = self.handed(&waiter.origin, &delivery).await? {
                        return Ok(handed);
                    }
                    // Somebody resubmitted it in between; the next look finds what has its place.
                }
                Standing::Repeats(first) if waiter.origin == origin && self.answers_repeats(origin).await? => {
                    waiter = Waiter::new(self.service, &first);
                }
                Standing::Repeats(_) => return Ok(("duplicate", self.duplicate(origin))),
                // What it repeats has no answer for this channel.
                Standing::Ended if waiter.origin != origin => return Ok(("duplicate", self.duplicate(origin))),
                Standing::Ended => return self.unanswered(&course).await,
                Standing::Open(open, next) => {
                    let left = self.end.saturating_duration_since(Instant::now());
                    let is_late = next.is_some_and(|next| next > self.service.now() + left);
                    if left.is_zero() || is_late || self.waits_for_pauses(&open).await? {
                        return Ok(("late", self.late(&waiter.origin)));
                    }
                    for (kind, subject) in open {
                        waiter.watch(&subject);
                        if begun.insert((kind, subject.clone())) {
                            self.begin(kind, subject);
                        }
                    }
                    tokio::select! {
                        () = rung => {}
                        () = tokio::time::sleep(TICK.min(left)) => {}
                    }
                }
            }
        }
    }

    /// Whether all that is to be done next waits for the end of a pause, of which nobody knows when it is.
    async fn waits_for_pauses(&self, open: &[(JobKind, String)]) -> Result<bool> {
        for (kind, subject) in open {
            if self.service.store.job_waits(*kind, subject, self.service.now()).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a repeat of what came before gets its answer, as the agreement says.
    async fn answers_repeats(&self, origin: &str) -> Result<bool> {
        let directory = self.service.directory();
        let filter = DocumentFilter { transmission_id: Some(origin.to_owned()), ..DocumentFilter::default() };
        let documents = self.service.store.documents(&filter, &Page::default()).await?;
        let mut agreements = documents.iter().filter_map(|one| directory.agreement(one.agreement.as_deref()?));
        Ok(agreements.any(|one| one.duplicate == Duplicate::Answer))
    }

    fn duplicate(&self, origin: &str) -> Answer {
        let detail = "it came before; send new content under new control numbers";
        self.problem(409, "INTERCHANGE-DUPLICATE", detail, origin, json!([]))
    }

    /// Works on a piece, unless somebody does. It goes on when the call is over.
    fn begin(&self, kind: JobKind, subject: String) {
        let (service, work) = (self.service.clone(), &self.service.calls.work);
        if work.is_closed() {
            // The next start finds it in the queue.
            return;
        }
        work.spawn(async move {
            match service.store.lease_of(kind, &subject, &service.at_work.jobs(), service.now()).await {
                Ok(Some(job)) => run(&service, &job).await,
                // It may have been set aside, for something is paused.
                Ok(None) => service.calls.ring(&subject),
                // The workers find it in the queue.
                Err(error) => tracing::error!(error = %error, "The job of a call could not be leased"),
            }
        });
    }

    /// The document, once the ledger says that it is handed over. `None`: another delivery has its place.
    async fn handed(&self, origin: &str, delivery: &Delivery) -> Result<Option<(&'static str, Answer)>> {
        let store = &self.service.store;
        if !delivery.has_left() && self.is_paused(delivery).await? {
            return Ok(Some(("late", self.late(origin))));
        }
        let transmission = store.transmission(&delivery.transmission_id).await?;
        if u64::try_from(transmission.size).unwrap_or(u64::MAX) > self.policy.bytes() {
            let (size, most) = (transmission.size, self.policy.bytes());
            let detail =
                format!("the answer has {size} bytes, {most} go back here; it is kept as {}", delivery.delivery_id);
            return Ok(Some(("refused", self.problem(502, "ANSWER-TOO-LARGE", &detail, origin, json!([])))));
        }
        let body = store.read_payload(&transmission.payload_id).await?;
        match store.hand_over(&delivery.delivery_id, &format!("the call of {origin}"), self.service.now()).await? {
            HandedOver::Now => {
                let channel = measure::channel(&delivery.channel);
                metrics::counter!("portolan_attempts_total", "channel" => channel, "outcome" => "delivered")
                    .increment(1);
            }
            HandedOver::Before => {}
            HandedOver::Replaced => return Ok(None),
        }
        Ok(Some((
            "answered",
            Answer {
                status: 200,
                content_type: transmission.content_type.into(),
                headers: Vec::new(),
                body,
                location: location(origin),
                replayed: self.is_repeat,
            },
        )))
    }

    /// Whether the way back is paused: the answer is kept, and is late.
    async fn is_paused(&self, delivery: &Delivery) -> Result<bool> {
        let paused = self.service.store.paused(self.service.now()).await?;
        let (partner, agreement) = (delivery.partner.as_deref(), delivery.agreement.as_deref());
        Ok(paused.over(&delivery.channel, partner, agreement).is_some())
    }

    fn late(&self, origin: &str) -> Answer {
        let after = match &self.policy.late {
            Some(late) => format!("it goes over {late} when it comes"),
            None => "send it again with the same Idempotency-Key to get it when it is there".to_owned(),
        };
        let detail = format!(
            "no answer comes within {} s; what you sent is kept as {origin} and goes on, {after}",
            self.policy.wait().as_secs()
        );
        self.problem(504, "ANSWER-LATE", &detail, origin, json!([]))
    }

    /// Why there is no answer.
    async fn unanswered(&self, course: &Course) -> Result<(&'static str, Answer)> {
        let Some(first) = course.received.first() else {
            return Err(StoreError::NotFound { what: "transmission", id: "of a call".to_owned() });
        };
        let (id, code) = (first.transmission_id.as_str(), first.code.as_deref().unwrap_or_default());
        if first.state == TransmissionState::Held.as_str() {
            return Ok(("kept", self.taken(first, code)));
        }
        if first.state == TransmissionState::Rejected.as_str() {
            // What a person wrote who refused it is for us.
            let reason = first.reason.as_deref().filter(|_| code != REJECTED_BY_HAND);
            let detail = reason.map_or_else(|| ask_us(id), str::to_owned);
            return Ok(("refused", self.problem(422, code, &detail, id, json!([]))));
        }
        let filter = DocumentFilter { transmission_id: Some(id.to_owned()), ..DocumentFilter::default() };
        let documents = self.service.store.documents(&filter, &Page::default()).await?;
        let resting = |states: &[Processing]| {
            let is_one = |one: &&Document| states.iter().any(|state| one.processing.as_deref() == Some(state.as_str()));
            documents.iter().rev().filter(is_one).collect::<Vec<_>>()
        };
        let faulty = resting(&[Processing::Failed, Processing::Dropped]);
        if let Some(worst) = faulty.first() {
            let report: Vec<Value> =
                faulty.iter().filter(|one| has_errors(one)).flat_map(|one| findings(&one.report)).collect();
            let reason = worst.reason.clone().filter(|_| has_errors(worst)).unwrap_or_else(|| ask_us(id));
            let detail = if faulty.len() < documents.len() { parts(&faulty, &reason) } else { reason };
            let code = worst.code.as_deref().unwrap_or("FAILED");
            return Ok(("refused", self.problem(422, code, &detail, id, report.into())));
        }
        if let Some(held) = resting(&[Processing::Held]).first() {
            return Ok(("kept", self.taken(first, held.code.as_deref().unwrap_or_default())));
        }
        Ok(match unheard(&self.service.directory(), course) {
            Some((code, detail)) => ("failed", self.problem(502, code, &detail, id, json!([]))),
            None => ("kept", self.taken(first, "")),
        })
    }

    /// It is kept, and no answer comes of it by itself.
    fn taken(&self, first: &Transmission, code: &str) -> Answer {
        let mut body = json!({ "transmission": first.transmission_id, "state": first.state, "duplicate_of": null });
        if !code.is_empty() {
            body["code"] = code.into();
        }
        self.of(202, "application/json", &body, &first.transmission_id)
    }

    fn problem(&self, status: u16, code: &str, detail: &str, transmission: &str, report: Value) -> Answer {
        let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
        let mut body = json!({ "type": "about:blank", "title": title, "status": status, "code": code, "detail": detail,
            "transmission": transmission });
        if report.as_array().is_some_and(|findings| !findings.is_empty()) {
            body["report"] = report;
        }
        self.of(status, PROBLEM, &body, transmission)
    }

    fn of(&self, status: u16, content_type: &'static str, body: &Value, transmission: &str) -> Answer {
        Answer {
            status,
            content_type: content_type.into(),
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
            location: location(transmission),
            replayed: self.is_repeat,
        }
    }
}

/// What is said where the cause is ours to know: names of ours stand in it, and what we lack.
fn ask_us(id: &str) -> String {
    format!("it goes no further here; ask us with the number {id}")
}

/// Whether it is the sender's own bytes that a document failed for.
fn has_errors(document: &Document) -> bool {
    document.reason.as_deref().is_some_and(|reason| reason.starts_with(HAS_ERRORS))
}

/// Which documents of a file were refused where others were not, and why the first.
fn parts(faulty: &[&Document], reason: &str) -> String {
    let mut numbers: Vec<String> = faulty.iter().take(PARTS_NAMED).map(|one| one.number.to_string()).collect();
    if faulty.len() > PARTS_NAMED {
        numbers.push(format!("{} more", faulty.len() - PARTS_NAMED));
    }
    format!("refused of this file are documents, by their place in it: {}; the first: {reason}", numbers.join(", "))
}

/// Findings as they are kept.
fn findings(report: &str) -> Vec<Value> {
    serde_json::from_str(report).unwrap_or_default()
}

async fn run(service: &Arc<Service>, job: &Job) {
    match job.kind {
        JobKind::Translate => {
            let work = translate(service.clone(), job.clone());
            told(service, job, measured("translate", kept(service, job, work)).await);
        }
        _ => told(service, job, departures::called(service, job).await),
    }
}

/// How far it has come, as the ledger says.
fn standing(directory: &Directory, channel: &str, course: &Course, now: Timestamp) -> Standing {
    let is_over =
        |one: &&Delivery| one.state == DeliveryState::Cancelled.as_str() || one.state == DeliveryState::Held.as_str();
    let back = course.deliveries.iter().filter(|one| one.channel == channel);
    if let Some(delivery) = back.clone().find(|one| !is_over(one)) {
        return Standing::Answered(Box::new(delivery.clone()));
    }
    let mut open = Vec::new();
    let is_open = |one: &&Transmission| ["incoming", "stored", "verified"].contains(&one.state.as_str());
    let translations = course.received.iter().filter(is_open);
    open.extend(translations.map(|one| (JobKind::Translate, one.transmission_id.clone())));
    let asked = course.deliveries.iter().filter(|one| asks(directory, one) && !is_at_rest(one));
    // When something is under way, nobody knows when it ends.
    let mut next = open.is_empty().then_some(Timestamp::MAX);
    for one in asked {
        open.push((JobKind::Deliver, one.delivery_id.clone()));
        next = next.zip(goes_at(directory, one, now)).map(|(next, at)| next.min(at));
    }
    if !open.is_empty() {
        return Standing::Open(open, next);
    }
    match course.received.first() {
        Some(Transmission { duplicate_of: Some(first), state, .. })
            if state == TransmissionState::Duplicate.as_str() =>
        {
            Standing::Repeats(first.clone())
        }
        _ => Standing::Ended,
    }
}

/// When a delivery goes next, where that is neither now nor under way: at its retry, and when the window of its channel opens.
fn goes_at(directory: &Directory, delivery: &Delivery, now: Timestamp) -> Option<Timestamp> {
    if delivery.state == DeliveryState::Sending.as_str() {
        return None;
    }
    let retry = delivery.next_at.map(|at| at.timestamp());
    let earliest = retry.map_or(now, |at| at.max(now));
    let opens = directory.opens(&delivery.channel, earliest);
    if opens > earliest { Some(opens) } else { retry }
}

fn asks(directory: &Directory, delivery: &Delivery) -> bool {
    directory.channel(&delivery.channel).is_some_and(|channel| channel.asks().is_some())
}

fn is_at_rest(delivery: &Delivery) -> bool {
    ["delivered", "parked", "held", "cancelled"].contains(&delivery.state.as_str())
}

/// Why the other side answered nothing that goes back. Where it stands and what it says is not the sender's to know.
fn unheard(directory: &Directory, course: &Course) -> Option<(&'static str, String)> {
    let failed = |one: &&Delivery| asks(directory, one) && one.state != DeliveryState::Delivered.as_str();
    if let Some(delivery) = course.deliveries.iter().find(failed) {
        let (id, state) = (&delivery.delivery_id, &delivery.state);
        let detail = format!("the other side did not take it: delivery {id} is {state}; ask us with this number");
        return Some(("NOT-DELIVERED", detail));
    }
    let unfit = |one: &&Delivery| asks(directory, one) && one.code.is_some();
    if let Some(delivery) = course.deliveries.iter().find(unfit) {
        let id = &delivery.delivery_id;
        return Some(("ANSWER-UNFIT", format!("the answer to delivery {id} cannot be used; ask us with this number")));
    }
    let answer = course.received.get(1)?;
    let id = &answer.transmission_id;
    Some(("ANSWER-UNFIT", format!("the answer of the other side, {id}, leads to none here; ask us with this number")))
}

/// Where a document goes that is the answer of a call.
pub(super) enum Place<'c> {
    /// The call waits, and takes it itself.
    Call,
    /// The call is over, and it goes over the channel of this name instead.
    Late(&'c str, &'c Channel),
    /// The call is over.
    Nowhere,
}

/// Where a delivery goes whose channel answers calls.
///
/// # Errors
/// The ledger failed.
pub(super) async fn place<'c>(
    service: &Service,
    directory: &'c Directory,
    (delivery, policy): (&Delivery, &'c AnswerPolicy),
) -> Result<Place<'c>> {
    let origin = service.store.origin_of(&delivery.transmission_id).await?;
    if let Some((origin, _)) = &origin
        && service.calls.is_waited(origin)
    {
        service.calls.ring(origin);
        return Ok(Place::Call);
    }
    Ok(late(directory, policy).map_or(Place::Nowhere, |(name, channel)| Place::Late(name, channel)))
}

/// The channel over which an answer goes whose call is over, with its name.
#[must_use]
pub fn late<'c>(directory: &'c Directory, policy: &'c AnswerPolicy) -> Option<(&'c str, &'c Channel)> {
    let late = policy.late.as_deref().and_then(|name| Some((name, directory.channel(name)?)));
    late.filter(|(_, channel)| channel.way == Way::Out)
}

/// Leaves a delivery to the call that waits for it, which may have taken it already.
///
/// # Errors
/// The ledger failed.
pub(super) async fn leave(service: &Service, job: &Job) -> Result<Reached> {
    match service.store.give_back(job, service.now() + LEFT_TO_CALL).await {
        Ok(()) | Err(StoreError::LeaseLost(_)) => Ok(Reached::Nothing),
        Err(error) => Err(error),
    }
}

/// Parks a delivery that no call waits for.
///
/// # Errors
/// The ledger failed.
pub(super) async fn park(service: &Service, job: &Job) -> Result<Reached> {
    match service.store.deliver_park(job, ANSWER_LATE, NO_CALL, service.now()).await {
        // A call took it in between.
        Ok(()) | Err(StoreError::LeaseLost(_)) => Ok(Reached::Nothing),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_no_place_is_told_the_limit_that_left_none() {
        assert_eq!(busy((1, 2), (99, 100)), None);
        let own = busy((2, 2), (2, 100)).expect("its channel is full");
        assert!(own.starts_with("2 calls wait") && own.contains("this channel"), "{own}");
        let all = busy((1, 2), (100, 100)).expect("all places are taken");
        assert!(all.starts_with("100 calls wait") && all.contains("all channels"), "{all}");
    }
}
