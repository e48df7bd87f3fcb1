//! All that differs between databases: how one is opened, how a write begins, what a lost connection means.
//! Queries themselves are written once, in the aggregates; migrations have twins in `migrations/{sqlite,postgres}/`.

mod postgres;
mod sqlite;

use super::error::Result;
use crate::config::Database;
use sqlx::{AnyConnection, AnyPool};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The database that a ledger is kept in.
#[derive(Debug, Clone)]
pub(crate) enum Dialect {
    /// A file in this data directory.
    Sqlite(PathBuf),
    /// A server's.
    Postgres(Database),
}

impl Dialect {
    pub(crate) fn new(directory: &Path, database: Option<&Database>) -> Self {
        database.map_or_else(|| Self::Sqlite(directory.to_owned()), |server| Self::Postgres(server.clone()))
    }

    /// Opens the writer's connection, checks what durability rests on, and keeps other writers out.
    pub(crate) async fn open_writer(&self) -> Result<AnyConnection> {
        match self {
            Self::Sqlite(directory) => sqlite::open_writer(directory).await,
            Self::Postgres(server) => postgres::open_writer(server).await,
        }
    }

    /// Brings the schema up to date.
    pub(crate) async fn migrate(&self, connection: &mut AnyConnection) -> Result<()> {
        match self {
            Self::Sqlite(_) => sqlite::migrate(connection).await,
            Self::Postgres(_) => postgres::migrate(connection).await,
        }
    }

    /// Opens the pool of connections that only read; a transaction on one of them sees one moment.
    pub(crate) async fn open_readers(&self) -> Result<AnyPool> {
        match self {
            Self::Sqlite(directory) => sqlite::open_readers(directory).await,
            Self::Postgres(server) => postgres::open_readers(server).await,
        }
    }

    /// The file that it is; none where a server has it.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite(directory) => Some(directory.join(sqlite::FILE_NAME)),
            Self::Postgres(_) => None,
        }
    }

    /// What is wrong with its bytes; a server looks after its own.
    pub(crate) async fn spoilt(&self, readers: &AnyPool) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(_) => sqlite::spoilt(readers).await,
            Self::Postgres(_) => Ok(Vec::new()),
        }
    }

    /// How a writing transaction begins.
    pub(crate) fn begin(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite::BEGIN,
            Self::Postgres(_) => postgres::BEGIN,
        }
    }

    /// How long a commit may take before its connection counts as lost; `None`: it cannot be lost.
    pub(crate) fn patience(&self) -> Option<Duration> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(_) => Some(postgres::PATIENCE),
        }
    }

    /// Inside a transaction, right before its COMMIT: leaves a mark by which it is found again. SQLite needs none.
    pub(crate) async fn mark(&self, connection: &mut AnyConnection, mark: &str) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => postgres::mark(connection, mark).await,
        }
    }

    /// On a new connection of the writer: whether the last commit, whose answer was lost, took place.
    pub(crate) async fn is_committed(&self, connection: &mut AnyConnection, mark: &str) -> Result<bool> {
        match self {
            Self::Sqlite(_) => Ok(false),
            Self::Postgres(_) => postgres::is_committed(connection, mark).await,
        }
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(_) => write!(f, "SQLite {}", sqlite::FILE_NAME),
            Self::Postgres(server) => server.fmt(f),
        }
    }
}
