//! Receiving alone: the product's listener, its check of the sender and its commit, in a process of its own that runs
//! no worker (`listener.rs`), on the ledger that the whole service left.

use crate::cpu;
use crate::document::Document;
use crate::instance::Instance;
use crate::load;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// The listener, from the outside.
pub struct Intake {
    child: Child,
    address: String,
    token: String,
    server: Option<u32>,
}

/// What receiving took.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// Documents a second.
    pub rate: f64,
    /// Seconds of the processor for each: the listener's, and the database server's.
    pub cpu: [f64; 2],
}

impl Intake {
    /// Takes over the ledger of an instance that has stopped.
    pub fn start(instance: &Instance) -> Intake {
        let own = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(own);
        command.arg("--intake").arg(instance.data()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut address = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut address).expect("an address");
        assert!(address.starts_with("http://"), "it did not start");
        let (address, token) = (address.trim().to_owned(), instance.token.clone());
        Intake { child, address, token, server: instance.server }
    }

    /// Sends all of them.
    pub async fn run(&self, senders: usize, documents: Vec<Document>) -> Taken {
        let (count, before) = (documents.len() as f64, self.used());
        let time = load::send(&self.address, &self.token, senders, documents).await;
        let after = self.used();
        Taken { rate: count / time.as_secs_f64(), cpu: [0, 1].map(|at| (after[at] - before[at]) / count) }
    }

    fn used(&self) -> [f64; 2] {
        [cpu::of(self.child.id()), self.server.map_or(0.0, cpu::of_family)]
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // What it has answered is committed; killing it is the end it has to bear.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
