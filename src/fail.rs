//! Named points at which tests kill the process or have it stand still, and a log that counts how often each was passed.
//! It does nothing unless `PORTOLAN_FAIL_POINT` or `PORTOLAN_FAIL_LOG` is set; it never unwinds or cleans up.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// `name:n`: die by SIGKILL at the n-th passing of `name` (1-based). `name:n:stop`: stand still there by SIGSTOP, until SIGCONT.
pub const FAIL_POINT_VARIABLE: &str = "PORTOLAN_FAIL_POINT";
/// A file to which each passed point appends its name and a line end.
pub const FAIL_LOG_VARIABLE: &str = "PORTOLAN_FAIL_LOG";

#[derive(Debug)]
struct Plan {
    at: Option<Blow>,
    log: Option<PathBuf>,
    hits: AtomicU64,
}

/// What comes where.
#[derive(Debug, PartialEq, Eq)]
struct Blow {
    name: String,
    /// At which passing, from 1.
    passing: u64,
    signal: Signal,
}

#[derive(Debug, PartialEq, Eq)]
enum Signal {
    Kill,
    Stop,
}

static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

fn read_plan() -> Option<Plan> {
    let at = std::env::var(FAIL_POINT_VARIABLE).ok().and_then(|text| parse(&text));
    let log = std::env::var_os(FAIL_LOG_VARIABLE).map(PathBuf::from);
    (at.is_some() || log.is_some()).then(|| Plan { at, log, hits: AtomicU64::new(0) })
}

/// `receive.before_commit:3` → killed there at the third passing; a missing number means the first.
fn parse(text: &str) -> Option<Blow> {
    let (text, signal) = match text.strip_suffix(":stop") {
        Some(rest) => (rest, Signal::Stop),
        None => (text, Signal::Kill),
    };
    let (name, passing) = match text.rsplit_once(':') {
        Some((name, count)) => (name, count.parse().ok().filter(|&n| n > 0)?),
        None => (text, 1),
    };
    (!name.is_empty()).then(|| Blow { name: name.to_owned(), passing, signal })
}

/// Marks a place where a crash is interesting. Free of cost when no plan is set.
pub fn fail_point(name: &str) {
    let Some(plan) = PLAN.get_or_init(read_plan) else { return };
    if let Some(path) = &plan.log {
        // A log that cannot be written must not change what is tested.
        if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
            let _ = file.write_all(format!("{name}\n").as_bytes());
        }
    }
    if let Some(blow) = &plan.at
        && blow.name == name
        && plan.hits.fetch_add(1, Ordering::SeqCst) + 1 == blow.passing
    {
        match blow.signal {
            Signal::Kill => die(),
            Signal::Stop => send("-STOP"),
        }
    }
}

/// SIGKILL, as the kernel's out-of-memory killer would send it: no handler, no flush, no exit code of ours.
fn die() -> ! {
    send("-KILL");
    // Reached only where there is no `kill` program; abort is the nearest thing.
    std::process::abort()
}

/// A signal to ourselves; all threads of the process feel it.
fn send(signal: &str) {
    let _ = std::process::Command::new("kill").arg(signal).arg(std::process::id().to_string()).status();
}

#[cfg(test)]
mod tests {
    use super::{Blow, Signal, parse};

    #[test]
    fn a_plan_is_a_name_a_count_and_a_signal() {
        let blow = |passing, signal| Some(Blow { name: "receive.before_commit".to_owned(), passing, signal });
        assert_eq!(parse("receive.before_commit:3"), blow(3, Signal::Kill));
        assert_eq!(parse("receive.before_commit"), blow(1, Signal::Kill));
        assert_eq!(parse("receive.before_commit:2:stop"), blow(2, Signal::Stop));
        assert_eq!(parse("receive.before_commit:stop"), blow(1, Signal::Stop));
        assert_eq!(parse("receive.before_commit:0"), None);
        assert_eq!((parse(""), parse(":stop")), (None, None));
    }
}
