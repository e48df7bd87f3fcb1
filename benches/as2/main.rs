//! How fast messages of AS2 are made and opened, as ratios to the bare primitives that they need on the same bytes in the same
//! process: one RSA signature, one RSA encryption, digest and cipher, in one piece and in memory. `make bench-as2` runs it.
//!
//! Then the service, over HTTP (`service.rs`); `--service` is that alone, `--service COUNT` with so many
//! messages a run at most. `--open BYTES` opens a message of so many bytes again
//! and again, for a profiler. `--memory BYTES` makes and opens a message of so many bytes as streams and prints the peak; the
//! table has a row of it. Where `make as2-interop` has put pyas2lib, that builds and opens the same in a process beside it. It asserts no time, and of what
//! is right only that what was made is opened.

#[path = "../speed/clock.rs"]
mod clock;
#[path = "../service/cpu.rs"]
#[allow(dead_code, reason = "a process without children is asked for")]
mod cpu;
#[path = "../service/http.rs"]
mod http;
mod limit;
#[path = "../service/listener.rs"]
mod listener;
#[path = "../../tests/as2/made.rs"]
mod made;
mod service;

use limit::Limit;
use made::{Keys, NOW, made};
use portolan::clock::{Clock as _, SystemClock};
use portolan::id::SystemRandom;
use portolan::transport::as2::certificate::{Certificate, OwnKey, private_key};
use portolan::transport::as2::cms::{GcmForm, Recipient};
use portolan::transport::as2::crypto::{Cipher, Digest, KeyTransport, Scheme};
use portolan::transport::as2::mime::Headers;
use portolan::transport::as2::open::{Outlets, Policy, open};
use portolan::transport::as2::seal::{Means, Payload, Protection, Sealed, seal};
use portolan::transport::source::Source;
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Of how many rounds the median is taken; each runs every case once.
const ROUNDS: usize = 9;
/// Payloads.
const SIZES: [(&str, usize); 3] = [("1 KB", 1_000), ("100 KB", 100_000), ("10 MB", 10_000_000)];
/// What is streamed.
const STREAMED_BYTES: u64 = 1 << 30;
/// Bytes that a profiler sees opened, where a message costs as much as so many by itself.
const OPENED_AGAIN_BYTES: usize = 1 << 30;
const OVERHEAD_BYTES: usize = 100_000;
/// Seconds that a case runs at least, or the clock would be too coarse.
const CASE_SECONDS: f64 = 0.05;
/// Where pyas2lib is, and what measures it.
const PYTHON: &str = "target/as2-interop/python/bin/python";
const PYAS2LIB: &str = "benches/as2/pyas2lib_rate.py";

fn main() -> std::process::ExitCode {
    // Cargo says `--bench` first.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["--receive", data] = words[..] {
        return listener::serve(data);
    }
    let bench = Bench::new();
    match words[..] {
        ["--memory", bytes] => bench.stream(bytes.parse().expect("a number of bytes")),
        ["--open", bytes] => bench.open_again(bytes.parse().expect("a number of bytes")),
        ["--service"] => service::measure(&bench, usize::MAX),
        ["--service", most] => service::measure(&bench, most.parse().expect("a number of messages")),
        _ => {
            bench.table();
            service::measure(&bench, usize::MAX);
        }
    }
    0.into()
}

/// A named thing to run.
type Case<'c> = (&'static str, Box<dyn FnMut() + 'c>);

/// A sender and a receiver.
struct Bench {
    sender: Keys,
    receiver: Keys,
    receivers: [Recipient; 1],
    trusted: [Certificate; 1],
    keys: [Arc<OwnKey>; 1],
}

impl Bench {
    fn new() -> Self {
        let keys = |name| made(name, &rcgen::PKCS_RSA_SHA256, NOW);
        let (sender, receiver) = (keys("Sender"), keys("Receiver"));
        let der = private_key(receiver.key_pem.as_bytes()).expect("a key");
        let own = OwnKey::new(receiver.own.certificate.clone(), &der).expect("they belong together");
        let certificate = receiver.own.certificate.clone();
        Bench {
            receivers: [Recipient { certificate, transport: KeyTransport::Pkcs1, by_key_id: false }],
            trusted: [sender.own.certificate.clone()],
            keys: [Arc::new(own)],
            sender,
            receiver,
        }
    }

