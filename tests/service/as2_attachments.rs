//! Messages of AS2 that bring attachments with their document (RFC 6362): the document goes its way, and each part can be had; and
//! such messages of our own, of files that are given to be sent and of attachments that are passed on.

use super::as2::{LAMPS, RETAIL, Sending, USUAL, certificate, lamps, retail};
use super::peer::Peer;
use super::stage::Stage;
use portolan::transport::as2::crypto::{Digest, hexadecimal};
use portolan::transport::as2::mime::{Base64, Headers, Multipart, Peeked};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::process::{Command, Output};

const ORDER: &str = "UNB+UNOC:3+4098765000003:14+HOUSE:ZZ+261126:0915+#'UNH+1+ORDERS:D:96A:UN'BGM+220+A2-#+9'\
                     DTM+137:20261124:102'NAD+BY+1000::92++Retail'LIN+1++012345678905:UP'QTY+21:120:EA'PRI+AAA:4.25'\
                     UNS+S'CNT+2:1'UNT+10+1'UNZ+1+#'";

#[tokio::test]
async fn attachments_are_kept_beside_their_document() {
    let (lamps, house) = lamps("").await;
    for (id, start, document) in [("<1@parts>", "", 1), ("<2@parts>", "; start=\"<order@retail>\"", 2)] {
        let edi = format!(
            "--b\r\nContent-Type: application/EDIFACT; name=order.edi\r\nContent-ID: <order@retail>\r\n\r\n{}",
            ORDER.replace("#", &document.to_string())
        );
        let picture = "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\
                       Content-Disposition: attachment; filename=\"lamp.png\"\r\n\r\niVBORw0K\r\nGgo=";
        let parts = if document == 1 { [&edi, picture] } else { [picture, &edi] };
        let content = format!("{}\r\n{}\r\n--b--\r\n", parts[0], parts[1]);
        let content_type = format!("multipart/related; boundary=b{start}");
        let message = Sending { id, content: &content, content_type: &content_type, ..USUAL };
        let answered = message.send(&lamps).await;
        let mic = answered.mic.clone();
        assert_eq!(answered.receipt().proves(id, &[mic], true), Ok(()), "the digest is of all parts");
        assert_eq!(answered.headers.get("EDIINT-Features"), Some("multiple-attachments, CEM"));
        lamps.until("it leaves", || async { (house.posts().len() == document).then_some(()) }).await;
        let came = lamps.list("/api/v1/transmissions?direction=in").await.remove(0);
        let came = came["transmission_id"].as_str().expect("an id");
        let told = lamps.get(&format!("/api/v1/transmissions/{came}/attachments")).await;
        let told = told["items"].as_array().expect("parts");
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[document - 1]["is_document"], true);
        let other = &told[2 - document];
        let png = b"\x89PNG\r\n\x1a\n";
        assert_eq!((&other["name"], &other["size"]), (&"lamp.png".into(), &8.into()), "{other}");
        assert_eq!(other["sha256"], hexadecimal(&Digest::Sha256.of(png)));
        let shown = lamps.done(&["transmission", "attachments", came], "");
        assert!(shown.contains("lamp.png") && shown.contains("the document"), "{shown}");
        let (number, file) = ((3 - document).to_string(), lamps.file("lamp.png", ""));
        lamps.done(&["transmission", "attachments", came, &number, "-o", &file], "");
        assert_eq!(std::fs::read(&file).expect("a file"), png);
        let none = lamps.cli(&["transmission", "attachments", came, "3"], "");
        assert_eq!(none.status.code(), Some(4), "{}", String::from_utf8_lossy(&none.stderr));
        lamps.done(&["transmission", "content", came, "-o", &file], "");
        assert_eq!(std::fs::read(&file).expect("a file"), content.into_bytes());
    }
}

/// A picture without a line feed, which readers of mail would change.
const PICTURE: &[u8] = b"\x89PNG\r\0\x1a\xff--b";

/// Writes bytes into a file of the instance; its path.
fn file(stage: &Stage, name: &str, bytes: &[u8]) -> String {
    let path = stage.file(name, "");
    std::fs::write(&path, bytes).expect("written");
    path
}

