//! Named points at which crash tests kill the process, and a log that counts how often each was passed.
//! It does nothing unless `PORTOLAN_FAIL_POINT` or `PORTOLAN_FAIL_LOG` is set; it never unwinds or cleans up.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// `name:n`: die by SIGKILL at the n-th passing of `name` (1-based).
pub const FAIL_POINT_VARIABLE: &str = "PORTOLAN_FAIL_POINT";
/// A file to which each passed point appends its name and a line end.
pub const FAIL_LOG_VARIABLE: &str = "PORTOLAN_FAIL_LOG";

#[derive(Debug)]
struct Plan {
    kill: Option<(String, u64)>,
    log: Option<PathBuf>,
    hits: AtomicU64,
}

static PLAN: OnceLock<Option<Plan>> = OnceLock::new();

fn read_plan() -> Option<Plan> {
    let kill = std::env::var(FAIL_POINT_VARIABLE).ok().and_then(|text| parse(&text));
    let log = std::env::var_os(FAIL_LOG_VARIABLE).map(PathBuf::from);
    (kill.is_some() || log.is_some()).then(|| Plan { kill, log, hits: AtomicU64::new(0) })
}

/// `receive.before_commit:3` → the name and 3; a missing number means the first passing.
fn parse(text: &str) -> Option<(String, u64)> {
    match text.rsplit_once(':') {
        Some((name, count)) => Some((name.to_owned(), count.parse().ok().filter(|&n| n > 0)?)),
        None => (!text.is_empty()).then(|| (text.to_owned(), 1)),
    }
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
    if let Some((wanted, count)) = &plan.kill
        && wanted == name
        && plan.hits.fetch_add(1, Ordering::SeqCst) + 1 == *count
    {
        die();
    }
}

/// SIGKILL, as the kernel's out-of-memory killer would send it: no handler, no flush, no exit code of ours.
fn die() -> ! {
    let _ = std::process::Command::new("kill").arg("-9").arg(std::process::id().to_string()).status();
    // Reached only where there is no `kill` program; abort is the nearest thing.
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_plan_is_a_name_and_a_count() {
        assert_eq!(parse("receive.before_commit:3"), Some(("receive.before_commit".into(), 3)));
        assert_eq!(parse("receive.before_commit"), Some(("receive.before_commit".into(), 1)));
        assert_eq!(parse("receive.before_commit:0"), None);
        assert_eq!(parse(""), None);
    }
}
