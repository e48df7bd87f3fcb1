//! cXML answered in the call that brings it: who sends is proved by the document itself, what is taken is on disk before the
//! answer, and what is refused is told with a Status and noted in the ledger. Processing follows as for everything else.

mod live; // where the Response waits for the answer of the other side

use super::identify;
use super::live::Seat;
use super::measure;
use super::reach::{Outbound, outbound};
use super::receive::{location, unavailable};
use super::state::Service;
use super::telemetry;
use crate::clock::Timestamp;
use crate::codec::cxml::{self, Credential, Header, Status};
use crate::codec::segment::{Inspection, Limits};
use crate::codec::xml;
use crate::diagnostic::{Diagnostic, Effect, Severity, Syntax};
use crate::partner::{AnswerPolicy, Channel, Cxml, Directory, Environment, PartyId, Sender, Way};
use crate::store::claim::NewClaim;
use crate::store::commit::receive::Reception;
use crate::store::transmission::{NewTransmission, TransmissionState};
use crate::store::{Actor, Direction, Result as StoreResult, StoreError};
use crate::transport::http::auth::Secrets;
use crate::transport::http::auth::oauth2::NoToken;
use crate::transport::http::body::Body;
use crate::transport::http::otlp::TraceId;
use crate::transport::http::receive::{Answer, Arrival, Intake, KEY_CHARACTERS_MAX, Refusal};
use crate::transport::http::send::{Asked, Outcome, Post};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use futures_util::future::BoxFuture;
use reqwest::Method;
use std::future::ready;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Bytes of a body where the channel names no limit: it is held in memory, for the answer depends on it.
const BODY_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of all such bodies at once, in pieces that each takes as it grows: a slow sender keeps little from the others.
pub(super) const ROOM_PIECES: usize = 32 * 1024;
const PIECE_BYTES: usize = 16 * 1024;
/// How long a PunchOutSetupRequest may take, while somebody looks at a browser.
const PUNCHOUT_PATIENCE: Duration = Duration::from_secs(30);
/// Findings told to the sender; `portolan validate` shows all, of the bytes that are kept.
const FINDINGS_TOLD_MAX: usize = 3;
/// Characters of a stranger's ids that are told again.
const SHOWN_MAX: usize = 120;
/// The HTTP status of every Response, whatever its own Status says.
const ANSWERED: u16 = 200;
const CONTENT_TYPE: &str = "text/xml; charset=UTF-8";

const PROFILE: &str = "ProfileRequest";
const PUNCHOUT: &str = "PunchOutSetupRequest";
const UPDATE: &str = "StatusUpdateRequest";
const RESPONSE: &str = "Response";

/// Takes one body of a channel that speaks cXML.
pub(super) fn intake(service: &Arc<Service>, arrival: Arrival) -> Box<dyn Intake> {
    let directory = service.directory();
    let limit = directory.channel(&arrival.channel).and_then(|channel| channel.body_bytes).unwrap_or(BODY_BYTES);
    let limit = limit.min(service.config.limits.body_bytes).min(xml::XML_BYTES_MAX as u64);
    let id = service.store.new_id("tra", service.now());
    Box::new(Conversation { service: service.clone(), arrival, id, limit, body: Vec::new(), room: None })
}

struct Conversation {
    service: Arc<Service>,
    arrival: Arrival,
    /// Of the transmission that it becomes.
    id: String,
    limit: u64,
    body: Vec<u8>,
    /// The memory that it has.
    room: Option<OwnedSemaphorePermit>,
}

/// What is answered, before anything is written.
struct Refused {
    code: &'static str,
    status: u16,
    /// For the sender.
    words: String,
    /// For us, where that is more.
    reason: Option<String>,
    /// The partner that a stranger says to be.
    claims: Option<String>,
}

impl Refused {
    fn new(code: &'static str, status: u16, words: impl Into<String>) -> Self {
        Refused { code, status, words: words.into(), reason: None, claims: None }
    }
}

/// What a document is, seen as the processing will see it.
struct Looked {
    /// `cxml/1.2/OrderRequest`.
    kind: Option<String>,
    environment: Environment,
    /// In what it breaks the standard.
    faults: Vec<String>,
}

/// What can be said of a body before anybody is known.
struct Head {
    /// Where the document stands.
    part: Range<usize>,
    header: Header,
}

