//! PostgreSQL 15 or later: one writing session that holds the ledger by an advisory lock, readers that see one moment,
//! and a mark by which a COMMIT is found again whose answer was lost. It holds no query of any aggregate.

use crate::config::Database;
use crate::store::error::{Result, StoreError};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _, Row as _};
use std::str::FromStr as _;
use std::time::Duration;

/// How a writing transaction begins; there is one writer, so nothing it reads changes under it.
pub(crate) const BEGIN: &str = "BEGIN";
/// How long a commit may take, its statements included. Beyond that the server or the way to it is gone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// Connections that only read.
const READERS_MAX: u32 = 8;
const ACQUIRE_WAIT: Duration = Duration::from_secs(10);
const CONNECT_WAIT: Duration = Duration::from_secs(10);

const VERSION_MIN: i64 = 150_000;
/// Held by the writing session as long as it lives; one ledger a database. Any number that is always the same.
const LEDGER_LOCK: i64 = 0x706f_7274_6f6c_616e;
/// SQLSTATE of a lock that was waited for in vain.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// What holds for every session. A peer that is gone without a word is noticed within half a minute, so that its lock and
/// its transaction do not stand in the way of the next.
const SESSION: [&str; 6] = [
    "SET application_name = 'portolan'",
    "SET statement_timeout = '60s'",
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET lock_timeout = '5s'",
    "SET tcp_keepalives_idle = 10",
    "SET tcp_user_timeout = '30s'",
];

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations/postgres");

async fn settle_session(connection: &mut AnyConnection) -> sqlx::Result<()> {
    for statement in SESSION {
        connection.execute(statement).await?;
    }
    Ok(())
}

/// Opens the writer's connection, checks what durability rests on, and takes the ledger.
pub(crate) async fn open_writer(server: &Database) -> Result<AnyConnection> {
    let options = AnyConnectOptions::from_str(server.url())?;
    let connecting = tokio::time::timeout(CONNECT_WAIT, AnyConnection::connect_with(&options));
    let connected = connecting.await.map_err(|_| StoreError::Unfit(format!("{server} does not answer")))?;
    let mut connection = connected.map_err(|error| StoreError::Unfit(format!("{server}: {error}")))?;
    settle_session(&mut connection).await?;
    check(&mut connection, server).await?;
    take(&mut connection, server).await?;
    Ok(connection)
}

/// Brings the schema up to date; a step may take its time. The migrator takes a lock of its own around its steps.
pub(crate) async fn migrate(connection: &mut AnyConnection) -> Result<()> {
    connection.execute("SET statement_timeout = 0").await?;
    MIGRATIONS.run(&mut *connection).await?;
    connection.execute("SET statement_timeout = '60s'").await?;
    Ok(())
}

/// Refuses a server on which an acknowledged commit may not be on disk, or on which we could not write at all.
async fn check(connection: &mut AnyConnection, server: &Database) -> Result<()> {
    let query = "SELECT CAST(current_setting('server_version_num') AS BIGINT), current_setting('synchronous_commit'),
                 current_setting('transaction_read_only'), current_setting('server_encoding'), current_setting('fsync')";
    let row = sqlx::query(query).fetch_one(&mut *connection).await?;
    let version: i64 = row.get(0);
    let [synchronous_commit, read_only, encoding, fsync]: [String; 4] = std::array::from_fn(|at| row.get(at + 1));
    let unfit = |text: String| Err(StoreError::Unfit(format!("{server}: {text}")));
    if version < VERSION_MIN {
        return unfit(format!("version {} is too old, expected 15 or later", version / 10_000));
    }
    if !matches!(synchronous_commit.as_str(), "on" | "remote_apply") {
        return unfit(format!(
            "synchronous_commit is {synchronous_commit}, expected on or remote_apply; without it a power cut loses \
             acknowledged documents (ALTER DATABASE … SET synchronous_commit = on)"
        ));
    }
    if read_only == "on" {
        return unfit("it can only be read: a standby, or default_transaction_read_only is on".to_owned());
    }
    if encoding != "UTF8" {
        return unfit(format!("its encoding is {encoding}, expected UTF8 (CREATE DATABASE … ENCODING 'UTF8')"));
    }
    if fsync != "on" {
        tracing::error!(database = %server, "fsync is off: a power cut loses acknowledged documents");
    }
    Ok(())
}

/// Takes the ledger for this session. The lock of a process that was killed is free as soon as the server has seen that;
/// one that lives keeps it.
async fn take(connection: &mut AnyConnection, server: &Database) -> Result<()> {
    let query = sqlx::query("SELECT pg_advisory_lock($1)").bind(LEDGER_LOCK);
    match query.execute(connection).await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
            Err(StoreError::InUse(format!("the ledger of {server}")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Opens the pool of connections that only read.
pub(crate) async fn open_readers(server: &Database) -> Result<AnyPool> {
    let pool = AnyPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(ACQUIRE_WAIT)
        .after_connect(|connection, _| {
            Box::pin(async move {
                settle_session(connection).await?;
                connection.execute("SET default_transaction_read_only = on").await?;
                connection.execute("SET default_transaction_isolation = 'repeatable read'").await?;
                Ok(())
            })
        })
        .connect_with(AnyConnectOptions::from_str(server.url())?)
        .await?;
    Ok(pool)
}

/// Writes the mark into the one row that every commit changes. PostgreSQL's own `pg_xact_status` is not asked: after a
/// crash of the server another transaction may have got the number.
pub(crate) async fn mark(connection: &mut AnyConnection, mark: &str) -> Result<()> {
    sqlx::query("UPDATE commit_mark SET mark = $1").bind(mark).execute(connection).await?;
    Ok(())
}

/// Whether the commit with this mark took place. The session that sent it is gone, for this one holds the ledger, and
/// nobody has committed since.
pub(crate) async fn is_committed(connection: &mut AnyConnection, mark: &str) -> Result<bool> {
    let last: String = sqlx::query_scalar("SELECT mark FROM commit_mark").fetch_one(connection).await?;
    Ok(last == mark)
}
