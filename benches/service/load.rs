//! Senders: each posts a document, waits for its 202, and posts the next, over one connection.

use crate::document::Document;
use crate::http::Wire;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Posts all documents from so many senders at once; how long it took until the last was taken.
pub async fn send(address: &str, token: &str, senders: usize, documents: Vec<Document>) -> Duration {
    let begin = Instant::now();
    let queue = Rc::new(std::cell::RefCell::new(documents.into_iter()));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..senders {
        let (queue, address, token) = (queue.clone(), address.to_owned(), token.to_owned());
        running.spawn_local(async move {
            let host = address.strip_prefix("http://").expect("a plain address").to_owned();
            let mut wire = Wire::new(TcpStream::connect(&host).await.expect("it listens"));
            loop {
                let next = queue.borrow_mut().next();
                let Some(Document { key, bytes }) = next else { return };
                let head = format!(
                    "POST /in/northstores-in HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
                     idempotency-key: {key}\r\ncontent-type: application/edi-x12\r\ncontent-length: {}\r\n\r\n",
                    bytes.len()
                );
                wire.write(&head, &bytes).await;
                let answer = wire.read().await.expect("an answer");
                assert_eq!(answer.status(), "202", "{}", String::from_utf8_lossy(&answer.body));
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.expect("a sender does not fail");
    }
    begin.elapsed()
}
