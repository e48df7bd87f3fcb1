//! SQLite: one file in the data directory, write-ahead log, every commit synced.
//! It holds no query of any aggregate.

use crate::store::error::{Result, StoreError};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, Connection as _, Executor as _};
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

/// The database's file in the data directory.
pub(crate) const FILE_NAME: &str = "portolan.db";
/// How a writing transaction begins: with the write lock, so that it never has to be upgraded.
pub(crate) const BEGIN: &str = "BEGIN IMMEDIATE";
/// Connections that only read.
const READERS_MAX: u32 = 8;
const ACQUIRE_WAIT: Duration = Duration::from_secs(10);

/// `PRAGMA synchronous` as SQLite answers it: 2 is FULL. NORMAL loses acknowledged commits at a power cut.
const SYNCHRONOUS_FULL: i64 = 2;

/// Pages that the writer keeps, 32 MiB: those of its indexes are changed again and again.
const CACHE: &str = "PRAGMA cache_size = -32768";
/// The log goes back into the file every 4,000 pages, 16 MB: a page that was changed often meanwhile goes once.
const CHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 4000";

/// Reads all pages and says what is wrong with the first of them; `ok` where nothing is.
const CHECK: &str = "PRAGMA quick_check(5)";

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// A URL for the driver; every byte outside the unreserved ones is percent-encoded.
fn url(directory: &Path, mode: &str) -> Result<AnyConnectOptions> {
    let path = std::path::absolute(directory.join(FILE_NAME)).map_err(|error| StoreError::file(directory, error))?;
    let mut url = String::from("sqlite://");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url.push_str("?mode=");
    url.push_str(mode);
    Ok(AnyConnectOptions::from_str(&url)?)
}

/// Opens the writer's connection, sets and checks what durability rests on.
pub(crate) async fn open_writer(directory: &Path) -> Result<AnyConnection> {
    let mut connection = AnyConnection::connect_with(&url(directory, "rwc")?).await?;
    for pragma in [
        "PRAGMA busy_timeout = 5000",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        CACHE,
        CHECKPOINT,
        "PRAGMA foreign_keys = ON",
        "PRAGMA trusted_schema = OFF",
    ] {
        connection.execute(pragma).await?;
    }
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut connection).await?;
    if synchronous != SYNCHRONOUS_FULL {
        return Err(StoreError::Unfit(format!(
            "SQLite reads synchronous back as {synchronous}, expected {SYNCHRONOUS_FULL} (FULL); \
             without it a power cut loses acknowledged documents"
        )));
    }
    Ok(connection)
}

/// Brings the schema up to date.
pub(crate) async fn migrate(connection: &mut AnyConnection) -> Result<()> {
    Ok(MIGRATIONS.run(connection).await?)
}

/// Opens the pool of connections that only read.
pub(crate) async fn open_readers(directory: &Path) -> Result<AnyPool> {
    let pool = AnyPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(ACQUIRE_WAIT)
        // A file is not lost like a server; asking whether it is there costs as much as asking what is wanted.
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("PRAGMA busy_timeout = 5000").await?;
                connection.execute("PRAGMA query_only = ON").await?;
                connection.execute("PRAGMA trusted_schema = OFF").await?;
                Ok(())
            })
        })
        .connect_with(url(directory, "rw")?)
        .await?;
    Ok(pool)
}

/// What SQLite finds wrong with its file: every page is read.
pub(crate) async fn spoilt(readers: &AnyPool) -> Result<Vec<String>> {
    let said: Vec<String> = sqlx::query_scalar(CHECK).fetch_all(readers).await?;
    Ok(said.into_iter().filter(|one| one != "ok").collect())
}
