//! What holds only where the ledger is on a server: the way to it breaks, also at the worst moment, another process comes,
//! the server is not fit; and the twins of the schema.

mod backend;

use backend::wire::{Proxy, Wire};
use backend::{Ground, PASSWORD, Secured, columns, store_at};
use portolan::clock::Timestamp;
use portolan::id::SystemRandom;
use portolan::store::claim::NewClaim;
use portolan::store::commit::receive::Reception;
use portolan::store::transmission::{NewTransmission, TransmissionFilter};
use portolan::store::{Actor, Direction, INLINE_BYTES_MAX, Page, Result, Store, StoreError};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("an instant")
}

/// A ledger that is reached over a wire.
async fn wired() -> Option<(Ground, Proxy, Store)> {
    let ground = Ground::server().await?;
    let proxy = Proxy::start(Ground::socket()?).await;
    let ground = ground.over(proxy.port);
    let (store, _) = store_at(&ground, at(0)).await;
    Some((ground, proxy, store))
}

async fn receive(store: &Store, bytes: &[u8], key: &str) -> Result<Reception> {
    let new = NewTransmission {
        transmission_id: store.new_id("tra", at(0)),
        direction: Direction::In,
        channel: "in".into(),
        partner: None,
        environment: None,
        content: store.content(bytes, at(0)).await?,
        content_type: "application/edi-x12".into(),
        file_name: None,
        headers: json!({}),
    };
    let claim = NewClaim { scope: "in".into(), key: key.into(), answer_status: 202, answer_body: key.into() };
    store.receive(new, Some(claim), &Actor::system(), at(0)).await
}

