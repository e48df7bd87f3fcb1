//! Pauses: what comes in is taken in and answered, what would use something paused waits, and goes on once when that is over,
//! whatever happens to us meanwhile.

use super::as2;
use super::edi::{number_of, order};
use super::peer::{Answer, Peer};
use super::stage::Stage;
use portolan::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use std::time::Duration;

/// Where the process is killed here.
pub const POINTS: [&str; 6] = [
    "pause.before_commit",
    "pause.after_commit",
    "resume.before_commit",
    "resume.after_commit",
    "set_aside.before_commit",
    "set_aside.after_commit",
];
/// How long nothing must happen.
const QUIET: Duration = Duration::from_millis(1500);

async fn stage() -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "[delivery]\nretry_seconds = [1, 1, 1]\n").await;
    (stage, retailer, supplier)
}

/// The orders that a partner got, each once, by number.
fn numbers(peer: &Peer) -> Vec<String> {
    let mut numbers: Vec<String> = peer.posts().iter().filter_map(|post| number_of(&post.body)).collect();
    numbers.sort();
    numbers
}

/// How much waits for the only pause.
async fn standing(stage: &Stage) -> Value {
    let mut all = stage.list("/api/v1/pauses").await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

async fn until_waiting(stage: &Stage, key: &str, count: i64) {
    stage.until("they wait", || async { (standing(stage).await[key] == count).then_some(()) }).await;
}

/// Three orders, each answered.
async fn send_three(stage: &Stage) -> Vec<String> {
    let mut sent = Vec::new();
    for number in 1..=3 {
        sent.push(stage.send(order(&format!("P-{number}"), number)).await);
    }
    sent
}

/// Everything left, once.
async fn three_of_each(stage: &Stage, retailer: &Peer, supplier: &Peer) {
    stage.deliveries("delivered", 6).await;
    assert_eq!(numbers(supplier), ["P-1", "P-2", "P-3"]);
    assert_eq!(retailer.posts().len(), 3, "an acknowledgment for each");
    assert!(stage.list("/api/v1/pauses").await.is_empty());
    stage.balanced().await;
}

#[tokio::test]
async fn what_would_be_sent_waits_and_leaves_once() {
    for (kind, name) in [("channel", "lamps-out"), ("partner", "lamps"), ("agreement", "lamps-orders")] {
        let (stage, retailer, supplier) = stage().await;
        let said = stage.done(&["pause", kind, name, "--reason", "their system is down"], "");
        assert_eq!(said, format!("{kind} {name} is paused; portolan resume {kind} {name} lets it go on\n"));
        let sent = send_three(&stage).await;
        until_waiting(&stage, "deliveries", 3).await;
        // What goes elsewhere is not kept by it.
        stage.deliveries("delivered", 3).await;
        tokio::time::sleep(QUIET).await;
        assert_eq!((supplier.posts().len(), retailer.posts().len()), (0, 3), "{kind}");
        let words = format!("{kind} {name} is paused since ");
        let all = stage.list("/api/v1/deliveries?partner=lamps").await;
        let (delivery, out) = (all[0]["delivery_id"].as_str(), all[0]["transmission_id"].as_str());
        let (delivery, out) = (delivery.expect("an id"), out.expect("an id"));
        let documents = stage.reaches(&sent[0], "split").await["documents"].clone();
        let document = documents[0]["document_id"].as_str().expect("an id").to_owned();
        for line in [
            &["delivery", "show", delivery][..],
            &["delivery", "list"],
            &["transmission", "show", out],
            &["document", "show", &document],
            &["status"],
            &["pause"],
            &["pause", "list"],
        ] {
            let told = stage.done(line, "");
            assert!(told.contains(&words) && told.contains("by token:"), "{line:?}: {told}");
            assert!(told.contains(": their system is down"), "{line:?}: {told}");
        }
        assert!(stage.done(&["pause"], "").contains("0 transmissions, 3 deliveries, 0 interchanges wait"));
        assert_eq!(stage.done(&["resume", kind, name], ""), format!("{kind} {name} goes on\n"));
        three_of_each(&stage, &retailer, &supplier).await;
        assert_eq!(stage.done(&["pause"], ""), "nothing is paused\n");
        assert!(!stage.done(&["delivery", "show", delivery], "").contains("waits"));
    }
}

#[tokio::test]
async fn what_comes_in_is_answered_and_waits_before_it_is_looked_at() {
    let all = [
        ("channel", "northstores-in"),
        ("partner", "northstores"),
        ("agreement", "northstores-orders"),
        ("route", "orders-to-lamps"),
    ];
    for (kind, name) in all {
        let (mut stage, retailer, supplier) = stage().await;
        stage.done(&["pause", kind, name], "");
        let sent = send_three(&stage).await;
        until_waiting(&stage, "transmissions", 3).await;
        let told = stage.done(&["transmission", "show", &sent[1]], "");
        assert!(told.contains(&format!("waits: {kind} {name} is paused since ")), "{told}");
        // It waits through a crash.
        stage.kill();
        stage.start_again(&[]);
        tokio::time::sleep(QUIET).await;
        assert_eq!((supplier.posts().len(), retailer.posts().len()), (0, 0), "{kind}");
        assert!(stage.list("/api/v1/documents").await.is_empty(), "nothing is processed in part");
        assert_eq!(stage.get(&format!("/api/v1/transmissions/{}", sent[2])).await["transmission"]["state"], "stored");
        stage.done(&["resume", kind, name], "");
        three_of_each(&stage, &retailer, &supplier).await;
    }
}

#[tokio::test]
async fn a_route_that_is_paused_keeps_a_document_from_its_other_routes_too() {
    let (stage, retailer, supplier) = stage().await;
    stage.apply(&format!(
        "kind: agreement\nname: house-orders\nway: out\npartner: lamps\ndocument: x12/004010/850\nchannel: house-out\n\
         envelope: {{ sender: ZZ:US, receiver: ZZ:HOUSE }}\n\
         ---\nkind: channel\nname: house-out\ntransport: http\nway: out\nurl: http://127.0.0.1:{}/edi\n\
         allow_networks: [127.0.0.0/8]\n\
         ---\nkind: route\nname: orders-to-house\nfrom: northstores-orders\nto: house-orders\n",
        supplier.port
    ));
    stage.done(&["pause", "route", "orders-to-house"], "");
    stage.send(order("P-1", 1)).await;
    until_waiting(&stage, "transmissions", 1).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!((supplier.posts().len(), retailer.posts().len()), (0, 0));
    stage.done(&["resume", "route", "orders-to-house"], "");
    stage.deliveries("delivered", 3).await;
    assert_eq!(numbers(&supplier), ["P-1", "P-1"]);
    stage.balanced().await;
}

#[tokio::test]
async fn documents_that_wait_for_company_wait_on_while_their_agreement_is_paused() {
    let (stage, retailer, supplier) = stage().await;
    let all = super::stage::resources(retailer.port, supplier.port);
    let own = all.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it").to_owned();
    let receiver = "receiver: \"14:4012345000030\"";
    let gathers = format!("{receiver}, gather_minutes: 60, documents_max: 2 }}");
    stage.apply(&own.replace(&format!("{receiver} }}"), &gathers));
    stage.done(&["pause", "agreement", "lamps-orders"], "");
    let first = stage.send(order("P-1", 1)).await;
    stage.send(order("P-2", 2)).await;
    until_waiting(&stage, "interchanges", 1).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(supplier.posts().len(), 0, "two are enough, and wait");
    let documents = stage.reaches(&first, "split").await["documents"].clone();
    let told = stage.done(&["document", "show", documents[0]["document_id"].as_str().expect("an id")], "");
    assert!(told.contains("for others of lamps-orders") && told.contains("waits: agreement lamps-orders"), "{told}");
    stage.done(&["resume", "agreement", "lamps-orders"], "");
    stage.deliveries("delivered", 3).await;
    assert_eq!(supplier.posts().len(), 1);
    let text = String::from_utf8_lossy(&supplier.posts()[0].body).into_owned();
    assert!(text.contains("BGM+220+P-1") && text.contains("BGM+220+P-2"), "{text}");
    stage.balanced().await;
}

#[tokio::test]
async fn what_failed_before_is_not_tried_again_while_it_is_paused() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[Answer::Status(503)]).await);
    let stage = Stage::with(&retailer, &supplier, "[delivery]\nretry_seconds = [8, 1]\n").await;
    stage.send(order("P-1", 1)).await;
    stage.deliveries("retry_wait", 1).await;
    stage.done(&["pause", "channel", "lamps-out"], "");
    let before = supplier.posts().len();
    until_waiting(&stage, "deliveries", 1).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(supplier.posts().len(), before);
    stage.done(&["resume", "channel", "lamps-out"], "");
    stage.deliveries("delivered", 2).await;
    let keys: std::collections::BTreeSet<_> = supplier.posts().iter().map(|post| post.key().to_owned()).collect();
    assert_eq!(keys.len(), 1, "the same, again");
}

