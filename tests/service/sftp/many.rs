//! Many at once, and large: sessions by the hundred, files by the ten thousand, a gigabyte in and out. Sessions are of a client of
//! the test's own, since hundreds of processes would measure the machine; what takes minutes runs by `make sftp-large`.

use super::super::edi::order;
use super::super::stage::Stage;
use super::client::{Client, digest, port};
use super::https::Caller;
use super::{SFTP, came, names, resources};
use portolan::transport::sftp::wire;
use russh::ChannelStream;
use russh::client::{self, Handle, Msg};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

/// Sessions of one address that the server takes.
const OF_ONE_ADDRESS: usize = 16;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const WRITE: u8 = 6;
const RENAME: u8 = 18;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
/// Bytes of one write.
const PIECE_BYTES: usize = 200 * 1024;

/// The instance's key is known by other tests.
struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// A session of the file protocol.
struct Session {
    _handle: Handle<Trusting>,
    stream: ChannelStream<Msg>,
    number: u32,
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat()
}

impl Session {
    /// Comes in from the loopback address of this number.
    async fn open(to: SocketAddr, from: u8, user: &str, key: &Arc<PrivateKey>) -> Session {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, from), 0))).expect("an address of the loopback");
        let stream = socket.connect(to).await.expect("a connection");
        let mut handle =
            client::connect_stream(Arc::new(client::Config::default()), stream, Trusting).await.expect("a session");
        let key = PrivateKeyWithHashAlg::new(key.clone(), None);
        assert!(handle.authenticate_publickey(user, key).await.expect("an answer").success(), "let in");
        let channel = handle.channel_open_session().await.expect("a channel");
        channel.request_subsystem(true, "sftp").await.expect("asked");
        let mut session = Session { _handle: handle, stream: channel.into_stream(), number: 0 };
        let answer = session.exchange(&[&[1, 0, 0, 0, 3]]).await;
        assert_eq!(answer[..5], [2, 0, 0, 0, 3], "SSH_FXP_VERSION 3");
        session
    }

    async fn exchange(&mut self, parts: &[&[u8]]) -> Vec<u8> {
        let packet = parts.concat();
        self.stream.write_all(&text(&packet)).await.expect("sent");
        let length = self.stream.read_u32().await.expect("an answer");
        let mut answer = vec![0; length as usize];
        self.stream.read_exact(&mut answer).await.expect("an answer");
        answer
    }

    async fn ask(&mut self, kind: u8, parts: &[&[u8]]) -> Vec<u8> {
        self.number += 1;
        let number = self.number.to_be_bytes();
        self.exchange(&[&[&[kind][..], &number].concat(), &parts.concat()]).await
    }

    /// The status of a rename.
    async fn rename(&mut self, from: &str, to: &str) -> Vec<u8> {
        self.ask(RENAME, &[&text(from.as_bytes()), &text(to.as_bytes())]).await[5..9].to_vec()
    }

    async fn put(&mut self, path: &str, bytes: &[u8]) {
        let flags = (wire::FLAG_WRITE | wire::FLAG_CREATE | wire::FLAG_TRUNCATE).to_be_bytes();
        let opened = self.ask(OPEN, &[&text(path.as_bytes()), &flags, &[0; 4]]).await;
        assert_eq!(opened[0], HANDLE, "{path}: {}", String::from_utf8_lossy(&opened));
        let handle = opened[5..].to_vec();
        for (number, piece) in (0_u64..).zip(bytes.chunks(PIECE_BYTES)) {
            let offset = number * PIECE_BYTES as u64;
            self.ask(WRITE, &[&handle, &offset.to_be_bytes(), &text(piece)]).await;
        }
        let closed = self.ask(CLOSE, &[&handle]).await;
        assert_eq!((closed[0], &closed[5..9]), (STATUS, &[0; 4][..]), "{path}: {}", String::from_utf8_lossy(&closed));
    }
}

/// Sessions at once, no more of one address than it may have.
async fn sessions(stage: &Stage, client: &Client, count: usize) -> Vec<Session> {
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port(stage).parse().expect("a port")));
    let key = Arc::new(load_secret_key(client.path("key"), None).expect("a key"));
    let open = (0..count).map(|number| {
        let (key, from) = (key.clone(), u8::try_from(1 + number / OF_ONE_ADDRESS).expect("few"));
        tokio::spawn(async move { Session::open(to, from, "northstores", &key).await })
    });
    let open: Vec<_> = open.collect();
    let mut all = Vec::new();
    for one in open {
        all.push(one.await.expect("a session"));
    }
    all
}

