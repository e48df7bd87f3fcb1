//! Documents of several transmissions that wait for each other and leave in one interchange: by count, by bytes, by time;
//! what is told of those that wait; and that a crash neither loses one nor sends it twice.

use super::edi::{control_of, order};
use super::peer::{Peer, Post};
use super::stage::{PATIENCE, Stage};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Where the process is killed while documents that waited leave.
pub const POINTS: [&str; 2] = ["gather.before_commit", "gather.after_commit"];
const RECEIVER: &str = "receiver: \"14:4012345000030\"";

/// The orders in an interchange, by number.
fn numbers(post: &Post) -> Vec<String> {
    let text = String::from_utf8_lossy(&post.body);
    text.split("BGM+220+").skip(1).map(|rest| rest.chars().take_while(|c| *c != '+').collect()).collect()
}

/// The agreement with the supplier, with these keys in its envelope.
fn agreement(retailer: &Peer, supplier: &Peer, keys: &str) -> String {
    let yaml = super::stage::resources(retailer.port, supplier.port);
    let own = yaml.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it").to_owned();
    own.replace(&format!("{RECEIVER} }}"), &format!("{RECEIVER}, {keys} }}"))
}

async fn stage(keys: &str) -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    stage.apply(&agreement(&retailer, &supplier, keys));
    (stage, retailer, supplier)
}

/// The document of a transmission, when it is routed.
async fn routed(stage: &Stage, transmission: &str) -> Value {
    stage.reaches(transmission, "split").await;
    let all = stage.list("/api/v1/documents?direction=in").await;
    let found = all.iter().find(|one| one["transmission_id"] == *transmission).expect("its document");
    assert_eq!(found["processing"], "routed", "{found:?}");
    found.clone()
}

async fn of(stage: &Stage, document: &Value) -> Value {
    stage.get(&format!("/api/v1/documents/{}", document["document_id"].as_str().expect("an id"))).await
}

async fn posts(stage: &Stage, supplier: &Peer, count: usize) -> Vec<Post> {
    stage.until("interchanges", || async { (supplier.orders().len() >= count).then_some(()) }).await;
    supplier.orders()
}

