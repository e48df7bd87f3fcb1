//! HTTP/1.1 as partners really speak it: names in lower case, bodies in chunks, `Expect: 100-continue`, Base64; and what nobody
//! may speak any more, which is told.

use super::edi::order;
use super::peer::Peer;
use super::stage::Stage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

async fn stage(sections: &str) -> Stage {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, sections).await;
    stage.apply(
        "kind: channel\nname: lamps-as2\ntransport: as2\nway: in\npartners: [lamps]\n\
         as2: { from: LAMPS, to: US, require: [] }\n",
    );
    stage
}

async fn connect(stage: &Stage) -> TcpStream {
    TcpStream::connect(stage.partner.trim_start_matches("http://")).await.expect("a connection")
}

/// Reads an answer whole: status, header lines, and body.
async fn answer(stream: &mut TcpStream) -> (u16, String, Vec<u8>) {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        assert!(stream.read_buf(&mut bytes).await.expect("bytes") > 0, "it ended: {}", String::from_utf8_lossy(&bytes));
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    let length = head.to_ascii_lowercase();
    let length =
        length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok()).unwrap_or(0);
    while bytes.len() < end + length {
        assert!(stream.read_buf(&mut bytes).await.expect("bytes") > 0, "its body ended");
    }
    (status, head, bytes[end..].to_vec())
}

/// The content of the last transmission of a channel.
async fn content(stage: &Stage, channel: &str) -> Vec<u8> {
    let rows = stage.list(&format!("/api/v1/transmissions?channel={channel}")).await;
    let id = rows[0]["transmission_id"].as_str().expect("an id");
    let token = std::fs::read_to_string(stage.data().join("admin.token")).expect("a token");
    let url = format!("{}/api/v1/transmissions/{id}/content", stage.admin);
    let said = stage.client.get(url).bearer_auth(token.trim()).send().await.expect("an answer");
    assert_eq!(said.status(), 200);
    said.bytes().await.expect("bytes").to_vec()
}

#[tokio::test]
async fn a_body_is_asked_for_before_it_is_sent_and_only_where_it_is_wanted() {
    let stage = stage("").await;
    let body = order("4711", 1);
    let head = |token: &str| {
        format!(
            "POST /in/northstores-in HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\
             expect: 100-continue\r\n\r\n",
            body.len()
        )
    };
    let mut stream = connect(&stage).await;
    stream.write_all(head(&stage.token).as_bytes()).await.expect("written");
    let (status, head_said, _) = answer(&mut stream).await;
    assert_eq!(status, 100, "{head_said}");
    stream.write_all(&body).await.expect("written");
    assert_eq!(answer(&mut stream).await.0, 202);
    // The same connection takes the next, and what is wrong there is told as well.
    stream.write_all(b"POST /in/northstores-in HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n 2\r\n\r\n").await.expect("written");
    let (status, _, said) = answer(&mut stream).await;
    assert!(status == 400 && String::from_utf8_lossy(&said).contains("HEADER-FOLDED"), "{status}");
    // Who is not let in is not asked for its body.
    let mut stream = connect(&stage).await;
    stream.write_all(head("nobody").as_bytes()).await.expect("written");
    assert_eq!(answer(&mut stream).await.0, 401);
}

/// Who sends much before it reads gets to read why nobody takes it, on both listeners.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn err_what_is_refused_before_its_end_is_told_to_who_sends_it_all() {
    let stage = stage("").await;
    let piece = vec![b'x'; 1024 * 1024];
    for (listener, path, code) in [(&stage.partner, "/in/nobody", 401), (&stage.admin, "/api/v1/transmissions", 401)] {
        for _ in 0..4 {
            let address = listener.strip_prefix("http://").expect("a plain address");
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", 32 * piece.len());
            stream.write_all(head.as_bytes()).await.expect("written");
            for _ in 0..32 {
                stream.write_all(&piece).await.expect("it is taken on");
            }
            assert_eq!(answer(&mut stream).await.0, code, "{path}");
        }
    }
}

