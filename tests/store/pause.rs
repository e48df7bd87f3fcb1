//! Pauses in the ledger: what waits, what goes on, and that neither a restart nor a name that is gone loses a job.

use super::*;
use portolan::store::pause::{LET_GO_MAX, PauseKind};

async fn apply(store: &Store, kind: &str, name: &str, body: Option<serde_json::Value>) {
    let change = ResourceChange { kind: kind.into(), name: name.into(), body };
    let revision = store.resource_revision().await.expect("a revision");
    store.apply(vec![change], revision, &Actor::system(), at(0)).await.expect("applied");
}

/// A ledger that knows the partner, channels, agreement and route of the tests.
async fn ready(ground: &Ground) -> Store {
    let store = fresh(ground).await;
    for id in ["partner/acme", "channel/in", "channel/out", "agreement/orders", "route/along"] {
        let (kind, name) = id.split_once('/').expect("two parts");
        apply(&store, kind, name, Some(json!({}))).await;
    }
    store
}

fn ann() -> Actor {
    Actor("user:ann".into())
}

async fn pause(store: &Store, kind: PauseKind, name: &str, now: i64) {
    store.pause((kind, name), (Some("a try"), None), &ann(), at(now)).await.expect("paused");
}

async fn deliveries(store: &Store, now: i64) -> Vec<String> {
    let due = due(store, 100, &[], at(now)).await;
    let leased = store.lease_deliveries(due, at(now)).await.expect("a look");
    leased.into_iter().map(|(job, _)| job.subject).collect()
}

async fn told(store: &Store, id: &str) -> Vec<Option<String>> {
    store.events(&format!("pause/{id}")).await.expect("events").into_iter().map(|one| one.to_state).collect()
}

async fn a_delivery_waits_for_its_channel_its_partner_and_its_agreement(ground: Ground) {
    let store = ready(&ground).await;
    let mut now = 10;
    for (kind, name) in [(PauseKind::Channel, "out"), (PauseKind::Partner, "acme"), (PauseKind::Agreement, "orders")] {
        let (_, _, delivery) = translated(&store, &format!("{now}")).await;
        pause(&store, kind, name, now).await;
        assert_eq!(deliveries(&store, now + 1).await, Vec::<String>::new(), "{kind}");
        // It is not due any more, so that nobody looks at it again; what was leased in the rounds before still is.
        let due: i64 = store.backlog(at(now + 1)).await.expect("a look").iter().map(|(_, due, _)| due).sum();
        assert_eq!(due, now / 10 - 1, "{kind}");
        // Windows that change wake none that waits for a pause, and it is told of those that wait alone.
        store.windows_changed(at(now + 1)).await.expect("changed");
        let due_still: i64 = store.backlog(at(now + 1)).await.expect("a look").iter().map(|(_, due, _)| due).sum();
        assert_eq!(due_still, due, "{kind}");
        let waiting =
            store.jobs_wait(JobKind::Deliver, &[delivery.clone(), "else".into()], at(now + 1)).await.expect("a look");
        assert_eq!(
            waiting.into_iter().map(|(id, pause)| (id, pause.id())).collect::<Vec<_>>(),
            [(delivery.clone(), format!("{kind}/{name}"))]
        );
        let standing = store.pauses(at(now + 1)).await.expect("a list");
        let told = (standing.len(), standing[0].deliveries, standing[0].pause.actor.as_str());
        assert_eq!(told, (1, 1, "user:ann"), "{kind}");
        assert_eq!(standing[0].pause.reason.as_deref(), Some("a try"));
        store.resume(kind, name, &ann(), at(now + 2)).await.expect("it goes on");
        assert_eq!(deliveries(&store, now + 2).await, [delivery], "{kind}");
        assert_eq!(store.pauses(at(now + 2)).await.expect("a list"), []);
        now += 10;
    }
    // Of a channel or an agreement that it has nothing to do with, it knows nothing; a route is over when it is made.
    let (_, _, delivery) = translated(&store, "other").await;
    pause(&store, PauseKind::Channel, "in", now).await;
    pause(&store, PauseKind::Route, "along", now).await;
    assert_eq!(deliveries(&store, now + 1).await, [delivery]);
    assert_eq!(store.verify_events().await.expect("a look"), Vec::<String>::new());
}

