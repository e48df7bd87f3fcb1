//! Killed by SIGKILL at every commit that a fetched file passes, and before and after what is done to it in its folder.
//! Afterwards each is in the ledger once, and none lies there any more.

use super::remote::{server_at, stage};
use super::sshd::Sshd;
use super::*;
use crate::backend;

/// What is passed on the way of a file out of its folder.
const TAKEN: [&str; 7] = [
    "payload.synced",
    "pickup.read",
    "pickup.before_commit",
    "pickup.after_commit",
    "pickup.away",
    "pickup_settled.before_commit",
    "pickup_settled.after_commit",
];

/// Large enough for a file of the ledger, so that `payload.synced` is passed.
fn body(number: u32) -> Vec<u8> {
    let mut bytes = order(&format!("K-{number}"), number);
    bytes.resize(300 * 1024, b'\n');
    bytes
}

/// The folder, looked at every second.
fn looked_at(ground: &Ground, transport: &str, then: &str) -> String {
    let folder = ground.path("in");
    orders_in(&format!(
        "{transport}\nfolder: {}\npickup: {{ every_seconds: 1, done: .done, then: {then} }}\n",
        folder.display()
    ))
}

async fn killed_at_every_point(ground: &Ground, mut stage: Stage, in_the_end: &[&str]) {
    let folder = ground.path("in");
    let mut expected = Vec::new();
    for (number, point) in (1..).zip(TAKEN) {
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        ground.file(&format!("K-{number}.edi"), &body(number));
        ground.file(&format!("K-{number}.edi.done"), b"");
        expected.push(format!("K-{number}"));
        stage.dies(point).await;
        stage.start_again(&[]);
        came(&stage, number as usize).await;
        until_names(&stage, &folder, in_the_end).await;
    }
    looked_twice(&stage).await;
    came(&stage, expected.len()).await;
    assert_eq!(numbers(&stage).await, expected);
    assert_eq!(state(&stage).await["unsettled"], 0);
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_of_a_pickup_nothing_is_lost_or_doubled() {
    let ground = Ground::new();
    let stage = Stage::bare(&ground.section()).await;
    stage.apply(&looked_at(&ground, "transport: folder", "delete"));
    killed_at_every_point(&ground, stage, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_of_a_move_nothing_is_lost_or_doubled() {
    let ground = Ground::new();
    let stage = Stage::bare(&ground.section()).await;
    stage.apply(&looked_at(&ground, "transport: folder", "{ move: archive }"));
    killed_at_every_point(&ground, stage, &[]).await;
}

/// A folder of OpenSSH's server.
fn on(sshd: &Sshd) -> String {
    let server = server_at(sshd.port, &sshd.host_key());
    format!("transport: sftp\nserver: {server}\nallow_networks: [127.0.0.0/8]")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_of_a_pickup_over_sftp_nothing_is_lost_or_doubled() {
    let (ground, sshd) = (Ground::new(), Sshd::start());
    let stage = stage(&ground, &sshd, &looked_at(&ground, &on(&sshd), "delete")).await;
    killed_at_every_point(&ground, stage, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_of_a_move_over_sftp_nothing_is_lost_or_doubled() {
    let (ground, sshd) = (Ground::new(), Sshd::start());
    std::fs::create_dir(ground.path("in").join("archive")).expect("a folder");
    let stage = stage(&ground, &sshd, &looked_at(&ground, &on(&sshd), "{ move: archive }")).await;
    killed_at_every_point(&ground, stage, &[]).await;
    assert_eq!(ground.names("in/archive").len(), TAKEN.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_of_a_pickup_with_a_ledger_on_a_server_nothing_is_lost_or_doubled() {
    let Some(ledger) = backend::Ground::server().await else { return };
    let (ground, sshd) = (Ground::new(), Sshd::start());
    let stage = Stage::on(&ledger.line(), &ground.section()).await;
    stage.done(&["secret", "set", "their-key"], &sshd.user_key());
    stage.apply(&looked_at(&ground, &on(&sshd), "delete"));
    killed_at_every_point(&ground, stage, &[]).await;
}
