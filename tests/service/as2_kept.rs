//! For how long messages of AS2 are kept: their bytes go when their time is over, and not before what they began has ended; who
//! sends one again gets the receipt of the first all the same.

use super::as2::{Answered, LATER, lamps_with, retail_with, sent, try_post};
use super::as2_crash::{Made, message};
use super::edi::order;
use super::peer::Answer;
use super::stage::Stage;
use portolan::clock::CLOCK_VARIABLE;
use serde_json::Value;

const DAY: i64 = 24 * 3600;
/// Bytes of what lies in a file.
const LARGE_BYTES: u64 = 600 * 1024;
const KEEP: &str = "[keep]\nas2_days = 90\n";

/// Starts again so many days later.
fn start_after(stage: &mut Stage, days: i64) {
    stage.kill();
    let file = stage.file("clock", &(days * DAY).to_string());
    stage.start_again(&[(CLOCK_VARIABLE, &file)]);
}

async fn send(stage: &Stage, made: &Made) -> Answered {
    try_post(stage, &made.lines, made.body.clone()).await.expect("an answer")
}

fn id_of(row: &Value) -> String {
    row["transmission_id"].as_str().expect("an id").to_owned()
}

/// Which transmissions have lost their bytes, as their histories say.
async fn purged(stage: &Stage, direction: &str) -> Vec<String> {
    let mut found = Vec::new();
    for row in stage.list(&format!("/api/v1/transmissions?direction={direction}")).await {
        let id = id_of(&row);
        let told = stage.get(&format!("/api/v1/transmissions/{id}")).await;
        if told["events"].as_array().expect("a history").iter().any(|event| event["kind"] == "purged") {
            found.push(id);
        }
    }
    found.sort();
    found
}

fn files(stage: &Stage) -> usize {
    std::fs::read_dir(stage.data().join("payload")).expect("the folder of payloads").count()
}

#[tokio::test]
async fn messages_whose_time_is_over_lose_their_bytes_and_a_repeat_gets_its_receipt() {
    let (mut lamps, house) = lamps_with("", KEEP).await;
    // The payload of one lies in a file.
    let (small, large, stuck) = (message(1), message(3), message(4));
    let first = send(&lamps, &small).await;
    assert_eq!(send(&lamps, &large).await.status, 200);
    lamps.deliveries("delivered", 2).await;
    house.then(&[Answer::Status(400)]);
    assert_eq!(send(&lamps, &stuck).await.status, 200);
    let parked = lamps.deliveries("parked", 1).await.remove(0);
    let all: Vec<String> = lamps.list("/api/v1/transmissions?direction=in").await.iter().map(id_of).collect();
    let [waits, ended @ ..] = &all[..] else { panic!("three came: {all:?}") };
    let mut ended = ended.to_vec();
    ended.sort();
    assert_eq!((ended.len(), files(&lamps)), (2, 1));

    start_after(&mut lamps, 89);
    send(&lamps, &message(5)).await;
    lamps.deliveries("delivered", 3).await;
    assert_eq!(purged(&lamps, "in").await, Vec::<String>::new(), "their time is not over");

    start_after(&mut lamps, 91);
    lamps.until("both are purged", || async { (purged(&lamps, "in").await == ended).then_some(()) }).await;
    lamps.until("its file is gone", || async { (files(&lamps) == 0).then_some(()) }).await;
    assert!(lamps.log().contains("whose time is over"), "{}", lamps.log());
    // What it began has not ended: it is kept, whatever its age.
    assert!(lamps.content(waits).await.starts_with(b"UNB+"), "the one that is under way");
    for id in &ended {
        let answer = lamps.ask(reqwest::Method::GET, &format!("/api/v1/transmissions/{id}/content"), None).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.contains("[keep]")), "{answer:?}");
        let told = lamps.cli(&["as2", "evidence", id], "");
        assert_eq!(told.status.code(), Some(4), "{}", String::from_utf8_lossy(&told.stderr));
    }
    // It is known all the same, and answered byte for byte.
    let again = send(&lamps, &small).await;
    assert!(again.body == first.body, "{}", String::from_utf8_lossy(&again.body));
    assert_eq!(lamps.list("/api/v1/transmissions?direction=in").await.len(), 4, "nothing new came");

    lamps.done(&["delivery", "resubmit", parked["delivery_id"].as_str().expect("an id")], "");
    lamps.deliveries("delivered", 4).await;
    start_after(&mut lamps, 91);
    ended.push(waits.clone());
    ended.sort();
    lamps.until("it is purged", || async { (purged(&lamps, "in").await == ended).then_some(()) }).await;
    assert_eq!(house.orders().len(), 5, "four, and one of them twice");
    lamps.balanced().await;
}

