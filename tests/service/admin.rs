//! The admin API as scripts see it: who may, what it lists, what it counts, and its description pinned.

use super::edi::{Order, control_of, order, written};
use super::peer::Peer;
use super::stage::Stage;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn the_description_is_the_pinned_one() {
    let text = serde_json::to_string_pretty(&portolan::api::openapi()).expect("JSON") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let pinned = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        pinned == text,
        "docs/openapi.json is not what the code offers; read the difference after UPDATE=1 cargo test"
    );
}

#[tokio::test]
async fn every_endpoint_wants_a_token_of_a_role() {
    let stage = Stage::bare("").await;
    let description = stage.client.get(format!("{}/api/openapi.json", stage.admin)).send().await.expect("an answer");
    let description: Value = description.json().await.expect("JSON");
    let mut asked = 0;
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let url = format!("{}{}", stage.admin, path.replace("{id}", "x").replace("{name}", "x"));
            let answer = stage.client.request(method.clone(), url).send().await.expect("an answer");
            assert_eq!(answer.status(), 401, "{method} {path}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            asked += 1;
        }
    }
    assert!(asked >= 18, "only {asked} endpoints");
}

#[tokio::test]
async fn where_is_order_4711() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    stage.send(order("4711", 1)).await;
    stage.send(written(&Order { number: "4713", control: 2, quantity: "12O", ..Order::default() })).await;
    stage.deliveries("delivered", 3).await;
    let found = stage.list("/api/v1/documents?number=4711&direction=in").await;
    assert_eq!(found.len(), 1, "{found:#?}");
    let id = found[0]["document_id"].as_str().expect("an id");
    let shown = stage.get(&format!("/api/v1/documents/{id}")).await;
    assert_eq!(shown["entity"]["number"], "4711");
    assert_eq!(shown["entity"]["lines"][0]["quantity"]["value"], "120", "{:#}", shown["entity"]);
    assert_eq!(shown["deliveries"].as_array().map(Vec::len), Some(1));
    let words = stage.done(&["document", "show", id], "");
    assert!(words.contains("routed") && words.contains("delivered"), "{words}");
    let failed = stage.list("/api/v1/documents?processing=failed").await;
    assert_eq!(failed.len(), 1);
    let id = failed[0]["document_id"].as_str().expect("an id");
    let words = stage.done(&["document", "show", id], "");
    assert!(words.contains("X12-ELEMENT-CHARACTER") && words.contains("12O"), "{words}");
    for (path, status) in [
        ("/api/v1/documents/doc_none", 404),
        ("/api/v1/transmissions/tra_none", 404),
        ("/api/v1/documents?processing=nonsense", 400),
        ("/api/v1/documents?after=nonsense", 400),
        ("/api/v1/nothing", 404),
    ] {
        let answer = stage.ask(Method::GET, path, None).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {answer:?}");
    }
    let answer = stage.ask(Method::POST, "/api/v1/tokens", Some(json!({ "chanel": "x" }))).await;
    assert!(answer.status.is_client_error() && answer.body.to_string().contains("chanel"), "{answer:?}");
}

#[tokio::test]
async fn health_metrics_and_sums() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    stage.send(order("4711", 1)).await;
    stage.deliveries("delivered", 2).await;
    let text = async |path: &str| {
        let answer = stage.client.get(format!("{}{path}", stage.admin)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    assert_eq!(text("/livez").await.0, 200);
    assert_eq!(text("/readyz").await.0, 200);
    let (_, metrics) = text("/metrics").await;
    for wanted in [
        "portolan_received_total{channel=\"northstores-in\"} 1",
        "portolan_attempts_total{channel=\"lamps-out\",outcome=\"delivered\"} 1",
        "portolan_attempts_total{channel=\"northstores-out\",outcome=\"delivered\"} 1",
        "portolan_conservation_holds{stage=\"documents\"} 1",
    ] {
        assert!(metrics.contains(wanted), "{wanted} in\n{metrics}");
    }
    let words = stage.done(&["status"], "");
    assert!(words.contains("documents") && !words.contains("NOT"), "{words}");
    let log = stage.log();
    let received = log.lines().find(|line| line.contains("\"Received\"")).expect("a line");
    let line: Value = serde_json::from_str(received).expect("JSON lines");
    assert!(
        line["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')) && line["transmission.id"].is_string(),
        "{line}"
    );
}

#[tokio::test]
async fn answers_are_matched_and_strangers_among_them_are_listed() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let yaml = super::stage::resources(retailer.port, supplier.port);
    let agreement = yaml.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it");
    stage.apply(&format!(
        "{agreement}expect: {{ kind: contrl, within_minutes: 60 }}\n---\n\
         {{kind: channel, name: lamps-in, transport: http, way: in, auth: token, partners: [lamps]}}\n"
    ));
    let token = stage.new_token("lamps-in");
    for (number, control) in [("4711", 1), ("4712", 2)] {
        stage.send(order(number, control)).await;
    }
    stage.until("both orders", || async { (supplier.orders().len() == 2).then_some(()) }).await;
    let ack_of = async |number: &str| {
        let found = stage.list(&format!("/api/v1/documents?number={number}&direction=in")).await;
        found[0]["ack"].as_str().unwrap_or_default().to_owned()
    };
    stage.until("waiting", || async { (ack_of("4711").await == "waiting").then_some(()) }).await;
    let contrl = |own: u32, of: &str, action: &str| {
        format!(
            "UNB+UNOA:2+4012345000030:14+4098765000003:14+261124:1000+{own}'UNH+1+CONTRL:2:2:UN'\
             UCI+{of}+4098765000003:14+4012345000030:14+{action}'UNT+3+1'UNZ+1+{own}'"
        )
    };
    let post = async |body: String| {
        let url = format!("{}/in/lamps-in", stage.partner);
        let answer = stage.client.post(url).bearer_auth(&token).body(body).send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
    };
    let number_of = |number: &str| {
        let posts = supplier.orders();
        let post = posts.iter().find(|post| super::edi::number_of(&post.body).as_deref() == Some(number));
        control_of(&post.expect("it came").body)
    };
    post(contrl(1, &number_of("4711"), "7")).await;
    post(contrl(2, &number_of("4712"), "4")).await;
    post(contrl(3, "777", "7")).await;
    stage.until("accepted", || async { (ack_of("4711").await == "accepted").then_some(()) }).await;
    stage.until("rejected", || async { (ack_of("4712").await == "rejected").then_some(()) }).await;
    let unmatched = stage
        .until("one unmatched", || async {
            let rows = stage.list("/api/v1/acks/unmatched").await;
            (rows.len() == 1).then_some(rows)
        })
        .await;
    assert!(unmatched[0].to_string().contains("777"), "{unmatched:#?}");
    stage.balanced().await;
}
