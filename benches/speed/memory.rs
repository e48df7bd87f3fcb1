//! Peak memory of validation as the input grows: a process of its own for each size, which makes the bytes while it
//! reads them. Told by the kernel (`VmHWM`), so only where there is `/proc`.

use crate::generate::{Interchange, Kind};
use crate::{SEED, stage};
use portolan::standard::load::Library;
use std::process::Command;

const SIZES: [u64; 3] = [1_000_000, 100_000_000, 1_000_000_000];

/// Prints a row a size, and how many bytes of memory each byte of input between the largest two costs.
pub fn rows() {
    println!("\n| bytes validated | peak memory, KiB |\n|---|---|");
    let mut peaks = Vec::new();
    for size in SIZES {
        let own = std::env::current_exe().expect("this program has a path");
        let output = Command::new(own).args(["--memory", &size.to_string()]).output().expect("it starts");
        let peak: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(f64::NAN);
        println!("| {size} | {peak} |");
        peaks.push((size as f64, peak * 1024.0));
    }
    if let [.., (small, before), (large, after)] = peaks[..] {
        println!("\nslope: {:.4} bytes of memory a byte of input", (after - before) / (large - small));
    }
}

/// Streams so many bytes through validation and prints the peak in KiB.
pub fn child(bytes: u64) {
    let counted = stage::validate(Interchange::new(Kind::X850, bytes, SEED), &Library::new(None));
    assert_eq!(counted.findings, 0, "the input is clean");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    println!("{}", peak.trim().trim_end_matches("kB").trim());
}
