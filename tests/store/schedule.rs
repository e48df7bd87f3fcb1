//! What waits for its time: deliveries outside their window, schedules of pick-ups; and files that are unchanged.

use super::*;
use portolan::store::commit::pickup::{KnownBy, PickedUp};
use portolan::store::pickup::{Seen, Settled};

pub async fn what_waits_for_a_window_is_looked_at_when_windows_change(ground: Ground) {
    let store = fresh(&ground).await;
    let (_, _, delivery_id) = translated(&store, "1").await;
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a delivery");
    store.give_back(&job, at(5000)).await.expect("given back");
    assert_eq!(store.delivery(&delivery_id).await.expect("it").state, "ready");
    assert!(lease(&store, JobKind::Deliver, at(3)).await.is_none(), "it waits");
    store.windows_changed(at(3)).await.expect("changed");
    let job = lease(&store, JobKind::Deliver, at(3)).await.expect("looked at again");
    store.deliver_sending(&job, "http://acme", at(3)).await.expect("sending");
    store.deliver_result(&job, AttemptEnd::Retry(at(12)), AttemptFacts::default(), at(4)).await.expect("a result");
    let job = lease(&store, JobKind::Deliver, at(12)).await.expect("due again");
    store.windows_changed(at(12)).await.expect("changed");
    store.give_back(&job, at(5000)).await.expect("its lease went on");
    store.windows_changed(at(11)).await.expect("changed");
    assert!(lease(&store, JobKind::Deliver, at(11)).await.is_none(), "a retry keeps its time");
    let job = lease(&store, JobKind::Deliver, at(12)).await.expect("its time");
    store.deliver_sending(&job, "http://acme", at(12)).await.expect("sending");
    store.deliver_result(&job, AttemptEnd::Awaiting(at(20)), AttemptFacts::default(), at(13)).await.expect("a result");
    let job = lease(&store, JobKind::Deliver, at(20)).await.expect("no receipt came");
    store.give_back(&job, at(5000)).await.expect("outside of the window");
    store.windows_changed(at(21)).await.expect("changed");
    assert!(lease(&store, JobKind::Deliver, at(21)).await.is_some(), "one that waits for a receipt as well");
}

pub async fn a_schedule_is_followed_until_a_time(ground: Ground) {
    let store = fresh(&ground).await;
    assert_eq!(store.pickup_followed("in").await.expect("a look"), None);
    for seconds in [5, 9] {
        store.pickup_follow("in", at(seconds)).await.expect("noted");
    }
    assert_eq!(store.pickup_followed("in").await.expect("a look"), Some(at(9)));
    assert_eq!(store.pickup_followed("else").await.expect("a look"), None);
}

pub async fn an_unchanged_file_has_a_row_and_no_transmission(ground: Ground) {
    let store = fresh(&ground).await;
    let take = async |name: &str, bytes: &[u8], skips_unchanged: bool, seconds: i64| {
        let new = transmission(&store, Direction::In, bytes).await;
        let size = i64::try_from(bytes.len()).expect("small");
        let seen = Seen { channel: "in".into(), name: name.into(), size, modified_at: seconds };
        let known_by = KnownBy { stays: false, skips_unchanged };
        let done = store.pickup(new, seen, known_by, &Actor::system(), at(seconds)).await.expect("taken");
        let (PickedUp::New(id) | PickedUp::Known(id) | PickedUp::Unchanged(id)) = &done;
        store.pickup_settled(id, Settled::Removed, seconds, at(seconds)).await.expect("removed");
        done
    };
    let large = vec![b'x'; INLINE_BYTES_MAX + 1];
    assert!(matches!(take("mon", &large, true, 1).await, PickedUp::New(_)));
    let first = store.pickup_last("in").await.expect("a look").expect("a row");
    assert!(matches!(take("tue", &large, true, 2).await, PickedUp::Unchanged(_)));
    let second = store.pickup_last("in").await.expect("a look").expect("a row");
    assert_eq!((second.name.as_str(), second.unchanged, &second.transmission_id), ("tue", 1, &first.transmission_id));
    assert!(matches!(take("wed", b"other", true, 3).await, PickedUp::New(_)));
    assert!(matches!(take("tue", &large, true, 4).await, PickedUp::Unchanged(_)), "of the same name");
    assert!(matches!(take("thu", b"other", true, 5).await, PickedUp::New(_)), "the last one had other bytes");
    assert!(matches!(take("thu", b"other", false, 6).await, PickedUp::New(_)), "nobody asked for that");
    let all = store.transmissions(&TransmissionFilter::default(), &Page::default()).await.expect("a list");
    assert_eq!(all.len(), 4);
    assert!(store.balances().await.expect("sums").iter().all(|sum| sum.holds));
}