impl Intake for Conversation {
    fn write<'w>(&'w mut self, bytes: &'w [u8]) -> BoxFuture<'w, Result<(), Refusal>> {
        Box::pin(ready(self.hold(bytes)))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Answer, Refusal>> {
        Box::pin(async move {
            let service = self.service.clone();
            match self.converse().await {
                Ok(answer) => Ok(answer),
                Err(error) => {
                    // Its words are for us, and are logged; the sender learns that it should send again.
                    let refusal = unavailable(&error);
                    let status = Status { code: 560, words: refusal.detail };
                    Ok(spoken(&service, &service.store.new_id("res", service.now()), &status, "", String::new()))
                }
            }
        })
    }
}

impl Conversation {
    /// Takes the next bytes into memory.
    fn hold(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if self.body.len() as u64 + bytes.len() as u64 > self.limit {
            let detail = format!("a body of more than {} bytes is not taken here; send it in parts", self.limit);
            return Err(Refusal { status: 413, code: "BODY-TOO-LARGE", detail });
        }
        self.take_room(self.body.len() + bytes.len())?;
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    /// Memory for so many bytes, if there is that much left.
    fn take_room(&mut self, bytes: usize) -> Result<(), Refusal> {
        let own = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = u32::try_from(bytes.div_ceil(PIECE_BYTES).saturating_sub(own)).unwrap_or(u32::MAX);
        if wanted == 0 {
            return Ok(());
        }
        let more = self.service.room.clone().try_acquire_many_owned(wanted).map_err(|_| {
            let detail = "too many bodies are being received; send it again in a few seconds".to_owned();
            Refusal { status: 503, code: "BUSY", detail }
        })?;
        match &mut self.room {
            Some(room) => room.merge(more),
            None => self.room = Some(more),
        }
        Ok(())
    }

    async fn converse(mut self) -> StoreResult<Answer> {
        let service = self.service.clone();
        let directory = service.directory();
        let channel = directory.channel(&self.arrival.channel).filter(|channel| channel.way == Way::In);
        let Some((channel, policy)) = channel.and_then(|channel| Some((channel, channel.cxml.as_ref()?))) else {
            let status = Status { code: 560, words: "this channel has just been changed; send it again".to_owned() };
            return Ok(self.says(&status, "", String::new()));
        };
        let content_type = self.arrival.content_type.clone();
        let Head { part, header } = match self.blocking(move |_, body| head(&content_type, body)).await? {
            Ok(head) => head,
            Err(refused) => return self.refuse(None, refused).await,
        };
        let wanted = match service.store.secret(&policy.secret.secret).await {
            Ok(wanted) => wanted,
            Err(error) => {
                let (channel, secret) = (&self.arrival.channel, &policy.secret.secret);
                tracing::error!(channel, secret, "The channel's SharedSecret cannot be had");
                return Err(error);
            }
        };
        let proved = proved(&directory, &self.arrival.channel, policy, &header, wanted.trim_ascii());
        let partner = match proved {
            Ok(partner) => partner,
            Err(words) => {
                measure::not_let_in("partner");
                let claims = claimed(&directory, &self.arrival.channel, &header).map(str::to_owned);
                let refused = Refused { claims, ..Refused::new("CREDENTIALS-REFUSED", 401, words) };
                return self.refuse(None, refused).await;
            }
        };
        let asked = (header.request == PUNCHOUT).then(|| self.body.clone());
        let (content_type, request) = (self.arrival.content_type.clone(), header.request.clone());
        let looked = self.blocking(move |service, body| {
            // What is kept, looked at and told does not hold the secret.
            cxml::star(&content_type, body);
            look(service, &body[part], &request)
        });
        let taken =
            looked.await?.and_then(|looked| self.is_taken(&directory, (channel, policy), &partner, &header, &looked));
        if let Err(refused) = taken {
            return self.refuse(Some(&partner), refused).await;
        }
        match (header.request.as_str(), asked, &policy.punchout) {
            (PROFILE, ..) => Ok(self.profile(&directory, (channel, policy), &partner)),
            (PUNCHOUT, Some(asked), Some(url)) => self.hand_on(channel, url, &partner, asked).await,
            _ => self.keep(&partner, header.payload_id, channel.answers_calls()).await,
        }
    }

    /// Works on the body off the runtime's threads, for it may be large.
    async fn blocking<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&Service, &mut [u8]) -> T + Send + 'static,
    ) -> StoreResult<T> {
        let (service, mut body) = (self.service.clone(), std::mem::take(&mut self.body));
        let done = tokio::task::spawn_blocking(move || (read(&service, &mut body), body)).await;
        let (found, body) = done.map_err(|error| StoreError::Unfit(format!("reading cXML: {error}")))?;
        self.body = body;
        Ok(found)
    }

