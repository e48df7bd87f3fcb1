//! Receipts that come at another time or in another way than they were asked for, and messages that may have arrived and go
//! once more.

use super::as2::{LAMPS, LATER, incoming, lamps, post, post_receipt, receipt_of, retail, sent};
use super::edi::order;
use super::peer::{Answer, Peer, Post};
use super::stage::{Stage, resources};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan::transport::as2::crypto::Digest;
use portolan::transport::as2::open::Mic;
use portolan::transport::as2::receipt::{Body, Disposition};
use reqwest::Method;
use serde_json::Value;

/// Nothing is signed or encrypted: the body alone is digested.
const PLAIN: &str = ", encrypt: none, sign: none";

/// Lamps' signed receipt for what it got.
fn says(post: &Post, disposition: &Disposition) -> Body {
    let mic = Mic { digest: Digest::Sha256, value: Digest::Sha256.of(&post.body) };
    receipt_of(&post.headers["message-id"], &mic, disposition, Some(&LAMPS))
}

fn refusal() -> Disposition {
    Disposition::Error("unexpected-processing-error".to_owned())
}

fn proves(post: &Post) -> (String, Vec<u8>) {
    let Body { content_type, bytes } = says(post, &Disposition::Processed);
    (format!("content-type: {content_type}\r\n"), bytes)
}

fn proves_in_base64(post: &Post) -> (String, Vec<u8>) {
    let (lines, bytes) = proves(post);
    (format!("{lines}content-transfer-encoding: base64\r\nset-cookie: seen=1\r\n"), STANDARD.encode(bytes).into_bytes())
}

fn refuses(post: &Post) -> (String, Vec<u8>) {
    let Body { content_type, bytes } = says(post, &refusal());
    (format!("content-type: {content_type}\r\n"), bytes)
}

fn forges(post: &Post) -> (String, Vec<u8>) {
    let mic = Mic { digest: Digest::Sha256, value: Digest::Sha256.of(&post.body) };
    let Body { content_type, bytes } = receipt_of(&post.headers["message-id"], &mic, &refusal(), None);
    (format!("content-type: {content_type}\r\n"), bytes)
}

async fn retail_to(peer: &Peer, more: &str) -> Stage {
    retail(&format!("http://127.0.0.1:{}/as2", peer.port), &format!("{PLAIN}{more}")).await
}

async fn posted(retail: &Stage, peer: &Peer, count: usize) -> Post {
    retail.until("it is sent", || async { (peer.posts().len() >= count).then_some(()) }).await;
    peer.posts().swap_remove(count - 1)
}

fn id(delivery: &Value) -> &str {
    delivery["delivery_id"].as_str().expect("an id")
}

#[tokio::test]
async fn a_receipt_in_base64_counts_in_the_answer_and_on_its_own() {
    let peer = Peer::start(&[Answer::Tells(proves_in_base64)]).await;
    let retail = retail_to(&peer, "").await;
    retail.send(order("AS2-1", 1)).await;
    let delivered = sent(&retail, "delivered").await;
    let told = retail.get(&format!("/api/v1/deliveries/{}", id(&delivered))).await;
    let kept = told["receipt"].as_str().expect("its receipt");
    assert!(kept.contains("content-transfer-encoding: base64") && !kept.contains("seen=1"), "{kept}");
    // On its own, and under a Message-ID as it is no document.
    let later = retail_to(&peer, LATER).await;
    later.send(order("AS2-2", 2)).await;
    let sealed = posted(&later, &peer, 2).await;
    sent(&later, "awaiting_receipt").await;
    let (lines, body) = proves_in_base64(&sealed);
    let mut headers: Vec<(String, String)> = lines
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for (name, value) in [("AS2-From", "\"Light & Lamp\""), ("AS2-To", "RETAIL"), ("Message-ID", "<receipt@lamps>")] {
        headers.push((name.to_owned(), value.to_owned()));
    }
    assert_eq!(post(&later, &headers, body).await.status, 200);
    sent(&later, "delivered").await;
    later.balanced().await;
}

#[tokio::test]
async fn a_receipt_in_the_answer_counts_where_it_was_to_come_later() {
    let peer = Peer::start(&[Answer::Tells(proves), Answer::Tells(refuses), Answer::Tells(forges)]).await;
    let retail = retail_to(&peer, LATER).await;
    for (number, state) in [(1, "delivered"), (2, "parked"), (3, "awaiting_receipt")] {
        retail.send(order(&format!("AS2-{number}"), number)).await;
        // What nobody signed is no receipt: that is still to come.
        let one = sent(&retail, state).await;
        assert_eq!(one["attempts"], 1, "{one}");
    }
    assert_eq!(sent(&retail, "parked").await["code"], "RECEIPT-REFUSED");
    assert_eq!(peer.posts().len(), 3);
    retail.balanced().await;
}