/// The parts of the newest transmission one way.
async fn parts(stage: &Stage, direction: &str) -> (String, Vec<Value>) {
    let found = stage.list(&format!("/api/v1/transmissions?direction={direction}")).await.remove(0);
    let id = found["transmission_id"].as_str().expect("an id").to_owned();
    let told = stage.get(&format!("/api/v1/transmissions/{id}/attachments")).await;
    (id, told["items"].as_array().expect("parts").clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_sent_with_attachments_and_its_receipt_is_of_all_of_it() {
    let (lamps, house) = lamps("").await;
    let retail = retail(&format!("{}/as2", lamps.partner), "").await;
    let order = file(&retail, "order.edi", ORDER.replace('#', "1").as_bytes()) + ";type=application/EDIFACT";
    let (picture, plan) = (file(&retail, "lamp.png", PICTURE), file(&retail, "Maße 1.txt", b""));
    let line = [
        "transmission",
        "send",
        "lamps-out",
        &order,
        "--attach",
        &format!("{picture};type=image/png"),
        "--attach",
        &plan,
        "--key",
        "mine-1",
    ];
    let said = retail.done(&line, "");
    assert_eq!(retail.done(&line, ""), said, "the same again is sent once");
    let sent = retail.deliveries("delivered", 1).await.remove(0);
    let id = sent["transmission_id"].as_str().expect("an id");
    assert_eq!(said, format!("{id} leaves as delivery {}\n", sent["delivery_id"].as_str().expect("an id")));
    lamps.until("the order leaves", || async { (house.posts().len() == 1).then_some(()) }).await;
    for stage in [&retail, &lamps] {
        let (_, parts) = parts(stage, if std::ptr::eq(stage, &retail) { "out" } else { "in" }).await;
        let told: Vec<_> = parts.iter().map(|part| (part["name"].as_str(), part["sha256"].as_str())).collect();
        let digest = |bytes: &[u8]| hexadecimal(&Digest::Sha256.of(bytes));
        let (order, picture, plan) = (digest(ORDER.replace('#', "1").as_bytes()), digest(PICTURE), digest(b""));
        let wanted = [("order.edi", &order), ("lamp.png", &picture), ("Maße 1.txt", &plan)];
        assert_eq!(told, wanted.map(|(name, digest)| (Some(name), Some(digest.as_str()))));
        assert_eq!((&parts[0]["is_document"], &parts[1]["content_type"]), (&true.into(), &"image/png".into()));
        stage.balanced().await;
    }
    // Without attachments it is the file itself.
    retail.done(&["transmission", "send", "lamps-out", &picture], "");
    retail.deliveries("delivered", 2).await;
    let came = lamps.list("/api/v1/transmissions?direction=in").await.remove(0);
    assert_eq!((&came["file_name"], &came["size"]), (&"lamp.png".into(), &PICTURE.len().into()));
    assert_eq!(lamps.content(came["transmission_id"].as_str().expect("an id")).await, PICTURE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_what_cannot_be_sent_as_it_is_says_why() {
    let retail = retail("http://127.0.0.1:9/as2", "").await;
    let picture = file(&retail, "lamp.png", PICTURE);
    let upper = file(&retail, "LAMP.png", b"x");
    for (channel, attached, code, told) in [
        ("lamp-out", "", 4, "no channel is called \"lamp-out\""),
        ("northstores-out", "", 6, "channel northstores-out: expected one of transport as2 and way out"),
        ("lamps-out", upper.as_str(), 3, "expected a name of its own for each part, found \"LAMP.png\" twice"),
    ] {
        let mut line = vec!["transmission", "send", channel, picture.as_str()];
        if !attached.is_empty() {
            line.extend(["--attach", attached]);
        }
        let refused = retail.cli(&line, "");
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(told), "{told}: {refused:?}");
    }
    let token = std::fs::read_to_string(retail.data().join("admin.token")).expect("the admin token");
    let post = |query: &str, kind: &str, key: &str, body: &'static str| {
        let url = format!("{}/api/v1/transmissions?channel=lamps-out{query}", retail.admin);
        let request = retail.client.post(url).bearer_auth(token.trim()).header("content-type", kind);
        request.header("idempotency-key", key).body(body).send()
    };
    for (query, kind, key, body, status, code) in [
        ("", "text", "1", "x", 400, "CONTENT-TYPE-WRONG"),
        ("&file_name=..%2Fx", "text/plain", "1", "x", 400, "FILE-NAME-WRONG"),
        ("", "multipart/related; boundary=b", "1", "--b\r\n\r\nx\r\n", 422, "PARTS-WRONG"),
        ("", "multipart/related; boundary=b; start=\"<y>\"", "1", "--b\r\n\r\nx\r\n--b--", 422, "PARTS-WRONG"),
        ("", "text/plain", "1", "x", 202, ""),
        ("", "text/plain", "1", "y", 422, "KEY-REUSED"),
        ("", "text/plain", "2", "", 400, "BODY-EMPTY"),
        ("", "text/plain", " ", "x", 400, "KEY-INVALID"),
    ] {
        let answer = post(query, kind, key, body).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{kind} {query}");
        let said: Value = serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON");
        assert_eq!(said["code"].as_str().unwrap_or_default(), code);
    }
    let url = format!("{}/api/v1/transmissions?channel=lamps-out", retail.admin);
    let packed = retail.client.post(url).bearer_auth(token.trim()).header("content-encoding", "gzip").body("x").send();
    assert_eq!(packed.await.expect("an answer").status().as_u16(), 415, "nobody unpacks it");
    let key = ["transmission", "send", "lamps-out", &picture, "--key", "a\nb"];
    assert_eq!(retail.cli(&key, "").status.code(), Some(3), "no header line has such a key");
    let none = retail.data().join("none").to_string_lossy().into_owned();
    assert_eq!(retail.cli(&["transmission", "send", "lamps-out", &none], "").status.code(), Some(1));
    // What is refused before its end is told all the same.
    let large = file(&retail, "large", &vec![b'x'; 64 * 1024 * 1024]);
    assert_eq!(retail.cli(&["transmission", "send", "lamp-out", &large], "").status.code(), Some(4));
    assert_eq!(retail.list("/api/v1/transmissions?direction=out").await.len(), 1, "nothing else was kept");
}

/// Files of payloads, and of those that are being written.
fn files(stage: &Stage) -> usize {
    let count = |folder: &str| std::fs::read_dir(stage.data().join(folder)).map_or(0, Iterator::count);
    count("payload") + count("temporary")
}

/// Who sends it goes away while the parts are looked at, which takes a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_that_nobody_waits_for_leaves_no_file() {
    let retail = retail("http://127.0.0.1:9/as2", "").await;
    let token = std::fs::read_to_string(retail.data().join("admin.token")).expect("the admin token");
    let mut body = b"--b\r\n\r\n".to_vec();
    body.resize(96 * 1024 * 1024, b'\n');
    body.extend_from_slice(b"\r\n--b--\r\n");
    let head = format!(
        "POST /api/v1/transmissions?channel=lamps-out HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/related; boundary=b\r\nContent-Length: {}\r\n\r\n",
        token.trim(),
        body.len()
    );
    let address = retail.admin.strip_prefix("http://").expect("a plain address").to_owned();
    let mut wire = std::net::TcpStream::connect(address).expect("it listens");
    wire.write_all(head.as_bytes()).and_then(|()| wire.write_all(&body)).expect("written");
    retail.until("a file", || async { (files(&retail) == 1).then_some(()) }).await;
    retail
        .until("it is synced", || async {
            let payloads = std::fs::read_dir(retail.data().join("payload")).map_or(0, Iterator::count);
            (payloads == 1).then_some(())
        })
        .await;
    drop(wire);
    retail.until("no file", || async { (files(&retail) == 0).then_some(()) }).await;
    assert_eq!(retail.list("/api/v1/transmissions?direction=out").await.len(), 0);
}

/// Names that lead elsewhere, or are too long, or are a device's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_attachments_lead_nowhere() {
    let (lamps, _house) = lamps("").await;
    let (long, cut) = ("x".repeat(300), format!("{}.pdf", "x".repeat(251)));
    let names = [
        ("filename=\"../../lamp.png\"", Some("lamp.png")),
        ("filename=\"C:\\\\windows\\\\win.ini\"", Some("win.ini")),
        ("filename*=UTF-8''..%2F..%2Fplan%00.pdf", Some("plan.pdf")),
        ("filename*=UTF-8''%1B%5B2Jnul.txt", Some("[2Jnul.txt")),
        ("filename=NUL", Some("_NUL")),
        ("filename=\"..\"", None),
        ("filename*0*=UTF-8''..%2; filename*1*=F%C3; filename*2*=%BC.pdf", Some("%2F\u{fc}.pdf")),
        (&format!("filename=\"{long}.pdf\""), Some(cut.as_str())),
    ];
    let mut content = format!("--b\r\nContent-Type: application/EDIFACT\r\n\r\n{}\r\n", ORDER.replace('#', "1"));
    for (name, _) in &names {
        content.push_str(&format!("--b\r\nContent-Disposition: attachment; {name}\r\n\r\nx\r\n"));
    }
    content.push_str("--b--\r\n");
    let message = Sending { content: &content, content_type: "multipart/related; boundary=b", ..USUAL };
    assert_eq!(message.send(&lamps).await.receipt().message_id, "<1@test>");
    let (_, parts) = parts(&lamps, "in").await;
    let told: Vec<_> = parts[1..].iter().map(|part| part["name"].as_str().map(str::to_owned)).collect();
    assert_eq!(told, names.map(|(_, safe)| safe.map(str::to_owned)));
}

