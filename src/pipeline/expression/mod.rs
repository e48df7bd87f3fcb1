//! Runs expressions in processes of their own: the crate bounds time, depth and sequences, but texts that double again
//! and again take memory that nothing within one process can refuse. A worker is this same binary, started with an
//! empty environment and a limit of its address space; it reads no file and no clock. One that takes too long is killed,
//! one that takes too much dies, and the next expression gets another.
//!
//! What is asked and answered is a line of JSON each; `worker` is the other end.

mod worker;

pub use worker::serve;

use crate::transformation::expression::Expressions;
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

    fn ask(&self, asked: &Asked) -> Result<Option<String>, String> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut worker = idle.map_or_else(|| Worker::start(&self.program), Ok)?;
        let answered = worker.ask(asked)?;
        // One that died or was killed does not come here.
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < IDLE_MAX
        {
            idle.push(worker);
        }
        match answered.error {
            Some(error) => Err(error),
            None => Ok(answered.made),
        }
    }
}

impl Expressions for Workers {
    fn check(&self, expression: &str) -> Result<(), String> {
        self.ask(&Asked { expression: expression.to_owned(), data: None }).map(|_| ())
    }

    fn run(&self, expression: &str, data: &str) -> Result<Option<String>, String> {
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

    fn ask(&mut self, asked: &Asked) -> Result<Answered, String> {
        let mut line = serde_json::to_string(asked).map_err(|error| error.to_string())?;
        line.push('\n');
        // A worker that died before it was asked shows itself when nothing comes back.
        let _gone = self.input.write_all(line.as_bytes()).and_then(|()| self.input.flush());
        match self.answers.recv_timeout(SILENCE_MAX) {
            Ok(answer) => serde_json::from_str(&answer).map_err(|error| error.to_string()),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("expected an answer within {} seconds; it was stopped", SILENCE_MAX.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let megabytes = MEMORY_BYTES_MAX / 1024 / 1024;
                Err(format!("expected less than {megabytes} MiB of memory and no endless depth; it was stopped"))
            }
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
