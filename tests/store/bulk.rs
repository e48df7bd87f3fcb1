//! Acts over many: what can be chosen, and that each is done once, however often it is asked for.

use super::*;
use portolan::store::bulk::{Action, BulkCounts, Conditions, Object};
use portolan::store::commit::bulk::{NewBulk, NewItem, REMEMBERED_FOR, SLICE_ITEMS, UNENDED_FOR};

/// A delivery that was refused.
async fn parked(store: &Store, control_number: &str) -> String {
    let (_, _, delivery) = translated(store, control_number).await;
    let job = lease(store, JobKind::Deliver, at(1)).await.expect("a delivery");
    store.deliver_sending(&job, "x", at(1)).await.expect("sending");
    let facts = AttemptFacts {
        status: Some(422),
        code: Some("HTTP-422".into()),
        detail: Some(format!("order {control_number} is unknown")),
        ..AttemptFacts::default()
    };
    store.deliver_result(&job, AttemptEnd::Park, facts, at(2)).await.expect("parked");
    delivery
}

/// An act over these as they stand now.
async fn act(store: &Store, id: &str, action: Action, ids: &[String]) -> NewBulk {
    let found = store.candidates(Object::Delivery, ids).await.expect("those");
    let changed_at = |id: &String| found.iter().find(|one| one.id == *id).map(|one| one.changed_at);
    let item = |id: &String| NewItem { subject: id.clone(), changed_at: changed_at(id), why: None };
    NewBulk {
        bulk_act_id: id.into(),
        object: Object::Delivery,
        action,
        reason: "by hand".into(),
        as_partner: None,
        wish: "digest".into(),
        items: ids.iter().map(item).collect(),
    }
}

async fn count(store: &Store, state: DeliveryState) -> usize {
    let filter = DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
    store.deliveries(&filter, &Page::default()).await.expect("a list").len()
}

pub async fn an_act_over_many_is_done_once_and_each_of_it_is_audited(ground: Ground) {
    let store = fresh(&ground).await;
    let (ann, bob) = (Actor("user:ann".into()), Actor("user:bob".into()));
    let mut ids = Vec::new();
    for number in 0..SLICE_ITEMS + 5 {
        ids.push(parked(&store, &format!("{:09}", 1000 + number)).await);
    }
    // Somebody was quicker with the first.
    store.resubmit(&ids[0], &bob, at(3)).await.expect("resubmitted");
    store.bulk_begin(act(&store, "plan_1", Action::Resubmit, &ids).await, &ann, at(4)).await.expect("begun");
    assert!(store.bulk_slice("plan_1", at(4)).await.expect("a slice"), "there is more");
    assert_eq!(store.bulk_counts("plan_1").await.expect("counts"), BulkCounts { done: 99, refused: 1, open: 5 });
    // Here the process dies; whoever asks again finds it begun.
    let left = ground.as_after_a_crash().await;
    let (again, _) = open(&left).await;
    again
        .bulk_begin(act(&again, "plan_1", Action::Resubmit, &ids[..1]).await, &bob, at(5))
        .await
        .expect("begun before");
    assert!(!again.bulk_slice("plan_1", at(5)).await.expect("the rest"));
    assert!(!again.bulk_slice("plan_1", at(6)).await.expect("nothing"));
    let all = i64::try_from(ids.len()).expect("few");
    assert_eq!(again.bulk_counts("plan_1").await.expect("counts"), BulkCounts { done: all - 1, refused: 1, open: 0 });
    assert_eq!(count(&again, DeliveryState::Ready).await, ids.len(), "one new delivery for each, none twice");
    let refused = again.bulk_refused("plan_1", 10).await.expect("those");
    assert_eq!(refused.len(), 1);
    assert!(refused[0].detail.as_deref().is_some_and(|why| why.contains("resubmitted already")), "{refused:?}");
    let audit = again.audit(1000).await.expect("the chain");
    let by_ann = audit.iter().filter(|entry| entry.action == "delivery.resubmit" && entry.actor == "user:ann").count();
    assert_eq!(by_ann, ids.len() - 1, "who began it did it all");
    assert_eq!(audit.iter().filter(|entry| entry.action == "delivery.resubmit.bulk").count(), 1);
    assert!(again.verify_audit().await.expect("a check").is_empty());
    assert!(again.balances().await.expect("counts").iter().all(|balance| balance.holds));
    assert!(matches!(again.bulk_slice("plan_2", at(7)).await, Err(StoreError::NotFound { .. })));
}

