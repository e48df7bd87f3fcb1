//! The product as it is installed: its binary in a process of its own, set up by its command line, asked by its metrics.

use crate::backend::Ground;
use crate::cpu;
use crate::document::Document;
use crate::load;
use crate::peer::Peer;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_portolan");
/// How long the ledger may take to say that all is done, after the receiver has got it.
const PATIENCE: Duration = Duration::from_secs(60);
/// All as it comes, on ports that are free.
const CONFIGURATION: &str =
    "[partner]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[sftp]\nlisten = \"off\"\n";

/// A running instance.
pub struct Instance {
    child: Child,
    data: PathBuf,
    /// Where partners reach it.
    partner: String,
    admin: String,
    /// Of the channel in.
    pub token: String,
    /// The database server's first process, where there is one.
    pub server: Option<u32>,
}

/// What one run took, all of it for each document.
#[derive(Debug, Clone)]
pub struct Run {
    /// Seconds until it was taken: durable, and its sender answered.
    pub taken: f64,
    /// Seconds until the receiver had it.
    pub delivered: f64,
    /// Seconds of the processor: the product's, and the database server's.
    pub cpu: [f64; 2],
    /// Commits that were synced.
    pub commits: f64,
    /// Writes in them, by their names.
    pub writes: BTreeMap<String, f64>,
    /// Documents for each connection that the receiver saw.
    pub reuse: f64,
}

impl Instance {
    /// Starts it on a ledger, with a sender of 850 and a receiver of ORDERS at this port.
    pub async fn start(ground: &Ground, port: u16) -> Instance {
        let data = ground.path().to_owned();
        std::fs::write(data.join("portolan.toml"), format!("{}{CONFIGURATION}", ground.line())).expect("written");
        let log = std::fs::File::create(data.join("stderr.log")).expect("a log");
        let mut command = Command::new(BINARY);
        command.args(["serve", "--data"]).arg(&data).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the binary");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        assert!(line.starts_with("READY"), "it did not start; see {}", data.join("stderr.log").display());
        std::fs::write(data.join("resources.yaml"), resources(port)).expect("written");
        let resources = data.join("resources.yaml");
        command_line(&data, &["apply", &resources.to_string_lossy()]);
        let token = command_line(&data, &["token", "create", "--channel", "northstores-in"]);
        let read = |name: &str| std::fs::read_to_string(data.join(name)).expect("an address").trim().to_owned();
        let (partner, admin) = (read("partner.address"), read("admin.address"));
        Instance { child, partner, admin, token, server: ground.database().and_then(|_| server()), data }
    }

    /// Sends all, waits until each is delivered and the ledger says so.
    pub async fn run(&self, peer: &Peer, senders: usize, documents: Vec<Document>) -> Run {
        let count = documents.len();
        let wanted = peer.orders() + count;
        let (before, connections, begin) = (self.used().await, peer.connections(), Instant::now());
        let taken = load::send(&self.partner, &self.token, senders, documents).await;
        let delivered = peer.has(wanted).await - begin;
        let after = self.settled(wanted).await;
        peer.got_each_once(wanted);
        let each = |total: f64| total / count as f64;
        let writes = after.writes.iter().map(|(name, now)| {
            let then = before.writes.get(name).copied().unwrap_or(0.0);
            (name.clone(), each(now - then))
        });
        Run {
            taken: each(taken.as_secs_f64()),
            delivered: each(delivered.as_secs_f64()),
            cpu: [0, 1].map(|at| each(after.cpu[at] - before.cpu[at])),
            commits: each(after.commits - before.commits),
            writes: writes.filter(|(_, count)| *count > 0.0).collect(),
            reuse: count as f64 / (peer.connections() - connections).max(1) as f64,
        }
    }

    /// What was used once the ledger says of so many deliveries in all that they are delivered.
    async fn settled(&self, deliveries: usize) -> Used {
        let begin = Instant::now();
        loop {
            let used = self.used().await;
            if used.delivered >= deliveries as f64 {
                return used;
            }
            assert!(begin.elapsed() < PATIENCE, "{} of {deliveries} deliveries are in the ledger", used.delivered);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn used(&self) -> Used {
        let url = format!("{}/metrics", self.admin);
        let text = reqwest::get(url).await.expect("metrics").text().await.expect("text");
        let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).unwrap_or(0.0);
        let one = |name: &str| text.lines().find(|line| line.starts_with(name)).map_or(0.0, value);
        let names = text.lines().filter_map(|line| {
            let name = line.strip_prefix("portolan_writes_total{write=\"")?.split('"').next()?;
            Some((name.to_owned(), value(line)))
        });
        Used {
            cpu: [cpu::of(self.child.id()), self.server.map_or(0.0, cpu::of_family)],
            commits: one("portolan_commits_total "),
            delivered: one("portolan_ledger_rows{stage=\"deliveries\",where=\"delivered\"}"),
            writes: names.collect(),
        }
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        assert!(self.child.wait().expect("an end").success(), "it stops well");
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // After `stop` there is nothing left to kill.
        let _ = self.child.kill();
    }
}

struct Used {
    cpu: [f64; 2],
    commits: f64,
    delivered: f64,
    writes: BTreeMap<String, f64>,
}

/// Runs a command that must succeed; its output.
fn command_line(data: &Path, words: &[&str]) -> String {
    let output = Command::new(BINARY).args(words).env("PORTOLAN_DATA", data).output().expect("the binary");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The first process of the server that the bench has started.
fn server() -> Option<u32> {
    let socket = Ground::socket()?;
    let file = std::fs::read_to_string(socket.with_file_name("data").join("postmaster.pid")).ok()?;
    file.lines().next()?.trim().parse().ok()
}

/// North Stores sends 850, Light and Lamp gets ORDERS.
fn resources(port: u16) -> String {
    format!(
        "\
kind: partner
name: northstores
party_ids: [ZZ:NORTHSTORES]
---
kind: partner
name: lamps
party_ids: [\"14:4012345000030\"]
---
kind: channel
name: northstores-in
transport: http
way: in
auth: token
---
kind: channel
name: lamps-out
transport: http
way: out
url: http://127.0.0.1:{port}/edi
allow_networks: [127.0.0.0/8]
---
kind: agreement
name: northstores-orders
way: in
partner: northstores
document: x12/004010/850
---
kind: agreement
name: lamps-orders
way: out
partner: lamps
document: edifact/d96a/ORDERS
channel: lamps-out
envelope: {{ sender: \"14:4098765000003\", receiver: \"14:4012345000030\" }}
---
kind: route
name: orders-to-lamps
from: northstores-orders
to: lamps-orders
"
    )
}
