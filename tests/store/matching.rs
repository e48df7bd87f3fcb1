//! Acknowledgments in the ledger: which document an answer is for, and what it changes.

use super::*;

fn answer(document: Option<&str>, group: &str, state: AckState) -> Incoming {
    let said = Said { state, code: "A".into(), detail: "accepted".into(), faults: Faults::default() };
    Incoming {
        level: AckLevel::Functional,
        kind: "997".into(),
        partner: Some("acme".into()),
        environment: Some("production".into()),
        sender: "US".into(),
        receiver: "ACME".into(),
        interchange_control_number: None,
        group_control_number: Some(group.into()),
        named: None,
        whole: document.is_none().then(|| said.clone()),
        documents: document.map(|number| (number.to_owned(), said)).into_iter().collect(),
        is_listed: true,
    }
}

/// The delivery of a transmission ends well.
async fn delivered(store: &Store, now: Timestamp) {
    let job = lease(store, JobKind::Deliver, now).await.expect("a delivery");
    store.deliver_sending(&job, "x", now).await.expect("sending");
    store.deliver_result(&job, AttemptEnd::Delivered, AttemptFacts::default(), now).await.expect("delivered");
}

async fn apply(store: &Store, incoming: Incoming) {
    receive(store, b"997", None).await;
    let job = lease(store, JobKind::Translate, at(5)).await.expect("a job");
    let slice = Slice { incoming: vec![incoming], end: end(TransmissionState::Split), ..Slice::default() };
    store.translate(&job, slice, &Actor::system(), at(5)).await.expect("a commit");
}

async fn answers_find_the_newest_unanswered_and_the_rest_is_listed(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, older, _) = translated(&store, "000000007").await;
    let (source, newer, _) = translated_at(&store, "000000007", at(2)).await;
    assert_eq!(store.document(&newer).await.expect("it").ack, "waiting");
    apply(&store, answer(Some("0001"), "7", AckState::Accepted)).await;
    assert_eq!(store.document(&newer).await.expect("it").ack_functional, "accepted");
    assert_eq!(store.document(&source).await.expect("it").ack, "accepted", "what it was made from shows it too");
    assert_eq!(store.document(&older).await.expect("it").ack, "waiting");
    apply(&store, answer(None, "7", AckState::Rejected)).await;
    assert_eq!(store.document(&older).await.expect("it").ack, "rejected", "the other is next");
    apply(&store, answer(Some("0001"), "8", AckState::Accepted)).await;
    let unmatched = store.unmatched_acks(&Page::default()).await.expect("a list");
    assert_eq!(unmatched.len(), 1);
    assert_eq!(unmatched[0].group_control_number.as_deref(), Some("8"));
}

async fn an_answer_by_a_documents_number_is_for_the_partner_it_went_to(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, made, _) = translated(&store, "41").await;
    let named = |partner: &str, kind: Option<&str>, number: &str, is_envelope: bool| Incoming {
        level: AckLevel::Application,
        kind: "application_response".into(),
        partner: Some(partner.into()),
        named: Some(NamedDocument {
            standard: "x12".into(),
            kinds: kind.map(str::to_owned).into_iter().collect(),
            number: number.into(),
            is_envelope,
            is_awaited: false,
        }),
        ..answer(None, "", AckState::Rejected)
    };
    for stranger in [
        named("other", None, "4711", false),
        named("acme", None, "4712", false),
        named("acme", None, "4711", true),
        named("acme", None, "", false),
    ] {
        apply(&store, stranger).await;
        assert_eq!(store.document(&made).await.expect("it").ack_application, "none");
    }
    assert_eq!(store.unmatched_acks(&Page::default()).await.expect("a list").len(), 4);
    apply(&store, named("acme", None, "4711", false)).await;
    assert_eq!(store.document(&made).await.expect("it").ack_application, "rejected");
    // A type that it has goes before one that it has not.
    let (_, newer, _) = translated_at(&store, "42", at(2)).await;
    apply(&store, named("acme", Some("850"), "42", true)).await;
    assert_eq!(store.document(&newer).await.expect("it").ack_application, "rejected");
}

