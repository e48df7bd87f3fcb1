//! XML in and out: an order in UBL goes to a supplier as ORDERS, the supplier's INVOIC comes back as a UBL invoice, and what
//! is wrong with an XML document is told and kept like anything else.

use super::peer::Peer;
use super::stage::{Stage, resources};

/// A buyer who writes and reads UBL.
fn more(buyer: u16) -> String {
    format!(
        "\
kind: partner
name: harbour
party_ids: [\"0088:4012345000009\"]
---
kind: channel
name: harbour-in
transport: http
way: in
auth: token
partners: [harbour]
---
kind: channel
name: harbour-out
transport: http
way: out
url: http://127.0.0.1:{buyer}/xml
allow_networks: [127.0.0.0/8]
---
kind: agreement
name: harbour-orders
way: in
partner: harbour
document: ubl/2.1/Order
---
kind: route
name: harbour-to-lamps
from: harbour-orders
to: lamps-orders
---
kind: channel
name: lamps-in
transport: http
way: in
auth: token
partners: [lamps]
---
kind: agreement
name: lamps-invoices
way: in
partner: lamps
document: edifact/d96a/INVOIC
---
kind: agreement
name: harbour-invoices
way: out
partner: harbour
document: ubl/2.1/Invoice
channel: harbour-out
envelope: {{ sender: \"0088:4098765000003\", receiver: \"0088:4012345000009\" }}
---
kind: route
name: invoices-to-harbour
from: lamps-invoices
to: harbour-invoices
"
    )
}

struct Scene {
    stage: Stage,
    supplier: Peer,
    harbour: Peer,
    token: String,
}

impl Scene {
    async fn begin() -> Scene {
        let (retailer, supplier, harbour) = (Peer::start(&[]).await, Peer::start(&[]).await, Peer::start(&[]).await);
        let mut stage = Stage::bare("").await;
        stage.apply(&format!("{}---\n{}", resources(retailer.port, supplier.port), more(harbour.port)));
        stage.token = stage.new_token("northstores-in");
        let token = stage.new_token("harbour-in");
        Scene { stage, supplier, harbour, token }
    }

    /// Posts a document over the channel of the buyer who writes UBL; returns the transmission's id.
    async fn post(&self, body: &str) -> String {
        let url = format!("{}/in/harbour-in", self.stage.partner);
        let request = self.stage.client.post(url).bearer_auth(&self.token).body(body.to_owned());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 202);
        let body: serde_json::Value = answer.json().await.expect("JSON");
        body["transmission"].as_str().expect("an id").to_owned()
    }
}

fn ubl_order() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ubl/2.1/Order/plain/in.xml");
    std::fs::read_to_string(file).expect("the fixture")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_in_ubl_leaves_as_edifact() {
    let scene = Scene::begin().await;
    let id = scene.post(&ubl_order()).await;
    scene.stage.reaches(&id, "split").await;
    scene.stage.deliveries("delivered", 1).await;
    let posts = scene.supplier.posts();
    let text = String::from_utf8_lossy(&posts[0].body).into_owned();
    assert!(text.contains("BGM+220+4711") && text.contains("NAD+BY+4012345000009::9"), "{text}");
    let documents = scene.stage.list("/api/v1/documents?direction=in").await;
    assert_eq!(documents[0]["standard"], "ubl", "{documents:?}");
    assert_eq!(documents[0]["business_number"], "4711");
    // The same again is known by its number and content.
    let again = scene.post(&ubl_order()).await;
    scene.stage.reaches(&again, "duplicate").await;
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_in_edifact_leaves_as_ubl() {
    let mut scene = Scene::begin().await;
    scene.stage.token = scene.stage.new_token("lamps-in");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/invoice-4711.edi");
    let url = format!("{}/in/lamps-in", scene.stage.partner);
    let body = std::fs::read(file).expect("the invoice");
    let request = scene.stage.client.post(url).bearer_auth(&scene.stage.token).body(body);
    assert_eq!(request.send().await.expect("an answer").status().as_u16(), 202);
    scene.stage.deliveries("delivered", 1).await;
    let posts = scene.harbour.posts();
    let text = String::from_utf8_lossy(&posts[0].body).into_owned();
    for part in ["xsd:Invoice-2", "<cac:InvoiceLine>", "<cbc:DocumentCurrencyCode>EUR</"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let kind = posts[0].headers.get("content-type").map_or("", String::as_str);
    assert!(kind.starts_with("application/xml"), "{kind}");
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn err_what_is_wrong_with_xml_is_told_and_kept() {
    let scene = Scene::begin().await;
    let wrong = ubl_order().replace("<cbc:IssueDate>2026-11-02<", "<cbc:IssueDate>02.11.2026<");
    let id = scene.post(&wrong).await;
    scene.stage.reaches(&id, "split").await;
    let documents = scene.stage.list("/api/v1/documents?direction=in").await;
    let failed = documents.iter().find(|one| one["processing"] == "failed").expect("a failed document");
    assert!(failed.to_string().contains("2026-01-31, found 02.11.2026"), "{failed}");
    // Not even well-formed, and of no known type: held, not lost.
    let cut = scene.post(&ubl_order().replace("</Order>", "")).await;
    scene.stage.reaches(&cut, "split").await;
    let unknown = scene.post("<Bestellung><Nummer>1</Nummer></Bestellung>").await;
    scene.stage.reaches(&unknown, "held").await;
    assert!(scene.supplier.posts().is_empty());
    scene.stage.balanced().await;
}
