//! An instance of the real binary, with two partners set up: North Stores sends 850 over HTTP and gets 997, Light and
//! Lamp gets ORDERS.

use super::peer::Peer;
use portolan::clock::{Clock as _, SystemClock};
use portolan::config::Config;
use portolan::id::SystemRandom;
use portolan::partner::{Resource, parse};
use portolan::store::resource::ResourceChange;
use portolan::store::{Actor, Store};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::future::Future;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// The service closes a connection over which nobody asks for ten seconds (`header_seconds`): a client lets go of it before, or its
/// next question may meet the close.
const CONNECTION_IDLE: Duration = Duration::from_secs(5);

/// A running instance.
pub struct Stage {
    folder: TempDir,
    pub child: Child,
    pub admin: String,
    pub partner: String,
    pub client: reqwest::Client,
    /// Token of the channel `northstores-in`.
    pub token: String,
}

/// What an instance answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn word(&self, key: &str) -> &str {
        self.body[key].as_str().unwrap_or_default()
    }
}

impl Stage {
    /// An instance without resources; `sections` go into `portolan.toml`.
    pub async fn bare(sections: &str) -> Stage {
        Stage::on("", sections).await
    }

    /// An instance with a configuration of its own, and with files beside it.
    pub async fn configured(configuration: &str, files: &[(&str, &str)]) -> Stage {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files.iter().chain(&[("portolan.toml", configuration)]) {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        Stage::in_folder(folder)
    }

    /// The same; `database` is the line that leads to another database, or empty.
    pub async fn on(database: &str, sections: &str) -> Stage {
        Stage::made(tempfile::tempdir().expect("a temporary folder"), database, sections)
    }

    /// An instance that finds resources in its ledger when it starts, so that they count from its first look on. Its data
    /// directory is made within `place`.
    pub async fn prepared(place: &Path, sections: &str, yaml: &str) -> Stage {
        let folder = tempfile::tempdir_in(place).expect("a temporary folder");
        let config = Config::default();
        portolan::app::init(folder.path(), &config).await.expect("a ledger");
        let now = SystemClock.now();
        let (store, _) =
            Store::open(folder.path(), None, Arc::new(SystemRandom), "test", now).await.expect("the same ledger");
        let change = |one: Resource| ResourceChange { kind: one.kind, name: one.name, body: Some(one.body) };
        let changes = parse("resources.yaml", yaml).expect("resources").into_iter().map(change).collect();
        store.apply(changes, 0, &Actor("test".to_owned()), now).await.expect("applied");
        store.close().await;
        // The process that starts holds the folder next.
        drop(store);
        Stage::made(folder, "", sections)
    }

    fn made(folder: TempDir, database: &str, sections: &str) -> Stage {
        let listen = "[partner]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
        // Mailboxes are reached where a test says so.
        let mailboxes = if sections.contains("[sftp]") { "" } else { "[sftp]\nlisten = \"off\"\n" };
        let text = format!("{database}{listen}{mailboxes}{sections}");
        std::fs::write(folder.path().join("portolan.toml"), text).expect("the configuration");
        Stage::in_folder(folder)
    }

    /// An instance without resources whose data directory is made within a folder.
    pub async fn within(place: &Path, sections: &str) -> Stage {
        Stage::made(tempfile::tempdir_in(place).expect("a temporary folder"), "", sections)
    }

    fn in_folder(folder: TempDir) -> Stage {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).pool_idle_timeout(CONNECTION_IDLE);
        let client = client.build().expect("a client");
        let child = spawn(folder.path(), &[]);
        let mut stage =
            Stage { folder, child, admin: String::new(), partner: String::new(), client, token: String::new() };
        stage.ready();
        stage
    }

    /// An instance with both partners.
    pub async fn with(retailer: &Peer, supplier: &Peer, sections: &str) -> Stage {
        Stage::with_on("", retailer, supplier, sections).await
    }

    /// The same on another database.
    pub async fn with_on(database: &str, retailer: &Peer, supplier: &Peer, sections: &str) -> Stage {
        let mut stage = Stage::on(database, sections).await;
        stage.apply(&resources(retailer.port, supplier.port));
        stage.token = stage.new_token("northstores-in");
        stage
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until the process says it is ready, and learns its addresses.
    fn ready(&mut self) {
        let out = self.child.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("a line");
        assert!(line.starts_with("READY http://"), "it did not start: {line:?}\n{}", self.last());
        let read = |name: &str| std::fs::read_to_string(self.data().join(name)).expect("an address").trim().to_owned();
        (self.admin, self.partner) = (read("admin.address"), read("partner.address"));
    }

    /// Starts the process again, after it ended or was killed.
    pub fn start_again(&mut self, environment: &[(&str, &str)]) {
        self.child = spawn(self.data(), environment);
        self.ready();
    }

    /// Like [`Stage::start_again`], where the process may die before it is ready.
    pub fn try_start_again(&mut self, environment: &[(&str, &str)]) -> bool {
        self.child = spawn(self.data(), environment);
        let out = self.child.stdout.take().expect("a pipe");
        let mut line = String::new();
        let is_ready = BufReader::new(out).read_line(&mut line).is_ok() && line.starts_with("READY");
        if is_ready {
            let read = |name: &str| std::fs::read_to_string(self.data().join(name)).unwrap_or_default();
            (self.admin, self.partner) =
                (read("admin.address").trim().to_owned(), read("partner.address").trim().to_owned());
        }
        is_ready
    }

    /// Resident memory of the instance in MiB: now (`VmRSS`) or at most so far (`VmHWM`).
    pub fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux says so");
        let line = status.lines().find(|one| one.starts_with(line)).expect("a process that lives");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
    }

