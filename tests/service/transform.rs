//! Routes with conditions and transformations: what goes on, what is dropped, what fails, what waits for a table, and
//! numbers of our own that stay whatever is sent again.

use super::peer::{Peer, Post};
use super::stage::{Stage, resources};
use serde_json::Value;

const TO_LAMPS: &str = "name: orders-to-lamps\nfrom: northstores-orders\nto: lamps-orders\n";

/// The partners, with these keys at the route, and these resources beside.
fn shaped(retailer: &Peer, supplier: &Peer, route: &str, more: &str) -> String {
    let all = resources(retailer.port, supplier.port);
    assert!(all.contains(TO_LAMPS), "the route is written otherwise: {all}");
    format!("{}---\n{more}", all.replace(TO_LAMPS, &format!("{TO_LAMPS}{route}")))
}

async fn stage(route: &str, more: &str) -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    stage.apply(&shaped(&retailer, &supplier, route, more));
    (stage, retailer, supplier)
}

/// The plain order of the fixtures as North Stores sends it, under a number of its own.
fn order(number: &str, control: u32) -> String {
    let plain = std::fs::read_to_string("fixtures/x12/004010/850/plain/in.edi").expect("the fixture");
    plain
        .replace("14*4012345000009  ", "ZZ*PORTOLAN       ")
        .replace("*4711*", &format!("*{number}*"))
        .replace("*000000101*", &format!("*{control:09}*"))
        .replace("IEA*1*000000101", &format!("IEA*1*{control:09}"))
}

fn text(post: &Post) -> String {
    String::from_utf8_lossy(&post.body).into_owned()
}

async fn document(stage: &Stage, transmission: &Value) -> Value {
    let id = transmission["documents"][0]["document_id"].as_str().expect("an id");
    stage.get(&format!("/api/v1/documents/{id}")).await
}

#[tokio::test]
async fn a_document_goes_through_the_steps_of_its_route() {
    let rules = "kind: transformation\nname: house\nentity: order\nsteps:\n\
        - { set: { contract: \"'C-' & number\" } }\n\
        ---\nkind: transformation\nname: lamps\nentity: order\nsteps:\n\
        - { keep: lines, first: 1 }\n\
        - { jsonata: \"$uppercase(contract) & '-X'\", into: contract }\n\
        - { set: { totals.lines: count(lines) } }\n\
        - { remove: totals.hash }\n";
    let (stage, retailer, supplier) = stage("through: [house, lamps]\n", rules).await;
    let id = stage.send(order("4711", 101)).await;
    stage.reaches(&id, "split").await;
    let sent = stage.until("the ORDERS", || async { supplier.orders().first().cloned() }).await;
    let sent = text(&sent);
    assert!(sent.contains("RFF+CT:C-4711-X'"), "{sent}");
    assert_eq!(sent.matches("LIN+").count(), 1, "{sent}");
    assert!(sent.contains("CNT+2:1'"), "{sent}");
    let answer = stage.until("the 997", || async { retailer.posts().first().cloned() }).await;
    assert!(text(&answer).contains("AK9*A*1*1*1"), "the sender hears of what it sent: {}", text(&answer));
    stage.balanced().await;
}

#[tokio::test]
async fn a_document_that_no_route_takes_is_dropped_and_says_why() {
    let (stage, retailer, supplier) = stage("when: number != '4711' and count(lines) < 100\n", "").await;
    let id = stage.send(order("4711", 101)).await;
    let split = stage.reaches(&id, "split").await;
    let told = document(&stage, &split).await;
    assert_eq!(told["document"]["processing"], "dropped", "{told:#}");
    assert_eq!(told["document"]["code"], "DOCUMENT-DROPPED-BY-RULE");
    let reason = told["document"]["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("expected number != '4711' and count(lines) < 100, as route orders-to-lamps asks"),
        "{reason}"
    );
    let answer = stage.until("the 997", || async { retailer.posts().first().cloned() }).await;
    assert!(text(&answer).contains("AK9*A*1*1*1"), "{}", text(&answer));
    // The next one is taken.
    let next = stage.send(order("4712", 102)).await;
    stage.reaches(&next, "split").await;
    let sent = stage.until("the ORDERS", || async { supplier.orders().first().cloned() }).await;
    assert!(text(&sent).contains("BGM+220+4712"), "{}", text(&sent));
    stage.balanced().await;
}

#[tokio::test]
async fn what_a_step_refuses_fails_and_nothing_of_it_goes() {
    let rules = "kind: transformation\nname: lamps\nentity: order\nsteps:\n\
        - { check: quantity.value > 1000, each: lines, expect: enough for the way }\n";
    let (stage, _retailer, supplier) = stage("through: lamps\n", rules).await;
    let id = stage.send(order("4711", 101)).await;
    let split = stage.reaches(&id, "split").await;
    let told = document(&stage, &split).await;
    assert_eq!(
        (told["document"]["processing"].as_str(), told["document"]["code"].as_str()),
        (Some("failed"), Some("DOCUMENT-CHECK-FAILED")),
        "{told:#}"
    );
    assert!(
        told["document"]["reason"].as_str().is_some_and(|reason| reason.contains("expected enough for the way")),
        "{told:#}"
    );
    stage.balanced().await;
    assert!(supplier.orders().is_empty());
}

