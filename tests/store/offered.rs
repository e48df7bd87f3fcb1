//! Certificates that strangers signed with: of each channel the newest are kept.

use super::*;
use portolan::store::offered::{OFFERED_BYTES_MAX, OFFERED_MAX, Offer, Signed};

fn offer(n: i64, channel: &str, bytes: usize) -> Offer {
    Offer {
        fingerprint: format!("{n:064x}"),
        channel: channel.to_owned(),
        partner: None,
        der: vec![0; bytes],
        signed: Signed::Message,
        seen_in: "tra_1".to_owned(),
        reference: None,
    }
}

pub async fn offered_certificates_are_few_on_each_channel(ground: Ground) {
    let store = fresh(&ground).await;
    for n in 0..OFFERED_MAX + 5 {
        assert!(store.offer_certificate(offer(n, "a", 10), at(n)).await.expect("kept"), "it is new");
        assert!(!store.offer_certificate(offer(n, "a", 10), at(n)).await.expect("kept"), "it is not");
    }
    store.offer_certificate(offer(0, "b", OFFERED_BYTES_MAX), at(0)).await.expect("kept");
    assert!(!store.offer_certificate(offer(1, "b", OFFERED_BYTES_MAX + 1), at(0)).await.expect("it is too large"));
    let all = store.offered_certificates().await.expect("all");
    let of = |channel: &str| all.iter().filter(|one| one.channel == channel).count();
    assert_eq!((of("a"), of("b")), (20, 1));
    assert_eq!(all[0].fingerprint, format!("{:064x}", OFFERED_MAX + 4), "the newest first");
    assert!(all.iter().all(|one| one.channel == "b" || one.seen == 2));
    // One fingerprint goes from all channels at once.
    store.offer_certificate(offer(24, "b", 1), at(30)).await.expect("kept");
    let actor = Actor("user:ann".into());
    store.refuse_certificate(&format!("{:064x}", 24), &actor, at(31)).await.expect("refused");
    assert_eq!(store.offered_certificates().await.expect("all").len(), 20);
    let again = store.refuse_certificate(&format!("{:064x}", 24), &actor, at(32)).await;
    assert!(matches!(again, Err(StoreError::NotFound { .. })), "{again:?}");
    // One that waits for an answer stays, however many strangers come after it.
    let asked =
        |seen_in: &str| Offer { reference: Some("{}".to_owned()), seen_in: seen_in.to_owned(), ..offer(1000, "c", 10) };
    store.offer_certificate(asked("tra_2"), at(40)).await.expect("kept");
    for n in 0..OFFERED_MAX + 5 {
        store.offer_certificate(offer(n, "c", 10), at(41 + n)).await.expect("kept");
    }
    let waits = async || {
        let all = store.offered_certificates().await.expect("all");
        let of: Vec<_> = all.into_iter().filter(|one| one.channel == "c").collect();
        assert_eq!(of.len(), 20);
        of.into_iter().find(|one| one.fingerprint == format!("{:064x}", 1000)).map(|one| one.reference.is_some())
    };
    assert_eq!(waits().await, Some(true));
    // Answered, and then the message is looked at once more, since the process went down in between: no second answer.
    let fingerprint = format!("{:064x}", 1000);
    let new = transmission(&store, Direction::Out, b"answer").await;
    let delivery = NewDelivery {
        delivery_id: "del_c".into(),
        channel: "c".into(),
        partner: None,
        agreement: None,
        key: "del_c".into(),
        on_uncertain: "repeat".into(),
        turn: Turn::default(),
    };
    let leaving = (new, delivery);
    assert!(store.answer_certificate((&fingerprint, "c"), leaving, &actor, at(80)).await.expect("it leaves"));
    store.offer_certificate(asked("tra_2"), at(81)).await.expect("kept");
    assert_eq!(waits().await, Some(false));
    store.offer_certificate(asked("tra_3"), at(82)).await.expect("kept");
    assert_eq!(waits().await, Some(true), "who asks again is answered again");
}
