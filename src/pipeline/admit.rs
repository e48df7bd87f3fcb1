//! Whether an interchange is let in: who sent it, under which agreements, whether it is for us, and whether it came
//! before. Nothing is written here.

use super::acknowledge::governing;
use super::answer;
use super::identify::{Found, Identified, identify};
use super::state::Service;
use super::translate::RELEASED;
use super::whole::Incomplete;
use crate::diagnostic::{Diagnostic, Effect, Fault, Position, Severity, Syntax};
use crate::partner::{Agreement, Duplicate, DuplicateKey, Held, PartyId};
use crate::store::StoreError;
use crate::store::interchange::Interchange;
use crate::store::transmission::Transmission;
use std::collections::BTreeMap;
use std::time::Duration;

/// An interchange that is let in.
pub struct Open {
    /// What its envelope says.
    pub found: Found,
    /// Whose it is.
    pub identified: Identified,
    /// Its id in the ledger.
    pub interchange_id: String,
    /// Its row is written.
    pub is_written: bool,
    /// The interchange it repeats, if any.
    pub repeat: Option<Repeated>,
    /// By what it is told from others, and since when.
    pub key: (String, Option<crate::clock::Timestamp>),
    /// Another transmission's under that key was there.
    pub was_seen: bool,
    /// What is wrong with it in the eyes of the agreement, not in its bytes.
    pub noted: Vec<Diagnostic>,
    /// Findings of guide or business, by group and document, where they may move the acknowledgment.
    pub further: BTreeMap<(u32, u32), Vec<Diagnostic>>,
    /// How far the acknowledgment's rejections reach.
    pub reach: Effect,
    /// Why none of its documents goes on, where that was agreed.
    pub incomplete: Option<Incomplete>,
}

/// The interchange that came before, and what follows from it.
pub struct Repeated {
    /// The first one's interchange and transmission; `None` where the system before this one had it.
    pub first: Option<[String; 2]>,
    /// Where it was seen, in words.
    pub seen_in: String,
    /// What follows.
    pub way: RepeatWay,
}

/// What becomes of an interchange that came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatWay {
    /// It goes no further, and the sender is told that it came before.
    Refused,
    /// It goes no further, and the sender gets the first answer again.
    Answered,
    /// It is processed like a first one.
    Processed,
    /// A person let it go on: it is processed, and its groups are not answered a second time.
    Released,
}

impl Open {
    /// It came before and goes no further.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.repeat_way().is_some_and(|way| matches!(way, RepeatWay::Refused | RepeatWay::Answered))
    }

    /// What becomes of it as a repeat, when it is one.
    #[must_use]
    pub fn repeat_way(&self) -> Option<RepeatWay> {
        self.repeat.as_ref().map(|repeat| repeat.way)
    }
}

/// Why an interchange is not let in.
pub enum AdmitError {
    /// It waits, for a person or for another configuration.
    Held(Held),
    /// The ledger failed.
    Store(StoreError),
}

impl From<Held> for AdmitError {
    fn from(held: Held) -> Self {
        AdmitError::Held(held)
    }
}

impl From<StoreError> for AdmitError {
    fn from(error: StoreError) -> Self {
        AdmitError::Store(error)
    }
}

/// Looks an interchange of a transmission over.
///
/// # Errors
/// It has to wait, or the ledger failed.
pub async fn admit(
    service: &Service,
    transmission: &Transmission,
    mut found: Found,
) -> std::result::Result<Open, AdmitError> {
    let directory = service.directory();
    let released = transmission.reason.as_deref() == Some(RELEASED);
    // Over a channel of cXML the partner has proved who it is, by whichever of its credentials.
    let is_proved = directory.channel(&transmission.channel).is_some_and(|channel| channel.cxml.is_some());
    let released_as = transmission.partner.as_deref().filter(|_| released || is_proved);
    let day = service.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let identified = identify(&directory, &transmission.channel, &found, (released_as, day), |kind| {
        !answer::is_advice(&service.rules, kind)
    })?;
    let agreement = governing(&directory, &found, &identified);
    let rows = service.store.interchanges(&transmission.transmission_id).await?;
    let row = rows.iter().find(|row| row.number == i64::from(found.number));
    let key = key(service, &found, agreement);
    let earlier = service.store.interchange_by_key(&key.0, &found.digest, key.1).await?;
    let earlier = earlier.filter(|earlier| earlier.transmission_id != transmission.transmission_id);
    let was_seen = earlier.is_some();
    let rule = agreement.map_or(Duplicate::Reject, |agreement| agreement.duplicate);
    let seen = match &earlier {
        None if row.is_none() && !released => service.store.seen_before(&key.0).await?,
        _ => None,
    };
    let repeat = match (earlier, seen) {
        (Some(earlier), _) => repeated(&found, earlier, rule, released)?,
        (None, Some(note)) => seen_elsewhere(&found, note, rule)?,
        (None, None) => None,
    };
    let mut noted: Vec<Diagnostic> = agreement.and_then(|agreement| not_ours(&found, agreement)).into_iter().collect();
    noted.extend(repeat.as_ref().and_then(|repeat| came_again(&found, repeat, rule)));
    found.faults.extend(noted.iter().cloned());
    let reach = agreement.and_then(|agreement| agreement.ack.as_ref()).map(super::acknowledge::choice);
    let interchange_id =
        row.map_or_else(|| service.store.new_id("int", service.now()), |row| row.interchange_id.clone());
    Ok(Open {
        found,
        identified,
        interchange_id,
        is_written: row.is_some(),
        repeat,
        key,
        was_seen,
        noted,
        further: BTreeMap::new(),
        reach: reach.and_then(|choice| choice.reach).unwrap_or(Effect::Syntax),
        incomplete: None,
    })
}

