//! Who signs with a certificate that nobody knows is refused, and the certificate is shown to be accepted: by a person, into
//! channels that are named, after the plan was shown.

use super::as2::{LAMPS, RETAIL, STRANGER, Sending, USUAL, certificate, lamps, opened, retail, send_content};
use super::certificate::listed;
use super::edi::order;
use super::peer::{Peer, Post};
use super::stage::Stage;
use portolan::id::SystemRandom;
use portolan::transport::as2::certificate::Certificate;
use portolan::transport::as2::exchange::{EXCHANGE_BYTES_MAX, is};
use portolan::transport::as2::keystore::{pkcs7, pkcs12};
use portolan::transport::as2::mime::base64_lines;
use reqwest::Method;
use serde_json::Value;

fn offered(stage: &Stage) -> Vec<Value> {
    let all: Value =
        serde_json::from_str(&stage.done(&["certificate", "list", "--offered", "--json"], "")).expect("JSON");
    all["items"].as_array().expect("items").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_unknown_is_shown_and_accepted_by_a_person() {
    let (stage, _house) = lamps("").await;
    assert_eq!(stage.done(&["certificate", "list", "--offered"], ""), "no certificate is offered\n");
    let unknown = Sending { signer: Some(&STRANGER), ..USUAL };
    for _ in 0..3 {
        assert_eq!(unknown.send(&stage).await.error(), "authentication-failed");
    }
    let fingerprint = STRANGER.own.certificate.fingerprint();
    let all = offered(&stage);
    assert_eq!(all.len(), 1, "{all:#?}");
    let one = &all[0];
    assert_eq!((&one["fingerprint"], &one["subject"]), (&fingerprint.clone().into(), &"CN=Stranger".into()));
    assert_eq!((&one["channel"], &one["partner"]), (&"retail-as2".into(), &"retail".into()));
    assert_eq!((one["signed"].as_str(), one["seen"].as_i64()), (Some("message"), Some(3)));
    assert_eq!(one["channels"], serde_json::json!(["retail-as2"]));
    let seen_in = one["seen_in"].as_str().expect("where");
    let transmission = stage.get(&format!("/api/v1/transmissions/{seen_in}")).await;
    assert_eq!(transmission["transmission"]["code"], "AS2-AUTHENTICATION-FAILED");
    let words = stage.done(&["certificate", "list", "--offered"], "");
    assert!(words.starts_with(&fingerprint) && words.contains("signed a message on retail-as2, 3 times"), "{words}");
    // It is told once, and nobody's name reaches the log.
    let log = stage.log();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("not trusted signed")).collect();
    assert!(told.len() == 1 && told[0].contains(&fingerprint) && !log.contains("Stranger"), "{told:?}");
    // Shown, and nothing is changed before somebody says so.
    let short = fingerprint[..20].to_ascii_uppercase();
    let line = ["certificate", "accept", &short, "--channel", "retail-as2"];
    let asked = stage.cli(&line, "");
    let plan = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert_eq!(asked.status.code(), Some(6), "{asked:?}");
    let name = format!("retail-as2-{}", &fingerprint[..8]);
    for told in [
        fingerprint.as_str(),
        &format!("create certificate/{name}"),
        "change channel/retail-as2",
        &format!("+ as2.certificates[2]: {name}"),
    ] {
        assert!(plan.contains(told), "no {told}: {plan}");
    }
    assert_eq!(unknown.send(&stage).await.error(), "authentication-failed", "it is not trusted by being looked at");
    stage.done(&[&line[..], &["--yes"]].concat(), "");
    let taken = unknown.send(&stage).await;
    assert_eq!(taken.receipt().message_id, "<1@test>");
    assert_eq!(stage.list("/api/v1/transmissions?direction=in&state=rejected").await.len(), 4);
    assert!(offered(&stage).is_empty(), "what is trusted is offered no more");
    // The one before still counts: both overlap.
    let before = Sending { id: "<2@test>", ..USUAL }.send(&stage).await;
    assert_eq!(before.receipt().message_id, "<2@test>");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_offered_by_a_receipt_too_and_may_be_refused() {
    // A receiver whose receipts are signed with another certificate than the one we know.
    let (lamps, _house) = lamps("").await;
    let retail = retail(&format!("{}/as2", lamps.partner), "").await;
    lamps.done(&["secret", "set", "new-key"], &STRANGER.key_pem);
    lamps.apply(&format!(
        "{}---\nkind: channel\nname: retail-as2\ntransport: as2\nway: in\npartners: [retail]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [retail], keys: [new, lamps] }}\n",
        certificate("new", &STRANGER, "new-key")
    ));
    // Both began on the same day; the first that is named signs.
    let walked = retail.cli(&["as2", "test", "lamps-out"], "");
    let words = String::from_utf8_lossy(&walked.stdout).into_owned();
    let fingerprint = STRANGER.own.certificate.fingerprint();
    assert_eq!(walked.status.code(), Some(1), "{words}");
    assert!(words.contains(&fingerprint) && words.contains("certificate accept"), "{words}");
    assert_eq!(offered(&retail)[0]["signed"], "receipt");
    retail.done(&["certificate", "refuse", &fingerprint], "");
    assert!(offered(&retail).is_empty());
    assert_eq!(retail.cli(&["certificate", "refuse", &fingerprint], "").status.code(), Some(4));
    // A delivery whose receipt is signed by it is parked, and offers it again.
    retail.send(order("AS2-1", 1)).await;
    let parked = retail.deliveries("parked", 1).await;
    assert!(parked[0]["reason"].as_str().is_some_and(|reason| reason.contains(&fingerprint)), "{parked:?}");
    let all = offered(&retail);
    assert_eq!((&all[0]["channel"], &all[0]["seen_in"]), (&"lamps-out".into(), &parked[0]["delivery_id"]));
    let line =
        ["certificate", "accept", &fingerprint, "--channel", "lamps-out", "--name", "lamps-2", "--yes", "--json"];
    let told: Value = serde_json::from_str(&retail.done(&line, "")).expect("JSON");
    assert_eq!((&told["certificate"], &told["fingerprint"]), (&"lamps-2".into(), &fingerprint.into()));
    let walked = retail.done(&["as2", "test", "lamps-out"], "");
    assert!(walked.contains("receipt  passed"), "{walked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_a_certificate_that_is_not_offered_is_not_accepted() {
    let (stage, _house) = lamps("").await;
    stage.apply(
        "kind: partner\nname: mill\nparty_ids: [ZZ:MILL]\n---\nkind: channel\nname: mill-as2\ntransport: as2\nway: in\n\
         partners: [mill]\nas2: { from: MILL, to: \"Light & Lamp\", certificates: [retail], keys: [lamps] }\n",
    );
    Sending { signer: Some(&STRANGER), ..USUAL }.send(&stage).await;
    let fingerprint = STRANGER.own.certificate.fingerprint();
    let known = RETAIL.own.certificate.fingerprint();
    for (fingerprint, channel, code, told) in [
        (&fingerprint[..15], "retail-as2", 2, "at least 16 hexadecimal digits"),
        ("not a fingerprint", "retail-as2", 2, "expected a fingerprint"),
        (&known, "retail-as2", 4, "is offered"),
        (&fingerprint, "retial-as2", 4, "no channel of transport as2 is called retial-as2"),
        (&fingerprint, "house-out", 4, "no channel of transport as2 is called house-out"),
        (
            &fingerprint,
            "mill-as2",
            6,
            "mill-as2 is no channel of the partner that offered it; the partner's channels: retail-as2",
        ),
    ] {
        let refused = stage.cli(&["certificate", "accept", fingerprint, "--channel", channel, "--yes"], "");
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(told), "{told}: {refused:?}");
    }
    // A name that another certificate has, or that none can have: what is there stays.
    for (name, code, told) in [("retail", 6, "certificate retail is there already"), ("Retail 2", 2, "name")] {
        let line = ["certificate", "accept", &fingerprint, "--channel", "retail-as2", "--name", name, "--yes"];
        let refused = stage.cli(&line, "");
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(told), "{told}: {refused:?}");
    }
    assert_eq!(listed(&stage, "retail")["fingerprint"], known);
    // Whose key it is that signed, nobody else can offer: a certificate that does not fit the signature is not kept.
    let strangers = Sending { signer: Some(&STRANGER), from: "NOBODY", id: "<3@test>", ..USUAL }.send(&stage).await;
    assert_eq!(strangers.error(), "unknown-trading-relationship");
    assert_eq!(offered(&stage).len(), 1, "who has no channel offers nothing");
}