fn run(program: &str, line: &[&str]) -> Output {
    let done = Command::new(program).args(line).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(done.status.success(), "{program} {line:?}: {}", String::from_utf8_lossy(&done.stderr));
    done
}

/// Bytes that are no text, without a line end: Python's reader makes CR into LF.
const SCAN: &[u8] = b"\x89PNG\0\x1a\xff--b";

/// OpenSSL decrypts the message and proves its signature, over all parts; Python's reader of mail tells the parts apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_other_houses_take_a_message_with_attachments() {
    let peer = Peer::start(&[]).await;
    let stage = retail(&format!("http://127.0.0.1:{}/as2", peer.port), ", receipt: none").await;
    let order = file(&stage, "order.edi", b"UNA:+.? '");
    let (picture, plan) = (file(&stage, "la\"mp.png", SCAN), file(&stage, "Maße 1.txt", b"none"));
    stage.done(&["transmission", "send", "lamps-out", &order, "--attach", &picture, "--attach", &plan], "");
    stage.deliveries("delivered", 1).await;
    let post = peer.posts().remove(0);
    assert!(post.headers["ediint-features"].contains("multiple-attachments"), "{:?}", post.headers);
    let path = |name: &str| stage.data().join(name).to_string_lossy().into_owned();
    let sealed = file(&stage, "sealed.der", &post.body);
    let key = stage.file("lamps.key", &LAMPS.key_pem);
    let signer = stage.file("retail.pem", &RETAIL.certificate_pem);
    let lines =
        ["cms", "-decrypt", "-binary", "-inform", "DER", "-in", &sealed, "-inkey", &key, "-out", &path("signed")];
    run("openssl", &lines);
    // Its own reader of MIME changes bytes that are no text, so it gets the parts as they stand.
    let signed = std::fs::read(path("signed")).expect("decrypted");
    let (mut source, mut parts) = (&signed[..], Vec::new());
    let mut peeked = Peeked::new(&mut source);
    let headers = Headers::parse(&peeked.head().expect("header lines"));
    let boundary = headers.content_type().get("boundary").expect("one").to_owned();
    let mut multipart = Multipart::new(&mut peeked, &boundary).expect("parts");
    while multipart.next_part().expect("a part") {
        let mut part = Vec::new();
        multipart.read_to_end(&mut part).expect("its bytes");
        parts.push(part);
    }
    let [content, signature] = &parts[..] else { panic!("{} parts", parts.len()) };
    let content = file(&stage, "content", content);
    let mut packed = &signature[..];
    let mut packed = Peeked::new(&mut packed);
    packed.head().expect("header lines");
    let mut der = Vec::new();
    Base64::new(packed).read_to_end(&mut der).expect("base 64");
    let signature = file(&stage, "signature", &der);
    let lines = [
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        &signature,
        "-content",
        &content,
        "-CAfile",
        &signer,
        "-certfile",
        &signer,
        "-partial_chain",
        "-purpose",
        "any",
        "-out",
        &path("parts"),
    ];
    run("openssl", &lines);
    let reader = "import email, email.policy, sys\n\
        m = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)\n\
        print(m.get_content_type(), m.get_param('type'))\n\
        for p in m.iter_parts(): print(p.get_filename(), p.get_payload(decode=True).hex())";
    let read = run("python3", &["-c", reader, &path("parts")]);
    let hex = |bytes: &[u8]| hexadecimal(bytes);
    let wanted = format!(
        "multipart/related application/octet-stream\norder.edi {}\nla\"mp.png {}\nMaße 1.txt {}\n",
        hex(b"UNA:+.? '"),
        hex(SCAN),
        hex(b"none")
    );
    assert_eq!(String::from_utf8_lossy(&read.stdout), wanted);
}

