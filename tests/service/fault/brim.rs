//! A disk that is full to the brim when a commit begins, at each commit that a document passes, by HTTP, AS2 and a mailbox: the
//! process stands still there until the disk is full, and goes on. Nothing is answered that is not kept, nothing is lost or
//! doubled, and all goes on by itself once there is room. What a disk that fills up by itself does is `disk`'s.

use super::super::as2::{RETRIES, lamps_on, try_post};
use super::super::as2_crash::message;
use super::super::crash::POINTS;
use super::super::edi::{number_of, order};
use super::super::sftp::client::Client;
use super::super::sftp::{crash, resources};
use super::super::stage::{PATIENCE, Stage};
use super::disk::{Disk, all_once, small};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long it stays full once the process goes on: as long as the first retries take.
const FULL_FOR: Duration = Duration::from_millis(1500);
const SECTIONS: &str = "[delivery]\nretry_seconds = [1, 1, 1, 1, 1, 1]\n[storage]\nreserve_mb = 0\n";
const DISK_MB: u32 = 64;
/// Orders that are sent until a commit is held up, at most.
const TRIES: u32 = 3;
/// Bodies above this lie in files, so that `payload.synced` is passed.
const LARGE_BYTES: usize = 300 * 1024;

/// Fills a disk until nothing more goes onto it; the file that does.
fn to_the_brim(disk: PathBuf) -> PathBuf {
    let path = disk.join("brim");
    let mut file = std::fs::File::create(&path).expect("a file");
    for piece in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![1; piece]).is_ok() {}
    }
    path
}

/// Sends orders at each point, where the disk is full until a while after; how many that were. `each` is how many deliveries an
/// order makes, and `send` says whether it was taken. Each commit is held up once: where the log of the ledger began anew meanwhile,
/// it has room for a small commit, and another order is sent.
async fn full_at_each(
    stage: &mut Stage,
    disk: &Disk,
    points: &[&str],
    each: usize,
    send: impl AsyncFn(&Stage, u32) -> bool,
) -> usize {
    let mut number = 0;
    for point in points {
        // An acknowledgment is awaited once all is delivered.
        let is_held_up = point.ends_with(".before_commit") && !point.starts_with("acknowledge");
        let mut tried = 0;
        loop {
            (number, tried) = (number + 1, tried + 1);
            let all = each * number as usize;
            let delivered = full_at(stage, disk, point, number, &send).await;
            goes_out(stage, all).await;
            if !is_held_up || delivered < all {
                break;
            }
            assert!(tried < TRIES, "{point}: this commit cannot be made on a full disk");
        }
    }
    number as usize
}

/// Sends an order that comes to a point when the disk is full; how many deliveries were done before there was room again.
async fn full_at(
    stage: &mut Stage,
    disk: &Disk,
    point: &str,
    number: u32,
    send: &impl AsyncFn(&Stage, u32) -> bool,
) -> usize {
    // Its ledger is one file afterwards: a log that is there already would have room for a commit.
    assert_eq!(stage.stop().await, Some(0));
    stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1:stop"))]);
    let (process, place) = (stage.process(), disk.path().to_owned());
    let filling = tokio::task::spawn_blocking(move || {
        process.stands_still();
        let brim = to_the_brim(place);
        process.goes_on();
        brim
    });
    let is_taken = send(stage, number).await;
    let brim = filling.await.unwrap_or_else(|_| panic!("it passes {point}"));
    tokio::time::sleep(FULL_FOR).await;
    let delivered = stage.list("/api/v1/deliveries?state=delivered").await.len();
    let early = ["payload.synced", "receive.before_commit"];
    assert!(!is_taken || !early.contains(&point), "{point}: answered, and not kept");
    std::fs::remove_file(brim).expect("removed");
    if !is_taken {
        stage.until("it is taken", || async { send(stage, number).await.then_some(()) }).await;
    }
    delivered
}