#[tokio::test]
async fn it_ends_by_itself_and_webhooks_are_told() {
    let (stage, retailer, supplier) = stage().await;
    let hook = Peer::start(&[]).await;
    stage.done(&["webhook", "secret", "hook-secret"], "");
    stage.apply(&format!(
        "kind: webhook\nname: monitor\nurl: http://127.0.0.1:{}/hook\nsecret: {{ secret: hook-secret }}\n\
         allow_networks: [127.0.0.0/8]\nevents: [\"pause.*\"]\n",
        hook.port
    ));
    let until = SystemClock.now() + Duration::from_secs(15);
    stage.done(&["pause", "partner", "lamps", "--until", &until.to_string()], "");
    assert!(stage.done(&["pause"], "").contains(" until "));
    send_three(&stage).await;
    until_waiting(&stage, "deliveries", 3).await;
    assert_eq!(supplier.posts().len(), 0);
    three_of_each(&stage, &retailer, &supplier).await;
    assert!(SystemClock.now() >= until, "not before its time");
    let told = stage
        .until("both events", || async {
            let told: Vec<Value> =
                hook.posts().iter().map(|post| serde_json::from_slice(&post.body).expect("JSON")).collect();
            (told.len() == 2).then_some(told)
        })
        .await;
    let seen: Vec<_> = told.iter().map(|one| (&one["type"], &one["data"]["partner"])).collect();
    assert_eq!(seen, [(&json!("pause.begun"), &json!("lamps")), (&json!("pause.ended"), &json!("lamps"))]);
}

