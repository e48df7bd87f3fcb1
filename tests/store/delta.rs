//! What came last under each number of an agreement: noted with the documents, never over what another noted meanwhile, and
//! forgotten where it would be wrong.

use super::*;
use portolan::store::delta::NewDelta;

fn new(number: &str, digest: &str, known: Option<&str>, document_id: Option<&str>) -> NewDelta {
    NewDelta {
        agreement: "orders".into(),
        number: number.into(),
        digest: digest.into(),
        known: known.map(str::to_owned),
        document_id: document_id.map(str::to_owned),
    }
}

/// Translates a new transmission into one document, and notes these; the last with that document.
async fn noting(store: &Store, bytes: &[u8], mut deltas: Vec<NewDelta>) -> Result<(Job, String), StoreError> {
    receive(store, bytes, None).await;
    let job = lease(store, JobKind::Translate, at(1)).await.expect("a job");
    let came = interchange(store, Direction::In, &hexadecimal(bytes), None);
    let document = document(store, Direction::In, 1, &came);
    let document_id = document.document_id.clone();
    if let Some(last) = deltas.last_mut() {
        last.document_id = Some(document_id.clone());
    }
    let slice = Slice {
        interchanges: vec![came],
        documents: vec![document],
        deltas,
        end: end(TransmissionState::Split),
        ..Slice::default()
    };
    store.translate(&job, slice, &Actor::system(), at(1)).await?;
    Ok((job, document_id))
}

fn hexadecimal(bytes: &[u8]) -> String {
    portolan::store::hexadecimal(bytes)
}

async fn known(store: &Store, number: &str) -> Option<String> {
    store.known_digest("orders", number).await.expect("a look")
}

async fn what_came_last_is_noted_and_never_over_what_another_noted(ground: Ground) {
    let store = fresh(&ground).await;
    noting(&store, b"1", vec![new("4711", "a", None, None)]).await.expect("noted");
    assert_eq!(known(&store, "4711").await.as_deref(), Some("a"));
    noting(&store, b"2", vec![new("4711", "b", Some("a"), None), new("4712\0", "a", None, None)]).await.expect("noted");
    assert_eq!((known(&store, "4711").await, known(&store, "4712\0").await), (Some("b".into()), Some("a".into())));
    assert_eq!(store.known_digest("invoices", "4711").await.expect("a look"), None);
    // Two that were judged before the other was there: nothing of the second is written, and it can be judged anew.
    for stale in [new("4711", "c", Some("a"), None), new("4711", "c", None, None), new("4711", "a", Some("a"), None)] {
        let bytes = format!("{stale:?}");
        let refused = noting(&store, bytes.as_bytes(), vec![stale]).await;
        assert!(matches!(refused, Err(StoreError::Overtaken { .. })), "{refused:?}");
        let job = lease(&store, JobKind::Translate, at(5) + LEASE).await.expect("its job is there");
        let slice = Slice { end: end(TransmissionState::Held), ..Slice::default() };
        store.translate(&job, slice, &Actor::system(), at(5) + LEASE).await.expect("held");
    }
    assert_eq!(known(&store, "4711").await.as_deref(), Some("b"));
    let filter = DocumentFilter { direction: Some(Direction::In), ..DocumentFilter::default() };
    assert_eq!(store.documents(&filter, &Page::default()).await.expect("a list").len(), 2);
}

async fn a_transmission_that_is_the_whole_tells_what_it_lacks_once(ground: Ground) {
    let store = fresh(&ground).await;
    let all: Vec<NewDelta> = (0..25).map(|number| new(&format!("{number:02}"), "a", None, None)).collect();
    noting(&store, b"1", all).await.expect("noted");
    let again = async |bytes: &[u8], processing: Processing| {
        let (id, _) = receive(&store, bytes, None).await;
        let job = lease(&store, JobKind::Translate, at(1)).await.expect("a job");
        let came = interchange(&store, Direction::In, &hexadecimal(bytes), None);
        let mut document = document(&store, Direction::In, 1, &came);
        document.processing = Some(processing);
        let slice = Slice {
            interchanges: vec![came],
            documents: vec![document],
            deltas: vec![new("00", "a", Some("a"), None)],
            wholes: vec!["orders".into()],
            end: end(TransmissionState::Split),
            ..Slice::default()
        };
        store.translate(&job, slice, &Actor::system(), at(1)).await.expect("a commit");
        store.transmission(&id).await.expect("it")
    };
    let unread = again(b"2", Processing::Failed).await;
    assert_eq!((unread.code, unread.reason), (None, None), "nobody knows which are missing");
    let told = again(b"3", Processing::Routed).await;
    assert_eq!(told.code.as_deref(), Some("VANISHED"));
    let reason = told.reason.expect("words");
    assert!(reason.starts_with("24 that agreement orders had are there no more: 01, 02, "), "{reason}");
    assert!(reason.ends_with(", 20, and 4 more"), "{reason}");
    assert_eq!((known(&store, "00").await.as_deref(), known(&store, "01").await), (Some("a"), None));
    assert_eq!(again(b"4", Processing::Routed).await.code, None, "once");
}