/// What must not come twice, and since when it is remembered.
fn key(service: &Service, found: &Found, agreement: Option<&Agreement>) -> (String, Option<crate::clock::Timestamp>) {
    let days = agreement.and_then(|agreement| agreement.duplicate_window_days);
    let since = days.map(|days| service.now() - Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    let key = match agreement.map(|agreement| agreement.duplicate_key).unwrap_or_default() {
        DuplicateKey::ControlNumber => found.business_key(),
        DuplicateKey::Content => found.content_key(),
    };
    (key, since)
}

/// What becomes of an interchange under a key that came before. Other content under the same number is no repeat: it
/// waits for a person unless the agreement lets all of them in.
fn repeated(
    found: &Found,
    earlier: Interchange,
    rule: Duplicate,
    released: bool,
) -> std::result::Result<Option<Repeated>, Held> {
    let same = earlier.digest == found.digest;
    let way = match rule {
        _ if released && same => RepeatWay::Released,
        _ if released => return Ok(None),
        Duplicate::Allow | Duplicate::Warn => RepeatWay::Processed,
        Duplicate::Hold => return Err(held(found, &earlier.transmission_id, same)),
        _ if !same => return Err(held(found, &earlier.transmission_id, same)),
        Duplicate::Reject => RepeatWay::Refused,
        Duplicate::Answer => RepeatWay::Answered,
    };
    let Interchange { interchange_id, transmission_id, .. } = earlier;
    let seen_in = transmission_id.clone();
    Ok(Some(Repeated { first: Some([interchange_id, transmission_id]), seen_in, way }))
}

/// What becomes of an interchange that the system before this one took: there is no first answer to give again.
fn seen_elsewhere(found: &Found, note: String, rule: Duplicate) -> std::result::Result<Option<Repeated>, Held> {
    let way = match rule {
        Duplicate::Allow | Duplicate::Warn => RepeatWay::Processed,
        Duplicate::Hold => return Err(held(found, &note, true)),
        Duplicate::Reject | Duplicate::Answer => RepeatWay::Refused,
    };
    Ok(Some(Repeated { first: None, seen_in: note, way }))
}

fn held(found: &Found, earlier: &str, same: bool) -> Held {
    let number = &found.envelope.interchange_control_number;
    if same {
        let reason = format!("interchange {number} came before, in {earlier}; release it to process it again");
        return Held { code: "INTERCHANGE-DUPLICATE", reason };
    }
    let reason = format!(
        "interchange number {number} came before in {earlier}, with other content; ask the sender which one counts, \
         then release or reject this one"
    );
    Held { code: "INTERCHANGE-NUMBER-REUSED", reason }
}

/// The finding that it came before, for those who are told: an error where it goes no further, else a warning.
fn came_again(found: &Found, repeat: &Repeated, rule: Duplicate) -> Option<Diagnostic> {
    let severity = match (repeat.way, rule) {
        (RepeatWay::Refused, _) => Severity::Error,
        (RepeatWay::Processed, Duplicate::Warn) => Severity::Warning,
        _ => return None,
    };
    let number = &found.envelope.interchange_control_number;
    let said = format!("\"{number}\" again, first in {}", repeat.seen_in);
    let finding = header_finding(found.syntax, Fault::InterchangeDuplicate, (13, 5));
    Some(finding.severity(severity).because("a control number of its own", said))
}

/// The finding that another receiver is named than the agreement's, where the agreement names one.
fn not_ours(found: &Found, agreement: &Agreement) -> Option<Diagnostic> {
    let PartyId { scheme, value } = agreement.envelope.receiver.as_ref()?;
    let named = &found.envelope.receiver;
    let fits = *value == named.value.trim() && scheme.as_ref().is_none_or(|scheme| scheme == named.scheme.trim());
    if fits {
        return None;
    }
    let expected = agreement.envelope.receiver.as_ref().map(ToString::to_string).unwrap_or_default();
    let said = format!("{}:{}", named.scheme.trim(), named.value.trim());
    Some(header_finding(found.syntax, Fault::InterchangeReceiver, (8, 3)).because(expected, said))
}

/// A finding about an element of ISA, or of UNB.
fn header_finding(syntax: Syntax, fault: Fault, (x12, edifact): (u16, u16)) -> Diagnostic {
    let (tag, element) = if syntax == Syntax::X12 { ("ISA", x12) } else { ("UNB", edifact) };
    let position = Position { segment: 1, element, ..Position::default() };
    Diagnostic::new(syntax, fault).place(format!("{tag}.{element:02}"), tag, position)
}
