//! What a second core brings for one interchange: the clock on the wall with one thread over that with two. Here the
//! neighbours do count, so each takes its turn, the best of several rounds is told, and with it how busy the machine was.

use crate::generate::{Interchange, Kind};
use crate::{SEED, stage};
use portolan::pipeline::Rules;
use portolan::pipeline::map::Target;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 5;
const VALIDATED: u64 = 100_000_000;
const TRANSLATED: u64 = 10_000_000;

/// Prints a row for validation and one for translation.
pub fn rows(rules: &Rules) {
    println!("\n| one interchange of 850 | one thread, s | two, s | two cores ÷ one |\n|---|---|---|---|");
    let input = Interchange::bytes(Kind::X850, VALIDATED, SEED);
    row("validate, 100 MB", &|threads| stage::validate_by(&input, &rules.library, threads));
    let input = Interchange::bytes(Kind::X850, TRANSLATED, SEED);
    let target = Target::parse(rules, stage::other(Kind::X850)).expect("a packed mapping");
    row("translate, 10 MB", &|threads| stage::translate_by(&input, rules, &target, threads));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("\nload of the machine: {}", load.split(' ').next().unwrap_or("unknown"));
}

fn row(name: &str, run: &dyn Fn(usize) -> u64) {
    let mut best = [f64::INFINITY; 2];
    let counted = run(1);
    for _ in 0..ROUNDS {
        for (seconds, threads) in best.iter_mut().zip([1, 2]) {
            let begun = Instant::now();
            assert_eq!(black_box(run(threads)), counted, "{name}: {threads} threads do the same");
            *seconds = seconds.min(begun.elapsed().as_secs_f64());
        }
    }
    let [one, two] = best;
    println!("| {name} | {one:.3} | {two:.3} | {:.2} |", one / two);
}
