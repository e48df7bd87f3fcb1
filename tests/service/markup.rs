//! XML in and out: an order in UBL goes to a supplier as ORDERS, the supplier's INVOIC comes back as a UBL invoice, and what
//! is wrong with an XML document is told and kept like anything else.

use super::peer::Peer;
use super::stage::{Stage, resources, ubl_buyer, ubl_order};

struct Scene {
    stage: Stage,
    supplier: Peer,
    harbour: Peer,
}

impl Scene {
    async fn begin() -> Scene {
        let (retailer, supplier, harbour) = (Peer::start(&[]).await, Peer::start(&[]).await, Peer::start(&[]).await);
        let stage = Stage::bare("").await;
        let more = ubl_buyer(harbour.port, "", "");
        stage.apply(&format!("{}---\n{more}", resources(retailer.port, supplier.port)));
        Scene { stage, supplier, harbour }
    }

    /// Posts a document over the channel of the buyer who writes UBL; returns the transmission's id.
    async fn post(&self, body: &str) -> String {
        self.stage.send_over("harbour-in", body.to_owned()).await
    }
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
    let scene = Scene::begin().await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/invoice-4711.edi");
    scene.stage.send_over("lamps-in", std::fs::read(file).expect("the invoice")).await;
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