/// A certificate exchange message of Retail's (draft-meadors-certificate-exchange-14), with one certificate.
fn exchange(id: &str) -> (String, Vec<u8>) {
    let pem = &STRANGER.certificate_pem;
    let der = Certificate::all(pem.as_bytes()).expect("a certificate").remove(0);
    let text = format!(
        "<?xml version=\"1.0\"?><c:EDIINTCertificateExchangeRequest xmlns:c=\"urn:ietf:params:xml:ns:ediintcertificateexchange\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" requestId=\"{id}\"><c:TradingPartnerInfo><c:Name qualifier=\"AS2\">RETAIL\
         </c:Name><c:MessageOriginated>2026-11-26T10:00:00Z</c:MessageOriginated></c:TradingPartnerInfo><c:TrustRequest>\
         <c:CertUsage>digitalSignature</c:CertUsage><c:CertUsage>keyEncipherment</c:CertUsage>\
         <c:RespondByDate>2026-12-26T10:00:00Z</c:RespondByDate><c:ResponseURL>http://as2.retail.example/</c:ResponseURL>\
         <c:EndEntity><c:CertificateIdentifier><ds:X509IssuerName>{}</ds:X509IssuerName><ds:X509SerialNumber>{}\
         </ds:X509SerialNumber></c:CertificateIdentifier><c:CertificateContentID>new@retail.example</c:CertificateContentID>\
         </c:EndEntity></c:TrustRequest></c:EDIINTCertificateExchangeRequest>",
        der.issuer_name(),
        der.serial_decimal()
    );
    let packed = String::from_utf8(base64_lines(&pkcs7(&[&der]))).expect("text");
    let body = format!(
        "--b\r\nContent-Type: application/ediint-cert-exchange+xml\r\n\r\n{text}\r\n--b\r\n\
         Content-Type: application/pkcs7-mime; smime-type=certs-only\r\nContent-Transfer-Encoding: base64\r\n\
         Content-ID: <new@retail.example>\r\n\r\n{packed}\r\n--b--\r\n"
    );
    let content_type = "multipart/related; type=\"application/ediint-cert-exchange+xml\"; boundary=\"b\"";
    (content_type.to_owned(), body.into_bytes())
}

