//! Events told to webhooks: in order, until they are taken, signed as Standard Webhooks has it, whatever happens to us or to the
//! receiver; a receiver that is gone for days is given up and can go on.

use super::edi::order;
use super::peer::{Answer, Peer, Post};
use super::stage::Stage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan::clock::{Clock as _, SystemClock};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

const QUICK: &str = "[delivery]\nretry_seconds = [1, 1, 1]\n";

/// Named points at which the service is killed here.
pub const POINTS: [&str; 2] = ["webhook.before_commit", "webhook.after_commit"];

fn webhook(port: u16, more: &str) -> String {
    format!(
        "kind: webhook\nname: monitor\nurl: http://127.0.0.1:{port}/hook\nallow_networks: [127.0.0.0/8]\n\
         secret: {{ secret: monitor-secret }}\n{more}\n"
    )
}

async fn stage(receiver: &Peer, more: &str) -> (Stage, String, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, QUICK).await;
    let secret = stage.done(&["webhook", "secret", "monitor-secret"], "").trim().to_owned();
    stage.apply(&webhook(receiver.port, more));
    (stage, secret, supplier)
}

fn told(post: &Post) -> Value {
    serde_json::from_slice(&post.body).expect("JSON")
}

fn types(receiver: &Peer) -> Vec<String> {
    receiver.posts().iter().map(|post| told(post)["type"].as_str().expect("a type").to_owned()).collect()
}

fn sequence(post: &Post) -> i64 {
    told(post)["data"]["sequence"].as_i64().expect("a sequence")
}

/// The published algorithm, by OpenSSL: HMAC-SHA256 over `id.timestamp.body` with what stands behind `whsec_`.
fn signature(post: &Post, secret: &str) -> String {
    use std::io::Write as _;
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("Base64");
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &format!("hexkey:{key}"), "-binary"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("openssl");
    let begin = format!("{}.{}.", post.headers["webhook-id"], post.headers["webhook-timestamp"]);
    let mut text = child.stdin.take().expect("a pipe");
    text.write_all(&[begin.as_bytes(), &post.body].concat()).expect("written");
    drop(text);
    format!("v1,{}", STANDARD.encode(child.wait_with_output().expect("an end").stdout))
}

