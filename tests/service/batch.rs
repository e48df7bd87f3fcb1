//! Several documents in one interchange: gathered on the way out as the agreement says, kept together on the way in where
//! it says all or nothing; and sums that may differ by what was agreed.

use super::edi::{control_of, number_of};
use super::peer::{Peer, Post};
use super::stage::{Stage, resources};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// An interchange of one order a number; one whose number is `bad` has a line without a quantity.
fn orders(numbers: &[&str], control: u32) -> Vec<u8> {
    let mut text = format!(
        "ISA*00*          *00*          *ZZ*NORTHSTORES    *ZZ*PORTOLAN       *261124*0915*U*00401*{control:09}*0*P*>~\n\
         GS*PO*NORTHSTORES*PORTOLAN*20261124*0915*{control}*X*004010~\n"
    );
    for (at, number) in numbers.iter().enumerate() {
        let quantity = if *number == "bad" { "" } else { "120" };
        text.push_str(&format!(
            "ST*850*{:04}~\nBEG*00*SA*{number}**20261124~\nN1*BY*North Stores*92*1000~\n\
             N1*ST*North Stores DC East*UL*4012345000016~\nPO1*1*{quantity}*EA*4.25**UP*012345678905~\nCTT*1~\n\
             SE*7*{:04}~\n",
            at + 1,
            at + 1
        ));
    }
    text.push_str(&format!("GE*{}*{control}~\nIEA*1*{control:09}~\n", numbers.len()));
    text.into_bytes()
}

fn text(post: &Post) -> String {
    String::from_utf8(post.body.clone()).expect("text")
}

#[tokio::test]
async fn documents_of_one_transmission_share_interchanges_up_to_the_agreed_number() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let receiver = "receiver: \"14:4012345000030\" }";
    let all = resources(retailer.port, supplier.port).replace(
        receiver,
        "receiver: \"14:4012345000030\", documents_max: 2 }\nexpect: { kind: contrl, within_minutes: 60 }",
    );
    stage.apply(&all);
    let id = stage.send(orders(&["A1", "A2", "A3"], 1)).await;
    stage.reaches(&id, "split").await;
    stage.until("both interchanges", || async { (supplier.orders().len() == 2).then_some(()) }).await;
    let mut sent = supplier.orders();
    sent.sort_by_key(|post| control_of(&post.body));
    let first = text(&sent[0]);
    assert!(first.contains("UNH+1+ORDERS") && first.contains("UNH+2+ORDERS") && first.contains("UNZ+2+"), "{first}");
    let numbers: Vec<_> = first.lines().filter(|line| line.starts_with("BGM")).collect();
    assert_eq!(numbers, ["BGM+220+A1+9'", "BGM+220+A2+9'"]);
    let second = text(&sent[1]);
    assert!(second.contains("BGM+220+A3+9'") && second.contains("UNZ+1+"), "{second}");
    // Each document is its own in the ledger: its bytes, its source, its acknowledgment.
    let documents = stage.list("/api/v1/documents?type=ORDERS").await;
    assert_eq!(documents.len(), 3, "{documents:#?}");
    for document in &documents {
        assert_eq!(document["ack"], "waiting", "{document:#}");
        let whole = stage.get(&format!("/api/v1/documents/{}", document["document_id"].as_str().expect("an id"))).await;
        assert_eq!(whole["made_from"].as_array().map(Vec::len), Some(1), "{whole:#}");
    }
    let answer = format!(
        "UNB+UNOC:3+4012345000030:14+4098765000003:14+261124:1000+77'UNH+1+CONTRL:D:3:UN'\
         UCI+{}+4098765000003:14+4012345000030:14+7'UCM+2+ORDERS:D:96A:UN+4+12'UNT+4+1'UNZ+1+77'",
        control_of(&sent[0].body)
    );
    stage.apply(
        "kind: channel\nname: lamps-in\ntransport: http\nway: in\nauth: token\n---\nkind: agreement\n\
         name: lamps-contrl\nway: in\npartner: lamps\ndocument: edifact/d96a/ORDRSP\n",
    );
    let (token, url) = (stage.new_token("lamps-in"), format!("{}/in/lamps-in", stage.partner));
    let taken = stage.client.post(url).bearer_auth(token).body(answer).send().await.expect("an answer");
    assert_eq!(taken.status(), 202);
    let state = |number: &'static str| {
        let stage = &stage;
        move || async move {
            let documents = stage.list("/api/v1/documents?type=ORDERS").await;
            let one = documents.iter().find(|one| one["business_number"] == number)?;
            (one["ack"] != "waiting").then(|| one["ack"].clone())
        }
    };
    assert_eq!(stage.until("the first", state("A1")).await, "accepted");
    assert_eq!(stage.until("the second", state("A2")).await, "rejected");
    stage.balanced().await;
}

