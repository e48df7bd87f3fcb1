//! What the disk and the database can do without us: as many bytes as a document has, synced one after the other, or
//! inserted as one row a commit. They are as bytes that are sealed: a database cannot make less of them. Nothing else is
//! written, nothing is read, nobody is asked who he is.

use crate::backend::Ground;
use portolan::id::{Random as _, SystemRandom};
use sqlx::{AnyConnection, Connection as _, Executor as _};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of a row: a document's.
const BYTES: usize = 10_000;
/// How long each is measured.
const TIME: Duration = Duration::from_millis(1500);
/// Rows of one commit, where rows share commits.
pub const GROUP: usize = 32;

fn bytes() -> Vec<u8> {
    let mut bytes = vec![0; BYTES];
    SystemRandom.fill(&mut bytes);
    bytes
}

/// Appended to a file and synced, a second.
pub fn synced(folder: &Path) -> f64 {
    let path = folder.join("bare.bytes");
    let mut file = std::fs::File::options().create(true).append(true).open(&path).expect("a file");
    let (bytes, begin, mut count) = (bytes(), Instant::now(), 0);
    while begin.elapsed() < TIME {
        file.write_all(&bytes).and_then(|()| file.sync_data()).expect("synced");
        count += 1;
    }
    let rate = f64::from(count) / begin.elapsed().as_secs_f64();
    std::fs::remove_file(path).expect("removed");
    rate
}

/// Rows a second that so many clients insert, each `rows` a commit. SQLite has one writer, whatever the clients.
pub async fn inserted(ground: &Ground, clients: usize, rows: usize) -> f64 {
    let clients = if ground.database().is_some() { clients } else { 1 };
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(connect(ground).await);
    }
    let begin = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for connection in connections {
        running.spawn(client(connection, rows, begin + TIME));
    }
    let mut count = 0;
    while let Some(done) = running.join_next().await {
        count += done.expect("a client does not fail");
    }
    count as f64 / begin.elapsed().as_secs_f64()
}

async fn connect(ground: &Ground) -> AnyConnection {
    sqlx::any::install_default_drivers();
    if ground.database().is_some() {
        let mut connection = ground.raw().await;
        let table = "CREATE TABLE IF NOT EXISTS bare (bare_id BIGSERIAL PRIMARY KEY, bytes BYTEA NOT NULL)";
        connection.execute(table).await.expect("a table");
        return connection;
    }
    // A file of its own: the ledger's belongs to the service.
    let url = format!("sqlite://{}?mode=rwc", ground.path().join("bare.db").display());
    let mut connection = AnyConnection::connect(&url).await.expect("a file");
    for statement in [
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "CREATE TABLE IF NOT EXISTS bare (bare_id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    ] {
        connection.execute(statement).await.expect("a database as the ledger's");
    }
    connection
}

async fn client(mut connection: AnyConnection, rows: usize, end: Instant) -> usize {
    let bytes = bytes();
    let mut count = 0;
    while Instant::now() < end {
        if rows == 1 {
            insert(&mut connection, &bytes).await;
        } else {
            let mut commit = connection.begin().await.expect("begun");
            for _ in 0..rows {
                insert(&mut commit, &bytes).await;
            }
            commit.commit().await.expect("committed");
        }
        count += rows;
    }
    connection.close().await.expect("closed");
    count
}

async fn insert(connection: &mut AnyConnection, bytes: &[u8]) {
    let insert = sqlx::query("INSERT INTO bare (bytes) VALUES ($1)").bind(bytes);
    insert.execute(connection).await.expect("inserted");
}
