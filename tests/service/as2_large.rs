//! Large messages of AS2, in and out: with what stands in them on disk and not in memory. The other side is a part of the test,
//! which makes its bytes while they leave and opens those that come. `make as2-large` runs it with 10 GiB.

use super::as2::{LAMPS, RETAIL, lamps_with, retail_with};
use super::stage::Stage;
use portolan::clock::{Clock as _, SystemClock};
use portolan::id::SystemRandom;
use portolan::transport::as2::certificate::{OwnKey, private_key};
use portolan::transport::as2::cms::{GcmForm, Recipient};
use portolan::transport::as2::crypto::{Cipher, Digest, Hash, KeyTransport, Scheme};
use portolan::transport::as2::mime::Headers;
use portolan::transport::as2::open::{Outlets, Policy, open};
use portolan::transport::as2::receipt::{self, Disposition, Receipt};
use portolan::transport::as2::related::{Part, related};
use portolan::transport::as2::seal::{Means, Payload, Protection, boundary, seal};
use portolan::transport::http::body::streamed;
use portolan::transport::source::Source;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// MiB of a message, where nothing else is said.
const USUAL_MB: u64 = 300;
/// MiB that the service may take at most, beside the pages of its binary: it is not optimised here, and 55 of these are in memory.
const MEMORY_MB: u64 = 32;
const ORDER: &str = "UNB+UNOC:3+4098765000003:14+HOUSE:ZZ+261126:0915+1'UNH+1+ORDERS:D:96A:UN'BGM+220+BIG-1+9'\
                     DTM+137:20261124:102'NAD+BY+1000::92++Retail'LIN+1++012345678905:UP'QTY+21:120:EA'PRI+AAA:4.25'\
                     UNS+S'CNT+2:1'UNT+10+1'UNZ+1+1'";

fn size() -> u64 {
    let said = std::env::var("PORTOLAN_AS2_LARGE_MB").ok().map(|mb| mb.parse().expect("a number of MiB"));
    said.unwrap_or(USUAL_MB) << 20
}

/// How long it may take: 4 MB a second at least.
fn patience() -> Duration {
    Duration::from_secs(60 + size() / 4_000_000)
}

/// Bytes of any number, made while they are read: of 8 each says where it stands.
struct Made(u64);

struct Making {
    at: u64,
    end: u64,
}

impl Source for Made {
    fn length(&self) -> u64 {
        self.0
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Making { at: 0, end: self.0 }))
    }
}

impl Read for Making {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(room.len());
        for (offset, byte) in room[..count].iter_mut().enumerate() {
            let at = self.at + offset as u64;
            *byte = (at / 8).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()[(at % 8) as usize];
        }
        self.at += count as u64;
        Ok(count)
    }
}

/// An order with an attachment that makes it as large as is asked: its `Content-Type`, and its bytes.
fn order_with_attachment() -> (String, Arc<dyn Source>) {
    let part = |content_type: &str, name: &str, content: Arc<dyn Source>| Part {
        content_type: content_type.to_owned(),
        encoding: None,
        file_name: Some(name.to_owned()),
        content,
    };
    let parts = vec![
        part("application/EDIFACT", "order.edi", Arc::new(ORDER.as_bytes().to_vec())),
        part("application/octet-stream", "scan.bin", Arc::new(Made(size()))),
    ];
    let (content_type, body) = related(parts, "=_large");
    (content_type, Arc::new(body))
}

fn limits() -> String {
    format!("[limits]\nbody_bytes = {}\n", size() + (64 << 20))
}

/// What Retail sends, and whom to.
fn protection(recipients: &'static [Recipient]) -> Protection<'static> {
    Protection {
        sign: Some((&RETAIL.own, Scheme::Pkcs1, Digest::Sha256)),
        compress: None,
        encrypt: Some((Cipher::Aes256Cbc, GcmForm::AuthEnveloped, recipients)),
        receipt_digest: Digest::Sha256,
        also: None,
        has_old_micalg: false,
    }
}

/// The service took no more memory than it may.
fn stays_flat(stage: &Stage, way: &str, took: Duration) {
    let (all, binary) = (stage.memory("VmHWM:"), stage.memory("RssFile:"));
    let peak = all - binary;
    println!("{} MiB {way}: {took:.1?}, peak memory {all} MiB, {binary} of them the binary", size() >> 20);
    assert!(peak < MEMORY_MB, "{peak} MiB {way}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_comes_in_and_memory_stays_flat() {
    let (stage, house) = lamps_with("", &limits()).await;
    let (content_type, content) = order_with_attachment();
    // It is sent by threads of their own.
    let content: &'static Arc<dyn Source> = Box::leak(Box::new(content));
    let content_type: &'static str = content_type.leak();
    let certificate = LAMPS.own.certificate.clone();
    let recipients = vec![Recipient { certificate, transport: KeyTransport::Pkcs1, by_key_id: false }].leak();
    let means = Means { random: &SystemRandom, now: SystemClock.now(), spool: &tempfile::tempfile };
    let payload = Payload { content_type, file_name: None, content: &**content };
    let sealed = tokio::task::block_in_place(|| seal(&payload, &protection(recipients), &means)).expect("it is sealed");
    let begin = Instant::now();
    let wish = "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256";
    let mut request = stage.client.post(format!("{}/as2", stage.partner)).timeout(patience());
    for (name, value) in [
        ("as2-from", "RETAIL"),
        ("as2-to", "\"Light & Lamp\""),
        ("message-id", "<large@test>"),
        ("content-type", sealed.content_type.as_str()),
        ("disposition-notification-to", "edi@retail.example"),
        ("disposition-notification-options", wish),
    ] {
        request = request.header(name, value);
    }
    let length = sealed.body.length();
    let body = reqwest::Body::wrap_stream(streamed(sealed.body));
    let response = request.header("content-length", length).body(body).send().await.expect("an answer");
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = Headers(response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect());
    let answer = response.bytes().await.expect("a receipt");
    let took = begin.elapsed();
    let trusted = [LAMPS.own.certificate.clone()];
    let receipt = receipt::read(&headers, &answer, &trusted, SystemClock.now()).expect("a receipt");
    assert_eq!(receipt.proves("<large@test>", &[sealed.mic], true), Ok(()));
    stage.until("the order leaves", || async { (house.posts().len() == 1).then_some(()) }).await;
    let came = stage.list("/api/v1/transmissions?direction=in").await.remove(0);
    assert!(came["size"].as_u64().is_some_and(|bytes| bytes > size()), "{came}");
    stays_flat(&stage, "in", took);
    stage.balanced().await;
}

/// A receiver of one message, which opens it as it comes and answers with a receipt: what stood in it, counted and digested.
struct Receiver {
    port: u16,
    work: JoinHandle<Opened>,
}

/// What a receiver saw.
struct Opened {
    content_length: u64,
    content_type: String,
    bytes: u64,
    digest: Vec<u8>,
}

/// Counts and digests what is written.
struct Counted(u64, Hash);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        self.1.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let work = std::thread::spawn(move || receive(listener.accept().expect("a connection").0));
        Receiver { port, work }
    }
}