    fn sealed<'s>(&'s self, content: &'s dyn Source, cipher: Cipher) -> Sealed<'s> {
        let protection = Protection {
            sign: Some((&self.sender.own, Scheme::Pkcs1, Digest::Sha256)),
            compress: None,
            encrypt: Some((cipher, GcmForm::AuthEnveloped, &self.receivers)),
            receipt_digest: Digest::Sha256,
            also: None,
            has_old_micalg: false,
        };
        let means = Means { random: &SystemRandom, now: SystemClock.now(), spool: &tempfile::tempfile };
        let payload = Payload { content_type: "application/EDI-X12", file_name: Some("order.edi"), content };
        seal(&payload, &protection, &means).expect("it is sealed")
    }

    fn opened(&self, headers: &Headers, body: &mut dyn Read, payload: &mut dyn io::Write) {
        let policy = Policy {
            trusted: &self.trusted,
            keys: &self.keys,
            must_be_signed: true,
            must_be_encrypted: true,
            allows_legacy: false,
            receipt_digest: Digest::Sha256,
            takes_crlf: false,
            payload_bytes_max: u64::MAX,
            now: SystemClock.now(),
        };
        let (_, done) =
            open(headers, body, &policy, &SystemRandom, Outlets { payload, clear: None, leaves_out: false });
        done.expect("it opens");
    }

    fn table(&self) {
        println!(
            "| payload | cipher | what | messages a second | ÷ primitives | ÷ pyas2lib |\n|---|---|---|---|---|---|"
        );
        for (size, bytes) in SIZES {
            for cipher in [Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
                self.rows(size, bytes, cipher);
            }
        }
        let own = std::env::current_exe().expect("this program has a path");
        let output = Command::new(own).args(["--memory", &STREAMED_BYTES.to_string()]).output().expect("it starts");
        println!("\n{}", String::from_utf8_lossy(&output.stdout).trim());
    }

    fn rows(&self, size: &str, bytes: usize, cipher: Cipher) {
        let content = payload(bytes);
        let sealed = self.sealed(&content, cipher);
        let (headers, body) = (headers(&sealed), whole(&*sealed.body));
        let limit = Limit::new(self, &content, cipher);
        let mut cases: [Case<'_>; 4] = [
            ("primitives of building", Box::new(|| limit.build())),
            ("primitives of opening", Box::new(|| limit.open())),
            ("build", Box::new(|| drop(black_box(whole(&*self.sealed(&content, cipher).body))))),
            (
                "open",
                Box::new(|| {
                    let mut payload = Vec::with_capacity(bytes);
                    self.opened(&headers, &mut &body[..], &mut payload);
                    black_box(payload);
                }),
            ),
        ];
        let rates = rates(&mut cases);
        let theirs = if cipher == Cipher::Aes256Cbc { self.pyas2lib(bytes) } else { [None; 2] };
        for (at, (name, rate)) in rates.iter().enumerate() {
            let to = |other: Option<f64>| other.map_or(String::new(), |other| format!("{:.2}", rate / other));
            let (limit, python) = if at < 2 { (None, None) } else { (Some(rates[at - 2].1), theirs[at - 2]) };
            println!("| {size} | {} | {name} | {rate:.0} | {} | {} |", cipher.name(), to(limit), to(python));
        }
    }

    /// Messages a second that pyas2lib builds and opens, where it is there.
    fn pyas2lib(&self, bytes: usize) -> [Option<f64>; 2] {
        if !Path::new(PYTHON).exists() {
            return [None; 2];
        }
        let folder = tempfile::tempdir().expect("a folder");
        for (name, keys) in [("sender", &self.sender), ("receiver", &self.receiver)] {
            let write = |kind: &str, text: &str| std::fs::write(folder.path().join(format!("{name}.{kind}")), text);
            write("crt", &keys.certificate_pem).and_then(|()| write("key", &keys.key_pem)).expect("written");
        }
        let output = Command::new(PYTHON)
            .env("PYTHONPATH", "interop")
            .arg(PYAS2LIB)
            .arg(folder.path())
            .arg(bytes.to_string())
            .output()
            .expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut rates = text.split_whitespace().map(|rate| rate.parse().ok());
        [rates.next().flatten(), rates.next().flatten()]
    }

