//! A conversation: the retailer's 850 goes to the supplier as ORDERS, the supplier's ORDRSP comes back and goes on as an
//! 855, in which the retailer finds its own line numbers, department, store and prices again.

use super::edi;
use super::peer::{Peer, Post};
use super::stage::{Stage, resources};
use serde_json::Value;

/// The way back, from Light and Lamp to North Stores.
pub const WAY_BACK: &str = "\
kind: channel
name: lamps-in
transport: http
way: in
auth: token
---
kind: agreement
name: lamps-responses
way: in
partner: lamps
document: edifact/d96a/ORDRSP
---
kind: agreement
name: northstores-responses
way: out
partner: northstores
document: x12/004010/855
channel: northstores-out
envelope: { sender: \"ZZ:PORTOLAN\", receiver: \"ZZ:NORTHSTORES\" }
---
kind: route
name: responses-to-northstores
from: lamps-responses
to: northstores-responses
";

/// An order whose lines are 10 and 20, for a department and a store.
fn order(number: &str, control: u32) -> Vec<u8> {
    let text = String::from_utf8(edi::written(&edi::Order { number, control, segments: 10, ..edi::Order::default() }));
    let text = text
        .expect("text")
        .replace("N1*BY", "REF*DP*038~\nN1*Z7*Store 17*92*0017~\nN1*BY")
        .replace("PO1*1*", "PO1*10*");
    text.replace("CTT*1~", "PO1*20*6*EA*9.90**IN*90018~\nCTT*2~").into_bytes()
}

/// The supplier's answer, with line numbers of its own, and no word of department, store or price.
fn response(number: &str, control: u32, ordered: &str) -> String {
    let segments = 12 + ordered.lines().count();
    format!(
        "UNB+UNOC:3+4012345000030:14+PORTOLAN:ZZZ+261125:1015+{control}'UNH+1+ORDRSP:D:96A:UN'BGM+231+A-900+4'\
         DTM+137:20261125:102'RFF+ON:{number}'{ordered}LIN+1+5+0012345678905:EN'QTY+21:120:EA'QTY+113:120:EA'\
         LIN+2+7'PIA+5+90018:IN'QTY+185:6:EA'UNS+S'UNT+{segments}+1'UNZ+1+{control}'"
    )
}

struct Conversation {
    stage: Stage,
    retailer: Peer,
    lamps: String,
}

impl Conversation {
    async fn begin() -> Self {
        let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
        let stage = Stage::bare("").await;
        stage.apply(&format!("{}---\n{WAY_BACK}", resources(retailer.port, supplier.port)));
        let mut conversation = Conversation { lamps: stage.new_token("lamps-in"), stage, retailer };
        conversation.stage.token = conversation.stage.new_token("northstores-in");
        conversation
    }

    async fn ordered(&self, number: &str, control: u32) {
        let id = self.stage.send(order(number, control)).await;
        self.stage.reaches(&id, "split").await;
    }

    /// The supplier's answer as the ledger has it once it is at rest.
    async fn answered(&self, body: String) -> Value {
        let url = format!("{}/in/lamps-in", self.stage.partner);
        let sent = self.stage.client.post(url).bearer_auth(&self.lamps).body(body).send().await.expect("an answer");
        assert_eq!(sent.status(), 202);
        let taken: Value = serde_json::from_str(&sent.text().await.expect("a body")).expect("JSON");
        let id = taken["transmission"].as_str().expect("an id");
        self.stage.reaches(id, "split").await;
        let mut documents = self.stage.list(&format!("/api/v1/documents?transmission={id}")).await;
        documents.retain(|one| one["transmission_id"] == id);
        assert_eq!(documents.len(), 1, "{documents:#?}");
        documents.remove(0)
    }

    /// The 855 that the retailer got.
    async fn received(&self) -> String {
        let is_855 = |post: &Post| String::from_utf8_lossy(&post.body).contains("ST*855*");
        let found = || async { self.retailer.posts().into_iter().find(is_855) };
        String::from_utf8(self.stage.until("an 855", found).await.body).expect("text")
    }
}

#[tokio::test]
async fn an_answer_echoes_what_the_order_said() {
    let conversation = Conversation::begin().await;
    conversation.ordered("4711", 1).await;
    let document = conversation.answered(response("4711", 1, "")).await;
    assert_eq!(document["processing"], "routed", "{document:#}");
    let received = conversation.received().await;
    for echoed in [
        "BAK*00*AC*4711*20261124****A-900*20261125~",
        "REF*DP*038~",
        "N1*Z7*Store 17*92*0017~",
        "PO1*10*120*EA*4.25**EN*0012345678905~",
        "ACK*IA*120*EA~",
        "PO1*20*6*EA*9.90**IN*90018~",
        "ACK*IR*6*EA~",
    ] {
        assert!(received.contains(echoed), "{echoed} is not in\n{received}");
    }
    conversation.stage.balanced().await;
}

#[tokio::test]
async fn an_answer_to_an_unknown_order_goes_on_with_a_warning_where_the_mapping_says_so() {
    let conversation = Conversation::begin().await;
    // Another order of the same partner, and the same number of nobody's.
    conversation.ordered("4711", 1).await;
    let document = conversation.answered(response("4799", 1, "DTM+171:20261124:102'\n")).await;
    assert_eq!(document["processing"], "routed", "{document:#}");
    let received = conversation.received().await;
    assert!(received.contains("PO1*1*120*EA***EN*0012345678905~") && !received.contains("REF*DP"), "{received}");
    let sent = conversation.stage.list("/api/v1/documents?type=855").await;
    let sent =
        conversation.stage.get(&format!("/api/v1/documents/{}", sent[0]["document_id"].as_str().expect("an id"))).await;
    let told = sent.to_string();
    assert!(told.contains("DOCUMENT-ORIGIN-MISSING") && told.contains("4799"), "{sent:#}");
}

#[tokio::test]
async fn an_answer_to_an_unknown_order_waits_where_the_mapping_says_so() {
    let mut conversation = Conversation::begin().await;
    let packed = conversation.stage.done(&["mappings", "show", "x12/004010/855", "--file"], "");
    let folder = conversation.stage.data().join("mappings/x12/004010");
    std::fs::create_dir_all(&folder).expect("a folder");
    assert!(packed.contains("missing: warn"));
    std::fs::write(folder.join("855.yaml"), packed.replace("missing: warn", "missing: hold")).expect("written");
    assert_eq!(conversation.stage.stop().await, Some(0));
    conversation.stage.start_again(&[]);
    let document = conversation.answered(response("4711", 1, "DTM+171:20261124:102'\n")).await;
    assert_eq!(
        (&document["processing"], &document["code"]),
        (&"held".into(), &"ORIGIN-MISSING".into()),
        "{document:#}"
    );
    assert!(document["reason"].as_str().is_some_and(|reason| reason.contains("4711")), "{document:#}");
    // The order comes, and the answer once more.
    conversation.ordered("4711", 1).await;
    let document = conversation.answered(response("4711", 2, "")).await;
    assert_eq!(document["processing"], "routed", "{document:#}");
    assert!(conversation.received().await.contains("PO1*10*120*EA*4.25"));
    conversation.stage.balanced().await;
}
