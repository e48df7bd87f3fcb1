//! Alarms in the ledger: what is found is compared with what is open in one commit, a recipient knows what it was told, and every
//! question that alerts ask is understood by both databases.

use super::*;
use portolan::store::Micros;
use portolan::store::ack::AckState;
use portolan::store::alarm::{AlarmFilter, AlarmState, Finding, Hit};
use portolan::store::notice::{NewNotice, NoticeKind, NoticeState, Told};

fn finding(cause: &str, count: i64, seconds: i64) -> Finding {
    Finding {
        alert: "parked".into(),
        cause: cause.into(),
        title: "Deliveries are parked".into(),
        severity: "error".into(),
        partner: Some("lamps".into()),
        channel: Some("lamps-out".into()),
        document: None,
        code: Some("HTTP-503".into()),
        words: format!("{count} deliveries\0"),
        subject: Some("delivery/del_1".into()),
        count,
        first_at: at(seconds).into(),
        last_at: at(seconds).into(),
    }
}

async fn settled(store: &Store, findings: &[Finding], seconds: i64) -> (usize, usize) {
    store.settle_alarms(Vec::new(), findings.to_vec(), at(seconds)).await.expect("settled")
}

async fn one_cause_has_one_open_alarm_until_it_is_gone(ground: Ground) {
    let store = fresh(&ground).await;
    assert_eq!(settled(&store, &[finding("a", 1, 5), finding("b", 1, 5)], 10).await, (2, 0));
    assert_eq!(settled(&store, &[finding("a", 3, 9), finding("b", 1, 5)], 11).await, (0, 0));
    let rows = store.alarms(&AlarmFilter::default(), &Page::default()).await.expect("rows");
    let a = rows.iter().find(|one| one.cause == "a").expect("it").clone();
    assert_eq!((rows.len(), a.count, a.last_at, a.words.as_str()), (2, 3, at(9).into(), "3 deliveries\u{FFFD}"));
    // An alert that could not be asked keeps its alarms.
    let kept = store.settle_alarms(vec!["parked".into()], Vec::new(), at(12)).await.expect("settled");
    assert_eq!(kept, (0, 0));
    let b = rows.iter().find(|one| one.cause == "b").expect("it").alarm_id.clone();
    let told =
        |is_over| Told { alarm_id: b.clone(), recipient: "ops".into(), count: 1, is_over, told_at: at(12).into() };
    store.tell("ops", Vec::new(), vec![told(0)], at(12)).await.expect("told");
    assert_eq!(settled(&store, &[finding("a", 3, 9)], 13).await, (0, 1));
    let standing = store.alarms(&AlarmFilter { is_standing: true, ..AlarmFilter::default() }, &Page::default()).await;
    assert_eq!(standing.expect("rows").len(), 1);
    assert_eq!(
        store.standing_alarms(at(13)).await.expect("rows").len(),
        2,
        "those that have just ended are told still"
    );
    assert_eq!(store.standing_alarms(at(14)).await.expect("rows").len(), 1);
    let never_told = store.settle_alarms(Vec::new(), vec![finding("a", 3, 9), finding("c", 1, 13)], at(13)).await;
    assert_eq!((never_told.expect("settled"), settled(&store, &[finding("a", 3, 9)], 14).await), ((1, 0), (0, 1)));
    let causes: Vec<String> =
        store.standing_alarms(at(14)).await.expect("rows").into_iter().map(|one| one.cause).collect();
    assert_eq!(causes, ["a", "c"], "what was over before anybody was told is told still, behind what stands");
    // It comes back as another alarm.
    assert_eq!(settled(&store, &[finding("a", 3, 9), finding("b", 1, 15)], 16).await, (1, 0));
    let told: Vec<_> = store.events(&format!("alarm/{}", a.alarm_id)).await.expect("events");
    assert_eq!((told.len(), told[0].to_state.as_deref()), (1, Some("raised")));
    assert!(store.verify_events().await.expect("a look").is_empty());
    let counts = store.alarm_counts().await.expect("counts");
    assert_eq!(counts, [("error".to_owned(), "open".to_owned(), 2)]);
}

