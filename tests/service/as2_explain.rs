//! Where a digest does not fit, of what it is: signatures over what was changed on the way, and receipts of partners who count
//! otherwise. The channel can say so, and then they are taken.

use super::as2::{LAMPS, LATER, RETAIL, Sending, USUAL, incoming, lamps, post, post_receipt, receipt_of, retail, sent};
use super::edi::order;
use super::peer::Peer;
use portolan::transport::as2::crypto::Digest;
use portolan::transport::as2::open::Mic;
use portolan::transport::as2::receipt::Disposition;
use std::process::Command;

/// The payload of a message that is signed and not encrypted.
fn payload(body: &[u8]) -> Vec<u8> {
    let at = |wanted: &[u8], from: usize| {
        from + body[from..].windows(wanted.len()).position(|it| it == wanted).expect("it is there")
    };
    let first = at(b"\r\n\r\n", 0) + 4;
    let boundary = &body[..at(b"\r\n", 0)];
    body[first..at(&[b"\r\n", boundary].concat(), first)].to_vec()
}

#[tokio::test]
async fn err_what_was_changed_behind_its_signature_is_told_and_taken_where_it_was_agreed() {
    let plain = Sending { content: "UNA:+.? '\r\nUNB+UNOC:3'\r\n", encrypts: false, ..USUAL };
    let changed = |change: fn(&str) -> String| {
        let (lines, body, mic) = plain.made();
        let content = payload(&body);
        let at = body.windows(content.len()).position(|it| it == content).expect("it is there");
        let other = change(&String::from_utf8_lossy(&content)).into_bytes();
        (lines, [&body[..at], &other, &body[at + content.len()..]].concat(), mic)
    };
    let (strict, _) = lamps(", require: [signed]").await;
    for (change, said) in [
        ((|text| text.replace("\r\n", "\n")) as fn(&str) -> String, None),
        (|text| text.trim_end().to_owned(), Some("with a line end added; the sender, or something between")),
        (|text| text.replace("UNOC", "UNOA"), Some("signed was content of sha-256")),
    ] {
        let (lines, body, _) = changed(change);
        assert_eq!(post(&strict, &lines, body).await.error(), "integrity-check-failed");
        let told = incoming(&strict, "rejected").await.remove(0);
        let reason = told["reason"].as_str().unwrap_or_default();
        match said {
            Some(said) => assert!(reason.contains(said), "{reason}"),
            // Header lines end by CRLF already, so only the content's were changed.
            None => assert!(reason.contains("set line_ends: crlf in the channel"), "{reason}"),
        }
        assert_eq!(said == Some("signed was content of sha-256"), !reason.contains("what was signed is"), "{reason}");
    }
    let (lenient, _) = lamps(", require: [signed], line_ends: crlf").await;
    let (lines, body, mic) = changed(|text| text.replace("\r\n", "\n"));
    let answered = post(&lenient, &lines, body).await;
    assert_eq!(answered.receipt().proves("<1@test>", &[mic], true), Ok(()), "the sender's digest");
    let came = lenient.until("it", || async { lenient.list("/api/v1/transmissions?direction=in").await.pop() }).await;
    let id = came["transmission_id"].as_str().expect("an id");
    let facts = lenient.get(&format!("/api/v1/transmissions/{id}")).await;
    assert_eq!(facts["transport"]["as2"]["line_ends"], "crlf", "{facts}");
    let file = lenient.data().join("e.zip").to_string_lossy().into_owned();
    lenient.done(&["as2", "evidence", id, "-o", &file], "");
    let known = lenient.file("known.pem", &RETAIL.certificate_pem);
    let line = ["as2", "verify", &file, "--trust", &known];
    let judged = Command::new(env!("CARGO_BIN_EXE_portolan")).args(line).output().expect("it runs");
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
    let (lines, body, _) = changed(|text| text.replace("UNOC", "UNOA").replace("\r\n", "\n"));
    assert_eq!(post(&lenient, &lines, body).await.error(), "integrity-check-failed", "but nothing else");
}

#[tokio::test]
async fn err_a_receipt_that_names_another_digest_is_explained_and_taken_where_it_was_agreed() {
    let (words, peer) = (["payload", "payload-crlf"], Peer::start(&[]).await);
    for (at, more) in
        ["", ", compress: before", ", mic: payload", ", compress: before, mic: payload-crlf"].iter().enumerate()
    {
        let url = format!("http://127.0.0.1:{}/as2", peer.port);
        let retail = retail(&url, &format!("{LATER}, encrypt: none{more}")).await;
        retail.send(order("AS2-9", 9)).await;
        retail.until("it is sent", || async { (peer.posts().len() == at + 1).then_some(()) }).await;
        retail.deliveries("awaiting_receipt", 1).await;
        let transmission = retail.list("/api/v1/transmissions?direction=out&channel=lamps-out").await.remove(0);
        let id = transmission["transmission_id"].as_str().expect("an id");
        let content = retail.content(id).await;
        let content = match more.contains("crlf") {
            true => String::from_utf8_lossy(&content).replace('\n', "\r\n").into_bytes(),
            false => content,
        };
        let mic = Mic { digest: Digest::Sha256, value: Digest::Sha256.of(&content) };
        let message_id = peer.posts()[at].headers["message-id"].clone();
        let receipt = receipt_of(&message_id, &mic, &Disposition::Processed, Some(&LAMPS));
        post_receipt(&retail, "Light & Lamp", receipt).await;
        if more.contains("mic") {
            sent(&retail, "delivered").await;
            continue;
        }
        let parked = sent(&retail, "parked").await;
        let reason = parked["reason"].as_str().unwrap_or_default();
        let word = if more.is_empty() { "body" } else { words[0] };
        assert!(reason.contains(&format!("set mic: {word} in the channel")), "{reason}");
    }
}
