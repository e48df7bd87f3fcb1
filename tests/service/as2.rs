//! AS2 between two instances, and between an instance and a sender that does what a test wants.

#[path = "../as2/made.rs"]
pub mod made;

use super::edi::order;
use super::peer::{self, Peer};
use super::stage::{PATIENCE, Stage, resources};
use made::{Keys, NOW, made};
use portolan::clock::{Clock as _, SystemClock};
use portolan::id::SystemRandom;
use portolan::transport::as2::certificate::{OwnKey, private_key};
use portolan::transport::as2::cms::{GcmForm, Recipient};
use portolan::transport::as2::crypto::{Cipher, Digest, KeyTransport, Scheme};
use portolan::transport::as2::mime::Headers;
use portolan::transport::as2::open::{Mic, Outlets, Policy, Seen, open};
use portolan::transport::as2::receipt::{self, Disposition, Received};
use portolan::transport::as2::seal::{Means, Payload, Protection, seal};
use serde_json::Value;
use std::io::Read as _;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Where the process is killed: while a message is sealed, and while a receipt comes that was waited for.
pub const POINTS: [&str; 4] =
    ["as2_message.before_commit", "as2_message.after_commit", "as2_receipt.before_commit", "as2_receipt.after_commit"];

pub static RETAIL: LazyLock<Keys> = LazyLock::new(|| made("Retail", &rcgen::PKCS_RSA_SHA256, NOW));
pub static LAMPS: LazyLock<Keys> = LazyLock::new(|| made("Lamps", &rcgen::PKCS_RSA_SHA256, NOW));
pub static STRANGER: LazyLock<Keys> = LazyLock::new(|| made("Stranger", &rcgen::PKCS_RSA_SHA256, NOW));

pub const RETRIES: &str = "[delivery]\nretry_seconds = [1, 1, 1, 1, 1, 1]\n";

/// A certificate as a resource; `secret` names its key.
pub fn certificate(name: &str, keys: &Keys, secret: &str) -> String {
    let pem = keys.certificate_pem.trim().replace('\n', "\n  ");
    let key = if secret.is_empty() { String::new() } else { format!("key: {{ secret: {secret} }}\n") };
    format!("---\nkind: certificate\nname: {name}\npem: |\n  {pem}\n{key}")
}

/// The instance of Lamps, which gets messages from Retail, and its warehouse.
pub async fn lamps(more: &str) -> (Stage, Peer) {
    lamps_with(more, "").await
}

/// The same with more sections in its configuration.
pub async fn lamps_with(more: &str, sections: &str) -> (Stage, Peer) {
    lamps_on(Stage::bare(&format!("{RETRIES}{sections}")).await, more).await
}

/// The same on an instance that is there.
pub async fn lamps_on(stage: Stage, more: &str) -> (Stage, Peer) {
    let house = Peer::start(&[]).await;
    stage.done(&["secret", "set", "lamps-key"], &LAMPS.key_pem);
    let (own, theirs) = (certificate("lamps", &LAMPS, "lamps-key"), certificate("retail", &RETAIL, ""));
    stage.apply(&format!(
        "kind: partner\nname: retail\nparty_ids: [\"14:4098765000003\"]\n{own}{theirs}\
         ---\nkind: channel\nname: retail-as2\ntransport: as2\nway: in\npartners: [retail]\nallow_networks: [127.0.0.0/8]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [retail], keys: [lamps]{more} }}\n\
         ---\nkind: agreement\nname: retail-orders\nway: in\npartner: retail\ndocument: edifact/d96a/ORDERS\n\
         ---\nkind: partner\nname: house\nparty_ids: [ZZ:HOUSE]\n\
         ---\nkind: channel\nname: house-out\ntransport: http\nway: out\nurl: http://127.0.0.1:{}/edi\n\
         allow_networks: [127.0.0.0/8]\n\
         ---\nkind: agreement\nname: house-orders\nway: out\npartner: house\ndocument: x12/004010/850\n\
         channel: house-out\nenvelope: {{ sender: ZZ:LAMPS, receiver: ZZ:HOUSE }}\n\
         ---\nkind: route\nname: orders\nfrom: retail-orders\nto: house-orders\n",
        house.port
    ));
    (stage, house)
}

/// The instance of Retail, which sends ORDERS to Lamps over AS2.
pub async fn retail(url: &str, more: &str) -> Stage {
    retail_with(url, more, "").await
}

/// The same with more sections in its configuration.
pub async fn retail_with(url: &str, more: &str, sections: &str) -> Stage {
    let (north, nobody) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::bare(&format!("{RETRIES}{sections}")).await;
    let more = more.replace("OWN", &stage.partner);
    stage.done(&["secret", "set", "retail-key"], &RETAIL.key_pem);
    let (own, theirs) = (certificate("retail", &RETAIL, "retail-key"), certificate("lamps", &LAMPS, ""));
    let out = format!(
        "name: lamps-out\ntransport: as2\nway: out\npartners: [lamps]\nurl: {url}\nas2: {{ from: RETAIL, \
         to: \"Light & Lamp\", certificates: [lamps], keys: [retail]{more} }}\n"
    );
    let all = resources(north.port, nobody.port);
    let plain = format!("name: lamps-out\ntransport: http\nway: out\nurl: http://127.0.0.1:{}/edi\n", nobody.port);
    assert!(all.contains(&plain));
    stage.apply(&format!("{}{own}{theirs}", all.replace(&plain, &out)));
    stage.token = stage.new_token("northstores-in");
    stage
}