/// Held in doubt, given up by an answer, answered without a receipt: the partner has it all the same, and says so.
#[tokio::test]
async fn a_receipt_ends_well_what_was_held_or_given_up() {
    let peer = Peer::start(&[Answer::Cut, Answer::Status(400), Answer::Status(200)]).await;
    let retail = retail_to(&peer, "").await;
    let all = resources(1, 1);
    let agreement = all.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it");
    retail.apply(&format!("{agreement}on_uncertain: hold\n"));
    for (number, state, code) in [(1, "held", "UNCERTAIN"), (2, "parked", "HTTP-400"), (3, "parked", "RECEIPT-MISSING")]
    {
        retail.send(order(&format!("AS2-{number}"), number)).await;
        let one = sent(&retail, state).await;
        assert_eq!(one["code"], code, "{one}");
        let post = posted(&retail, &peer, usize::try_from(number).expect("few")).await;
        post_receipt(&retail, "Light & Lamp", says(&post, &Disposition::Processed)).await;
        let told = retail.get(&format!("/api/v1/deliveries/{}", id(&one))).await;
        assert_eq!(told["delivery"]["state"], "delivered", "{told}");
    }
    assert_eq!(peer.posts().len(), 3, "nothing was sent twice");
    assert_eq!(incoming(&retail, "rejected").await.len(), 0);
    retail.balanced().await;
}

/// A message that may have arrived is resubmitted as it was, so that its receiver knows it; one that was refused is sealed anew.
#[tokio::test]
async fn what_may_have_arrived_is_resubmitted_under_its_message_id() {
    let peer =
        Peer::start(&[Answer::Status(200), Answer::Status(200), Answer::Status(200), Answer::Tells(refuses)]).await;
    let retail = retail_to(&peer, "").await;
    retail.send(order("AS2-1", 1)).await;
    let resubmitted = async |id: String| {
        let path = format!("/api/v1/deliveries/{id}/resubmit");
        let told = retail.ask(Method::POST, &path, None).await;
        told.body["delivery"].as_str().unwrap_or_else(|| panic!("the new one: {told:?}")).to_owned()
    };
    let parked = async |count: usize| {
        posted(&retail, &peer, count).await;
        retail.deliveries("parked", count).await
    };
    let first = id(&parked(1).await[0]).to_owned();
    let second = resubmitted(first.clone()).await;
    parked(2).await;
    let third = resubmitted(second.clone()).await;
    parked(3).await;
    let posts = peer.posts();
    for one in &posts[1..] {
        assert_eq!(one.headers["message-id"], posts[0].headers["message-id"]);
        assert!(one.body == posts[0].body && one.headers["date"] == posts[0].headers["date"]);
    }
    // Its receipt is of the last that was sent.
    post_receipt(&retail, "Light & Lamp", says(&posts[0], &Disposition::Processed)).await;
    for (id, state) in [(first, "parked"), (second, "parked"), (third, "delivered")] {
        assert_eq!(retail.get(&format!("/api/v1/deliveries/{id}")).await["delivery"]["state"], state);
    }
    retail.send(order("AS2-2", 2)).await;
    posted(&retail, &peer, 4).await;
    let refused = || async {
        let all = retail.list("/api/v1/deliveries?state=parked").await;
        all.into_iter().find(|one| one["code"] == "RECEIPT-REFUSED")
    };
    let refused = retail.until("it is refused", refused).await;
    resubmitted(id(&refused).to_owned()).await;
    let anew = posted(&retail, &peer, 5).await;
    assert_ne!(anew.headers["message-id"], peer.posts()[3].headers["message-id"]);
    retail.balanced().await;
}

/// A receipt that does not say what it is of is noted; it is never a document.
#[tokio::test]
async fn err_a_receipt_of_nothing_is_no_document() {
    let (stage, _house) = lamps(", require: []").await;
    let report = "--b\r\nContent-Type: text/plain\r\n\r\nthanks\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n\
                  Disposition: automatic-action/MDN-sent-automatically; processed\r\n\r\n--b--\r\n";
    let kind = "multipart/report; Report-Type=Disposition-Notification; boundary=b";
    let lines =
        [("AS2-From", "RETAIL"), ("AS2-To", "\"Light & Lamp\""), ("Message-ID", "<r@test>"), ("Content-Type", kind)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(post(&stage, &lines, report.as_bytes().to_vec()).await.status, 200);
    let all = stage.list("/api/v1/transmissions?direction=in").await;
    let codes: Vec<_> = all.iter().map(|one| (one["state"].as_str(), one["code"].as_str())).collect();
    assert_eq!(codes, [(Some("rejected"), Some("AS2-RECEIPT-UNMATCHED"))], "{all:#?}");
}
