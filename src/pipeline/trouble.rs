//! What goes wrong in the service itself: told once by whoever sees it, looked at by the alert `trouble`, and forgotten when it
//! works again or was not seen for a while. It lives in this process only; what matters beyond it is in the ledger.

use crate::clock::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long trouble is remembered that nobody sees again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(5 * 60);
/// Characters of a reason that are kept.
const REASON_MAX: usize = 300;

/// One kind of trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// A stable word.
    pub code: &'static str,
    /// For people.
    pub reason: String,
    /// When first.
    pub first_at: Timestamp,
    /// When last.
    pub last_at: Timestamp,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Trouble(Mutex<BTreeMap<&'static str, Seen>>);

impl Trouble {
    /// Something went wrong.
    pub fn note(&self, code: &'static str, reason: &str, now: Timestamp) {
        let reason = reason.chars().filter(|c| !c.is_control()).take(REASON_MAX).collect();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(code).or_insert(Seen { code, reason: String::new(), first_at: now, last_at: now });
        (seen.reason, seen.last_at) = (reason, now);
    }

    /// It works again.
    pub fn over(&self, code: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(code);
    }

    /// What is wrong now.
    #[must_use]
    pub fn now(&self, now: Timestamp) -> Vec<Seen> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, seen| seen.last_at + FORGOTTEN_AFTER > now);
        all.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_ends_when_it_works_again_or_is_not_seen_for_a_while() {
        let (trouble, begin) = (Trouble::default(), Timestamp::UNIX_EPOCH);
        trouble.note("ANCHOR", "no room\non the disk", begin);
        trouble.note("ANCHOR", "no room at all", begin + Duration::from_secs(60));
        trouble.note("LEASE", "gone", begin);
        let seen = trouble.now(begin + Duration::from_secs(61));
        assert_eq!((seen[0].code, &*seen[0].reason, seen[0].first_at), ("ANCHOR", "no room at all", begin));
        trouble.over("ANCHOR");
        assert_eq!(trouble.now(begin).len(), 1);
        assert_eq!(trouble.now(begin + FORGOTTEN_AFTER), []);
    }
}