#[tokio::test]
async fn an_order_goes_from_one_instance_to_another_and_its_receipt_proves_it() {
    for more in [
        "",
        ", sign: sha-512, scheme: pss, encrypt: aes256-gcm, key_transport: oaep-sha256, compress: before",
        ", encrypt: aes128-gcm, gcm_form: enveloped, compress: after",
        ", receipt: unsigned",
    ] {
        let (lamps, house) = lamps("").await;
        let retail = retail(&format!("{}/as2", lamps.partner), more).await;
        retail.send(order("AS2-1", 1)).await;
        // One is the acknowledgment of what came in.
        let sent = retail.deliveries("delivered", 2).await;
        let sent = sent.iter().find(|one| one["channel"] == "lamps-out").expect("it went");
        let id = sent["delivery_id"].as_str().expect("an id");
        let told = retail.get(&format!("/api/v1/deliveries/{id}")).await;
        let receipt = told["receipt"].as_str().expect("a receipt");
        assert!(receipt.contains("; processed\r\n") && receipt.contains(&format!("<{id}@portolan>")), "{receipt}");
        assert_eq!(receipt.contains("pkcs7-signature"), !more.contains("unsigned"), "{receipt}");
        let came =
            lamps.until("the order", || async { lamps.list("/api/v1/documents?direction=in").await.pop() }).await;
        assert_eq!((&came["type"], &came["business_number"]), (&"ORDERS".into(), &"AS2-1".into()), "{came}");
        let transmission =
            lamps.get(&format!("/api/v1/transmissions/{}", came["transmission_id"].as_str().expect("an id"))).await;
        assert_eq!(transmission["transmission"]["channel"], "retail-as2");
        let facts = &transmission["transport"]["as2"];
        assert_eq!(facts["message_id"], format!("<{id}@portolan>"), "{facts}");
        let layers = facts["layers"].as_array().expect("layers");
        assert_eq!(layers.len(), 2 + usize::from(more.contains("compress")), "{layers:?}");
        lamps.until("it leaves", || async { (house.posts().len() == 1).then_some(()) }).await;
        retail.balanced().await;
        lamps.balanced().await;
    }
}

/// A message of Retail's, made by the test.
pub struct Sending<'s> {
    pub id: &'s str,
    pub content_type: &'s str,
    pub content: &'s str,
    pub signer: Option<&'static LazyLock<Keys>>,
    pub encrypts: bool,
    pub from: &'s str,
    /// `None`: no receipt is asked for.
    pub wish: Option<&'s str>,
}

pub const USUAL: Sending<'static> = Sending {
    id: "<1@test>",
    content_type: "application/EDIFACT",
    content: "ISA*00*",
    signer: Some(&RETAIL),
    encrypts: true,
    from: "RETAIL",
    wish: Some("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256"),
};

impl Sending<'_> {
    /// Its header lines, its body, and what the receipt has to say.
    pub fn made(&self) -> (Vec<(String, String)>, Vec<u8>, Mic) {
        self.made_for(&LAMPS)
    }

    fn made_for(&self, receiver: &Keys) -> (Vec<(String, String)>, Vec<u8>, Mic) {
        self.made_of(receiver, self.content_type, self.content.as_bytes().to_vec())
    }

    fn made_of(&self, receiver: &Keys, content_type: &str, content: Vec<u8>) -> (Vec<(String, String)>, Vec<u8>, Mic) {
        let recipients = [Recipient {
            certificate: receiver.own.certificate.clone(),
            transport: KeyTransport::Pkcs1,
            by_key_id: false,
        }];
        let protection = Protection {
            sign: self.signer.map(|keys| (&keys.own, Scheme::Pkcs1, Digest::Sha256)),
            compress: None,
            encrypt: self.encrypts.then_some((Cipher::Aes256Cbc, GcmForm::AuthEnveloped, &recipients[..])),
            receipt_digest: Digest::Sha256,
            also: None,
            has_old_micalg: false,
        };
        let means = Means { random: &SystemRandom, now: SystemClock.now(), spool: &tempfile::tempfile };
        let payload = Payload { content_type, file_name: Some("../orders.edi"), content: &content };
        let sealed = seal(&payload, &protection, &means).expect("it is sealed");
        let mut body = Vec::new();
        sealed.body.open().expect("it opens").read_to_end(&mut body).expect("it is read");
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let mut lines =
            vec![text(("AS2-From", self.from)), text(("AS2-To", "\"Light & Lamp\"")), text(("Message-ID", self.id))];
        lines.push(text(("Content-Type", &sealed.content_type)));
        lines.extend(sealed.headers.iter().map(|(name, value)| text((name, value))));
        if let Some(wish) = self.wish {
            lines.push(text(("Disposition-Notification-To", "edi@retail.example")));
            lines.push(text(("Disposition-Notification-Options", wish)));
        }
        (lines, body, sealed.mic)
    }

    pub async fn send(&self, stage: &Stage) -> Answered {
        let (lines, body, mic) = self.made();
        let answered = post(stage, &lines, body).await;
        Answered { mic, ..answered }
    }
}

