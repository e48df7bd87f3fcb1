//! One document cut into several on its way out, by count and by what its lines say: numbers, totals, one commit, one
//! acknowledgment; together with shared interchanges, with all or nothing, and killed at the commit.

use super::backend::Ground;
use super::edi::control_of;
use super::peer::{Peer, Post};
use super::stage::{PATIENCE, Stage, resources};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Lines of the long order.
const LINES: usize = 450;
/// Stores that it is for.
const STORES: usize = 7;

/// The plain order of the fixtures, its first line again and again: `more` stands behind each, made of its number.
fn long_order(number: &str, control: u32, more: impl Fn(usize) -> String) -> String {
    let plain = std::fs::read_to_string("fixtures/x12/004010/850/plain/in.edi").expect("the fixture");
    let (head, rest) = plain.split_once("PO1*1*").expect("lines");
    let (first, _) = rest.split_once("PO1*2*").expect("a second line");
    let head = head.replace("14*4012345000009  ", "ZZ*PORTOLAN       ").replace("*4711*", &format!("*{number}*"));
    let head = head.replace("*000000101*", &format!("*{control:09}*")).replace("*101*", &format!("*{control}*"));
    let head = head.replace("*4012345000009*", "*PORTOLAN*");
    let lines: String = (1..=LINES)
        .map(|at| format!("PO1*{at}*{}{}", first.replace("LAMP-7", &format!("LAMP-{at}")), more(at)))
        .collect();
    let body = format!("{head}{lines}CTT*{LINES}~\n");
    let segments = body.lines().skip_while(|line| !line.starts_with("ST*")).count() + 1;
    format!("{body}SE*{segments}*0001~\nGE*1*{control}~\nIEA*1*{control:09}~\n")
}

fn store(at: usize) -> String {
    format!("S{:02}", at % STORES)
}

fn to_stores(at: usize) -> String {
    format!("N1*ST*Store*92*{}~\n", store(at))
}

/// The partners, with these keys at the agreement of way out and these in its envelope.
fn cut(retailer: &Peer, supplier: &Peer, split: &str, envelope: &str) -> String {
    let receiver = "receiver: \"14:4012345000030\"";
    resources(retailer.port, supplier.port).replace(
        &format!("{receiver} }}"),
        &format!("{receiver}{envelope} }}\nsplit: {split}\nexpect: {{ kind: contrl, within_minutes: 60 }}"),
    )
}

async fn stage(split: &str, envelope: &str) -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    stage.apply(&cut(&retailer, &supplier, split, envelope));
    (stage, retailer, supplier)
}

/// The orders in what the supplier got: each with its number, the numbers of its lines and the place that it goes to.
fn orders(posts: &[Post]) -> Vec<(String, Vec<usize>, String)> {
    let mut posts: Vec<&Post> = posts.iter().collect();
    posts.sort_by_key(|post| control_of(&post.body).parse::<u32>().ok());
    let texts = posts.iter().map(|post| String::from_utf8_lossy(&post.body).into_owned());
    let orders: Vec<String> =
        texts.flat_map(|text| text.split("UNH+").skip(1).map(str::to_owned).collect::<Vec<_>>()).collect();
    let after = |text: &str, mark: &str| {
        let rest = text.split_once(mark).map(|(_, rest)| rest).unwrap_or_default();
        rest.split(['+', '\'', ':']).next().unwrap_or_default().to_owned()
    };
    let read = |text: &String| {
        let lines = text.lines().filter(|line| line.starts_with("LIN+"));
        let lines: Vec<usize> = lines.map(|line| after(line, "LIN+").parse().expect("a number")).collect();
        assert!(text.contains(&format!("CNT+2:{}'", lines.len())), "its lines are counted anew: {}", lines.len());
        (after(text, "BGM+220+"), lines, after(text, "NAD+DP+"))
    };
    orders.iter().map(read).collect()
}

/// Every line of the whole is in one of the parts, once, and in order in each.
fn all_lines_once(orders: &[(String, Vec<usize>, String)]) {
    let mut all: Vec<usize> = orders.iter().flat_map(|(_, lines, _)| lines.clone()).collect();
    assert!(orders.iter().all(|(_, lines, _)| lines.windows(2).all(|two| two[0] < two[1])));
    all.sort_unstable();
    assert_eq!(all, (1..=LINES).collect::<Vec<_>>());
}

