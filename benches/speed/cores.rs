//! What a second core brings for one interchange: the time with one thread over that with two. By the clock on the wall
//! neighbours count too, so each takes its turn and the best of several rounds is told. By what the processor gave to the
//! threads they do not: with two cores of its own, a run takes as long as its busiest thread, or half of all of them.

use crate::generate::{Interchange, Kind};
use crate::{SEED, clock, stage};
use portolan::engine::Rules;
use portolan::engine::map::Target;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 5;
const VALIDATED: u64 = 100_000_000;
const TRANSLATED: u64 = 5_000_000;
/// Ticks a second in `/proc`, the same on every Linux.
const TICKS: f64 = 100.0;

/// Prints a row for validation and one for translation.
pub fn rows(rules: &Rules) {
    println!("\n| one interchange of 850 | two cores ÷ one, wall | by processor time |\n|---|---|---|");
    let input = Interchange::bytes(Kind::X850, VALIDATED, SEED);
    row("validate, 100 MB", &|threads| stage::validate_by(&input, &rules.library, threads));
    let input = Interchange::bytes(Kind::X850, TRANSLATED, SEED);
    let target = Target::parse(rules, stage::other(Kind::X850)).expect("a packed mapping");
    row("translate, 5 MB", &|threads| stage::translate_by(&input, rules, &target, threads));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("\nload of the machine: {}", load.split(' ').next().unwrap_or("unknown"));
}

fn row(name: &str, run: &dyn Fn(usize) -> u64) {
    let counted = run(1);
    let (mut wall, mut used) = ([f64::INFINITY; 2], [0.0; 2]);
    for _ in 0..ROUNDS {
        for (at, threads) in [1, 2].into_iter().enumerate() {
            let (begun, own, all) = (Instant::now(), clock::Moment::now(), process_seconds());
            assert_eq!(black_box(run(threads)), counted, "{name}: {threads} threads do the same");
            wall[at] = wall[at].min(begun.elapsed().as_secs_f64());
            used[at] += own.seconds().max((process_seconds() - all) / threads as f64);
        }
    }
    println!("| {name} | {:.2} | {:.2} |", wall[0] / wall[1], used[0] / used[1]);
}

/// What the processor gave to all threads so far.
fn process_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Its name may hold blanks; user and system time are the 12th and 13th after it.
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}
