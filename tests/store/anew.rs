//! Jobs that somebody took away are made anew at the next start: each once, where it stood, and none for what is finished.

use super::*;
use portolan::store::gathered::{Enough, NewGathered};

async fn jobs(store: &Store) -> (i64, i64, bool) {
    let all = store.balances().await.expect("sums");
    let jobs = all.iter().find(|one| one.stage == "jobs").expect("the sum of jobs");
    (jobs.total, jobs.terms.values().sum(), jobs.holds)
}

pub async fn jobs_that_vanished_are_made_anew_where_they_stood(ground: Ground) {
    let store = fresh(&ground).await;
    // Delivered: of it only the clock of its acknowledgment runs.
    translated(&store, "1").await;
    let job = lease(&store, JobKind::Deliver, at(2)).await.expect("a delivery");
    store.deliver_sending(&job, "http://acme", at(2)).await.expect("sending");
    store.deliver_result(&job, AttemptEnd::Delivered, AttemptFacts::default(), at(3)).await.expect("delivered");
    // In the midst of its documents, of which one said nothing new and one waits for company.
    let (slow, _) = receive(&store, b"slow", None).await;
    let job = lease(&store, JobKind::Translate, at(4)).await.expect("a job");
    let came = interchange(&store, Direction::In, "7", None);
    let documents = vec![document(&store, Direction::In, 1, &came), document(&store, Direction::In, 3, &came)];
    let waits = NewGathered {
        agreement: "orders".into(),
        environment: "production".into(),
        document_id: documents[0].document_id.clone(),
        owner: format!("{slow}/1"),
        place: format!("{slow}/1"),
        business_number: None,
        draft: b"{}".to_vec(),
        size: 10,
        due_at: at(500),
        enough: Enough { documents: 10, bytes: 1000, is_timed: false },
    };
    let slice = Slice {
        unchanged: [(came.interchange_id.clone(), 1)].into(),
        interchanges: vec![came],
        documents,
        gathered: vec![waits],
        cursor: Some("3".into()),
        ..Slice::default()
    };
    store.translate(&job, slice, &Actor::system(), at(4)).await.expect("a slice");
    let (fresh, _) = receive(&store, b"nobody looked at it yet", None).await;
    assert_eq!(jobs(&store).await, (4, 4, true));
    let mut raw = ground.raw().await;
    sqlx::query("DELETE FROM job").execute(&mut raw).await.expect("gone");
    raw.close().await.expect("closed");
    assert_eq!(jobs(&store).await, (4, 0, false));
    store.close().await;
    drop(store);

    let (store, found) = open(&ground).await;
    assert_eq!((found.jobs_made, jobs(&store).await), (4, (4, 4, true)));
    store.close().await;
    drop(store);
    let (store, found) = open(&ground).await;
    assert_eq!((found.jobs_made, jobs(&store).await), (0, (4, 4, true)), "none is made twice");
    let mut leased = store.lease(JobKind::Translate, 9, &[], at(5)).await.expect("leases");
    leased.sort_by(|one, other| one.cursor.cmp(&other.cursor));
    let stand: Vec<_> = leased.iter().map(|job| (job.subject.as_str(), job.cursor.as_deref())).collect();
    assert_eq!(stand, [(fresh.as_str(), None), (slow.as_str(), Some("3"))], "it goes on behind what is written");
    assert!(lease(&store, JobKind::Gather, at(499)).await.is_none());
    assert_eq!(lease(&store, JobKind::Gather, at(500)).await.expect("due").subject, "orders/production");
    assert!(lease(&store, JobKind::Acknowledge, at(3 + 3599)).await.is_none());
    let overdue = lease(&store, JobKind::Acknowledge, at(3 + 3600)).await.expect("overdue");
    assert!(store.acknowledge_overdue(&overdue, at(3 + 3600)).await.expect("a commit"));
    // One that is held meanwhile goes on there as well when it is released.
    let held = Slice { end: end(TransmissionState::Held), ..Slice::default() };
    store.translate(&leased[1], held, &Actor::system(), at(5)).await.expect("held");
    let split = Slice { end: end(TransmissionState::Split), ..Slice::default() };
    store.translate(&leased[0], split, &Actor::system(), at(5)).await.expect("split");
    assert_eq!(jobs(&store).await, (1, 1, true), "the documents that wait for company");
    store.release_transmission(&slow, None, &Actor::system(), at(6)).await.expect("released");
    let again = lease(&store, JobKind::Translate, at(6)).await.expect("its job");
    assert_eq!((again.subject.as_str(), again.cursor.as_deref()), (slow.as_str(), Some("3")));
    store.close().await;
    drop(store);
    let (store, found) = open(&ground).await;
    assert_eq!((found.jobs_made, jobs(&store).await), (0, (2, 2, true)), "what is finished gets none");
}