/// Sends a message with another content.
pub async fn send_content(stage: &Stage, id: &str, content_type: &str, content: &[u8]) -> Answered {
    let (lines, body, _) = Sending { id, ..USUAL }.made_of(&LAMPS, content_type, content.to_vec());
    post(stage, &lines, body).await
}

/// Sends a message that is encrypted to somebody.
pub async fn send_to(stage: &Stage, sending: &Sending<'_>, receiver: &Keys) -> Answered {
    let (lines, body, _) = sending.made_for(receiver);
    post(stage, &lines, body).await
}

/// What a message is answered.
pub struct Answered {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub mic: Mic,
}

impl Answered {
    pub fn receipt(&self) -> Received {
        let trusted = [LAMPS.own.certificate.clone()];
        receipt::read(&self.headers, &self.body, &trusted, SystemClock.now()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The words of a receipt that refuses.
    pub fn error(&self) -> String {
        match self.receipt().disposition {
            Disposition::Error(why) | Disposition::Failed(why) => why,
            other => panic!("it is taken: {other:?}"),
        }
    }
}

pub async fn post(stage: &Stage, lines: &[(String, String)], body: Vec<u8>) -> Answered {
    try_post(stage, lines, body).await.expect("an answer")
}

/// The same, where the instance may die meanwhile.
pub async fn try_post(stage: &Stage, lines: &[(String, String)], body: Vec<u8>) -> reqwest::Result<Answered> {
    let mut request = stage.client.post(format!("{}/as2", stage.partner)).body(body);
    for (name, value) in lines {
        request = request.header(name, value);
    }
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = response.bytes().await?.to_vec();
    Ok(Answered { status, headers: Headers(headers), body, mic: Mic { digest: Digest::Sha256, value: Vec::new() } })
}

pub async fn incoming(stage: &Stage, state: &str) -> Vec<Value> {
    stage.list(&format!("/api/v1/transmissions?direction=in&state={state}")).await
}

#[tokio::test]
async fn a_repeat_gets_the_receipt_of_the_first_byte_for_byte() {
    let (mut stage, _house) = lamps("").await;
    let first = USUAL.send(&stage).await;
    assert_eq!(first.status, 200);
    let said = first.receipt();
    assert_eq!(said.proves("<1@test>", std::slice::from_ref(&first.mic), true), Ok(()));
    assert_eq!(
        (first.headers.get("as2-from"), first.headers.get("as2-to")),
        (Some("\"Light & Lamp\""), Some("RETAIL"))
    );
    stage.kill();
    stage.start_again(&[]);
    // What is sealed anew has other bytes, but says the same.
    let again = USUAL.send(&stage).await;
    assert!(again.body == first.body, "{}", String::from_utf8_lossy(&again.body));
    assert_eq!(again.headers.get("message-id"), first.headers.get("message-id"));
    let all = stage.list("/api/v1/transmissions?direction=in").await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["file_name"], "orders.edi", "a name leads nowhere");
    // Another content under the same id is neither the same nor new.
    let other = Sending { content: "ISA*01*", ..USUAL }.send(&stage).await;
    assert_eq!(other.error(), "unexpected-processing-error");
    let mut rejected = incoming(&stage, "rejected").await;
    rejected.retain(|one| one["code"] == "AS2-UNEXPECTED-PROCESSING-ERROR");
    assert_eq!(rejected.len(), 1);
    assert!(rejected[0]["reason"].as_str().is_some_and(|reason| reason.contains("other content")), "{rejected:?}");
    stage.balanced().await;
}

#[tokio::test]
async fn err_each_refusal_is_a_receipt_and_a_row_and_a_good_repeat_is_taken() {
    let (stage, _house) = lamps("").await;
    let (lines, mut damaged, _) = Sending { id: "<2@test>", ..USUAL }.made();
    let last = damaged.len() - 3;
    damaged[last] ^= 1;
    let cases = [
        (Sending { signer: Some(&STRANGER), id: "<1@test>", ..USUAL }.send(&stage).await, "authentication-failed"),
        (post(&stage, &lines, damaged).await, "decryption-failed"),
        (Sending { signer: None, ..USUAL }.send(&stage).await, "decryption-failed"),
        (Sending { encrypts: false, ..USUAL }.send(&stage).await, "insufficient-message-security"),
        (
            Sending { wish: Some("signed-receipt-protocol=required, pgp"), ..USUAL }.send(&stage).await,
            "unsupported format",
        ),
        (
            Sending {
                wish: Some("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=required, md4"),
                ..USUAL
            }
            .send(&stage)
            .await,
            "unsupported MIC-algorithms",
        ),
        (Sending { from: "NOBODY", ..USUAL }.send(&stage).await, "unknown-trading-relationship"),
        (Sending { id: "<no id>", ..USUAL }.send(&stage).await, "invalid-message-id"),
    ];
    for (at, (answered, why)) in cases.iter().enumerate() {
        assert_eq!(answered.status, 200);
        assert_eq!(answered.error(), *why, "case {at}");
    }
    let rejected = incoming(&stage, "rejected").await;
    assert_eq!(rejected.len(), cases.len(), "{rejected:#?}");
    let stranger = rejected.iter().find(|one| one["code"] == "AS2-AUTHENTICATION-FAILED").expect("it is noted");
    let fingerprint = STRANGER.own.certificate.fingerprint();
    assert!(stranger["reason"].as_str().is_some_and(|reason| reason.contains(&fingerprint)), "{stranger}");
    // An error does not use up the id.
    let good = USUAL.send(&stage).await;
    assert_eq!(good.receipt().proves("<1@test>", std::slice::from_ref(&good.mic), true), Ok(()));
    assert_eq!(stage.list("/api/v1/transmissions?direction=in").await.len(), cases.len() + 1);
    stage.balanced().await;
}

#[tokio::test]
async fn no_receipt_is_sent_that_nobody_asks_for() {
    let (stage, _house) = lamps(", require: []").await;
    let answered = Sending { wish: None, signer: None, encrypts: false, ..USUAL }.send(&stage).await;
    assert_eq!((answered.status, answered.body.len()), (200, 0));
    assert_eq!(stage.list("/api/v1/transmissions?direction=in").await.len(), 1);
    let unsigned =
        Sending { wish: Some(""), signer: None, encrypts: false, id: "<2@test>", ..USUAL }.send(&stage).await;
    assert_eq!(unsigned.receipt().proves("<2@test>", std::slice::from_ref(&unsigned.mic), false), Ok(()));
    // Plain HTTP has no names of AS2.
    let bare = post(&stage, &[], b"ISA*00*".to_vec()).await;
    assert_eq!(bare.status, 400);
    assert!(String::from_utf8_lossy(&bare.body).contains("expected a header line AS2-From"));
}

#[tokio::test]
async fn err_an_answer_without_a_receipt_that_counts_parks_the_delivery() {
    let peer = Peer::start(&[]).await;
    for (answer, told) in [
        (peer::Answer::Status(200), "no receipt that counts"),
        (peer::Answer::Sends("text/html", b"<p>thanks</p>".to_vec()), "expected multipart/report"),
        (peer::Answer::Sends("multipart/report; boundary=b", forged("<other@portolan>")), "expected a signed receipt"),
    ] {
        peer.then(&[answer]);
        let retail = retail(&format!("http://127.0.0.1:{}/as2", peer.port), "").await;
        retail.send(order("AS2-2", 2)).await;
        let parked = retail.deliveries("parked", 1).await;
        let reason = parked[0]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(told), "{reason}");
        assert_eq!(parked[0]["code"], "RECEIPT-MISSING");
        retail.balanced().await;
    }
}