    /// Whether a document is one that is taken from this partner here.
    fn is_taken(
        &self,
        directory: &Directory,
        (channel, policy): (&Channel, &Cxml),
        partner: &str,
        header: &Header,
        looked: &Looked,
    ) -> Result<(), Refused> {
        let faults: Vec<&str> = looked.faults.iter().take(FINDINGS_TOLD_MAX).map(String::as_str).collect();
        let faulty = || Refused::new("XML-REFUSED", 406, faults.join("; "));
        let is_simple = match header.request.as_str() {
            "" if !faults.is_empty() => return Err(faulty()),
            PROFILE | UPDATE => true,
            PUNCHOUT => policy.punchout.is_some(),
            _ => false,
        };
        let day = self.service.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let agreed = || match looked.kind.as_deref().filter(|_| header.request != PUNCHOUT) {
            Some(kind) => {
                directory.agreement_in(partner, kind, looked.environment, day).map(drop).map_err(|held| held.reason)
            }
            None if header.request == PUNCHOUT => Err("the channel names no punchout that answers it".to_owned()),
            None => Err(format!("{} is no request that is known", shown(&header.request))),
        };
        if let (false, Err(reason)) = (is_simple, agreed()) {
            let taken = requests(directory, channel, partner, (day, Some(looked.environment))).join(", ");
            let environment = looked.environment.as_str();
            let what = match header.holder.as_str() {
                RESPONSE => "a Response, which is sent in the call that it answers only".to_owned(),
                _ => shown(&header.request),
            };
            let words = format!("expected one of {taken}, as agreed for {environment}, found {what}");
            return Err(Refused { reason: Some(reason), ..Refused::new("REQUEST-UNSUPPORTED", 450, words) });
        }
        if !faults.is_empty() {
            return Err(faulty());
        }
        if header.payload_id.is_empty() || header.payload_id.chars().count() > KEY_CHARACTERS_MAX {
            let words = format!("expected a payloadID of 1 to {KEY_CHARACTERS_MAX} characters");
            return Err(Refused::new("PAYLOAD-ID-INVALID", 400, words));
        }
        Ok(())
    }

    /// Keeps the document, to be processed; the same again gets the same answer, and nothing happens twice.
    /// Where the channel says `answer`, what is answered waits for what comes of it.
    async fn keep(self, partner: &str, payload_id: String, policy: Option<&AnswerPolicy>) -> StoreResult<Answer> {
        let waiting = match policy.map(|policy| Seat::take(&self.service, &self.arrival.channel, policy)).transpose() {
            Ok(seat) => seat.zip(policy),
            Err(busy) => return Ok(self.says(&live::busy(busy), "", String::new())),
        };
        let status = Status { code: 200, words: format!("stored as {}", self.id) };
        let answer = self.says(&status, "", location(&self.id));
        let scope = format!("cxml:{}", self.arrival.channel);
        let key = payload_id.clone();
        let claim = NewClaim { scope, key, answer_status: answer.status, answer_body: answer.body.clone() };
        let (new, actor) = (self.transmission(Some(partner), &self.body).await?, actor(Some(partner)));
        match self.service.store.receive(new, Some(claim), &actor, self.service.now()).await? {
            Reception::New => {
                let channel = self.arrival.channel.clone();
                tracing::info!(
                    trace_id = %TraceId::of(&self.id),
                    transmission.id = self.id,
                    transmission.channel = channel,
                    "Received"
                );
                metrics::counter!("portolan_received_total", "channel" => channel).increment(1);
                if let Some((_seat, policy)) = waiting {
                    return Ok(self.waits(policy, (&self.id, &payload_id), false).await);
                }
                self.service.arrived.notify_one();
                Ok(answer)
            }
            Reception::Replay { transmission_id, status, body } => {
                if let Some((_seat, policy)) = waiting {
                    return Ok(self.waits(policy, (&transmission_id, &payload_id), true).await);
                }
                let location = location(&transmission_id);
                let headers = Vec::new();
                Ok(Answer { status, content_type: CONTENT_TYPE.into(), headers, body, location, replayed: true })
            }
            Reception::Conflict { transmission_id } => {
                let words =
                    format!("this payloadID came before with other content, as {transmission_id}; use a new one");
                self.refuse(Some(partner), Refused::new("PAYLOAD-ID-REUSED", 409, words)).await
            }
        }
    }

