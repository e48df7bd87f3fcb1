//! A translation of which an equal interchange was written first: nothing of it stays, and it goes on where it stood.

use super::*;

async fn what_was_overtaken_leaves_no_file_and_knows_how_far_it_has_come(ground: Ground) {
    let store = fresh(&ground).await;
    let mut jobs = Vec::new();
    for bytes in [&b"ISA1"[..], b"ISA2"] {
        receive(&store, bytes, None).await;
        jobs.push(lease(&store, JobKind::Translate, at(1)).await.expect("a job"));
    }
    let slice = |number, key, cursor: &str| {
        let came = NewInterchange { number, ..interchange(&store, Direction::In, &number.to_string(), Some(key)) };
        let documents = vec![document(&store, Direction::In, 1, &came)];
        let came = NewInterchange { was_seen: false, ..came };
        Slice { interchanges: vec![came], documents, cursor: Some(cursor.to_owned()), ..Slice::default() }
    };
    store.translate(&jobs[0], slice(1, "key", "1"), &Actor::system(), at(2)).await.expect("the first");
    store.translate(&jobs[1], slice(1, "another", "1"), &Actor::system(), at(2)).await.expect("its first slice");
    let files = || std::fs::read_dir(ground.path().join("payload")).map_or(0, Iterator::count);
    let before = files();
    let mut overtaken = slice(2, "key", "2");
    let large = || store.content(&[7; INLINE_BYTES_MAX + 1], at(2));
    overtaken.documents[0].entity = Some(large().await.expect("an entity"));
    overtaken.outputs.push(output(&store, "1", None).await);
    overtaken.outputs[0].transmission.content = large().await.expect("bytes");
    assert_eq!(files(), before + 2, "they lie there before the commit");
    let done = store.translate(&jobs[1], overtaken, &Actor::system(), at(3)).await;
    assert!(matches!(done, Err(StoreError::Overtaken { .. })), "{done:?}");
    assert_eq!(files(), before);
    assert_eq!(store.cursor(&jobs[1]).await.expect("it has its lease").as_deref(), Some("1"));
    let lost = Job { token: "another".to_owned(), ..jobs[1].clone() };
    assert!(matches!(store.cursor(&lost).await, Err(StoreError::LeaseLost(_))));
}

on_every_database![what_was_overtaken_leaves_no_file_and_knows_how_far_it_has_come];
