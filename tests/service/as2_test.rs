//! `portolan as2 test`: a walk to a partner that is there, and to those that are not as they should be.

use super::as2::{LAMPS, LATER, RETAIL, STRANGER, forged, incoming, lamps, receipt_of, retail};
use super::peer::{Answer, Peer};
use super::stage::Stage;
use portolan::transport::as2::crypto::Digest;
use portolan::transport::as2::open::Mic;
use portolan::transport::as2::receipt::Disposition;
use portolan::transport::http::tls::{Listening, Offered};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Adds a channel out to Lamps; `more` are further keys of it.
fn channel(stage: &Stage, name: &str, url: &str, as2: &str, more: &str) {
    stage.apply(&format!(
        "kind: channel\nname: {name}\ntransport: as2\nway: out\npartners: [lamps]\nurl: {url}\n{more}\
         as2: {{ {as2}, to: \"Light & Lamp\", certificates: [lamps], keys: [retail] }}\n"
    ));
}

const LOOPBACK: &str = "allow_networks: [127.0.0.0/8, \"::1\"]\n";

/// The exit code of a walk, and what it says in JSON.
fn walk(stage: &Stage, channel: &str) -> (Option<i32>, Value) {
    let output = stage.cli(&["as2", "test", channel, "--json"], "");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{err}")))
}

/// The last step of a walk, which must be the one that failed: its name and what was seen.
fn failed(walk: &Value) -> (&str, &str) {
    let steps = walk["steps"].as_array().expect("steps");
    let (last, before) = steps.split_last().expect("a step");
    assert!(before.iter().all(|one| one["passed"] == true && one["remedy"] == ""), "{walk:#}");
    assert_eq!((&last["passed"], &walk["passed"]), (&false.into(), &false.into()), "{walk:#}");
    for key in ["seen", "expected", "remedy"] {
        assert!(last[key].as_str().is_some_and(|text| !text.is_empty()), "{key} in {walk:#}");
    }
    (last["step"].as_str().expect("a name"), last["seen"].as_str().expect("words"))
}

