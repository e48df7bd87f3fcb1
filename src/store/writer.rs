//! The one writer: takes pieces of work, runs each in a savepoint, commits many at once, then answers all.
//! An fsync costs about 3 ms; shared by up to 64 pieces it no longer sets the pace. It does not retry:
//! a piece that fails is rolled back alone and its caller is told.

use super::error::{Result, StoreError};
use crate::clock::Timestamp;
use crate::fail::fail_point;
use crate::id::{Random, new_id};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Pieces in one commit, at most.
pub const GROUP_PIECES_MAX: usize = 64;
/// How long a commit waits for the companions that the one before it had.
pub const GROUP_WAIT: Duration = Duration::from_millis(5);
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
    fn answer(self: Box<Self>, commit_failure: Option<&str>);
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

    fn answer(self: Box<Self>, commit_failure: Option<&str>) {
        let result = match (self.result, commit_failure) {
            (Ok(_), Some(reason)) => Err(StoreError::Commit(reason.to_owned())),
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
        begin: &'static str,
        random: Arc<dyn Random>,
        node: String,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (queue, pieces) = mpsc::channel(QUEUE_PIECES_MAX);
        let group = Group { connection, begin, random, node };
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

/// The writer's side.
struct Group {
    connection: AnyConnection,
    begin: &'static str,
    random: Arc<dyn Random>,
    node: String,
}

impl Group {
    async fn serve(mut self, mut pieces: mpsc::Receiver<Box<dyn Piece>>) {
        let mut companions = 1;
        while let Some(first) = pieces.recv().await {
            let group = gather(first, companions, &mut pieces).await;
            companions = group.len();
            self.commit(group).await;
        }
        // Closing checkpoints the log; a failure here loses nothing, the log is replayed at the next start.
        let _ = self.connection.close().await;
    }

    async fn commit(&mut self, group: Vec<Box<dyn Piece>>) {
        let mut names = Vec::with_capacity(group.len());
        let mut group = group;
        let failure = match self.run(&mut group, &mut names).await {
            Ok(()) => None,
            Err(error) => {
                tracing::error!(error = %error, pieces = group.len(), "Commit failed; nothing of it was kept");
                // The transaction may be gone already, then there is nothing to roll back.
                let _ = self.connection.execute("ROLLBACK").await;
                Some(error.to_string())
            }
        };
        for piece in group {
            piece.answer(failure.as_deref());
        }
    }

    async fn run(&mut self, group: &mut [Box<dyn Piece>], names: &mut Vec<&'static str>) -> Result<()> {
        self.connection.execute(self.begin).await?;
        for piece in group.iter_mut() {
            self.connection.execute("SAVEPOINT piece").await?;
            let tx = Tx { connection: &mut self.connection, random: &*self.random, node: &self.node };
            if piece.run(tx).await {
                names.push(piece.name());
            } else {
                self.connection.execute("ROLLBACK TO SAVEPOINT piece").await?;
            }
            self.connection.execute("RELEASE SAVEPOINT piece").await?;
        }
        names.iter().for_each(|name| fail_point(&format!("{name}.before_commit")));
        self.connection.execute("COMMIT").await?;
        names.iter().for_each(|name| fail_point(&format!("{name}.after_commit")));
        Ok(())
    }
}

/// Takes what is waiting; under load waits a moment for as many as the last commit had. Idle, it does not wait.
async fn gather(
    first: Box<dyn Piece>,
    companions: usize,
    pieces: &mut mpsc::Receiver<Box<dyn Piece>>,
) -> Vec<Box<dyn Piece>> {
    let mut group = vec![first];
    let end = tokio::time::Instant::now() + GROUP_WAIT;
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
