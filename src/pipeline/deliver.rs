//! One attempt of a delivery: `sending` on disk, the post, and what came of it on disk.

use super::state::Service;
use crate::partner::{Channel, SecretOrText};
use crate::store::commit::deliver::{AttemptEnd, AttemptFacts};
use crate::store::job::Job;
use crate::store::{Result, StoreError};
use crate::transport::http::send::{Outcome, Post};
use std::time::Duration;

/// What an attempt tells about its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The other side answered sensibly.
    Yes,
    /// It could not be reached or is in trouble.
    No,
    /// Nothing was tried.
    Untold,
}

/// Runs a deliver job once.
///
/// # Errors
/// The lease was lost, or the ledger failed; the job is then run again, under the same key.
pub async fn deliver(service: &Service, job: &Job) -> Result<Reached> {
    let now = service.now();
    let delivery = service.store.delivery(&job.subject).await?;
    if job.is_poison() {
        let reason = format!("it took its worker down {} times", job.losses);
        service.store.deliver_park(job, "POISON", &reason, now).await?;
        return Ok(Reached::Untold);
    }
    let directory = service.directory();
    let Some((channel, url)) = directory.channel(&delivery.channel).and_then(|one| Some((one, one.url.clone()?)))
    else {
        let reason = format!("channel {} is gone; add it again, then resubmit", delivery.channel);
        service.store.deliver_park(job, "CHANNEL-MISSING", &reason, now).await?;
        return Ok(Reached::Untold);
    };
    let headers = match headers(service, channel).await {
        Ok(headers) => headers,
        Err((name, error)) if error.is_lasting() => {
            let reason = format!("secret {name} is not set; set it with `portolan secret set {name}`, then resubmit");
            service.store.deliver_park(job, "SECRET-MISSING", &reason, now).await?;
            return Ok(Reached::Untold);
        }
        Err((_, error)) => return Err(error),
    };
    let transmission = service.store.transmission(&delivery.transmission_id).await?;
    let bytes = match service.store.read_payload(&transmission.payload_id).await {
        Ok(bytes) => bytes,
        Err(error) if !error.is_lasting() => return Err(error),
        Err(error) => {
            let reason = format!("its bytes cannot be read: {error}");
            service.store.deliver_park(job, "STORAGE", &reason, now).await?;
            return Ok(Reached::Untold);
        }
    };
    let sending = service.store.deliver_sending(job, &url, now).await?;
    let post = Post {
        url,
        key: sending.key.clone(),
        content_type: transmission.content_type,
        headers,
        bytes,
        allowed: channel.allow_networks.iter().filter_map(|text| text.parse().ok()).collect(),
        patience: Duration::from_secs(service.config.delivery.attempt_seconds),
    };
    let outcome = service.sender.send(post).await;
    let reached = match &outcome {
        Outcome::Delivered { .. } | Outcome::Permanent { .. } => Reached::Yes,
        Outcome::Transient { .. } | Outcome::Uncertain { .. } => Reached::No,
    };
    let hold = sending.on_uncertain == "hold";
    let (end, facts) = end(service, &outcome, sending.attempts, hold);
    let word = outcome_word(&outcome);
    tracing::info!(
        delivery.id = sending.delivery_id,
        delivery.channel = sending.channel,
        attempt = sending.attempts,
        outcome = word,
        "Attempted"
    );
    metrics::counter!("portolan_attempts_total", "outcome" => word).increment(1);
    service.store.deliver_result(job, end, facts, service.now()).await?;
    Ok(reached)
}

/// The channel's headers with their secrets; else the secret that could not be had, and why.
async fn headers(
    service: &Service,
    channel: &Channel,
) -> std::result::Result<Vec<(String, String)>, (String, StoreError)> {
    let mut found = Vec::new();
    for (name, value) in &channel.headers {
        let value = match value {
            SecretOrText::Text(text) => text.clone(),
            SecretOrText::Secret(secret) => {
                let bytes =
                    service.store.secret(&secret.secret).await.map_err(|error| (secret.secret.clone(), error))?;
                String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()
            }
        };
        found.push((name.clone(), value));
    }
    Ok(found)
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered { .. } => "delivered",
        Outcome::Transient { .. } => "transient",
        Outcome::Permanent { .. } => "permanent",
        Outcome::Uncertain { .. } => "uncertain",
    }
}

/// What an outcome leads to, given how often it was tried.
fn end(service: &Service, outcome: &Outcome, attempt: i64, hold: bool) -> (AttemptEnd, AttemptFacts) {
    let facts = |status: Option<u16>, code: &str, reason: &str| AttemptFacts {
        status,
        code: Some(status.map_or_else(|| code.to_owned(), |status| format!("HTTP-{status}"))),
        detail: Some(reason.to_owned()),
    };
    let later = |asked| service.retry_delay(attempt, asked).map(|delay| service.now() + delay);
    match outcome {
        Outcome::Delivered { status } => {
            (AttemptEnd::Delivered, AttemptFacts { status: Some(*status), ..AttemptFacts::default() })
        }
        Outcome::Permanent { status, reason } => (AttemptEnd::Park, facts(*status, "REFUSED", reason)),
        Outcome::Transient { status, reason, retry_after } => match later(*retry_after) {
            Some(at) => (AttemptEnd::Retry(at), facts(*status, "NOT-REACHED", reason)),
            None => (AttemptEnd::Park, facts(*status, "RETRIES-SPENT", &format!("{reason}; all retries are spent"))),
        },
        Outcome::Uncertain { reason } if hold => (AttemptEnd::Hold, facts(None, "UNCERTAIN", reason)),
        Outcome::Uncertain { reason } => match later(None) {
            Some(at) => (AttemptEnd::Uncertain(at), facts(None, "UNCERTAIN", reason)),
            None => (AttemptEnd::Park, facts(None, "RETRIES-SPENT", &format!("{reason}; all retries are spent"))),
        },
    }
}
