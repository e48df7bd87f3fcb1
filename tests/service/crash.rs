//! Killed by SIGKILL at every named point and at random under load. The sender repeats, under its own key, whatever was
//! not answered. Afterwards everything that was answered is there, every order was delivered, and no order travelled
//! under two keys or in two forms.

use super::backend::Ground;
use super::edi::{control_of, number_of, order};
use super::peer::Peer;
use super::stage::{PATIENCE, Stage};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Tells a figure past the test harness, which shows what is printed of failures only.
macro_rules! say {
    ($($text:tt)*) => { writeln!(std::io::stderr(), $($text)*).expect("an open stderr") };
}

/// Where the process is killed. `store` names the points; each must be hit.
pub const POINTS: [&str; 15] = [
    "payload.synced",
    "receive.before_commit",
    "receive.after_commit",
    "lease.before_commit",
    "lease.after_commit",
    "sequence.before_commit",
    "sequence.after_commit",
    "translate.before_commit",
    "translate.after_commit",
    "deliver_sending.before_commit",
    "deliver_sending.after_commit",
    "deliver_result.before_commit",
    "deliver_result.after_commit",
    "acknowledge.before_commit",
    "acknowledge.after_commit",
];
/// Kills at random moments.
const RANDOM_KILLS: u32 = 8;
/// Bodies above this lie in files, so that `payload.synced` is passed.
const LARGE_BYTES: usize = 300 * 1024;

/// Sends, and sends again under the same key until it is answered.
struct Sender {
    stage: Stage,
    retailer: Peer,
    supplier: Peer,
    next: u32,
    /// Transmission ids by key, as answered.
    answered: BTreeMap<String, String>,
    kills: u32,
}

fn body(number: u32) -> Vec<u8> {
    let mut bytes = order(&format!("C-{number}"), number);
    if number.is_multiple_of(5) {
        // Blanks after the interchange are no part of it, and make the body a large one.
        bytes.resize(LARGE_BYTES, b'\n');
    }
    bytes
}

impl Sender {
    async fn start(database: &str) -> Sender {
        let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
        let sections = "[delivery]\nretry_seconds = [1, 1, 1, 1, 1, 1]\n";
        let stage = Stage::with_on(database, &retailer, &supplier, sections).await;
        let yaml = super::stage::resources(retailer.port, supplier.port);
        let agreement = yaml.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it");
        // A deadline of no minutes, so that deadlines pass while it is being killed.
        stage.apply(&format!("{agreement}expect: {{ kind: contrl, within_minutes: 0 }}\n"));
        Sender { stage, retailer, supplier, next: 1, answered: BTreeMap::new(), kills: 0 }
    }

    /// Sends one order; false when the process died before it answered.
    async fn one(&mut self, number: u32) -> bool {
        let key = format!("crash-{number}");
        match self.stage.try_post(Some(&key), body(number)).await {
            Ok(answer) => {
                assert_eq!(answer.status, 202, "{answer:?}");
                let id = answer.word("transmission").to_owned();
                let before = self.answered.insert(key, id.clone());
                assert!(before.is_none_or(|before| before == id), "one key, two transmissions");
                true
            }
            Err(_) => false,
        }
    }

    /// Sends the next few, and repeats those of `open` first.
    async fn send(&mut self, count: u32, open: &mut Vec<u32>) {
        let fresh = self.next..self.next + count;
        self.next += count;
        for number in std::mem::take(open).into_iter().chain(fresh) {
            if !self.one(number).await {
                open.push(number);
            }
        }
    }

    fn is_dead(&mut self) -> bool {
        self.stage.child.try_wait().expect("a child").is_some()
    }