    /// The Response once it is known what comes of a request.
    async fn waits(&self, policy: &AnswerPolicy, asked: (&str, &str), is_repeat: bool) -> Answer {
        let channel = (self.arrival.channel.as_str(), policy);
        let live::Outcome { status, inner, at, origin, location, is_repeat } =
            live::outcome(&self.service, channel, asked, is_repeat).await;
        let answer = spoken_at(&self.service, (&origin, at), &status, &inner, location);
        Answer { replayed: is_repeat, ..answer }
    }

    /// Tells the sender, and notes it. Nothing is kept of what one sends who has not proved to be a partner, and of very many
    /// such refusals only how many there were.
    async fn refuse(self, partner: Option<&str>, refused: Refused) -> StoreResult<Answer> {
        let Refused { code, status, words, reason, claims } = refused;
        let body: &[u8] = if partner.is_some() { &self.body } else { &[] };
        let new = self.transmission(partner, body).await?;
        let told = (code, reason.as_deref().unwrap_or(&words));
        let (store, now, channel) = (&self.service.store, self.service.now(), self.arrival.channel.clone());
        let is_kept = match partner {
            Some(_) => {
                store.settle(new, TransmissionState::Rejected, told, &actor(partner), now).await?;
                true
            }
            None => store.settle_stranger(new, claims.as_deref(), told, &actor(None), now).await?,
        };
        if is_kept {
            tracing::warn!(
                trace_id = %TraceId::of(&self.id),
                transmission.id = self.id,
                transmission.channel = channel,
                code,
                "Refused"
            );
        }
        metrics::counter!("portolan_refused_total", "channel" => channel).increment(1);
        Ok(self.says(&Status { code: status, words }, "", String::new()))
    }

    /// Which requests are taken here, and where. It is a question about the channel, so nothing is kept of it.
    fn profile(&self, directory: &Directory, (channel, _): (&Channel, &Cxml), partner: &str) -> Answer {
        let now = self.service.now();
        let day = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let all = requests(directory, channel, partner, (day, None));
        let scheme = if self.service.config.partner.tls.is_some() { "https" } else { "http" };
        let own = || format!("{scheme}://{}/in/{}", self.arrival.host, self.arrival.channel);
        let url = channel.url.clone().unwrap_or_else(own);
        let inner = cxml::profile(&timestamp(now), &all, &url);
        self.says(&Status { code: 200, words: String::new() }, &inner, String::new())
    }

    /// Hands a PunchOutSetupRequest to the shop as it came, and its answer back.
    async fn hand_on(self, channel: &Channel, url: &str, partner: &str, asked: Vec<u8>) -> StoreResult<Answer> {
        let sent = match outbound(&self.service, channel, None).await {
            Ok(Outbound { reach, credentials, once, .. }) => {
                let post = Post {
                    url: url.to_owned(),
                    method: Method::POST,
                    key: Some(self.id.clone()),
                    content_type: self.arrival.content_type.clone(),
                    headers: Vec::new(),
                    secrets: Secrets::default(),
                    body: Body::Held(asked),
                    reach,
                    credentials,
                    once,
                    patience: PUNCHOUT_PATIENCE,
                    asked: Asked::Whole,
                };
                self.service.sender.send(post).await
            }
            Err(unready) => Outcome::Transient { status: None, reason: unready.told()?.1, retry_after: None },
        };
        let (code, reason) = match sent {
            Outcome::Delivered { answer, .. } => match cxml::status_of(&answer.content_type, &answer.body) {
                Some(said) => {
                    let new = self.transmission(Some(partner), &self.body).await?;
                    let reason = format!("answered by {url} with Status {}", said.code);
                    let (state, actor) = (TransmissionState::Split, actor(Some(partner)));
                    let told = ("PUNCHOUT-ANSWERED", reason.as_str());
                    self.service.store.settle(new, state, told, &actor, self.service.now()).await?;
                    return Ok(Answer {
                        status: ANSWERED,
                        content_type: cxml::handed_on(&answer.content_type, &answer.body).into(),
                        headers: Vec::new(),
                        body: answer.body,
                        location: String::new(),
                        replayed: false,
                    });
                }
                None => (551, "the shop answered with no cXML Response".to_owned()),
            },
            Outcome::Permanent { reason, .. } => (551, reason),
            Outcome::Transient { reason, .. }
            | Outcome::Uncertain { reason }
            | Outcome::NoToken(NoToken { reason, .. })
            | Outcome::Unreadable { reason } => (550, reason),
        };
        // Where the shop stands is not the sender's to know.
        let words = "the shop that answers PunchOutSetupRequests cannot be asked now".to_owned();
        let refused =
            Refused { reason: Some(format!("{url}: {reason}")), ..Refused::new("PUNCHOUT-FAILED", code, words) };
        self.refuse(Some(partner), refused).await
    }