async fn what_comes_in_waits_and_goes_on_in_order(ground: Ground) {
    let store = ready(&ground).await;
    for (kind, name) in [(PauseKind::Channel, "in"), (PauseKind::Partner, "acme")] {
        pause(&store, kind, name, 1).await;
        let mut came = Vec::new();
        for number in 0..5u8 {
            let new = transmission(&store, Direction::In, &[number]).await;
            came.push(new.transmission_id.clone());
            let when = at(2) + Duration::from_millis(u64::from(number) * 5);
            assert_eq!(store.receive(new, None, &Actor::system(), when).await.expect("it is taken"), Reception::New);
        }
        assert!(store.lease(JobKind::Translate, 10, &[], at(3)).await.expect("a look").is_empty(), "{kind}");
        let waits = store.job_waits(JobKind::Translate, &came[4], at(3)).await.expect("a look").expect("it waits");
        assert_eq!((waits.kind.as_str(), waits.name.as_str()), (kind.as_str(), name));
        // Somebody may say more of it; it stays the pause that it was.
        store.pause((kind, name), (Some("longer"), Some(at(90))), &ann(), at(4)).await.expect("paused");
        let standing = store.pauses(at(5)).await.expect("a list").remove(0);
        assert_eq!((standing.transmissions, standing.pause.began_at.0), (5, at(1).as_microsecond()));
        assert_eq!(standing.pause.reason.as_deref(), Some("longer"));
        store.resume(kind, name, &ann(), at(6)).await.expect("it goes on");
        let leased = store.lease(JobKind::Translate, 10, &[], at(6)).await.expect("a look");
        assert_eq!(leased.iter().map(|job| job.subject.clone()).collect::<Vec<_>>(), came, "{kind}");
        assert!(leased.iter().all(|job| job.losses == 0 && job.paused.is_empty()));
        assert_eq!(store.job_waits(JobKind::Translate, &came[4], at(6)).await.expect("a look"), None);
        assert_eq!(told(&store, &format!("{kind}/{name}")).await, [Some("begun".to_owned()), Some("ended".to_owned())]);
    }
}

async fn what_a_call_would_do_next_is_set_aside_like_all_else(ground: Ground) {
    let store = ready(&ground).await;
    let (_, _, asked) = translated(&store, "1").await;
    let (came, _) = receive(&store, b"another", None).await;
    for (kind, name) in [(PauseKind::Channel, "out"), (PauseKind::Partner, "acme"), (PauseKind::Agreement, "orders")] {
        pause(&store, kind, name, 2).await;
        assert_eq!(store.lease_of(JobKind::Deliver, &asked, &[], at(3)).await.expect("a look"), None, "{kind}");
        let waits = store.job_waits(JobKind::Deliver, &asked, at(3)).await.expect("a look").expect("it waits");
        assert_eq!(waits.id(), format!("{kind}/{name}"));
        store.resume(kind, name, &ann(), at(3)).await.expect("it goes on");
    }
    pause(&store, PauseKind::Channel, "in", 4).await;
    assert_eq!(store.lease_of(JobKind::Translate, &came, &[], at(5)).await.expect("a look"), None);
    let job = store.lease_of(JobKind::Deliver, &asked, &[], at(5)).await.expect("a look").expect("it goes");
    assert!(job.paused.of(PauseKind::Channel, "in").is_some(), "what is paused is known to whoever has it");
    assert_eq!(store.job_waits(JobKind::Deliver, &asked, at(5)).await.expect("a look"), None);
}

async fn it_waits_through_a_restart_and_ends_when_its_time_has_come(ground: Ground) {
    let store = ready(&ground).await;
    let (_, _, first) = translated(&store, "1").await;
    let (_, _, second) = translated(&store, "2").await;
    store.pause((PauseKind::Channel, "out"), (None, Some(at(60))), &ann(), at(3)).await.expect("paused");
    assert_eq!(deliveries(&store, 4).await, Vec::<String>::new());
    // A kill leaves what is on disk.
    let left = ground.as_after_a_crash().await;
    let (again, _) = store_at(&left, at(5)).await;
    assert_eq!(deliveries(&again, 6).await, Vec::<String>::new());
    assert_eq!(again.pauses(at(6)).await.expect("a list")[0].deliveries, 2);
    assert!(!again.end_pauses(at(59)).await.expect("a look"), "its time has not come");
    assert!(again.end_pauses(at(60)).await.expect("a look"));
    let mut gone_on = deliveries(&again, 60).await;
    gone_on.sort();
    let mut both = [first, second];
    both.sort();
    assert_eq!(gone_on, both);
    let events = again.events("pause/channel/out").await.expect("events");
    assert_eq!(events.iter().map(|one| one.actor.as_str()).collect::<Vec<_>>(), ["user:ann", "system"]);
    assert!(!again.end_pauses(at(61)).await.expect("a look"), "nothing is left of it");
    // Begun again before anybody saw that its time had come.
    for now in [70, 80] {
        again.pause((PauseKind::Channel, "out"), (None, Some(at(now + 5))), &ann(), at(now)).await.expect("paused");
    }
    let told: Vec<_> = told(&again, "channel/out").await.into_iter().flatten().collect();
    assert_eq!(told, ["begun", "ended", "begun", "ended", "begun"]);
}

