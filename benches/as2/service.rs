//! The service over HTTP, on SQLite in a folder of its own: messages that are made before the clock starts come from 1 and from
//! 8 senders; each is kept in a synced commit and answered with a signed receipt. Beside it, in the same rounds, what cannot be
//! done without: one decryption of a key, the cipher, digest and verification of what was signed, digest and signature of the
//! receipt. What senders use of the processor is not counted. Every receipt is proved afterwards.
//!
//! Once that is done by a process that only receives, the same code without workers; and once by the binary as it is installed,
//! which looks at the payloads as well. These are no interchanges, so that it is soon done with them.

use crate::cpu;
use crate::http::Wire;
use crate::limit::Limit;
use crate::made::Keys;
use crate::{Bench, headers, median, payload, seconds, whole};
use portolan::clock::{Clock as _, SystemClock};
use portolan::transport::as2::certificate::Certificate;
use portolan::transport::as2::crypto::Cipher;
use portolan::transport::as2::mime::Headers;
use portolan::transport::as2::open::Mic;
use portolan::transport::as2::receipt;
use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

const BINARY: &str = env!("CARGO_BIN_EXE_portolan");
const CONFIGURATION: &str =
    "[partner]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[sftp]\nlisten = \"off\"\n";
/// Payloads, and how many messages a run has: what the kernel counts of a process has steps of 10 ms.
const SIZES: [(&str, usize, usize); 3] = [("1 KB", 1_000, 1000), ("100 KB", 100_000, 400), ("10 MB", 10_000_000, 24)];
/// Senders at once.
const SENDERS: [usize; 2] = [1, 8];
/// Of how many rounds the median is taken; each runs every case once.
const ROUNDS: usize = 3;
/// Messages that are sent before anything is measured: tables are made on first use, files grow.
const WARM_UP: usize = 16;
/// Messages that are made of each size; they are sent again and again under identifiers of their own.
const MADE: usize = 4;
/// How long the service may take to end what it has begun.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the ledger is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The share of the limit that has to be reached.
const FLOOR: f64 = 0.5;

/// Seconds for each message.
#[derive(Clone, Copy)]
struct Run {
    /// On the wall.
    wall: f64,
    /// Of the service's processor.
    cpu: f64,
}

/// What a round took.
struct Round {
    /// Of the process that only receives, and of the whole service.
    runs: [Run; 2],
    /// Seconds that the primitives took.
    limit: f64,
}

/// The table; so many messages a run at most.
pub fn measure(bench: &Bench, most: usize) {
    // One thread for all senders: what they need is taken from the service, so it is to be little.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut instances = [Instance::start(bench, true), Instance::start(bench, false)];
    println!(
        "\n| payload | cipher | senders | primitives, ms | receiving alone: a second | processor, ms | primitives ÷ processor | the service: a second | processor, ms | primitives ÷ processor |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    for (size, bytes, count) in SIZES {
        for cipher in [Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
            let (content, count) = (payload(bytes), count.min(most));
            let made: Vec<Message> = (0..MADE).map(|_| Message::new(bench, &content, cipher)).collect();
            let limit = Limit::new(bench, &content, cipher);
            for one in &mut instances {
                one.run(&runtime, SENDERS[1], &made, WARM_UP.min(count));
            }
            let mut rounds: [Vec<Round>; 2] = [Vec::new(), Vec::new()];
            for _ in 0..ROUNDS {
                for (senders, rounds) in SENDERS.into_iter().zip(&mut rounds) {
                    let runs = instances.each_mut().map(|one| one.run(&runtime, senders, &made, count));
                    rounds.push(Round { runs, limit: seconds(&mut || limit.receive()) });
                }
            }
            for (senders, rounds) in SENDERS.into_iter().zip(&rounds) {
                let of = |part: &dyn Fn(&Round) -> f64| median(rounds.iter().map(part).collect());
                print!("| {size} | {} | {senders} | {:.2} |", cipher.name(), 1e3 * of(&|round| round.limit));
                for at in [0, 1] {
                    print!(
                        " {:.0} | {:.2} | {:.2} |",
                        1.0 / of(&|round| round.runs[at].wall),
                        1e3 * of(&|round| round.runs[at].cpu),
                        of(&|round| round.limit / round.runs[at].cpu)
                    );
                }
                println!();
            }
        }
    }
    println!("floor of primitives ÷ processor: {FLOOR}");
}

