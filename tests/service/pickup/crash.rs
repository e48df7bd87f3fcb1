//! Killed by SIGKILL at every commit that a fetched file passes, and before and after what is done to it in its folder.
//! Afterwards each is in the ledger once, and none lies there any more.

use super::*;

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

async fn killed_at_every_point(then: &str, in_the_end: &[&str]) {
    let ground = Ground::new();
    let mut stage = Stage::bare(&ground.section()).await;
    let folder = ground.path("in");
    let said = format!(
        "transport: folder\nfolder: {}\npickup: {{ every_seconds: 1, done: .done, then: {then} }}\n",
        folder.display()
    );
    stage.apply(&orders_in(&said));
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
    killed_at_every_point("delete", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_point_of_a_move_nothing_is_lost_or_doubled() {
    killed_at_every_point("{ move: archive }", &[]).await;
}
