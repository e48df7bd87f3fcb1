//! The ledger: what was received, what became of it, what was sent. One file an aggregate, each with its rows and
//! queries; commits that join several aggregates stand in `commit/`, one file each.
//!
//! Everything that is answered was committed before: a single writer takes every write, many in one commit, synced. It
//! decides nothing about documents; the pipeline does.

pub mod ack;
pub mod alarm; // what alerts found
pub mod announced; // certificates of ours that partners were told of
pub mod as2; // messages as they were sealed, and their receipts
pub mod audit;
pub mod bulk; // many deliveries or transmissions at once: what can be chosen, and acts over them
pub mod call; // what came of what a call brought
pub mod circuit; // what becomes of circuits, told
pub mod claim;
pub mod commit; // writes that join aggregates, one transaction each
pub mod count; // conservation: every term counted by itself
pub mod delivery;
pub mod delta; // what came last under each number
mod dialect;
mod directory;
pub mod document;
mod error;
pub mod event;
pub mod finding; // what alerts look at
pub mod gathered; // documents that wait for company
mod intake; // arrivals that share a commit
pub mod interchange;
pub mod job;
mod lane; // deliveries that leave one after the other
pub mod lookup; // what lookup tables lack
pub mod mailbox; // files that lie for their partners
mod matching; // which sending an acknowledgment is about
pub mod notice; // mails and posts about alarms
pub mod offered; // certificates that strangers to a channel signed with
pub mod pause; // what waits because an operator said so
pub mod payload;
pub mod pickup; // files taken from folders, and names of those put there
mod reconcile;
pub mod refusal; // of strangers, counted
pub mod resource;
pub mod retention; // bytes whose time is over
mod rows;
mod seal;
pub mod secret;
mod seed; // what another system had before us
mod select;
pub mod sequence;
pub mod telemetry; // what traces are made of, and how far they have been told
pub mod token;
pub mod transmission;
mod value;
pub mod webhook;
mod writer;

pub use error::{Result, StoreError};
pub use payload::{Content, INLINE_BYTES_MAX, PayloadReader, PayloadSource, Spool, Unkept};
pub use reconcile::{Lost, Reconciliation};
pub use seal::{MASTER_KEY_VARIABLE, MasterKey};
pub use value::{Actor, Cursor, Direction, Micros, PAGE_ROWS_MAX, Page, UnknownWord, hexadecimal};

use crate::clock::{Timestamp, going_on};
use crate::config::Database;
use crate::id::{Random, new_id};
use dialect::Dialect;
use directory::DataDirectory;
use futures_util::future::BoxFuture;
use intake::Intake;
use sqlx::AnyPool;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;
use writer::{Tx, Writer};

/// The ledger of one data directory. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    directory: DataDirectory,
    master_key: MasterKey,
    dialect: Dialect,
    random: Arc<dyn Random>,
    readers: AnyPool,
    /// `None` when opened to read only, or closed.
    ways: Mutex<Option<Ways>>,
    task: Mutex<Option<JoinHandle<()>>>,
    /// Bytes of the disk that nothing that comes in may take.
    reserve: AtomicU64,
    /// Tokens that were shown lately.
    tokens: token::Known,
    /// How often a secret was set or removed.
    secret_changes: AtomicU64,
}

/// The ways to the writer.
#[derive(Clone)]
struct Ways {
    writer: Writer,
    /// For what comes in.
    intake: Intake,
}

impl Store {
    /// Makes a data directory with its master key and an empty ledger, or brings an older one up to date.
    ///
    /// # Errors
    /// Another process holds it, or it cannot be written.
    pub fn init(path: &Path, random: &dyn Random) -> Result<()> {
        let _held = DataDirectory::hold(path)?;
        MasterKey::create(&MasterKey::path(path), random)
    }

    /// Opens the ledger to read and write, and puts right what a crash left behind. Its rows are in the directory, or in
    /// a server's database. `now` is what the machine's clock says; where the ledger's last event is later, by a day at most,
    /// that is the time of what is put right.
    ///
    /// # Errors
    /// Another process holds the directory or the database, the key is missing or readable by others, or the database
    /// is not fit.
    pub async fn open(
        path: &Path,
        database: Option<&Database>,
        random: Arc<dyn Random>,
        node: &str,
        now: Timestamp,
    ) -> Result<(Self, Reconciliation)> {
        sqlx::any::install_default_drivers();
        let directory = DataDirectory::hold(path)?;
        let master_key = MasterKey::load(&MasterKey::path(path))?;
        let dialect = Dialect::new(path, database);
        let mut connection = dialect.open_writer().await?;
        dialect.migrate(&mut connection).await?;
        directory.sync()?;
        let readers = dialect.open_readers().await?;
        let (writer, task) = Writer::start(connection, dialect.clone(), random.clone(), node.to_owned());
        let inner = Inner {
            directory,
            master_key,
            dialect,
            random,
            readers,
            ways: Mutex::new(Some(Ways { intake: Intake::start(writer.clone()), writer })),
            reserve: AtomicU64::new(0),
            tokens: token::Known::default(),
            secret_changes: AtomicU64::new(0),
            task: Mutex::new(Some(task)),
        };
        let store = Self { inner: Arc::new(inner) };
        store.check_key().await?;
        // The machine's clock may have been set back while nothing ran.
        let found = store.reconcile(going_on(store.last_event_at().await?, now)).await?;
        Ok((store, found))
    }

