//! Conservation: a row that somebody takes out of the ledger makes a sum wrong, whichever table it stood in; jobs that are gone are made
//! anew at the next start, so that what waits for them goes on.

use super::edi::order;
use super::peer::{Answer, Peer};
use super::stage::{Stage, resources};
use portolan::clock::{Clock as _, SystemClock};
use sqlx::{AnyConnection, Executor as _};

async fn ledger(stage: &Stage) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", stage.data().join("portolan.db").display());
    let mut raw = <AnyConnection as sqlx::Connection>::connect(&url).await.expect("a connection");
    for pragma in ["PRAGMA foreign_keys = OFF", "PRAGMA busy_timeout = 10000"] {
        raw.execute(pragma).await.expect("set");
    }
    raw
}

/// The sums that do not hold.
async fn wrong(stage: &Stage) -> Vec<String> {
    let status = stage.get("/api/v1/status").await;
    let balances = status["balances"].as_array().expect("balances");
    let wrong = balances.iter().filter(|one| one["holds"] != true);
    wrong.map(|one| one["stage"].as_str().expect("a stage").to_owned()).collect()
}

/// Orders in a lane; what Light and Lamp gets lies in a mailbox, where that is said.
fn with_lane(supplier: &Peer, is_mailbox: bool) -> String {
    let way = "transport: http\nway: out\nurl: http://127.0.0.1";
    let all = resources(1, supplier.port);
    let all: Vec<String> = all
        .split("---\n")
        .filter(|one| one.contains("name: lamps-out\n") || one.contains("name: lamps-orders\n"))
        .map(|one| match one.contains("name: lamps-out\n") {
            true if is_mailbox => {
                "kind: channel\nname: lamps-out\ntransport: sftp\nway: out\nmailbox: lamps-box\n".to_owned()
            }
            true => {
                assert!(one.contains(way), "{one}");
                one.to_owned()
            }
            false => format!("{one}order: key\nkey: number\n"),
        })
        .collect();
    let mailbox = if is_mailbox { "kind: mailbox\nname: lamps-box\nuser: lamps\n---\n" } else { "" };
    format!("{mailbox}{}", all.join("---\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_vanishes_makes_a_sum_wrong() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "[sftp]\nlisten = \"127.0.0.1:0\"\n").await;
    stage.apply(&with_lane(&supplier, true));
    stage.send(order("V-1", 1)).await;
    stage.deliveries("delivered", 2).await;
    stage.balanced().await;
    let mut raw = ledger(&stage).await;
    for (table, stage_of_it) in [("attempt", "attempts"), ("mailbox_file", "mailbox files"), ("ack", "acks")] {
        for text in [format!("CREATE TEMP TABLE aside AS SELECT * FROM {table}"), format!("DELETE FROM {table}")] {
            raw.execute(sqlx::AssertSqlSafe(text)).await.expect("done");
        }
        let told = wrong(&stage).await;
        assert!(told.iter().any(|one| one == stage_of_it), "{table}: {told:?}");
        // Put back, so that what is told next is of the next.
        for text in [format!("INSERT INTO {table} SELECT * FROM aside"), "DROP TABLE aside".to_owned()] {
            raw.execute(sqlx::AssertSqlSafe(text)).await.expect("back");
        }
        assert_eq!(wrong(&stage).await, Vec::<String>::new(), "{table} is as it was");
    }
    let words = stage.done(&["status"], "");
    assert!(words.contains("mailbox files") && !words.contains("NOT"), "{words}");
    // When they were counted is said: at the question, where that takes a moment only.
    let before = SystemClock.now().as_microsecond();
    let status = stage.get("/api/v1/status").await;
    assert!(status["counted_at"].as_i64() >= Some(before) && status["count_ms"].is_u64(), "{status:#}");
    assert!(words.lines().any(|line| line.starts_with("counted        at ") && line.ends_with(" ms")), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_whose_job_vanished_are_told_and_go_on_after_the_next_start() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with(&retailer, &supplier, "[delivery]\nretry_seconds = [20, 20, 20]\n").await;
    stage.apply(&with_lane(&supplier, false));
    retailer.then(&[Answer::Status(503)]);
    supplier.then(&[Answer::Status(503)]);
    stage.send(order("J-1", 1)).await;
    stage.deliveries("retry_wait", 2).await;
    assert_eq!(wrong(&stage).await, Vec::<String>::new());
    let mut raw = ledger(&stage).await;
    let gone = raw.execute("DELETE FROM job WHERE kind = 'deliver'").await.expect("gone");
    assert_eq!(gone.rows_affected(), 2, "one that waits for nobody, and one in a lane");
    assert_eq!(wrong(&stage).await, ["jobs"]);
    let status = stage.get("/api/v1/status").await;
    let jobs = status["balances"].as_array().and_then(|all| all.iter().find(|one| one["stage"] == "jobs"));
    let jobs = jobs.unwrap_or_else(|| panic!("no jobs: {status:#}"));
    assert_eq!(
        (&jobs["total"], &jobs["terms"]["deliveries"], &jobs["terms"]["lanes"]),
        (&2.into(), &0.into(), &0.into())
    );
    stage.kill();
    stage.start_again(&[]);
    assert_eq!(wrong(&stage).await, Vec::<String>::new(), "they are made anew");
    stage.deliveries("delivered", 2).await;
    stage.balanced().await;
    assert!(stage.log().contains("jobs_made: 2"), "{}", stage.log());
}

/// Takes all jobs of a kind away, which is told; what else is changed follows, and the next start makes them anew.
async fn without(stage: &mut Stage, kind: &str, also: &str) {
    assert_eq!(wrong(stage).await, Vec::<String>::new());
    let mut raw = ledger(stage).await;
    let text = format!("DELETE FROM job WHERE kind = '{kind}'");
    let gone = raw.execute(sqlx::AssertSqlSafe(text)).await.expect("gone");
    assert_eq!(gone.rows_affected(), 1, "{kind}");
    assert_eq!(wrong(stage).await, ["jobs"], "{kind}");
    stage.kill();
    raw.execute(sqlx::AssertSqlSafe(also.to_owned())).await.expect("changed");
    sqlx::Connection::close(raw).await.expect("closed");
    stage.start_again(&[]);
    assert_eq!(wrong(stage).await, Vec::<String>::new(), "{kind}: it is made anew");
    assert!(stage.log().contains("jobs_made: 1"), "{}", stage.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_in_and_lost_its_job_is_told_and_goes_on_after_the_next_start() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with(&retailer, &supplier, "").await;
    stage.done(&["pause", "channel", "northstores-in"], "");
    stage.send(order("T-1", 1)).await;
    stage
        .until("it waits", || async { (stage.list("/api/v1/pauses").await[0]["transmissions"] == 1).then_some(()) })
        .await;
    without(&mut stage, "translate", "SELECT 1").await;
    stage.done(&["resume", "channel", "northstores-in"], "");
    stage.deliveries("delivered", 2).await;
    assert_eq!((supplier.orders().len(), retailer.posts().len()), (1, 1));
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_company_or_an_answer_and_lost_its_job_is_told_and_goes_on_after_the_next_start() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::with(&retailer, &supplier, "").await;
    let all = resources(retailer.port, supplier.port);
    let agreement = all.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it").to_owned();
    let receiver = "receiver: \"14:4012345000030\"";
    assert!(agreement.contains(receiver), "{agreement}");
    stage.apply(&format!(
        "{}expect: [{{ kind: contrl, within_minutes: \"60\" }}]\n",
        agreement.replace(receiver, &format!("{receiver}, gather_minutes: 60"))
    ));
    stage.send(order("T-2", 1)).await;
    stage.until("it waits", || async { (stage.get("/api/v1/status").await["gathered"] == 1).then_some(()) }).await;
    stage.deliveries("delivered", 1).await;
    without(&mut stage, "gather", "UPDATE gathered SET due_at = created_at").await;
    stage.deliveries("delivered", 2).await;
    assert_eq!(supplier.orders().len(), 1);
    without(&mut stage, "acknowledge", "UPDATE ack SET deadline = created_at WHERE deadline IS NOT NULL").await;
    let overdue = || async { (stage.list("/api/v1/acks?state=overdue").await.len() == 1).then_some(()) };
    stage.until("it is overdue", overdue).await;
    stage.balanced().await;
}