/// What Retail got in answer: a certificate exchange message, opened with its own key.
fn answered(post: &Post) -> String {
    let (seen, payload) = opened(post.clone(), (&RETAIL, &LAMPS));
    assert!(is(&seen.content_type), "{}", seen.content_type);
    String::from_utf8(payload).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_exchange_message_is_offered_and_answered() {
    for accepts in [true, false] {
        let (stage, _house) = lamps("").await;
        let retail = Peer::start(&[]).await;
        stage.apply(&format!(
            "kind: channel\nname: retail-out\ntransport: as2\nway: out\npartners: [retail]\nurl: http://127.0.0.1:{}/as2\n\
             allow_networks: [127.0.0.0/8]\n\
             as2: {{ from: \"Light & Lamp\", to: RETAIL, certificates: [retail], keys: [lamps], receipt: none }}\n",
            retail.port
        ));
        let (content_type, content) = exchange("request-1@retail.example");
        let sent = send_content(&stage, "<1@test>", &content_type, &content).await;
        assert_eq!(sent.receipt().message_id, "<1@test>");
        assert_eq!(sent.headers.get("ediint-features"), Some("multiple-attachments, CEM"));
        let all = stage.until("an offer", || async { Some(offered(&stage)).filter(|all| !all.is_empty()) }).await;
        let fingerprint = STRANGER.own.certificate.fingerprint();
        assert_eq!((&all[0]["fingerprint"], &all[0]["signed"]), (&fingerprint.clone().into(), &"exchange".into()));
        assert_eq!((&all[0]["wants_answer"], &all[0]["channel"]), (&true.into(), &"retail-as2".into()));
        let words = stage.done(&["certificate", "list", "--offered"], "");
        assert!(
            words.contains("came in a certificate exchange message, which waits for an answer, on retail-as2"),
            "{words}"
        );
        assert!(
            words.contains("for digitalSignature, keyEncipherment, an answer is wanted until 2026-12-26T10:00:00Z"),
            "{words}"
        );
        // It counts as little as any other before a person says so.
        let unknown = Sending { signer: Some(&STRANGER), id: "<2@test>", ..USUAL }.send(&stage).await;
        assert_eq!(unknown.error(), "authentication-failed");
        let line =
            ["certificate", "accept", &fingerprint, "--channel", "retail-as2", "--channel", "retail-out", "--yes"];
        match accepts {
            true => {
                let done = stage.cli(&line, "");
                assert!(String::from_utf8_lossy(&done.stderr).contains("the partner is answered"), "{done:?}");
            }
            false => {
                let said = stage.done(&["certificate", "refuse", &fingerprint], "");
                assert_eq!(said, format!("{fingerprint} is off the list; the partner is answered\n"));
            }
        }
        let posts = stage.until("an answer", || async { Some(retail.posts()).filter(|posts| !posts.is_empty()) }).await;
        // Encrypted to the one that was there: both began on the same day.
        let said = answered(&posts[0]);
        let status = if accepts { "<CertStatus>Accepted<" } else { "<CertStatus>Rejected<" };
        let serial = format!("<ds:X509SerialNumber>{}<", STRANGER.own.certificate.serial_decimal());
        for told in [status, "requestId=\"request-1@retail.example\"", ">Light &amp; Lamp</Name>", serial.as_str()] {
            assert!(said.contains(told), "no {told}: {said}");
        }
        assert!(offered(&stage).is_empty());
        stage
            .until("it is delivered", || async {
                let all = stage.list("/api/v1/deliveries?state=delivered").await;
                Some(all).filter(|all| all.len() == 1)
            })
            .await;
        stage.balanced().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_certificate_exchange_messages_that_cannot_be_used() {
    let (stage, _house) = lamps("").await;
    let (content_type, content) = exchange("r");
    let text = String::from_utf8(content).expect("text");
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to).into_bytes()
    };
    let (begin, end) = ("<c:TrustRequest>", "</c:TrustRequest>");
    let wanted = text.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).expect("one").0;
    let wanted = &format!("{begin}{wanted}{end}")[..];
    let own = &STRANGER.own;
    let serial = format!("<ds:X509SerialNumber>{}", own.certificate.serial_decimal());
    let lines = |der: &[u8]| String::from_utf8(base64_lines(der)).expect("text");
    let with = |der: &[u8]| changed(&lines(&pkcs7(&[&own.certificate])), &lines(der));
    let sealed = pkcs12("n", (&own.certificate, None), &[], "", &SystemRandom).expect("a PKCS#12");
    let tls = text.replace("digitalSignature", "tlsServer").replace("keyEncipherment", "tlsClient").into_bytes();
    for (at, (content, code, told)) in [
        (changed("requestId=\"r\"", ""), "AS2-EXCHANGE-UNFIT", "requestId"),
        (tls, "AS2-EXCHANGE-UNFIT", "for signatures or encryption"),
        (changed("<new@retail.example>", "<old@retail.example>"), "AS2-EXCHANGE-UNFIT", "Content-ID"),
        (
            changed("CertificateExchangeRequest", "CertificateExchangeResponse"),
            "AS2-EXCHANGE-UNMATCHED",
            "we have made none",
        ),
        (
            changed("urn:ietf:params:xml:ns:ediintcertificateexchange", "urn:other"),
            "AS2-EXCHANGE-UNFIT",
            "of urn:other",
        ),
        (b"--b--\r\n".to_vec(), "AS2-EXCHANGE-UNFIT", "expected a part of type"),
        (changed("</c:TrustRequest>", ""), "AS2-EXCHANGE-UNFIT", "not well-formed or breaks off"),
        (changed(&serial, "<ds:X509SerialNumber>7"), "AS2-EXCHANGE-UNFIT", "with the serial number 7 in the part"),
        (with(&sealed), "AS2-EXCHANGE-UNFIT", "found another form"),
        (changed(wanted, &wanted.repeat(17)), "AS2-EXCHANGE-UNFIT", "at most 16 certificates, found more"),
        (
            changed("--b--", &format!("--b--{}", "\r\n".repeat(EXCHANGE_BYTES_MAX / 2))),
            "AS2-EXCHANGE-UNFIT",
            "at most 1048576 bytes",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("<{at}@test>");
        send_content(&stage, &id, &content_type, &content).await;
        let found = stage
            .until("it is looked at", || async {
                let all = stage.list("/api/v1/transmissions?direction=in").await;
                let done = |one: &Value| ["rejected", "split"].contains(&one["state"].as_str().unwrap_or_default());
                Some(all).filter(|all| all.len() == at + 1 && all.iter().all(done))
            })
            .await;
        let is = |one: &Value| one["code"] == code && one["reason"].as_str().is_some_and(|why| why.contains(told));
        assert!(found.iter().any(is), "{code} {told}: {found:#?}");
    }
    stage.balanced().await;
}

/// Where messages need no signature, a certificate exchange message does: who it is from is shown by nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_a_certificate_exchange_message_without_a_signature() {
    let (stage, _house) = lamps(", require: []").await;
    let (content_type, content) = exchange("r");
    let content = String::from_utf8(content).expect("text");
    let unsigned = Sending { signer: None, content_type: &content_type, content: &content, ..USUAL };
    unsigned.send(&stage).await;
    let found = stage
        .until("it is looked at", || async {
            let all = stage.list("/api/v1/transmissions?direction=in").await;
            let done = |one: &Value| ["rejected", "split"].contains(&one["state"].as_str().unwrap_or_default());
            Some(all).filter(|all| all.iter().any(done))
        })
        .await;
    assert_eq!((&found[0]["state"], &found[0]["code"]), (&"rejected".into(), &"AS2-EXCHANGE-UNFIT".into()));
    assert!(found[0]["reason"].as_str().is_some_and(|why| why.contains("found one without a signature")), "{found:#?}");
    assert!(offered(&stage).is_empty());
    // The same signed is taken.
    send_content(&stage, "<2@test>", &content_type, content.as_bytes()).await;
    stage.until("an offer", || async { Some(offered(&stage)).filter(|all| !all.is_empty()) }).await;
    stage.balanced().await;
}