/// A message but for its identifier, and what its receipt has to say.
struct Message {
    lines: String,
    body: Vec<u8>,
    mic: Mic,
}

impl Message {
    fn new(bench: &Bench, content: &Vec<u8>, cipher: Cipher) -> Message {
        let sealed = bench.sealed(content, cipher);
        let Headers(lines) = headers(&sealed);
        let lines = lines.into_iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        Message { lines, body: whole(&*sealed.body), mic: sealed.mic }
    }

    fn head(&self, host: &str, id: &str) -> String {
        format!(
            "POST /as2 HTTP/1.1\r\nHost: {host}\r\nAS2-Version: 1.2\r\nAS2-From: SENDER\r\nAS2-To: RECEIVER\r\n\
             Message-ID: {id}\r\nDisposition-Notification-To: edi@sender.example\r\nDisposition-Notification-Options: \
             signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, sha-256\r\n{}\
             Content-Length: {}\r\n\r\n",
            self.lines,
            self.body.len()
        )
    }
}

/// A process of the product's.
struct Instance {
    folder: tempfile::TempDir,
    child: Child,
    /// Where partners reach it.
    host: String,
    /// Where it is asked how far it is, unless it only receives.
    admin: Option<String>,
    /// Messages that were sent.
    sent: usize,
    receiver: [Certificate; 1],
}

impl Instance {
    fn start(bench: &Bench, only_receives: bool) -> Instance {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path();
        std::fs::write(data.join("portolan.toml"), CONFIGURATION).expect("written");
        let (mut child, _) = Instance::process(BINARY.as_ref(), "serve --data", data);
        command_line(data, &["secret", "set", "receiver-key"], &bench.receiver.key_pem);
        let resources = data.join("resources.yaml");
        std::fs::write(&resources, self::resources(bench)).expect("written");
        command_line(data, &["apply", &resources.to_string_lossy()], "");
        let read = |name: &str| std::fs::read_to_string(data.join(name)).expect("an address").trim().to_owned();
        let (mut partner, mut admin) = (read("partner.address"), Some(read("admin.address")));
        if only_receives {
            // A ledger has one owner at a time.
            child.kill().and_then(|()| child.wait()).expect("it ends");
            let own = std::env::current_exe().expect("this program has a path");
            (child, partner) = Instance::process(&own, "--receive", data);
            admin = None;
        }
        let host = partner.strip_prefix("http://").expect("a plain address").to_owned();
        let receiver = [bench.receiver.own.certificate.clone()];
        Instance { folder, child, host, admin, sent: 0, receiver }
    }

    /// Starts a process on a data directory; what it says first.
    fn process(program: &Path, words: &str, data: &Path) -> (Child, String) {
        let log = std::fs::File::create(data.join("stderr.log")).expect("a log");
        let mut command = Command::new(program);
        command.args(words.split(' ')).arg(data).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert!(line.contains("http://"), "it did not start: {line:?}");
        (child, line.trim().to_owned())
    }

    /// Sends so many and waits until all is done with them.
    fn run(&mut self, runtime: &tokio::runtime::Runtime, senders: usize, made: &[Message], count: usize) -> Run {
        let before = cpu::of(self.child.id());
        let begin = Instant::now();
        let answers = runtime.block_on(self.send(senders, made, count));
        let wall = begin.elapsed().as_secs_f64();
        self.sent += count;
        if let Some(admin) = &self.admin {
            runtime.block_on(settled(admin, self.sent));
        }
        let cpu = cpu::of(self.child.id()) - before;
        assert_eq!(answers.len(), count);
        for Answer { at, id, headers, body } in answers {
            let found = receipt::read(&headers, &body, &self.receiver, SystemClock.now());
            let found = found.unwrap_or_else(|error| panic!("{error}"));
            let proved = found.proves(&id, &[made[at].mic.clone()], true);
            proved.unwrap_or_else(|unproved| panic!("{}", unproved.reason));
        }
        // What was kept is not wanted again, and 10 MB are soon very many.
        self.forget();
        Run { wall: wall / count as f64, cpu: cpu / count as f64 }
    }

