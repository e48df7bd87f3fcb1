//! Webhooks in the ledger: one order of all events, and how far each webhook has come.

use super::*;

async fn apply(store: &Store, name: &str, body: Option<serde_json::Value>) {
    let change = ResourceChange { kind: "webhook".into(), name: name.into(), body };
    let revision = store.resource_revision().await.expect("a revision");
    store.apply(vec![change], revision, &Actor::system(), at(0)).await.expect("applied");
}

async fn events_have_one_order_and_a_webhook_begins_with_what_comes_next(ground: Ground) {
    let store = fresh(&ground).await;
    receive(&store, b"before", None).await;
    let before = store.events_after(0).await.expect("events");
    apply(&store, "monitor", Some(json!({ "url": "x" }))).await;
    let state = store.webhook("monitor").await.expect("a row");
    assert_eq!(Some(state.position), before.last().map(|one| one.sequence));
    for number in 0..5u8 {
        receive(&store, &[number], None).await;
    }
    let new = store.events_after(state.position).await.expect("events");
    assert_eq!(new.len(), 5, "{new:?}");
    assert!(new.is_sorted_by(|one, other| one.sequence < other.sequence), "{new:?}");
    // A restart goes on counting where it was.
    store.close().await;
    drop(store);
    let store = open(&ground).await.0;
    receive(&store, b"after", None).await;
    let last = new.last().map(|one| one.sequence).expect("events");
    let after = store.events_after(last).await.expect("events");
    assert_eq!(after.len(), 1, "{after:?}");
    assert!(store.verify_events().await.expect("a look").is_empty());
}

async fn a_webhook_moves_only_on_and_its_row_goes_with_its_resource(ground: Ground) {
    let store = fresh(&ground).await;
    apply(&store, "monitor", Some(json!({ "url": "x" }))).await;
    let begin = store.webhook("monitor").await.expect("a row").position;
    store.webhook_failed("monitor", Some(at(9)), (Some(500), "broken"), at(5)).await.expect("noted");
    store.webhook_failed("monitor", Some(at(19)), (None, "away"), at(9)).await.expect("noted");
    let state = store.webhook("monitor").await.expect("a row");
    let since = state.failing_since.map(|since| since.0);
    assert_eq!((state.failures, since, state.status), (2, Some(at(5).as_microsecond()), None));
    store.webhook_passed("monitor", begin + 3, Some(204), at(20)).await.expect("passed");
    store.webhook_passed("monitor", begin + 2, None, at(20)).await.expect("passed");
    let state = store.webhook("monitor").await.expect("a row");
    assert_eq!((state.position, state.failures, state.failing_since, state.reason), (begin + 3, 0, None, None));
    // Given up is an event, and so is going on; the history holds with both.
    store.webhook_failed("monitor", None, (Some(410), "gone"), at(30)).await.expect("noted");
    assert!(store.webhook("monitor").await.expect("a row").disabled_at.is_some());
    store.resume_webhook("monitor", &Actor("user:ann".into()), at(31)).await.expect("resumed");
    let state = store.webhook("monitor").await.expect("a row");
    assert_eq!((state.disabled_at, state.status, state.reason), (None, None, None), "nothing of the failure is left");
    let told: Vec<_> =
        store.events("webhook/monitor").await.expect("events").into_iter().map(|one| one.to_state).collect();
    assert_eq!(told, [Some("disabled".to_owned()), Some("enabled".to_owned())]);
    assert!(store.verify_events().await.expect("a look").is_empty());
    apply(&store, "monitor", None).await;
    assert!(matches!(store.webhook("monitor").await, Err(StoreError::NotFound { .. })));
    assert!(store.resume_webhook("monitor", &Actor::system(), at(32)).await.is_err());
    store.webhook_failed("monitor", None, (None, "late"), at(33)).await.expect("nobody is told");
    assert_eq!(store.events("webhook/monitor").await.expect("events").len(), 2);
}

on_every_database![
    events_have_one_order_and_a_webhook_begins_with_what_comes_next,
    a_webhook_moves_only_on_and_its_row_goes_with_its_resource,
];
