//! Certificates of ours that partners were told of: what waits too long or was refused is found, and asked for again it is not.

use super::*;
use portolan::store::announced::{Announced, AnnouncedState};

const DAY: i64 = 24 * 3600;

fn announced(n: i64, to: &str) -> Announced {
    Announced {
        request_id: format!("{n}@test"),
        name: "next".to_owned(),
        fingerprint: "f".repeat(64),
        serial: "7".to_owned(),
        channel: "lamps-out".to_owned(),
        partner: Some("lamps".to_owned()),
        as2_from: "RETAIL".to_owned(),
        as2_to: to.to_owned(),
        respond_by: at(n + DAY).into(),
        state: AnnouncedState::Waiting.as_str().to_owned(),
        reason: None,
        transmission_id: String::new(),
        answered_in: None,
        created_at: at(n).into(),
        changed_at: at(n).into(),
        is_given_up: 0,
    }
}

pub async fn announced_certificates_that_nobody_accepts_are_found(ground: Ground) {
    let store = fresh(&ground).await;
    let actor = Actor("user:ann".into());
    let announce = async |n: i64, to: &str| {
        let new = transmission(&store, Direction::Out, b"request").await;
        let delivery_id = format!("del_{n}");
        let delivery = NewDelivery {
            key: delivery_id.clone(),
            delivery_id,
            channel: "lamps-out".into(),
            partner: None,
            agreement: None,
            on_uncertain: "repeat".into(),
            turn: Turn::default(),
        };
        let one = Announced { transmission_id: new.transmission_id.clone(), ..announced(n, to) };
        store.announce(one, (new, delivery), &actor, at(n)).await
    };
    let found = async |n: i64| {
        let all = store.found_announced(at(n)).await.expect("found");
        all.into_iter().map(|one| (one.code.unwrap_or_default(), one.count)).collect::<Vec<_>>()
    };
    announce(1, "LAMPS").await.expect("it leaves");
    let again = announce(2, "LAMPS").await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "it waits already: {again:?}");
    announce(3, "MILL").await.expect("another partner is asked");
    assert_eq!(found(DAY).await, [], "there is time still");
    assert_eq!(found(DAY + 10).await, [("OVERDUE".to_owned(), 2)]);
    let pair = ("RETAIL", "LAMPS");
    let answer = async |state, reason, seen_in: &str, n| {
        store.announced_answer("1@test", (state, reason), seen_in, at(n)).await.expect("noted");
    };
    answer(AnnouncedState::Rejected, Some("which one?"), "tra_1", 10).await;
    let last = async |pair| store.last_answer(&"f".repeat(64), pair).await.expect("asked");
    assert_eq!(last(pair).await, Some(AnnouncedState::Rejected));
    let both = [("OVERDUE".to_owned(), 1), ("REJECTED".to_owned(), 1)];
    assert_eq!(found(DAY + 10).await, both);
    assert_eq!(found(9 * DAY).await, both[..1], "that it was refused is told for a week");
    // The last word counts, and the same message looked at again, after a crash, changes nothing.
    answer(AnnouncedState::Accepted, None, "tra_2", 20).await;
    answer(AnnouncedState::Rejected, None, "tra_2", 30).await;
    assert_eq!(last(pair).await, Some(AnnouncedState::Accepted));
    assert_eq!(last(("RETAIL", "MILL")).await, None, "nobody else answered");
    assert_eq!(store.announced("1@test").await.expect("asked").expect("it").reason, None);
    // Who is asked again is waited for anew.
    announce(2 * DAY, "MILL").await.expect("it is overdue");
    assert_eq!(found(2 * DAY + 5).await, []);
    assert_eq!(store.announced_certificates().await.expect("all").len(), 3);
    // One whose message was given up is in nobody's way.
    announce(3 * DAY, "OAK").await.expect("it leaves");
    let again = announce(3 * DAY + 1, "OAK").await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "it waits already: {again:?}");
    let given_up = format!("del_{}", 3 * DAY);
    store
        .steer_delivery(&given_up, DeliveryState::Cancelled, "by hand", &actor, at(3 * DAY + 2))
        .await
        .expect("cancelled");
    let told = async || {
        let all = store.announced_certificates().await.expect("all");
        all.iter().filter(|one| one.as2_to == "OAK").map(|one| one.is_given_up).collect::<Vec<_>>()
    };
    assert_eq!(told().await, [1]);
    announce(3 * DAY + 3, "OAK").await.expect("it is announced anew");
    assert_eq!(told().await, [0, 1]);
}
