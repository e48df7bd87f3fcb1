//! The one writer: takes pieces of work, runs each in a savepoint, commits many at once, then answers all.
//! An fsync costs about 3 ms; shared by up to 64 pieces it no longer sets the pace. It does not retry:
//! a piece that fails is rolled back alone and its caller is told. A lost connection it makes anew, and looks whether a
//! COMMIT whose answer was lost took place before it answers for it.

use super::dialect::Dialect;
use super::error::{Result, StoreError};
use super::value::hexadecimal;
use crate::clock::Timestamp;
use crate::fail::fail_point;
use crate::id::{Random, new_id};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Pieces in one commit, at most.
pub const GROUP_PIECES_MAX: usize = 64;
/// How long a commit waits for the companions that the one before it had, at most: no longer than that one took to sync,
/// for then it would cost more than it saves.
pub const GROUP_WAIT_MAX: Duration = Duration::from_millis(5);
/// How long the writer waits before it tries to connect again: at first, and at most.
const RECONNECT_WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// Pieces that may wait for the writer; beyond that callers wait, which is the back-pressure.
const QUEUE_PIECES_MAX: usize = 1024;

/// What a piece of work is given: the connection inside its savepoint, and what ids and events need.
pub(crate) struct Tx<'c> {
    /// The writer's connection, inside the transaction.
    pub(crate) connection: &'c mut AnyConnection,
    /// Where ids get their randomness from.
    pub(crate) random: &'c dyn Random,
    /// This node's name, for events.
    pub(crate) node: &'c str,
    /// The last event of chains that this piece has seen: number and hash.
    pub(crate) heads: HashMap<String, (i64, String)>,
    /// The place of the last event among all. It only grows: what a piece took that is rolled back is left out.
    pub(crate) sequence: &'c mut i64,
}

impl Tx<'_> {
    /// A new id with this prefix.
    pub(crate) fn id(&self, prefix: &str, now: Timestamp) -> String {
        new_id(prefix, now, self.random)
    }
}

type Work<T> = Box<dyn for<'c> FnOnce(Tx<'c>) -> BoxFuture<'c, Result<T>> + Send>;

/// A piece whose result type is known only to itself.
trait Piece: Send {
    fn name(&self) -> &'static str;
    /// Does the work; tells whether it is to be kept.
    fn run<'c>(&'c mut self, tx: Tx<'c>) -> BoxFuture<'c, bool>;
    /// Tells the caller, after COMMIT or its failure.
    fn answer(self: Box<Self>, failure: Option<&Failure>);
}

/// Why a commit did not take place, for all its pieces.
enum Failure {
    /// Nothing of it was kept.
    Refused(String),
    /// Nobody knows.
    Unknown(String),
    /// There is no connection.
    Unreachable,
}

impl From<&Failure> for StoreError {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Refused(reason) => Self::Commit(reason.clone()),
            Failure::Unknown(reason) => Self::Unknown(reason.clone()),
            Failure::Unreachable => Self::Unreachable,
        }
    }
}

struct Task<T> {
    name: &'static str,
    work: Option<Work<T>>,
    result: Result<T>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T: Send> Piece for Task<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run<'c>(&'c mut self, tx: Tx<'c>) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            // A panic in one piece must not take the writer, and with it the service, down.
            self.result = match AssertUnwindSafe(work(tx)).catch_unwind().await {
                Ok(result) => result,
                Err(_) => Err(StoreError::Unfit(format!("{}: internal failure, nothing was written", self.name))),
            };
            self.result.is_ok()
        })
    }

    fn answer(self: Box<Self>, failure: Option<&Failure>) {
        let result = match (self.result, failure) {
            (Ok(_), Some(failure)) => Err(failure.into()),
            // It was never begun.
            (Err(StoreError::Stopped), Some(failure)) => Err(failure.into()),
            (result, _) => result,
        };
        // A caller that went away does not change what was committed.
        let _ = self.caller.send(result);
    }
}

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Piece>>,
}

