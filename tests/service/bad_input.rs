//! What goes wrong on the way in: each gets a clear answer, is seen afterwards where it was taken, and nothing is lost.

use super::edi::{self, Order, order};
use super::peer::Peer;
use super::stage::{Answer, Stage};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn stage(sections: &str) -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, sections).await;
    (stage, retailer, supplier)
}

/// A refusal says what is wrong and what to do, as RFC 9457 wants it.
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{answer:?}");
    assert_eq!(answer.word("code"), code, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(answer.word("detail").len() > 20, "{answer:?}");
}

/// It was taken, cannot be read, and is shown with the reason.
async fn rejected(stage: &Stage, body: Vec<u8>) -> Value {
    let id = stage.send(body.clone()).await;
    let shown = stage.reaches(&id, "rejected").await;
    let transmission = &shown["transmission"];
    assert!(transmission["reason"].as_str().is_some_and(|reason| reason.len() > 20), "{shown:#}");
    assert_eq!(stage.content(&id).await, body, "kept as it came");
    transmission.clone()
}

#[tokio::test]
async fn what_is_no_interchange_is_kept_and_shown_with_the_reason() {
    let (stage, _retailer, supplier) = stage("").await;
    refused(&stage.post(None, "").await, 400, "BODY-EMPTY");
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
    .take(4096)
    .collect();
    let page = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>\n".to_vec();
    let blanks = b"   \r\n\r\n  ".to_vec();
    for (body, code) in
        [(noise, "DOCUMENT-FORMAT-UNKNOWN"), (page, "DOCUMENT-FORMAT-UNKNOWN"), (blanks, "DOCUMENT-INPUT-EMPTY")]
    {
        let transmission = rejected(&stage, body).await;
        assert_eq!(transmission["code"], code, "{transmission:#}");
    }
    assert!(supplier.posts().is_empty());
    stage.balanced().await;
}

#[tokio::test]
async fn truncated_interchanges_fail_visibly_and_send_nothing_on() {
    let (stage, retailer, supplier) = stage("").await;
    let whole = order("4711", 1);
    let at = |mark: &str| whole.windows(mark.len()).position(|piece| piece == mark.as_bytes()).expect("a mark");
    for (end, code) in [
        (40, "X12-INTERCHANGE-HEADER"),
        (at("PO1*1"), "X12-DOCUMENT-TRAILER-MISSING"),
        (at("SE*7"), "X12-DOCUMENT-TRAILER-MISSING"),
        (at("IEA*"), "X12-INTERCHANGE-TRAILER-MISSING"),
    ] {
        let id = stage.send(whole[..end].to_vec()).await;
        let shown = stage
            .until("an end", || async {
                let shown = stage.get(&format!("/api/v1/transmissions/{id}")).await;
                (shown["transmission"]["state"] != "stored").then_some(shown)
            })
            .await;
        let mut told = shown.to_string();
        for document in shown["documents"].as_array().expect("documents") {
            assert_eq!(document["processing"], "failed", "{shown:#}");
            let id = document["document_id"].as_str().expect("an id");
            told += &stage.get(&format!("/api/v1/documents/{id}")).await.to_string();
        }
        assert!(told.contains(code), "cut at {end}: expected {code} in {told}");
    }
    assert!(supplier.orders().is_empty());
    // The sender is told of each that had a document, and its whole interchange, under the same number, is welcome.
    stage.until("answers", || async { (retailer.posts().len() == 3).then_some(()) }).await;
    let id = stage.send(whole).await;
    stage.reaches(&id, "split").await;
    stage.until("the order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    stage.balanced().await;
}

#[tokio::test]
async fn wrong_counts_are_told_with_both_numbers() {
    let (stage, retailer, supplier) = stage("").await;
    let body = edi::written(&Order { segments: 99, ..Order::default() });
    let id = stage.send(body).await;
    let shown = stage.reaches(&id, "split").await;
    let document = shown["documents"][0]["document_id"].as_str().expect("an id");
    let document = stage.get(&format!("/api/v1/documents/{document}")).await;
    let report = document["document"]["report"].as_array().expect("a report");
    let fault = report.iter().find(|one| one["code"] == "X12-DOCUMENT-COUNT").unwrap_or_else(|| panic!("{report:#?}"));
    assert!(fault["expected"].to_string().contains('7') && fault["found"].to_string().contains("99"), "{fault:#}");
    assert_eq!(document["document"]["processing"], "failed");
    let answer = stage.until("a 997", || async { retailer.posts().first().cloned() }).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("AK5*R*4~"), "{text}");
    assert!(supplier.posts().is_empty());
    stage.balanced().await;
}