async fn staged(sessions: &str) -> (Stage, Client) {
    let stage = Stage::bare(&format!("{SFTP}idle_seconds = 3600\n")).await;
    let (retailer, supplier) = (Client::new("northstores"), Client::new("lamps"));
    stage.apply(&resources(&retailer.public_key(), &supplier.public_key(), sessions, ""));
    (stage, retailer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_sessions_at_once_each_drop_a_file() {
    const SESSIONS: usize = 300;
    let (stage, retailer) = staged("sessions: 300\nuploads: 300").await;
    let before = stage.memory("VmRSS:");
    let open = sessions(&stage, &retailer, SESSIONS).await;
    let each = (stage.memory("VmRSS:").saturating_sub(before)) * 1024 / SESSIONS as u64;
    assert!(each < 1024, "{each} KiB for a session that does nothing");
    // One more of this mailbox is let in and can do nothing.
    let more = retailer.run(&stage, "ls\n");
    assert!(!more.status.success(), "the mailbox has as many as it may have");
    let puts = open.into_iter().enumerate().map(|(number, mut session)| {
        let number = u32::try_from(number + 1).expect("few");
        let bytes = order(&format!("M-{number}"), number);
        tokio::spawn(async move {
            session.put(&format!("in/{number}.edi"), &bytes).await;
            session
        })
    });
    let puts: Vec<_> = puts.collect();
    let mut still = Vec::new();
    for put in puts {
        still.push(put.await.expect("taken"));
    }
    came(&stage, SESSIONS).await;
    drop(still);
    stage
        .until("their places are free again", || async { retailer.run(&stage, "ls\n").status.success().then_some(()) })
        .await;
    stage.balanced().await;
}

/// A client whose connection broke comes back and renames again, while the first rename is still at work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_two_sessions_rename_at_once_is_taken_once() {
    let (stage, retailer) = staged("repeats: taken").await;
    let mut open = sessions(&stage, &retailer, 3).await;
    let (mut third, mut second, mut first) = (open.pop().expect("3"), open.pop().expect("2"), open.pop().expect("1"));
    let mut large = order("4711", 1);
    large.resize(16 * 1024 * 1024, b'\n');
    first.put("in/large.tmp", &large).await;
    let (one, two, three) = tokio::join!(
        first.rename("in/large.tmp", "in/large.edi"),
        second.rename("in/large.tmp", "in/large.edi"),
        third.rename("in/large.tmp", "in/large.edi")
    );
    let done = [&one, &two, &three].iter().filter(|status| status[..] == [0; 4]).count();
    assert_eq!(done, 1, "{one:?} {two:?} {three:?}");
    stage.deliveries("delivered", 2).await;
    came(&stage, 1).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: make sftp-large"]
async fn ten_thousand_tiny_files_come_in_and_are_taken_each_once() {
    const FILES: u32 = 10_000;
    const SESSIONS: usize = 32;
    let (stage, retailer) = staged("sessions: 32").await;
    let begin = Instant::now();
    let open = sessions(&stage, &retailer, SESSIONS).await;
    let work: Vec<_> = (0..)
        .zip(open)
        .map(|(first, mut session)| {
            tokio::spawn(async move {
                for number in (first..FILES).step_by(SESSIONS) {
                    session.put(&format!("in/tiny-{number}.txt"), format!("tiny {number}").as_bytes()).await;
                }
            })
        })
        .collect();
    for one in work {
        one.await.expect("all taken");
    }
    let taken = begin.elapsed();
    // Each is refused, since it is no document, and told of: these texts are as many files to be fetched.
    let north = Caller::new(&stage, "northstores");
    let mut told = 0;
    while told < FILES as usize {
        assert!(begin.elapsed() < Duration::from_secs(1200), "only {told} are told of");
        let leased = north.post("/errors/lease", json!({ "files": 100, "seconds": 600 })).await.body;
        let files: Vec<&str> =
            leased["items"].as_array().expect("items").iter().filter_map(|item| item["name"].as_str()).collect();
        told += files.len();
        if files.is_empty() {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        let done = north.post("/errors/confirm", json!({ "lease": leased["lease"], "files": files })).await;
        assert_eq!(done.status, 200, "{done:?}");
    }
    assert_eq!((told, names(&retailer, &stage, "errors").len()), (FILES as usize, 0));
    assert_eq!(super::transmissions(&stage).await.len(), FILES as usize);
    stage.balanced().await;
    let (whole, peak) = (begin.elapsed(), stage.memory("VmHWM:"));
    println!("{FILES} files: taken in {taken:.0?}, told and confirmed after {whole:.0?}, peak memory {peak} MiB");
}

/// Bytes that are no document, so that nothing but the mailbox is at work.
fn gigabyte(path: &std::path::Path) {
    use std::io::Write as _;
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).expect("a file"));
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..(1024 * 1024 * 1024 / 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes()).expect("written");
    }
    file.flush().expect("written");
}