#[tokio::test]
async fn messages_that_went_out_lose_their_bytes_and_keep_their_receipts() {
    let (lamps, _house) = lamps_with("", "").await;
    let mut retail = retail_with(&format!("{}/as2", lamps.partner), "", KEEP).await;
    retail.send(order("AS2-KEPT", 1)).await;
    let delivery = sent(&retail, "delivered").await;
    let id = delivery["delivery_id"].as_str().expect("an id");
    let path = format!("/api/v1/deliveries/{id}");
    let receipt = retail.get(&path).await["receipt"].clone();
    assert!(receipt.as_str().is_some_and(|receipt| receipt.contains("; processed\r\n")), "{receipt}");
    start_after(&mut retail, 91);
    let expected = [id_of(&delivery)];
    retail.until("it is purged", || async { (purged(&retail, "out").await == expected).then_some(()) }).await;
    assert_eq!(purged(&retail, "in").await, Vec::<String>::new(), "that came over HTTP");
    let told = retail.cli(&["as2", "evidence", id], "");
    assert_eq!(told.status.code(), Some(4), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(String::from_utf8_lossy(&told.stderr).contains("[keep]"), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(retail.get(&path).await["receipt"], receipt);
    retail.balanced().await;
}

/// Of a message that went out there is its payload, once it is proved, and what stood around that: both give the message again.
#[tokio::test]
async fn what_was_sent_goes_when_its_receipt_proves_it() {
    for (more, kept) in [("", 1), (LATER, 1), (", compress: before", 2), (", encrypt: none", 2)] {
        let strict = if more.contains("encrypt: none") { ", require: [signed]" } else { "" };
        let (lamps, _house) = lamps_with(strict, "").await;
        let retail = retail_with(&format!("{}/as2", lamps.partner), more, "").await;
        let token = std::fs::read_to_string(retail.data().join("admin.token")).expect("the admin token");
        let url = format!("{}/api/v1/transmissions?channel=lamps-out", retail.admin);
        // One that lies in a file, and does not become small by compression.
        let mixed = |at: u64| at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let byte = |at: u64| mixed(mixed(at) ^ (mixed(at) >> 32)).to_be_bytes()[0];
        let content: Vec<u8> = (0..LARGE_BYTES).map(byte).collect();
        let request = retail.client.post(url).bearer_auth(token.trim()).header("content-type", "text/plain");
        assert_eq!(request.body(content).send().await.expect("an answer").status(), 202);
        let delivery = sent(&retail, "delivered").await;
        retail
            .until(&format!("what was sent is gone{more}"), || async { (files(&retail) == kept).then_some(()) })
            .await;
        let id = delivery["delivery_id"].as_str().expect("an id");
        let path = retail.data().join("evidence.zip").to_string_lossy().into_owned();
        retail.done(&["as2", "evidence", id, "-o", &path], "");
        let judged = retail.cli(&["as2", "verify", &path], "");
        assert_eq!(judged.status.code(), Some(0), "{more}: {}", String::from_utf8_lossy(&judged.stdout));
        retail.balanced().await;
    }
}
