//! A request of cXML whose channel says `answer`: its Response waits for what comes of it. What the other side answered stands in
//! the Response behind its Status, in words of cXML as the agreement back says; a refusal, or none in time, is a Status.
//!
//! How a call waits is `pipeline/live`'s; what is said of it without cXML is told there too.

use super::super::live;
use super::super::state::Service;
use crate::clock::Timestamp;
use crate::codec::cxml::{self, Status};
use crate::id::made_at;
use crate::partner::AnswerPolicy;
use crate::transport::http::receive::{Answer, Refusal};
use serde_json::Value;
use std::sync::Arc;

/// What a call of cXML gets: the Status, and what stands behind it.
pub(super) struct Outcome {
    /// The Status.
    pub status: Status,
    /// The element that is the answer of the other side; empty where there is none.
    pub inner: String,
    /// When the request came: the same for whoever asks again.
    pub at: Timestamp,
    /// The transmission that is answered.
    pub origin: String,
    /// Where it is shown.
    pub location: String,
    /// Whether the same came before.
    pub is_repeat: bool,
}

/// Waits for what comes of a request that is in the ledger.
pub(super) async fn outcome(
    service: &Arc<Service>,
    (channel, policy): (&str, &AnswerPolicy),
    (origin, payload_id): (&str, &str),
    is_repeat: bool,
) -> Outcome {
    let at = made_at(origin).unwrap_or_else(|| service.now());
    let said = |status: Status, inner: String, location: String| Outcome {
        status,
        inner,
        at,
        origin: origin.to_owned(),
        location,
        is_repeat,
    };
    match live::answer(service, (channel, policy), origin, is_repeat).await {
        Ok(Answer { status: 200, content_type, body, location, .. }) => match cxml::payload(&content_type, &body) {
            Some(inner) => said(Status { code: 200, words: format!("the answer to {payload_id}") }, inner, location),
            None => {
                let words = format!("the answer to {payload_id} is no cXML; ask us with the number {origin}");
                said(Status { code: 500, words }, String::new(), location)
            }
        },
        Ok(answer) => {
            let code = code(answer.status, &word(&answer.body, "code"));
            let status = Status { code, words: words(&answer, payload_id, policy) };
            said(status, String::new(), answer.location)
        }
        Err(Refusal { detail, .. }) => said(Status { code: 560, words: detail }, String::new(), String::new()),
    }
}

/// The Status for a call that has no place to wait: nothing of it is kept.
pub(super) fn busy(refusal: Refusal) -> Status {
    Status { code: 560, words: refusal.detail }
}

fn word(body: &[u8], key: &str) -> String {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    said[key].as_str().unwrap_or_default().to_owned()
}

/// The code of a Status (cXML User's Guide, Status) for the status of a call.
fn code(status: u16, word: &str) -> u16 {
    match (status, word) {
        // Taken, and no answer comes of it by itself.
        (202, _) => 201,
        (409, _) => 409,
        (422, _) => 406,
        (502, "NOT-DELIVERED") => 551,
        (502, _) => 500,
        // None in time: the same again gets it when it is there.
        (504, _) => 550,
        _ => 560,
    }
}

fn words(answer: &Answer, payload_id: &str, policy: &AnswerPolicy) -> String {
    let (detail, code) = (word(&answer.body, "detail"), word(&answer.body, "code"));
    match (answer.status, code.as_str()) {
        (202, "") => format!("{payload_id} is taken, and nothing comes back in this call"),
        (202, code) => format!("{payload_id} is taken, and waits: {code}"),
        (504, _) if policy.late.is_some() => format!("no answer to {payload_id} in time; it comes later by itself"),
        (504, _) => format!(
            "no answer to {payload_id} in time; send it again with the same payloadID to get it when it is there"
        ),
        _ => format!("{payload_id}: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_call_is_a_status_of_cxml() {
        let said = code;
        assert_eq!((said(202, ""), said(409, "INTERCHANGE-DUPLICATE"), said(422, "X")), (201, 409, 406));
        assert_eq!((said(502, "NOT-DELIVERED"), said(502, "ANSWER-UNFIT")), (551, 500));
        assert_eq!((said(503, "BUSY"), said(504, "ANSWER-LATE")), (560, 550));
    }
}
