//! Documents that wait for company, by an agreement's `gather_minutes` or until the times of its `gather`: how one begins to wait,
//! and how those that wait leave in one interchange. They were made and tried before; the ledger has them until they leave, in one commit.

use super::depart::shares;
use super::route::{Outgoing, Outward, attempt, send};
use super::state::Service;
use crate::clock::Timestamp;
use crate::codec::table::Keys;
use crate::diagnostic::{Diagnostic, Severity};
use crate::store::commit::gather::{Gathering, Refusal};
use crate::store::gathered::{Gathered, NewGathered, of_subject};
use crate::store::job::Job;
use crate::store::{Actor, Result, StoreError};
use crate::tree::DocumentDraft;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// How long documents wait on whose agreement is gone, or does not let them wait any more, before it is looked at again.
const PUT_OFF: Duration = Duration::from_secs(60);

/// When a document that is made now leaves with those that wait, at the latest; `None` where its agreement lets none wait.
#[must_use]
pub fn due_at(service: &Service, outward: Outward<'_>) -> Option<Timestamp> {
    let (profile, now) = (&outward.agreement.envelope, service.now());
    let after = |minutes: u32| now + Duration::from_secs(u64::from(minutes) * 60);
    // A schedule whose calendar is over lets nothing wait for ever.
    let scheduled = |when| service.directory().next_time(when, now).unwrap_or(now);
    profile.gather.as_ref().map(scheduled).or(profile.gather_minutes.map(after))
}

/// A document that begins to wait.
///
/// # Errors
/// Its draft cannot be written down.
pub fn waiting(outward: Outward<'_>, outgoing: &Outgoing, due_at: Timestamp) -> Result<NewGathered> {
    let unfit = |error: serde_json::Error| StoreError::Unfit(format!("a draft for {}: {error}", outward.name));
    Ok(NewGathered {
        agreement: outward.name.to_owned(),
        environment: outward.environment.to_owned(),
        document_id: outgoing.source_id.clone(),
        owner: outgoing.owner.clone(),
        place: place(&outgoing.owner),
        business_number: outgoing.business_number.clone(),
        draft: serde_json::to_vec(&outgoing.draft).map_err(unfit)?,
        size: outgoing.size,
        due_at,
        enough: outward.enough(),
    })
}

/// Owners name the transmission, whose id tells when it came in, the document's number in it, and the agreement. Numbers
/// are written so that they sort as texts.
fn place(owner: &str) -> String {
    owner.split('/').map(|part| format!("{part:0>10}")).collect::<Vec<_>>().join("/")
}

/// Runs a gather job to its end. Writing computes, which does not belong on the runtime's threads.
///
/// # Errors
/// The lease was lost, or the ledger failed; the job is then run again.
pub async fn gather(service: Arc<Service>, job: Job) -> Result<()> {
    let handle = Handle::current();
    let done = tokio::task::spawn_blocking(move || handle.block_on(gathered(&service, &job))).await;
    done.map_err(|error| StoreError::Unfit(format!("gather: {error}")))?
}

/// Lets those leave that are enough or due. Where they cannot be written together, each is tried alone, and those that
/// cannot be written, as after a change of the agreement, fail; the others leave with the next run.
async fn gathered(service: &Service, job: &Job) -> Result<()> {
    let directory = service.directory();
    let of = of_subject(&job.subject).unwrap_or_default();
    let Some(agreement) = directory.agreement(of.0) else {
        tracing::error!(agreement = of.0, "Documents wait under an agreement that is gone; put it back");
        return service.store.put_off(job, service.now() + PUT_OFF).await;
    };
    let outward = Outward { name: of.0, agreement, environment: of.1 };
    let enough = outward.enough();
    // At times of day each leaves at its own, not with those that are late. Otherwise the first that waits decides for all.
    let is_at_times = agreement.envelope.gather.as_ref().is_some_and(|when| when.every.is_none());
    let mut together = service.store.gathered(of, enough, is_at_times.then(|| service.now())).await?;
    let mut outgoing = together.iter().map(restored).collect::<Result<Vec<_>>>()?;
    // One that would be taken for a part of another leaves with the next run.
    let mut keys = Keys::default();
    let alone = outgoing.iter().position(|one| !shares(service, &mut keys, one)).unwrap_or(outgoing.len()).max(1);
    together.truncate(alone);
    outgoing.truncate(alone);
    let mut gathering = Gathering {
        of: (of.0.to_owned(), of.1.to_owned()),
        taken: Vec::new(),
        output: None,
        refused: Vec::new(),
        enough,
    };
    if !outgoing.is_empty() {
        // Tried before any number is taken, so that control numbers have no gaps.
        gathering.refused = refused(service, outward, &together, &outgoing).await;
        if gathering.refused.is_empty() {
            match send(service, outward, outgoing).await? {
                Ok(output) => gathering.output = Some(output),
                Err(findings) => {
                    return Err(StoreError::Unfit(format!("an interchange for {}: {}", of.0, sentence(&findings))));
                }
            }
            gathering.taken = together.into_iter().map(|one| one.gathered_id).collect();
        }
    }
    service.store.gather(job, gathering, &Actor("worker".into()), service.now()).await?;
    service.departing.notify_one();
    Ok(())
}

/// Those that cannot be written any more.
async fn refused(
    service: &Service,
    outward: Outward<'_>,
    together: &[Gathered],
    outgoing: &[Outgoing],
) -> Vec<Refusal> {
    let mut refused = Vec::new();
    for (waited, outgoing) in together.iter().zip(outgoing) {
        let Err(findings) = attempt(service, outward, outgoing).await else { continue };
        let first = findings.iter().find(|one| one.severity == Severity::Error).or(findings.first());
        refused.push(Refusal {
            gathered_id: waited.gathered_id.clone(),
            document_id: waited.document_id.clone(),
            code: first.map(Diagnostic::code).unwrap_or_default(),
            reason: format!("waited for company and cannot be written any more: {}", sentence(&findings)),
        });
    }
    refused
}

fn sentence(findings: &[Diagnostic]) -> String {
    findings.iter().map(Diagnostic::message).collect::<Vec<_>>().join("; ")
}

/// A document as it began to wait.
fn restored(waited: &Gathered) -> Result<Outgoing> {
    let damaged = |error: serde_json::Error| StoreError::Damaged(format!("{}: {error}", waited.gathered_id));
    let draft: DocumentDraft = serde_json::from_slice(&waited.draft).map_err(damaged)?;
    Ok(Outgoing {
        source_id: waited.document_id.clone(),
        owner: waited.owner.clone(),
        business_number: waited.business_number.clone(),
        draft,
        findings: Vec::new(),
        size: waited.size,
        order_key: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_ordered_as_they_came_in() {
        let mut owners = ["tra_02/1/lamps", "tra_01/10/lamps", "tra_01/9/lamps"];
        owners.sort_by_key(|owner| place(owner));
        assert_eq!(owners, ["tra_01/9/lamps", "tra_01/10/lamps", "tra_02/1/lamps"]);
    }
}
