//! Messages of AS2 on bare sockets: bodies that break off or drip, and wishes as others write them.

use super::as2::{Sending, USUAL, lamps};
use super::stage::Stage;
use portolan::transport::as2::crypto::Digest;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection on which the head of a message was sent, and its body.
async fn begun(stage: &Stage, id: &str) -> (TcpStream, Vec<u8>) {
    let (lines, body, _) = Sending { id, ..USUAL }.made();
    let address = stage.partner.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST /as2 HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n{lines}\r\n", body.len());
    stream.write_all(head.as_bytes()).await.expect("written");
    (stream, body)
}

#[tokio::test]
async fn err_a_body_that_breaks_off_counts_for_nothing_and_one_that_drips_is_taken() {
    let (lamps, _house) = lamps("").await;
    let (mut broken, body) = begun(&lamps, "<1@wire>").await;
    broken.write_all(&body[..body.len() / 2]).await.expect("written");
    drop(broken);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(lamps.list("/api/v1/transmissions").await.len(), 0, "half of a message is none");
    let (mut dripping, body) = begun(&lamps, "<1@wire>").await;
    for piece in body.chunks(body.len() / 20 + 1) {
        dripping.write_all(piece).await.expect("written");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut answer = vec![0; 4096];
    let count = dripping.read(&mut answer).await.expect("an answer");
    let text = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    let came = lamps.until("it came", || async { lamps.list("/api/v1/transmissions?direction=in").await.pop() }).await;
    assert_eq!(came["channel"], "retail-as2");
    assert_eq!(Sending { id: "<1@wire>", ..USUAL }.send(&lamps).await.status, 200, "encrypted anew it is the same");
    assert_eq!(lamps.list("/api/v1/transmissions?direction=in").await.len(), 1);
}

#[tokio::test]
async fn the_first_digest_of_a_list_that_is_known_is_taken() {
    let (lamps, _house) = lamps(", require: []").await;
    for (list, expected) in [("md4, sha-384, sha-256", Digest::Sha384), ("SHA512,sha1", Digest::Sha512)] {
        let wish = format!("signed-receipt-protocol=optional,pkcs7-signature;signed-receipt-micalg = optional, {list}");
        let id = format!("<{}@list>", expected.name());
        let sending = Sending { id: &id, signer: None, encrypts: false, wish: Some(&wish), ..USUAL };
        let receipt = sending.send(&lamps).await.receipt();
        let mic = receipt.mic.expect("a digest");
        assert_eq!((mic.digest, mic.value), (expected, expected.of(USUAL.content.as_bytes())), "{list}");
        assert_eq!(receipt.signed_by, Some(0), "{list}");
    }
}