async fn posts(stage: &Stage, supplier: &Peer, count: usize) -> Vec<Post> {
    stage.until("interchanges", || async { (supplier.orders().len() >= count).then_some(()) }).await;
    supplier.orders()
}

#[tokio::test]
async fn an_order_of_hundreds_of_lines_leaves_in_parts_of_so_many() {
    let (stage, retailer, supplier) =
        stage("{ lines_max: 200, number: \"{number}-{part}\", reference: customer_order }", "").await;
    let id = stage.send(long_order("4711", 1, |_| String::new())).await;
    let split = stage.reaches(&id, "split").await;
    let sent = posts(&stage, &supplier, 3).await;
    let found = orders(&sent);
    let numbers: Vec<_> = found.iter().map(|(number, lines, _)| (number.as_str(), lines.len())).collect();
    assert_eq!(numbers, [("4711-1", 200), ("4711-2", 200), ("4711-3", 50)]);
    assert_eq!(found[1].1.first(), Some(&201), "lines keep their numbers");
    all_lines_once(&found);
    assert!(sent.iter().all(|post| String::from_utf8_lossy(&post.body).contains("RFF+UO:4711'")));
    let controls: BTreeSet<String> = sent.iter().map(|post| control_of(&post.body)).collect();
    assert_eq!(controls.into_iter().collect::<Vec<_>>(), ["1", "2", "3"]);
    // The sender hears of the one document that it sent, and the ledger has one that became three.
    let answer = stage.until("the 997", || async { retailer.posts().first().cloned() }).await;
    let answer = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(answer.contains("AK9*A*1*1*1"), "{answer}");
    for document in stage.list("/api/v1/documents?type=ORDERS").await {
        assert_eq!(document["ack"], "waiting", "each part expects an answer of its own: {document:#}");
    }
    let source = split["documents"][0]["document_id"].as_str().expect("an id");
    let told = stage.get(&format!("/api/v1/documents/{source}")).await;
    assert_eq!(told["made_into"].as_array().map(Vec::len), Some(3), "{told:#}");
    let shown = stage.done(&["document", "show", source], "");
    assert!(
        shown.contains("DOCUMENT-SPLIT") && shown.contains("200 lines at most, found 3 under lamps-orders"),
        "{shown}"
    );
    let part = stage.list("/api/v1/documents?number=4711-2").await;
    let part = part[0]["document_id"].as_str().expect("an id");
    let told = stage.get(&format!("/api/v1/documents/{part}")).await;
    assert_eq!(told["made_from"], serde_json::json!([source]));
    assert!(shown.contains(&format!("made into {part}")), "{shown}");
    let shown = stage.done(&["document", "show", part], "");
    assert!(shown.contains("found part 2 of 3 of 4711") && shown.contains(&format!("made from {source}")), "{shown}");
    stage.balanced().await;
}

#[tokio::test]
async fn an_order_leaves_in_one_part_for_each_ship_to_and_they_share_an_interchange() {
    let by_store = "{ by: \"parties[role=ship_to]\", number: \"{number}-{key}\" }";
    let (stage, _retailer, supplier) = stage(by_store, ", documents_max: 5, first_document_number: 900").await;
    let id = stage.send(long_order("4711", 1, to_stores)).await;
    stage.reaches(&id, "split").await;
    let sent = posts(&stage, &supplier, 2).await;
    let found = orders(&sent);
    let stores: Vec<_> = (1..=STORES).map(|at| (format!("4711-{}", store(at)), store(at))).collect();
    let told: Vec<_> = found.iter().map(|(number, _, to)| (number.clone(), to.clone())).collect();
    assert_eq!(told, stores, "in the order first seen, each with its place in the header");
    all_lines_once(&found);
    for (_, lines, to) in &found {
        assert!(lines.iter().all(|at| store(*at) == *to));
    }
    let texts: Vec<String> = sent.iter().map(|post| String::from_utf8_lossy(&post.body).into_owned()).collect();
    let documents: BTreeSet<&str> =
        texts.iter().flat_map(|text| text.split("UNH+").skip(1)).filter_map(|rest| rest.split('+').next()).collect();
    assert_eq!(documents.into_iter().collect::<Vec<_>>(), ["900", "901", "902", "903", "904", "905", "906"]);
    assert!(texts.iter().any(|text| text.contains("UNZ+5+")) && texts.iter().any(|text| text.contains("UNZ+2+")));
    stage.balanced().await;
}

