//! Conservation: a row that somebody takes out of the ledger makes a sum wrong, whichever table it stood in; jobs that are gone are made
//! anew at the next start, so that what waits for them goes on.

use super::edi::order;
use super::peer::{Answer, Peer};
use super::stage::{Stage, resources};
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