    /// Runs under a plan to die at `point`; whether it died there.
    async fn die_at(&mut self, point: &str, passing: u32, open: &mut Vec<u32>) -> bool {
        self.stage.kill();
        let plan = format!("{point}:{passing}");
        let is_ready = self.stage.try_start_again(&[("PORTOLAN_FAIL_POINT", &plan)]);
        if is_ready {
            self.send(5, open).await;
            let begin = Instant::now();
            while !self.is_dead() && begin.elapsed() < Duration::from_secs(15) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let died = self.is_dead();
        self.kills += u32::from(died);
        died
    }

    /// Starts without a plan and works off what is there: what takes its worker down twice is held as poison, and a
    /// document that happened to be at work when the process was killed twice in a row must not be tested for that.
    async fn recover(&mut self, open: &mut Vec<u32>) {
        self.stage.kill();
        self.stage.start_again(&[]);
        while !open.is_empty() {
            self.send(0, open).await;
        }
        let expected = (self.next - 1) as usize * 2;
        self.stage
            .until("all delivered", || async {
                let status = self.stage.get("/api/v1/status").await;
                let delivered = |one: &Value| one["stage"] == "deliveries" && one["terms"]["delivered"] == expected;
                status["balances"].as_array().expect("balances").iter().any(delivered).then_some(())
            })
            .await;
    }

    /// Everything is sent, taken and delivered, once.
    async fn settle(&mut self, mut open: Vec<u32>) {
        self.stage.kill();
        self.stage.start_again(&[]);
        while !open.is_empty() {
            self.send(0, &mut open).await;
        }
        let total = (self.next - 1) as usize;
        let begin = Instant::now();
        let mut released = 0;
        while self.delivered() < total && begin.elapsed() < PATIENCE * 2 {
            released += self.release_poison().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        say!("{released} were at work at two kills in a row, and were released by hand");
        self.stage.deliveries("delivered", total * 2).await;
        assert_eq!(self.answered.len(), total);
        let there: BTreeSet<String> = self
            .stage
            .list("/api/v1/transmissions?direction=in")
            .await
            .iter()
            .filter_map(|row| row["transmission_id"].as_str().map(str::to_owned))
            .collect();
        assert!(self.answered.values().all(|id| there.contains(id)), "something answered is not there");
        assert_eq!(there.len(), total, "something is there twice");
        self.once_each(&self.supplier, "orders", total);
        self.once_each(&self.retailer, "997", total);
        let documents = self.stage.list("/api/v1/documents?direction=in").await;
        let routed = documents.iter().filter(|one| one["processing"] == "routed").count();
        assert_eq!(routed, total, "each order is one document");
        self.stage.balanced().await;
    }

    /// What was at work at two kills in a row is held as poison; a person looks and lets it go on.
    async fn release_poison(&self) -> usize {
        let held = self.stage.list("/api/v1/transmissions?direction=in&state=held").await;
        let poison: Vec<&str> = held
            .iter()
            .filter(|row| row["code"] == "POISON")
            .filter_map(|row| row["transmission_id"].as_str())
            .collect();
        for id in &poison {
            self.stage.done(&["transmission", "release", id], "");
        }
        poison.len()
    }

    /// Orders that the supplier has.
    fn delivered(&self) -> usize {
        self.supplier.orders().iter().filter_map(|post| number_of(&post.body)).collect::<BTreeSet<_>>().len()
    }

    /// No document under two keys, no key with two bodies, no control number twice.
    fn once_each(&self, peer: &Peer, what: &str, total: usize) {
        let posts = peer.posts();
        let mut by_key: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for post in &posts {
            let first = by_key.entry(post.key().to_owned()).or_insert_with(|| post.body.clone());
            assert!(*first == post.body, "{what}: one key, two contents");
        }
        assert_eq!(by_key.len(), total, "{what}: {} posts", posts.len());
        let controls: BTreeSet<String> = by_key.values().map(|body| control_of(body)).collect();
        assert_eq!(controls.len(), total, "{what}: a control number went twice");
        let orders: Vec<String> = by_key.values().filter_map(|body| number_of(body)).collect();
        let distinct: BTreeSet<&String> = orders.iter().collect();
        assert_eq!(distinct.len(), orders.len(), "{what}: an order under two keys");
        say!("{what}: {total} documents in {} posts", posts.len());
    }
}

/// The points of the commits that translating and delivering go through, read from the code, so that none is forgotten.
#[test]
fn no_point_of_the_flow_is_left_out() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut open = vec![folder];
    let mut named = BTreeSet::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap_or_default();
        for (_, rest) in text.match_indices(".write(\"").map(|(at, mark)| text.split_at(at + mark.len())) {
            named.insert(rest.split('"').next().unwrap_or_default().to_owned());
        }
    }
    // Commits by a person's hand or the clock's; each is one savepoint like the others, and none is on the way of a document.
    let aside: BTreeSet<&str> = [
        "release",
        "reject",
        "resubmit",
        "steer",
        "apply",
        "secret",
        "seed",
        "token",
        "purge",
        "anchor",
        "audit",
        "heartbeat",
        "give_back",
        "windows_changed",
        "reconcile",
        "deliver_park",
        "settle",
        "put_off",
        "alarm_act",
        "submit",
        "announce",
        "circuit",
    ]
    .into();
    let flow: BTreeSet<String> = named.into_iter().filter(|name| !aside.contains(name.as_str())).collect();
    let points = POINTS
        .iter()
        .chain(&super::gather::POINTS)
        .chain(&super::as2::POINTS)
        .chain(&super::webhook::POINTS)
        .chain(&super::sftp::POINTS)
        .chain(&super::alarm::POINTS)
        .chain(&super::live::POINTS)
        .chain(&super::bulk::POINTS)
        .chain(&super::pickup::POINTS)
        .chain(&super::telemetry::POINTS)
        .chain(&super::pause::POINTS);
    let tested: BTreeSet<String> =
        points.filter_map(|point| Some(point.strip_suffix(".before_commit")?.to_owned())).collect();
    assert_eq!(flow, tested);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_named_point_nothing_is_lost_or_doubled() {
    killed_at_every_named_point("", &[1, 3]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_named_point_on_a_server_nothing_is_lost_or_doubled() {
    if let Some(ground) = Ground::server().await {
        killed_at_every_named_point(&ground.line(), &[1]).await;
    }
}

async fn killed_at_every_named_point(database: &str, passings: &[u32]) {
    let mut sender = Sender::start(database).await;
    let mut open = Vec::new();
    let mut hits = Vec::new();
    for point in POINTS {
        let mut count = 0;
        for &passing in passings {
            count += u32::from(sender.die_at(point, passing, &mut open).await);
            sender.recover(&mut open).await;
        }
        hits.push((point, count));
    }
    sender.settle(open).await;
    for (point, count) in &hits {
        say!("killed {count} times at {point}");
    }
    let missed: Vec<_> = hits.iter().filter(|(_, count)| *count == 0).collect();
    assert!(missed.is_empty(), "never killed at {missed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_under_load_nothing_is_lost_or_doubled() {
    let mut sender = Sender::start("").await;
    killed_at_random(&mut sender, RANDOM_KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_on_a_server_nothing_is_lost_or_doubled() {
    if let Some(ground) = Ground::server().await {
        let mut sender = Sender::start(&ground.line()).await;
        killed_at_random(&mut sender, RANDOM_KILLS / 2).await;
    }
}

/// Between two kills it works off what is there: on a busy machine it would be killed at the same document again.
async fn killed_at_random(sender: &mut Sender, kills: u32) {
    let mut open = Vec::new();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..kills {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pause = Duration::from_millis(state >> 54);
        let id = sender.stage.child.id().to_string();
        let killer = tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            std::process::Command::new("kill").args(["-KILL", &id]).status().expect("kill").success()
        });
        while !killer.is_finished() {
            sender.send(4, &mut open).await;
        }
        assert!(killer.await.expect("an end"), "it was alive until then");
        sender.kills += 1;
        sender.stage.kill();
        sender.recover(&mut open).await;
    }
    let status: Value = sender.stage.get("/api/v1/status").await;
    say!("killed {} times at random; then {}", sender.kills, status["balances"]);
    sender.settle(open).await;
}