    /// Removes the files of payloads, which nobody reads any more.
    fn forget(&self) {
        let files = std::fs::read_dir(self.folder.path().join("payload")).expect("a folder");
        for file in files {
            std::fs::remove_file(file.expect("a file").path()).expect("removed");
        }
    }

    /// Sends messages from so many senders at once.
    async fn send(&self, senders: usize, made: &[Message], count: usize) -> Vec<Answer> {
        let (queue, answers) = (RefCell::new(self.sent..self.sent + count), RefCell::new(Vec::new()));
        let sender = async || {
            let mut wire = Wire::new(TcpStream::connect(&self.host).await.expect("it listens"));
            loop {
                let next = queue.borrow_mut().next();
                let Some(number) = next else { return };
                let (at, id) = (number % made.len(), format!("<{number}@bench>"));
                wire.write(&made[at].head(&self.host, &id), &made[at].body).await;
                let answer = wire.read().await.expect("an answer");
                assert_eq!(answer.status(), "200", "{}", String::from_utf8_lossy(&answer.body));
                let headers = Headers::parse(answer.head.as_bytes());
                answers.borrow_mut().push(Answer { at, id, headers, body: answer.body });
            }
        };
        futures_util::future::join_all((0..senders).map(|_| sender())).await;
        answers.take()
    }
}

/// What a message was answered, and which of those that were made it was.
struct Answer {
    at: usize,
    id: String,
    headers: Headers,
    body: Vec<u8>,
}

/// Waits until the ledger says of so many messages that all are where they end.
async fn settled(admin: &str, sent: usize) {
    let begin = Instant::now();
    loop {
        let metrics = metrics(admin).await;
        let rows = |place: &str| {
            let name = format!("portolan_ledger_rows{{stage=\"transmissions\",where=\"{place}\"}}");
            let line = metrics.lines().find(|line| line.starts_with(&name)).expect("a metric");
            line.rsplit(' ').next().and_then(|value| value.parse::<usize>().ok()).expect("a number")
        };
        if rows("open") == 0 {
            assert_eq!(rows("rejected"), sent, "none of them is an interchange");
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "the ledger does not come to rest: {metrics}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn metrics(admin: &str) -> String {
    let host = admin.strip_prefix("http://").expect("a plain address");
    let mut wire = Wire::new(TcpStream::connect(host).await.expect("it listens"));
    wire.write(&format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n"), b"").await;
    String::from_utf8_lossy(&wire.read().await.expect("an answer").body).into_owned()
}

impl Drop for Instance {
    fn drop(&mut self) {
        // What it has answered is committed; killing it is the end it has to bear.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command that must succeed.
fn command_line(data: &Path, words: &[&str], input: &str) {
    let mut command = Command::new(BINARY);
    command.args(words).env("PORTOLAN_DATA", data).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Messages from Sender to Receiver.
fn resources(bench: &Bench) -> String {
    let certificate = |name: &str, keys: &Keys, key: &str| {
        let pem = keys.certificate_pem.trim().replace('\n', "\n  ");
        format!("---\nkind: certificate\nname: {name}\npem: |\n  {pem}\n{key}")
    };
    let (own, theirs) = (
        certificate("receiver", &bench.receiver, "key: { secret: receiver-key }\n"),
        certificate("sender", &bench.sender, ""),
    );
    format!(
        "kind: partner\nname: sender\nparty_ids: [ZZ:SENDER]\n{own}{theirs}\
         ---\nkind: channel\nname: sender-as2\ntransport: as2\nway: in\npartners: [sender]\nallow_networks: [127.0.0.0/8]\n\
         as2: {{ from: SENDER, to: RECEIVER, certificates: [sender], keys: [receiver] }}\n"
    )
}