#[tokio::test]
async fn err_what_is_not_there_or_no_time_is_told() {
    let (stage, _retailer, _supplier) = stage().await;
    let refused = |line: &[&str]| {
        let output = stage.cli(line, "");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let told = refused(&["pause", "partner", "lamp"]);
    assert_eq!((told.0, told.1.trim()), (Some(4), "portolan: no partner lamp"));
    assert_eq!(refused(&["resume", "partner", "lamps"]).0, Some(4));
    assert_eq!(refused(&["resume", "partners", "lamps"]).0, Some(2));
    let told = refused(&["pause", "partner", "lamps", "--until", "tomorrow"]);
    assert_eq!(told.0, Some(3));
    assert!(told.1.contains("until: expected a time such as 2026-11-28T06:00:00Z, found tomorrow"), "{}", told.1);
    let told = refused(&["pause", "partner", "lamps", "--until", "2020-01-01T00:00:00Z"]);
    assert!(told.1.contains("until: expected a time to come"), "{}", told.1);
    let told = refused(&["pause", "partner", "lamps", "--reason", &"x".repeat(501)]);
    assert!(told.1.contains("reason: expected 500 characters at most"), "{}", told.1);
    let body = json!({ "kind": "webhook", "name": "x" });
    let answer = stage.ask(reqwest::Method::POST, "/api/v1/pauses", Some(body)).await;
    assert_eq!((answer.status.as_u16(), answer.word("code")), (400, "WORD-UNKNOWN"));
    assert_eq!(stage.list("/api/v1/pauses").await, Vec::<Value>::new());
}

/// Over AS2 what comes in gets its receipt, in the answer and on its own, while its partner and its channel are paused.
#[tokio::test]
async fn receipts_of_as2_leave_while_what_they_are_for_waits() {
    for more in ["", as2::LATER] {
        let (lamps, house) = as2::lamps("").await;
        let retail = as2::retail(&format!("{}/as2", lamps.partner), more).await;
        lamps.done(&["pause", "partner", "retail"], "");
        retail.send(order("P-1", 1)).await;
        as2::sent(&retail, "delivered").await;
        until_waiting(&lamps, "transmissions", 1).await;
        tokio::time::sleep(QUIET).await;
        assert_eq!(house.posts().len(), 0);
        lamps.done(&["pause", "channel", "retail-as2"], "");
        lamps.done(&["resume", "partner", "retail"], "");
        retail.send(order("P-2", 2)).await;
        retail
            .until("its receipt", || async {
                let all = retail.list("/api/v1/deliveries?channel=lamps-out&state=delivered").await;
                (all.len() == 2).then_some(())
            })
            .await;
        until_waiting(&lamps, "transmissions", 2).await;
        lamps.done(&["resume", "channel", "retail-as2"], "");
        lamps.until("both leave", || async { (house.posts().len() == 2).then_some(()) }).await;
        assert_eq!(numbers(&house), ["P-1", "P-2"]);
        lamps.balanced().await;
        retail.balanced().await;
    }
}

/// Killed before and after each commit of a pause: what was said stands, and every order leaves once.
#[tokio::test]
async fn a_crash_at_each_step_loses_nothing_and_lets_nothing_leave_twice() {
    for point in POINTS {
        let (mut stage, retailer, supplier) = stage().await;
        let (begins, ends) = (point.starts_with("pause"), point.starts_with("resume"));
        // A route shows only when a transmission was looked into.
        let pause = ["pause", "route", "orders-to-lamps"];
        if !begins {
            stage.done(&pause, "");
        }
        if ends {
            send_three(&stage).await;
            until_waiting(&stage, "transmissions", 3).await;
        }
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        if begins {
            stage.cli(&pause, "");
        } else if ends {
            stage.cli(&["resume", "route", "orders-to-lamps"], "");
        } else {
            stage.send(order("P-1", 1)).await;
        }
        stage.dies(point).await;
        stage.start_again(&[]);
        if begins {
            let stands = stage.list("/api/v1/pauses").await.len();
            assert_eq!(stands, usize::from(point.ends_with("after_commit")), "{point}");
            // Who had no answer says it again.
            stage.done(&pause, "");
            send_three(&stage).await;
        } else if !ends {
            for number in 2..=3 {
                stage.send(order(&format!("P-{number}"), number)).await;
            }
        }
        if !(ends && point.ends_with("after_commit")) {
            until_waiting(&stage, "transmissions", 3).await;
            tokio::time::sleep(QUIET).await;
            assert_eq!(supplier.posts().len(), 0, "{point}");
            stage.done(&["resume", "route", "orders-to-lamps"], "");
        }
        three_of_each(&stage, &retailer, &supplier).await;
    }
}
