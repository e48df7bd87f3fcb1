//! UBL ApplicationResponses: what a buyer who writes UBL is told of its orders, and what it says of our invoices.

use super::peer::Peer;
use super::stage::{Stage, resources};
use serde_json::Value;

/// A buyer who writes and reads UBL; `ack` is what its agreement says of acknowledgments.
fn more(buyer: u16, ack: &str) -> String {
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
duplicate: reject
ack: {{ {ack}, channel: harbour-out }}
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
expect: {{ kind: application_response, within_minutes: 60 }}
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
    harbour: Peer,
}

impl Scene {
    async fn begin(ack: &str) -> Scene {
        let (retailer, supplier, harbour) = (Peer::start(&[]).await, Peer::start(&[]).await, Peer::start(&[]).await);
        let stage = Stage::bare("").await;
        stage.apply(&format!("{}---\n{}", resources(retailer.port, supplier.port), more(harbour.port, ack)));
        Scene { stage, harbour }
    }

    /// Posts a document; returns the transmission's id.
    async fn post(&self, channel: &str, body: &str) -> String {
        let token = self.stage.new_token(channel);
        let url = format!("{}/in/{channel}", self.stage.partner);
        let request = self.stage.client.post(url).bearer_auth(token).body(body.to_owned());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 202);
        let body: Value = answer.json().await.expect("JSON");
        body["transmission"].as_str().expect("an id").to_owned()
    }

    /// The ApplicationResponses that the buyer has, once it has so many.
    async fn responses(&self, count: usize) -> Vec<String> {
        let what = format!("{count} ApplicationResponses");
        let found = self.stage.until(&what, || async {
            let posts = self.harbour.posts();
            let texts = posts.into_iter().map(|post| String::from_utf8(post.body).expect("text"));
            let found: Vec<String> = texts.filter(|text| text.contains("<ApplicationResponse")).collect();
            (found.len() == count).then_some(found)
        });
        found.await
    }

    /// The only invoice that went to the buyer, once its acknowledgment stands like this.
    async fn invoice(&self, ack: &str) -> Value {
        let what = format!("the invoice {ack}");
        let found = self.stage.until(&what, || async {
            let rows = self.stage.list("/api/v1/documents?direction=out&type=Invoice").await;
            rows.into_iter().find(|row| row["ack"] == ack)
        });
        let row = found.await;
        self.stage.get(&format!("/api/v1/documents/{}", row["document_id"].as_str().expect("an id"))).await
    }
}

fn order() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ubl/2.1/Order/plain/in.xml");
    std::fs::read_to_string(file).expect("the fixture")
}