/// The warehouse of Lamps takes AS2 too; that it is the same instance changes nothing.
async fn passing(attachments: &str) -> Stage {
    let (lamps, _) = lamps("").await;
    lamps.apply(&format!(
        "kind: channel\nname: house-out\ntransport: as2\nway: out\npartners: [house]\nurl: {}/as2\n\
         allow_networks: [127.0.0.0/8]\nas2: {{ from: DISPATCH, to: HOUSE, certificates: [lamps], keys: [lamps] }}\n\
         ---\nkind: channel\nname: house-in\ntransport: as2\nway: in\npartners: [house]\n\
         as2: {{ from: DISPATCH, to: HOUSE, certificates: [lamps], keys: [lamps] }}\n\
         ---\nkind: agreement\nname: house-orders\nway: out\npartner: house\ndocument: x12/004010/850\n\
         channel: house-out\nattachments: {attachments}\nenvelope: {{ sender: ZZ:LAMPS, receiver: ZZ:HOUSE }}\n{}",
        lamps.partner,
        certificate("retail", &RETAIL, "")
    ));
    let content = format!(
        "--b\r\nContent-Type: application/EDIFACT\r\n\r\n{}\r\n--b\r\nContent-Type: image/png\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"lamp.png\"\r\n\r\niVBORw0K\r\nGgo=\r\n\
         --b\r\nContent-Disposition: attachment; filename=\"lamp.png\"\r\n\r\nanother\r\n--b--\r\n",
        ORDER.replace('#', "1")
    );
    let message = Sending { content: &content, content_type: "multipart/related; boundary=b", ..USUAL };
    assert_eq!(message.send(&lamps).await.receipt().message_id, "<1@test>");
    lamps.deliveries("delivered", 1).await;
    lamps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attachments_are_passed_on_where_the_agreement_says_so() {
    let lamps = passing("pass").await;
    let (_, parts) = parts(&lamps, "in").await;
    let told: Vec<_> = parts.iter().map(|part| (&part["name"], &part["content_type"], &part["size"])).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        parts[0]["is_document"] == true && parts[0]["content_type"].as_str().is_some_and(|kind| kind.contains("X12"))
    );
    assert_eq!(told[1], (&"lamp.png".into(), &"image/png".into(), &8.into()));
    assert_eq!(told[2], (&"2-lamp.png".into(), &"text/plain".into(), &7.into()));
    // What proves it has all of it.
    let delivery = lamps.deliveries("delivered", 1).await.remove(0)["delivery_id"].as_str().expect("an id").to_owned();
    let proof = lamps.file("proof.zip", "");
    lamps.done(&["as2", "evidence", &delivery, "-o", &proof], "");
    let judged = lamps.done(&["as2", "verify", &proof], "");
    assert!(judged.contains("payload  proved") && judged.contains("digest   proved"), "{judged}");
    lamps.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attachments_stay_where_the_agreement_says_nothing_else() {
    let lamps = passing("keep").await;
    let (_, parts) = parts(&lamps, "in").await;
    assert!(parts.is_empty(), "{parts:?}");
    let refused = lamps.refused(
        "kind: channel\nname: plain-out\ntransport: http\nway: out\nurl: http://127.0.0.1:9/\n---\n\
         kind: agreement\nname: house-orders\nway: out\npartner: house\ndocument: x12/004010/850\nchannel: plain-out\n\
         attachments: pass\nenvelope: { sender: ZZ:LAMPS, receiver: ZZ:HOUSE }\n",
    );
    assert!(refused.contains("attachments: expected pass where the channel is of transport as2"), "{refused}");
}