    pub fn kill(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until the process is dead by a point that it was told to die at.
    pub async fn dies(&mut self, what: &str) {
        let begin = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(begin.elapsed() < PATIENCE, "it was not killed at {what}\n{}", self.last());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its process, for who tells it to go on where it stands still.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Asks it to stop, and waits for its exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(begin.elapsed() < PATIENCE, "it does not stop\n{}", self.last());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The end of what it has logged, for failures.
    fn last(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data().join("stderr.log")).unwrap_or_default()
    }

    /// Runs a command of the binary against the instance.
    pub fn cli(&self, line: &[&str], stdin: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_portolan"))
            .args(line)
            .env("PORTOLAN_DATA", self.data())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        child.stdin.take().expect("a pipe").write_all(stdin.as_bytes()).expect("written");
        child.wait_with_output().expect("an end")
    }

    /// Runs a command that must succeed; its output.
    pub fn done(&self, line: &[&str], stdin: &str) -> String {
        let output = self.cli(line, stdin);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line:?} failed: {out}{err}");
        out.into_owned()
    }

    /// Applies resources given as text.
    pub fn apply(&self, yaml: &str) -> String {
        self.done(&["apply", &self.file("resources.yaml", yaml)], "")
    }

    /// What is said when resources are refused.
    pub fn refused(&self, yaml: &str) -> String {
        let output = self.cli(&["apply", &self.file("resources.yaml", yaml)], "");
        assert!(!output.status.success(), "taken: {yaml}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Writes a file; its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.data().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    }

    pub fn new_token(&self, channel: &str) -> String {
        self.done(&["token", "create", "--channel", channel], "").trim().to_owned()
    }

    /// Posts to the partner listener.
    pub async fn post(&self, key: Option<&str>, body: impl Into<reqwest::Body>) -> Answer {
        self.try_post(key, body).await.expect("an answer")
    }

    pub async fn try_post(&self, key: Option<&str>, body: impl Into<reqwest::Body>) -> reqwest::Result<Answer> {
        let url = format!("{}/in/northstores-in", self.partner);
        let mut request = self.client.post(url).bearer_auth(&self.token).body(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        answer(request).await
    }

    /// Posts what must be taken; the transmission's id.
    pub async fn send(&self, body: impl Into<reqwest::Body>) -> String {
        let answer = self.post(None, body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.word("transmission").to_owned()
    }

    /// Posts over another channel what must be taken; the transmission's id.
    pub async fn send_over(&self, channel: &str, body: impl Into<reqwest::Body>) -> String {
        let (token, url) = (self.new_token(channel), format!("{}/in/{channel}", self.partner));
        let answer = answer(self.client.post(url).bearer_auth(token).body(body)).await.expect("an answer");
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.word("transmission").to_owned()
    }

    /// Asks the admin API.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let token = std::fs::read_to_string(self.data().join("admin.token")).expect("the admin token");
        let mut request = self.client.request(method, format!("{}{path}", self.admin)).bearer_auth(token.trim());
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await.expect("an answer")
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// The bytes of a transmission.
    pub async fn content(&self, id: &str) -> Vec<u8> {
        let token = std::fs::read_to_string(self.data().join("admin.token")).expect("the admin token");
        let url = format!("{}/api/v1/transmissions/{id}/content", self.admin);
        let kept = self.client.get(url).bearer_auth(token.trim()).send().await.expect("an answer");
        kept.bytes().await.expect("a body").to_vec()
    }

    /// The same; `None` where nobody answers.
    pub async fn get_or_none(&self, path: &str) -> Option<Value> {
        let token = std::fs::read_to_string(self.data().join("admin.token")).expect("the admin token");
        let request = self.client.get(format!("{}{path}", self.admin)).bearer_auth(token.trim());
        answer(request).await.ok().map(|answer| answer.body)
    }

    /// All rows of a list, page by page.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut after = String::new();
        loop {
            let glue = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{glue}limit=200{after}")).await;
            rows.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return rows,
            }
        }
    }

    /// Waits until a transmission is in a state; what is known of it then.
    pub async fn reaches(&self, id: &str, state: &str) -> Value {
        let path = format!("/api/v1/transmissions/{id}");
        let mut last = Value::Null;
        for _ in steps() {
            last = self.get(&path).await;
            if last["transmission"]["state"] == state {
                return last;
            }
            tokio::time::sleep(STEP).await;
        }
        panic!("{id} does not get {state}: {last:#}\n{}", self.last());
    }

    /// Waits until `found` finds something.
    pub async fn until<T, F: Future<Output = Option<T>>>(&self, what: &str, found: impl Fn() -> F) -> T {
        for _ in steps() {
            if let Some(done) = found().await {
                return done;
            }
            tokio::time::sleep(STEP).await;
        }
        panic!("not seen in time: {what}\n{}", self.last());
    }

    /// Waits until there are so many deliveries in a state, and returns them.
    pub async fn deliveries(&self, state: &str, count: usize) -> Vec<Value> {
        self.until(&format!("{count} deliveries {state}"), || async {
            let rows = self.list(&format!("/api/v1/deliveries?state={state}")).await;
            (rows.len() == count).then_some(rows)
        })
        .await
    }

    /// All sums of the ledger hold.
    pub async fn balanced(&self) {
        let status = self.get("/api/v1/status").await;
        let balances = status["balances"].as_array().expect("balances");
        assert!(balances.len() >= 3 && balances.iter().all(|one| one["holds"] == true), "{status:#}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A process by its number.
pub struct Process(u32);

impl Process {
    /// Waits until it stands still at a point where it was told to.
    pub fn stands_still(&self) {
        for _ in steps() {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).expect("Linux says so");
            // After the name in brackets, which may hold anything.
            if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')) {
                return;
            }
            std::thread::sleep(STEP);
        }
        panic!("it does not stand still");
    }

    /// Has it go on.
    pub fn goes_on(&self) {
        assert!(Command::new("kill").args(["-CONT", &self.0.to_string()]).status().expect("kill").success());
    }
}

const STEP: Duration = Duration::from_millis(50);

fn steps() -> std::ops::Range<u128> {
    0..PATIENCE.as_millis() / STEP.as_millis()
}

async fn answer(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await?;
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    Ok(Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) })
}

fn spawn(data: &Path, environment: &[(&str, &str)]) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(data.join("stderr.log")).expect("a log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    command.arg("serve").arg("--data").arg(data);
    // A test may lay mappings of its own over the packed ones.
    if data.join("mappings").exists() {
        command.arg("--mapping").arg(data.join("mappings"));
    }
    command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(log).spawn().expect("the binary")
}

/// What a buyer sends who writes UBL.
pub fn ubl_order() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ubl/2.1/Order/plain/in.xml");
    std::fs::read_to_string(file).expect("the fixture")
}