fn names(walk: &Value) -> Vec<&str> {
    walk["steps"].as_array().expect("steps").iter().filter_map(|one| one["step"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_is_there_is_told_step_by_step_and_nothing_is_delivered() {
    let (lamps, _house) = lamps("").await;
    for more in [
        "",
        ", sign: sha-512, scheme: pss, encrypt: aes256-gcm, key_transport: oaep-sha256, compress: before",
        ", receipt: unsigned",
        ", receipt: none",
        LATER,
    ] {
        let retail = retail(&format!("{}/as2", lamps.partner), more).await;
        let (code, walk) = walk(&retail, "lamps-out");
        assert_eq!(code, Some(0), "{walk:#}");
        assert_eq!(names(&walk), ["keys", "dns", "tcp", "http", "receipt"], "{walk:#}");
        assert!(walk["steps"].as_array().is_some_and(|all| all.iter().all(|one| one["passed"] == true)), "{walk:#}");
        let keys = walk["steps"][0]["seen"].as_str().expect("words");
        assert!(keys.contains(&RETAIL.own.certificate.fingerprint()), "{keys}");
        assert!(keys.contains(&LAMPS.own.certificate.fingerprint()), "{keys}");
        // It came as it was sealed, under its own id, and is no delivery.
        let id = walk["message_id"].as_str().expect("an id");
        let came = lamps.list("/api/v1/transmissions?direction=in").await;
        let mut ids = Vec::new();
        for one in &came {
            let path = format!("/api/v1/transmissions/{}", one["transmission_id"].as_str().expect("an id"));
            ids.push(lamps.get(&path).await["transport"]["as2"]["message_id"].clone());
        }
        assert!(ids.contains(&id.into()), "{id} in {ids:?}");
        assert_eq!(retail.list("/api/v1/deliveries").await.len(), 0);
        // Its receipt is of nothing else, even where that came on its own.
        assert_eq!(incoming(&retail, "rejected").await.len(), 0);
        retail.balanced().await;
    }
    lamps.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_who_cannot_be_reached_is_told_with_the_step() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let free = nobody.local_addr().expect("an address").port();
    drop(nobody);
    let peer = Peer::start(&[]).await;
    let retail = retail("http://127.0.0.1:9/as2", "").await;
    for (name, url, more, code, step, told) in [
        ("silent", format!("http://127.0.0.1:{free}/as2"), LOOPBACK, 7, "tcp", "refused"),
        ("unknown", "http://nobody.invalid/as2".to_owned(), LOOPBACK, 7, "dns", "nobody.invalid: "),
        ("inner", format!("http://127.0.0.1:{}/as2", peer.port), "", 1, "dns", "not a public address"),
        ("inner-name", format!("http://localhost:{}/as2", peer.port), "", 1, "dns", "not a public address"),
        ("plain", format!("https://127.0.0.1:{}/as2", peer.port), LOOPBACK, 7, "tls", ""),
    ] {
        channel(&retail, name, &url, "from: RETAIL", more);
        let (found, walk) = walk(&retail, name);
        assert_eq!(found, Some(code), "{walk:#}");
        let (at, seen) = failed(&walk);
        assert!(at == step && seen.contains(told), "{name}: {walk:#}");
    }
    assert_eq!(peer.posts().len(), 0, "nobody is asked who may not be");
    // A channel that is not there, and one that is another's.
    assert_eq!(retail.cli(&["as2", "test", "lamp-out"], "").status.code(), Some(4));
    let other = retail.cli(&["as2", "test", "northstores-out"], "");
    assert_eq!(other.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&other.stderr).contains("expected one of transport as2"), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_what_is_answered_wrongly_is_told_with_what_to_do() {
    let peer = Peer::start(&[]).await;
    let retail = retail(&format!("http://127.0.0.1:{}/as2", peer.port), "").await;
    let mic = Mic { digest: Digest::Sha256, value: vec![0; 32] };
    let processed = Disposition::Processed;
    let by_stranger = receipt_of("<other@test>", &mic, &processed, Some(&STRANGER));
    let for_another = receipt_of("<other@test>", &mic, &processed, Some(&LAMPS));
    let signed = "multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=\"c\"";
    assert_eq!(by_stranger.content_type, signed);
    for (answer, step, told, remedy) in [
        (Answer::Status(404), "http", "answered 404", "the path in url"),
        (Answer::Status(401), "http", "answered 401", "header lines"),
        (Answer::Status(500), "http", "answered 500", "its log"),
        (Answer::Status(200), "receipt", "expected multipart/report", "(MDN) in the same call"),
        (
            Answer::Sends("multipart/report; boundary=b", forged("<other@test>")),
            "receipt",
            "expected a signed receipt",
            "receipt: unsigned",
        ),
        (
            Answer::Sends(signed, by_stranger.bytes),
            "receipt",
            "none of the partner's certificates",
            "into certificates of the channel",
        ),
        (Answer::Sends(signed, for_another.bytes), "receipt", "<other@test>", "its log"),
    ] {
        peer.then(&[answer]);
        let (code, walk) = walk(&retail, "lamps-out");
        assert_eq!(code, Some(1), "{walk:#}");
        let (at, seen) = failed(&walk);
        assert!(at == step && seen.contains(told), "{told}: {walk:#}");
        let last = walk["steps"].as_array().and_then(|all| all.last()).expect("a step");
        assert!(last["remedy"].as_str().is_some_and(|text| text.contains(remedy)), "{remedy}: {walk:#}");
    }
    peer.then(&[Answer::Cut]);
    let (code, cut) = walk(&retail, "lamps-out");
    assert_eq!((code, failed(&cut).0), (Some(7), "http"), "{cut:#}");
    // For people: what was seen, what was expected, what to do; and no secret.
    peer.then(&[Answer::Status(404)]);
    let output = retail.cli(&["as2", "test", "lamps-out"], "");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    for wanted in
        ["keys     passed  signed with", "http     FAILED", "expected: an answer of 200", "to do: compare the path"]
    {
        assert!(words.contains(wanted), "{wanted} in\n{words}");
    }
    assert!(!words.contains("PRIVATE KEY"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_names_that_the_partner_does_not_know_and_keys_that_are_not_set() {
    let (lamps, _house) = lamps("").await;
    let retail = retail(&format!("{}/as2", lamps.partner), "").await;
    channel(&retail, "other-name", &format!("{}/as2", lamps.partner), "from: NOBODY", LOOPBACK);
    let (code, told) = walk(&retail, "other-name");
    assert_eq!((code, failed(&told).0), (Some(1), "receipt"), "{told:#}");
    assert!(failed(&told).1.contains("unknown-trading-relationship"), "{told:#}");
    let remedy = told["steps"][4]["remedy"].as_str().expect("words");
    assert!(remedy.contains("this pair of names"), "{remedy}");
    retail.done(&["secret", "remove", "retail-key"], "");
    let (code, told) = walk(&retail, "lamps-out");
    assert_eq!((code, failed(&told)), (Some(1), ("keys", "no secret retail-key")), "{told:#}");
}

/// A server whose certificate nobody vouches for is shown, and gets no byte of the message; one that is vouched for gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_of_a_server_is_shown_and_must_be_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(&chain, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let identity = portolan::transport::http::tls::read(&chain, &key).expect("a pair");
    let offered = Offered { name: "ours".to_owned(), dns_names: Vec::new(), identity };
    let listening = Listening::default();
    listening.show(&[std::sync::Arc::new(offered)], false).expect("a pair");
    let acceptor = listening.acceptor().expect("a certificate");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, count) = (acceptor.clone(), count.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut bytes = [0; 4096];
                // The first step only looks at the certificate and closes.
                if matches!(stream.read(&mut bytes).await, Ok(1..)) {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    let mut retail = retail(&format!("https://localhost:{port}/as2"), "").await;
    let (code, told) = walk(&retail, "lamps-out");
    assert_eq!((code, failed(&told).0), (Some(1), "tls"), "{told:#}");
    let seen = failed(&told).1;
    assert!(seen.contains("TLS 1.3, a certificate for localhost from 1975-01-01 until 4096-01-01"), "{seen}");
    assert!(seen.contains("it is not trusted: "), "{seen}");
    assert_eq!(heard.load(Ordering::SeqCst), 0, "nothing is sent");
    retail.kill();
    retail.start_again(&[("SSL_CERT_FILE", &chain.to_string_lossy())]);
    let (code, told) = walk(&retail, "lamps-out");
    assert_eq!((code, failed(&told).0), (Some(1), "http"), "{told:#}");
    assert_eq!(names(&told), ["keys", "dns", "tcp", "tls", "http"]);
    let seen = told["steps"][3]["seen"].as_str().expect("words");
    assert!(seen.ends_with("it is trusted"), "{seen}");
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}
