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
    /// Notes what was seen of a file of so many bytes; whether all of it went by then. With the next part it begins anew.
    pub fn add(&mut self, of: (&str, IpAddr), seen: &Ranges, size: u64, now: Timestamp) -> bool {
        // With too many holes it is not seen as whole.
        let is_whole = seen.is_whole(size) || (self.note(of, seen, now) && self.has_all(of, size));
        if is_whole {
            self.0.remove(&key(of));
        }
        is_whole
    }

    fn has_all(&self, of: (&str, IpAddr), size: u64) -> bool {
        self.0.get(&key(of)).is_some_and(|(seen, _)| seen.is_whole(size))
    }

    /// Notes what was seen; false when that makes too many stretches.
    fn note(&mut self, of: (&str, IpAddr), seen: &Ranges, now: Timestamp) -> bool {
        let key = key(of);
        if self.0.len() >= PARTLY_MAX
            && !self.0.contains_key(&key)
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (_, at))| *at).map(|(key, _)| key.clone())
        {
            self.0.remove(&oldest);
        }
        let (before, at) = self.0.entry(key).or_insert_with(|| (Ranges::default(), now));
        *at = now;
        before.add_all(seen)
    }

    /// Notes what left, whether it came or its connection broke: never all of the file, whose last byte counts when its client has
    /// closed it.
    pub fn left(&mut self, of: (&str, IpAddr), (start, until): (u64, u64), size: u64, now: Timestamp) {
        let seen = Ranges::of(start, until.min(size.saturating_sub(1)));
        if seen != Ranges::default() {
            // That it is whole by now, since its last byte was had before, is seen when it is closed.
            let _ = self.note(of, &seen, now);
        }
    }

    /// Notes that a session has closed a file of which it had seen so much; whether all of it was had by then. What it had but for the
    /// last byte is noted already, and counts once, whatever others read twice.
    pub fn closed(&mut self, of: (&str, IpAddr), seen: &Ranges, size: u64, now: Timestamp) -> bool {
        if seen.is_whole(size) {
            return self.add(of, seen, size, now);
        }
        let has_last = seen.reaches(size);
        if !has_last && !self.0.contains_key(&key(of)) {
            return false;
        }
        let last = if has_last { Ranges::of(size - 1, size) } else { Ranges::default() };
        self.add(of, &last, size, now)
    }
}

fn key((file, address): (&str, IpAddr)) -> (String, IpAddr) {
    (file.to_owned(), address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_a_whole_for_who_has_all_of_them() {
        let mut parts = Parts::default();
        let at = |second| Timestamp::from_second(second).expect("a moment");
        let [one, other]: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        let mut add = |file: &str, who, (start, end), size, second| {
            parts.add((file, who), &Ranges::of(start, end), size, at(second))
        };
        assert!(!add("f", one, (0, 60), 100, 0) && !add("f", other, (60, 100), 100, 1));
        assert!(add("f", one, (50, 100), 100, 2), "all of it");
        assert!(!add("f", one, (50, 100), 100, 3), "and anew");
        assert!(add("f", one, (0, 100), 100, 4) && add("e", one, (0, 0), 0, 5));
        for number in 0..PARTLY_MAX {
            assert!(!add(&number.to_string(), one, (0, 1), 2, 10));
        }
        assert!(!add("f", other, (0, 60), 100, 11), "the oldest part was forgotten");
        assert_eq!(parts.0.len(), PARTLY_MAX);
    }

    #[test]
    fn pieces_beside_each_other_count_once_though_they_overlap() {
        let (at, one): (_, IpAddr) = (Timestamp::from_second(0).expect("a moment"), [192, 0, 2, 1].into());
        // Each reads on beyond its piece, up to the end.
        let seen = [(0, 60), (25, 80), (50, 100), (75, 100)];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let mut parts = Parts::default();
            seen.iter().for_each(|part| parts.left(("f", one), *part, 100, at));
            let closed = order.map(|part: usize| {
                let (start, until) = seen[part];
                parts.closed(("f", one), &Ranges::of(start, until), 100, at)
            });
            assert_eq!(closed.iter().filter(|is_whole| **is_whole).count(), 1, "{order:?}: {closed:?}");
        }
        // The last one closed first, and the others went on.
        let mut parts = Parts::default();
        parts.left(("f", one), (50, 100), 100, at);
        assert!(!parts.closed(("f", one), &Ranges::of(50, 100), 100, at));
        parts.left(("f", one), (0, 50), 100, at);
        assert!(parts.closed(("f", one), &Ranges::of(0, 50), 100, at));
        assert!(!parts.closed(("f", one), &Ranges::of(0, 50), 100, at) && parts.0.is_empty());
    }

    #[test]
    fn what_left_before_the_connection_broke_lacks_its_last_byte() {
        let mut parts = Parts::default();
        let (at, one): (_, IpAddr) = (Timestamp::from_second(0).expect("a moment"), [192, 0, 2, 1].into());
        parts.left(("f", one), (0, 100), 100, at);
        assert!(!parts.add(("f", one), &Ranges::of(10, 20), 100, at), "it may not have come");
        assert!(parts.add(("f", one), &Ranges::of(99, 100), 100, at), "its client went on where it was");
        parts.left(("f", one), (0, 60), 100, at);
        assert!(parts.add(("f", one), &Ranges::of(40, 100), 100, at));
        parts.left(("e", one), (0, 0), 0, at);
        parts.left(("e", one), (0, 1), 1, at);
        assert!(parts.0.is_empty(), "nothing is remembered of what has no part");
    }
}