/// Waits until nothing more is to be told.
async fn settled(stage: &Stage, count: usize, receiver: &Peer) {
    stage.until(&format!("{count} events"), || async { (receiver.posts().len() >= count).then_some(()) }).await;
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told_in_order_and_signed() {
    let receiver = Peer::start(&[]).await;
    let (stage, secret, _) = stage(&receiver, "").await;
    stage.send(order("PX4711", 1)).await;
    stage.deliveries("delivered", 2).await;
    settled(&stage, 10, &receiver).await;
    let posts = receiver.posts();
    let all: BTreeSet<String> = types(&receiver).into_iter().collect();
    for expected in [
        "transmission.stored",
        "transmission.split",
        "document.routed",
        "transmission.encoded",
        "delivery.ready",
        "delivery.sending",
        "delivery.delivered",
    ] {
        assert!(all.contains(expected), "{expected} in {all:?}");
    }
    let sequences: Vec<i64> = posts.iter().map(sequence).collect();
    assert!(sequences.is_sorted_by(|one, other| one < other), "{sequences:?}");
    let ids: BTreeSet<&String> = posts.iter().map(|post| &post.headers["webhook-id"]).collect();
    assert_eq!(ids.len(), posts.len(), "each has an id of its own");
    let now = SystemClock.now().as_second();
    for post in &posts {
        assert_eq!(post.headers["webhook-signature"], signature(post, &secret));
        let time: i64 = post.headers["webhook-timestamp"].parse().expect("seconds");
        assert!(now.abs_diff(time) < 300, "{time} is not now");
        assert_eq!((&*post.headers["content-type"], &*post.line), ("application/json", "POST /hook HTTP/1.1"));
        let text = String::from_utf8_lossy(&post.body);
        for payload in ["PX4711", "NORTHSTORES", "LAMPS"] {
            assert!(!text.to_ascii_uppercase().contains(payload), "{payload} in {text}");
        }
    }
    // What is linked is there.
    let delivered = posts.iter().map(told).find(|one| one["type"] == "delivery.delivered").expect("it");
    for link in delivered["data"]["links"].as_object().expect("links").values() {
        stage.get(link.as_str().expect("a link")).await;
    }
    let listed = stage.done(&["webhook", "list"], "");
    assert!(listed.starts_with("monitor") && listed.contains("told last"), "{listed}");
    assert!(!stage.log().contains(&secret) && !stage.done(&["export"], "").contains(&secret));
    assert!(stage.done(&["webhook", "test", "monitor"], "").contains("took it: 200"));
    assert_eq!(types(&receiver).pop().as_deref(), Some("webhook.test"));
}

#[tokio::test]
async fn only_wanted_types_are_told_and_two_secrets_overlap() {
    let receiver = Peer::start(&[]).await;
    let (stage, first, _) = stage(&receiver, "events: [delivery.delivered, \"document.*\"]").await;
    let second = stage.done(&["webhook", "secret", "monitor-next"], "").trim().to_owned();
    let both = webhook(
        receiver.port,
        "previous_secret: { secret: monitor-secret }\nevents: [delivery.delivered, \"document.*\"]",
    );
    stage.apply(&both.replacen("secret: { secret: monitor-secret }", "secret: { secret: monitor-next }", 1));
    stage.send(order("4711", 1)).await;
    stage.deliveries("delivered", 2).await;
    settled(&stage, 3, &receiver).await;
    let all = types(&receiver);
    assert!(all.iter().all(|one| one == "delivery.delivered" || one.starts_with("document.")), "{all:?}");
    assert_eq!(all.iter().filter(|one| *one == "delivery.delivered").count(), 2, "{all:?}");
    for post in receiver.posts() {
        let expected = format!("{} {}", signature(&post, &second), signature(&post, &first));
        assert_eq!(post.headers["webhook-signature"], expected);
    }
    let refused = stage.refused(&webhook(receiver.port, "events: [delivery.parkd]"));
    assert!(
        refused.contains("events[1]: expected a type of events") && refused.contains("delivery.parked?"),
        "{refused}"
    );
    // A secret that is none is told without being shown.
    stage.done(&["secret", "set", "monitor-next"], "not a secret of webhooks");
    let told = String::from_utf8_lossy(&stage.cli(&["webhook", "test", "monitor"], "").stdout).into_owned();
    assert_eq!(told, "monitor did not take it: secret monitor-next: expected whsec_ and 24 to 64 bytes in Base64\n");
}

#[tokio::test]
async fn what_is_not_taken_is_told_again_under_its_id_before_anything_else() {
    let receiver = Peer::start(&[Answer::Status(500), Answer::Cut, Answer::Status(404)]).await;
    let (stage, secret, supplier) = stage(&receiver, "events: [\"delivery.*\"]").await;
    stage.send(order("4711", 1)).await;
    stage.deliveries("delivered", 2).await;
    assert_eq!(supplier.posts().len(), 1, "no delivery waits for a webhook");
    settled(&stage, 9, &receiver).await;
    let posts = receiver.posts();
    let id = &posts[0].headers["webhook-id"];
    for again in &posts[..4] {
        assert_eq!((&again.headers["webhook-id"], &again.body), (id, &posts[0].body));
        assert_eq!(again.headers["webhook-signature"], signature(again, &secret), "signed for its own time");
    }
    let sequences: Vec<i64> = posts[3..].iter().map(sequence).collect();
    assert!(sequences.is_sorted_by(|one, other| one < other), "{sequences:?}");
    stage.balanced().await;
}

#[tokio::test]
async fn one_that_is_gone_is_given_up_with_an_event_and_goes_on_where_it_stopped() {
    let (receiver, other) = (Peer::start(&[Answer::Status(410)]).await, Peer::start(&[]).await);
    let (stage, _, _) = stage(&receiver, "events: [delivery.delivered]").await;
    let watcher = webhook(other.port, "events: [\"webhook.*\"]").replace("name: monitor", "name: watcher");
    stage.apply(&watcher);
    stage.send(order("4711", 1)).await;
    stage.until("it is given up", || async { (!other.posts().is_empty()).then_some(()) }).await;
    let event = told(&other.posts()[0]);
    assert_eq!((&event["type"], &event["data"]["webhook"]), (&"webhook.disabled".into(), &"monitor".into()), "{event}");
    assert!(stage.done(&["webhook", "list"], "").contains("given up"));
    stage.deliveries("delivered", 2).await;
    settled(&stage, 1, &receiver).await;
    assert_eq!(receiver.posts().len(), 1, "it is told nothing any more");
    stage.done(&["webhook", "resume", "monitor"], "");
    settled(&stage, 3, &receiver).await;
    assert_eq!(types(&receiver), ["delivery.delivered"; 3]);
    assert_eq!(receiver.posts()[0].headers["webhook-id"], receiver.posts()[1].headers["webhook-id"]);
    stage.until("that is told too", || async { (other.posts().len() == 2).then_some(()) }).await;
    assert_eq!(types(&other)[1], "webhook.enabled");
    assert_eq!(stage.cli(&["webhook", "resume", "nobody"], "").status.code(), Some(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_each_commit_every_event_is_told_and_in_order() {
    let receiver = Peer::start(&[]).await;
    let (mut stage, _, _) = stage(&receiver, "events: [\"delivery.*\"]").await;
    let mut number = 1;
    for point in POINTS {
        for passing in [1, 2] {
            stage.kill();
            let failing = format!("{point}:{passing}");
            stage.start_again(&[("PORTOLAN_FAIL_POINT", &failing)]);
            let (key, body) = (format!("k{number}"), order(&format!("47{number}"), number));
            number += 1;
            // It may die before this is taken; then it is sent again.
            let _ = stage.try_post(Some(&key), body.clone()).await;
            stage.until(&failing, || async { stage.get_or_none("/api/v1/status").await.is_none().then_some(()) }).await;
            stage.start_again(&[]);
            assert_eq!(stage.post(Some(&key), body).await.status, 202);
            // What takes its worker down twice in a row would be held.
            stage.deliveries("delivered", 2 * (number as usize - 1)).await;
        }
    }
    stage.deliveries("delivered", 8).await;
    settled(&stage, 24, &receiver).await;
    let mut seen = BTreeSet::new();
    let mut last = 0;
    for post in receiver.posts() {
        let sequence = sequence(&post);
        assert!(sequence > last || seen.contains(&sequence), "{sequence} came after {last} for the first time");
        seen.insert(sequence);
        last = last.max(sequence);
    }
    // What is in the ledger was told: each delivery was ready, sent and delivered.
    let states = |wanted: &str| {
        let posts = receiver.posts();
        let all = posts.iter().map(told).filter(|one| one["type"] == format!("delivery.{wanted}"));
        all.map(|one| one["data"]["delivery"].as_str().expect("an id").to_owned()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!((states("ready"), states("sending"), states("delivered")), (8, 8, 8));
    stage.balanced().await;
}
