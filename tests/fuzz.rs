//! The fuzz checks on stable Rust: samples of the fixtures, damaged by a seeded generator. `FUZZ_SEED` and
//! `FUZZ_ROUNDS` choose other or more damage; a failure prints both and the damaged input. `make fuzz` goes deeper.

#[path = "../fuzz/checks.rs"]
mod checks;
mod dice;

use dice::{Dice, number};
use std::fs;
use std::path::{Path, PathBuf};

fn samples() -> Vec<Vec<u8>> {
    let mut open: Vec<PathBuf> = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "edi") {
                found.push((path.clone(), fs::read(&path).expect("a readable sample")));
            }
        }
    }
    found.sort();
    let found: Vec<_> = found.into_iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() < 64 * 1024).collect();
    assert!(!found.is_empty(), "no samples at all");
    found
}

const PIECES: [&[u8]; 14] = [
    b"ISA*",
    b"GS*",
    b"ST*850*",
    b"SE*",
    b"IEA*",
    b"UNA:+.? '",
    b"UNB+UNOC:3+",
    b"UNH+1+ORDERS:D:96A:UN'",
    b"UNZ+1+",
    b"~",
    b"'",
    b"?",
    b"BIN*9*",
    b"\n",
];

fn damage(sample: &[u8], samples: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=dice.roll(6) {
        let at = dice.roll(bytes.len() + 1);
        let end = (at + dice.roll(40)).min(bytes.len());
        match dice.roll(8) {
            0 if at < bytes.len() => bytes[at] = dice.roll(256) as u8,
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, PIECES[dice.roll(PIECES.len())].iter().copied())),
            3 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            4 => bytes.truncate(at),
            5 => {
                let (from, to) = (dice.roll(256) as u8, dice.roll(256) as u8);
                bytes.iter_mut().filter(|byte| **byte == from).for_each(|byte| *byte = to);
            }
            6 => {
                let other = &samples[dice.roll(samples.len())];
                let from = dice.roll(other.len());
                let part = other[from..(from + 200).min(other.len())].to_vec();
                drop(bytes.splice(at..at, part));
            }
            _ => {
                let marks: Vec<usize> = (0..bytes.len()).filter(|&at| b"*~+:'>?".contains(&bytes[at])).collect();
                if let (Some(&one), Some(&two)) = (marks.get(dice.roll(marks.len())), marks.get(dice.roll(marks.len())))
                {
                    bytes.swap(one, two);
                }
            }
        }
    }
    bytes
}

#[test]
fn damaged_input_never_breaks_the_engine() {
    let (seed, rounds) = (number("FUZZ_SEED", 20_261_124), number("FUZZ_ROUNDS", 3_000));
    let samples = samples();
    for round in 0..rounds {
        let mut dice = Dice::new(seed, round);
        let sample = &samples[dice.roll(samples.len())];
        let input = damage(sample, &samples, &mut dice);
        let told = std::panic::catch_unwind(|| {
            checks::kernels_agree(&input);
            checks::bytes_survive(&input);
            checks::identifies(&input);
            checks::is_answered(&input);
        });
        if let Err(panic) = told {
            eprintln!("FUZZ_SEED={seed} round {round}: {}", input.escape_ascii());
            std::panic::resume_unwind(panic);
        }
    }
}
