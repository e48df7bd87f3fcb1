//! Files of mailboxes in the ledger: what is in sight, page by page, and who holds what for how long.

use super::*;
use portolan::store::Cursor;
use portolan::store::mailbox::{Held, MailboxFile, Mark, Placing};

const BOX: (&str, &str) = ("acme", "out");
const MINUTE: Duration = Duration::from_secs(60);

/// Lays files into the mailbox, one delivery and one second each; all of them want one name.
async fn lay(store: &Store, count: i64) {
    for number in 0..count {
        translated(store, &format!("{number}")).await;
        let job = lease(store, JobKind::Deliver, at(1)).await.expect("a job");
        store.deliver_sending(&job, "mailbox", at(2)).await.expect("sending");
        let (mailbox, folder) = (BOX.0.to_owned(), BOX.1.to_owned());
        let placed = Some(Placing { mailbox, folder, name: "order.edi".into() });
        let facts = AttemptFacts { placed, ..AttemptFacts::default() };
        store.deliver_result(&job, AttemptEnd::Delivered, facts, at(3 + number)).await.expect("a result");
    }
}

async fn taken(store: &Store, count: u32, now: Timestamp) -> (String, Vec<String>) {
    let leased = store.mailbox_lease(BOX, (count, MINUTE), at(0), now).await.expect("a lease");
    assert_eq!(leased.until, now + MINUTE);
    (leased.lease, leased.files.into_iter().map(|file| file.name).collect())
}

fn held(lease: &str, names: &[&str]) -> Held {
    let names = Some(names.iter().map(|name| (*name).to_owned()).collect());
    Held { mailbox: BOX.0.into(), folder: BOX.1.into(), lease: lease.into(), names }
}

async fn a_file_is_one_holders_until_it_is_confirmed_or_its_lease_ends(ground: Ground) {
    let store = fresh(&ground).await;
    lay(&store, 3).await;
    let actor = Actor("token:tok_1".into());
    let (first, two) = taken(&store, 2, at(10)).await;
    let (second, one) = taken(&store, 9, at(10)).await;
    assert_eq!(
        (&two[..], &one[..]),
        (&["order.edi".to_owned(), "order-2.edi".into()][..], &["order-3.edi".into()][..])
    );
    assert!(taken(&store, 9, at(69)).await.1.is_empty(), "all are held");
    // All that are named, or none.
    let mixed = store.mailbox_confirm(&held(&first, &["order.edi", "order-3.edi"]), "a", &actor, at(20)).await;
    assert!(matches!(&mixed, Err(StoreError::Conflict(names)) if names == "order-3.edi"), "{mixed:?}");
    store.mailbox_confirm(&held(&first, &["order.edi"]), "a", &actor, at(20)).await.expect("confirmed");
    store.mailbox_confirm(&held(&first, &["order.edi"]), "a", &actor, at(21)).await.expect("asked again");
    // Held for longer it does not come back with the others.
    let longer = store.mailbox_hold(&held(&second, &["order-3.edi"]), Some(MINUTE), at(60)).await.expect("held");
    assert_eq!(longer, ["order-3.edi"]);
    // After a restart too: what ended comes back, with how often it was taken.
    store.close().await;
    drop(store);
    let store = open(&ground).await.0;
    let back = store.mailbox_lease(BOX, (9, MINUTE), at(0), at(70)).await.expect("a lease");
    assert_eq!(
        back.files.iter().map(|file| (file.name.as_str(), file.leased)).collect::<Vec<_>>(),
        [("order-2.edi", 2)]
    );
    let late = store.mailbox_confirm(&held(&first, &["order-2.edi"]), "a", &actor, at(71)).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    // Late but nobody else had it: it is confirmed.
    store.mailbox_confirm(&held(&second, &["order-3.edi"]), "a", &actor, at(500)).await.expect("still its own");
    assert_eq!(
        store.mailbox_hold(&held(&back.lease, &["order-2.edi"]), None, at(72)).await.expect("given back").len(),
        1
    );
    let lost = store.mailbox_confirm(&held(&back.lease, &["order-2.edi"]), "a", &actor, at(73)).await;
    assert!(matches!(lost, Err(StoreError::Conflict(_))), "given back: {lost:?}");
    assert_eq!(taken(&store, 9, at(73)).await.1, ["order-2.edi"]);
    assert!(store.verify_events().await.expect("a look").is_empty());
}

async fn a_folder_is_seen_page_by_page_and_what_was_taken_stays_in_sight(ground: Ground) {
    let store = fresh(&ground).await;
    lay(&store, 5).await;
    let page = async |after: Option<&MailboxFile>, since: Timestamp| {
        let after = after.map(|file| Cursor { created_at: file.created_at, id: file.mailbox_file_id.clone() });
        let page = Page { after, limit: 2 };
        store.mailbox_folder_page(BOX.0, BOX.1, since, &page).await.expect("a page")
    };
    let (mut seen, mut last) = (Vec::new(), None);
    loop {
        let files = page(last.as_ref(), at(0)).await;
        let Some(end) = files.last() else { break };
        last = Some(end.clone());
        seen.extend(files);
    }
    let names: Vec<_> = seen.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["order.edi", "order-2.edi", "order-3.edi", "order-4.edi", "order-5.edi"]);
    assert!(seen.iter().all(|file| file.digest.len() == 64 && file.size > 0), "{seen:#?}");
    // Fetched long ago is out of sight; unless the work on it was begun under a lease and is not done.
    let leased = store.mailbox_lease(BOX, (1, MINUTE), at(0), at(10)).await.expect("a lease");
    for file in [&leased.files[0], &seen[1]] {
        store.mailbox_mark(file, Mark::Fetched, "192.0.2.1", &Actor::system(), at(20)).await.expect("noted");
    }
    let later: Vec<_> = page(None, at(100)).await.into_iter().map(|file| (file.name, file.fetched)).collect();
    assert_eq!(later, [("order.edi".to_owned(), 1), ("order-3.edi".to_owned(), 0)]);
    let again = store.mailbox_lease(BOX, (1, MINUTE), at(100), at(1000)).await.expect("a lease");
    assert_eq!((again.files[0].name.as_str(), again.files[0].leased), ("order.edi", 2));
}

on_every_database![
    a_file_is_one_holders_until_it_is_confirmed_or_its_lease_ends,
    a_folder_is_seen_page_by_page_and_what_was_taken_stays_in_sight,
];