/// Sends under one key until it is taken.
async fn taken(store: &Store, bytes: &[u8], key: &str) -> Reception {
    let begin = Instant::now();
    loop {
        match receive(store, bytes, key).await {
            Ok(reception) => return reception,
            Err(error) => assert!(begin.elapsed() < PATIENCE, "never taken: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn count(store: &Store) -> usize {
    store.transmissions(&TransmissionFilter::default(), &Page::default()).await.expect("a list").len()
}

fn payload_files(ground: &Ground) -> usize {
    std::fs::read_dir(ground.path().join("payload")).expect("a folder").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_found_and_answered() {
    let Some((ground, proxy, store)) = wired().await else { return };
    let large = vec![7; INLINE_BYTES_MAX + 1];
    proxy.becomes(Wire::BreaksAfterCommit);
    assert_eq!(receive(&store, &large, "k1").await.expect("an answer"), Reception::New);
    assert!(proxy.is(Wire::Whole), "the wire did break");
    assert_eq!((count(&store).await, payload_files(&ground)), (1, 1));
    let again = receive(&store, &large, "k1").await.expect("an answer");
    assert!(matches!(again, Reception::Replay { .. }), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_did_not_arrive_is_not_answered_and_leaves_nothing() {
    let Some((ground, proxy, store)) = wired().await else { return };
    let large = vec![7; INLINE_BYTES_MAX + 1];
    proxy.becomes(Wire::BreaksBeforeCommit);
    let refused = receive(&store, &large, "k1").await;
    assert!(matches!(refused, Err(StoreError::Commit(_))), "{refused:?}");
    assert!(proxy.is(Wire::Whole), "the wire did break");
    assert_eq!((count(&store).await, payload_files(&ground)), (0, 0));
    assert_eq!(taken(&store, &large, "k1").await, Reception::New, "the repeat under the same key");
    assert_eq!((count(&store).await, payload_files(&ground)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_while_the_server_is_away_and_all_goes_on_after() {
    let Some((_ground, proxy, store)) = wired().await else { return };
    assert_eq!(receive(&store, b"first", "k1").await.expect("an answer"), Reception::New);
    proxy.becomes(Wire::Down);
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..3 {
        let refused = receive(&store, b"second", "k2").await;
        assert!(refused.is_err(), "{refused:?}");
    }
    let told = receive(&store, b"second", "k2").await.expect_err("still away").to_string();
    assert!(told.contains("cannot be reached") && !told.contains(PASSWORD), "{told}");
    proxy.becomes(Wire::Whole);
    assert_eq!(taken(&store, b"second", "k2").await, Reception::New);
    assert_eq!(count(&store).await, 2);
    assert!(store.balances().await.expect("counts").iter().all(|balance| balance.holds));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_that_the_server_ends_are_made_anew() {
    let Some(ground) = Ground::server().await else { return };
    let (store, _) = store_at(&ground, at(0)).await;
    for round in 0..3u8 {
        ground.end_sessions().await;
        let taken = receive(&store, &[round], &round.to_string()).await;
        assert_eq!(taken.expect("nobody notices"), Reception::New);
    }
    assert_eq!(count(&store).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_database_is_kept_out() {
    let Some(ground) = Ground::server().await else { return };
    let (store, _) = store_at(&ground, at(0)).await;
    let other = ground.elsewhere();
    Store::init(other.path(), &SystemRandom).expect("a data directory");
    let open = || Store::open(other.path(), other.database(), Arc::new(SystemRandom), "b", at(0));
    let refused = open().await.err().expect("refused");
    assert!(matches!(refused, StoreError::InUse(_)), "{refused}");
    let told = refused.to_string();
    assert!(told.contains("PostgreSQL localhost:5432/") && !told.contains(PASSWORD), "{told}");
    assert_eq!(receive(&store, b"x", "k").await.expect("an answer"), Reception::New);
    store.close().await;
    let told = open().await.err().expect("its key opens nothing there").to_string();
    assert!(told.contains("sealed with another master.key"), "{told}");
    std::fs::copy(ground.path().join("master.key"), other.path().join("master.key")).expect("a copy");
    assert!(open().await.is_ok(), "free once the first has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_to_the_server_is_sealed_and_its_name_checked() {
    let Some(server) = Secured::start().await else { return };
    for (mode, host, expected) in [
        ("verify-full", "localhost", None),
        ("verify-full", "127.0.0.1", Some("certificate")),
        ("verify-ca", "127.0.0.1", None),
        ("require", "localhost", None),
    ] {
        let ground = server.ground(host, mode).await;
        Store::init(ground.path(), &SystemRandom).expect("a data directory");
        let opened = Store::open(ground.path(), ground.database(), Arc::new(SystemRandom), "a", at(0)).await;
        match (opened, expected) {
            (Ok((store, _)), None) => {
                let query =
                    "SELECT CASE WHEN ssl THEN version ELSE 'open' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                let version: String =
                    sqlx::query_scalar(query).fetch_one(&mut ground.raw().await).await.expect("a row");
                assert_eq!(version, "TLSv1.3", "{mode} {host}");
                store.close().await;
            }
            (Err(error), Some(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (opened, _) => panic!("{mode} {host}: {:?}", opened.err()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_would_lose_commits_is_refused() {
    let Some(ground) = Ground::server().await else { return };
    let name = ground.line().split('?').next().and_then(|url| url.rsplit('/').next()).expect("a name").to_owned();
    Store::init(ground.path(), &SystemRandom).expect("a data directory");
    let cases = [
        ("synchronous_commit = off", "synchronous_commit is off"),
        ("synchronous_commit = local", "synchronous_commit is local"),
        ("default_transaction_read_only = on", "can only be read"),
    ];
    for (setting, expected) in cases {
        let key = setting.split(' ').next().expect("a key");
        let set = format!("ALTER DATABASE {name} SET {setting}");
        ground.raw().await.execute(AssertSqlSafe(set)).await.expect("set");
        let refused = Store::open(ground.path(), ground.database(), Arc::new(SystemRandom), "a", at(0)).await;
        let told = refused.err().expect("refused").to_string();
        assert!(told.contains(expected), "{told}");
        let mut raw = ground.raw().await;
        raw.execute("SET default_transaction_read_only = off").await.expect("writable");
        raw.execute(AssertSqlSafe(format!("ALTER DATABASE {name} RESET {key}"))).await.expect("reset");
    }
    store_at(&ground, at(0)).await;
}

/// Readers must neither write nor see two moments in one count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_hold_at_every_moment_under_load() {
    let Some(ground) = Ground::server().await else { return };
    let (store, _) = store_at(&ground, at(0)).await;
    let busy = store.clone();
    let writing = tokio::spawn(async move {
        for number in 0..150u32 {
            receive(&busy, &number.to_be_bytes(), &number.to_string()).await.expect("taken");
        }
    });
    let mut rounds = 0;
    while !writing.is_finished() {
        let balances = store.balances().await.expect("counts");
        assert!(balances.iter().all(|balance| balance.holds), "{balances:?}");
        rounds += 1;
    }
    writing.await.expect("written");
    assert!(rounds > 3, "it was looked at {rounds} times only");
}

/// What one database has and the other does not: the mark by which a lost COMMIT is found again.
const SERVER_ONLY: &str = "commit_mark";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_have_the_same_tables_and_columns() {
    let Some(server) = Ground::server().await else { return };
    let file = Ground::file();
    for ground in [&server, &file] {
        store_at(ground, at(0)).await.0.close().await;
    }
    let mut there = columns(&server).await;
    there.retain(|(table, ..)| table != SERVER_ONLY);
    let here = columns(&file).await;
    assert!(here.len() > 150, "only {} columns found", here.len());
    assert_eq!(here, there);
}
