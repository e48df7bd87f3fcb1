//! Folders that are looked at at the times of a schedule.

use super::*;
use portolan::clock::{Clock as _, SystemClock};

/// A day and an hour.
const LONG: &str = "90000000000";

fn pickup(ground: &Ground, schedule: &str) -> String {
    let folder = ground.path("in");
    let pickup = format!("every_seconds: 1, then: delete, schedule: {schedule}");
    orders_in(&format!("transport: folder\nfolder: {}\npickup: {{ {pickup} }}\n", folder.display()))
}

/// Lets the ledger believe that the schedule was followed until long ago, as after a downtime; the instance must not run.
async fn long_ago(stage: &Stage) {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", stage.data().join("portolan.db").display());
    let pool = sqlx::AnyPool::connect(&url).await.expect("the ledger");
    let text = format!("UPDATE pickup_look SET followed_to = followed_to - {LONG}");
    let done = sqlx::query(sqlx::AssertSqlSafe(text)).execute(&pool).await.expect("a row");
    assert_eq!(done.rows_affected(), 1);
    pool.close().await;
}

async fn next_at(stage: &Stage) -> i64 {
    let wait = || async { state(stage).await["state"]["next_at"].as_i64() };
    stage.until("a next look", wait).await
}

/// A time of day in UTC, so many minutes from now; far enough that no test meets it.
fn time_of_day(minutes: i64) -> String {
    let at = SystemClock.now() + jiff::SignedDuration::from_mins(minutes);
    at.strftime("%H:%M").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_looked_at_at_its_time_and_a_missed_time_is_made_up_once() {
    let ground = Ground::new();
    let mut stage = Stage::bare(&ground.section()).await;
    ground.file("order.edi", &order("4711", 1));
    stage.apply(&pickup(&ground, &format!("{{ at: [\"{}\"] }}", time_of_day(12 * 60))));
    let next = next_at(&stage).await;
    let now = SystemClock.now().as_microsecond();
    assert!((11 * 3600 * 1_000_000..13 * 3600 * 1_000_000).contains(&(next - now)), "{next} from {now}");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(transmissions(&stage).await.is_empty(), "before its time");
    let told = stage.done(&["channel", "pickups"], "");
    assert!(told.contains("not looked yet") && told.contains("; next look 20"), "{told}");
    // It did not run at the time before, nor at the one before that: one look makes up for both.
    stage.kill();
    long_ago(&stage).await;
    stage.start_again(&[]);
    came(&stage, 1).await;
    until_names(&stage, &ground.path("in"), &[]).await;
    let is_over = || async { (state(&stage).await["state"]["next_at"].as_i64()? == next).then_some(()) };
    stage.until("the next time", is_over).await;
    ground.file("later.edi", &order("4712", 2));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(came(&stage, 1).await, ["order.edi"], "made up twice");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_waits_for_the_next_time_and_not_for_the_one_behind() {
    let ground = Ground::new();
    let stage = Stage::bare(&ground.section()).await;
    stage.apply(&pickup(&ground, "{ every: 20s }"));
    let next = next_at(&stage).await;
    ground.file("order.edi", &order("4711", 1));
    came(&stage, 1).await;
    // Two looks have to find it alike; the second follows the first after a second, not after twenty.
    let after = SystemClock.now().as_microsecond() - next;
    assert!((0..15_000_000).contains(&after), "{after} microseconds after the first look was due");
    stage.balanced().await;
}

/// Killed before and after the commit that says until when the schedule was followed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_time_is_noted_no_look_is_lost() {
    for point in POINTS.iter().filter(|point| point.starts_with("pickup_followed")) {
        let ground = Ground::new();
        let mut stage = Stage::bare(&ground.section()).await;
        stage.apply(&pickup(&ground, "{ every: 2s }"));
        next_at(&stage).await;
        stage.kill();
        ground.file("order.edi", &order("4711", 1));
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        stage.dies(point).await;
        ground.file("later.edi", &order("4712", 2));
        stage.start_again(&[]);
        came(&stage, 2).await;
        until_names(&stage, &ground.path("in"), &[]).await;
        looked_twice(&stage).await;
        assert_eq!(numbers(&stage).await, ["4711", "4712"], "{point}");
        stage.balanced().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_unchanged_makes_no_work() {
    let ground = Ground::new();
    let stage = Stage::bare(&ground.section()).await;
    let folder = ground.path("in");
    let said = "pickup: { every_seconds: 1, then: delete, unchanged: skip }";
    stage.apply(&orders_in(&format!("transport: folder\nfolder: {}\n{said}\n", folder.display())));
    ground.file("monday.edi", &order("4711", 1));
    came(&stage, 1).await;
    until_names(&stage, &folder, &[]).await;
    let first = state(&stage).await["last"].clone();
    assert_eq!(first["unchanged"], 0);
    // Another day, another name, the same bytes.
    ground.file("tuesday.edi", &order("4711", 1));
    until_names(&stage, &folder, &[]).await;
    let is_seen = || async { Some(state(&stage).await["last"].clone()).filter(|last| last["name"] == "tuesday.edi") };
    let last = stage.until("its row", is_seen).await;
    assert_eq!((&last["unchanged"], &last["transmission_id"]), (&1.into(), &first["transmission_id"]));
    assert!(stage.done(&["channel", "pickups"], "").contains("found tuesday.edi unchanged at 20"));
    ground.file("wednesday.edi", &order("4712", 2));
    came(&stage, 2).await;
    until_names(&stage, &folder, &[]).await;
    // What it was on Monday is a change again, but not under Tuesday's name.
    ground.file("thursday.edi", &order("4711", 1));
    came(&stage, 3).await;
    ground.file("wednesday.edi", &order("4712", 2));
    until_names(&stage, &folder, &[]).await;
    looked_twice(&stage).await;
    assert_eq!(numbers(&stage).await, ["4711", "4711", "4712"]);
    stage.balanced().await;
}
