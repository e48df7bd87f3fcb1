//! Many failed deliveries and held transmissions at once: groups, the plan, the act, and what happens when something changed
//! in between or the process dies.

use super::as2::{LAMPS, RETAIL, certificate};
use super::edi::{Order, order, written};
use super::peer::{Answer, Peer};
use super::stage::Stage;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where the process is killed while many go again.
pub const POINTS: [&str; 4] =
    ["bulk_begin.before_commit", "bulk_begin.after_commit", "bulk_slice.before_commit", "bulk_slice.after_commit"];
const PLAN: &str = "/api/v1/deliveries/plan";
const ACT: &str = "/api/v1/deliveries/act";

/// An instance whose supplier refused so many orders.
async fn refused(count: usize) -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&vec![Answer::Status(422); count]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    for control in 1..=count {
        stage.send(order(&format!("B-{control}"), u32::try_from(control).expect("few"))).await;
    }
    stage.deliveries("parked", count).await;
    (stage, retailer, supplier)
}

fn group_of(stage: &Stage, object: &str) -> Value {
    let text = stage.done(&["--json", object, "groups"], "");
    let groups: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(groups["items"].as_array().map(Vec::len), Some(1), "{groups:#}");
    groups["items"][0].clone()
}

/// Each order of these was delivered once after it was refused once, under another key.
async fn all_arrived(stage: &Stage, supplier: &Peer, count: usize) {
    stage
        .until("all delivered", || async {
            let rows = stage.list("/api/v1/deliveries?channel=lamps-out&state=delivered").await;
            (rows.len() == count).then_some(())
        })
        .await;
    let orders = supplier.orders();
    assert_eq!(orders.len(), count * 2);
    let keys: BTreeSet<_> = orders.iter().map(|post| post.key().to_owned()).collect();
    assert_eq!(keys.len(), count * 2);
    let bodies: BTreeSet<_> = orders.iter().map(|post| post.body.clone()).collect();
    assert_eq!(bodies.len(), count);
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_of_one_group_go_again_by_one_act_and_arrive_once_each() {
    let (stage, _retailer, supplier) = refused(300).await;
    let group = group_of(&stage, "delivery");
    assert_eq!((group["count"].as_i64(), group["code"].as_str()), (Some(300), Some("HTTP-422")), "{group:#}");
    let key = group["key"].as_str().expect("a key");
    let words = stage.done(&["delivery", "resubmit", "--group", key], "");
    assert!(words.contains("resubmit: 300 of 300 chosen") && words.contains("over lamps-out → http://"), "{words}");
    assert!(words.contains("of lamps") && words.contains("Nothing was done."), "{words}");
    stage.deliveries("parked", 300).await;
    let token = words.split("--plan ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a token");
    let line = ["delivery", "resubmit", "--group", key, "--plan", token];
    assert_eq!(stage.done(&line, ""), "resubmit: 300 done, 0 could not be\n");
    all_arrived(&stage, &supplier, 300).await;
    // The same once more: it is done already, and the group is gone.
    assert_eq!(stage.done(&line, ""), "resubmit: 300 done, 0 could not be\n");
    assert_eq!(stage.cli(&["delivery", "resubmit", "--group", key], "").status.code(), Some(4));
    all_arrived(&stage, &supplier, 300).await;
}

#[tokio::test]
async fn err_a_selection_that_changed_since_the_plan_is_refused_and_says_what_changed() {
    let (stage, _retailer, supplier) = refused(2).await;
    let asked = json!({ "action": "resubmit", "selection": { "channel": "lamps-out" } });
    let plan = stage.ask(Method::POST, PLAN, Some(asked.clone())).await;
    assert_eq!((plan.status.as_u16(), plan.body["able"].as_i64()), (200, Some(2)), "{plan:?}");
    supplier.then(&[Answer::Status(422)]);
    stage.send(order("B-3", 3)).await;
    let parked = stage.deliveries("parked", 3).await;
    let mut act = asked.clone();
    act["plan"] = plan.body["plan"].clone();
    let answer = stage.ask(Method::POST, ACT, Some(act.clone())).await;
    assert_eq!((answer.status.as_u16(), answer.word("code")), (409, "PLAN-STALE"), "{answer:?}");
    let newest = parked[0]["delivery_id"].as_str().expect("an id");
    let detail = answer.word("detail");
    assert!(detail.contains("2 were planned, now there are 3") && detail.contains(newest), "{detail}");
    stage.deliveries("parked", 3).await;
    // One of them goes alone; a plan of all three by id tells it, and does the others.
    stage.done(&["delivery", "resubmit", newest], "");
    let ids: Vec<&str> = parked.iter().filter_map(|row| row["delivery_id"].as_str()).collect();
    let line = [["delivery", "resubmit", "--yes"].as_slice(), ids.as_slice(), &["del_none"]].concat();
    let output = stage.cli(&line, "");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(8), "{said}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("with --plan plan_"), "the token is there before the act: {told}");
    assert!(said.contains("1 cannot: ALREADY-RESUBMITTED") && said.contains("1 cannot: NOT-FOUND"), "{said}");
    assert!(said.contains("resubmit: 2 done, 2 could not be"), "{said}");
    all_arrived(&stage, &supplier, 3).await;
    assert_eq!(stage.cli(&line, "").status.code(), Some(6), "nothing of it can be done any more");
}

#[tokio::test]
async fn err_a_plan_does_not_hold_once_its_channel_leads_elsewhere_or_what_it_is_about_was_touched() {
    let (stage, _retailer, supplier) = refused(1).await;
    let other = Peer::start(&[]).await;
    let leads_to = |port: u16| {
        let url = format!("http://127.0.0.1:{port}/edi");
        stage.apply(&format!(
            "{{kind: channel, name: lamps-out, transport: http, way: out, url: \"{url}\", allow_networks: [127.0.0.0/8]}}\n"
        ))
    };
    let act_of = |action: &str, plan: &Value| json!({ "action": action, "selection": { "channel": "lamps-out" }, "plan": plan["plan"] });
    let wish = |action: &str| json!({ "action": action, "selection": { "channel": "lamps-out" } });
    let plan = stage.ask(Method::POST, PLAN, Some(wish("resubmit"))).await;
    leads_to(other.port);
    let answer = stage.ask(Method::POST, ACT, Some(act_of("resubmit", &plan.body))).await;
    assert_eq!((answer.status.as_u16(), answer.word("code")), (409, "PLAN-STALE"), "{answer:?}");
    assert!(answer.word("detail").contains("where it goes"), "{answer:?}");
    leads_to(supplier.port);
    // It goes anew and is held, let go, and held again: in the same state it is not what was planned.
    supplier.then(&[Answer::Later(3600)]);
    stage.done(&["delivery", "resubmit", "--channel", "lamps-out", "--yes"], "");
    let again = stage.deliveries("retry_wait", 1).await;
    let id = again[0]["delivery_id"].as_str().expect("an id");
    stage.done(&["delivery", "hold", id], "");
    let plan = stage.ask(Method::POST, PLAN, Some(wish("release"))).await;
    assert_eq!(plan.body["able"].as_i64(), Some(1), "{plan:?}");
    supplier.then(&[Answer::Later(3600)]);
    stage.done(&["delivery", "release", id], "");
    stage.deliveries("retry_wait", 1).await;
    stage.done(&["delivery", "hold", id], "");
    let answer = stage.ask(Method::POST, ACT, Some(act_of("release", &plan.body))).await;
    assert_eq!((answer.status.as_u16(), answer.word("code")), (409, "PLAN-STALE"), "{answer:?}");
    assert!(answer.word("detail").contains(id), "{answer:?}");
    stage.deliveries("held", 1).await;
}

#[tokio::test]
async fn err_a_group_that_vanished_since_its_plan_is_a_plan_that_does_not_hold() {
    let (stage, _retailer, _supplier) = refused(1).await;
    let group = group_of(&stage, "delivery");
    let mut asked = json!({ "action": "resubmit", "selection": { "group": group["key"] } });
    let plan = stage.ask(Method::POST, PLAN, Some(asked.clone())).await;
    let parked = stage.deliveries("parked", 1).await;
    stage.done(&["delivery", "resubmit", parked[0]["delivery_id"].as_str().expect("an id")], "");
    asked["plan"] = plan.body["plan"].clone();
    let answer = stage.ask(Method::POST, ACT, Some(asked)).await;
    assert_eq!((answer.status.as_u16(), answer.word("code")), (409, "PLAN-STALE"), "{answer:?}");
    assert!(answer.word("detail").contains("1 were planned, now nothing is left in group grp_"), "{answer:?}");
}

#[tokio::test]
async fn err_an_act_that_was_begun_goes_on_only_for_what_was_asked_for() {
    let (stage, _retailer, supplier) = refused(2).await;
    let parked = stage.deliveries("parked", 2).await;
    let ids: Vec<&Value> = parked.iter().map(|row| &row["delivery_id"]).collect();
    let mut asked = json!({ "action": "resubmit", "selection": { "ids": ids }, "reason": "they are up again" });
    let plan = stage.ask(Method::POST, PLAN, Some(asked.clone())).await;
    asked["plan"] = plan.body["plan"].clone();
    assert_eq!(stage.ask(Method::POST, ACT, Some(asked.clone())).await.body["done"], 2);
    let others = [("selection", json!({ "ids": [ids[0]] })), ("reason", json!("another")), ("action", json!("cancel"))];
    for (key, value) in others {
        let mut other = asked.clone();
        other[key] = value;
        let answer = stage.ask(Method::POST, ACT, Some(other)).await;
        assert_eq!((answer.status.as_u16(), answer.word("code")), (409, "PLAN-STALE"), "{key}: {answer:?}");
        assert!(answer.word("detail").contains("begun as resubmit of each delivery"), "{key}: {answer:?}");
    }
    asked["selection"] = json!({ "ids": [ids[1], ids[0]] });
    assert_eq!(stage.ask(Method::POST, ACT, Some(asked)).await.body["done"], 2, "the same in another order");
    all_arrived(&stage, &supplier, 2).await;
}

#[tokio::test]
async fn err_what_would_fail_again_at_once_is_told_and_left() {
    let (stage, _retailer, supplier) = refused(1).await;
    let channel = format!(
        "{{kind: channel, name: lamps-out, transport: http, way: out, url: \"http://127.0.0.1:{}/edi\", \
         allow_networks: [127.0.0.0/8], headers: {{Authorization: {{secret: lamps-key}}}}}}\n",
        supplier.port
    );
    stage.apply(&channel);
    let said = stage.done(&["delivery", "resubmit", "--code", "HTTP-422"], "");
    assert!(said.contains("0 of 1 chosen") && said.contains("SECRET-MISSING: secret lamps-key is not set"), "{said}");
    assert_eq!(stage.cli(&["delivery", "resubmit", "--code", "HTTP-422", "--yes"], "").status.code(), Some(6));
    stage.deliveries("parked", 1).await;
    stage.done(&["secret", "set", "lamps-key"], "Bearer x\n");
    stage.done(&["delivery", "resubmit", "--code", "HTTP-422", "--yes"], "");
    all_arrived(&stage, &supplier, 1).await;
}

#[tokio::test]
async fn err_what_would_park_them_again_is_told_of_servers_messages_and_answers_too() {
    let (stage, _retailer, supplier) = refused(1).await;
    let server = "{kind: channel, name: lamps-out, transport: sftp, way: out, server: {host: sftp.lamps.example, user: us, \
                  password: {secret: lamps-password}, host_keys: ['SHA256:hGPr+5y/p2cb/JiWkhLuhGNNhyhdTB8t5OoZo0jI+9k']}}\n";
    let message = format!(
        "{}{}---\nkind: channel\nname: lamps-out\ntransport: as2\nway: out\npartners: [lamps]\nurl: http://127.0.0.1:{}/\n\
         allow_networks: [127.0.0.0/8]\nas2: {{ from: US, to: LAMPS, certificates: [lamps], keys: [us] }}\n",
        certificate("us", &RETAIL, "us-key"),
        certificate("lamps", &LAMPS, ""),
        supplier.port
    );
    let answer =
        "{kind: channel, name: lamps-out, transport: http, way: in, auth: token, partners: [lamps], answer: {}}\n";
    for (channel, expected) in [
        (server, "SECRET-MISSING: secret lamps-password is not set"),
        (message.as_str(), "SECRET-MISSING: secret us-key is not set"),
        (answer, "ANSWER-LATE: no call waits for it any more"),
    ] {
        stage.apply(channel);
        let said = stage.done(&["delivery", "resubmit", "--code", "HTTP-422"], "");
        assert!(said.contains("0 of 1 chosen") && said.contains(expected), "{said}");
    }
    stage.deliveries("parked", 1).await;
}

#[tokio::test]
async fn err_choices_that_are_none_are_told() {
    let stage = Stage::bare("").await;
    for (body, expected) in [
        (json!({ "action": "resubmit", "selection": {} }), "nothing is chosen"),
        (
            json!({ "action": "explode", "selection": { "ids": ["x"] } }),
            "expected one of resubmit, hold, release, cancel",
        ),
        (json!({ "action": "reject", "selection": { "ids": ["x"] } }), "found reject"),
        (json!({ "action": "hold", "selection": { "state": "lost" } }), "found \"lost\""),
        (json!({ "action": "hold", "selection": { "since": "soon" } }), "since: expected"),
        (json!({ "action": "hold", "selection": { "ids": ["x"], "channel": "c" } }), "more than one of the three"),
        (json!({ "action": "release", "selection": { "ids": ["x"] }, "as": "acme" }), "as: only transmissions"),
    ] {
        let answer = stage.ask(Method::POST, PLAN, Some(body)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.word("detail").contains(expected), "{answer:?}");
    }
    let group = json!({ "action": "hold", "selection": { "group": "grp_none" } });
    assert_eq!(stage.ask(Method::POST, PLAN, Some(group)).await.status, 404);
    let act = json!({ "action": "hold", "selection": { "ids": ["x"] } });
    assert_eq!(stage.ask(Method::POST, ACT, Some(act)).await.word("code"), "PLAN-MISSING");
    let act = json!({ "action": "hold", "selection": { "ids": ["x"] }, "plan": "plan_x" });
    assert!(stage.ask(Method::POST, ACT, Some(act)).await.word("detail").contains("expected the token of a plan"));
    assert_eq!(stage.cli(&["delivery", "resubmit"], "").status.code(), Some(3));
}

#[tokio::test]
async fn many_are_held_released_and_cancelled() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&vec![Answer::Later(3600); 3]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    for control in 1..=3 {
        stage.send(order(&format!("B-{control}"), control)).await;
    }
    stage.deliveries("retry_wait", 3).await;
    stage.done(&["delivery", "hold", "--channel", "lamps-out", "--yes"], "");
    let held = stage.deliveries("held", 3).await;
    let one = held[0]["delivery_id"].as_str().expect("an id");
    stage.done(&["delivery", "cancel", one, "--reason", "withdrawn", "--yes"], "");
    assert_eq!(stage.deliveries("cancelled", 1).await[0]["reason"], "withdrawn");
    stage.done(&["delivery", "release", "--reason-like", "HELD BY", "--yes"], "");
    stage
        .until("the others arrive", || async {
            let rows = stage.list("/api/v1/deliveries?channel=lamps-out&state=delivered").await;
            (rows.len() == 2).then_some(())
        })
        .await;
    stage.balanced().await;
}