/// What an answer that names order 4711 says, or one by the number of its envelope.
fn about(kinds: &[&str], environment: Option<&str>, number: &str, state: AckState) -> Incoming {
    Incoming {
        level: AckLevel::Application,
        kind: "cxml".into(),
        environment: environment.map(str::to_owned),
        named: Some(NamedDocument {
            standard: "x12".into(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            number: number.into(),
            is_envelope: number != "4711",
            is_awaited: false,
        }),
        ..answer(None, "", state)
    }
}

async fn an_answer_is_for_the_type_and_the_environment_that_it_means(ground: Ground) {
    let store = fresh(&ground).await;
    let sent = [
        translated_as(&store, "1", at(1), ("850", "production")).await.1,
        translated_as(&store, "2", at(2), ("810", "production")).await.1,
        translated_as(&store, "1", at(3), ("850", "test")).await.1,
    ];
    let stands = async || {
        let mut all = Vec::new();
        for id in &sent {
            let document = store.document(id).await.expect("it");
            all.push(format!("{} {}", document.ack_application, document.ack_functional));
        }
        all.join(", ")
    };
    // Of a type that bears the number not, or that is not told where two types bear it: nobody's.
    for (kinds, environment) in [(&["855"][..], None), (&[], None), (&[], Some("production")), (&["810"], Some("test"))]
    {
        apply(&store, about(kinds, environment, "4711", AckState::Rejected)).await;
    }
    assert_eq!(store.unmatched_acks(&Page::default()).await.expect("a list").len(), 4);
    assert_eq!(stands().await, "none waiting, none waiting, none waiting");
    // Only one type bears it in test.
    apply(&store, about(&[], Some("test"), "4711", AckState::Accepted)).await;
    assert_eq!(stands().await, "none waiting, none waiting, accepted waiting");
    apply(&store, about(&["850"], Some("test"), "4711", AckState::Rejected)).await;
    assert_eq!(stands().await, "none waiting, none waiting, rejected waiting");
    // Where nothing tells the environment, production goes first.
    apply(&store, about(&["850", "860"], None, "4711", AckState::Accepted)).await;
    apply(&store, about(&["850"], None, "4711", AckState::Rejected)).await;
    apply(&store, about(&["810"], Some("production"), "4711", AckState::Accepted)).await;
    assert_eq!(stands().await, "rejected waiting, accepted waiting, rejected waiting");
    // Control numbers of test and production are numbers of their own: the newer one is not meant here.
    apply(&store, answer(Some("0001"), "1", AckState::Accepted)).await;
    assert_eq!(stands().await, "rejected accepted, accepted waiting, rejected waiting");
    apply(&store, Incoming { environment: Some("test".into()), ..answer(None, "1", AckState::Rejected) }).await;
    assert_eq!(stands().await, "rejected accepted, accepted waiting, rejected rejected");
}

/// Ends an attempt of the delivery that is due; the receiver said this in its answer.
async fn attempted(store: &Store, now: Timestamp, end: AttemptEnd, said: Option<AckState>) {
    let job = lease(store, JobKind::Deliver, now).await.expect("a delivery");
    store.deliver_sending(&job, "x", now).await.expect("sending");
    let said = said.map(|state| {
        ("cxml".to_owned(), Said { state, code: "c".into(), detail: String::new(), faults: Faults::default() })
    });
    let facts = AttemptFacts { said, ..AttemptFacts::default() };
    store.deliver_result(&job, end, facts, now).await.expect("a commit");
}

async fn a_refusal_stands_when_a_repeat_is_answered_by_rote(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, made, _) = translated(&store, "41").await;
    let stands = async || store.document(&made).await.expect("it").ack_application;
    attempted(&store, at(2), AttemptEnd::Uncertain(at(10)), None).await;
    // The receiver had it after all, and refuses it.
    apply(&store, about(&[], Some("production"), "41", AckState::Rejected)).await;
    assert_eq!(stands().await, "rejected");
    attempted(&store, at(10), AttemptEnd::Delivered, Some(AckState::Accepted)).await;
    assert_eq!(stands().await, "rejected", "the 200 of a repeat undoes nothing");
    // It may still change its mind.
    apply(&store, about(&[], Some("production"), "41", AckState::Accepted)).await;
    assert_eq!(stands().await, "accepted");
}