    async fn transmission(&self, partner: Option<&str>, body: &[u8]) -> StoreResult<NewTransmission> {
        Ok(NewTransmission {
            transmission_id: self.id.clone(),
            direction: Direction::In,
            channel: self.arrival.channel.clone(),
            partner: partner.map(str::to_owned),
            environment: None,
            content: self.service.store.content(body, self.service.now()).await?,
            content_type: self.arrival.content_type.clone(),
            file_name: None,
            headers: telemetry::facts(&self.service, &self.arrival.headers),
        })
    }

    fn says(&self, status: &Status, inner: &str, location: String) -> Answer {
        spoken(&self.service, &self.id, status, inner, location)
    }
}

/// A Response as it is answered; its payloadID is made of the id of what it answers.
fn spoken(service: &Service, id: &str, status: &Status, inner: &str, location: String) -> Answer {
    spoken_at(service, (id, service.now()), status, inner, location)
}

/// The same, as of a time.
fn spoken_at(service: &Service, (id, at): (&str, Timestamp), status: &Status, inner: &str, location: String) -> Answer {
    let definition = service.rules.library.document("cxml", "1.2", "Response").ok();
    let doctype = definition.and_then(|one| Some(one.markup.as_ref()?.doctype.clone()));
    let doctype = doctype.unwrap_or_else(|| "cXML SYSTEM \"cXML.dtd\"".to_owned());
    let body = cxml::response(&doctype, &format!("{id}@portolan"), &timestamp(at), status, inner);
    let headers = Vec::new();
    Answer { status: ANSWERED, content_type: CONTENT_TYPE.into(), headers, body, location, replayed: false }
}

fn timestamp(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn actor(partner: Option<&str>) -> Actor {
    Actor(partner.map_or("cxml".to_owned(), |partner| format!("cxml:{partner}")))
}

/// The partner who sends, if the credentials are right. The secret comes first: who has not got it learns of nobody.
fn proved(
    directory: &Directory,
    channel: &str,
    policy: &Cxml,
    header: &Header,
    wanted: &[u8],
) -> Result<String, String> {
    let sender = |one: &Credential| -> bool {
        one.secret.as_ref().is_some_and(|secret| verify_slices_are_equal(secret.as_bytes(), wanted).is_ok())
    };
    let brought: Vec<&Credential> = header.sender.iter().filter(|one| sender(one)).collect();
    if wanted.is_empty() || brought.is_empty() {
        let who = all_shown(&header.sender);
        return Err(match header.sender.iter().any(|one| one.secret.is_some()) {
            true => format!("the SharedSecret of Sender {who} is not the one that was agreed on"),
            false => format!("expected a Credential with a SharedSecret in Sender, found {who}"),
        });
    }
    let partner = claimed(directory, channel, header).ok_or_else(|| {
        format!("From: expected a Credential of a partner who may send here, found {}", all_shown(&header.from))
    })?;
    let own = directory.partner(partner).map_or(&[][..], |partner| &partner.party_ids);
    let senders = if policy.senders.is_empty() { own } else { &policy.senders };
    let is_one_of = |ids: &[PartyId], one: &Credential| ids.iter().any(|id| called(one).is_called(id));
    if !brought.iter().any(|one| is_one_of(senders, one)) {
        return Err(format!("Sender: expected who may send for From, found {}", all_shown(&header.sender)));
    }
    if !policy.receivers.is_empty() && !header.to.iter().any(|one| is_one_of(&policy.receivers, one)) {
        let expected: Vec<String> = policy.receivers.iter().map(ToString::to_string).collect();
        return Err(format!("To: expected {}, found {}", expected.join(" or "), all_shown(&header.to)));
    }
    Ok(partner.to_owned())
}

/// The partner that From names, if it may send here.
fn claimed<'d>(directory: &'d Directory, channel: &str, header: &Header) -> Option<&'d str> {
    let from = header.from.iter().filter(|one| !one.identity.is_empty());
    from.into_iter().find_map(|one| directory.sender(channel, called(one), None).ok())
}

