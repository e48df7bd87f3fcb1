//! What came of a call, as the ledger has it: what was asked, what came back, and what was handed over.

use super::*;
use portolan::store::call::{HandedOver, NewAnswer};
use std::collections::BTreeSet;

async fn what_is_answered_is_kept_with_the_delivery_that_asked(ground: Ground) {
    let store = fresh(&ground).await;
    let (source, _, asked) = translated(&store, "1").await;
    let origin = store.document(&source).await.expect("it").transmission_id;
    let out = store.delivery(&asked).await.expect("it").transmission_id;
    assert_eq!(store.origin_of(&out).await.expect("a query"), Some((origin.clone(), 0)));
    assert!(store.lease_of(JobKind::Translate, &origin, &[], at(2)).await.expect("a lease").is_none(), "it is done");
    let job = store.lease_of(JobKind::Deliver, &asked, &[], at(2)).await.expect("a lease").expect("a job");
    assert!(store.lease_of(JobKind::Deliver, &asked, &[], at(2)).await.expect("a lease").is_none(), "somebody has it");
    store.deliver_sending(&job, "http://acme", at(2)).await.expect("sending");
    let transmission = transmission(&store, Direction::In, b"the answer").await;
    let answer = transmission.transmission_id.clone();
    let facts =
        AttemptFacts { answer: Some(NewAnswer { transmission, origin_id: origin.clone() }), ..AttemptFacts::default() };
    store.deliver_result(&job, AttemptEnd::Delivered, facts, at(3)).await.expect("a result");
    assert_eq!(store.answers_delivery(&answer).await.expect("a query"), Some(asked.clone()));
    assert_eq!(store.origin_of(&out).await.expect("a query"), Some((origin.clone(), 1)));
    assert!(store.lease_of(JobKind::Translate, &answer, &[], at(4)).await.expect("a lease").is_some(), "it goes on");
    let course = store.course(&origin).await.expect("it");
    let received: BTreeSet<&str> = course.received.iter().map(|one| one.transmission_id.as_str()).collect();
    assert_eq!(received, [origin.as_str(), answer.as_str()].into());
    assert_eq!(course.deliveries.iter().map(|one| one.delivery_id.as_str()).collect::<Vec<_>>(), [asked.as_str()]);
}

async fn what_is_handed_over_is_delivered_once_whoever_was_about_to_send_it(ground: Ground) {
    let store = fresh(&ground).await;
    let (source, _, leased) = translated(&store, "1").await;
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a worker has it");
    for now in [at(3), at(4)] {
        store.hand_over(&leased, "the call", now).await.expect("handed over");
    }
    assert_eq!(store.document(&source).await.expect("it").delivery.as_deref(), Some("delivered"));
    assert_eq!(store.attempts(&leased).await.expect("attempts").len(), 1);
    assert!(matches!(store.give_back(&job, at(5)).await, Err(StoreError::LeaseLost(_))), "the worker learns of it");
    let (_, _, parked) = translated(&store, "2").await;
    let job = lease(&store, JobKind::Deliver, at(5)).await.expect("a worker has it");
    store.deliver_park(&job, "ANSWER-LATE", "nobody waits", at(5)).await.expect("parked");
    store.hand_over(&parked, "the call", at(6)).await.expect("handed over");
    let (_, _, cancelled) = translated(&store, "3").await;
    let actor = Actor("user:ann".into());
    store.steer_delivery(&cancelled, DeliveryState::Cancelled, "no", &actor, at(7)).await.expect("cancelled");
    let done = store.hand_over(&cancelled, "the call", at(8)).await;
    assert!(matches!(done, Err(StoreError::WrongState { .. })), "{done:?}");
}

async fn what_leaves_already_is_not_delivered_again_by_the_call(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, _, leaving) = translated(&store, "1").await;
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a worker has it");
    assert!(store.deliver_sending(&job, "http://late", at(2)).await.is_ok());
    assert_eq!(store.hand_over(&leaving, "the call", at(3)).await.expect("the bytes"), HandedOver::Before);
    let end = AttemptEnd::Uncertain(at(60));
    store.deliver_result(&job, end, AttemptFacts::default(), at(4)).await.expect("the worker has it still");
    assert_eq!(store.hand_over(&leaving, "the call", at(5)).await.expect("the bytes"), HandedOver::Before);
    assert_eq!(store.attempts(&leaving).await.expect("attempts").len(), 1, "one attempt, the worker's");
    assert_eq!(store.delivery(&leaving).await.expect("it").state, "uncertain");
}

async fn what_was_resubmitted_is_handed_over_to_nobody(ground: Ground) {
    let store = fresh(&ground).await;
    let (source, _, parked) = translated(&store, "1").await;
    let origin = store.document(&source).await.expect("it").transmission_id;
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a worker has it");
    store.deliver_park(&job, "ANSWER-LATE", "nobody waits", at(2)).await.expect("parked");
    let actor = Actor("user:ann".into());
    let later = store.resubmit(&parked, &actor, at(3)).await.expect("resubmitted");
    let course = store.course(&origin).await.expect("it");
    assert_eq!(course.deliveries.iter().map(|one| &one.delivery_id).collect::<Vec<_>>(), [&later]);
    assert_eq!(store.hand_over(&parked, "the call", at(4)).await.expect("a look"), HandedOver::Replaced);
    assert_eq!(store.delivery(&parked).await.expect("it").state, "parked");
    assert_eq!(store.hand_over(&later, "the call", at(5)).await.expect("handed over"), HandedOver::Now);
    assert_eq!(store.document(&source).await.expect("it").delivery.as_deref(), Some("delivered"));
}

/// The clock may be set forward while a call or a worker has a job.
async fn what_is_at_work_here_is_not_leased_again_when_its_lease_ran_out(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, _, asked) = translated(&store, "1").await;
    let job = store.lease_of(JobKind::Deliver, &asked, &[], at(2)).await.expect("a lease").expect("a job");
    let many = (0..2000).map(|at| format!("job_{at}")).chain([job.job_id.clone()]).collect::<Vec<_>>();
    let later = at(3600);
    assert!(store.lease_of(JobKind::Deliver, &asked, &many, later).await.expect("a look").is_none());
    assert!(store.lease(JobKind::Deliver, 1, &many, later).await.expect("a look").is_empty());
    assert!(due(&store, 1, &many, later).await.is_empty());
    let job = store.lease_of(JobKind::Deliver, &asked, &many[..2000], later).await.expect("a lease");
    assert_eq!(job.expect("nobody has it here").losses, 1);
}

on_every_database![
    what_is_answered_is_kept_with_the_delivery_that_asked,
    what_is_handed_over_is_delivered_once_whoever_was_about_to_send_it,
    what_leaves_already_is_not_delivered_again_by_the_call,
    what_was_resubmitted_is_handed_over_to_nobody,
    what_is_at_work_here_is_not_leased_again_when_its_lease_ran_out,
];
