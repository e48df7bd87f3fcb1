//! What traces are made of: the steps of a document in their order with what is known around them, what an outgoing transmission
//! comes from, and how far all of it has been told.

use super::*;
use portolan::store::ack::NewAnswered;
use portolan::store::telemetry::{Origin, Step};

fn told(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|one| format!("{} {}", one.kind, one.to_state.as_deref().unwrap_or("-"))).collect()
}

async fn steps_of_an_order_are_read_in_their_order_with_what_is_known_around_them(ground: Ground) {
    let store = fresh(&ground).await;
    receive(&store, b"before", None).await;
    let begin = store.telemetry_begin(at(0)).await.expect("a position");
    assert_eq!(begin, store.last_sequence().await.expect("the last event"), "nothing is told of what was before");
    let job = lease(&store, JobKind::Translate, at(0)).await.expect("a job");
    let slice = Slice { end: end(TransmissionState::Held), ..Slice::default() };
    store.translate(&job, slice, &Actor::system(), at(0)).await.expect("held");
    let (source, document_id, delivery_id) = translated(&store, "7").await;
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a delivery");
    store.deliver_sending(&job, "http://acme/in", at(2)).await.expect("sending");
    let facts = AttemptFacts { status: Some(503), ..AttemptFacts::default() };
    store.deliver_result(&job, AttemptEnd::Retry(at(9)), facts, at(4)).await.expect("a result");
    let job = lease(&store, JobKind::Deliver, at(9)).await.expect("due again");
    store.deliver_sending(&job, "http://acme/in", at(9)).await.expect("sending");
    let facts = AttemptFacts { status: Some(200), ..AttemptFacts::default() };
    store.deliver_result(&job, AttemptEnd::Delivered, facts, at(10)).await.expect("a result");
    let last = store.last_sequence().await.expect("the last event");
    let steps = store.steps(begin, last, 100).await.expect("steps");
    let expected = [
        "held held",
        "stored stored",
        "translated routed",
        "encoded split",
        "split split",
        "delivery retry_wait",
        "delivery delivered",
    ];
    assert_eq!(told(&steps), expected);
    assert!(steps.is_sorted_by(|one, other| one.sequence < other.sequence));
    let made = &steps[3];
    assert_eq!((made.direction.as_str(), made.document_type.as_deref()), ("out", Some("850")), "of its first document");
    assert_eq!(made.document_id, None);
    let attempts: Vec<_> =
        steps[5..].iter().map(|one| (one.attempt, one.status, one.started_at.map(|at| at.timestamp()))).collect();
    assert_eq!(attempts, [(Some(1), Some(503), Some(at(2))), (Some(2), Some(200), Some(at(9)))]);
    assert_eq!(steps[6].remote.as_deref(), Some("http://acme/in"));
    assert_eq!(store.count_steps(begin, last).await.expect("a count"), 7);
    let two = store.steps(begin, last, 2).await.expect("steps");
    assert_eq!(told(&two), expected[..2]);
    assert_eq!(told(&store.steps(two[1].sequence, last, 100).await.expect("steps")), expected[2..]);
    // What an outgoing transmission comes from, and what brought it.
    let out = store.document(&document_id).await.expect("it").transmission_id;
    let from = store.document(&source).await.expect("it").transmission_id;
    let origin = Origin { transmission_id: from.clone(), document_id: Some(source) };
    assert_eq!(store.origins(&out).await.expect("origins"), [origin]);
    assert_eq!(store.origins(&from).await.expect("origins"), []);
    let brought = store.brought(&out).await.expect("a look").expect("a delivery");
    assert_eq!((brought.delivery_id, brought.attempts), (delivery_id.clone(), 2));
    assert_eq!(store.last_attempt(&delivery_id).await.expect("a look"), Some((2, Some(at(10).as_microsecond()))));
    let stored = store.stored_at(&from, steps[4].number).await.expect("a look");
    assert_eq!(stored.map(|stored| stored.timestamp()), Some(at(0)));
}

