//! A disk that fills up. Below the reserve nothing more is taken in, and what is here goes on; with no reserve at all a full disk
//! refuses, and loses nothing. What needs a disk of its own mounts one in memory, which wants root.

use super::super::as2::{Sending, USUAL};
use super::super::edi::{number_of, order};
use super::super::peer::{Answer, Peer};
use super::super::sftp::client::{Client, said};
use super::super::stage::{Stage, resources};
use super::{alarm, by_folder, every_channel};
use crate::backend::not_run;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const ALERTS: &str = "[alert]\nlook_seconds = 1\nsettle_seconds = 1\n";

/// A small disk of its own, in memory.
pub struct Disk(tempfile::TempDir);

impl Disk {
    /// None where this user may not mount one.
    pub fn new(megabytes: u32) -> Option<Disk> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(folder.path());
        if mount.output().is_ok_and(|done| done.status.success()) {
            return Some(Disk(folder));
        }
        not_run("mounting a small disk wants root");
        None
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes so many megabytes of it away.
    fn ballast(&self, megabytes: usize) -> PathBuf {
        let path = self.0.path().join("ballast");
        std::fs::write(&path, vec![1; megabytes << 20]).expect("room");
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Also while something of it is in use.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Files that are on their way into the data directory.
fn half_written(stage: &Stage) -> usize {
    std::fs::read_dir(stage.data().join("temporary")).map_or(0, Iterator::count)
}

fn set_reserve(stage: &mut Stage, from: &str, to: &str) {
    stage.kill();
    let path = stage.data().join("portolan.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    assert!(text.contains(from), "{text}");
    std::fs::write(&path, text.replace(from, to)).expect("written");
    stage.start_again(&[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_reserve_nothing_is_taken_in_and_what_is_here_goes_on() {
    let refusing = vec![Answer::Status(503); 4];
    let (retailer, supplier) = (Peer::start(&refusing).await, Peer::start(&refusing).await);
    let (folder, client) = (tempfile::tempdir().expect("a folder"), Client::new("northstores"));
    let root = folder.path().display();
    let sections = format!(
        "[sftp]\nlisten = \"127.0.0.1:0\"\n[folder]\nroots = [\"{root}\"]\n[delivery]\nretry_seconds = [2, 2, 2, 2, 2, 2]\n\
         {ALERTS}[storage]\nreserve_mb = 0\n"
    );
    let mut stage = Stage::bare(&sections).await;
    every_channel(&mut stage, (&retailer, &supplier), folder.path(), &client);
    let first = stage.post(Some("r-1"), order("R-1", 1)).await;
    assert_eq!(first.status, 202, "{first:?}");
    stage.until("it is tried", || async { (!supplier.orders().is_empty()).then_some(()) }).await;
    set_reserve(&mut stage, "reserve_mb = 0", "reserve_mb = 1000000000");
    let answer = stage.post(Some("r-2"), order("R-2", 2)).await;
    assert_eq!((answer.status.as_u16(), answer.word("code")), (503, "STORAGE-FULL"), "{answer:?}");
    assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    // What is here already is answered to who asks for it again; that needs no room.
    let again = stage.post(Some("r-1"), order("R-1", 1)).await;
    assert_eq!((again.status.as_u16(), again.word("transmission")), (202, first.word("transmission")), "{again:?}");
    let as2 = String::from_utf8(order("R-3", 3)).expect("text");
    for encrypts in [true, false] {
        let message =
            Sending { id: "<r3@disk>", content_type: "application/edi-x12", content: &as2, encrypts, ..USUAL };
        assert_eq!(message.send(&stage).await.status, 503, "encrypted: {encrypts}");
    }
    // In several packets, which are told as one.
    let mut large = order("R-4", 4);
    large.resize(300 * 1024, b'\n');
    client.file("order.edi", &large);
    let put = client.run(&stage, "put order.edi in/order.edi\n");
    assert!(!put.status.success(), "{}", said(&put));
    assert_eq!(stage.log().matches("An upload was not kept").count(), 1, "{}", stage.log());
    std::fs::write(folder.path().join("R-5.edi"), order("R-5", 5)).expect("written");
    folder_waits(&stage).await;
    alarm(&stage, "trouble", "nothing more is taken in until there is room again").await;
    // What was taken before goes on: the order out, and its acknowledgment.
    stage.deliveries("delivered", 2).await;
    assert_eq!(stage.list("/api/v1/transmissions?direction=in").await.len(), 1, "nothing more is here");
    assert_eq!(half_written(&stage), 0);
    set_reserve(&mut stage, "reserve_mb = 1000000000", "reserve_mb = 0");
    assert_eq!(stage.post(Some("r-2"), order("R-2", 2)).await.status, 202);
    let again = Sending { id: "<r3@disk>", content_type: "application/edi-x12", content: &as2, ..USUAL };
    assert!(again.send(&stage).await.receipt().disposition.is_received(), "the same message is taken now");
    client.done(&stage, "put order.edi in/order.edi\n");
    stage.deliveries("delivered", 10).await;
    let numbers: BTreeSet<String> = supplier.orders().iter().filter_map(|post| number_of(&post.body)).collect();
    assert_eq!(numbers.len(), 5, "{numbers:?}");
    assert_eq!(stage.list("/api/v1/transmissions?direction=in").await.len(), 5, "each came in once");
    stage.balanced().await;
}

/// Waits until the folder is not looked at for want of room.
async fn folder_waits(stage: &Stage) {
    stage
        .until("the folder waits", || async {
            let all = stage.get("/api/v1/pickups").await;
            (all["items"][0]["state"]["code"] == "STORAGE-FULL").then_some(())
        })
        .await;
}

/// Sends orders until one is not taken; those that were, and the one that was not.
async fn until_refused(stage: &Stage, from: u32, size: usize) -> (u32, u16) {
    for number in from.. {
        let mut body = order(&format!("F-{number}"), number);
        body.resize(size, b'\n');
        let answer = stage.post(Some(&format!("f-{number}")), body).await;
        if answer.status != 202 {
            assert_eq!(answer.word("code"), "STORAGE-FULL", "{answer:?}");
            assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
            return (number, answer.status.as_u16());
        }
        assert!(number < from + 2000, "the disk does not fill up");
    }
    unreachable!("there are numbers enough")
}

/// Every order was delivered, under one key.
pub async fn all_once(stage: &Stage, supplier: &Peer, count: u32) {
    let count = count as usize;
    stage.deliveries("delivered", 2 * count).await;
    let posts = supplier.orders();
    let keys: BTreeSet<&str> = posts.iter().map(|post| post.key()).collect();
    let numbers: BTreeSet<String> = posts.iter().filter_map(|post| number_of(&post.body)).collect();
    assert_eq!((keys.len(), numbers.len()), (count, count), "none is lost, none goes as two");
    assert_eq!(stage.list("/api/v1/transmissions?direction=in").await.len(), count);
    assert_eq!(half_written(stage), 0, "nothing half-written");
    stage.balanced().await;
}

pub async fn small(disk: &Path, sections: &str, more: &str) -> (Stage, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::within(disk, &format!("{ALERTS}{sections}")).await;
    stage.apply(&format!("{}{more}", resources(retailer.port, supplier.port)));
    stage.token = stage.new_token("northstores-in");
    (stage, supplier)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_disk_that_fills_up_refuses_before_it_is_full_and_recovers_by_itself() {
    let Some(disk) = Disk::new(96) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().display();
    // A folder that fails is left alone for an hour.
    let sections =
        format!("[delivery]\nretry_seconds = [3600]\n[folder]\nroots = [\"{root}\"]\n[storage]\nreserve_mb = 32\n");
    let (stage, supplier) = small(disk.path(), &sections, &by_folder(folder.path())).await;
    let ballast = disk.ballast(40);
    let (refused, status) = until_refused(&stage, 1, 300 * 1024).await;
    assert_eq!(status, 503);
    let waiting = refused + 1;
    std::fs::write(folder.path().join("waiting.edi"), order(&format!("F-{waiting}"), waiting)).expect("written");
    folder_waits(&stage).await;
    alarm(&stage, "trouble", "nothing more is taken in").await;
    alarm(&stage, "disk-full", "free").await;
    stage.deliveries("delivered", 2 * (refused as usize - 1)).await;
    std::fs::remove_file(ballast).expect("removed");
    // Nobody has to do anything more: the sender comes back as it was told, and the folder is looked at as ever.
    let mut body = order(&format!("F-{refused}"), refused);
    body.resize(300 * 1024, b'\n');
    assert_eq!(stage.post(Some(&format!("f-{refused}")), body).await.status, 202);
    all_once(&stage, &supplier, waiting).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_to_the_brim_loses_nothing_at_any_commit() {
    let Some(disk) = Disk::new(48) else { return };
    let sections = "[delivery]\nretry_seconds = [1, 1, 1, 1, 1]\n[storage]\nreserve_mb = 0\n";
    let (stage, supplier) = small(disk.path(), sections, "").await;
    let mut next = 1;
    for (round, size) in [(1, 300 * 1024), (2, 2_000), (3, 40_000)] {
        let room = usize::try_from(rustix::fs::statvfs(disk.path()).expect("a disk").f_bavail).expect("pages") * 4096;
        let ballast = disk.ballast((room >> 20).saturating_sub(2));
        let (refused, _) = until_refused(&stage, next, size).await;
        // A while at the brim: leases, results and acknowledgments fail at whatever commit they come to.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        std::fs::remove_file(ballast).expect("removed");
        let mut body = order(&format!("F-{refused}"), refused);
        body.resize(size, b'\n');
        stage
            .until("it is taken again", || async {
                let answer = stage.try_post(Some(&format!("f-{refused}")), body.clone()).await.ok()?;
                (answer.status == 202).then_some(())
            })
            .await;
        next = refused + 1;
        eprintln!("round {round}: full at order {refused}");
    }
    all_once(&stage, &supplier, next - 1).await;
}