async fn what_people_do_with_an_alarm_holds(ground: Ground) {
    let store = fresh(&ground).await;
    settled(&store, &[finding("a", 1, 5)], 10).await;
    let id = store.alarms(&AlarmFilter::default(), &Page::default()).await.expect("rows")[0].alarm_id.clone();
    let ann = Actor("user:ann".into());
    let act = async |to, until, link, seconds| store.act_on_alarm(&id, (to, until), (&ann, link), at(seconds)).await;
    act(AlarmState::Snoozed, Some(at(20)), Some("signed"), 11).await.expect("snoozed");
    let again = act(AlarmState::Acknowledged, None, Some("signed"), 12).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "a link works once: {again:?}");
    settled(&store, &[finding("a", 1, 5)], 19).await;
    assert_eq!(store.alarm(&id).await.expect("it").state, "snoozed");
    settled(&store, &[finding("a", 1, 5)], 20).await;
    let woken = store.alarm(&id).await.expect("it");
    assert_eq!((woken.state.as_str(), woken.snoozed_until), ("open", Some(at(20).into())), "it wakes at its time");
    act(AlarmState::Closed, None, None, 21).await.expect("closed");
    let late = act(AlarmState::Acknowledged, None, None, 22).await;
    assert!(matches!(late, Err(StoreError::WrongState { .. })), "{late:?}");
    // Closed it is not raised by what was there, but by what comes.
    assert_eq!(settled(&store, &[finding("a", 1, 5)], 23).await, (0, 0));
    assert_eq!(settled(&store, &[finding("a", 2, 24)], 25).await, (1, 0));
    let missing = store.act_on_alarm("alm_0", (AlarmState::Closed, None), (&ann, None), at(26)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    assert!(
        store.use_alarm_link("another", at(26)).await.is_ok() && store.use_alarm_link("another", at(27)).await.is_err()
    );
}

async fn who_was_told_what_is_known_and_a_notice_goes_until_it_is_taken(ground: Ground) {
    let store = fresh(&ground).await;
    settled(&store, &[finding("a", 1, 5)], 10).await;
    let id = store.alarms(&AlarmFilter::default(), &Page::default()).await.expect("rows")[0].alarm_id.clone();
    let notice = |address: Option<&str>| NewNotice {
        recipient: "operators".into(),
        address: address.map(str::to_owned),
        kind: NoticeKind::Alarm,
        facts: json!({ "open": 1 }),
    };
    let known = Told { alarm_id: id, recipient: "operators".into(), count: 1, is_over: 0, told_at: at(11).into() };
    let notices = vec![notice(Some("a@b.example")), notice(None)];
    store.tell("operators", notices, vec![known.clone()], at(11)).await.expect("told");
    assert_eq!(store.told(at(0)).await.expect("rows"), std::slice::from_ref(&known));
    let last = store.told_last().await.expect("rows")["operators"];
    assert_eq!((last.told_at, last.heartbeat_at), (Some(Micros::from(at(11))), at(11).into()));
    let more = Told { count: 5, told_at: at(90).into(), ..known };
    store.tell("operators", Vec::new(), vec![more.clone()], at(90)).await.expect("told");
    assert_eq!(store.told(at(0)).await.expect("rows"), [more]);
    assert_eq!(store.told_last().await.expect("rows")["operators"].told_at, Some(at(11).into()), "nothing was sent");
    let due = store.due_notices(10, at(11)).await.expect("rows");
    assert_eq!(due.len(), 2);
    let (first, second) = (due[0].notice_id.clone(), due[1].notice_id.clone());
    store.notice_tried(&first, (Some("busy"), Some(at(60))), at(12)).await.expect("noted");
    store.notice_tried(&second, (None, None), at(12)).await.expect("noted");
    assert!(store.due_notices(10, at(59)).await.expect("rows").is_empty());
    assert_eq!(store.due_notices(10, at(60)).await.expect("rows")[0].attempts, 1);
    store.notice_tried(&first, (Some("nobody"), None), at(61)).await.expect("noted");
    let lost = store.notices(Some(NoticeState::GivenUp), &Page::default()).await.expect("rows");
    assert_eq!((lost.len(), lost[0].reason.as_deref()), (1, Some("nobody")));
    assert_eq!(store.found_notices().await.expect("rows")[0].code.as_deref(), Some("operators"));
    store.retry_notice(&first, &Actor::system(), at(62)).await.expect("again");
    assert!(store.retry_notice(&first, &Actor::system(), at(62)).await.is_err());
    assert_eq!(store.due_notices(10, at(62)).await.expect("rows").len(), 1);
}