async fn what_is_sent_anew_is_answered_anew(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, made, delivery) = translated(&store, "41").await;
    attempted(&store, at(2), AttemptEnd::Park, Some(AckState::Rejected)).await;
    apply(&store, about(&[], Some("production"), "41", AckState::Rejected)).await;
    store.resubmit(&delivery, &Actor::system(), at(20)).await.expect("a new delivery");
    attempted(&store, at(21), AttemptEnd::Delivered, Some(AckState::Accepted)).await;
    assert_eq!(store.document(&made).await.expect("it").ack_application, "accepted");
}

async fn an_answer_that_does_not_come_is_overdue_and_may_still_come(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, made, _) = translated(&store, "9").await;
    assert!(lease(&store, JobKind::Acknowledge, at(9999)).await.is_none(), "the clock begins with the delivery");
    delivered(&store, at(100)).await;
    let document = store.document(&made).await.expect("it");
    assert_eq!((document.ack.as_str(), document.ack_receipt.as_str()), ("waiting", "accepted"));
    assert!(lease(&store, JobKind::Acknowledge, at(3699)).await.is_none());
    let job = lease(&store, JobKind::Acknowledge, at(3700)).await.expect("the deadline");
    assert!(store.acknowledge_overdue(&job, at(3700)).await.expect("a commit"));
    assert_eq!(store.document(&made).await.expect("it").ack, "overdue");
    let filter = AckFilter { state: Some(AckState::Overdue), ..AckFilter::default() };
    assert_eq!(store.acks(&filter, &Page::default()).await.expect("a list").len(), 1);
    let events = store.document_events(&made).await.expect("events");
    assert!(events.iter().any(|event| event.kind == "ack_overdue"), "{events:?}");
    apply(&store, answer(Some("1"), "9", AckState::Accepted)).await;
    assert_eq!(store.document(&made).await.expect("it").ack, "accepted");
}

async fn an_answer_to_something_long_ago_fits_nothing(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, made, _) = translated(&store, "9").await;
    receive(&store, b"late", None).await;
    let late = at(91 * 24 * 60 * 60);
    let job = lease(&store, JobKind::Translate, late).await.expect("a job");
    let incoming = vec![answer(Some("1"), "9", AckState::Accepted)];
    let slice = Slice { incoming, end: end(TransmissionState::Split), ..Slice::default() };
    store.translate(&job, slice, &Actor::system(), late).await.expect("a commit");
    assert_eq!(store.document(&made).await.expect("it").ack, "waiting");
    assert_eq!(store.unmatched_acks(&Page::default()).await.expect("a list").len(), 1);
}

async fn a_refused_interchange_awaits_no_answers_about_its_documents(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, made, _) = translated(&store, "9").await;
    delivered(&store, at(2)).await;
    let said = answer(None, "9", AckState::Rejected);
    let numbers = (Some("9".to_owned()), None);
    let ta1 = Incoming {
        level: AckLevel::Technical,
        kind: "ta1".into(),
        interchange_control_number: numbers.0,
        group_control_number: numbers.1,
        ..said
    };
    apply(&store, ta1).await;
    let document = store.document(&made).await.expect("it");
    let levels = (document.ack.as_str(), document.ack_technical.as_str(), document.ack_functional.as_str());
    assert_eq!(levels, ("rejected", "rejected", "none"));
    assert!(lease(&store, JobKind::Acknowledge, at(99_999)).await.is_none(), "so nothing gets overdue");
}

on_every_database![
    answers_find_the_newest_unanswered_and_the_rest_is_listed,
    an_answer_by_a_documents_number_is_for_the_partner_it_went_to,
    an_answer_is_for_the_type_and_the_environment_that_it_means,
    a_refusal_stands_when_a_repeat_is_answered_by_rote,
    what_is_sent_anew_is_answered_anew,
    an_answer_that_does_not_come_is_overdue_and_may_still_come,
    an_answer_to_something_long_ago_fits_nothing,
    a_refused_interchange_awaits_no_answers_about_its_documents,
];