#[tokio::test]
async fn parts_wait_for_company_like_other_documents() {
    let (stage, _retailer, supplier) =
        stage("{ lines_max: 200, number: \"{number}-{part}\" }", ", gather_minutes: 60, documents_max: 6").await;
    for control in 1..=2 {
        let id = stage.send(long_order(&format!("G{control}"), control, |_| String::new())).await;
        stage.reaches(&id, "split").await;
    }
    let sent = posts(&stage, &supplier, 1).await;
    let numbers: Vec<_> = orders(&sent).into_iter().map(|(number, _, _)| number).collect();
    assert_eq!(numbers, ["G1-1", "G1-2", "G1-3", "G2-1", "G2-2", "G2-3"]);
    stage.balanced().await;
}

/// Killed before and after the commit that writes all parts: each leaves once, under one number and one control number.
#[tokio::test]
async fn a_crash_at_the_commit_neither_loses_nor_doubles_a_part() {
    for point in ["translate.before_commit", "translate.after_commit"] {
        let (mut stage, _retailer, supplier) =
            stage("{ by: [\"parties[role=ship_to]\"], lines_max: 40, number: \"{number}-{part}\" }", "").await;
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        stage.send(long_order("4711", 1, to_stores)).await;
        let begin = Instant::now();
        while stage.child.try_wait().expect("a child").is_none() {
            assert!(begin.elapsed() < PATIENCE, "it passed {point}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stage.start_again(&[]);
        let parts = 2 * STORES;
        let sent = posts(&stage, &supplier, parts).await;
        stage.deliveries("delivered", parts + 1).await;
        let keys: BTreeSet<_> = supplier.orders().iter().map(|post| post.key().to_owned()).collect();
        assert_eq!(keys.len(), parts, "{point}");
        let controls: BTreeSet<u32> =
            sent.iter().map(|post| control_of(&post.body).parse().expect("a number")).collect();
        assert_eq!(
            controls.into_iter().collect::<Vec<_>>(),
            (1..=14).collect::<Vec<_>>(),
            "{point}: no gap, none twice"
        );
        let found = orders(&sent);
        all_lines_once(&found);
        assert!(found.iter().enumerate().all(|(at, one)| one.0 == format!("4711-{}", at + 1)), "{point}");
        stage.balanced().await;
    }
}

/// An INVRPT tells of each article at each place; the warehouse system takes one 846 a place.
#[tokio::test]
async fn an_inventory_report_of_hundreds_of_lines_by_place_and_by_count() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::bare("").await;
    let reports = format!(
        "{}---\nkind: channel\nname: lamps-in\ntransport: http\nway: in\nauth: token\n---\nkind: agreement\n\
         name: lamps-stock\nway: in\npartner: lamps\ndocument: edifact/d96a/INVRPT\n---\nkind: agreement\n\
         name: northstores-stock\nway: out\npartner: northstores\ndocument: x12/004010/846\nchannel: northstores-out\n\
         envelope: {{ sender: \"ZZ:PORTOLAN\", receiver: \"ZZ:NORTHSTORES\" }}\n\
         split: {{ by: stocks.location, lines_max: 250, number: \"{{number}}-{{key}}-{{part}}\" }}\n---\n\
         kind: route\nname: stock\nfrom: lamps-stock\nto: northstores-stock\n",
        resources(retailer.port, supplier.port)
    );
    stage.apply(&reports);
    let token = stage.new_token("lamps-in");
    let lines: String = (1..=300)
        .map(|at| {
            let second = if at % 2 == 0 { format!("QTY+145:{at}:PCE'\nLOC+18+E2::92'\n") } else { String::new() };
            format!("LIN+{at}++4000862141404:EN'\nQTY+145:{at}:PCE'\nLOC+18+E1::92'\n{second}")
        })
        .collect();
    let body = format!(
        "UNH+1+INVRPT:D:96A:UN'\nBGM+35+INV-1+9'\nDTM+137:20261124:102'\nDTM+366:20261123:102'\n\
         NAD+SU+4012345000030::9'\nNAD+BY+1000::92'\n{lines}"
    );
    let count = body.lines().count() + 1;
    let body =
        format!("UNB+UNOC:3+4012345000030:14+NORTHSTORES:ZZZ+261124:0915+811'\n{body}UNT+{count}+1'\nUNZ+1+811'\n");
    let url = format!("{}/in/lamps-in", stage.partner);
    let taken = stage.client.post(url).bearer_auth(token).body(body).send().await.expect("an answer");
    let taken: Value = serde_json::from_str(&taken.text().await.expect("a body")).expect("JSON");
    let split = stage.reaches(taken["transmission"].as_str().expect("an id"), "split").await;
    assert_eq!(split["documents"][0]["processing"], "routed", "{split:#}");
    let sent = stage
        .until("three reports", || async {
            let all: Vec<String> =
                retailer.posts().iter().map(|post| String::from_utf8_lossy(&post.body).into_owned()).collect();
            (all.iter().filter(|text| text.contains("ST*846")).count() == 3).then_some(all)
        })
        .await;
    let mut sent: Vec<String> = sent.into_iter().filter(|text| text.contains("ST*846")).collect();
    sent.sort_by_key(|text| control_of(text.as_bytes()));
    let of = |text: &String| {
        let number = text.split("BIA*").nth(1).and_then(|rest| rest.split('*').nth(2)).unwrap_or_default().to_owned();
        let lines: Vec<u32> = text
            .lines()
            .filter_map(|line| line.strip_prefix("LIN*"))
            .map(|rest| rest.split('*').next().unwrap_or_default().parse().expect("a number"))
            .collect();
        (number, lines)
    };
    let found: Vec<_> = sent.iter().map(of).collect();
    let expected = [
        ("INV-1-E1-1", (1..=250).collect()),
        ("INV-1-E1-2", (251..=300).collect()),
        ("INV-1-E2-3", (1..=150).map(|at| at * 2).collect::<Vec<u32>>()),
    ];
    assert_eq!(found, expected.map(|(number, lines)| (number.to_owned(), lines)));
    assert!(sent[0].contains("E1") && !sent[0].contains("E2") && sent[2].contains("E2") && !sent[2].contains("E1"));
    stage.balanced().await;
}

#[tokio::test]
async fn err_what_is_said_of_the_whole_keeps_it_and_its_fellows_or_is_left_out() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let all = |more: &str| {
        let split = format!("{{ lines_max: 200, number: \"{{number}}-{{part}}\"{more} }}");
        cut(&retailer, &supplier, &split, "")
            .replace("document: x12/004010/850\n", "document: x12/004010/850\nall_or_nothing: true\n")
    };
    stage.apply(&all(""));
    let total = |control| {
        let text = long_order("4711", control, |_| String::new());
        let counted = format!("CTT*{LINES}~\n");
        let told = text.replace(&counted, &format!("{counted}AMT*TT*1181~\n"));
        let segments =
            told.lines().filter(|line| !line.starts_with("ISA") && !line.starts_with('G') && !line.starts_with("IEA"));
        let segments = segments.count();
        told.replace(&format!("SE*{}*", segments - 1), &format!("SE*{segments}*"))
    };
    let id = stage.send(total(1)).await;
    let split = stage.reaches(&id, "split").await;
    let document = &split["documents"][0];
    assert_eq!(document["processing"], "failed", "{split:#}");
    assert_eq!(document["code"], "DOCUMENT-SPLIT-WHOLE", "{split:#}");
    assert!(document["reason"].as_str().is_some_and(|why| why.contains("totals.amounts")), "{document:#}");
    assert!(supplier.orders().is_empty(), "nothing of it went on");
    stage.apply(&all(", of_the_whole: leave_out"));
    let id = stage.send(total(2)).await;
    stage.reaches(&id, "split").await;
    let sent = posts(&stage, &supplier, 3).await;
    all_lines_once(&orders(&sent));
    assert!(sent.iter().all(|post| !String::from_utf8_lossy(&post.body).contains("1181")), "true of no part");
    let part = stage.list("/api/v1/documents?number=4711-3").await;
    let shown = stage.done(&["document", "show", part[0]["document_id"].as_str().expect("an id")], "");
    assert!(shown.contains("totals.amounts"), "what it lacks is told: {shown}");
    assert_eq!(control_of(&sent[0].body).len(), 1, "the refused one took no number");
    stage.balanced().await;
}