/// What the buyer says of an invoice.
fn response(id: &str, code: &str, invoice: &str) -> String {
    format!(
        "<ApplicationResponse xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:ApplicationResponse-2\" \
         xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\" \
         xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\"><cbc:ID>{id}</cbc:ID>\
         <cbc:IssueDate>2026-11-25</cbc:IssueDate><cac:SenderParty><cbc:EndpointID schemeID=\"0088\">4012345000009\
         </cbc:EndpointID></cac:SenderParty><cac:ReceiverParty><cbc:EndpointID schemeID=\"0088\">4098765000003\
         </cbc:EndpointID></cac:ReceiverParty><cac:DocumentResponse><cac:Response><cbc:ResponseCode>{code}\
         </cbc:ResponseCode><cbc:Description>seen by accounting</cbc:Description></cac:Response>\
         <cac:DocumentReference><cbc:ID>{invoice}</cbc:ID><cbc:DocumentType>Invoice</cbc:DocumentType>\
         </cac:DocumentReference></cac:DocumentResponse></ApplicationResponse>"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_accepted_or_refused_by_an_application_response() {
    let scene = Scene::begin("functional: always").await;
    let id = scene.post("harbour-in", &order()).await;
    scene.stage.reaches(&id, "split").await;
    let accepted = scene.responses(1).await.remove(0);
    for part in [
        "<cbc:ResponseCode>AP<",
        "<cbc:ID>4711</cbc:ID>",
        "<cbc:DocumentType>Order<",
        "<cac:ReceiverParty>\n    <cbc:EndpointID schemeID=\"0088\">4012345000009<",
    ] {
        assert!(accepted.contains(part), "{part}: {accepted}");
    }
    let output = scene.stage.cli(&["validate", &scene.stage.file("response.xml", &accepted)], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let wrong = order().replace("<cbc:ID>4711<", "<cbc:ID>4712<").replace("2026-11-02<", "02.11.2026<");
    scene.post("harbour-in", &wrong).await;
    let refused = scene.responses(2).await.remove(1);
    for part in ["<cbc:ResponseCode>RE<", "<cbc:ID>4712</cbc:ID>", ">SV<", "found 02.11.2026"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let output = scene.stage.cli(&["validate", &scene.stage.file("response.xml", &refused)], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    // The same order again is refused, since it came before, and the answer is no document of its own to be answered.
    let again = scene.post("harbour-in", &order()).await;
    scene.stage.reaches(&again, "duplicate").await;
    let told = scene.responses(3).await.remove(2);
    assert!(told.contains("<cbc:ResponseCode>RE<"), "{told}");
    let made = scene.stage.list("/api/v1/acks?direction=out").await;
    assert!(made.len() == 3 && made.iter().all(|one| one["kind"] == "application_response"), "{made:?}");
    assert!(made.iter().all(|one| one["level"] == "application"), "{made:?}");
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_errors_are_told_where_that_was_agreed() {
    let scene = Scene::begin("functional: on_error, technical: never").await;
    let id = scene.post("harbour-in", &order()).await;
    scene.stage.reaches(&id, "split").await;
    let wrong = order().replace("<cbc:ID>4711<", "<cbc:ID>4712<").replace("2026-11-02<", "02.11.2026<");
    scene.post("harbour-in", &wrong).await;
    let told = scene.responses(1).await.remove(0);
    assert!(told.contains("<cbc:ID>4712<") && told.contains("RE<"), "{told}");
    assert_eq!(scene.stage.list("/api/v1/acks?direction=out").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn that_it_came_is_said_where_no_more_was_agreed() {
    let scene = Scene::begin("functional: never, technical: always").await;
    scene.post("harbour-in", &order()).await;
    let told = scene.responses(1).await.remove(0);
    assert!(told.contains("<cbc:ResponseCode>AB<"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_buyer_says_of_an_invoice_is_its_acknowledgment() {
    let scene = Scene::begin("functional: always").await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/invoice-4711.edi");
    scene.post("lamps-in", &std::fs::read_to_string(file).expect("the invoice")).await;
    let waiting = scene.invoice("waiting").await;
    let number = waiting["document"]["business_number"].as_str().expect("a number").to_owned();
    for (id, code, state) in [
        ("r1", "AB", "accepted"),
        ("r2", "UQ", "accepted_with_errors"),
        ("r3", "RE", "rejected"),
        ("r4", "PD", "accepted"),
    ] {
        scene.post("harbour-in", &response(id, code, &number)).await;
        let invoice = scene.invoice(state).await;
        assert_eq!(invoice["document"]["ack_application"], state);
        assert!(invoice["acks"].to_string().contains("seen by accounting"), "{invoice:#}");
    }
    // Of what we never sent, it is kept and listed.
    scene.post("harbour-in", &response("r5", "AP", "I-unknown")).await;
    let unmatched = scene.stage.until("one that fits nothing", || async {
        let rows = scene.stage.list("/api/v1/acks/unmatched").await;
        (rows.len() == 1).then_some(rows)
    });
    let unmatched = unmatched.await;
    assert_eq!(unmatched[0]["interchange_control_number"], "I-unknown", "{unmatched:?}");
    assert_eq!(unmatched[0]["partner"], "harbour");
    // Nobody answers an answer.
    assert!(scene.responses(0).await.is_empty());
    scene.stage.balanced().await;
}