fn receive(mut stream: TcpStream) -> Opened {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("header lines");
        head.push(byte[0]);
    }
    let headers = Headers::parse(&head);
    let line = |name: &str| headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_owned();
    let content_length: u64 = line("content-length").parse().expect("a number");
    let trusted = [RETAIL.own.certificate.clone()];
    let key = || OwnKey::new(LAMPS.own.certificate.clone(), &private_key(LAMPS.key_pem.as_bytes()).expect("PEM"));
    let keys = [Arc::new(key().expect("its key"))];
    let policy = Policy {
        trusted: &trusted,
        keys: &keys,
        must_be_signed: true,
        must_be_encrypted: true,
        allows_legacy: false,
        receipt_digest: Digest::Sha256,
        takes_crlf: false,
        payload_bytes_max: u64::MAX,
        now: SystemClock.now(),
    };
    let mut counted = Counted(0, Hash::new(Digest::Sha256));
    let mut body = io::BufReader::with_capacity(1 << 16, (&mut stream).take(content_length));
    let outlets = Outlets { payload: &mut counted, clear: None, leaves_out: false };
    let (seen, done) = open(&headers, &mut body, &policy, &SystemRandom, outlets);
    assert_eq!(done.map_err(|refused| refused.detail), Ok(()));
    let message_id = line("message-id");
    let receipt = Receipt {
        agent: "test",
        receiver: "Light & Lamp",
        message_id: &message_id,
        disposition: &Disposition::Processed,
        mic: seen.mic.as_ref(),
        text: "taken",
    };
    let way = (&LAMPS.own, Scheme::Pkcs1, Digest::Sha256);
    let plain = receipt.write(&boundary(&SystemRandom));
    let signed = receipt::sign(&plain, way, &boundary(&SystemRandom), SystemClock.now()).expect("it is signed");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        signed.content_type,
        signed.bytes.len()
    );
    stream.write_all(&[answer.as_bytes(), &signed.bytes].concat()).expect("answered");
    let digest = counted.1.finish();
    Opened { content_length, content_type: seen.content_type, bytes: counted.0, digest }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_goes_out_and_memory_stays_flat() {
    let receiver = Receiver::start();
    let stage = retail_with(&format!("http://127.0.0.1:{}/as2", receiver.port), "", &limits()).await;
    let (content_type, content) = order_with_attachment();
    let mut wanted = Counted(0, Hash::new(Digest::Sha256));
    tokio::task::block_in_place(|| io::copy(&mut content.open().expect("made"), &mut wanted)).expect("digested");
    let token = std::fs::read_to_string(stage.data().join("admin.token")).expect("the admin token");
    let url = format!("{}/api/v1/transmissions?channel=lamps-out", stage.admin);
    let begin = Instant::now();
    let request = stage.client.post(url).bearer_auth(token.trim()).timeout(patience());
    let body = reqwest::Body::wrap_stream(streamed(content));
    let given = request.header("content-type", &content_type).body(body).send().await.expect("an answer");
    let (status, words) = (given.status().as_u16(), given.text().await.expect("words"));
    assert_eq!(status, 202, "{words}");
    while !receiver.work.is_finished() {
        assert!(begin.elapsed() < patience(), "it does not come in time\n{}", stage.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let seen = receiver.work.join().expect("it is opened");
    stage.deliveries("delivered", 1).await;
    let took = begin.elapsed();
    assert!(seen.content_length > seen.bytes, "its length is told before it comes");
    assert_eq!((seen.bytes, seen.digest, seen.content_type), (wanted.0, wanted.1.finish(), content_type));
    stays_flat(&stage, "out", took);
    stage.balanced().await;
}