fn called(one: &Credential) -> Sender<'_> {
    Sender { syntax: Syntax::Xml, scheme: &one.domain, value: &one.identity }
}

/// Credentials in words, without what proves them.
fn all_shown(all: &[Credential]) -> String {
    let one = |one: &Credential| format!("{}:{}", one.domain, one.identity);
    if all.is_empty() { "none".to_owned() } else { shown(&all.iter().map(one).collect::<Vec<_>>().join(", ")) }
}

/// A stranger's words, shortened.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect()
}

/// The requests that a partner may send over a channel on a day, in one environment or in any.
fn requests(
    directory: &Directory,
    channel: &Channel,
    partner: &str,
    (day, environment): (jiff::civil::Date, Option<Environment>),
) -> Vec<String> {
    let is_agreed = |one: &&crate::partner::Agreement| {
        one.way == Way::In
            && one.partner == partner
            && one.document.starts_with("cxml/")
            && one.is_valid_on(day)
            && environment.is_none_or(|environment| one.environment == environment)
    };
    let agreed = directory.agreements().values().filter(is_agreed);
    let mut all: Vec<String> = agreed.filter_map(|one| one.document.rsplit('/').next()).map(str::to_owned).collect();
    all.extend([PROFILE, UPDATE].map(str::to_owned));
    let punchout = channel.cxml.as_ref().and_then(|cxml| cxml.punchout.as_ref());
    all.extend(punchout.map(|_| PUNCHOUT.to_owned()));
    all.sort();
    all.dedup();
    all
}

fn head(content_type: &str, body: &[u8]) -> Result<Head, Refused> {
    let unfit = |words: String| Refused::new("XML-REFUSED", 406, words);
    let part = cxml::root(content_type, body).map_err(unfit)?.unwrap_or(0..body.len());
    let Some(text) = xml::read(&body[part.clone()], None) else {
        return Err(unfit("expected a cXML document, found what does not begin like XML".to_owned()));
    };
    let header = cxml::header(&text.text);
    if !header.is_cxml {
        return Err(unfit("expected cXML as the root element".to_owned()));
    }
    if header.is_cut {
        let most = xml::ELEMENTS_MAX;
        return Err(unfit(format!("expected at most {most} elements of credentials in the Header, found more")));
    }
    Ok(Head { part, header })
}

/// Holds a document against the standard.
fn look(service: &Service, bytes: &[u8], request: &str) -> Result<Looked, Refused> {
    let rules = &service.rules;
    // Nothing can fail in memory but the limit of a document's size.
    let unfit = |error: std::io::Error| Refused::new("XML-REFUSED", 406, error.to_string());
    let found = identify::look(rules, &rules.library, bytes).map_err(unfit)?.into_iter().next();
    let reports = Inspection::new(&rules.library).whole(bytes, Limits::default()).map_err(unfit)?;
    let documents = reports.iter().flat_map(|report| &report.groups).flat_map(|group| &group.documents);
    let envelopes = reports.iter().flat_map(|report| report.envelope_faults());
    let all = envelopes.chain(documents.flat_map(|document| &document.faults));
    let counts = |fault: &&Diagnostic| fault.severity == Severity::Error && fault.fault.info().effect == Effect::Syntax;
    let unsaid = (request == UPDATE).then(|| cxml::answers(&xml::read(bytes, None)?.text).err()).flatten();
    Ok(Looked {
        kind: found.as_ref().and_then(|found| found.kinds.first().cloned()),
        environment: found.as_ref().map_or(Environment::Production, identify::Found::environment),
        faults: all.filter(counts).map(Diagnostic::message).chain(unsaid).collect(),
    })
}
