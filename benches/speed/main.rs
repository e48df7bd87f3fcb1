//! How fast the engine is, as ratios to named baselines on the same bytes in the same process; `make bench` runs it.
//!
//! `--instructions STAGE TYPE BYTES` runs one stage once, for callgrind; `--gate` has callgrind count it for each row of
//! `limits.tsv` and fails above a limit. `--named` measures XML, tables and the slowest mappings alone. `--cores` runs a batch with one thread and with two. `--memory BYTES` streams that
//! many bytes through validation and prints the peak.
//! It asserts no time: those depend on the machine and its neighbours. It checks nothing of what is right either, but
//! that its input is clean; the tests do.

mod baseline;
mod clock;
mod cores;
mod gate;
mod generate;
mod memory;
mod named;
mod stage;

use generate::{Interchange, Kind};
use portolan::engine::Rules;
use portolan::tree::Separators;
use std::hint::black_box;

/// Of how many rounds the median is taken; each round runs every case once, so that a busy moment meets all alike.
const ROUNDS: usize = 9;

/// Sizes that all stages are measured at.
const SIZES: [(&str, u64); 2] = [("10 KB", 10_000), ("1 MB", 1_000_000)];
/// A batch, for tokens and validation.
const BATCH: (&str, u64) = ("100 MB", 100_000_000);
const BATCH_ROUNDS: usize = 3;

/// A case is run so often that it has about this many bytes to do, or the clock would be too coarse.
const CASE_BYTES: u64 = 1_000_000;

/// Every input is made with it.
const SEED: u64 = 4711;

fn main() -> std::process::ExitCode {
    // Cargo says `--bench` first.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--instructions", stage, kind, bytes] => once(stage, kind, bytes.parse().expect("a number of bytes")),
        ["--gate"] => return gate::run(),
        ["--cores"] => cores::rows(&Rules::new(None, None)),
        ["--named"] => {
            let rules = Rules::new(None, None);
            named::rows(&rules, &SIZES, ROUNDS);
            named::slowest(&rules);
        }
        ["--memory", bytes] => memory::child(bytes.parse().expect("a number of bytes")),
        [] => table(true),
        ["--quick"] => table(false),
        _ => {
            eprintln!(
                "speed [--quick | --named | --cores | --gate | --instructions STAGE TYPE BYTES | --memory BYTES]"
            );
            return 2.into();
        }
    }
    0.into()
}

/// What callgrind counts: it collects inside this function only.
#[inline(never)]
fn measured(run: &mut dyn FnMut() -> u64) -> u64 {
    run()
}

fn once(stage: &str, kind: &str, bytes: u64) {
    let rules = Rules::new(None, None);
    let kind = Kind::ALL.into_iter().find(|one| one.name() == kind).expect("a document type of the generator");
    let input = Interchange::bytes(kind, bytes, SEED);
    let mut run = stage::by_name(stage, kind, &input, &rules).expect("a stage");
    run(); // Definitions are read once, and not what is counted.
    black_box(measured(&mut run));
    println!("{}", input.len());
}

/// A named thing to run; it returns the bytes by which its rate is told: those read, or those written.
type Case<'a> = (&'static str, Box<dyn FnMut() -> u64 + 'a>);

fn table(with_batch: bool) {
    let rules = Rules::new(None, None);
    println!("| type | size | stage | MB/s | x memchr3 | x split | x edifact-rs | x serde_json |");
    println!("|---|---|---|---|---|---|---|---|");
    for kind in Kind::ALL {
        for (name, size) in SIZES {
            rows(kind, name, size, &rules, true, ROUNDS);
        }
        if with_batch {
            rows(kind, BATCH.0, BATCH.1, &rules, false, BATCH_ROUNDS);
        }
    }
    named::rows(&rules, &SIZES, ROUNDS);
    named::slowest(&rules);
    if with_batch {
        cores::rows(&rules);
        memory::rows();
    }
}

/// Measures one type at one size and prints a row a stage.
fn rows(kind: Kind, size: &str, bytes: u64, rules: &Rules, all: bool, rounds: usize) {
    let input = Interchange::bytes(kind, bytes, SEED);
    let found = stage::validate(&input[..], &rules.library);
    assert_eq!(found.findings, 0, "{} of {size} is not clean", kind.name());
    let length = input.len() as u64;
    let separators = if kind.is_x12() { Separators::X12 } else { Separators::EDIFACT };
    let mut cases: Vec<Case<'_>> = vec![
        ("memchr3", Box::new(|| read(length, baseline::memchr3(&input, &separators)))),
        ("split", Box::new(|| read(length, baseline::naive_split(&input, &separators)))),
    ];
    let directory = rules.library.directory("edifact", "d96a").expect("packed");
    // It keeps all segments, at 25 bytes a byte: a batch would measure the memory of the machine.
    if !kind.is_x12() && all {
        let validator = baseline::edifact_rs_validator(&directory, &input);
        cases.push(("edifact-rs tokens", Box::new(|| read(length, baseline::edifact_rs_tokens(&input)))));
        let input = &input;
        let validate = move || read(length, baseline::edifact_rs_validate(input, &validator));
        cases.push(("edifact-rs validate", Box::new(validate)));
    }
    if all {
        let order = baseline::TypedOrder::sample(100);
        cases.push(("serde_json", Box::new(move || order.write() as u64)));
    }
    let stages: &[&'static str] = if all { &stage::NAMES } else { &stage::NAMES[..2] };
    for name in stages {
        let mut run = stage::by_name(name, kind, &input, rules).expect("a stage");
        let by_json = stage::writes_json(name);
        cases.push((name, Box::new(move || if by_json { run() } else { read(length, run()) })));
    }
    let rates = rates(&mut cases, rounds);
    let rate = |name: &str| rates.iter().find(|(one, _)| *one == name).map(|(_, rate)| *rate);
    for (name, own) in &rates {
        let own = *own;
        let digits = usize::from(own < 10.0) * 2;
        let to = |other: &str| rate(other).map_or(String::new(), |other| format!("{:.2}", own / other));
        let theirs = match *name {
            "tokenise" => to("edifact-rs tokens"),
            "validate" => to("edifact-rs validate"),
            _ => String::new(),
        };
        let by_json = if stage::writes_json(name) { to("serde_json") } else { String::new() };
        let by_bytes =
            |other: &str| if stage::writes_json(name) || *name == "serde_json" { String::new() } else { to(other) };
        let (memchr3, split) = (by_bytes("memchr3"), by_bytes("split"));
        println!("| {} | {size} | {name} | {own:.digits$} | {memchr3} | {split} | {theirs} | {by_json} |", kind.name());
    }
}

/// The bytes read, once what was done with them cannot be left out.
fn read(length: u64, counted: u64) -> u64 {
    black_box(counted);
    length
}

/// Millions of bytes a second of each case: the medians of interleaved rounds.
fn rates(cases: &mut [Case<'_>], rounds: usize) -> Vec<(&'static str, f64)> {
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for _ in 0..rounds {
        for ((_, run), rates) in cases.iter_mut().zip(&mut found) {
            // Once unmeasured: caches and the allocator are to hold its own, not what the case before left behind.
            black_box(run());
            let (begun, mut bytes) = (clock::Moment::now(), 0);
            while bytes < CASE_BYTES {
                bytes += black_box(run());
            }
            rates.push(bytes as f64 / 1e6 / begun.seconds());
        }
    }
    let median = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    cases.iter().zip(found).map(|((name, _), rates)| (*name, median(rates))).collect()
}