#[tokio::test]
async fn three_of_three_transmissions_leave_in_one_interchange() {
    let (mut stage, _retailer, supplier) =
        stage("gather_minutes: 60, documents_max: 3, first_document_number: 500").await;
    let first = stage.send(order("G-1", 1)).await;
    let first = routed(&stage, &first).await;
    let told = of(&stage, &first).await;
    assert_eq!(told["waiting"][0]["agreement"], "lamps-orders", "{told}");
    let id = first["document_id"].as_str().expect("an id");
    assert!(stage.done(&["document", "show", id], "").contains("for others of lamps-orders"));
    assert!(stage.done(&["status"], "").contains("1 documents, for others"));
    let second = stage.send(order("G-2", 2)).await;
    routed(&stage, &second).await;
    // They wait through a crash.
    stage.kill();
    stage.start_again(&[]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(supplier.orders().is_empty(), "two of three left");
    let third = stage.send(order("G-3", 3)).await;
    let posts = posts(&stage, &supplier, 1).await;
    assert_eq!(numbers(&posts[0]), ["G-1", "G-2", "G-3"]);
    let text = String::from_utf8_lossy(&posts[0].body);
    assert!(text.contains("UNH+500+") && text.contains("UNH+502+") && text.contains("UNZ+3+"), "{text}");
    for transmission in [&third, &second] {
        let document = routed(&stage, transmission).await;
        let done = stage
            .until("delivered", || async {
                let told = of(&stage, &document).await;
                (told["document"]["delivery"] == "delivered").then_some(told)
            })
            .await;
        assert_eq!(done["waiting"], serde_json::json!([]));
        assert_eq!(done["made_into"].as_array().map(Vec::len), Some(1));
    }
    // The next one begins anew.
    let fourth = stage.send(order("G-4", 4)).await;
    routed(&stage, &fourth).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(supplier.orders().len(), 1);
    stage.balanced().await;
}

#[tokio::test]
async fn time_and_bytes_make_an_interchange_too() {
    let (stage, retailer, supplier) = stage("gather_minutes: 0").await;
    stage.send(order("G-1", 1)).await;
    let one = posts(&stage, &supplier, 1).await;
    assert_eq!(numbers(&one[0]), ["G-1"], "time is up at once");
    // One has fewer than 500 bytes, two have more.
    stage.apply(&agreement(&retailer, &supplier, "gather_minutes: 60, bytes_max: 500"));
    for number in 2..6 {
        let id = stage.send(order(&format!("G-{number}"), number)).await;
        routed(&stage, &id).await;
    }
    let mut all = posts(&stage, &supplier, 4).await;
    all.sort_by_key(|post| control_of(&post.body));
    let told: Vec<_> = all.iter().map(numbers).collect();
    assert_eq!(told, [["G-1"], ["G-2"], ["G-3"], ["G-4"]], "the last waits on");
    let controls: Vec<_> = all.iter().map(|post| control_of(&post.body)).collect();
    assert!(controls.windows(2).all(|two| two[0] != two[1]), "{controls:?}");
}

#[tokio::test]
async fn err_one_that_cannot_be_written_any_more_fails_and_the_others_leave() {
    let (stage, retailer, supplier) = stage("gather_minutes: 60, documents_max: 2").await;
    let lower = String::from_utf8(order("G-1", 1)).expect("text");
    let lower = stage.send(lower.replace("North Stores DC East", "north stores dc east")).await;
    let lower = routed(&stage, &lower).await;
    // Lower case is not in UNOA, which is agreed while it waits.
    stage.apply(&agreement(&retailer, &supplier, "gather_minutes: 60, documents_max: 2, repertoire: UNOA"));
    let upper = |number: &str, control| String::from_utf8(order(number, control)).expect("text").to_uppercase();
    stage.send(upper("G-2", 2)).await;
    stage.send(upper("G-3", 3)).await;
    let posts = posts(&stage, &supplier, 1).await;
    assert_eq!(numbers(&posts[0]), ["G-2", "G-3"]);
    let told = of(&stage, &lower).await;
    assert_eq!(told["document"]["processing"], "failed", "{told}");
    assert!(told["document"]["reason"].as_str().is_some_and(|why| why.contains("waited for company")), "{told}");
    stage.balanced().await;
}

/// Those that leave at a time wait for it however many they are, and then leave in as many interchanges as it takes.
#[tokio::test]
async fn what_leaves_at_a_time_does_not_leave_before_it() {
    let (mut stage, _retailer, supplier) = stage("gather: { every: 15s }, documents_max: 2").await;
    let begin = Instant::now();
    for number in 1..4 {
        let id = stage.send(order(&format!("G-{number}"), number)).await;
        let told = of(&stage, &routed(&stage, &id).await).await;
        assert_eq!(told["waiting"][0]["agreement"], "lamps-orders", "{told}");
    }
    // They wait through a crash.
    stage.kill();
    stage.start_again(&[]);
    let is_early = begin.elapsed() < Duration::from_secs(14);
    assert!(!is_early || supplier.orders().is_empty(), "two were enough");
    let mut all = posts(&stage, &supplier, 2).await;
    assert!(begin.elapsed() >= Duration::from_secs(15), "before its time");
    all.sort_by_key(|post| control_of(&post.body));
    assert_eq!(all.iter().map(numbers).collect::<Vec<_>>(), [vec!["G-1", "G-2"], vec!["G-3"]]);
    stage.balanced().await;
}

/// Killed before and after the commit by which they leave: each order leaves once, under one number.
#[tokio::test]
async fn a_crash_while_they_leave_neither_loses_nor_doubles_one() {
    crash_while_they_leave("gather_minutes: 60, documents_max: 2").await;
}

#[tokio::test]
async fn a_crash_while_they_leave_at_a_time_neither_loses_nor_doubles_one() {
    crash_while_they_leave("gather: { every: 10s }").await;
}

async fn crash_while_they_leave(keys: &str) {
    for point in POINTS {
        let (mut stage, _retailer, supplier) = stage(keys).await;
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        for number in 1..3 {
            stage.send(order(&format!("G-{number}"), number)).await;
        }
        let begin = Instant::now();
        while stage.child.try_wait().expect("a child").is_none() {
            assert!(begin.elapsed() < PATIENCE, "it passed {point}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stage.start_again(&[]);
        let posts = posts(&stage, &supplier, 1).await;
        assert_eq!(numbers(&posts[0]), ["G-1", "G-2"], "{point}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        let keys: std::collections::BTreeSet<_> = supplier.orders().iter().map(|post| post.key().to_owned()).collect();
        assert_eq!(keys.len(), 1, "{point}");
        stage.balanced().await;
    }
}
