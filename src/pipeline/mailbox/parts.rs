//! What was fetched of files of which a client takes a part at a time, since its connection broke say: when it has all of
//! one, that is a fetch. Kept in this process only and bounded: what is forgotten stays unfetched, which is the safe side.

use super::ranges::Ranges;
use crate::clock::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;

/// Files that are fetched bit by bit at once, at most; beyond it the one whose last part is oldest is forgotten.
const PARTLY_MAX: usize = 1000;

/// Files, by id and by who fetches.
#[derive(Debug, Default)]
pub(super) struct Parts(HashMap<(String, IpAddr), (Ranges, Timestamp)>);

impl Parts {
    /// Notes a part of a file of so many bytes; whether all of it went by then. With the next part it begins anew.
    pub fn add(
        &mut self,
        (file, address): (&str, IpAddr),
        (start, until): (u64, u64),
        size: u64,
        now: Timestamp,
    ) -> bool {
        let key = (file.to_owned(), address);
        if start == 0 && until >= size {
            self.0.remove(&key);
            return true;
        }
        if self.0.len() >= PARTLY_MAX
            && !self.0.contains_key(&key)
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (_, at))| *at).map(|(key, _)| key.clone())
        {
            self.0.remove(&oldest);
        }
        let (seen, at) = self.0.entry(key.clone()).or_insert_with(|| (Ranges::default(), now));
        *at = now;
        // With too many holes it is not seen as whole.
        let is_whole = seen.add(start, until) && seen.is_whole(size);
        if is_whole {
            self.0.remove(&key);
        }
        is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_a_whole_for_who_has_all_of_them() {
        let mut parts = Parts::default();
        let at = |second| Timestamp::from_second(second).expect("a moment");
        let [one, other]: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        assert!(!parts.add(("f", one), (0, 60), 100, at(0)) && !parts.add(("f", other), (60, 100), 100, at(1)));
        assert!(parts.add(("f", one), (50, 100), 100, at(2)), "all of it");
        assert!(!parts.add(("f", one), (50, 100), 100, at(3)), "and anew");
        assert!(parts.add(("f", one), (0, 100), 100, at(4)) && parts.add(("e", one), (0, 0), 0, at(5)));
        for number in 0..PARTLY_MAX {
            assert!(!parts.add((&number.to_string(), one), (0, 1), 2, at(10)));
        }
        assert_eq!(parts.0.len(), PARTLY_MAX);
        assert!(!parts.add(("f", other), (0, 60), 100, at(11)), "the oldest part was forgotten");
    }
}