    /// Opens the ledger to read only, beside a process that may hold it.
    ///
    /// # Errors
    /// There is no ledger, or its key cannot be read.
    pub async fn look(path: &Path, database: Option<&Database>, random: Arc<dyn Random>) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let directory = DataDirectory::look(path)?;
        let master_key = MasterKey::load(&MasterKey::path(path))?;
        let dialect = Dialect::new(path, database);
        let readers = dialect.open_readers().await?;
        let (ways, task, tokens) = (Mutex::new(None), Mutex::new(None), token::Known::default());
        let reserve = AtomicU64::new(0);
        Ok(Self {
            inner: Arc::new(Inner {
                directory,
                master_key,
                dialect,
                random,
                readers,
                ways,
                task,
                reserve,
                tokens,
                secret_changes: AtomicU64::new(0),
            }),
        })
    }

    /// Stops the writer after what waits for it, and closes the log. Writes after this fail.
    pub async fn close(&self) {
        drop(self.inner.ways.lock().unwrap_or_else(PoisonError::into_inner).take());
        let task = self.inner.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // A panic of the writer was logged when it happened.
            let _ = task.await;
        }
        self.inner.readers.close().await;
    }

    /// What is wrong with the bytes of the database, in its own words; empty where nothing is. That reads all of it. A server looks
    /// after its own.
    ///
    /// # Errors
    /// It cannot even be asked.
    pub async fn spoilt(&self) -> Result<Vec<String>> {
        self.inner.dialect.spoilt(self.reader()).await
    }

    /// Whether there is a ledger at all: an empty database has none.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_made(&self) -> Result<bool> {
        let made = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM _sqlx_migrations").fetch_one(self.reader()).await;
        match made {
            Ok(count) => Ok(count > 0),
            Err(sqlx::Error::Database(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The file of the ledger in a data directory, where it is gone or has no bytes. A new one would know nothing of what was
    /// received. `None`: there is one, or a server has it.
    #[must_use]
    pub fn lost_file(path: &Path, database: Option<&Database>) -> Option<std::path::PathBuf> {
        let file = Dialect::new(path, database).file()?;
        let has_bytes = std::fs::metadata(&file).is_ok_and(|found| found.len() > 0);
        (!has_bytes).then_some(file)
    }

    /// Which database the ledger is in, for people; without a password.
    #[must_use]
    pub fn database(&self) -> String {
        self.inner.dialect.to_string()
    }

    /// A fresh id: `<prefix>_<uuid>`.
    #[must_use]
    pub fn new_id(&self, prefix: &str, now: Timestamp) -> String {
        new_id(prefix, now, &*self.inner.random)
    }

    /// Bytes that nobody can guess.
    pub fn fill_random(&self, bytes: &mut [u8]) {
        self.inner.random.fill(bytes);
    }

    /// Bytes that are free on the disk of the data directory, and all of them; none where the system does not say.
    #[must_use]
    pub fn room(&self) -> Option<(u64, u64)> {
        self.directory().room()
    }

    /// Keeps so many bytes of the disk free from what comes in.
    pub fn keep_free(&self, bytes: u64) {
        self.inner.reserve.store(bytes, Ordering::Relaxed);
    }

    /// Whether something more may come in.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`]: what is left of the disk is kept for what is here already.
    pub fn has_room(&self) -> Result<()> {
        let reserve = self.inner.reserve.load(Ordering::Relaxed);
        match self.room() {
            Some((free, _)) if free < reserve => {
                Err(StoreError::NoRoom { reserve_mb: reserve >> 20, free_mb: free >> 20 })
            }
            _ => Ok(()),
        }
    }

    /// The latest time among the last events, which the clock does not go behind; none in an empty ledger.
    ///
    /// # Errors
    /// The database failed.
    pub async fn last_event_at(&self) -> Result<Option<Timestamp>> {
        let query = "SELECT MAX(at) FROM
             (SELECT at FROM event ORDER BY sequence DESC LIMIT 1000) AS latest";
        let last: Option<i64> = sqlx::query_scalar(query).fetch_one(self.reader()).await?;
        Ok(last.map(|at| Micros(at).timestamp()))
    }

    fn directory(&self) -> &DataDirectory {
        &self.inner.directory
    }

    fn master_key(&self) -> &MasterKey {
        &self.inner.master_key
    }

    /// The source of all that nobody can guess.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        &*self.inner.random
    }

    fn reader(&self) -> &AnyPool {
        &self.inner.readers
    }

    async fn write<T, F>(&self, name: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Tx<'c>) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        self.ways()?.writer.write(name, work).await
    }

    fn intake(&self) -> Result<Intake> {
        Ok(self.ways()?.intake)
    }

    fn ways(&self) -> Result<Ways> {
        let ways = self.inner.ways.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ways.ok_or_else(|| match *self.inner.task.lock().unwrap_or_else(PoisonError::into_inner) {
            None => StoreError::ReadOnly,
            Some(_) => StoreError::Stopped,
        })
    }
}