#[tokio::test]
async fn as2_comes_in_chunks_in_lower_case_and_in_base64() {
    let stage = stage("").await;
    let edi = order("4711", 1);
    let packed = STANDARD.encode(&edi);
    for (id, encoding, body) in [
        ("<1@x>", "", edi.clone()),
        ("<2@x>", "content-transfer-encoding: base64\r\n", packed.clone().into_bytes()),
        (
            "<3@x>",
            "CONTENT-TRANSFER-ENCODING: BASE64\r\n",
            packed.as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]),
        ),
        ("<4@x>", "content-transfer-encoding: binary\r\n", edi.clone()),
    ] {
        let mut stream = connect(&stage).await;
        let head = format!(
            "POST /as2 HTTP/1.1\r\nhost: x\r\nas2-from: LAMPS\r\nas2-to: US\r\nmessage-id: {id}\r\n\
             content-type: application/edi-x12\r\n{encoding}transfer-encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("written");
        for chunk in body.chunks(50) {
            stream.write_all(format!("{:X};ext=1\r\n", chunk.len()).as_bytes()).await.expect("written");
            stream.write_all(chunk).await.expect("written");
            stream.write_all(b"\r\n").await.expect("written");
        }
        stream.write_all(b"0\r\nx-trailer: y\r\n\r\n").await.expect("written");
        let (status, head, _) = answer(&mut stream).await;
        assert_eq!(status, 200, "{id}: {head}");
        assert_eq!(content(&stage, "lamps-as2").await, edi, "{id}");
    }
}

#[tokio::test]
async fn err_what_is_no_request_is_told_why() {
    let stage = stage("[limits]\nheader_bytes = 150000\n").await;
    let folded =
        "POST /as2 HTTP/1.1\r\nHost: x\r\nAS2-From: LAMPS\r\nContent-Type: multipart/signed;\r\n\tboundary=b\r\n\r\n";
    let many = format!("POST /in/x HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    let long = format!("POST /in/{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(100_000));
    for (request, status, code, part) in [
        (folded, 400, "HEADER-FOLDED", "header line Content-Type goes on in a second line"),
        ("POST /in/x HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400, "REQUEST-MALFORMED", "a header line is not as"),
        ("hello there\r\n\r\n", 400, "REQUEST-MALFORMED", "its first line is not as"),
        (&many, 431, "HEADER-TOO-LARGE", "send fewer"),
        (&long, 414, "URI-TOO-LONG", "too long"),
    ] {
        let mut stream = connect(&stage).await;
        // It may close before all was written.
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.write_all(request.as_bytes())).await;
        let (found, head, body) = answer(&mut stream).await;
        let said: Value = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("no reason: {head}"));
        assert_eq!((found, &said["code"], &said["status"]), (status, &code.into(), &status.into()), "{head}{said}");
        assert!(said["detail"].as_str().is_some_and(|detail| detail.contains(part)), "{said}");
        assert!(head.contains("application/problem+json"), "{head}");
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0, "it is closed");
    }
    stage.send(order("4711", 1)).await;
}

/// What is downloaded may begin, at any byte that a slow reader leaves the next write to begin with, like an answer of the
/// parser of HTTP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_downloaded_slowly_is_whole_whatever_stands_in_it() {
    let stage = stage("").await;
    let sent = b"HTTP/1.1 400 ".repeat(700_000);
    let id = stage.send(sent.clone()).await;
    let token = std::fs::read_to_string(stage.data().join("admin.token")).expect("a token");
    let request = format!(
        "GET /api/v1/transmissions/{id}/content HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        token.trim()
    );
    let address = stage.admin.trim_start_matches("http://").parse().expect("an address");
    for _ in 0..2 {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(16 * 1024).expect("a small buffer");
        let mut stream = socket.connect(address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut found = Vec::new();
        let begin = loop {
            if let Some(at) = found.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(stream.read_buf(&mut found).await.expect("bytes") > 0, "it has a head");
        };
        let head = String::from_utf8_lossy(&found[..begin]).to_ascii_lowercase();
        assert!(head.contains(&format!("content-length: {}\r\n", sent.len())), "{head}");
        let mut pieces = 0;
        while found.len() < begin + sent.len() {
            pieces += 1;
            if pieces % 32 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if stream.read_buf(&mut found).await.expect("bytes") == 0 {
                break;
            }
        }
        assert!(found[begin..] == sent, "after {} of {} bytes something else came", found.len() - begin, sent.len());
        // The next request on the connection that is none still gets a reason.
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n").await.expect("written");
        let (status, head, body) = answer(&mut stream).await;
        let said: Value = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("no reason: {head}"));
        assert_eq!((status, &said["code"]), (400, &"REQUEST-MALFORMED".into()), "{said}");
        assert!(said["detail"].as_str().is_some_and(|detail| detail.contains("a header line")), "{said}");
    }
}