async fn events_are_counted_from_where_it_stopped(ground: Ground) {
    let store = fresh(&ground).await;
    receive(&store, b"before", None).await;
    assert!(store.happened(at(0)).await.expect("rows").is_empty(), "it begins with what happens next");
    receive(&store, b"after", None).await;
    let happened = store.happened(at(0)).await.expect("rows");
    assert_eq!((happened.len(), happened[0].event.kind.as_str()), (1, "stored"));
    assert!(happened[0].channel.is_some(), "{happened:?}");
    let hit = Hit { alert: "every".into(), happened: happened[0].clone(), subject: "transmission/tra_1".into() };
    for _ in 0..2 {
        store.keep_hits(happened[0].sequence, vec![hit.clone()], at(-9)).await.expect("kept");
    }
    assert!(store.happened(at(0)).await.expect("rows").is_empty());
    let found = store.found_events("every", at(-9), at(0)).await.expect("rows");
    assert_eq!((found.len(), found[0].count, found[0].subject.as_deref()), (1, 1, Some("transmission/tra_1")));
    assert!(store.found_events("every", at(9_999_999), at(0)).await.expect("rows").is_empty());
    let set_right = store.found_events("every", at(-9_999_999), at(-2 * 24 * 3600)).await.expect("rows");
    assert!(set_right.is_empty(), "it happened while the clock was two days ahead: {set_right:?}");
    store.keep_hits(happened[0].sequence, Vec::new(), at(9_999_999)).await.expect("kept");
    assert!(store.found_events("every", at(-9), at(0)).await.expect("rows").is_empty(), "what is too old is forgotten");
}

async fn every_question_is_understood(ground: Ground) {
    let store = fresh(&ground).await;
    receive(&store, b"something", None).await;
    for found in [
        store.found_failed().await,
        store.found_held().await,
        store.found_parked().await,
        store.found_retrying(at(5)).await,
        store.found_acks(AckState::Overdue).await,
        store.found_unmatched().await,
        store.found_unfetched(at(5)).await,
        store.found_refused(at(0)).await,
        store.found_offered().await,
        store.found_notices().await,
    ] {
        assert_eq!(found.expect("an answer"), []);
    }
    let arrived = store.arrived_since(at(-9)).await.expect("an answer");
    assert_eq!((arrived.len(), arrived[0].2), (1, 1));
    assert!(store.last_over(&arrived[0].1).await.expect("an answer").is_some());
    assert_eq!(store.last_from("lamps", Some("850")).await.expect("an answer"), None);
    let counts = store.day_counts(at(-9)).await.expect("an answer");
    assert_eq!((counts.received, counts.delivered, counts.failed), (1, 0, 0));
    let (free, total) = store.room().expect("a disk");
    assert!(free > 0 && free <= total);
}

async fn a_resource_is_there_since_it_was_applied_first_after_it_was_not(ground: Ground) {
    let store = fresh(&ground).await;
    let since = async || store.resource_since("alert", "silent").await.expect("an answer");
    let mut revision = store.resource_revision().await.expect("a number");
    assert_eq!(since().await, None);
    let title = |title: &str| Some(json!({ "watch": "silence", "title": title }));
    for (body, seconds, expected) in
        [(title("a"), 5, Some(5)), (title("b"), 6, Some(5)), (None, 7, None), (title("b"), 8, Some(8))]
    {
        let change = ResourceChange { kind: "alert".into(), name: "silent".into(), body };
        revision = store.apply(vec![change], revision, &Actor::system(), at(seconds)).await.expect("applied");
        assert_eq!(since().await, expected.map(|seconds| at(seconds).into()), "{seconds}");
    }
}

on_every_database![
    a_resource_is_there_since_it_was_applied_first_after_it_was_not,
    one_cause_has_one_open_alarm_until_it_is_gone,
    what_people_do_with_an_alarm_holds,
    who_was_told_what_is_known_and_a_notice_goes_until_it_is_taken,
    events_are_counted_from_where_it_stopped,
    every_question_is_understood,
];