/// A buyer who writes and reads UBL: its orders go to the supplier, whose invoices come back. The further lines are those of
/// the agreements on orders and on invoices.
pub fn ubl_buyer(buyer: u16, orders: &str, invoices: &str) -> String {
    format!(
        "\
kind: partner
name: harbour
party_ids: [\"0088:4012345000009\"]
---
kind: channel
name: harbour-in
transport: http
way: in
auth: token
partners: [harbour]
---
kind: channel
name: harbour-out
transport: http
way: out
url: http://127.0.0.1:{buyer}/xml
allow_networks: [127.0.0.0/8]
---
kind: agreement
name: harbour-orders
way: in
partner: harbour
document: ubl/2.1/Order
{orders}
---
kind: route
name: harbour-to-lamps
from: harbour-orders
to: lamps-orders
---
kind: channel
name: lamps-in
transport: http
way: in
auth: token
partners: [lamps]
---
kind: agreement
name: lamps-invoices
way: in
partner: lamps
document: edifact/d96a/INVOIC
---
kind: agreement
name: harbour-invoices
way: out
partner: harbour
document: ubl/2.1/Invoice
channel: harbour-out
envelope: {{ sender: \"0088:4098765000003\", receiver: \"0088:4012345000009\" }}
{invoices}
---
kind: route
name: invoices-to-harbour
from: lamps-invoices
to: harbour-invoices
"
    )
}

/// Both partners, one route.
pub fn resources(retailer: u16, supplier: u16) -> String {
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
name: northstores-out
transport: http
way: out
url: http://127.0.0.1:{retailer}/edi
allow_networks: [127.0.0.0/8]
---
kind: channel
name: lamps-out
transport: http
way: out
url: http://127.0.0.1:{supplier}/edi
allow_networks: [127.0.0.0/8]
---
kind: agreement
name: northstores-orders
way: in
partner: northstores
document: x12/004010/850
ack: {{ functional: always, channel: northstores-out }}
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
