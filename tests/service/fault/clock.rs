//! The machine's clock is set while the service runs, and while it does not: nothing is stuck, nothing goes twice.

use super::super::edi::order;
use super::super::peer::{Answer, Peer};
use super::super::stage::Stage;
use super::alarm;
use portolan::clock::CLOCK_VARIABLE;
use std::time::Duration;

const HOUR: i64 = 3600;
const SECTIONS: &str = "[delivery]\nretry_seconds = [2, 2, 2]\n[alert]\nlook_seconds = 1\nsettle_seconds = 1\n";

/// An instance whose clock a file sets.
async fn stage(offset: i64) -> (Stage, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with(&retailer, &supplier, SECTIONS).await;
    stage.kill();
    set(&stage, offset);
    start(&mut stage);
    (stage, supplier)
}

fn set(stage: &Stage, offset: i64) {
    // By a rename, so that no look finds half of it.
    stage.file("clock.new", &offset.to_string());
    std::fs::rename(stage.data().join("clock.new"), stage.data().join("clock")).expect("renamed");
}

fn start(stage: &mut Stage) {
    let file = stage.data().join("clock").display().to_string();
    stage.start_again(&[(CLOCK_VARIABLE, &file)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_forward_by_an_hour_what_is_under_way_does_not_go_twice() {
    let (stage, supplier) = stage(0).await;
    supplier.then(&[Answer::Slow(Duration::from_secs(6))]);
    stage.send(order("4711", 1)).await;
    stage.until("it is under way", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    set(&stage, HOUR);
    let rows = stage.deliveries("delivered", 2).await;
    assert!(rows.iter().all(|row| row["attempts"] == 1), "{rows:#?}");
    assert_eq!(supplier.orders().len(), 1, "its lease ran out by the clock, and it went twice");
    assert!(!stage.log().contains("Job failed"), "{}", stage.log());
    stage.send(order("4712", 2)).await;
    stage.deliveries("delivered", 4).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_back_by_an_hour_nothing_is_stuck() {
    let (mut stage, supplier) = stage(HOUR).await;
    supplier.then(&[Answer::Status(503)]);
    stage.send(order("4711", 1)).await;
    stage.until("it is refused once", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    // Its next attempt would be due in an hour and two seconds.
    set(&stage, 0);
    stage.deliveries("delivered", 2).await;
    alarm(&stage, "trouble", "behind the ledger's").await;
    stage.send(order("4712", 2)).await;
    stage.deliveries("delivered", 4).await;
    // The same while it does not run.
    supplier.then(&[Answer::Status(503)]);
    stage.send(order("4713", 3)).await;
    stage.until("it is refused once", || async { (supplier.orders().len() == 4).then_some(()) }).await;
    stage.kill();
    start(&mut stage);
    stage.deliveries("delivered", 6).await;
    stage.send(order("4714", 4)).await;
    stage.deliveries("delivered", 8).await;
    let orders = supplier.orders();
    let keys: std::collections::BTreeSet<&str> = orders.iter().map(|post| post.key()).collect();
    assert_eq!(keys.len(), 4, "each order under one key");
    stage.balanced().await;
}
