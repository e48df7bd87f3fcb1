//! What the SFTP server costs beside OpenSSH's, in seconds of the server's processor; `make bench-sftp` runs it.
//!
//! The same OpenSSH client goes to both in the same rounds: many sessions that each drop one file of 10 KB, and one session that
//! drops a file of 256 MB, with the client's own choice of cipher and with one that both are told. OpenSSH's server writes a file and
//! promises nothing. Ours seals, syncs and commits each; of the small ones all is counted that becomes of them (they are no
//! documents: looked into, refused, and the reason laid into the mailbox), of the large one what it takes until it is answered. It
//! asserts no time; that every file was taken, it does.

#[path = "../service/cpu.rs"]
mod cpu;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_portolan");
const SSHD: &str = "/usr/sbin/sshd";
/// Of how many rounds the median is taken; each runs every case once against both.
const ROUNDS: usize = 5;
const ROUNDS_QUICK: usize = 1;
/// Sessions of the first case, and the bytes that each drops.
const SESSIONS: usize = 50;
const SMALL_BYTES: usize = 10_000;
/// The file of the second.
const LARGE_BYTES: usize = 256 * 1024 * 1024;
/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a server needs to look after a process that ended.
const LOOKED_AFTER: Duration = Duration::from_millis(50);
/// A server that used no processor for so long is done.
const QUIET: Duration = Duration::from_millis(400);

/// A server with a folder to drop files into.
struct Server {
    child: Child,
    /// Seconds that it used: one process, or one for each session.
    used: fn(u32) -> f64,
    port: u16,
    user: String,
    /// What paths begin with.
    inlet: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn key(path: &Path) {
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path));
}

impl Server {
    /// Ours.
    fn portolan(work: &Path) -> Server {
        let data = work.join("portolan");
        std::fs::create_dir(&data).expect("a folder");
        let configuration = "[partner]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[sftp]\nlisten = \"127.0.0.1:0\"\n";
        std::fs::write(data.join("portolan.toml"), configuration).expect("written");
        let log = std::fs::File::create(data.join("stderr.log")).expect("a log");
        let mut command = Command::new(BINARY);
        command.args(["serve", "--data"]).arg(&data).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the binary");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert!(line.starts_with("READY"), "it did not start");
        let public = std::fs::read_to_string(work.join("key.pub")).expect("a key");
        let resources = format!(
            "kind: partner\nname: north\nparty_ids: [ZZ:NORTH]\n---\nkind: mailbox\nname: north\nkeys: [\"{}\"]\n---\nkind: \
             channel\nname: north-in\ntransport: sftp\nway: in\nmailbox: north\npartners: [north]\n",
            public.trim()
        );
        std::fs::write(data.join("resources.yaml"), resources).expect("written");
        run(Command::new(BINARY).arg("apply").arg(data.join("resources.yaml")).env("PORTOLAN_DATA", &data));
        let address = std::fs::read_to_string(data.join("sftp.address")).expect("an address");
        let port = address.trim().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        Server { child, used: cpu::of, port, user: "north".to_owned(), inlet: "in".to_owned() }
    }

