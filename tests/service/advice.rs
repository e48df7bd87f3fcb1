//! Application advices of partners, 824 and APERAK: what they say of a document of ours is its acknowledgment.

use super::edi::{Order, control_of, order, written};
use super::peer::Peer;
use super::stage::{Stage, resources};
use serde_json::Value;

/// The orders to the supplier as this document type, an advice expected; and the agreement by which that comes.
async fn stage(document: &str, kind: &str, advice: &str) -> (Stage, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::bare("").await;
    let all = resources(retailer.port, supplier.port)
        .replace("document: edifact/d96a/ORDERS", &format!("document: {document}"))
        .replace(
            "envelope: { sender: \"14:4098765000003\", receiver: \"14:4012345000030\" }",
            &format!("envelope: {{ sender: \"ZZ:PORTOLAN\", receiver: \"ZZ:LAMPS\" }}\nexpect: {{ kind: {kind}, within_minutes: 60 }}"),
        )
        .replace("party_ids: [\"14:4012345000030\"]", "party_ids: [\"ZZ:LAMPS\", \"ZZZ:LAMPS\"]");
    let more = format!(
        "---\nkind: channel\nname: lamps-in\ntransport: http\nway: in\nauth: token\npartners: [lamps]\n---\n\
         kind: agreement\nname: lamps-advice\nway: in\npartner: lamps\ndocument: {advice}\n"
    );
    stage.apply(&format!("{all}{more}"));
    (stage, supplier)
}

async fn sent(stage: &mut Stage, supplier: &Peer) -> Vec<u8> {
    stage.token = stage.new_token("northstores-in");
    stage.send(order("4711", 1)).await;
    stage.until("the order", || async { (!supplier.orders().is_empty()).then_some(()) }).await;
    supplier.orders().remove(0).body
}

async fn says(stage: &Stage, body: String) {
    stage.send_over("lamps-in", body).await;
}

/// The order that went out, once its application level says `state`.
async fn ours(stage: &Stage, state: &str) -> Value {
    stage
        .until(state, || async {
            let all = stage.list("/api/v1/documents?direction=out").await;
            all.into_iter().find(|one| one["business_number"] == "4711" && one["ack_application"] == state)
        })
        .await
}

async fn detail(stage: &Stage, document: &Value) -> String {
    let told = stage.get(&format!("/api/v1/documents/{}", document["document_id"].as_str().expect("an id"))).await;
    told["acks"].to_string()
}

#[tokio::test]
async fn an_824_names_a_document_by_its_control_numbers() {
    let (mut stage, supplier) = stage("x12/004010/850", "\"824\"", "x12/004010/824").await;
    let order = sent(&mut stage, &supplier).await;
    ours(&stage, "waiting").await;
    let text = String::from_utf8_lossy(&order).into_owned();
    let group = text.split("GS*").nth(1).and_then(|rest| rest.split('*').nth(5)).expect("GS06").to_owned();
    let advice = |verdict: &str, control: u32, error: &str| {
        let segments = if error.is_empty() { 4 } else { 5 };
        format!(
            "ISA*00*          *00*          *ZZ*LAMPS          *ZZ*PORTOLAN       *261124*0915*U*00401*{control:09}*0*P*>~\n\
             GS*AG*LAMPS*PORTOLAN*20261124*0915*{control}*X*004010~\nST*824*0001~\nBGN*11*AA-{control}*20261126~\n\
             OTI*{verdict}*PO*9999*PORTOLAN*LAMPS***{group}*0001*850*004010~\n{error}SE*{segments}*0001~\n\
             GE*1*{control}~\nIEA*1*{control:09}~\n"
        )
    };
    says(&stage, advice("TR", 1, "TED*011*Price is not that of the order~\n")).await;
    let refused = ours(&stage, "rejected").await;
    let said = detail(&stage, &refused).await;
    assert!(said.contains("011 (Not Matching): Price is not that of the order"), "{said}");
    // The partner may change its mind.
    says(&stage, advice("TA", 2, "")).await;
    ours(&stage, "accepted").await;
    // The advice was heard; that no route leads on from it is no fault.
    let advices = stage.list("/api/v1/documents?direction=in&type=824").await;
    assert!(advices.len() == 2 && advices.iter().all(|one| one["processing"] == "routed"), "{advices:#?}");
    stage.balanced().await;
}

