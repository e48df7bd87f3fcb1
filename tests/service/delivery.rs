//! What happens on the way out: repeats under one key with the same bytes, doubts, refusals, and a person's decisions.

use super::edi::{control_of, order};
use super::peer::{Answer, Peer};
use super::stage::{Stage, resources};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const QUICK: &str = "[delivery]\nretry_seconds = [1, 1, 1]\nattempt_seconds = 2\n";

async fn stage(script: &[Answer], sections: &str) -> (Stage, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(script).await);
    (Stage::with(&retailer, &supplier, sections).await, supplier)
}

/// The one delivery to the supplier.
async fn to_supplier(stage: &Stage, state: &str) -> Value {
    stage
        .until(&format!("a delivery {state}"), || async {
            let rows = stage.list("/api/v1/deliveries?channel=lamps-out").await;
            rows.into_iter().find(|row| row["state"] == state)
        })
        .await
}

fn id(delivery: &Value) -> &str {
    delivery["delivery_id"].as_str().expect("an id")
}

#[tokio::test]
async fn transient_failures_are_repeated_under_one_key_with_the_same_bytes() {
    let (stage, supplier) = stage(&[Answer::Status(500), Answer::Later(2), Answer::Cut], QUICK).await;
    let begin = Instant::now();
    stage.send(order("4711", 1)).await;
    let delivery = to_supplier(&stage, "delivered").await;
    assert_eq!(delivery["attempts"], 4, "{delivery:#}");
    assert!(begin.elapsed() >= Duration::from_secs(3), "Retry-After was not waited for");
    let posts = supplier.posts();
    assert_eq!(posts.len(), 4);
    let keys: BTreeSet<_> = posts.iter().map(|post| post.key().to_owned()).collect();
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), [id(&delivery)]);
    assert!(posts.iter().all(|post| post.body == posts[0].body));
    assert_eq!(posts[0].headers["content-type"], "application/EDIFACT");
    let shown = stage.get(&format!("/api/v1/deliveries/{}", id(&delivery))).await;
    let outcomes: Vec<_> =
        shown["attempts"].as_array().expect("attempts").iter().filter_map(|one| one["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["retry_wait", "retry_wait", "uncertain", "delivered"], "{shown:#}");
    stage.balanced().await;
}

#[tokio::test]
async fn a_retry_after_that_is_a_date_is_waited_for() {
    let (stage, supplier) = stage(&[Answer::LaterAt(5)], QUICK).await;
    stage.send(order("4711", 1)).await;
    let waits = || async {
        let channels = stage.get("/api/v1/channels").await;
        let mut items = channels["items"].as_array().into_iter().flatten();
        items.any(|one| one["channel"] == "lamps-out" && !one["not_before"].is_null()).then_some(())
    };
    stage.until("the channel waits", waits).await;
    let delivery = to_supplier(&stage, "delivered").await;
    assert_eq!(delivery["attempts"], 2, "{delivery:#}");
    let posts = supplier.posts();
    // The date has whole seconds.
    let waited = posts[1].at - posts[0].at;
    assert!(waited >= Duration::from_millis(3900), "{waited:?}");
    stage.balanced().await;
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_makes_it_uncertain_and_it_is_repeated() {
    let (stage, supplier) = stage(&[Answer::Slow(Duration::from_secs(5))], QUICK).await;
    stage.send(order("4711", 1)).await;
    to_supplier(&stage, "delivered").await;
    let posts = supplier.posts();
    assert_eq!(posts.len(), 2);
    assert_eq!((posts[0].key(), &posts[0].body), (posts[1].key(), &posts[1].body));
}

#[tokio::test]
async fn a_doubt_is_held_where_the_receiver_ignores_keys() {
    let (stage, supplier) = stage(&[Answer::Cut], QUICK).await;
    let mut agreement = super::stage::resources(1, 1);
    agreement = agreement.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it").to_owned();
    stage.apply(&format!("{agreement}on_uncertain: hold\n"));
    stage.send(order("4711", 1)).await;
    let delivery = to_supplier(&stage, "held").await;
    assert_eq!(delivery["code"], "UNCERTAIN", "{delivery:#}");
    assert_eq!(supplier.posts().len(), 1);
    stage.balanced().await;
    // A person asked the partner, and lets it go once more.
    stage.done(&["delivery", "release", id(&delivery)], "");
    to_supplier(&stage, "delivered").await;
    assert_eq!(supplier.posts()[0].key(), supplier.posts()[1].key());
}

/// Nobody knows what came of it when the process was killed, and a person is told.
#[tokio::test]
async fn a_doubt_after_a_kill_is_held_and_told() {
    let (mut stage, supplier) = stage(&[Answer::Slow(std::time::Duration::from_secs(30))], QUICK).await;
    let mut agreement = super::stage::resources(1, 1);
    agreement = agreement.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it").to_owned();
    stage.apply(&format!("{agreement}on_uncertain: hold\n"));
    stage.send(order("4711", 1)).await;
    stage.until("it is being sent", || async { (!supplier.posts().is_empty()).then_some(()) }).await;
    stage.kill();
    stage.start_again(&[]);
    let delivery = to_supplier(&stage, "held").await;
    assert_eq!(delivery["code"], "UNCERTAIN", "{delivery:#}");
    let told = || async {
        let all = stage.list("/api/v1/alarms").await;
        all.into_iter().find(|one| one["alert"].as_str().is_some_and(|alert| alert.contains("parked")))
    };
    let alarm = stage.until("its alarm", told).await;
    assert_eq!(alarm["code"], "UNCERTAIN", "{alarm:#}");
    assert_eq!(supplier.posts().len(), 1);
    stage.balanced().await;
}

#[tokio::test]
async fn a_refusal_parks_it_and_a_resubmit_goes_under_a_new_key() {
    let (stage, supplier) = stage(&[Answer::Status(422)], QUICK).await;
    stage.send(order("4711", 1)).await;
    let parked = to_supplier(&stage, "parked").await;
    assert_eq!(parked["code"], "HTTP-422", "{parked:#}");
    assert_eq!(parked["attempts"], 1, "what is refused is not repeated blindly");
    stage.balanced().await;
    let said = stage.done(&["delivery", "resubmit", id(&parked)], "");
    let new = to_supplier(&stage, "delivered").await;
    assert!(said.contains(id(&new)), "{said}");
    assert_eq!(new["resubmit_of"], parked["delivery_id"]);
    let posts = supplier.posts();
    assert_ne!(posts[0].key(), posts[1].key());
    assert_eq!(posts[0].body, posts[1].body);
    assert_eq!(stage.cli(&["delivery", "resubmit", id(&new)], "").status.code(), Some(6), "it is not parked");
    stage.balanced().await;
}

#[tokio::test]
async fn when_all_retries_are_spent_it_is_parked_with_the_last_reason() {
    let sections = "[delivery]\nretry_seconds = [1]\n";
    let (stage, supplier) = stage(&[Answer::Status(503), Answer::Status(500)], sections).await;
    stage.send(order("4711", 1)).await;
    let parked = to_supplier(&stage, "parked").await;
    assert!(parked["reason"].as_str().is_some_and(|reason| reason.contains("500")), "{parked:#}");
    assert_eq!(supplier.posts().len(), 2);
    let shown = stage.done(&["document", "list", "--number", "4711", "--direction", "in"], "");
    assert!(shown.contains("parked"), "the order shows it: {shown}");
}

#[tokio::test]
async fn an_address_that_is_not_public_is_refused_unless_it_is_allowed() {
    let (stage, supplier) = stage(&[], QUICK).await;
    stage.apply(&format!(
        "{{kind: channel, name: lamps-out, transport: http, way: out, url: \"http://127.0.0.1:{}/edi\"}}\n",
        supplier.port
    ));
    stage.send(order("4711", 1)).await;
    let parked = to_supplier(&stage, "parked").await;
    assert!(parked["reason"].as_str().is_some_and(|reason| reason.contains("allow_networks")), "{parked:#}");
    assert!(supplier.posts().is_empty());
}

#[tokio::test]
async fn a_missing_secret_parks_and_names_it() {
    let (stage, supplier) = stage(&[], QUICK).await;
    stage.apply(&format!(
        "{{kind: channel, name: lamps-out, transport: http, way: out, url: \"http://127.0.0.1:{}/edi\", \
         allow_networks: [127.0.0.0/8], headers: {{Authorization: {{secret: lamps-key}}}}}}\n",
        supplier.port
    ));
    assert!(stage.done(&["secret", "list"], "").contains("lamps-key (used, not set)"));
    stage.send(order("4711", 1)).await;
    let parked = to_supplier(&stage, "parked").await;
    assert_eq!(parked["code"], "SECRET-MISSING", "{parked:#}");
    stage.done(&["secret", "set", "lamps-key"], "Bearer s3cr3t-canary\n");
    stage.done(&["delivery", "resubmit", id(&parked)], "");
    to_supplier(&stage, "delivered").await;
    assert_eq!(supplier.posts()[0].headers["authorization"], "Bearer s3cr3t-canary");
    let told = stage.log() + &stage.done(&["export"], "") + &stage.get("/api/v1/deliveries").await.to_string();
    assert!(!told.contains("s3cr3t-canary") && !told.contains(&stage.token), "secrets are nowhere to be read");
    assert!(!stage.log().contains("PO1*1"), "nor payloads in the log");
}

#[tokio::test]
async fn held_and_cancelled_by_hand() {
    // Nobody listens on the supplier's port: the delivery waits.
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[Answer::Later(3600)]).await);
    let stage = Stage::with(&retailer, &supplier, QUICK).await;
    let expects = "channel: lamps-out\nexpect: { kind: contrl, within_minutes: 60 }\nenvelope";
    stage.apply(&resources(retailer.port, supplier.port).replace("channel: lamps-out\nenvelope", expects));
    stage.send(order("4711", 1)).await;
    let waiting = to_supplier(&stage, "retry_wait").await;
    let ack = || async { stage.list("/api/v1/documents?type=ORDERS").await[0]["ack"].clone() };
    assert_eq!(ack().await, "waiting");
    stage.done(&["delivery", "hold", id(&waiting)], "");
    to_supplier(&stage, "held").await;
    stage.done(&["delivery", "cancel", id(&waiting), "--reason", "the order was withdrawn"], "");
    let cancelled = to_supplier(&stage, "cancelled").await;
    assert_eq!(cancelled["reason"], "the order was withdrawn");
    assert_eq!(ack().await, "none", "what is not sent is not answered");
    assert_eq!(stage.cli(&["delivery", "release", id(&waiting)], "").status.code(), Some(6));
    assert_eq!(stage.cli(&["delivery", "release", "del_none"], "").status.code(), Some(4));
    stage.done(&["delivery", "resubmit", id(&waiting)], "");
    assert_eq!(ack().await, "waiting", "what goes after all is");
    stage.balanced().await;
}

#[tokio::test]
async fn a_stop_lets_the_running_attempt_end_and_a_start_repeats_nothing() {
    let (mut stage, supplier) = stage(&[Answer::Slow(Duration::from_secs(1))], "").await;
    stage.send(order("4711", 1)).await;
    stage.until("the post", || async { (supplier.posts().len() == 1).then_some(()) }).await;
    assert_eq!(stage.stop().await, Some(0));
    stage.start_again(&[]);
    let delivery = to_supplier(&stage, "delivered").await;
    assert_eq!((delivery["attempts"].as_i64(), supplier.posts().len()), (Some(1), 1), "{delivery:#}");
    stage.balanced().await;
}

#[tokio::test]
async fn our_control_numbers_have_no_gaps_and_no_repeats() {
    let (stage, supplier) = stage(&[Answer::Status(500), Answer::Cut], QUICK).await;
    for control in 1..=9 {
        stage.send(order(&format!("47{control}"), control)).await;
    }
    stage.deliveries("delivered", 18).await;
    let numbers: BTreeSet<u32> =
        supplier.posts().iter().filter_map(|post| control_of(&post.body).parse().ok()).collect();
    assert_eq!(numbers, (1..=9).collect());
}