#[tokio::test]
async fn a_plan_tells_how_documents_will_be_cut_and_what_cannot_be() {
    let (stage, retailer, supplier) = stage("{ lines_max: 200, number: \"{number}-{part}\" }", "").await;
    let plan = |split: &str| {
        let file = stage.file("plan.yaml", &cut(&retailer, &supplier, split, ""));
        let output = stage.cli(&["plan", &file], "");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let told = plan("{ lines_max: 100, by: \"parties[role=ship_to]\", number: \"{number}-{part}\" }");
    assert!(
        told.contains("split.lines_max: 200 → 100") && told.contains("+ split.by: parties[role=ship_to]"),
        "{told}"
    );
    for (split, expected) in [
        ("{ lines_max: 100 }", "expected a key number"),
        ("{ lines_max: 100, number: x }", "split.number: expected {part} or {key} in it"),
        ("{ by: \"parties[role=shipto]\", number: \"{part}\" }", "found shipto; did you mean ship_to?"),
        ("{ by: party, number: \"{part}\" }", "split.by: expected a field of the lines of order, found party"),
        ("{ lines_max: 1, number: \"{part}\", reference: custmer_order }", "did you mean customer_order?"),
    ] {
        let told = plan(split);
        assert!(told.contains(expected), "{split}: {told}");
    }
    let remittance =
        cut(&retailer, &supplier, "{ lines_max: 1, number: \"{part}\" }", "").replace("d96a/ORDERS", "d96a/REMADV");
    let output = stage.cli(&["plan", &stage.file("remittance.yaml", &remittance)], "");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("found one of a remittance"), "{told}");
}