pub async fn what_is_one_cause_is_found_and_what_was_resubmitted_is_not(ground: Ground) {
    let store = fresh(&ground).await;
    let mut ids = Vec::new();
    for number in 1..=4 {
        ids.push(parked(&store, &format!("{number:09}")).await);
    }
    store.resubmit(&ids[3], &Actor::system(), at(3)).await.expect("resubmitted");
    let causes = store.causes(Object::Delivery).await.expect("causes");
    assert_eq!(causes.iter().map(|cause| cause.count).sum::<i64>(), 3);
    assert!(causes.iter().all(|cause| cause.state == "parked" && cause.code.as_deref() == Some("HTTP-422")));
    let found = |conditions: Conditions| {
        let store = store.clone();
        async move {
            let chosen = store.candidates_of((Object::Delivery, Action::Resubmit), &conditions, None).await;
            let (rows, next) = chosen.expect("a page");
            assert!(next.is_none());
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        }
    };
    let mut expected = ids[..3].to_vec();
    expected.sort();
    let mut all = found(Conditions::default()).await;
    all.sort();
    assert_eq!(all, expected);
    let partner = |name: Option<&str>| Conditions { partner: Some(name.map(str::to_owned)), ..Conditions::default() };
    assert_eq!((found(partner(Some("acme"))).await.len(), found(partner(None)).await.len()), (3, 0));
    assert_eq!(found(Conditions { code: Some(None), ..Conditions::default() }).await.len(), 0);
    assert_eq!(found(Conditions { since: Some(at(3)), ..Conditions::default() }).await.len(), 0);
    assert_eq!(found(Conditions { until: Some(at(3)), ..Conditions::default() }).await.len(), 3);
    assert_eq!(found(Conditions { state: Some("ready".into()), ..Conditions::default() }).await.len(), 1);
    let named = store.candidates(Object::Delivery, &[ids[3].clone(), "del_none".into()]).await.expect("those");
    assert_eq!(named.len(), 1);
    assert!(named[0].later.is_some() && named[0].is_doubtful == 0, "{named:?}");
}

pub async fn a_nul_in_what_a_caller_names_stops_no_act(ground: Ground) {
    let store = fresh(&ground).await;
    let (ann, id) = (Actor("user:ann".into()), parked(&store, "000000001").await);
    let mut new = act(&store, "plan_1", Action::Cancel, std::slice::from_ref(&id)).await;
    new.reason = "a\0b".into();
    new.items.push(NewItem { subject: "del\0".into(), changed_at: None, why: Some("NOT-FOUND: none".into()) });
    store.bulk_begin(new, &ann, at(3)).await.expect("begun");
    assert!(!store.bulk_slice("plan_1", at(3)).await.expect("a slice"));
    assert_eq!(store.bulk_counts("plan_1").await.expect("counts"), BulkCounts { done: 1, refused: 1, open: 0 });
    assert_eq!(store.delivery(&id).await.expect("it").reason.as_deref(), Some("a\u{FFFD}b"));
    assert_eq!(store.bulk_refused("plan_1", 10).await.expect("those")[0].subject, "del\u{FFFD}");
}

pub async fn an_act_that_ended_long_ago_is_forgotten(ground: Ground) {
    let store = fresh(&ground).await;
    let id = parked(&store, "000000001").await;
    store
        .bulk_begin(act(&store, "plan_1", Action::Cancel, std::slice::from_ref(&id)).await, &Actor::system(), at(3))
        .await
        .expect("begun");
    assert!(!store.bulk_slice("plan_1", at(3)).await.expect("a slice"));
    assert_eq!(store.delivery(&id).await.expect("it").state, "cancelled");
    let later = at(3) + REMEMBERED_FOR;
    store.bulk_begin(act(&store, "plan_2", Action::Cancel, &[]).await, &Actor::system(), later).await.expect("begun");
    assert!(store.bulk_act("plan_1").await.expect("a look").is_some(), "not yet");
    store
        .bulk_begin(act(&store, "plan_3", Action::Cancel, &[]).await, &Actor::system(), later + Duration::from_secs(1))
        .await
        .expect("begun");
    assert!(store.bulk_act("plan_1").await.expect("a look").is_none());
    assert!(store.bulk_act("plan_2").await.expect("a look").is_some(), "it has not ended");
    // Nobody asks for the rest of it any more.
    let last = later + UNENDED_FOR + Duration::from_secs(1);
    store.bulk_begin(act(&store, "plan_4", Action::Cancel, &[]).await, &Actor::system(), last).await.expect("begun");
    assert!(store.bulk_act("plan_2").await.expect("a look").is_none());
}

pub async fn a_doubt_is_told_of_each(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, _, delivery) = translated(&store, "000000001").await;
    let job = lease(&store, JobKind::Deliver, at(1)).await.expect("a delivery");
    store.deliver_sending(&job, "x", at(1)).await.expect("sending");
    let facts = AttemptFacts { code: Some("UNCERTAIN".into()), ..AttemptFacts::default() };
    store.deliver_result(&job, AttemptEnd::Hold, facts, at(2)).await.expect("held");
    let conditions = Conditions::default();
    let (rows, _) = store.candidates_of((Object::Delivery, Action::Release), &conditions, None).await.expect("a page");
    assert_eq!(rows.iter().map(|row| (row.id.as_str(), row.is_doubtful)).collect::<Vec<_>>(), [(delivery.as_str(), 1)]);
}