#[tokio::test]
async fn one_faulty_document_keeps_all_of_its_interchange_where_that_was_agreed() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let all = resources(retailer.port, supplier.port)
        .replace("document: x12/004010/850\n", "document: x12/004010/850\nall_or_nothing: true\n");
    stage.apply(&all);
    let id = stage.send(orders(&["B1", "bad", "B3"], 1)).await;
    let split = stage.reaches(&id, "split").await;
    let documents = split["documents"].as_array().expect("documents");
    let codes: Vec<_> = documents.iter().map(|one| (one["control_number"].clone(), one["code"].clone())).collect();
    let code = |number: &str| codes.iter().find(|one| one.0 == number).map(|one| one.1.clone()).unwrap_or(Value::Null);
    assert_eq!(code("0001"), "X12-INTERCHANGE-INCOMPLETE", "{split:#}");
    assert_eq!(code("0003"), "X12-INTERCHANGE-INCOMPLETE", "{split:#}");
    assert_ne!(code("0002"), "X12-INTERCHANGE-INCOMPLETE", "{split:#}");
    assert!(documents.iter().all(|one| one["processing"] == "failed"), "{split:#}");
    let reason = documents.iter().find(|one| one["control_number"] == "0001").expect("the first")["reason"].clone();
    assert!(reason.as_str().is_some_and(|reason| reason.contains("850 0002 with")), "{reason}");
    let answer = stage.until("the 997", || async { retailer.posts().first().map(text) }).await;
    assert_eq!(answer.matches("AK5*R").count(), 3, "{answer}");
    assert!(answer.contains("AK9*R*3*3*0"), "{answer}");
    assert!(supplier.orders().is_empty(), "nothing of it went on");
    // Corrected, it may come under the same number.
    let id = stage.send(orders(&["B1", "B2", "B3"], 1)).await;
    let split = stage.reaches(&id, "split").await;
    stage.until("all three", || async { (supplier.orders().len() == 3).then_some(()) }).await;
    assert!(split["documents"].as_array().expect("documents").iter().all(|one| one["processing"] == "routed"));
    stage.balanced().await;
}

/// More orders than one commit writes, with answers among them where the first commit ends.
fn long(control: u32) -> Vec<u8> {
    let numbers: Vec<String> = (1..=300).map(|number| format!("L{number}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let text = |numbers: &[&str]| String::from_utf8(orders(numbers, control)).expect("text");
    let (first, second) = (text(&numbers[..250]), text(&numbers[250..]));
    let answers: String =
        (1..=10).map(|at| format!("ST*997*{at:04}~\nAK1*PO*{at}~\nAK9*A*1*1*1~\nSE*4*{at:04}~\n")).collect();
    let answers = format!("GS*FA*NORTHSTORES*PORTOLAN*20261124*0915*800*X*004010~\n{answers}GE*10*800~\n");
    let begin = first.split("IEA").next().expect("groups");
    let group = second.split_once('\n').expect("a header").1.split("IEA").next().expect("groups");
    let group = group.replace(&format!("0915*{control}*X"), "0915*801*X").replace("GE*50*1~", "GE*50*801~");
    format!("{begin}{answers}{group}IEA*3*{control:09}~\n").into_bytes()
}

#[tokio::test]
async fn what_shares_interchanges_is_sent_once_though_the_process_is_killed_between_its_commits() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with(&retailer, &supplier, "").await;
    let receiver = "receiver: \"14:4012345000030\" }";
    let all = resources(retailer.port, supplier.port)
        .replace(receiver, "receiver: \"14:4012345000030\", documents_max: 100 }")
        .replace("document: x12/004010/850\n", "document: x12/004010/850\nall_or_nothing: true\n");
    stage.apply(&all);
    stage.kill();
    assert!(stage.try_start_again(&[("PORTOLAN_FAIL_POINT", "translate.after_commit:1")]));
    let id = stage.send(long(1)).await;
    for _ in 0..200 {
        if stage.child.try_wait().expect("a child").is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(stage.child.try_wait().expect("a child").is_some(), "it was to die after the first of two commits");
    stage.start_again(&[]);
    let split = stage.reaches(&id, "split").await;
    let of_kind = |kind: &str| -> Vec<Value> {
        split["documents"].as_array().expect("documents").iter().filter(|one| one["type"] == kind).cloned().collect()
    };
    assert!(of_kind("850").iter().all(|one| one["processing"] == "routed"), "what was decided stays decided");
    let sent =
        || supplier.orders().into_iter().map(|post| (post.key().to_owned(), text(&post))).collect::<BTreeMap<_, _>>();
    stage.until("all interchanges", || async { (sent().len() == 4).then_some(()) }).await;
    let sent = sent();
    let numbers: Vec<String> = sent
        .values()
        .flat_map(|body| body.lines().filter_map(|line| line.strip_prefix("BGM+220+")).collect::<Vec<_>>())
        .map(str::to_owned)
        .collect();
    assert_eq!(numbers.len(), 300, "each once");
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 300);
    let controls: BTreeSet<String> = sent.values().map(|body| control_of(body.as_bytes())).collect();
    assert_eq!(controls.into_iter().collect::<Vec<_>>(), ["1", "2", "3", "4"], "numbers without gap or repeat");
    stage.balanced().await;
}

#[tokio::test]
async fn a_document_that_no_route_takes_keeps_its_fellows_too() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    // The receiver's syntax level has no such letter.
    let all = resources(retailer.port, supplier.port)
        .replace("document: x12/004010/850\n", "document: x12/004010/850\nall_or_nothing: true\n")
        .replace(
            "envelope: { sender: \"14:4098765000003\"",
            "envelope: { repertoire: UNOA, sender: \"14:4098765000003\"",
        );
    stage.apply(&all);
    let upper = String::from_utf8(orders(&["C1", "C2"], 1)).expect("text").to_uppercase();
    let at = upper.rfind("NORTH STORES DC EAST").expect("a name");
    let one_lower = format!("{}North{}", &upper[..at], &upper[at + 5..]);
    let id = stage.send(one_lower).await;
    let split = stage.reaches(&id, "split").await;
    let documents = split["documents"].as_array().expect("documents");
    assert!(documents.iter().all(|one| one["processing"] == "failed"), "{split:#}");
    let reasons: Vec<_> = documents.iter().map(|one| (one["code"].clone(), one["reason"].clone())).collect();
    assert!(reasons.iter().any(|(code, _)| code == "X12-INTERCHANGE-INCOMPLETE"), "{reasons:?}");
    assert!(reasons.iter().any(|(code, _)| code != "X12-INTERCHANGE-INCOMPLETE"), "the culprit says why: {reasons:?}");
    assert!(supplier.orders().is_empty());
    let id = stage.send(upper).await;
    stage.reaches(&id, "split").await;
    stage.until("both", || async { (supplier.orders().len() == 2).then_some(()) }).await;
    assert_eq!(number_of(&supplier.orders()[0].body).as_deref().map(|number| &number[..1]), Some("C"));
}

