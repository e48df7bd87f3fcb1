//! Evidence of AS2 messages: both sides fetch it, and it proves itself without them; whatever is changed in it is noticed, and
//! OpenSSL says the same of its signatures.

use super::as2::{LAMPS, LATER, RETAIL, STRANGER, Sending, USUAL, lamps, retail, sent};
use super::edi::order;
use super::stage::Stage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output};

/// The certificates of both sides as files, and evidence of both.
fn fetch(stage: &Stage, id: &str) -> String {
    let path = stage.data().join(format!("{id}.zip")).to_string_lossy().into_owned();
    assert_eq!(stage.done(&["as2", "evidence", id, "-o", &path], "").trim(), path);
    path
}

/// `portolan as2 verify`, where no instance is.
fn verify(file: &str, more: &[&str]) -> Output {
    let line = [&["as2", "verify", file][..], more].concat();
    Command::new(env!("CARGO_BIN_EXE_portolan")).args(line).env_remove("PORTOLAN_DATA").output().expect("it runs")
}

fn judged(file: &str, more: &[&str]) -> Value {
    let output = verify(file, &[more, &["--json"]].concat());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The transmission that came in.
async fn came(stage: &Stage) -> String {
    let came = stage.until("it came", || async { stage.list("/api/v1/transmissions?direction=in").await.pop() }).await;
    came["transmission_id"].as_str().expect("an id").to_owned()
}

/// What each look came to.
fn outcomes(judged: &Value) -> Vec<(String, String)> {
    let word = |look: &Value, key: &str| look[key].as_str().expect("a word").to_owned();
    judged["looks"].as_array().expect("looks").iter().map(|look| (word(look, "at"), word(look, "outcome"))).collect()
}

const ALL: [&str; 5] = ["parts", "message", "payload", "receipt", "digest"];

#[tokio::test]
async fn both_sides_have_evidence_that_proves_itself() {
    for more in [
        "",
        ", sign: sha-512, scheme: pss, encrypt: aes256-gcm, compress: before",
        ", encrypt: aes128-cbc, compress: after",
        ", encrypt: none",
        LATER,
    ] {
        let strict = if more.contains("encrypt: none") { ", require: [signed]" } else { "" };
        let (lamps, _house) = lamps(strict).await;
        let retail = retail(&format!("{}/as2", lamps.partner), more).await;
        retail.send(order("AS2-7", 7)).await;
        let delivery = sent(&retail, "delivered").await;
        let id = delivery["delivery_id"].as_str().expect("an id");
        let came = came(&lamps).await;
        let (theirs, ours) = (fetch(&retail, id), fetch(&lamps, &came));
        // Both kept what stands around the payload, where that stands in the message as it is.
        let message =
            |file: &str| parts(file).into_iter().find(|(name, _)| name == "message.eml").expect("it is there").1;
        assert!(message(&theirs) == message(&ours), "the same message, byte for byte: {more}");
        for (file, proof) in [(&theirs, "Light & Lamp received this payload"), (&ours, "RETAIL sent this payload")] {
            let judged = judged(file, &[]);
            let expected: Vec<_> = ALL.map(|at| (at.to_owned(), "proved".to_owned())).into();
            assert_eq!(outcomes(&judged), expected, "{more} {judged:#}");
            let proves = judged["proves"].as_array().expect("sentences");
            assert!(proves.len() == 1 && proves[0].as_str().is_some_and(|one| one.starts_with(proof)), "{proves:?}");
            assert_eq!(judged["about"]["message_id"], format!("<{id}@portolan>"));
            let output = verify(file, &[]);
            assert_eq!(output.status.code(), Some(0));
            assert!(String::from_utf8_lossy(&output.stdout).contains("--trust"), "whose it is, is only said");
        }
        for (file, partner) in [(&theirs, &LAMPS), (&ours, &RETAIL)] {
            let known = retail.file("known.pem", &partner.certificate_pem);
            assert_eq!(verify(file, &["--trust", &known]).status.code(), Some(0), "{more}");
            let other = retail.file("other.pem", &STRANGER.certificate_pem);
            let refused = verify(file, &["--trust", &other]);
            assert_eq!(refused.status.code(), Some(1), "{more}");
            let text = String::from_utf8_lossy(&refused.stdout).into_owned();
            assert!(text.contains("FAILED") && text.contains("proves nothing"), "{text}");
        }
        if !more.contains("compress: after") {
            openssl_says_so(&theirs, &RETAIL.certificate_pem);
            openssl_says_so(&ours, &RETAIL.certificate_pem);
        }
    }
}

/// The parts of a file, unpacked.
fn parts(file: &str) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(file).expect("it is there")).expect("a ZIP");
    let count = zip.len();
    let read = |at| {
        let mut part = zip.by_index(at).expect("a part");
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).expect("it is read");
        (part.name().expect("a name").into_owned(), bytes)
    };
    (0..count).map(read).collect()
}

fn packed(parts: &[(String, Vec<u8>)], to: &Path) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(to).expect("a file"));
    for (name, bytes) in parts {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("begun");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("finished");
}