#[tokio::test]
async fn what_a_table_of_a_step_lacks_holds_the_transmission() {
    let rules = |rows: &str| {
        format!(
            "kind: transformation\nname: lamps\nentity: order\nsteps:\n\
             - {{ lookup: names, column: number, value: number, into: {{ contract: name }} }}\n\
             ---\nkind: table\nname: names\ncolumns: [number, name]\ndirections: [number to name]\nmissing: hold\n\
             rows: [[\"1\", one]{rows}]\n"
        )
    };
    let (stage, retailer, supplier) = stage("through: lamps\n", &rules("")).await;
    let id = stage.send(order("4711", 101)).await;
    let held = stage.reaches(&id, "held").await;
    assert!(
        held["transmission"]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("table names has no name for number 4711")),
        "{held:#}"
    );
    stage.apply(&shaped(&retailer, &supplier, "through: lamps\n", &rules(", [\"4711\", found]")));
    stage.reaches(&id, "split").await;
    let sent = stage.until("the ORDERS", || async { supplier.orders().first().cloned() }).await;
    assert!(text(&sent).contains("RFF+CT:found'"), "{}", text(&sent));
}

/// Sends three orders, of which the third has the number of the first, and says the number and the contract of what arrives.
async fn contracts(steps: &str) -> Vec<(String, String)> {
    let rules = format!("kind: transformation\nname: lamps\nentity: order\nsteps:\n{steps}");
    let (stage, _retailer, supplier) = stage("through: lamps\n", &rules).await;
    for (number, control) in [("4711", 101), ("4712", 102), ("4711", 103)] {
        let id = stage.send(order(number, control)).await;
        stage.reaches(&id, "split").await;
    }
    stage.until("three ORDERS", || async { (supplier.orders().len() == 3).then_some(()) }).await;
    let mut found: Vec<(String, String)> = Vec::new();
    for post in supplier.orders() {
        let text = text(&post);
        let after = |mark: &str| {
            text.split_once(mark).and_then(|(_, rest)| rest.split(['+', '\'']).next()).unwrap_or_default().to_owned()
        };
        found.push((after("BGM+220+"), after("RFF+CT:")));
    }
    found.sort();
    found
}

fn pairs(expected: [(&str, &str); 3]) -> Vec<(String, String)> {
    expected.map(|(number, contract)| (number.to_owned(), contract.to_owned())).to_vec()
}

#[tokio::test]
async fn a_number_of_our_own_is_the_same_whenever_its_thing_comes() {
    let found = contracts("- { key: contract, of: number, sequence: orders, from: '500', width: '5' }\n").await;
    assert_eq!(found, pairs([("4711", "00500"), ("4711", "00500"), ("4712", "00501")]));
}

#[tokio::test]
async fn a_number_of_our_own_may_be_that_of_another_one() {
    let found = contracts(
        "- { key: contract, of: number, sequence: orders, from: '500' }\n\
         - { key: contract, of: contract, sequence: contracts, from: '9' }\n\
         - { set: { contract: \"'C' & contract\" } }\n",
    )
    .await;
    assert_eq!(found, pairs([("4711", "C9"), ("4711", "C9"), ("4712", "C10")]));
}

#[tokio::test]
async fn what_is_wrong_with_a_transformation_is_told_when_it_is_applied() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    for (route, more, part) in [
        ("when: nummer = '1'\n", "", "when: no field nummer of order; did you mean number?"),
        (
            "through: lamp\n",
            "kind: transformation\nname: lamps\nentity: order\nsteps: [{ drop: x }]\n",
            "through: transformation lamp is not there; did you mean lamps?",
        ),
        (
            "through: lamps\n",
            "kind: transformation\nname: lamps\nentity: invoice\nsteps: [{ drop: x }]\n",
            "through: expected transformations of order, found lamps, which is for invoice",
        ),
        (
            "",
            "kind: transformation\nname: lamps\nentity: order\nsteps: [{ set: { number: 1 } }]\n",
            "steps[1].set.number: number is a text",
        ),
        (
            "",
            "kind: transformation\nname: lamps\nentity: order\nsteps: [{ jsonata: 'lines[' }]\n",
            "steps[1].jsonata: ",
        ),
        (
            "",
            "kind: transformation\nname: lamps\nentity: order\nsteps: [{ lookup: nowhere, column: a, value: number, into: { contract: b } }]\n",
            "no table nowhere",
        ),
    ] {
        let refused = stage.refused(&shaped(&retailer, &supplier, route, more));
        assert!(refused.contains(part), "{part}: {refused}");
    }
}