/// A certificate that came into the resources by itself is answered for when somebody says so, and is not refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_a_certificate_that_is_trusted_by_now_keeps_waiting_for_its_answer() {
    let (stage, _house) = lamps("").await;
    let (content_type, content) = exchange("r");
    send_content(&stage, "<1@test>", &content_type, &content).await;
    stage.until("an offer", || async { Some(offered(&stage)).filter(|all| !all.is_empty()) }).await;
    stage.apply(&format!(
        "{}---\nkind: channel\nname: retail-as2\ntransport: as2\nway: in\npartners: [retail]\n\
         as2: {{ from: RETAIL, to: \"Light & Lamp\", certificates: [retail, by-hand], keys: [lamps] }}\n",
        certificate("by-hand", &STRANGER, "")
    ));
    let all = offered(&stage);
    assert_eq!((all.len(), &all[0]["trusted"], &all[0]["wants_answer"]), (1, &true.into(), &true.into()));
    let fingerprint = STRANGER.own.certificate.fingerprint();
    let line = ["certificate", "accept", &fingerprint, "--channel", "retail-as2", "--name", "another", "--yes"];
    let told = stage.cli(&line, "");
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.status.success(), "{told:?}");
    for told in ["there already as certificate/by-hand; --name is not looked at", "no channel out has the same pair"] {
        assert!(said.contains(told), "no {told}: {said}");
    }
    let retail = Peer::start(&[]).await;
    stage.apply(&format!(
        "kind: channel\nname: retail-out\ntransport: as2\nway: out\npartners: [retail]\nurl: http://127.0.0.1:{}/as2\n\
         allow_networks: [127.0.0.0/8]\n\
         as2: {{ from: \"Light & Lamp\", to: RETAIL, certificates: [retail], keys: [lamps], receipt: none }}\n",
        retail.port
    ));
    // Taken off the list it is not said to be refused, for it is not.
    let said = stage.done(&["certificate", "refuse", &fingerprint], "");
    assert!(said.contains("no answer to its certificate exchange message left"), "{said}");
    send_content(&stage, "<2@test>", &content_type, &exchange("r2").1).await;
    let posts = stage.until("an answer", || async { Some(retail.posts()).filter(|posts| !posts.is_empty()) }).await;
    assert!(answered(&posts[0]).contains("<CertStatus>Accepted<"), "it is answered as it comes");
    stage.until("it is off the list", || async { Some(()).filter(|()| offered(&stage).is_empty()) }).await;
}

/// What was changed since the plan was shown is not written over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_a_plan_that_is_older_than_the_resources_is_not_applied() {
    let (stage, _house) = lamps("").await;
    let files = serde_json::json!([["a.yaml", "kind: partner\nname: mill\nparty_ids: [ZZ:MILL]\n"]]);
    let plan = Some(serde_json::json!({ "files": files }));
    let planned = stage.ask(Method::POST, "/api/v1/resources/plan", plan).await;
    let body = serde_json::json!({ "files": files, "revision": planned.body["revision"] });
    stage.apply("kind: partner\nname: dock\nparty_ids: [ZZ:DOCK]\n");
    let refused = stage.ask(Method::POST, "/api/v1/resources/apply", Some(body)).await;
    assert_eq!(refused.status, 409);
    assert!(!stage.done(&["export"], "").contains("name: mill"));
}