    /// OpenSSH's.
    fn openssh(work: &Path) -> Server {
        let folder = work.join("openssh");
        std::fs::create_dir_all(folder.join("in")).expect("a folder");
        // Where it wants to give up its rights; only root has any.
        let _ = std::fs::create_dir("/run/sshd");
        key(&folder.join("host"));
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
        let path = |name: &str| folder.join(name).display().to_string();
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\n\
             PasswordAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n",
            path("host"),
            work.join("key.pub").display()
        );
        std::fs::write(folder.join("sshd_config"), configuration).expect("written");
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let mut command = Command::new(SSHD);
        let child = command.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config")).stderr(log).spawn().expect(SSHD);
        let user = run(&mut Command::new("whoami")).trim().to_owned();
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "it did not start; see {}", path("log"));
            std::thread::sleep(Duration::from_millis(50));
        }
        Server { child, used: cpu::of_family, port, user, inlet: path("in") }
    }

    fn used(&self) -> f64 {
        (self.used)(self.child.id())
    }

    /// Seconds of the processor that work took: until the server is quiet again, or where `at_once`, until the client was answered
    /// and the server has looked after its processes.
    fn cost(&self, at_once: bool, work: impl FnOnce()) -> f64 {
        let before = self.used();
        work();
        std::thread::sleep(LOOKED_AFTER);
        let answered = self.used() - before;
        let (mut used, mut since) = (self.used(), Instant::now());
        while since.elapsed() < QUIET {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.used();
            if now > used {
                (used, since) = (now, Instant::now());
            }
        }
        if at_once { answered } else { used - before }
    }

    /// A session that drops a file.
    fn drop_file(&self, work: &Path, cipher: Option<&str>, file: &Path, name: &str) {
        let mut command = Command::new("sftp");
        command.args(["-q", "-b", "-", "-P", &self.port.to_string(), "-i"]).arg(work.join("key"));
        for option in
            ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes"]
        {
            command.args(["-o", option]);
        }
        if let Some(cipher) = cipher {
            command.args(["-c", cipher]);
        }
        command.arg(format!("{}@127.0.0.1", self.user)).env_remove("SSH_AUTH_SOCK");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("sftp");
        let lines = format!("put {} {}/{name}\n", file.display(), self.inlet);
        child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("written");
        assert!(child.wait().expect("an end").success(), "{name} was not taken");
    }
}

/// Bytes that are no document, others each time.
fn bytes(file: &Path, length: usize, seed: u64) {
    let mut state = seed | 1;
    let words = (0..length.div_ceil(8)).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    std::fs::write(file, words.take(length).collect::<Vec<u8>>()).expect("written");
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// A case: what it is called, its cipher, whether it is the large file.
const CASES: [(&str, Option<&str>, bool); 4] = [
    ("login and one file of 10 KB, as the client chooses", None, false),
    ("login and one file of 10 KB, aes256-gcm", Some("aes256-gcm@openssh.com"), false),
    ("one file of 256 MB, as the client chooses", None, true),
    ("one file of 256 MB, aes256-gcm", Some("aes256-gcm@openssh.com"), true),
];

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let folder = tempfile::tempdir().expect("a folder");
    let work = folder.path();
    key(&work.join("key"));
    let servers = [Server::portolan(work), Server::openssh(work)];
    let file: PathBuf = work.join("file");
    let mut costs = vec![[Vec::new(), Vec::new()]; CASES.len()];
    let mut seed = 0;
    for _ in 0..if is_quick { ROUNDS_QUICK } else { ROUNDS } {
        for (case, (_, cipher, is_large)) in CASES.iter().enumerate() {
            for (at, server) in servers.iter().enumerate() {
                let (count, length) = if *is_large { (1, LARGE_BYTES) } else { (SESSIONS, SMALL_BYTES) };
                let files: Vec<PathBuf> = (0..count).map(|number| file.with_extension(number.to_string())).collect();
                for file in &files {
                    seed += 1;
                    bytes(file, length, 0x9E37_79B9_7F4A_7C15 ^ (seed << 8));
                }
                let cost = server.cost(*is_large, || {
                    for file in &files {
                        seed += 1;
                        server.drop_file(work, *cipher, file, &format!("{seed}.bin"));
                    }
                });
                costs[case][at].push(cost / count as f64);
            }
        }
    }
    println!("| | portolan | OpenSSH | for each CPU second |\n|---|---|---|---|");
    for ((name, ..), [own, other]) in CASES.iter().zip(costs) {
        let (own, other) = (median(own), median(other));
        println!("| {name} | {:.1} ms | {:.1} ms | {:.2}× |", own * 1000.0, other * 1000.0, other / own);
    }
    let version = Command::new("ssh").arg("-V").output().map(|output| output.stderr).unwrap_or_default();
    println!("\n{}", String::from_utf8_lossy(&version).trim());
}