    /// Opens a message of so many bytes again and again, for a profiler.
    fn open_again(&self, bytes: usize) {
        let content = payload(bytes);
        let sealed = self.sealed(&content, Cipher::Aes256Gcm);
        let (headers, body) = (headers(&sealed), whole(&*sealed.body));
        for _ in 0..OPENED_AGAIN_BYTES / (bytes + OVERHEAD_BYTES) {
            self.opened(&headers, &mut &body[..], &mut Counted(0));
        }
    }

    /// Builds a message of so many bytes into a file and opens it from there; prints rates and the peak.
    fn stream(&self, bytes: u64) {
        // Whatever the service is made of is in this program too.
        let before = status("VmHWM:");
        let content = Lines(bytes);
        let sealed = self.sealed(&content, Cipher::Aes256Gcm);
        let mut file = tempfile::tempfile().expect("a file");
        let begun = clock::Moment::now();
        io::copy(&mut *sealed.body.open().expect("it opens"), &mut file).expect("it is written");
        let built = begun.seconds();
        io::Seek::rewind(&mut file).expect("a file");
        let begun = clock::Moment::now();
        let mut counted = Counted(0);
        self.opened(&headers(&sealed), &mut file, &mut counted);
        let opened = begun.seconds();
        assert_eq!(counted.0, bytes);
        let peak = status("VmHWM:");
        let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
        println!(
            "{bytes} bytes as streams, signed and encrypted: built {:.0} MB/s, opened {:.0} MB/s, peak {peak}, {before} before",
            rate(built),
            rate(opened)
        );
    }
}

fn payload(bytes: usize) -> Vec<u8> {
    whole(&Lines(bytes as u64))
}

fn whole(source: &dyn Source) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(usize::try_from(source.length()).expect("a length"));
    source.open().expect("it opens").read_to_end(&mut bytes).expect("it is read");
    bytes
}

fn headers(sealed: &Sealed<'_>) -> Headers {
    let mut lines = vec![("Content-Type".to_owned(), sealed.content_type.clone())];
    lines.extend(sealed.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Headers(lines)
}

/// So many bytes of lines, of which none are held.
struct Lines(u64);

const LINE: &[u8] = b"PO1*1*120*EA*4.25**UP*012345678905~\r\n";

impl Source for Lines {
    fn length(&self) -> u64 {
        self.0
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let mut block = LINE.repeat(2048);
        block.truncate(block.len() / 64 * 64);
        Ok(Box::new(Again { block, at: 0 }.take(self.0)))
    }
}

/// The same bytes again and again.
struct Again {
    block: Vec<u8>,
    at: usize,
}

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.block[self.at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at = (self.at + count) % self.block.len();
        Ok(count)
    }
}

/// Takes bytes and counts them.
struct Counted(u64);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How often a second each case runs: the medians of interleaved rounds.
fn rates(cases: &mut [Case<'_>]) -> Vec<(&'static str, f64)> {
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for ((_, run), rates) in cases.iter_mut().zip(&mut found) {
            rates.push(1.0 / seconds(run));
        }
    }
    cases.iter().zip(found).map(|((name, _), rates)| (*name, median(rates))).collect()
}

/// Seconds of this thread's that something takes, of so many times that they can be told.
fn seconds(run: &mut dyn FnMut()) -> f64 {
    // The clock is looked at seldom: whoever does gives the processor away, and finds its caches cold.
    let begun = clock::Moment::now();
    run();
    let count = (CASE_SECONDS / begun.seconds().max(1e-6)).ceil().max(1.0);
    let begun = clock::Moment::now();
    for _ in 0..count as usize {
        run();
    }
    begun.seconds() / count
}

/// What the kernel says of this process.
fn status(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim().to_owned()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
