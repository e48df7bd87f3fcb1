//! How fast the service is, as ratios to what the same disk and the same database can do in the same run;
//! `make bench-service` runs it.
//!
//! The real binary takes documents of 10 KB over HTTP from 1 and from 32 senders, translates 850 to ORDERS under an
//! agreement, and delivers over HTTP to a receiver of the bench's own; its ledger is on SQLite, then on PostgreSQL. Beside
//! it, in each round: the same bytes appended and synced, and inserted as one row a commit. `SKIP=postgres` leaves
//! PostgreSQL out. It asserts no time; that every document arrived once, it does.

#[path = "../../tests/backend/mod.rs"]
mod backend;
mod bare;
mod cpu;
mod document;
mod http;
mod instance;
mod intake;
mod listener;
mod load;
mod peer;
mod table;

use backend::Ground;
use instance::Instance;
use intake::Intake;
use peer::Peer;
use table::{Bare, IntakeRound, Round};

/// Of how many rounds the median is taken; each round runs every case once, so that a busy moment meets all alike.
const ROUNDS: usize = 5;
/// With `--quick`, and of one database only.
const ROUNDS_QUICK: usize = 1;
/// Senders at once.
const SENDERS: [usize; 2] = [1, 32];
/// Documents that they send together.
const DOCUMENTS: [usize; 2] = [200, 1000];
/// Documents that are sent before anything is measured: tables are made on first use, files grow, connections open.
const WARM_UP: usize = 100;

fn main() -> std::process::ExitCode {
    // Cargo says `--bench` first.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (rounds, only) = match words[..] {
        ["--intake", data] => return listener::serve(data),
        [] => (ROUNDS, None),
        ["--quick"] => (ROUNDS_QUICK, None),
        ["--quick", "--only", database] => (ROUNDS_QUICK, Some(database)),
        ["--only", database] => (ROUNDS, Some(database)),
        _ => {
            eprintln!("service [--quick] [--only sqlite | --only postgres]");
            return 2.into();
        }
    };
    // The first to ask decides which cryptography is used.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // One thread for senders and receiver: what they need is taken from the service, so it is to be little.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        if only != Some("postgres") {
            measure("SQLite", Ground::file(), rounds).await;
        }
        if only != Some("sqlite") {
            match Ground::server().await {
                Some(ground) => measure("PostgreSQL", ground, rounds).await,
                None => println!("\nPostgreSQL: left out, as SKIP says"),
            }
        }
    });
    table::conditions();
    0.into()
}

/// All rounds on one database, and their tables.
async fn measure(database: &str, ground: Ground, rounds: usize) {
    let peer = Peer::start().await;
    let mut instance = Instance::start(&ground, peer.port).await;
    let mut numbers = 1..;
    instance.run(&peer, SENDERS[1], document::some(&mut numbers, WARM_UP)).await;
    let mut whole = Vec::new();
    for _ in 0..rounds {
        let bare = bare(&ground).await;
        let alone = instance.run(&peer, SENDERS[0], document::some(&mut numbers, DOCUMENTS[0])).await;
        let together = instance.run(&peer, SENDERS[1], document::some(&mut numbers, DOCUMENTS[1])).await;
        whole.push(Round { bare, runs: [alone, together] });
    }
    // A ledger has one owner at a time, so what only receives comes after what does it all.
    instance.stop();
    let intake = Intake::start(&instance);
    let mut received = Vec::new();
    for _ in 0..rounds {
        let bare = bare(&ground).await;
        let alone = intake.run(SENDERS[0], document::some(&mut numbers, DOCUMENTS[0])).await;
        let together = intake.run(SENDERS[1], document::some(&mut numbers, DOCUMENTS[1])).await;
        received.push(IntakeRound { bare, taken: [alone, together] });
    }
    table::print(database, SENDERS, &whole, &received);
}

/// What the disk and the database do alone.
async fn bare(ground: &Ground) -> Bare {
    Bare {
        synced: bare::synced(ground.path()),
        inserted: [bare::inserted(ground, SENDERS[0], 1).await, bare::inserted(ground, SENDERS[1], 1).await],
        grouped: bare::inserted(ground, 1, bare::GROUP).await,
    }
}