impl Writer {
    /// Starts the writer on its own connection. The handle ends when all `Writer`s are dropped and the queue is empty.
    pub(crate) fn start(
        connection: AnyConnection,
        dialect: Dialect,
        random: Arc<dyn Random>,
        node: String,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, pieces) = mpsc::channel(QUEUE_PIECES_MAX);
        let group = Group {
            connection: Some(connection),
            dialect,
            random,
            node,
            mark: None,
            synced_in: Duration::ZERO,
            sequence: None,
        };
        (Self { queue }, tokio::spawn(group.serve(pieces)))
    }

    /// Runs `work` in the next commit and returns its result once that commit is durable.
    /// `name` is the commit's kind; `<name>.before_commit` and `<name>.after_commit` are fail points.
    pub(crate) async fn write<T, F>(&self, name: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Tx<'c>) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let task = Task { name, work: Some(Box::new(work)), result: Err(StoreError::Stopped), caller };
        self.queue.send(Box::new(task)).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

type Pieces = mpsc::Receiver<Box<dyn Piece>>;

/// The writer's side.
struct Group {
    /// `None` while it is being made anew: an old session must be gone before the next can hold the ledger.
    connection: Option<AnyConnection>,
    dialect: Dialect,
    random: Arc<dyn Random>,
    node: String,
    /// Of the COMMIT that was sent and not answered yet.
    mark: Option<String>,
    /// How long the last COMMIT took.
    synced_in: Duration,
    /// The place of the last event among all; `None` until it was asked for.
    sequence: Option<i64>,
}

impl Group {
    async fn serve(mut self, mut pieces: Pieces) {
        let mut companions = 1;
        while let Some(first) = pieces.recv().await {
            let group = gather(first, companions, self.synced_in, &mut pieces).await;
            companions = group.len();
            self.commit(group, &mut pieces).await;
        }
        if let Some(connection) = self.connection {
            // Closing checkpoints the log; a failure here loses nothing, the log is replayed at the next start.
            let _ = connection.close().await;
        }
    }

    async fn commit(&mut self, mut group: Vec<Box<dyn Piece>>, pieces: &mut Pieces) {
        self.mark = None;
        let Err(error) = self.run(&mut group).await else { return answer(group, None) };
        tracing::error!(error = %error, pieces = group.len(), "Commit failed");
        let Some(mark) = self.mark.take() else {
            answer(group, Some(&Failure::Refused(error.to_string())));
            return self.recover(pieces).await;
        };
        self.recover(pieces).await;
        let is_committed = match &mut self.connection {
            Some(connection) => self.dialect.is_committed(connection, &mark).await.ok(),
            None => None,
        };
        tracing::warn!(is_committed, "Looked what became of a commit that was not answered");
        let failure = match is_committed {
            Some(true) => None,
            Some(false) => Some(Failure::Refused(error.to_string())),
            None => Some(Failure::Unknown(error.to_string())),
        };
        answer(group, failure.as_ref());
    }

    /// Runs the pieces and commits, within the time that the database has for it.
    async fn run(&mut self, group: &mut [Box<dyn Piece>]) -> Result<()> {
        match self.dialect.patience() {
            Some(limit) => {
                tokio::time::timeout(limit, self.run_all(group)).await.unwrap_or(Err(StoreError::Unreachable))
            }
            None => self.run_all(group).await,
        }
    }

    async fn run_all(&mut self, group: &mut [Box<dyn Piece>]) -> Result<()> {
        self.begin().await?;
        let mark = self.new_mark();
        let Some(connection) = &mut self.connection else { return Err(StoreError::Unreachable) };
        let sequence = match &mut self.sequence {
            Some(sequence) => sequence,
            none => {
                let last = "SELECT COALESCE(MAX(sequence), 0) FROM event";
                none.insert(sqlx::query_scalar(last).fetch_one(&mut *connection).await?)
            }
        };
        let mut names = Vec::with_capacity(group.len());
        // A piece that is alone needs no savepoint: there is nobody to be spared.
        let is_alone = group.len() == 1;
        for piece in group.iter_mut() {
            if !is_alone {
                connection.execute("SAVEPOINT piece").await?;
            }
            let (random, node) = (&*self.random, self.node.as_str());
            if piece.run(Tx { connection, random, node, heads: HashMap::new(), sequence }).await {
                names.push(piece.name());
            } else if is_alone {
                connection.execute("ROLLBACK").await?;
                return Ok(());
            } else {
                connection.execute("ROLLBACK TO SAVEPOINT piece").await?;
            }
            if !is_alone {
                connection.execute("RELEASE SAVEPOINT piece").await?;
            }
        }
        self.dialect.mark(connection, &mark).await?;
        names.iter().for_each(|name| fail_point(&format!("{name}.before_commit")));
        self.mark = Some(mark);
        let begin = Instant::now();
        connection.execute("COMMIT").await?;
        self.synced_in = begin.elapsed();
        metrics::histogram!("portolan_commit_seconds").record(self.synced_in);
        names.iter().for_each(|name| fail_point(&format!("{name}.after_commit")));
        metrics::counter!("portolan_commits_total").increment(1);
        for name in names {
            metrics::counter!("portolan_writes_total", "write" => name).increment(1);
        }
        Ok(())
    }

    /// Begins a transaction. A connection that broke while it lay idle is first made anew, which nobody need notice.
    async fn begin(&mut self) -> Result<()> {
        let begin = self.dialect.begin();
        if let Some(connection) = &mut self.connection {
            match connection.execute(begin).await {
                Ok(_) => return Ok(()),
                Err(error) if self.dialect.patience().is_none() => return Err(error.into()),
                Err(error) => tracing::warn!(error = %error, "The connection broke while it lay idle"),
            }
        }
        self.connection = None;
        let mut connection = self.dialect.open_writer().await?;
        connection.execute(begin).await?;
        self.connection = Some(connection);
        Ok(())
    }

    fn new_mark(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        hexadecimal(&bytes)
    }

    /// Makes the connection fit for the next commit: rolls back, or connects anew where it can be lost. Who comes
    /// meanwhile is told at once that there is none.
    async fn recover(&mut self, pieces: &mut Pieces) {
        if let (Some(connection), None) = (&mut self.connection, self.dialect.patience()) {
            // The transaction may be gone already, then there is nothing to roll back.
            let _ = connection.execute("ROLLBACK").await;
            return;
        }
        self.connection = None;
        let (mut pause, pause_max) = RECONNECT_WAIT;
        loop {
            match self.dialect.open_writer().await {
                Ok(connection) => {
                    self.connection = Some(connection);
                    return tracing::info!(database = %self.dialect, "Connected again");
                }
                Err(error) => tracing::error!(database = %self.dialect, error = %error, "Not connected; trying again"),
            }
            if !refuse(pieces, pause).await {
                return;
            }
            pause = pause_max.min(pause * 2);
        }
    }
}

fn answer(group: Vec<Box<dyn Piece>>, failure: Option<&Failure>) {
    group.into_iter().for_each(|piece| piece.answer(failure));
}

/// Tells every caller for a while that there is no connection; false when nobody will call any more.
async fn refuse(pieces: &mut Pieces, pause: Duration) -> bool {
    let end = Instant::now() + pause;
    loop {
        match tokio::time::timeout_at(end, pieces.recv()).await {
            Ok(Some(piece)) => piece.answer(Some(&Failure::Unreachable)),
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

/// Takes what is waiting; under load waits a moment for as many as the last commit had. Idle, it does not wait.
async fn gather(
    first: Box<dyn Piece>,
    companions: usize,
    synced_in: Duration,
    pieces: &mut mpsc::Receiver<Box<dyn Piece>>,
) -> Vec<Box<dyn Piece>> {
    let mut group = vec![first];
    let end = Instant::now() + synced_in.min(GROUP_WAIT_MAX);
    while group.len() < GROUP_PIECES_MAX {
        match pieces.try_recv() {
            Ok(piece) => group.push(piece),
            Err(_) if group.len() >= companions => break,
            Err(_) => match tokio::time::timeout_at(end, pieces.recv()).await {
                Ok(Some(piece)) => group.push(piece),
                Ok(None) | Err(_) => break,
            },
        }
    }
    group
}