#[tokio::test]
async fn an_interchange_that_came_before_is_a_duplicate_and_other_content_waits_for_a_person() {
    let (stage, _retailer, supplier) = stage("").await;
    let first = stage.send(order("4711", 1)).await;
    stage.reaches(&first, "split").await;
    let again = stage.send(order("4711", 1)).await;
    stage.reaches(&again, "duplicate").await;
    let other = stage.send(order("9999", 1)).await;
    let shown = stage.reaches(&other, "held").await;
    assert_eq!(shown["transmission"]["code"], "INTERCHANGE-NUMBER-REUSED");
    assert!(shown["transmission"]["reason"].as_str().is_some_and(|reason| reason.contains(&first)), "{shown:#}");
    // The order, its 997, and the TA1 that tells of the repeat.
    stage.deliveries("delivered", 3).await;
    assert_eq!(supplier.orders().len(), 1);
    // A person looks, and lets it go on.
    stage.done(&["transmission", "release", &other], "");
    stage.reaches(&other, "split").await;
    stage.until("the second order", || async { (supplier.orders().len() == 2).then_some(()) }).await;
    stage.balanced().await;
}

#[tokio::test]
async fn an_unknown_sender_waits_and_goes_on_when_the_configuration_is_mended() {
    let (stage, _retailer, supplier) = stage("").await;
    let body =
        |number: &str, control| edi::written(&Order { number, control, sender: "SOUTHSTORES", ..Order::default() });
    let id = stage.send(body("S-1", 1)).await;
    let shown = stage.reaches(&id, "held").await;
    assert_eq!(shown["transmission"]["code"], "PARTNER-UNKNOWN");
    let reason = shown["transmission"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("ZZ:SOUTHSTORES"), "{reason}");
    stage.apply(
        "{kind: partner, name: southstores, party_ids: [ZZ:SOUTHSTORES]}\n---\n\
         {kind: agreement, name: southstores-orders, way: in, partner: southstores, document: x12/004010/850}\n---\n\
         {kind: route, name: south-to-lamps, from: southstores-orders, to: lamps-orders}\n",
    );
    stage.reaches(&id, "split").await;
    stage.until("the order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    stage.balanced().await;
}

#[tokio::test]
async fn a_held_transmission_can_be_released_as_a_partner_or_given_up() {
    let (stage, _retailer, supplier) = stage("").await;
    let body = |number: &str, control| edi::written(&Order { number, control, sender: "MERGEDCO", ..Order::default() });
    let (kept, given_up) = (stage.send(body("M-1", 1)).await, stage.send(body("M-2", 2)).await);
    stage.reaches(&kept, "held").await;
    stage.reaches(&given_up, "held").await;
    stage.done(&["transmission", "release", &kept, "--as", "northstores"], "");
    stage.reaches(&kept, "split").await;
    stage.done(&["transmission", "reject", &given_up, "--reason", "sent by mistake"], "");
    let shown = stage.reaches(&given_up, "rejected").await;
    assert_eq!(shown["transmission"]["reason"], "sent by mistake");
    stage.until("the order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    let twice = stage.cli(&["transmission", "release", &given_up], "");
    assert_eq!(twice.status.code(), Some(6), "a conflict: it is no longer held");
    stage.balanced().await;
}

#[tokio::test]
async fn senders_are_bounded_by_their_channel() {
    let (stage, _retailer, supplier) = stage("").await;
    stage.apply(
        "{kind: partner, name: rival, party_ids: [ZZ:RIVAL]}\n---\n\
         {kind: channel, name: rival-in, transport: http, way: in, auth: token, partners: [rival]}\n",
    );
    let token = stage.new_token("rival-in");
    let url = format!("{}/in/rival-in", stage.partner);
    let answer = stage.client.post(url).bearer_auth(&token).body(order("4711", 1)).send().await.expect("an answer");
    assert_eq!(answer.status(), 202);
    let id = answer.json::<Value>().await.expect("JSON")["transmission"].as_str().expect("an id").to_owned();
    let shown = stage.reaches(&id, "held").await;
    assert_eq!(shown["transmission"]["code"], "SENDER-NOT-ALLOWED", "{shown:#}");
    // A token opens its own channel only.
    let url = format!("{}/in/northstores-in", stage.partner);
    let answer = stage.client.post(url).bearer_auth(&token).body(order("4711", 1)).send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert!(supplier.posts().is_empty());
}

#[tokio::test]
async fn unknown_types_and_the_wrong_environment_wait() {
    let (stage, _retailer, supplier) = stage("").await;
    let id = stage.send(edi::written(&Order { kind: "830", ..Order::default() })).await;
    let shown = stage.reaches(&id, "held").await;
    assert_eq!(shown["transmission"]["code"], "AGREEMENT-MISSING", "{shown:#}");
    assert!(shown["transmission"]["reason"].to_string().contains("830"), "{shown:#}");
    let id = stage.send(edi::written(&Order { usage: 'T', control: 2, ..Order::default() })).await;
    let shown = stage.reaches(&id, "held").await;
    assert_eq!(shown["transmission"]["code"], "ENVIRONMENT-MISMATCH", "{shown:#}");
    assert!(supplier.posts().is_empty());
    stage.balanced().await;
}

#[tokio::test]
async fn a_faulty_document_is_refused_with_a_997_and_its_neighbour_goes_on() {
    let (stage, retailer, supplier) = stage("").await;
    let bad = edi::written(&Order { quantity: "12O", ..Order::default() });
    let id = stage.send([bad, order("4712", 2)].concat()).await;
    let shown = stage.reaches(&id, "split").await;
    let words: Vec<&str> =
        shown["documents"].as_array().expect("documents").iter().filter_map(|one| one["processing"].as_str()).collect();
    assert!(words.contains(&"failed") && words.contains(&"routed"), "{shown:#}");
    stage.until("two 997", || async { (retailer.posts().len() == 2).then_some(()) }).await;
    let answers: String =
        retailer.posts().iter().map(|post| String::from_utf8_lossy(&post.body).into_owned()).collect();
    assert!(answers.contains("AK4*2*330*6*12O~") && answers.contains("AK9*A*1*1*1~"), "{answers}");
    stage.until("the good order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    stage.balanced().await;
}

#[tokio::test]
async fn limits_and_wrong_requests_are_told_apart() {
    let (stage, _retailer, _supplier) = stage("[limits]\nbody_bytes = 20000\nbody_idle_seconds = 1\n").await;
    refused(&stage.post(None, vec![b'x'; 20_001]).await, 413, "BODY-TOO-LARGE");
    assert_eq!(stage.post(None, vec![b'x'; 20_000]).await.status, 202, "the limit itself is allowed");
    // Of unknown length, the limit is met while it streams.
    let (answer, _) =
        raw(&stage, "transfer-encoding: chunked", &format!("{:x}\r\n{}", 20_001, "y".repeat(20_001))).await;
    assert!(answer.contains("413") && answer.contains("BODY-TOO-LARGE"), "{answer}");
    let (answer, took) = raw(&stage, "content-length: 100", "ISA*00*").await;
    assert!(answer.contains("408") && answer.contains("BODY-SLOW"), "{answer}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    let url = format!("{}/in/northstores-in", stage.partner);
    let base = || stage.client.post(&url).bearer_auth(&stage.token).body("x");
    let status = async |request: reqwest::RequestBuilder| request.send().await.expect("an answer").status().as_u16();
    assert_eq!(status(base().header("content-encoding", "gzip")).await, 415);
    assert_eq!(status(base().header("idempotency-key", "k".repeat(256))).await, 400);
    assert_eq!(status(base().header("x-long", "h".repeat(60_000))).await, 431);
    assert_eq!(status(stage.client.get(&url).bearer_auth(&stage.token)).await, 405);
    assert_eq!(status(stage.client.post(&url).bearer_auth("wrong").body("x")).await, 401);
    assert_eq!(status(stage.client.post(&url).basic_auth("user", Some("x")).body("x")).await, 401);
    assert_eq!(status(stage.client.post(&url).body("x")).await, 401);
    let elsewhere = format!("{}/in/no-such-channel", stage.partner);
    assert_eq!(
        status(stage.client.post(elsewhere).bearer_auth(&stage.token).body("x")).await,
        401,
        "channels are not told"
    );
    let admin = format!("{}/api/v1/status", stage.partner);
    assert_eq!(status(stage.client.get(admin).bearer_auth(&stage.token)).await, 404, "no admin routes for partners");
    let kept = stage.list("/api/v1/transmissions").await;
    assert_eq!(kept.len(), 1, "only what was answered with 202 is there: {kept:#?}");
}

/// Posts by hand and stops in the middle; the answer, and how long it took.
async fn raw(stage: &Stage, header: &str, body: &str) -> (String, Duration) {
    let address = stage.partner.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let text = format!(
        "POST /in/northstores-in HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{header}\r\n\r\n{body}",
        stage.token
    );
    let begin = std::time::Instant::now();
    stream.write_all(text.as_bytes()).await.expect("written");
    let mut answer = vec![0; 4096];
    let read =
        tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer)).await.expect("an answer in time");
    (String::from_utf8_lossy(&answer[..read.expect("bytes")]).into_owned(), begin.elapsed())
}

#[tokio::test]
async fn a_key_repeats_its_answer_and_refuses_other_content() {
    let (stage, _retailer, supplier) = stage("").await;
    let first = stage.post(Some("k-1"), order("4711", 1)).await;
    assert_eq!((first.status.as_u16(), first.headers.get("idempotency-replayed")), (202, None));
    let again = stage.post(Some("k-1"), order("4711", 1)).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["location"], first.headers["location"]);
    refused(&stage.post(Some("k-1"), order("4712", 2)).await, 422, "KEY-REUSED");
    stage.deliveries("delivered", 2).await;
    assert_eq!(supplier.orders().len(), 1);
    assert_eq!(stage.list("/api/v1/transmissions?direction=in").await.len(), 1);
}

/// Ten thousand posts at once: each is taken or told to come back, and what was taken is there once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_at_once() {
    const POSTS: u32 = 10_000;
    let (stage, _retailer, supplier) = stage("").await;
    let stage = std::sync::Arc::new(stage);
    let mut running = tokio::task::JoinSet::new();
    for number in 0..POSTS {
        let stage = stage.clone();
        running.spawn(async move {
            let key = format!("flood-{number}");
            // One in a hundred is an order; the rest is noise that is kept and shown.
            let body = || match number % 100 {
                0 => order(&format!("F-{number}"), number + 1),
                _ => format!("noise {number}").into_bytes(),
            };
            let mut waits = 0u32;
            loop {
                match stage.try_post(Some(&key), body()).await {
                    Ok(answer) if answer.status == 202 => return (answer.word("transmission").to_owned(), waits),
                    Ok(answer) => {
                        assert_eq!(answer.status, 503, "{answer:?}");
                        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
                    }
                    // Neither side has sockets for all of them at once.
                    Err(error) => assert!(error.is_connect() || error.is_request(), "{error:?}"),
                }
                waits += 1;
                tokio::time::sleep(Duration::from_millis(u64::from(200 + number % 800))).await;
            }
        });
    }
    let mut ids = std::collections::BTreeSet::new();
    let mut told_to_wait = 0;
    while let Some(done) = running.join_next().await {
        let (id, waits) = done.expect("an end");
        ids.insert(id);
        told_to_wait += waits;
    }
    println!("{POSTS} posts at once: all taken, {told_to_wait} times told to come back");
    assert_eq!(ids.len(), POSTS as usize);
    let count = || async {
        let status = stage.get("/api/v1/status").await;
        let balance = status["balances"].as_array().and_then(|all| all.first()).cloned().unwrap_or_default();
        (balance["terms"]["open"] == 0).then_some(())
    };
    for _ in 0..3 {
        // Ten thousand take longer than one wait allows on a slow machine.
        if tokio::time::timeout(Duration::from_secs(50), stage.until("all looked at", count)).await.is_ok() {
            break;
        }
    }
    let expected = POSTS as usize / 100;
    stage.until("all orders", || async { (supplier.orders().len() >= expected).then_some(()) }).await;
    let numbers: std::collections::BTreeSet<_> =
        supplier.orders().iter().filter_map(|post| edi::number_of(&post.body)).collect();
    assert_eq!(numbers.len(), expected);
    let rejected = stage.list("/api/v1/transmissions?direction=in&state=rejected").await.len();
    assert_eq!(rejected, POSTS as usize - expected);
    stage.balanced().await;
    let alive = stage.ask(Method::GET, "/livez", Some(json!(null))).await;
    assert_eq!(alive.status, 200);
}
