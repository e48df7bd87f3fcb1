//! UBL ApplicationResponses: what a buyer who writes UBL is told of its orders, and what it says of our invoices.

use super::peer::Peer;
use super::stage::{Stage, resources, ubl_buyer, ubl_order as order};
use serde_json::Value;

struct Scene {
    stage: Stage,
    harbour: Peer,
}

impl Scene {
    async fn begin(ack: &str) -> Scene {
        let (retailer, supplier, harbour) = (Peer::start(&[]).await, Peer::start(&[]).await, Peer::start(&[]).await);
        let stage = Stage::bare("").await;
        let orders = format!("duplicate: reject\nack: {{ {ack}, channel: harbour-out }}");
        let more = ubl_buyer(harbour.port, &orders, "expect: { kind: application_response, within_minutes: 60 }");
        stage.apply(&format!("{}---\n{more}", resources(retailer.port, supplier.port)));
        Scene { stage, harbour }
    }

    /// Posts a document; returns the transmission's id.
    async fn post(&self, channel: &str, body: &str) -> String {
        self.stage.send_over(channel, body.to_owned()).await
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
        "<cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:mlr:3</cbc:CustomizationID>\n  \
         <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:mlr:3</cbc:ProfileID>\n  <cbc:ID>",
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
    let wrong = wrong.replace("urn:fdc:peppol.eu:poacc:trns:order:3", "urn:example:order");
    scene.post("harbour-in", &wrong).await;
    let refused = scene.responses(2).await.remove(1);
    assert!(!refused.contains("CustomizationID"), "it is none of Peppol's: {refused}");
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
    let id = scene.post("harbour-in", &order()).await;
    let told = scene.responses(1).await.remove(0);
    assert!(told.contains("<cbc:ResponseCode>AB<"), "{told}");
    scene.stage.reaches(&id, "split").await;
    let made = scene.stage.list("/api/v1/acks?direction=out").await;
    assert!(made.len() == 1 && made[0]["level"] == "technical" && made[0]["state"] == "accepted", "{made:?}");
    scene.stage.balanced().await;
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
    // A repeat of what was said before is no later word.
    let again = scene.post("harbour-in", &response("r3", "RE", &number)).await;
    scene.stage.reaches(&again, "duplicate").await;
    assert_eq!(scene.invoice("accepted").await["document"]["ack_application"], "accepted");
    // Of what we never sent, it is kept and listed.
    scene.post("harbour-in", &response("r5", "AP", "I-unknown")).await;
    let unmatched = scene.stage.until("one that fits nothing", || async {
        let rows = scene.stage.list("/api/v1/acks/unmatched").await;
        (rows.len() == 1).then_some(rows)
    });
    let unmatched = unmatched.await;
    assert_eq!(unmatched[0]["interchange_control_number"], "I-unknown", "{unmatched:?}");
    assert_eq!(unmatched[0]["partner"], "harbour");
    // Of another type that bears the number, though we never sent one: it is not for the invoice.
    let of_order = response("r6", "RE", &number)
        .replace("<cbc:DocumentType>Invoice</cbc:DocumentType>", "<cbc:DocumentTypeCode>220</cbc:DocumentTypeCode>");
    scene.post("harbour-in", &of_order).await;
    let unmatched = scene.stage.until("another that fits nothing", || async {
        let rows = scene.stage.list("/api/v1/acks/unmatched").await;
        (rows.len() == 2).then_some(rows)
    });
    assert_eq!(unmatched.await[0]["interchange_control_number"], number.as_str());
    scene.invoice("accepted").await;
    // Nobody answers an answer.
    assert!(scene.responses(0).await.is_empty());
    scene.stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn err_an_application_response_that_is_broken_changes_nothing() {
    let scene = Scene::begin("functional: always").await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/invoice-4711.edi");
    scene.post("lamps-in", &std::fs::read_to_string(file).expect("the invoice")).await;
    let waiting = scene.invoice("waiting").await;
    let number = waiting["document"]["business_number"].as_str().expect("a number").to_owned();
    let good = response("b1", "RE", &number);
    let many = "<cac:DocumentReference><cbc:ID>1</cbc:ID></cac:DocumentReference>".repeat(1_000);
    for (body, code, words) in [
        (good.replace("</ApplicationResponse>", ""), "XML", "the end of ApplicationResponse"),
        (good.replace("2026-11-25", "25.11.2026"), "XML", "found 25.11.2026"),
        (good.replace("<cbc:ID>b1</cbc:ID>", "<cbc:Unheard>b1</cbc:Unheard>"), "XML", "Unheard"),
        (
            good.replacen("</cac:DocumentResponse>", &format!("{many}</cac:DocumentResponse>"), 1),
            "ANSWER-UNFIT",
            "at most 1000",
        ),
    ] {
        let id = scene.post("harbour-in", &body).await;
        scene.stage.reaches(&id, "split").await;
        let told = scene.stage.get(&format!("/api/v1/transmissions/{id}")).await;
        let documents = scene.stage.list("/api/v1/documents?direction=in&type=ApplicationResponse").await;
        let found =
            documents.iter().find(|row| row["transmission_id"] == id.as_str()).unwrap_or_else(|| panic!("{told:#}"));
        assert_eq!(found["processing"], "failed", "{found:#}");
        let (said, reason) = (found["code"].as_str().unwrap_or(""), found["reason"].as_str().unwrap_or(""));
        assert!(
            said.starts_with(code) && reason.contains(words) && reason.contains("does not count"),
            "{said}: {reason}"
        );
    }
    let still = scene.invoice("waiting").await;
    assert_eq!(still["document"]["ack_application"], "waiting", "{still:#}");
    assert!(scene.stage.list("/api/v1/acks/unmatched").await.is_empty());
    scene.post("harbour-in", &good).await;
    scene.invoice("rejected").await;
    scene.stage.balanced().await;
}