/// Waits until so many deliveries are done. Where the disk took the commit that a worker had its job to give back by, that is left
/// alone until its lease is over, which is a minute.
async fn goes_out(stage: &Stage, all: usize) {
    let begin = Instant::now();
    while stage.list("/api/v1/deliveries?state=delivered").await.len() < all && begin.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.deliveries("delivered", all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes, part of `make faults`"]
async fn a_disk_that_is_full_when_a_commit_begins_loses_nothing_by_http() {
    let Some(disk) = Disk::new(DISK_MB) else { return };
    let (mut stage, supplier) = small(disk.path(), SECTIONS, "").await;
    let yaml = super::super::stage::resources(0, 0);
    let agreement = yaml.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it");
    // A deadline of no minutes, so that it passes.
    stage.apply(&format!("{agreement}expect: {{ kind: contrl, within_minutes: 0 }}\n"));
    let count = full_at_each(&mut stage, &disk, &POINTS, 2, async |stage, number| {
        let mut body = order(&format!("F-{number}"), number);
        body.resize(LARGE_BYTES, b'\n');
        let answer = stage.post(Some(&format!("f-{number}")), body).await;
        let is_refused = answer.status == 503 && answer.word("code") == "STORAGE-FULL";
        assert!(answer.status == 202 || is_refused, "{answer:?}");
        !is_refused
    })
    .await;
    all_once(&stage, &supplier, u32::try_from(count).expect("a few")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes, part of `make faults`"]
async fn a_disk_that_is_full_when_a_commit_begins_loses_no_message_of_as2() {
    let Some(disk) = Disk::new(DISK_MB) else { return };
    let (mut stage, house) =
        lamps_on(Stage::within(disk.path(), &format!("{RETRIES}[storage]\nreserve_mb = 0\n")).await, "").await;
    // Nothing is acknowledged here.
    let points: Vec<_> = POINTS.into_iter().filter(|point| !point.starts_with("acknowledge")).collect();
    // Each is made once: what is sent again is the same. Of payloads that are files.
    let most = points.len() * TRIES as usize;
    let made: Vec<_> = (1..=most).map(|number| message(3 * number)).collect();
    let send = async |stage: &Stage, number: u32| {
        let made = &made[number as usize - 1];
        let answered = try_post(stage, &made.lines, made.body.clone()).await.expect("an answer");
        assert!([200, 503].contains(&answered.status), "{}", String::from_utf8_lossy(&answered.body));
        answered.status == 200 && {
            assert!(answered.receipt().disposition.is_received(), "{number} is taken");
            true
        }
    };
    let count = full_at_each(&mut stage, &disk, &points, 1, send).await;
    let numbers: BTreeSet<_> = house.posts().iter().filter_map(|post| number_of(&post.body)).collect();
    let keys: BTreeSet<_> = house.posts().iter().map(|post| post.key().to_owned()).collect();
    assert_eq!((numbers.len(), keys.len()), (count, count), "none is lost, none goes as two");
    assert_eq!(stage.list("/api/v1/transmissions?direction=in").await.len(), count);
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes, part of `make faults`"]
async fn a_disk_that_is_full_when_a_commit_begins_loses_no_file_of_a_mailbox() {
    let Some(disk) = Disk::new(DISK_MB) else { return };
    let mut stage = Stage::within(disk.path(), &format!("[sftp]\nlisten = \"127.0.0.1:0\"\n{SECTIONS}")).await;
    let (retailer, supplier) = (Client::new("northstores"), Client::new("lamps"));
    stage.apply(&resources(&retailer.public_key(), &supplier.public_key(), "", ""));
    let send = async |stage: &Stage, number: u32| {
        retailer.file("order.edi", &crash::body(number));
        let put = format!("put order.edi in/K-{number}.edi\n");
        tokio::task::block_in_place(|| retailer.run(stage, &put)).status.success()
    };
    let count = full_at_each(&mut stage, &disk, &crash::DROPPED, 2, send).await;
    let rows = stage.list("/api/v1/transmissions?direction=in").await;
    assert_eq!(rows.len(), count, "each file is one transmission: {rows:#?}");
    supplier.done(&stage, "get out/* got/\n");
    let fetched: BTreeSet<String> = (1..=count)
        .filter_map(|number| number_of(&supplier.read(&format!("got/ORDERS_K-{number}_{number}.edi"))))
        .collect();
    assert_eq!((fetched.len(), supplier.count("got")), (count, count), "each order lies there once");
    stage.balanced().await;
}
