//! One document by HTTP, AS2, SFTP and a folder at once: it goes on once, whatever brings it first, and the others are told.

use super::super::as2::{Sending, USUAL};
use super::super::edi::order;
use super::super::peer::Peer;
use super::super::sftp::client::Client;
use super::super::stage::Stage;
use super::every_channel;
use std::time::Duration;

const SENDERS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_document_by_every_channel_at_once_goes_on_once() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let (folder, client) = (tempfile::tempdir().expect("a folder"), Client::new("northstores"));
    let root = folder.path().display();
    let mut stage = Stage::bare(&format!("[sftp]\nlisten = \"127.0.0.1:0\"\n[folder]\nroots = [\"{root}\"]\n")).await;
    every_channel(&mut stage, (&retailer, &supplier), folder.path(), &client);
    for round in 1..=3 {
        let bytes = order(&format!("D-{round}"), round);
        let content = String::from_utf8(bytes.clone()).expect("text");
        client.file("order.edi", &bytes);
        let (stage, id) = (&stage, format!("<{round}@every>"));
        let path = folder.path().join(format!("{round}.edi"));
        let by_http = stage.send(bytes.clone());
        let message = Sending { id: &id, content_type: "application/edi-x12", content: &content, ..USUAL };
        let by_as2 = message.send(stage);
        let by_sftp =
            async { tokio::task::block_in_place(|| client.done(stage, &format!("put order.edi in/{round}.edi\n"))) };
        let by_folder = async { std::fs::write(&path, &bytes).expect("written") };
        let (_, answered, ..) = tokio::join!(by_http, by_as2, by_sftp, by_folder);
        assert!(answered.receipt().disposition.is_received(), "a repeat of a document is a message that was received");
        let rows = stage
            .until("all of them came and were looked at", || async {
                let rows = stage.list("/api/v1/transmissions?direction=in").await;
                let is_open = |state: &str| ["incoming", "stored", "verified"].contains(&state);
                let done = rows.iter().filter(|row| !is_open(row["state"].as_str().unwrap_or_default())).count();
                (done == SENDERS * round as usize).then_some(rows)
            })
            .await;
        let channels: std::collections::BTreeSet<_> = rows.iter().filter_map(|row| row["channel"].as_str()).collect();
        assert_eq!(channels.len(), SENDERS, "by each of the channels: {channels:?}");
        let state = |wanted: &str| rows.iter().filter(|row| row["state"] == wanted).count();
        assert_eq!((state("split"), state("duplicate")), (round as usize, (SENDERS - 1) * round as usize), "{rows:#?}");
    }
    stage.until("three orders", || async { (supplier.orders().len() == 3).then_some(()) }).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(supplier.orders().len(), 3, "none goes twice");
    stage.balanced().await;
}
