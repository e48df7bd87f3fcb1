//! What is held earns no acknowledgment yet, while its sender's clock runs: which of it needs a person before that clock
//! ends. Only told here; who is alarmed is another's to say.

use super::state::Service;
use crate::clock::Timestamp;
use crate::store::Micros;
use crate::store::Result;
use crate::store::transmission::Transmission;
use serde::Serialize;
use std::time::Duration;

/// So long before the clock ends the alarm begins; a shorter clock alarms at once.
const ALARM_BEFORE: Duration = Duration::from_secs(6 * 60 * 60);

/// How urgent an answer is that a held transmission keeps back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// There is time.
    Waiting,
    /// The clock ends within hours.
    Alarm,
    /// It has ended: the sender may take the interchange for lost.
    Overdue,
}

impl Urgency {
    /// All, in order.
    pub const ALL: [Urgency; 3] = [Urgency::Waiting, Urgency::Alarm, Urgency::Overdue];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Alarm => "alarm",
            Self::Overdue => "overdue",
        }
    }
}

/// A held transmission and when its sender's clock ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unanswered {
    /// What is held.
    pub transmission_id: String,
    /// Why: a stable word.
    pub code: Option<String>,
    /// When the clock ends.
    pub answer_due_at: Micros,
    /// How urgent it is now.
    pub urgency: Urgency,
}

/// What is held without an answer, the most urgent first.
///
/// # Errors
/// The database failed.
pub async fn unanswered(service: &Service) -> Result<Vec<Unanswered>> {
    let (directory, now) = (service.directory(), service.now());
    let mut found = Vec::new();
    // What came as cXML was answered in its call.
    let waits = |held: &Transmission| directory.channel(&held.channel).is_none_or(|channel| channel.cxml.is_none());
    for held in service.store.held().await?.into_iter().filter(waits) {
        let clock = Duration::from_secs(u64::from(directory.ack_clock(&held.channel)) * 60);
        let due = held.created_at.timestamp() + clock;
        found.push(Unanswered {
            transmission_id: held.transmission_id,
            code: held.code,
            answer_due_at: due.into(),
            urgency: urgency(due, now),
        });
    }
    found.sort_by_key(|one| one.answer_due_at);
    Ok(found)
}

fn urgency(due: Timestamp, now: Timestamp) -> Urgency {
    if now >= due {
        Urgency::Overdue
    } else if now + ALARM_BEFORE >= due {
        Urgency::Alarm
    } else {
        Urgency::Waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_comes_before_the_clock_ends() {
        let hours = |hours: u64| Timestamp::UNIX_EPOCH + Duration::from_secs(hours * 3600);
        let due = hours(24);
        assert_eq!(urgency(due, hours(0)), Urgency::Waiting);
        assert_eq!(urgency(due, hours(17)), Urgency::Waiting);
        assert_eq!(urgency(due, hours(18)), Urgency::Alarm);
        assert_eq!(urgency(due, hours(24)), Urgency::Overdue);
    }
}