#[tokio::test]
async fn a_document_that_cannot_be_written_takes_no_number() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let envelope = "envelope: { sender: \"14:4098765000003\"";
    let upper_only = envelope.replace("{ sender", "{ repertoire: UNOA, sender");
    stage.apply(&resources(retailer.port, supplier.port).replace(envelope, &upper_only));
    let refused = stage.send(orders(&["D1"], 1)).await;
    let split = stage.reaches(&refused, "split").await;
    assert_eq!(split["documents"][0]["processing"], "failed", "{split:#}");
    let upper = String::from_utf8(orders(&["D2"], 2)).expect("text").to_uppercase();
    stage.send(upper).await;
    stage.until("the order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    assert_eq!(control_of(&supplier.orders()[0].body), "1", "no gap");
}

#[tokio::test]
async fn sums_may_differ_by_what_was_agreed() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::bare("").await;
    let invoices = |tolerance: &str| {
        format!(
            "{}---\nkind: channel\nname: lamps-in\ntransport: http\nway: in\nauth: token\n---\nkind: agreement\n\
             name: lamps-invoices\nway: in\npartner: lamps\ndocument: edifact/d96a/INVOIC\n{tolerance}---\n\
             kind: agreement\nname: northstores-invoices\nway: out\npartner: northstores\ndocument: x12/004010/810\n\
             channel: northstores-out\nenvelope: {{ sender: \"ZZ:PORTOLAN\", receiver: \"ZZ:NORTHSTORES\" }}\n---\n\
             kind: route\nname: invoices\nfrom: lamps-invoices\nto: northstores-invoices\n",
            resources(retailer.port, supplier.port)
        )
    };
    stage.apply(&invoices(""));
    let token = stage.new_token("lamps-in");
    let invoice = std::fs::read_to_string("demo/invoice-4711.edi").expect("an invoice");
    let differs = invoice.replace("MOA+203:510.00'", "MOA+203:510.03'");
    let sent = |body: String| {
        let (stage, token) = (&stage, &token);
        async move {
            let url = format!("{}/in/lamps-in", stage.partner);
            let taken = stage.client.post(url).bearer_auth(token).body(body).send().await.expect("an answer");
            let taken: Value = serde_json::from_str(&taken.text().await.expect("a body")).expect("JSON");
            let split = stage.reaches(taken["transmission"].as_str().expect("an id"), "split").await;
            let id = split["documents"][0]["document_id"].as_str().expect("an id").to_owned();
            stage.get(&format!("/api/v1/documents/{id}")).await.to_string()
        }
    };
    let refused = sent(differs.replace("+904'", "+905'")).await;
    assert!(refused.contains("\"processing\":\"failed\"") && refused.contains("which is 0.03 more"), "{refused}");
    stage.apply(&invoices("tolerance: { line: \"0.05\", total: \"0.05\" }\n"));
    let passed = sent(differs.replace("+904'", "+906'")).await;
    assert!(passed.contains("\"processing\":\"routed\""), "{passed}");
    assert!(passed.contains("which is 0.03 more, within the agreed 0.05"), "the difference is still named: {passed}");
    let wrong = stage.cli(&["apply", &stage.file("wrong.yaml", &invoices("tolerance: { line: \"a bit\" }\n"))], "");
    let words = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(words.contains("tolerance.line") && words.contains("expected an amount such as 0.05"), "{words}");
}
