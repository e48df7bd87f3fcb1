//! Runs expressions in processes of their own: the crate bounds time, depth and sequences, but texts that double again
//! and again take memory that nothing within one process can refuse. A worker is this same binary, started with an
//! empty environment and a limit of its address space; it reads no file and no clock. One that takes too long is killed,
//! one that takes too much dies, and the next expression gets another.
//!
//! What is asked and answered is a line of JSON each; `worker` is the other end.

mod worker;

pub use worker::serve;

use crate::transformation::expression::{Expressions, Failure};
use serde::{Deserialize, Serialize};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// The command of this binary that a worker is started with.
pub const COMMAND: &str = "expression-worker";

/// How long an expression may take by the worker's own clock.
const TIME_MS_MAX: u64 = 5_000;

/// How long a worker may be silent before it is killed; more, so that it can say itself what was too long.
const SILENCE_MAX: Duration = Duration::from_millis(2 * TIME_MS_MAX);

/// Memory of a worker, its own program with it.
const MEMORY_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Workers kept for the next expression; more run when more are asked at once.
const IDLE_MAX: usize = 4;

/// What a worker is asked. Without data the expression is only read.
#[derive(Serialize, Deserialize)]
struct Asked {
    expression: String,
    data: Option<String>,
}

/// What a worker answers: what was made, as JSON, or why not.
#[derive(Serialize, Deserialize)]
struct Answered {
    made: Option<String>,
    error: Option<String>,
}

/// The workers.
#[derive(Debug)]
pub struct Workers {
    program: PathBuf,
    idle: Mutex<Vec<Worker>>,
}

impl Workers {
    /// Workers that are this program, or another that knows [`COMMAND`].
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Workers { program, idle: Mutex::default() }
    }

    /// Workers that are the running program.
    #[must_use]
    pub fn of_this_program() -> Self {
        // The path of the running program itself stays right when its file is replaced.
        let own = PathBuf::from("/proc/self/exe");
        Workers::new(if own.exists() { own } else { std::env::current_exe().unwrap_or_default() })
    }

    fn ask(&self, asked: &Asked) -> Result<Option<String>, Failure> {
        // One that died while it was idle is none of the expression's doing: another one is asked.
        while let Some(worker) = self.idle.lock().ok().and_then(|mut idle| idle.pop()) {
            match self.ask_one(worker, asked) {
                Err(Silence::Ended) => {}
                done => return told(done),
            }
        }
        let worker = Worker::start(&self.program).map_err(Failure::OfOurs)?;
        told(self.ask_one(worker, asked))
    }

    fn ask_one(&self, mut worker: Worker, asked: &Asked) -> Result<Answered, Silence> {
        let answered = worker.ask(asked)?;
        // One that died or was killed does not come here.
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < IDLE_MAX
        {
            idle.push(worker);
        }
        Ok(answered)
    }
}

/// Why a worker says nothing.
enum Silence {
    /// It ended.
    Ended,
    /// It takes too long.
    Long,
}

fn told(done: Result<Answered, Silence>) -> Result<Option<String>, Failure> {
    match done {
        Ok(Answered { error: Some(error), .. }) => Err(Failure::OfDocument(error)),
        Ok(answered) => Ok(answered.made),
        Err(Silence::Long) => {
            let seconds = SILENCE_MAX.as_secs();
            Err(Failure::OfDocument(format!("expected an answer within {seconds} seconds; it was stopped")))
        }
        Err(Silence::Ended) => {
            let megabytes = MEMORY_BYTES_MAX / 1024 / 1024;
            let sentence = format!("expected less than {megabytes} MiB of memory and no endless depth; it was stopped");
            Err(Failure::OfDocument(sentence))
        }
    }
}

impl Expressions for Workers {
    fn check(&self, expression: &str) -> Result<(), Failure> {
        self.ask(&Asked { expression: expression.to_owned(), data: None }).map(|_| ())
    }

    fn run(&self, expression: &str, data: &str) -> Result<Option<String>, Failure> {
        self.ask(&Asked { expression: expression.to_owned(), data: Some(data.to_owned()) })
    }
}

/// One worker.
#[derive(Debug)]
struct Worker {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

impl Worker {
    fn start(program: &PathBuf) -> Result<Self, String> {
        let unable = |error: std::io::Error| format!("cannot start a process for expressions: {error}");
        let mut command = Command::new(program);
        command.arg(COMMAND).env_clear().current_dir("/");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(unable)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("cannot speak to a process for expressions".to_owned());
        };
        let (sender, answers) = sync_channel(1);
        // It ends when the worker does, or when nobody listens any more.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Worker { child, input, answers })
    }

    fn ask(&mut self, asked: &Asked) -> Result<Answered, Silence> {
        let mut line = serde_json::to_string(asked).unwrap_or_default();
        line.push('\n');
        // A worker that died before it was asked shows itself when nothing comes back.
        let _gone = self.input.write_all(line.as_bytes()).and_then(|()| self.input.flush());
        match self.answers.recv_timeout(SILENCE_MAX) {
            // What is no answer is half of one: it died while it wrote.
            Ok(answer) => serde_json::from_str(&answer).map_err(|_| Silence::Ended),
            Err(RecvTimeoutError::Timeout) => Err(Silence::Long),
            Err(RecvTimeoutError::Disconnected) => Err(Silence::Ended),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that answers its first line and then ends, as a worker does that somebody kills while it is idle.
    #[test]
    fn ok_a_worker_that_died_while_idle_is_none_of_the_next_expressions_doing() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("worker");
        let text = "#!/bin/sh\nread line\necho '{\"made\":\"1\",\"error\":null}'\n";
        std::fs::write(&program, text).expect("written");
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        std::fs::set_permissions(&program, mode).expect("to be run");
        let workers = Workers::new(program);
        for _ in 0..3 {
            assert_eq!(workers.run("1", "{}"), Ok(Some("1".to_owned())));
            let mut idle = workers.idle.lock().expect("nobody panicked");
            idle.iter_mut().for_each(|worker| drop(worker.child.wait()));
        }
    }
}