#[tokio::test]
async fn an_aperak_names_a_document_by_its_number() {
    let (mut stage, supplier) = stage("edifact/d96a/ORDERS", "aperak", "edifact/d96a/APERAK").await;
    let order = sent(&mut stage, &supplier).await;
    assert!(!control_of(&order).is_empty());
    let advice = |number: &str, control: u32| {
        format!(
            "UNB+UNOC:3+LAMPS:ZZZ+PORTOLAN:ZZZ+261124:0915+{control}'UNH+1+APERAK:D:96A:UN'BGM+313+AA-{control}+11'\
             DTM+137:202611261030:203'RFF+ON:{number}'ERC+42'FTX+AAI+++Unknown article'UNT+7+1'UNZ+1+{control}'"
        )
    };
    says(&stage, advice("9999", 1)).await;
    stage
        .until("one that fits nothing", || async {
            let status = stage.get("/api/v1/status").await;
            (status["unmatched_acks"] == 1).then_some(())
        })
        .await;
    let listed = stage.done(&["document", "unmatched"], "");
    assert!(listed.contains("aperak") && listed.contains("lamps") && listed.lines().count() == 1, "{listed}");
    assert!(stage.done(&["status"], "").contains("1 acknowledgments fit nothing we sent: portolan document unmatched"));
    says(&stage, advice("4711", 2)).await;
    let refused = ours(&stage, "rejected").await;
    assert!(detail(&stage, &refused).await.contains("Unknown article"));
}

/// North Stores' orders, told of by advices under these keys; the agreement for those is of this document type.
async fn telling(keys: &str, document: &str) -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let all = resources(retailer.port, supplier.port);
    let answered = "functional: always, channel: northstores-out";
    assert!(all.contains(answered), "{all}");
    let all = all.replace(answered, &format!("{answered}{keys}"));
    let more = format!(
        "---\nkind: agreement\nname: northstores-advice\nway: out\npartner: northstores\ndocument: {document}\n\
         channel: northstores-out\nenvelope: {{ sender: \"ZZ:PORTOLAN\", receiver: \"ZZ:NORTHSTORES\" }}\n\
         ---\nkind: transformation\nname: enough\nentity: order\nsteps:\n\
         - {{ check: quantity.value >= 100, each: lines, expect: enough for the way }}\n"
    );
    let route = "from: northstores-orders\nto: lamps-orders\n";
    assert!(all.contains(route), "{all}");
    stage.apply(&format!("{}{more}", all.replace(route, &format!("{route}through: enough\n"))));
    (stage, retailer, supplier)
}

/// An order of so many.
fn of(number: &str, control: u32, quantity: &str) -> Vec<u8> {
    written(&Order { number, control, quantity, ..Order::default() })
}

async fn told(stage: &Stage, retailer: &Peer, mark: &str) -> String {
    let found = || async {
        let texts = retailer.posts().into_iter().map(|post| String::from_utf8_lossy(&post.body).into_owned());
        texts.into_iter().find(|text| text.contains(mark))
    };
    stage.until(mark, found).await
}

#[tokio::test]
async fn what_the_business_refuses_is_told_by_an_824() {
    let keys = ", application: on_error, advice: northstores-advice";
    let (stage, retailer, supplier) = telling(keys, "x12/004010/824").await;
    let id = stage.send(of("4711", 1, "99")).await;
    stage.reaches(&id, "split").await;
    let advice = told(&stage, &retailer, "ST*824*").await;
    assert!(advice.contains("BGN*11*1*"), "{advice}");
    assert!(advice.contains("OTI*TR*PO*4711*NORTHSTORES*PORTOLAN"), "{advice}");
    assert!(advice.contains("lines[1]: check of a transformation failed: expected enough for the way"), "{advice}");
    told(&stage, &retailer, "AK9*A*1*1*1").await;
    assert!(supplier.orders().is_empty());
    // One that is taken is not told of.
    let id = stage.send(of("4712", 2, "100")).await;
    stage.reaches(&id, "split").await;
    stage.until("the order", || async { (!supplier.orders().is_empty()).then_some(()) }).await;
    let advices =
        retailer.posts().iter().filter(|post| String::from_utf8_lossy(&post.body).contains("ST*824*")).count();
    assert_eq!(advices, 1);
    stage.balanced().await;
}

#[tokio::test]
async fn an_aperak_says_that_all_was_taken_where_that_was_agreed() {
    let keys = ", application: always, advice: northstores-advice";
    let (stage, retailer, _supplier) = telling(keys, "edifact/d96a/APERAK").await;
    let id = stage.send(of("4711", 1, "100")).await;
    stage.reaches(&id, "split").await;
    let advice = told(&stage, &retailer, "APERAK:D:96A:UN").await;
    assert!(advice.contains("BGM+27+1+11+AP'") && advice.contains("RFF+ON:4711'"), "{advice}");
}