pub async fn err_what_was_resubmitted_is_not_cancelled(ground: Ground) {
    let store = fresh(&ground).await;
    let ann = Actor("user:ann".into());
    let (_, made, delivery) = translated(&store, "000000001").await;
    let job = lease(&store, JobKind::Deliver, at(1)).await.expect("a delivery");
    store.deliver_sending(&job, "x", at(1)).await.expect("sending");
    store.deliver_result(&job, AttemptEnd::Park, AttemptFacts::default(), at(2)).await.expect("parked");
    let later = store.resubmit(&delivery, &ann, at(3)).await.expect("resubmitted");
    match store.steer_delivery(&delivery, DeliveryState::Cancelled, "tidy", &ann, at(4)).await {
        Err(StoreError::Conflict(why)) => assert!(why.contains(&later), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.delivery(&delivery).await.expect("it").state, "parked");
    store.bulk_begin(act(&store, "plan_1", Action::Cancel, &[delivery]).await, &ann, at(5)).await.expect("begun");
    assert!(!store.bulk_slice("plan_1", at(5)).await.expect("a slice"));
    assert_eq!(store.bulk_counts("plan_1").await.expect("counts"), BulkCounts { done: 0, refused: 1, open: 0 });
    assert_eq!(store.document(&made).await.expect("it").ack, "waiting", "the later one is still to be answered");
    store.steer_delivery(&later, DeliveryState::Cancelled, "withdrawn", &ann, at(6)).await.expect("cancelled");
    assert_eq!(store.document(&made).await.expect("it").ack, "none");
}

pub async fn a_lost_attempt_stays_a_doubt(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, _, delivery) = translated(&store, "000000001").await;
    let job = lease(&store, JobKind::Deliver, at(1)).await.expect("a delivery");
    store.deliver_sending(&job, "x", at(1)).await.expect("sending");
    // Its lease runs out while it is sent; the next attempt is refused.
    let later = at(2) + LEASE;
    let job = lease(&store, JobKind::Deliver, later).await.expect("again");
    store.deliver_sending(&job, "x", later).await.expect("sending");
    let facts = AttemptFacts { status: Some(422), code: Some("HTTP-422".into()), ..AttemptFacts::default() };
    store.deliver_result(&job, AttemptEnd::Park, facts, later).await.expect("parked");
    let attempts = store.attempts(&delivery).await.expect("attempts");
    let told: Vec<_> = attempts.iter().map(|one| (one.outcome.as_deref(), one.status)).collect();
    assert_eq!(told, [(Some("uncertain"), None), (Some("parked"), Some(422))]);
    assert!(attempts[0].detail.as_deref().is_some_and(|why| why.contains("lease ran out")), "{attempts:?}");
    let rows = store.candidates(Object::Delivery, &[delivery]).await.expect("it");
    assert_eq!((rows[0].state.as_str(), rows[0].is_doubtful), ("parked", 1), "the first may have arrived");
}

pub async fn err_what_changed_since_the_plan_is_left_alone(ground: Ground) {
    let store = fresh(&ground).await;
    let ann = Actor("user:ann".into());
    let mut ids = Vec::new();
    for number in 1..=2 {
        let (_, _, delivery) = translated(&store, &format!("{number:09}")).await;
        store.steer_delivery(&delivery, DeliveryState::Held, "wait", &ann, at(2)).await.expect("held");
        ids.push(delivery);
    }
    store.bulk_begin(act(&store, "plan_1", Action::Release, &ids).await, &ann, at(3)).await.expect("begun");
    // Somebody lets one go and holds it again, for a reason of his own.
    store.steer_delivery(&ids[0], DeliveryState::Ready, "go", &ann, at(4)).await.expect("released");
    store.steer_delivery(&ids[0], DeliveryState::Held, "not this one", &ann, at(5)).await.expect("held");
    assert!(!store.bulk_slice("plan_1", at(6)).await.expect("a slice"));
    assert_eq!(store.bulk_counts("plan_1").await.expect("counts"), BulkCounts { done: 1, refused: 1, open: 0 });
    assert_eq!(store.delivery(&ids[0]).await.expect("it").reason.as_deref(), Some("not this one"));
    assert_eq!(store.delivery(&ids[1]).await.expect("it").state, "ready");
    let refused = store.bulk_refused("plan_1", 10).await.expect("those");
    assert_eq!(refused[0].subject, ids[0]);
    assert!(refused[0].detail.as_deref().is_some_and(|why| why.contains("changed since the plan")), "{refused:?}");
}