fn digest_of(path: &std::path::Path) -> String {
    digest(&std::fs::read(path).expect("a file"))
}

/// No translation makes a gigabyte; so the row that a delivery would put into the mailbox is written by hand, of the bytes that came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes and 4 GB of disk: make sftp-large"]
async fn a_gigabyte_comes_in_and_goes_out_and_memory_stays_flat() {
    let (mut stage, retailer) = staged("").await;
    gigabyte(&retailer.path("large.bin"));
    let wanted = digest_of(&retailer.path("large.bin"));
    retailer.file("small.bin", &vec![7; 1024 * 1024]);
    retailer.done(&stage, "put small.bin in/\n");
    came(&stage, 1).await;
    let (before, begin) = (stage.memory("VmHWM:"), Instant::now());
    retailer.done(&stage, "put large.bin in/\n");
    let put = begin.elapsed();
    let rows = came(&stage, 2).await;
    let row = rows.iter().find(|row| row["file_name"] == "large.bin").expect("it came");
    assert_eq!(row["digest"].as_str(), Some(wanted.as_str()));
    let id = row["transmission_id"].as_str().expect("an id").to_owned();
    let peak_in = stage.memory("VmHWM:");
    stage.kill();
    let url = format!("sqlite://{}", stage.data().join("portolan.db").display());
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&url).await.expect("the ledger");
    sqlx::query(
        "INSERT INTO mailbox_file (mailbox_file_id, mailbox, folder, name, payload_id, transmission_id, size, created_at)
         SELECT 'mbf_large', 'northstores', 'acks', 'large.bin', payload_id, transmission_id, size, created_at
         FROM transmission WHERE transmission_id = $1",
    )
    .bind(&id)
    .execute(&pool)
    .await
    .expect("a row");
    // Nothing but the mailbox is to be at work while memory is looked at: what came is done with, so that the start makes no job anew.
    sqlx::query("DELETE FROM job").execute(&pool).await.expect("no job");
    sqlx::query("UPDATE transmission SET state = 'rejected'").execute(&pool).await.expect("done with");
    pool.close().await;
    stage.start_again(&[]);
    retailer.done(&stage, "ls acks\n");
    let (idle, begin) = (stage.memory("VmHWM:"), Instant::now());
    retailer.done(&stage, "get acks/large.bin got/\n");
    let (get, peak_out) = (begin.elapsed(), stage.memory("VmHWM:"));
    assert_eq!(digest_of(&retailer.path("got/large.bin")), wanted);
    let north = Caller::new(&stage, "northstores");
    let body = north.get("/acks/large.bin", &[]).await.bytes().await.expect("a body");
    assert_eq!((body.len(), digest(&body)), (1024 * 1024 * 1024, wanted));
    let peak_https = stage.memory("VmHWM:");
    println!(
        "1 GiB: in {put:.0?}, peak memory {before} to {peak_in} MiB; out {get:.0?}, {idle} to {peak_out} MiB, over HTTPS \
         {peak_https} MiB"
    );
    let listed = north.ask(reqwest::Method::GET, "/acks").await.body;
    assert_eq!(listed["items"].as_array().expect("items").last().expect("it")["fetched"], 2, "{listed:#}");
    assert!(peak_in < before + 64 && peak_https < idle + 64, "{before} {peak_in} {idle} {peak_out} {peak_https} MiB");
}
