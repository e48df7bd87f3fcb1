//! What senders bring while a commit is under way goes into the next one together, with as few statements as a single
//! one needs. Those who were just answered may send again at once; for them it waits a moment, since else two halves of
//! the senders would take turns, each waiting for a commit of its own.

use super::commit::receive::{self, Arrival, Reception};
use super::error::{Result, StoreError};
use super::writer::Writer;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Arrivals in one piece of work, at most; each has as many bytes as stand in the database, at most.
const TOGETHER_MAX: usize = 64;
/// Arrivals that may wait; beyond that senders wait, which is the back-pressure.
const WAITING_MAX: usize = 1024;
/// How long is waited for company, at most; and no longer than half of what the last piece of work took.
const PAUSE_MAX: Duration = Duration::from_millis(5);

type Waiting = (Arrival, oneshot::Sender<Result<Reception>>);

/// The way of arrivals to the writer.
#[derive(Clone)]
pub(crate) struct Intake {
    queue: mpsc::Sender<Waiting>,
}

impl Intake {
    /// Ends when all `Intake`s are dropped and what waits is answered.
    pub(crate) fn start(writer: Writer) -> Self {
        let (queue, arrivals) = mpsc::channel(WAITING_MAX);
        tokio::spawn(serve(writer, arrivals));
        Self { queue }
    }

    /// Returns once the arrival is durable, or was not kept.
    pub(crate) async fn take(&self, arrival: Arrival) -> Result<Reception> {
        let (caller, answer) = oneshot::channel();
        self.queue.send((arrival, caller)).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

async fn serve(writer: Writer, mut queue: mpsc::Receiver<Waiting>) {
    let (mut waiting, mut expected, mut pause) = (Vec::new(), 0, Duration::ZERO);
    while queue.recv_many(&mut waiting, TOGETHER_MAX).await > 0 {
        let end = Instant::now() + pause;
        while waiting.len() < expected {
            let missing = expected - waiting.len();
            let more = queue.recv_many(&mut waiting, missing);
            if !matches!(tokio::time::timeout_at(end, more).await, Ok(1..)) {
                break;
            }
        }
        let (begin, count) = (Instant::now(), waiting.len());
        let (arrivals, callers): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        let done = writer
            .write("receive", move |mut tx| Box::pin(async move { receive::take_all(&mut tx, &arrivals).await }))
            .await;
        let answers = match done {
            Ok(answers) => answers,
            Err(error) => callers.iter().map(|_| Err(error.for_another())).collect(),
        };
        pause = PAUSE_MAX.min(begin.elapsed() / 2);
        expected = TOGETHER_MAX.min(count + queue.len());
        for (caller, answer) in callers.into_iter().zip(answers) {
            // A caller that went away does not change what was committed.
            let _ = caller.send(answer);
        }
    }
}
