//! What goes when its time is over: messages of AS2 that came in, and no other; not before what they began has ended.

use super::*;
use portolan::store::as2::Beside;
use portolan::store::retention::LOOKED_AT_MAX;

/// A message of AS2 that came in, with what stood around its payload.
async fn came(store: &Store, number: &str, headers: serde_json::Value) -> (String, String) {
    let new = NewTransmission { headers, ..transmission(store, Direction::In, number.as_bytes()).await };
    let (id, payload_id) = (new.transmission_id.clone(), new.content.payload_id().to_owned());
    let clear = store.content(b"around it", at(0)).await.expect("content");
    let beside = Beside { clear: Some(clear), payload_at: Some(3), ..Beside::default() };
    let key = Some(claim(number, "the receipt"));
    let done = store.receive_beside(new, key, beside, &Actor::system(), at(0)).await.expect("a reception");
    assert_eq!(done, Reception::New);
    (id, payload_id)
}

/// It is translated into one document of this outcome, and perhaps one that leaves.
async fn translated(store: &Store, processing: Processing, leaves: bool) {
    let job = lease(store, JobKind::Translate, at(1)).await.expect("a job");
    let came = interchange(store, Direction::In, &job.subject, None);
    let document = NewDocument { processing: Some(processing), ..document(store, Direction::In, 1, &came) };
    let source = document.document_id.clone();
    let outputs = if leaves { vec![output(store, "000000001", Some(&source)).await] } else { Vec::new() };
    let end = end(TransmissionState::Split);
    let slice = Slice { interchanges: vec![came], documents: vec![document], outputs, end, ..Slice::default() };
    store.translate(&job, slice, &Actor::system(), at(1)).await.expect("translated");
}

async fn bytes_go_when_all_that_a_message_began_has_ended(ground: Ground) {
    let store = fresh(&ground).await;
    let as2 = || json!({ "as2": { "from": "A" } });
    let (ended, payload_id) = came(&store, "ended", as2()).await;
    translated(&store, Processing::Routed, false).await;
    let (failed, _) = came(&store, "failed", as2()).await;
    translated(&store, Processing::Failed, false).await;
    let (leaving, _) = came(&store, "leaving", as2()).await;
    translated(&store, Processing::Routed, true).await;
    came(&store, "of HTTP", json!({})).await;
    translated(&store, Processing::Routed, false).await;
    let (stored, _) = came(&store, "stored", as2()).await;

    assert_eq!(store.as2_past(at(0), None).await.expect("a look").ripe, Vec::<String>::new(), "all are younger");
    let past = store.as2_past(at(2), None).await.expect("a look");
    assert_eq!((past.ripe, past.last), (vec![ended.clone()], None));
    for open in [&failed, &leaving, &stored] {
        assert!(!store.purge_as2(open, at(3)).await.expect("a look"), "it has not ended");
    }
    assert!(store.purge_as2(&ended, at(3)).await.expect("purged"));
    assert!(!store.purge_as2(&ended, at(4)).await.expect("a look"), "once");
    let (clear, _) = store.as2_clear(&ended).await.expect("a look").expect("its row is kept");
    for gone in [&payload_id, &clear] {
        assert!(matches!(store.read_payload(gone).await, Err(StoreError::NotFound { .. })), "{gone}");
        let facts = store.payload(gone).await.expect("a look").expect("its facts are kept");
        assert_eq!(facts.purged_at, Some(at(3).into()));
    }
    let kinds: Vec<String> = store.events(&ended).await.expect("events").into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "purged").count(), 1, "{kinds:?}");
    // The same again is known, and has its answer.
    let (_, again) = receive(&store, b"ended", Some(claim("ended", "another receipt"))).await;
    let Reception::Replay { transmission_id, body, .. } = again else { panic!("{again:?}") };
    assert_eq!((transmission_id, body), (ended, b"the receipt".to_vec()));

    // What leaves is cancelled: the message that began it may go.
    let rows = store.deliveries(&DeliveryFilter::default(), &Page::default()).await.expect("rows");
    let (to, reason) = (DeliveryState::Cancelled, "by telephone");
    store.steer_delivery(&rows[0].delivery_id, to, reason, &Actor::system(), at(5)).await.expect("cancelled");
    assert_eq!(store.as2_past(at(2), None).await.expect("a look").ripe, [leaving]);
}

async fn more_than_one_question_is_asked_of_many(ground: Ground) {
    let store = fresh(&ground).await;
    let count = usize::try_from(LOOKED_AT_MAX).expect("few") + 1;
    for number in 0..count {
        receive(&store, &number.to_be_bytes(), None).await;
    }
    let first = store.as2_past(at(1), None).await.expect("a look");
    let rest = store.as2_past(at(1), first.last.as_ref()).await.expect("a look");
    assert!(first.last.is_some() && rest.last.is_none(), "the last is found by a second question");
}

on_every_database![bytes_go_when_all_that_a_message_began_has_ended, more_than_one_question_is_asked_of_many];