async fn what_waits_for_two_goes_on_after_both(ground: Ground) {
    let store = ready(&ground).await;
    let (_, _, delivery) = translated(&store, "1").await;
    pause(&store, PauseKind::Channel, "out", 2).await;
    pause(&store, PauseKind::Partner, "acme", 2).await;
    assert_eq!(deliveries(&store, 3).await, Vec::<String>::new());
    store.resume(PauseKind::Channel, "out", &ann(), at(4)).await.expect("it goes on");
    assert_eq!(deliveries(&store, 5).await, Vec::<String>::new(), "its partner is paused");
    store.resume(PauseKind::Partner, "acme", &ann(), at(6)).await.expect("it goes on");
    assert_eq!(deliveries(&store, 7).await, [delivery]);
}

async fn one_that_waits_keeps_no_other_from_going(ground: Ground) {
    let store = ready(&ground).await;
    // More than are looked at at once, all older than the one that may go.
    for number in 0..70 {
        translated(&store, &format!("{number}")).await;
    }
    pause(&store, PauseKind::Channel, "out", 2).await;
    let mut elsewhere = output(&store, "else", None).await;
    elsewhere.delivery.channel = "else".into();
    let id = elsewhere.delivery.delivery_id.clone();
    receive(&store, b"else", None).await;
    let job = lease(&store, JobKind::Translate, at(3)).await.expect("a job");
    let slice = Slice { outputs: vec![elsewhere], end: end(TransmissionState::Split), ..Slice::default() };
    store.translate(&job, slice, &Actor::system(), at(3)).await.expect("a commit");
    assert_eq!(deliveries(&store, 4).await, [id]);
    assert_eq!(store.pauses(at(4)).await.expect("a list")[0].deliveries, 70);
}

async fn a_job_looked_into_is_set_aside_unless_the_pause_is_over(ground: Ground) {
    let store = ready(&ground).await;
    let (id, _) = receive(&store, b"ISA", None).await;
    pause(&store, PauseKind::Route, "along", 1).await;
    let job = lease(&store, JobKind::Translate, at(2)).await.expect("routes are not known before it is looked into");
    let route = job.paused.of(PauseKind::Route, "along").cloned().expect("the job knows what is paused");
    store.set_aside(&job, &route, at(3)).await.expect("set aside");
    assert!(matches!(store.set_aside(&job, &route, at(3)).await, Err(StoreError::LeaseLost(_))));
    assert!(lease(&store, JobKind::Translate, at(100)).await.is_none());
    let standing = store.pauses(at(100)).await.expect("a list");
    assert_eq!((standing[0].transmissions, standing[0].pause.id()), (1, "route/along".into()));
    store.resume(PauseKind::Route, "along", &ann(), at(101)).await.expect("it goes on");
    let job = lease(&store, JobKind::Translate, at(101)).await.expect("it goes on");
    assert_eq!((job.subject.as_str(), job.losses), (id.as_str(), 0));
    // It was resumed while the job was looked into: nothing would wake it later.
    store.set_aside(&job, &route, at(102)).await.expect("given back");
    assert!(lease(&store, JobKind::Translate, at(102)).await.is_some());
}

async fn what_is_written_in_part_goes_on_to_its_end(ground: Ground) {
    let store = ready(&ground).await;
    receive(&store, b"ISA", None).await;
    let job = lease(&store, JobKind::Translate, at(1)).await.expect("a job");
    let came = interchange(&store, Direction::In, "1", None);
    let slice = Slice {
        documents: vec![document(&store, Direction::In, 1, &came)],
        interchanges: vec![came],
        cursor: Some("1".into()),
        ..Slice::default()
    };
    store.translate(&job, slice, &Actor::system(), at(1)).await.expect("a slice");
    pause(&store, PauseKind::Channel, "in", 2).await;
    let late = at(2) + LEASE + LEASE;
    let again = lease(&store, JobKind::Translate, late).await.expect("it was begun before");
    assert!(again.cursor.is_some());
}

