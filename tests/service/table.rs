//! Tables in and out: a file of two orders goes to a supplier as ORDERS, the bad one of them staying behind; an 850 leaves as a
//! table; and a file that does not say what it is is what its channel says.

use super::peer::Peer;
use super::stage::{Stage, resources};

/// A buyer who writes and reads tables.
fn more(buyer: u16) -> String {
    format!(
        "\
kind: partner
name: market
party_ids: [\"14:4012345000009\"]
---
kind: channel
name: market-in
transport: http
way: in
auth: token
document: csv/1/Order
partners: [market]
---
kind: channel
name: market-out
transport: http
way: out
url: http://127.0.0.1:{buyer}/table
allow_networks: [127.0.0.0/8]
---
kind: agreement
name: market-orders
way: in
partner: market
document: csv/1/Order
---
kind: route
name: market-to-lamps
from: market-orders
to: lamps-orders
---
kind: agreement
name: market-tables
way: out
partner: market
document: csv/1/Order
channel: market-out
envelope: {{ sender: \"14:4098765000003\", receiver: \"14:4012345000009\" }}
---
kind: route
name: orders-to-market
from: northstores-orders
to: market-tables
"
    )
}

struct Scene {
    stage: Stage,
    supplier: Peer,
    market: Peer,
}

impl Scene {
    async fn begin() -> Scene {
        let (retailer, supplier, market) = (Peer::start(&[]).await, Peer::start(&[]).await, Peer::start(&[]).await);
        let mut stage = Stage::bare("").await;
        stage.apply(&format!("{}---\n{}", resources(retailer.port, supplier.port), more(market.port)));
        stage.token = stage.new_token("northstores-in");
        Scene { stage, supplier, market }
    }

    /// Posts a table over the channel of the buyer who writes them; returns the transmission's id.
    async fn post(&self, body: &str) -> String {
        self.stage.send_over("market-in", body.to_owned()).await
    }
}

fn table() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/csv/1/Order/plain/in.csv");
    std::fs::read_to_string(file).expect("the fixture")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_orders_leaves_as_edifact_without_the_bad_one() {
    let scene = Scene::begin().await;
    let good = table();
    let bad: String = good
        .lines()
        .skip(1)
        .map(|row| format!("{}\r\n", row.replace("4711", "4712").replace("10,5", "1O.5")))
        .collect();
    let id = scene.post(&format!("{good}{bad}")).await;
    scene.stage.reaches(&id, "split").await;
    scene.stage.deliveries("delivered", 1).await;
    let posts = scene.supplier.posts();
    let text = String::from_utf8_lossy(&posts[0].body).into_owned();
    assert!(text.contains("BGM+220+4711") && text.contains("LIN+2++4012345123463:EN"), "{text}");
    let documents = scene.stage.list("/api/v1/documents?direction=in").await;
    let failed = documents.iter().find(|one| one["processing"] == "failed").expect("a failed document");
    assert!(failed.to_string().contains("1234,50, found 1O.5"), "{failed}");
    // A table of other titles is what the channel says, and told to be wrong.
    let other = scene.post("Bestellung;Menge\r\n1;2\r\n").await;
    scene.stage.reaches(&other, "split").await;
    assert_eq!(scene.supplier.posts().len(), 1);
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_in_x12_leaves_as_a_table() {
    let scene = Scene::begin().await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/order-4711.edi");
    let order = std::fs::read_to_string(file).expect("the order");
    // The table must name its buyer by a GLN, which the order has not: it leaves on no route, and says why.
    scene.stage.send(order.clone()).await;
    scene.stage.deliveries("delivered", 1).await;
    let documents = scene.stage.list("/api/v1/documents?direction=in").await;
    let reason = documents[0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("/Order/buyer: value missing"), "{documents:?}");
    assert!(scene.market.posts().is_empty() && scene.supplier.posts().is_empty());

    let named =
        order.replace("*92*1000~", "*UL*4012345000009~").replace("4711", "4712").replace("000000101", "000000102");
    scene.stage.send(named).await;
    scene.stage.deliveries("delivered", 4).await;
    let posts = scene.market.posts();
    let text = String::from_utf8_lossy(&posts[0].body).into_owned();
    let mut rows = text.lines();
    assert!(rows.next().is_some_and(|titles| titles.starts_with("order_number;order_date;")), "{text}");
    assert!(rows.all(|row| row.starts_with("4712;")) && text.lines().count() == 3, "{text}");
    let kind = posts[0].headers.get("content-type").map_or("", String::as_str);
    assert!(kind.starts_with("text/csv"), "{kind}");
    scene.stage.balanced().await;
}
