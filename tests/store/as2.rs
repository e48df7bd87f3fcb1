//! Messages of AS2 that went out: receipts count for whatever was sent, however it was given up, and what may have arrived goes
//! again under its Message-ID.

use super::*;
use portolan::store::as2::{Matched, NewMessage, RECEIPT_MISSING, RECEIPT_REFUSED, Verdict};

/// A delivery whose message is sealed and being sent: its id, and the job.
async fn sending(store: &Store, control_number: &str) -> (String, Job) {
    let (_, _, delivery_id) = translated(store, control_number).await;
    let job = lease(store, JobKind::Deliver, at(1)).await.expect("a delivery");
    let new = NewMessage {
        content: store.content(control_number.as_bytes(), at(1)).await.expect("content"),
        clear: None,
        joined: None,
        headers: "[]".into(),
        digest: "sha-256".into(),
        mic: vec![7],
        also_mic: None,
        signed_by: None,
        pair: ("US".into(), "THEM".into()),
    };
    store.keep_as2_message(&job, new, at(1)).await.expect("kept");
    store.deliver_sending(&job, "x", at(1)).await.expect("sending");
    (delivery_id, job)
}

async fn ended(store: &Store, job: &Job, end: AttemptEnd, code: &str) {
    let facts = AttemptFacts { code: Some(code.into()), ..AttemptFacts::default() };
    store.deliver_result(job, end, facts, at(2)).await.expect("ended");
}

async fn came(store: &Store, delivery_id: &str, verdict: Verdict) -> Matched {
    store.receipt_came(delivery_id, verdict, b"receipt".to_vec(), &Actor::system(), at(3)).await.expect("taken")
}

async fn state(store: &Store, delivery_id: &str) -> String {
    store.delivery(delivery_id).await.expect("it").state
}

async fn what_may_have_arrived_goes_again_under_its_key(ground: Ground) {
    let store = fresh(&ground).await;
    let (first, job) = sending(&store, "000000001").await;
    ended(&store, &job, AttemptEnd::Park, RECEIPT_MISSING).await;
    let key = store.delivery(&first).await.expect("it").key;
    let message = store.as2_message(&first).await.expect("a look").expect("it is sealed");
    let mut last = first;
    for _ in 0..2 {
        let next = store.resubmit(&last, &Actor::system(), at(3)).await.expect("resubmitted");
        assert_eq!(store.delivery(&next).await.expect("it").key, key);
        assert_eq!(store.delivery_of_key(&key).await.expect("a look").expect("it").delivery_id, next);
        assert!(store.delivery(&last).await.expect("it").key.starts_with(&format!("{key}/")), "it gave its key away");
        let taken_over = store.as2_message(&next).await.expect("a look").expect("it has the message");
        assert_eq!((taken_over.payload_id, taken_over.mic), (message.payload_id.clone(), message.mic.clone()));
        // Its own receipt is of the delivery that has the key.
        assert_eq!(came(&store, &last, Verdict::Proved).await, Matched::Late(DeliveryState::Parked));
        let job = lease(&store, JobKind::Deliver, at(3)).await.expect("a delivery");
        store.deliver_sending(&job, "x", at(3)).await.expect("sending");
        ended(&store, &job, AttemptEnd::Park, RECEIPT_MISSING).await;
        last = next;
    }
    assert_eq!(came(&store, &last, Verdict::Proved).await, Matched::Ended);
    assert_eq!(state(&store, &last).await, "delivered");

    let (refused, job) = sending(&store, "000000002").await;
    ended(&store, &job, AttemptEnd::Park, RECEIPT_REFUSED).await;
    let anew = store.resubmit(&refused, &Actor::system(), at(3)).await.expect("resubmitted");
    assert_eq!(store.delivery(&anew).await.expect("it").key, anew);
    assert!(store.as2_message(&anew).await.expect("a look").is_none(), "it is sealed anew");
}

async fn a_receipt_counts_for_whatever_was_sent(ground: Ground) {
    let store = fresh(&ground).await;
    let cases = [(AttemptEnd::Hold, "UNCERTAIN"), (AttemptEnd::Park, "HTTP-400"), (AttemptEnd::Park, RECEIPT_MISSING)];
    for (number, (end, code)) in (1..).zip(cases) {
        let (delivery_id, job) = sending(&store, &format!("{number:09}")).await;
        ended(&store, &job, end, code).await;
        assert_eq!(came(&store, &delivery_id, Verdict::Proved).await, Matched::Ended, "{code}");
        assert_eq!(state(&store, &delivery_id).await, "delivered");
        // Once more it is known; what it is not any more is told, and changes nothing.
        assert_eq!(came(&store, &delivery_id, Verdict::Proved).await, Matched::Again);
        let contradicted = came(&store, &delivery_id, Verdict::Refused("no".into())).await;
        assert_eq!(contradicted, Matched::Late(DeliveryState::Delivered));
        assert_eq!(state(&store, &delivery_id).await, "delivered");
    }
    let (_, _, unsent) = translated(&store, "000000009").await;
    assert_eq!(came(&store, &unsent, Verdict::Proved).await, Matched::Late(DeliveryState::Ready), "nothing was sent");
}

/// The process ends, or its lease does, between the receipt and the end of the attempt.
async fn a_receipt_that_was_quicker_ends_what_was_interrupted(ground: Ground) {
    let store = fresh(&ground).await;
    let (proved, _) = sending(&store, "000000001").await;
    assert_eq!(came(&store, &proved, Verdict::Proved).await, Matched::Early);
    let (refused, _) = sending(&store, "000000002").await;
    assert_eq!(came(&store, &refused, Verdict::Refused("no".into())).await, Matched::Early);
    assert!(lease(&store, JobKind::Deliver, at(4) + LEASE).await.is_none(), "neither goes again");
    assert!(lease(&store, JobKind::Deliver, at(5) + LEASE).await.is_none());
    assert_eq!(state(&store, &proved).await, "delivered");
    let parked = store.delivery(&refused).await.expect("it");
    assert_eq!((parked.state.as_str(), parked.code.as_deref()), ("parked", Some(RECEIPT_REFUSED)));
}

on_every_database![
    what_may_have_arrived_goes_again_under_its_key,
    a_receipt_counts_for_whatever_was_sent,
    a_receipt_that_was_quicker_ends_what_was_interrupted,
];