/// What one of the two has not looked at yet keeps nothing from the other.
async fn alerts_and_traces_go_on_each_from_a_place_of_its_own(ground: Ground) {
    let store = fresh(&ground).await;
    let begin = store.telemetry_begin(at(0)).await.expect("a position");
    assert!(store.happened(at(0)).await.expect("rows").is_empty(), "it begins with what happens next");
    receive(&store, b"1", None).await;
    let last = store.last_sequence().await.expect("the last event");
    // Alerts are done with it, and traces were not told of it.
    store.keep_hits(last, Vec::new(), at(0)).await.expect("kept");
    assert_eq!(store.telemetry_begin(at(1)).await.expect("a position"), begin);
    assert_eq!(store.steps(begin, last, 10).await.expect("steps").len(), 1);
    // The other way round.
    receive(&store, b"2", None).await;
    let last = store.last_sequence().await.expect("the last event");
    store.telemetry_passed(last, at(2)).await.expect("passed");
    assert_eq!(store.happened(at(2)).await.expect("rows").len(), 1);
    store.telemetry_end().await.expect("forgotten");
    assert_eq!(store.happened(at(2)).await.expect("rows").len(), 1, "nor where traces are switched off");
}

async fn an_acknowledgment_of_ours_comes_from_what_it_answers(ground: Ground) {
    let store = fresh(&ground).await;
    let (id, _) = receive(&store, b"order", None).await;
    let job = lease(&store, JobKind::Translate, at(1)).await.expect("a job");
    let came = interchange(&store, Direction::In, "7", None);
    let mut answer = output(&store, "8", None).await;
    let transmission_id = answer.transmission.transmission_id.clone();
    answer.answers = vec![NewAnswered {
        interchange_id: came.interchange_id.clone(),
        group_number: 1,
        level: AckLevel::Functional,
        kind: "997".into(),
        transmission_id: transmission_id.clone(),
        state: AckState::Accepted,
        sender: "ZZ:ACME".into(),
        receiver: "ZZ:US".into(),
        interchange_control_number: "7".into(),
        group_control_number: None,
    }];
    let slice = Slice {
        interchanges: vec![came],
        outputs: vec![answer],
        end: end(TransmissionState::Split),
        ..Slice::default()
    };
    store.translate(&job, slice, &Actor::system(), at(1)).await.expect("a commit");
    let origin = Origin { transmission_id: id, document_id: None };
    assert_eq!(store.origins(&transmission_id).await.expect("origins"), [origin]);
}

async fn how_far_traces_were_told_outlives_a_restart_and_is_forgotten_when_they_are_not(ground: Ground) {
    let store = fresh(&ground).await;
    store.telemetry_end().await.expect("there was nothing");
    let begin = store.telemetry_begin(at(0)).await.expect("a position");
    receive(&store, b"one", None).await;
    assert_eq!(store.telemetry_begin(at(1)).await.expect("a position"), begin, "it is there already");
    let last = store.last_sequence().await.expect("the last event");
    store.telemetry_passed(last, at(2)).await.expect("passed");
    receive(&store, b"two", None).await;
    store.close().await;
    drop(store);
    let store = open(&ground).await.0;
    assert_eq!(store.telemetry_begin(at(3)).await.expect("a position"), last);
    store.telemetry_end().await.expect("forgotten");
    let anew = store.telemetry_begin(at(4)).await.expect("a position");
    assert!(anew > last, "it begins with what comes next");
}

on_every_database![
    alerts_and_traces_go_on_each_from_a_place_of_its_own,
    steps_of_an_order_are_read_in_their_order_with_what_is_known_around_them,
    an_acknowledgment_of_ours_comes_from_what_it_answers,
    how_far_traces_were_told_outlives_a_restart_and_is_forgotten_when_they_are_not,
];
