//! Killed by SIGKILL while messages of AS2 come in, at each commit point and at random: the sender repeats, the same bytes under
//! the same Message-ID, whatever was not answered, and in the end everything once more. Nothing is lost, every order leaves
//! once, and whatever was answered is answered again byte for byte.

#[path = "../dice/mod.rs"]
mod dice;

use super::as2::{Sending, USUAL, lamps, try_post};
use super::crash::POINTS;
use super::edi::number_of;
use super::peer::Peer;
use super::stage::{PATIENCE, Stage};
use dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Kills at random moments, and within how many milliseconds of a message each comes.
const KILLS: u64 = 8;
const MOMENT_MS: usize = 120;
/// Messages on their way at once.
const TOGETHER: usize = 4;
/// Blanks that make a payload one that lies in a file.
const LARGE_BYTES: usize = 300 * 1024;
const SEED: u64 = 0x4153_3221;

/// A message: its lines and its body, always the same.
pub struct Made {
    pub lines: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An order of Retail's in EDIFACT.
pub fn message(number: usize) -> Made {
    let mut content = format!(
        "UNB+UNOC:3+4098765000003:14+HOUSE:ZZ+261126:0915+{number}'UNH+1+ORDERS:D:96A:UN'BGM+220+A2-{number}+9'\
         DTM+137:20261124:102'NAD+BY+1000::92++Retail'LIN+1++012345678905:UP'QTY+21:120:EA'PRI+AAA:4.25'UNS+S'CNT+2:1'\
         UNT+10+1'UNZ+1+{number}'"
    );
    if number.is_multiple_of(3) {
        content.push_str(&"\n".repeat(LARGE_BYTES));
    }
    let id = format!("<{number}@crash>");
    let (lines, body, _) = Sending { id: &id, content: &content, ..USUAL }.made();
    Made { lines, body }
}

struct Loop {
    stage: Stage,
    house: Peer,
    made: BTreeMap<usize, Made>,
    /// Receipts as they were answered.
    receipts: BTreeMap<usize, Vec<u8>>,
}

impl Loop {
    async fn start() -> Loop {
        let (stage, house) = lamps("").await;
        Loop { stage, house, made: BTreeMap::new(), receipts: BTreeMap::new() }
    }

    /// Sends a message; whether it was answered.
    async fn send(&mut self, number: usize) -> bool {
        let Made { lines, body } = self.made.entry(number).or_insert_with(|| message(number));
        let Ok(answered) = try_post(&self.stage, lines, body.clone()).await else { return false };
        assert_eq!(answered.status, 200, "{}", String::from_utf8_lossy(&answered.body));
        assert!(answered.receipt().disposition.is_received(), "{number} is taken");
        let first = self.receipts.entry(number).or_insert_with(|| answered.body.clone());
        assert!(*first == answered.body, "{number} was answered otherwise before");
        true
    }

    /// Sends what was not answered, until it is.
    async fn settle(&mut self) {
        let begin = Instant::now();
        for number in self.made.keys().copied().collect::<Vec<_>>() {
            while !self.receipts.contains_key(&number) && !self.send(number).await {
                assert!(begin.elapsed() < PATIENCE, "{number} is not answered");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Waits until all that was taken has left: what takes its process down twice in a row is held.
    async fn left(&self) {
        let count = self.made.len();
        self.stage.deliveries("delivered", count).await;
        let numbers: BTreeSet<_> = self.house.posts().iter().filter_map(|post| number_of(&post.body)).collect();
        assert_eq!(numbers.len(), count, "{numbers:?}");
    }

    /// Everything once more; then everything left once, and the sums hold.
    async fn end(mut self) {
        self.settle().await;
        for number in self.made.keys().copied().collect::<Vec<_>>() {
            assert!(self.send(number).await, "{number} is answered again");
        }
        self.left().await;
        let count = self.made.len();
        // A post that was not answered is repeated, under its key.
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for post in self.house.posts() {
            keys.entry(number_of(&post.body).expect("an order")).or_default().insert(post.key().to_owned());
        }
        assert!(keys.values().all(|keys| keys.len() == 1), "an order left under two keys: {keys:?}");
        let came = self.stage.list("/api/v1/transmissions?direction=in").await;
        assert_eq!(came.len(), count, "{came:#?}");
        self.stage.balanced().await;
    }
}

#[tokio::test]
async fn a_crash_at_each_commit_loses_and_doubles_no_message() {
    let mut all = Loop::start().await;
    // Nothing is acknowledged here.
    let points = POINTS.into_iter().filter(|point| !point.starts_with("acknowledge"));
    for (at, point) in points.enumerate() {
        all.stage.kill();
        all.stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        // Of a payload that is a file, or its point is not passed.
        let number = 3 * (at + 1);
        all.send(number).await;
        let begin = Instant::now();
        while all.stage.child.try_wait().expect("a child").is_none() {
            assert!(begin.elapsed() < PATIENCE, "it passed {point}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        all.stage.start_again(&[]);
        all.settle().await;
        all.left().await;
    }
    all.end().await;
}

#[tokio::test]
async fn a_crash_at_random_loses_and_doubles_no_message() {
    let mut all = Loop::start().await;
    let seed = dice::number("PORTOLAN_SEED", SEED);
    let mut number = 0;
    for kill in 0..KILLS {
        let moment = Duration::from_millis(Dice::new(seed, kill).roll(MOMENT_MS) as u64);
        let pid = all.stage.child.id();
        let killer = tokio::spawn(async move {
            tokio::time::sleep(moment).await;
            let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
            assert!(killed.expect("kill runs").success());
        });
        for _ in 0..TOGETHER {
            number += 1;
            all.send(number).await;
        }
        killer.await.expect("it was killed");
        all.stage.kill();
        all.stage.start_again(&[]);
        all.settle().await;
        all.left().await;
    }
    all.end().await;
}