#[tokio::test]
async fn held_transmissions_are_released_and_rejected_many_at_once() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let stranger = |number, control| written(&Order { number, control, sender: "SOUTHSTORES", ..Order::default() });
    let mut ids = Vec::new();
    for (number, control) in [("B-1", 1), ("B-2", 2), ("B-3", 3)] {
        ids.push(stage.send(stranger(number, control)).await);
    }
    for id in &ids {
        stage.reaches(id, "held").await;
    }
    let group = group_of(&stage, "transmission");
    assert_eq!((group["count"].as_i64(), group["code"].as_str()), (Some(3), Some("PARTNER-UNKNOWN")), "{group:#}");
    let key = group["key"].as_str().expect("a key");
    let said = stage.done(&["transmission", "reject", &ids[0], "--reason", "not ours", "--yes"], "");
    assert!(said.contains("reject: 1 done, 0 could not be"), "{said}");
    assert_eq!(stage.reaches(&ids[0], "rejected").await["transmission"]["reason"], "not ours");
    let said = stage.done(&["transmission", "release", "--group", key, "--as", "northstores"], "");
    assert!(said.contains("release: 2 of 2 chosen (transmission)"), "{said}");
    stage.reaches(&ids[1], "held").await;
    stage.done(&["transmission", "release", "--group", key, "--as", "northstores", "--yes"], "");
    for id in &ids[1..] {
        stage.reaches(id, "split").await;
    }
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_does_not_break_an_act_off() {
    let count = 305;
    let (stage, _retailer, supplier) = refused(count).await;
    let mut asked = json!({ "action": "resubmit", "selection": { "channel": "lamps-out" } });
    let plan = stage.ask(Method::POST, PLAN, Some(asked.clone())).await;
    asked["plan"] = plan.body["plan"].clone();
    let token = std::fs::read_to_string(stage.data().join("admin.token")).expect("the admin token");
    let request = stage.client.post(format!("{}{ACT}", stage.admin)).bearer_auth(token.trim()).json(&asked);
    let asking = tokio::spawn(request.send());
    stage.until("the first of it leave", || async { (supplier.orders().len() > count).then_some(()) }).await;
    asking.abort();
    all_arrived(&stage, &supplier, count).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_of_an_act_the_rest_is_done_by_asking_again_and_nothing_is_doubled() {
    let count = 105;
    for point in POINTS {
        let (mut stage, _retailer, supplier) = refused(count).await;
        let selection = json!({ "action": "resubmit", "selection": { "channel": "lamps-out" } });
        let plan = stage.ask(Method::POST, PLAN, Some(selection.clone())).await;
        let mut act = selection;
        act["plan"] = plan.body["plan"].clone();
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        let token = std::fs::read_to_string(stage.data().join("admin.token")).expect("the admin token");
        let request = stage.client.post(format!("{}{ACT}", stage.admin)).bearer_auth(token.trim()).json(&act);
        assert!(request.send().await.is_err(), "it passed {point}");
        stage.dies(point).await;
        stage.start_again(&[]);
        for _ in 0..2 {
            let answer = stage.ask(Method::POST, ACT, Some(act.clone())).await;
            assert_eq!(answer.status, 200, "{point}: {answer:?}");
            assert_eq!(
                (answer.body["done"].as_u64(), answer.body["refused"].as_u64()),
                (Some(105), Some(0)),
                "{point}"
            );
        }
        all_arrived(&stage, &supplier, count).await;
    }
}
