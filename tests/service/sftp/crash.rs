//! Killed by SIGKILL at every commit that a dropped or fetched file passes, and right before its CLOSE is answered. The
//! partner repeats what was not answered. Afterwards everything is there once, and was delivered once.

use super::super::edi::{number_of, order};
use super::super::stage::Stage;
use super::client::Client;
use super::{POINTS, resources};
use std::collections::BTreeSet;

/// What is passed on the way of a dropped file to the mailbox of another.
pub const DROPPED: [&str; 10] = [
    "payload.synced",
    "receive.before_commit",
    "receive.after_commit",
    "mailbox.taken",
    "translate.before_commit",
    "translate.after_commit",
    "deliver_sending.before_commit",
    "deliver_sending.after_commit",
    "deliver_result.before_commit",
    "deliver_result.after_commit",
];

pub fn body(number: u32) -> Vec<u8> {
    let mut bytes = order(&format!("K-{number}"), number);
    // Large enough for a file, so that `payload.synced` is passed.
    bytes.resize(300 * 1024, b'\n');
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_of_a_mailbox_nothing_is_lost_or_doubled() {
    let mut stage = Stage::bare("[sftp]\nlisten = \"127.0.0.1:0\"\n[delivery]\nretry_seconds = [1, 1, 1, 1]\n").await;
    let (retailer, supplier) = (Client::new("northstores"), Client::new("lamps"));
    stage.apply(&resources(&retailer.public_key(), &supplier.public_key(), "", ""));
    let mut sent = 0;
    for point in DROPPED {
        sent += 1;
        retailer.file("order.edi", &body(sent));
        let put = format!("put order.edi in/K-{sent}.edi\n");
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        let answered = retailer.run(&stage, &put).status.success();
        stage.dies(point).await;
        let before_the_answer = ["payload.synced", "receive.before_commit", "receive.after_commit", "mailbox.taken"];
        assert!(!(answered && before_the_answer.contains(&point)), "answered although killed at {point}");
        stage.start_again(&[]);
        if !answered {
            // The partner never saw an answer and sends it again.
            retailer.done(&stage, &put);
        }
        stage.deliveries("delivered", 2 * sent as usize).await;
    }
    let rows = stage.list("/api/v1/transmissions?direction=in").await;
    assert_eq!(rows.len(), sent as usize, "each file is one transmission: {rows:#?}");
    for (number, point) in (1..).zip(&POINTS[..2]) {
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        let get = format!("get out/ORDERS_K-{number}_{number}.edi\n");
        assert!(!supplier.run(&stage, &get).status.success(), "answered although killed at {point}");
        stage.dies(point).await;
        stage.start_again(&[]);
    }
    supplier.done(&stage, "get out/* got/\n");
    let fetched: BTreeSet<String> = (1..=sent)
        .filter_map(|number| number_of(&supplier.read(&format!("got/ORDERS_K-{number}_{number}.edi"))))
        .collect();
    assert_eq!((fetched.len(), supplier.count("got")), (sent as usize, sent as usize), "each order lies there once");
    let files = stage.list("/api/v1/mailboxes/lamps-box/files").await;
    assert!(files.iter().all(|file| file["fetched"].as_i64() >= Some(1)), "{files:#?}");
    stage.balanced().await;
}
