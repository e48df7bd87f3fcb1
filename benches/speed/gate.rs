//! Counts instructions per input byte with callgrind and compares them with `limits.tsv`. Counts repeat to a part in a
//! thousand where times do not, so they may stop a change that made the engine slower.

use std::process::{Command, ExitCode};

const LIMITS: &str = include_str!("limits.tsv");

/// Large enough that what a document costs once does not show.
const BYTES: &str = "1000000";

/// Counts each row, prints it, and fails when one is above its limit or cannot be counted.
pub fn run() -> ExitCode {
    let mut is_met = true;
    for row in LIMITS.lines().filter(|row| !row.starts_with('#')) {
        let [stage, kind, limit] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {row}") };
        let limit: f64 = limit.parse().expect("a limit");
        match count(stage, kind) {
            Ok(found) => {
                let verdict = if found <= limit { "ok" } else { "ABOVE THE LIMIT" };
                println!("{stage:<10} {kind:<8} {found:6.1} instructions a byte, at most {limit} {verdict}");
                is_met &= found <= limit;
            }
            Err(reason) => {
                eprintln!("{stage} {kind}: {reason}");
                return ExitCode::FAILURE;
            }
        }
    }
    if is_met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn count(stage: &str, kind: &str) -> Result<f64, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg("--toggle-collect=speed::measured*")
        .arg(own)
        .args(["--instructions", stage, kind, BYTES])
        .output()
        .map_err(|error| {
            format!("valgrind: {error}; deploy/install valgrind installs it, SKIP=valgrind leaves it out")
        })?;
    let words = String::from_utf8_lossy(&output.stderr);
    let after = |text: &str| words.lines().find_map(|line| Some(line.split_once(text)?.1.trim().to_owned()));
    let collected: f64 = after("Collected :").and_then(|count| count.parse().ok()).unwrap_or(0.0);
    let bytes: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0.0);
    if !output.status.success() || collected == 0.0 || bytes == 0.0 {
        return Err(format!("callgrind counted nothing:\n{words}"));
    }
    Ok(collected / bytes)
}