/// A partner that signs with one certificate and is encrypted to with another has both in its channel.
#[tokio::test]
async fn a_message_is_encrypted_to_a_certificate_that_can_be_encrypted_to() {
    let peer = Peer::start(&[]).await;
    let url = format!("http://127.0.0.1:{}/as2", peer.port);
    let retail = retail(&url, "").await;
    let signs = made("Lamps signs", &rcgen::PKCS_ECDSA_P256_SHA256, NOW);
    retail.apply(&format!(
        "kind: channel\nname: lamps-out\ntransport: as2\nway: out\npartners: [lamps]\nurl: {url}\n\
         allow_networks: [127.0.0.0/8]\nas2: {{ from: RETAIL, to: LAMPS, certificates: [lamps-signs, lamps], keys: [retail] }}\n{}",
        certificate("lamps-signs", &signs, "")
    ));
    retail.send(order("AS2-4", 4)).await;
    retail.until("the message", || async { (!peer.posts().is_empty()).then_some(()) }).await;
    let (_, payload) = opened(peer.posts().remove(0), (&LAMPS, &RETAIL));
    assert!(String::from_utf8_lossy(&payload).contains("AS2-4"));
}

/// A message that a peer got, opened with the receiver's key; its signature must be the sender's.
pub fn opened(post: peer::Post, (receiver, sender): (&Keys, &Keys)) -> (Seen, Vec<u8>) {
    let key = private_key(receiver.key_pem.as_bytes()).expect("a key");
    let key = OwnKey::new(receiver.own.certificate.clone(), &key).expect("they belong together");
    let policy = Policy {
        trusted: std::slice::from_ref(&sender.own.certificate),
        keys: &[Arc::new(key)],
        must_be_signed: true,
        must_be_encrypted: true,
        allows_legacy: false,
        receipt_digest: Digest::Sha256,
        takes_crlf: false,
        payload_bytes_max: 1 << 20,
        now: SystemClock.now(),
    };
    let mut payload = Vec::new();
    let outlets = Outlets { payload: &mut payload, clear: None, leaves_out: false };
    let headers = Headers(post.headers.into_iter().collect());
    let (seen, done) = open(&headers, &mut &post.body[..], &policy, &SystemRandom, outlets);
    done.unwrap_or_else(|error| panic!("{error}"));
    (seen, payload)
}

