//! Receiving alone: the product's listener, its check of the sender and its commit, in a process of its own that runs
//! no worker, on the ledger that the whole service left.

use crate::cpu;
use crate::document::Document;
use crate::instance::Instance;
use crate::load;
use portolan::clock::{Clock as _, SystemClock};
use portolan::config::Config;
use portolan::id::SystemRandom;
use portolan::pipeline::Rules;
use portolan::pipeline::receive::HttpReceiver;
use portolan::pipeline::state::Service;
use portolan::store::Store;
use portolan::transport::http::receive::{Pace, ReceiveLimits, router};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The listener on this data directory, until it is killed.
pub fn serve(data: &str) -> std::process::ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let config = Config::load(Path::new(data)).expect("the instance's configuration");
        let (database, random) = (config.database.clone(), Arc::new(SystemRandom));
        let now = SystemClock.now();
        let opened = Store::open(Path::new(data), database.as_ref(), random, "intake", now).await;
        let (store, _) = opened.expect("the ledger is free");
        let limits = config.limits.clone();
        let service = Service::new(store, Rules::new(None, None), Arc::new(SystemClock), config).await.expect("rules");
        let pace = Pace {
            idle: Duration::from_secs(limits.body_idle_seconds),
            bytes_per_second: limits.body_bytes_per_second,
        };
        let limits = ReceiveLimits { bodies_at_once: limits.bodies_at_once, header_bytes: limits.header_bytes, pace };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("http://{}", listener.local_addr().expect("an address"));
        axum::serve(listener, router(Arc::new(HttpReceiver(service)), None, &limits)).await.expect("it serves");
    });
    0.into()
}

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