/// A new transmission that is being translated; its id.
async fn begun(store: &Store, bytes: &[u8]) -> (String, Job) {
    let (id, _) = receive(store, bytes, None).await;
    (id, lease(store, JobKind::Translate, at(1)).await.expect("a job"))
}

/// Of two wholes at once the one that came later may end first, or write between the slices of the other.
async fn of_two_wholes_at_once_the_later_one_says_what_is_there(ground: Ground) {
    let store = fresh(&ground).await;
    let numbers = |names: &[&str], known: Option<&str>| -> Vec<NewDelta> {
        names.iter().map(|name| new(name, "a", known, None)).collect()
    };
    let written = async |job: &Job, deltas: Vec<NewDelta>, cursor: Option<&str>| {
        let slice = Slice {
            deltas,
            cursor: cursor.map(str::to_owned),
            wholes: cursor.is_none().then(|| "orders".to_owned()).into_iter().collect(),
            end: cursor.is_none().then(|| end(TransmissionState::Split)).flatten(),
            ..Slice::default()
        };
        store.translate(job, slice, &Actor::system(), at(1)).await.expect("a commit");
    };
    let told = async |id: &str| store.transmission(id).await.expect("it").reason.unwrap_or_default();
    noting(&store, b"0", numbers(&["kept", "gone", "last"], None)).await.expect("noted");
    let (earlier, earlier_job) = begun(&store, b"1").await;
    let (later, later_job) = begun(&store, b"2").await;
    // The later one is the first to note this, and the earlier one writes over it.
    written(&later_job, [numbers(&["kept"], Some("a")), numbers(&["new"], None)].concat(), Some("1")).await;
    written(&earlier_job, numbers(&["kept", "last"], Some("a")), Some("1")).await;
    written(&later_job, Vec::new(), None).await;
    // What the earlier one alone has is there no more; what both have is.
    let reason = told(&later).await;
    assert!(reason.starts_with("2 that agreement orders had are there no more: gone, last"), "{reason}");
    written(&earlier_job, Vec::new(), None).await;
    assert_eq!(told(&earlier).await, "", "it lacks what came after it, and that is no news");
    for number in ["kept", "new"] {
        assert_eq!(known(&store, number).await.as_deref(), Some("a"), "{number} is forgotten");
    }
    let (next, job) = begun(&store, b"3").await;
    written(&job, numbers(&["kept"], Some("a")), None).await;
    assert_eq!(told(&next).await, "1 that agreement orders had are there no more: new");
}

async fn what_would_be_wrong_is_forgotten(ground: Ground) {
    let store = fresh(&ground).await;
    let apply = async |body: Option<serde_json::Value>| {
        let change = ResourceChange { kind: "agreement".into(), name: "orders".into(), body };
        let revision = store.resource_revision().await.expect("a revision");
        store.apply(vec![change], revision, &Actor::system(), at(0)).await.expect("applied");
    };
    let (skip, take) = (json!({ "unchanged": "skip" }), json!({}));
    for (number, (body, is_kept)) in (0_u8..).zip([
        (Some(skip.clone()), false),
        (Some(json!({ "unchanged": "skip", "guide": "x" })), true),
        (Some(take), false),
        (Some(skip), false),
        (None, false),
    ]) {
        let before = known(&store, "4711").await;
        noting(&store, &[number], vec![new("4711", "a", before.as_deref(), None)]).await.expect("noted");
        apply(body.clone()).await;
        assert_eq!(known(&store, "4711").await.is_some(), is_kept, "{body:?}");
    }
}

on_every_database![
    what_came_last_is_noted_and_never_over_what_another_noted,
    a_transmission_that_is_the_whole_tells_what_it_lacks_once,
    of_two_wholes_at_once_the_later_one_says_what_is_there,
    what_would_be_wrong_is_forgotten,
];