/// A receipt for a message, signed by nobody.
pub fn forged(message_id: &str) -> Vec<u8> {
    let disposition = Disposition::Processed;
    let mic = Mic { digest: Digest::Sha256, value: vec![0; 32] };
    let (agent, receiver) = ("forger", "Light & Lamp");
    let made = receipt::Receipt { agent, receiver, message_id, disposition: &disposition, mic: Some(&mic), text: "" };
    made.write("b").bytes
}

/// Killed before and after the commit that keeps a sealed message, and tried again after failures: each attempt has the same
/// id and the same bytes.
#[tokio::test]
async fn every_attempt_has_the_same_bytes() {
    for point in &POINTS[..2] {
        let peer = Peer::start(&[peer::Answer::Status(503), peer::Answer::Cut, peer::Answer::Status(500)]).await;
        let mut retail = retail(&format!("http://127.0.0.1:{}/as2", peer.port), "").await;
        retail.kill();
        retail.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        retail.send(order("AS2-3", 3)).await;
        let begin = Instant::now();
        while retail.child.try_wait().expect("a child").is_none() {
            assert!(begin.elapsed() < PATIENCE, "it passed {point}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(peer.posts().len(), 0, "nothing leaves that is not kept");
        retail.start_again(&[]);
        retail.until("three attempts", || async { (peer.posts().len() >= 3).then_some(()) }).await;
        let posts = peer.posts();
        for one in &posts[1..] {
            assert!(one.body == posts[0].body, "{point}");
            assert_eq!(one.headers.get("message-id"), posts[0].headers.get("message-id"), "{point}");
            for name in ["content-type", "date"] {
                assert!(one.headers.contains_key(name), "{point} {name}");
                assert_eq!(one.headers.get(name), posts[0].headers.get(name), "{point} {name}");
            }
        }
        assert!(!posts[0].headers.contains_key("idempotency-key"));
    }
}

#[tokio::test]
async fn err_a_key_that_is_not_set_or_a_certificate_that_is_over_parks_the_delivery() {
    let peer = Peer::start(&[]).await;
    let url = format!("http://127.0.0.1:{}/as2", peer.port);
    let stage = retail(&url, "").await;
    stage.done(&["secret", "remove", "retail-key"], "");
    stage.send(order("AS2-8", 8)).await;
    let parked = sent(&stage, "parked").await;
    assert_eq!(parked["code"], "SECRET-MISSING", "{parked}");
    stage.done(&["secret", "set", "retail-key"], &LAMPS.key_pem);
    stage.send(order("AS2-9", 9)).await;
    let wrong = stage.deliveries("parked", 2).await;
    let wrong = wrong.iter().find(|one| one["code"] == "MESSAGE-UNFIT").expect("the key of another");
    assert!(
        wrong["reason"].as_str().is_some_and(|why| why.contains("no private key of certificate retail")),
        "{wrong}"
    );
    let over = made("Over", &rcgen::PKCS_RSA_SHA256, (-30, -10));
    stage.done(&["secret", "set", "retail-key"], &RETAIL.key_pem);
    stage.apply(certificate("lamps", &over, "").trim_start_matches("---\n"));
    stage.send(order("AS2-10", 10)).await;
    let all = stage.deliveries("parked", 3).await;
    let is_over = |one: &Value| one["reason"].as_str().is_some_and(|why| why.contains("Over counts from"));
    assert!(all.iter().any(is_over), "{all:?}");
    assert_eq!(peer.posts().len(), 0, "nothing left");
}

#[tokio::test]
async fn err_what_does_not_fit_is_told_when_it_is_applied() {
    let stage = Stage::bare("").await;
    let partner = "kind: partner\nname: retail\nparty_ids: [ZZ:RETAIL]\n";
    let channel = "---\nkind: channel\nname: c\ntransport: as2\nway: in\npartners: [retail]\n";
    let theirs = certificate("retail", &RETAIL, "");
    for (more, told) in [
        (channel.to_owned(), "as2: expected the pair of AS2 names"),
        (format!("{channel}as2: {{ from: A, to: A, require: [] }}\n"), "expected another name than A"),
        (format!("{channel}as2: {{ from: A, to: B }}\n"), "expected the partner's, since messages must be signed"),
        (
            format!("{channel}as2: {{ from: A, to: B, certificates: [retal], require: [signed] }}\n{theirs}"),
            "did you mean retail?",
        ),
        (
            format!("{channel}as2: {{ from: A, to: B, certificates: [retail], keys: [retail] }}\n{theirs}"),
            "which has none",
        ),
        (
            format!("{channel}as2: {{ from: A, to: B, require: [sealed] }}\n"),
            "expected signed or encrypted, found sealed",
        ),
        ("---\nkind: certificate\nname: x\npem: nothing\n".to_owned(), "certificate/x: pem: "),
    ] {
        let said = stage.refused(&format!("{partner}{more}"));
        assert!(said.contains(told), "{told}: {said}");
    }
}

/// A delivery of Retail's to Lamps.
pub async fn sent(retail: &Stage, state: &str) -> Value {
    let what = format!("a delivery {state}");
    let found = || async {
        let all = retail.list(&format!("/api/v1/deliveries?state={state}")).await;
        all.into_iter().find(|one| one["channel"] == "lamps-out")
    };
    retail.until(&what, found).await
}

/// A receipt may be quicker than the answer to its message, and one that waits for a receipt can be held and cancelled.
#[tokio::test]
async fn a_receipt_may_come_before_the_answer() {
    let slow = peer::Answer::Slow(Duration::from_secs(4));
    let peer = Peer::start(&[slow.clone(), slow]).await;
    let retail =
        retail(&format!("http://127.0.0.1:{}/as2", peer.port), &format!("{LATER}, encrypt: none, sign: none")).await;
    let answers = [Disposition::Processed, Disposition::Error("unexpected-processing-error".to_owned())];
    for (number, disposition) in (11..).zip(&answers) {
        retail.send(order(&format!("AS2-{number}"), number)).await;
        let count = usize::try_from(number - 10).expect("few");
        retail.until("it is sent", || async { (peer.posts().len() == count).then_some(()) }).await;
        let post = peer.posts().swap_remove(count - 1);
        // Nothing is signed: the body alone is digested.
        let mic = Mic { digest: Digest::Sha256, value: Digest::Sha256.of(&post.body) };
        let receipt = receipt_of(&post.headers["message-id"], &mic, disposition, Some(&LAMPS));
        post_receipt(&retail, "Light & Lamp", receipt).await;
    }
    sent(&retail, "delivered").await;
    let parked = sent(&retail, "parked").await;
    assert_eq!(parked["code"], "RECEIPT-REFUSED", "{parked}");
    retail.send(order("AS2-13", 13)).await;
    let waiting = sent(&retail, "awaiting_receipt").await;
    let id = waiting["delivery_id"].as_str().expect("an id");
    let to = serde_json::json!({ "to": "cancelled", "reason": "by telephone" });
    let steered = retail.ask(reqwest::Method::POST, &format!("/api/v1/deliveries/{id}/steer"), Some(to)).await;
    assert_eq!(steered.status, 200, "{steered:?}");
    sent(&retail, "cancelled").await;
    retail.balanced().await;
}

pub const LATER: &str = ", receipt_url: \"OWN/as2\"";

#[tokio::test]
async fn a_receipt_may_come_later() {
    let (lamps, _house) = lamps("").await;
    let retail = retail(&format!("{}/as2", lamps.partner), LATER).await;
    retail.send(order("AS2-5", 5)).await;
    let delivery = sent(&retail, "delivered").await;
    let id = delivery["delivery_id"].as_str().expect("an id");
    let told = retail.get(&format!("/api/v1/deliveries/{id}")).await;
    assert!(told["receipt"].as_str().is_some_and(|receipt| receipt.contains("; processed\r\n")), "{told}");
    assert_eq!(told["attempts"].as_array().map(Vec::len), Some(1), "{told}");
    let receipts = lamps.list("/api/v1/deliveries?channel=retail-as2").await;
    assert_eq!(receipts.len(), 1, "{receipts:?}");
    lamps
        .until("it is delivered", || async { (lamps.deliveries("delivered", 2).await.len() == 2).then_some(()) })
        .await;
    retail.balanced().await;
    lamps.balanced().await;
}

/// Where nobody works today, a receipt that a person may have to look after is due when work has begun again.
#[tokio::test]
async fn a_receipt_is_awaited_in_working_time() {
    use portolan::clock::{Clock as _, SystemClock};
    let peer = Peer::start(&[]).await;
    let url = format!("http://127.0.0.1:{}/as2", peer.port);
    let retail = retail(&url, LATER).await;
    let channel = |more: &str| {
        format!(
            "kind: channel\nname: lamps-out\ntransport: as2\nway: out\npartners: [lamps]\nallow_networks: [127.0.0.0/8]\nurl: {url}\n\
             as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [lamps], keys: [retail], receipt_url: \"{}/as2\"{more} }}\n",
            retail.partner
        )
    };
    let refused = retail.refused(&channel(", receipt_calendar: rests"));
    assert!(refused.contains("as2.receipt_calendar: calendar rests is not there"), "{refused}");
    let today = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let morning = today.tomorrow().and_then(jiff::civil::Date::tomorrow).expect("a day");
    let days = "days: [mon, tue, wed, thu, fri, sat, sun]\nfrom: \"09:00\"\ntime_zone: UTC\n";
    let holidays = format!("holidays: [\"{today}\", \"{}\"]\n", today.tomorrow().expect("a day"));
    let more = ", receipt_calendar: rests, receipt_minutes: \"30\"";
    retail.apply(&format!("{}---\nkind: calendar\nname: rests\n{days}{holidays}", channel(more)));
    retail.send(order("AS2-6", 6)).await;
    let waiting = sent(&retail, "awaiting_receipt").await;
    let due = jiff::Timestamp::from_microsecond(waiting["next_at"].as_i64().expect("a time")).expect("a time");
    assert_eq!(due.to_string(), format!("{morning}T09:30:00Z"));
}

/// Killed while it takes the receipt, before and after the commit: the receipt comes again, and the order is delivered once.
#[tokio::test]
async fn a_crash_while_a_receipt_comes_loses_nothing() {
    for point in &POINTS[2..] {
        let (lamps, house) = lamps("").await;
        let mut retail = retail(&format!("{}/as2", lamps.partner), LATER).await;
        let partner = retail.partner.clone();
        retail.kill();
        let path = retail.data().join("portolan.toml");
        let text = std::fs::read_to_string(&path).expect("the configuration");
        let address = partner.trim_start_matches("http://");
        let text = text.replacen("127.0.0.1:0", address, 1);
        std::fs::write(&path, text).expect("written");
        retail.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        retail.send(order("AS2-6", 6)).await;
        let begin = Instant::now();
        while retail.child.try_wait().expect("a child").is_none() {
            assert!(begin.elapsed() < PATIENCE, "it passed {point}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        retail.start_again(&[]);
        sent(&retail, "delivered").await;
        lamps.until("it leaves", || async { (!house.posts().is_empty()).then_some(()) }).await;
        assert_eq!(house.posts().len(), 1, "{point}");
        retail.balanced().await;
    }
}

/// A receipt of Lamps' for a message, signed by whoever it is.
pub fn receipt_of(message_id: &str, mic: &Mic, disposition: &Disposition, signer: Option<&Keys>) -> receipt::Body {
    let (agent, receiver) = ("test", "Light & Lamp");
    let made = receipt::Receipt { agent, receiver, message_id, disposition, mic: Some(mic), text: "" }.write("b");
    match signer {
        Some(keys) => {
            receipt::sign(&made, (&keys.own, Scheme::Pkcs1, Digest::Sha256), "c", SystemClock.now()).expect("signed")
        }
        None => made,
    }
}

/// Some send receipts without an id of their own.
pub async fn post_receipt(retail: &Stage, from: &str, body: receipt::Body) {
    let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let lines = [text(("AS2-From", from)), text(("AS2-To", "RETAIL")), text(("Content-Type", &body.content_type))];
    assert_eq!(post(retail, &lines, body.bytes).await.status, 200);
}

#[tokio::test]
async fn err_forged_and_stray_receipts_change_nothing_and_a_refusal_parks() {
    let peer = Peer::start(&[]).await;
    let retail = retail(&format!("http://127.0.0.1:{}/as2", peer.port), &format!("{LATER}, encrypt: none")).await;
    for number in [7, 8] {
        retail.send(order(&format!("AS2-{number}"), number)).await;
    }
    retail.until("both are sent", || async { (peer.posts().len() == 2).then_some(()) }).await;
    let waiting = retail.deliveries("awaiting_receipt", 2).await;
    let mic = |post: &super::peer::Post| {
        // What was signed is the first part.
        let boundary = post.body.windows(2).position(|two| two == b"\r\n").expect("a line");
        let delimiter = [b"\r\n", &post.body[..boundary]].concat();
        let begin = boundary + 2;
        let end =
            begin + post.body[begin..].windows(delimiter.len()).position(|it| it == delimiter).expect("a second part");
        Mic { digest: Digest::Sha256, value: Digest::Sha256.of(&post.body[begin..end]) }
    };
    let posts = peer.posts();
    let id = |at: usize| posts[at].headers["message-id"].clone();
    let processed = Disposition::Processed;
    let wrong = Mic { digest: Digest::Sha256, value: vec![0; 32] };
    post_receipt(&retail, "Light & Lamp", receipt_of(&id(0), &mic(&posts[0]), &processed, None)).await;
    post_receipt(&retail, "Light & Lamp", receipt_of(&id(0), &mic(&posts[0]), &processed, Some(&STRANGER))).await;
    post_receipt(&retail, "NOBODY", receipt_of(&id(0), &mic(&posts[0]), &processed, Some(&LAMPS))).await;
    post_receipt(&retail, "Light & Lamp", receipt_of("<other@test>", &wrong, &processed, Some(&LAMPS))).await;
    assert_eq!(retail.deliveries("awaiting_receipt", 2).await.len(), waiting.len());
    let noted = incoming(&retail, "rejected").await;
    let mut codes: Vec<&str> = noted.iter().filter_map(|one| one["code"].as_str()).collect();
    codes.sort_unstable();
    let (refused, unmatched) = ("AS2-RECEIPT-REFUSED", "AS2-RECEIPT-UNMATCHED");
    assert_eq!(codes, [refused, refused, unmatched, unmatched], "{noted:#?}");
    // The partner's own word counts.
    post_receipt(&retail, "Light & Lamp", receipt_of(&id(0), &mic(&posts[0]), &processed, Some(&LAMPS))).await;
    let refusal = Disposition::Error("unexpected-processing-error".to_owned());
    post_receipt(&retail, "Light & Lamp", receipt_of(&id(1), &mic(&posts[1]), &refusal, Some(&LAMPS))).await;
    sent(&retail, "delivered").await;
    let parked = sent(&retail, "parked").await;
    assert!(parked["reason"].as_str().is_some_and(|reason| reason.contains("unexpected-processing-error")), "{parked}");
    // What was said once is known; a partner that says otherwise afterwards changes nothing, and a person sees it.
    post_receipt(&retail, "Light & Lamp", receipt_of(&id(0), &mic(&posts[0]), &processed, Some(&LAMPS))).await;
    assert_eq!(incoming(&retail, "rejected").await.len(), codes.len());
    post_receipt(&retail, "Light & Lamp", receipt_of(&id(1), &mic(&posts[1]), &processed, Some(&LAMPS))).await;
    post_receipt(&retail, "Light & Lamp", receipt_of(&id(0), &mic(&posts[0]), &refusal, Some(&LAMPS))).await;
    sent(&retail, "parked").await;
    sent(&retail, "delivered").await;
    let noted = incoming(&retail, "rejected").await;
    let late: Vec<_> = noted.iter().filter(|one| one["code"] == "AS2-RECEIPT-LATE").collect();
    assert_eq!(late.len(), 2, "{noted:#?}");
    retail.balanced().await;
}

#[tokio::test]
async fn a_receipt_that_is_wanted_later_is_sent_there_and_again_for_a_repeat() {
    let (stage, _house) = lamps("").await;
    let peer = Peer::start(&[peer::Answer::Status(503)]).await;
    let url = format!("http://127.0.0.1:{}/receipts", peer.port);
    let send = |sending: Sending<'static>| {
        let (mut lines, body, mic) = sending.made();
        lines.push(("Receipt-Delivery-Option".to_owned(), url.clone()));
        (lines, body, mic)
    };
    let receipts = |count: usize| {
        let (stage, peer) = (&stage, &peer);
        async move {
            stage.until("receipts", || async { (peer.posts().len() >= count).then_some(()) }).await;
            let post = peer.posts().swap_remove(count - 1);
            let headers = Headers(post.headers.into_iter().collect());
            receipt::read(&headers, &post.body, std::slice::from_ref(&LAMPS.own.certificate), SystemClock.now())
                .expect("a receipt")
        }
    };
    let (lines, body, mic) = send(USUAL);
    let answered = post(&stage, &lines, body.clone()).await;
    assert_eq!((answered.status, answered.body.len()), (202, 0));
    // The first attempt failed; the second has the same bytes.
    assert_eq!(receipts(2).await.proves("<1@test>", std::slice::from_ref(&mic), true), Ok(()));
    assert!(peer.posts()[0].body == peer.posts()[1].body);
    stage.until("it is over", || async { stage.list("/api/v1/deliveries?state=delivered").await.pop() }).await;
    assert_eq!(post(&stage, &lines, body).await.status, 202);
    receipts(3).await;
    assert!(peer.posts()[2].body == peer.posts()[0].body, "the receipt of the first");
    assert_eq!(stage.list("/api/v1/transmissions?direction=in").await.len(), 1);
    // A refusal is told there, too.
    let (lines, body, _) = send(Sending { signer: Some(&STRANGER), id: "<2@test>", ..USUAL });
    assert_eq!(post(&stage, &lines, body).await.status, 202);
    assert_eq!(receipts(4).await.disposition, Disposition::Error("authentication-failed".to_owned()));
    // But a stranger makes us send nothing anywhere.
    let (lines, body, _) = send(Sending { from: "NOBODY", id: "<3@test>", ..USUAL });
    assert_eq!(post(&stage, &lines, body).await.status, 200);
    assert_eq!(peer.posts().len(), 4);
}

/// Keys are held ready, and a secret that is set anew counts with the next message.
#[tokio::test]
async fn a_key_that_is_set_anew_counts_at_once() {
    let (stage, _house) = lamps("").await;
    assert_eq!(USUAL.send(&stage).await.status, 200);
    stage.done(&["secret", "set", "lamps-key"], &STRANGER.key_pem);
    let refused = Sending { id: "<2@test>", ..USUAL }.send(&stage).await;
    assert_eq!(refused.status, 503, "{}", String::from_utf8_lossy(&refused.body));
    stage.done(&["secret", "set", "lamps-key"], &LAMPS.key_pem);
    assert_eq!(Sending { id: "<2@test>", ..USUAL }.send(&stage).await.status, 200);
    // Of two keys that overlap one is not set yet.
    stage.apply(&format!(
        "kind: channel\nname: retail-as2\ntransport: as2\nway: in\npartners: [retail]\nas2: {{ from: RETAIL, \
         to: \"Light & Lamp\", certificates: [retail], keys: [next, lamps] }}\n{}",
        certificate("next", &STRANGER, "next-key")
    ));
    assert_eq!(Sending { id: "<3@test>", ..USUAL }.send(&stage).await.status, 200);
}
