//! Deliveries that wait for the window of their channel, with the real binary.

use super::edi::order;
use super::peer::{Answer, Peer};
use super::stage::{Stage, resources};
use jiff::SignedDuration;
use portolan::clock::{Clock as _, SystemClock};
use serde_json::Value;
use std::time::Duration;

const QUICK: &str = "[delivery]\nretry_seconds = [1, 1, 1]\nattempt_seconds = 2\n";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The supplier's channel, open from so many hours from now to so many.
fn channel(supplier: &Peer, from: i32, to: i32) -> String {
    let yaml = resources(1, supplier.port);
    let own = yaml.split("---\n").find(|one| one.contains("name: lamps-out")).expect("it");
    let time = |hours: i32| (SystemClock.now() + HOUR * hours).strftime("%H:%M").to_string();
    format!("{own}window: {{ from: \"{}\", to: \"{}\" }}\n", time(from), time(to))
}

async fn delivery(stage: &Stage, state: &str) -> Value {
    let is_there = || async {
        let rows = stage.list("/api/v1/deliveries?channel=lamps-out").await;
        rows.into_iter().find(|row| row["state"] == state)
    };
    stage.until(&format!("a delivery {state}"), is_there).await
}

async fn stage(script: &[Answer]) -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(script).await);
    (Stage::with(&retailer, &supplier, QUICK).await, retailer, supplier)
}

/// What is told of when it goes: hours from now, about.
async fn waits(stage: &Stage, delivery: &Value, hours: i64) -> bool {
    let id = delivery["delivery_id"].as_str().expect("an id");
    let told = stage.get(&format!("/api/v1/deliveries/{id}")).await;
    let Some(opens_at) = told["window"]["opens_at"].as_i64() else { return false };
    let said = stage.done(&["delivery", "show", id], "");
    assert!(
        said.contains(&format!("waits for the window, {}", told["window"]["opens"].as_str().expect("a time"))),
        "{said}"
    );
    let distance = opens_at - SystemClock.now().as_microsecond();
    (distance - hours * 3600 * 1_000_000).abs() < 120 * 1_000_000
}

#[tokio::test]
async fn outside_its_window_a_delivery_waits_and_goes_when_that_opens() {
    let (mut stage, _retailer, supplier) = stage(&[]).await;
    stage.apply(&channel(&supplier, 2, 4));
    stage.send(order("W-1", 1)).await;
    let waiting = delivery(&stage, "ready").await;
    assert!(waits(&stage, &waiting, 2).await, "{waiting}");
    // It waits through a crash.
    stage.kill();
    stage.start_again(&[]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(supplier.orders().is_empty());
    assert_eq!(delivery(&stage, "ready").await["attempts"], 0);
    // Another window counts at once, also for what waits for the old one.
    stage.apply(&channel(&supplier, 3, 4));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(waits(&stage, &waiting, 3).await);
    stage.apply(&channel(&supplier, -1, 1));
    delivery(&stage, "delivered").await;
    assert_eq!(supplier.orders().len(), 1);
    assert!(!waits(&stage, &waiting, 0).await);
    stage.balanced().await;
}

#[tokio::test]
async fn a_retry_that_falls_outside_goes_when_the_window_opens() {
    let (stage, _retailer, supplier) = stage(&[Answer::Later(4)]).await;
    stage.apply(&channel(&supplier, -1, 1));
    stage.send(order("W-1", 1)).await;
    let waiting = delivery(&stage, "retry_wait").await;
    stage.apply(&channel(&supplier, 2, 4));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(supplier.orders().len(), 1, "its time came, and the window is closed");
    assert!(waits(&stage, &waiting, 2).await);
    stage.apply(&channel(&supplier, -1, 1));
    let done = delivery(&stage, "delivered").await;
    assert_eq!(done["attempts"], 2, "{done}");
    let keys: std::collections::BTreeSet<_> = supplier.orders().iter().map(|post| post.key().to_owned()).collect();
    assert_eq!(keys.len(), 1);
    stage.balanced().await;
}