async fn more_than_one_commit_takes_go_on_all(ground: Ground) {
    let store = ready(&ground).await;
    pause(&store, PauseKind::Channel, "in", 1).await;
    let count = usize::try_from(LET_GO_MAX).expect("a number") + 5;
    for number in 0..count {
        receive(&store, &number.to_be_bytes(), None).await;
    }
    while lease(&store, JobKind::Translate, at(2)).await.is_some() {}
    assert_eq!(store.pauses(at(2)).await.expect("a list")[0].transmissions, i64::try_from(count).expect("a number"));
    store.resume(PauseKind::Channel, "in", &ann(), at(3)).await.expect("it goes on");
    assert_eq!(store.pauses(at(3)).await.expect("a list"), [], "it is over, whoever still waits");
    assert!(store.resume(PauseKind::Channel, "in", &ann(), at(3)).await.is_err());
    // Begun again while some still wait for the end of the first: these go on first.
    pause(&store, PauseKind::Channel, "in", 3).await;
    assert_eq!(store.pauses(at(3)).await.expect("a list")[0].pause.began_at.0, at(3).as_microsecond());
    while lease(&store, JobKind::Translate, at(4)).await.is_some() {}
    assert_eq!(store.pauses(at(4)).await.expect("a list")[0].transmissions, i64::try_from(count).expect("a number"));
    store.resume(PauseKind::Channel, "in", &ann(), at(4)).await.expect("it goes on");
    assert!(store.end_pauses(at(4)).await.expect("the others follow"));
    assert!(!store.end_pauses(at(5)).await.expect("a look"), "none is left");
    let all = store.lease(JobKind::Translate, 5000, &[], at(5)).await.expect("a look");
    assert_eq!(all.len(), count);
    let twice = ["begun", "ended"].repeat(2).into_iter().map(|to| Some(to.to_owned())).collect::<Vec<_>>();
    assert_eq!(told(&store, "channel/in").await, twice);
}

async fn err_what_is_not_there_is_not_paused_and_what_is_removed_later_does_no_harm(ground: Ground) {
    let store = ready(&ground).await;
    let refused = store.pause((PauseKind::Partner, "nobody"), (None, None), &ann(), at(1)).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "partner", .. })), "{refused:?}");
    let refused = store.resume(PauseKind::Channel, "out", &ann(), at(1)).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    let (_, _, delivery) = translated(&store, "1").await;
    pause(&store, PauseKind::Channel, "out", 2).await;
    assert_eq!(deliveries(&store, 3).await, Vec::<String>::new());
    apply(&store, "channel", "out", None).await;
    assert_eq!(store.pauses(at(4)).await.expect("a list").len(), 1);
    store.resume(PauseKind::Channel, "out", &ann(), at(5)).await.expect("it goes on");
    assert_eq!(deliveries(&store, 6).await, [delivery]);
    // Ended and begun again: it is a new pause. What PostgreSQL cannot store is no name of anything.
    let refused = store.pause((PauseKind::Partner, "a\u{0}b"), (None, None), &ann(), at(6)).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    apply(&store, "channel", "out", Some(json!({}))).await;
    store.pause((PauseKind::Channel, "out"), (Some("\u{0}"), None), &ann(), at(7)).await.expect("paused");
    assert_eq!(store.pauses(at(7)).await.expect("a list")[0].pause.began_at.0, at(7).as_microsecond());
}

async fn a_delivery_that_is_steered_while_it_waits(ground: Ground) {
    let store = ready(&ground).await;
    let (_, _, kept) = translated(&store, "1").await;
    let (_, _, cancelled) = translated(&store, "2").await;
    pause(&store, PauseKind::Channel, "out", 2).await;
    assert_eq!(deliveries(&store, 3).await, Vec::<String>::new());
    store.steer_delivery(&cancelled, DeliveryState::Cancelled, "", &ann(), at(4)).await.expect("cancelled");
    store.steer_delivery(&kept, DeliveryState::Held, "", &ann(), at(4)).await.expect("held");
    store.steer_delivery(&kept, DeliveryState::Ready, "", &ann(), at(5)).await.expect("released");
    assert_eq!(deliveries(&store, 6).await, Vec::<String>::new(), "released by hand, it waits for its channel");
    store.resume(PauseKind::Channel, "out", &ann(), at(7)).await.expect("it goes on");
    assert_eq!(deliveries(&store, 8).await, [kept]);
}

on_every_database![
    a_delivery_waits_for_its_channel_its_partner_and_its_agreement,
    what_comes_in_waits_and_goes_on_in_order,
    what_a_call_would_do_next_is_set_aside_like_all_else,
    it_waits_through_a_restart_and_ends_when_its_time_has_come,
    what_waits_for_two_goes_on_after_both,
    one_that_waits_keeps_no_other_from_going,
    a_job_looked_into_is_set_aside_unless_the_pause_is_over,
    what_is_written_in_part_goes_on_to_its_end,
    more_than_one_commit_takes_go_on_all,
    err_what_is_not_there_is_not_paused_and_what_is_removed_later_does_no_harm,
    a_delivery_that_is_steered_while_it_waits,
];
