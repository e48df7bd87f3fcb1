//! An act that was planned: begun while the plan holds, then done slice by slice. Asked for again, it goes on where it stopped
//! and does nothing twice.

use super::Unplanned;
use super::plan::{SAMPLES_MAX, Wish, plan, read};
use crate::pipeline::state::Service;
use crate::store::bulk::{Action, BulkAct, BulkItem, Object};
use crate::store::commit::bulk::NewBulk;
use crate::store::{Actor, Micros, StoreError};
use std::sync::Arc;
use tokio::task::JoinError;

/// Those that were refused that an answer shows, at most.
const REFUSED_SHOWN_MAX: u32 = 100;

/// What came of an act.
#[derive(Debug, serde::Serialize)]
pub struct Acted {
    /// The plan's token.
    pub plan: String,
    /// To how many it was done.
    pub done: i64,
    /// To how many it could not be done.
    pub refused: i64,
    /// Those, with the reasons; the first 100.
    pub items: Vec<BulkItem>,
}

/// Does what was planned, once. It is done to the end though whoever asked for it goes away.
///
/// # Errors
/// The plan does not hold any more, or the ledger failed: asked for again, the act goes on where it stopped.
pub async fn act(service: &Arc<Service>, wish: Wish, token: String, actor: Actor) -> Result<Acted, Unplanned> {
    let service = service.clone();
    let work = tokio::spawn(async move { whole(&service, &wish, &token, &actor).await });
    let broken_off = |error: JoinError| StoreError::Unfit(format!("the act broke off: {error}; ask for it again"));
    work.await.map_err(broken_off)?
}

async fn whole(service: &Service, wish: &Wish, token: &str, actor: &Actor) -> Result<Acted, Unplanned> {
    let mut begun = service.store.bulk_act(token).await?;
    if begun.is_none() {
        let tried = begin(service, wish, token, actor).await;
        // Where somebody else began it meanwhile, it is not as it was planned any more, and goes on all the same.
        begun = service.store.bulk_act(token).await?;
        if begun.is_none() {
            tried?;
        }
    }
    if let Some(begun) = begun {
        check_same(&begun, wish)?;
    }
    while service.store.bulk_slice(token, service.now()).await? {
        ring(service, wish.object);
    }
    ring(service, wish.object);
    let counts = service.store.bulk_counts(token).await?;
    let items = service.store.bulk_refused(token, REFUSED_SHOWN_MAX).await?;
    Ok(Acted { plan: token.to_owned(), done: counts.done, refused: counts.refused, items })
}

/// Begins it, if the plan holds.
async fn begin(service: &Service, wish: &Wish, token: &str, actor: &Actor) -> Result<(), Unplanned> {
    let (planned_at, count) = read(token)?;
    let (now, chosen) = plan(service, wish, planned_at).await.map_err(|error| vanished(error, wish, count))?;
    if now.plan != token {
        let changed_since = |at: Micros| at > Micros::from(planned_at);
        let candidates = chosen.candidates.iter();
        let changed = candidates.filter(|one| changed_since(one.changed_at)).map(|one| one.id.clone()).collect();
        return Err(Unplanned::Changed(difference(count, now.count, now.able, changed)));
    }
    let new = NewBulk {
        bulk_act_id: token.to_owned(),
        object: wish.object,
        action: wish.action,
        reason: wish.reason.clone(),
        as_partner: wish.as_partner.clone(),
        wish: wish.digest(),
        items: now.items,
    };
    service.store.bulk_begin(new, actor, service.now()).await?;
    if matches!(wish.action, Action::Resubmit | Action::Release) {
        let directory = service.directory();
        now.channels.iter().for_each(|over| service.pace.hasten(&directory, &over.channel));
    }
    Ok(())
}

/// What was begun goes on early, while the rest is done.
fn ring(service: &Service, object: Object) {
    match object {
        Object::Delivery => service.departing.notify_one(),
        Object::Transmission => service.arrived.notify_one(),
    }
}

/// An act that was begun goes on for whoever asks for the same.
fn check_same(begun: &BulkAct, wish: &Wish) -> Result<(), Unplanned> {
    if begun.wish == wish.digest() {
        return Ok(());
    }
    let (action, object, reason) = (begun.action, begun.object, &begun.reason);
    Err(Unplanned::Changed(format!(
        "this plan was begun as {action} of each {object}, with the reason {reason:?}; expected the same action, selection, \
         reason and as, found others; ask for the same, or plan again"
    )))
}

/// Of a group that was planned and is not there any more everything changed.
fn vanished(error: Unplanned, wish: &Wish, planned: usize) -> Unplanned {
    match (error, &wish.selection.group) {
        (Unplanned::Store(StoreError::NotFound { .. }), Some(group)) => Unplanned::Changed(format!(
            "the selection changed since the plan: {planned} were planned, now nothing is left in group {group}; nothing \
             was done, plan again"
        )),
        (error, _) => error,
    }
}

/// What is different now, in words.
fn difference(planned: usize, count: usize, able: usize, changed: Vec<String>) -> String {
    let stayed = count.saturating_sub(changed.len());
    let mut words = format!("the selection changed since the plan: {planned} were planned, now there are {count}");
    if !changed.is_empty() {
        let shown = changed.iter().take(SAMPLES_MAX).cloned().collect::<Vec<_>>().join(", ");
        let more = if changed.len() > SAMPLES_MAX { " …" } else { "" };
        words.push_str(&format!("; {} came to it or changed since: {shown}{more}", changed.len()));
    }
    if stayed < planned {
        words.push_str(&format!("; {} are not what they were", planned - stayed));
    }
    if changed.is_empty() && stayed == planned {
        words.push_str("; where it goes, what keeps it from going, or what may have arrived is not what it was");
    }
    words.push_str(&format!("; it can be done to {able}; nothing was done, plan again"));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn err_a_plan_that_does_not_hold_says_what_changed() {
        assert_eq!(
            difference(3, 4, 4, vec!["del_4".into()]),
            "the selection changed since the plan: 3 were planned, now there are 4; 1 came to it or changed since: \
             del_4; it can be done to 4; nothing was done, plan again"
        );
        assert!(difference(3, 2, 2, Vec::new()).contains("; 1 are not what they were;"));
        assert!(difference(3, 3, 3, Vec::new()).contains("; where it goes, what keeps it from going,"));
        assert!(read("plan_1_2_x").is_err() && read("").is_err());
        let (at, count) = read("plan_1800000000000000_12_0123456789abcdef0123456789abcdef").expect("a token");
        assert_eq!((at.as_second(), count), (1_800_000_000, 12));
    }
}