/// OpenSSL takes the signature of the message, as the file itself says how.
fn openssl_says_so(file: &str, signer: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (parts, at) = (parts(file), folder.path());
    let part = |wanted: &str| &parts.iter().find(|(name, _)| name == wanted).expect("it is there").1;
    // Each byte a character, for what is compressed is no text.
    let message: String = part("message.eml").iter().map(|byte| char::from(*byte)).collect();
    let (_, boundary) = message.split_once("boundary=\"").expect("a boundary");
    let (boundary, _) = boundary.split_once('"').expect("its end");
    let pieces: Vec<&str> = message.split(&format!("--{boundary}")).collect();
    let signed = pieces[1].strip_prefix("\r\n").and_then(|part| part.strip_suffix("\r\n")).expect("lines around it");
    let (_, signature) = pieces[2].split_once("\r\n\r\n").expect("an empty line");
    let signature = STANDARD.decode(signature.replace("\r\n", "")).expect("base 64");
    let signed: Vec<u8> = signed.chars().map(|c| u8::try_from(c).expect("a byte")).collect();
    for (name, bytes) in [("PART", &signed[..]), ("SIGNATURE", &signature), ("CERTIFICATE", signer.as_bytes())] {
        std::fs::write(at.join(name), bytes).expect("written");
    }
    let read_me = String::from_utf8_lossy(part("README.txt")).into_owned();
    let line = read_me.lines().find_map(|line| line.trim().strip_prefix("openssl ")).expect("the command");
    let done = Command::new("openssl").args(line.split(' ')).current_dir(at).output().expect("openssl runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn err_whatever_is_changed_in_evidence_is_noticed() {
    let (lamps, _house) = lamps("").await;
    let retail = retail(&format!("{}/as2", lamps.partner), "").await;
    retail.send(order("AS2-8", 8)).await;
    let delivery = sent(&retail, "delivered").await;
    let (id, came) = (delivery["delivery_id"].as_str().expect("an id"), came(&lamps).await);
    let changed = retail.data().join("changed.zip");
    let path = changed.to_string_lossy().into_owned();
    for file in [fetch(&retail, id), fetch(&lamps, &came)] {
        let whole = parts(&file);
        packed(&whole, &changed);
        assert_eq!(verify(&path, &[]).status.code(), Some(0), "packed anew it is the same");
        for at in 0..whole.len() {
            let name = whole[at].0.as_str();
            // What these say is proved by the other parts, or by nothing.
            if ["README.txt", "evidence.json"].contains(&name) {
                continue;
            }
            let mut other = whole.clone();
            let place = other[at].1.len() / 3;
            let byte = &mut other[at].1[place];
            *byte = if *byte == b'A' { b'B' } else { b'A' };
            packed(&other, &changed);
            let output = verify(&path, &[]);
            assert_ne!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stdout));
            // What is no certificate any more is no evidence either.
            let is_told =
                name.starts_with("certificates/") || String::from_utf8_lossy(&output.stdout).contains("FAILED");
            assert!(is_told, "{name}");
        }
        // Payload and digests of the parts changed so that they fit each other: the signature does not fit them.
        let mut other = whole.clone();
        let payload = other.iter_mut().find(|(name, _)| name == "payload").expect("a payload");
        payload.1[20] ^= 1;
        let sha256 = portolan::transport::as2::crypto::Digest::Sha256.of(&payload.1);
        let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let about = other.iter_mut().find(|(name, _)| name == "evidence.json").expect("it is there");
        let mut json: Value = serde_json::from_slice(&about.1).expect("JSON");
        json["payload"]["sha256"] = sha256.into();
        about.1 = json.to_string().into_bytes();
        packed(&other, &changed);
        let judged = judged(&path, &[]);
        assert_eq!(
            outcomes(&judged)[..3].iter().map(|(_, said)| said.as_str()).collect::<Vec<_>>(),
            ["proved", "proved", "failed"]
        );
        assert_eq!(judged["proves"].as_array().map(Vec::len), Some(0), "{judged:#}");
    }
}

#[tokio::test]
async fn err_what_nobody_signed_proves_nothing() {
    let (lamps, _house) = lamps(", require: []").await;
    let plain = Sending { id: "<plain@test>", signer: None, encrypts: false, ..USUAL };
    assert_eq!(plain.send(&lamps).await.status, 200);
    let file = fetch(&lamps, &came(&lamps).await);
    let judged = judged(&file, &[]);
    let said: Vec<_> = outcomes(&judged).into_iter().map(|(at, said)| format!("{at} {said}")).collect();
    assert_eq!(said, ["parts proved", "message missing", "receipt proved", "digest proved"], "{judged:#}");
    assert_eq!(verify(&file, &[]).status.code(), Some(1));
    let none = lamps.cli(&["as2", "evidence", "tra_nothing"], "");
    assert_eq!(none.status.code(), Some(4), "{}", String::from_utf8_lossy(&none.stderr));
    let no_zip = verify(&lamps.file("no.zip", "PK"), &[]);
    assert!(String::from_utf8_lossy(&no_zip.stderr).contains("expected evidence"), "{no_zip:?}");
}