/// The supplier answers the part that it got; the retailer, who knows no parts, gets an answer to its order.
#[tokio::test]
async fn an_answer_to_a_part_goes_back_as_one_to_the_whole() {
    answer_to_a_part("").await;
}

#[tokio::test]
async fn an_answer_to_a_part_goes_back_as_one_to_the_whole_on_a_server() {
    if let Some(ground) = Ground::server().await {
        answer_to_a_part(&ground.line()).await;
    }
}

async fn answer_to_a_part(database: &str) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with_on(database, &retailer, &supplier, "").await;
    let split = "{ lines_max: 200, number: \"{number}-{part}\" }";
    stage.apply(&format!("{}---\n{}", cut(&retailer, &supplier, split, ""), super::echo::WAY_BACK));
    let id = stage.send(long_order("4711", 1, |_| String::new())).await;
    stage.reaches(&id, "split").await;
    posts(&stage, &supplier, 3).await;
    let answer = "UNB+UNOC:3+4012345000030:14+PORTOLAN:ZZZ+261125:1015+1'UNH+1+ORDRSP:D:96A:UN'BGM+231+A-900+4'\
        DTM+137:20261125:102'RFF+ON:4711-2'LIN+201+5'PIA+5+LAMP-201:SA'QTY+21:120:PCE'QTY+113:120:PCE'UNS+S'UNT+10+1'\
        UNZ+1+1'";
    let (token, url) = (stage.new_token("lamps-in"), format!("{}/in/lamps-in", stage.partner));
    let taken = stage.client.post(url).bearer_auth(token).body(answer).send().await.expect("an answer");
    assert_eq!(taken.status(), 202);
    let received = stage
        .until("an 855", || async {
            let texts = retailer.posts().into_iter().map(|post| String::from_utf8_lossy(&post.body).into_owned());
            texts.into_iter().find(|text| text.contains("ST*855*"))
        })
        .await;
    assert!(received.contains("BAK*00*AC*4711*20261124*"), "{received}");
    assert!(received.contains("PO1*201*120*PC*4.25**"), "the line's number and price are the order's: {received}");
    let sent = stage.list("/api/v1/documents?type=855").await;
    let shown = stage.done(&["document", "show", sent[0]["document_id"].as_str().expect("an id")], "");
    assert!(shown.contains("expected its receiver's number 4711, found 4711-2"), "{shown}");
    stage.balanced().await;
}
