//! Which bytes of a file were seen: stretches that do not touch, in order. It knows no bytes.

/// Stretches that are kept apart, at most: who leaves more holes is no client.
pub const STRETCHES_MAX: usize = 1024;

/// Bytes of a file that were seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// The bytes from `start` to before `end`.
    #[must_use]
    pub fn of(start: u64, end: u64) -> Self {
        Self(if start < end { vec![(start, end)] } else { Vec::new() })
    }

    /// Notes all that another has seen; false as with [`Ranges::add`].
    #[must_use]
    pub fn add_all(&mut self, other: &Ranges) -> bool {
        other.0.iter().all(|(start, end)| self.add(*start, *end))
    }

    /// Notes the bytes from `start` to before `end`; false when that would make too many stretches.
    #[must_use]
    pub fn add(&mut self, start: u64, end: u64) -> bool {
        if start >= end {
            return true;
        }
        // The first that reaches up to the new one, and the first that lies behind it.
        let first = self.0.partition_point(|(_, until)| *until < start);
        let behind = self.0.partition_point(|(from, _)| *from <= end);
        let joined =
            self.0[first..behind].iter().fold((start, end), |(from, until), one| (from.min(one.0), until.max(one.1)));
        if first == behind && self.0.len() >= STRETCHES_MAX {
            return false;
        }
        self.0.splice(first..behind, [joined]);
        true
    }

    /// Forgets what lies behind `size`.
    pub fn cut(&mut self, size: u64) {
        self.0.retain(|(from, _)| *from < size);
        if let Some(last) = self.0.last_mut() {
            last.1 = last.1.min(size);
        }
    }

    /// Whether all bytes before `size` were seen.
    #[must_use]
    pub fn is_whole(&self, size: u64) -> bool {
        size == 0 || self.0.first().is_some_and(|(from, until)| *from == 0 && *until >= size)
    }

    /// Whether the last byte before `size` was seen.
    #[must_use]
    pub fn reaches(&self, size: u64) -> bool {
        size > 0 && self.0.last().is_some_and(|(_, until)| *until >= size)
    }

    /// The first byte that was not seen.
    #[must_use]
    pub fn hole(&self) -> u64 {
        self.0.first().map_or(0, |(from, until)| if *from == 0 { *until } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_grow_together() {
        let mut seen = Ranges::default();
        for (start, end) in [(10, 20), (30, 40), (0, 5), (5, 5)] {
            assert!(seen.add(start, end));
        }
        assert_eq!((seen.0.as_slice(), seen.hole()), (&[(0, 5), (10, 20), (30, 40)][..], 5));
        assert!(seen.add(5, 10) && seen.add(15, 31));
        assert_eq!(seen.0, [(0, 40)]);
        assert!(seen.is_whole(40) && !seen.is_whole(41) && Ranges::default().is_whole(0));
        seen.cut(12);
        assert_eq!((seen.hole(), seen.is_whole(12)), (12, true));
        let mut late = Ranges::default();
        assert!(late.add(7, 9) && !late.is_whole(9) && late.hole() == 0);
        assert!(late.add_all(&Ranges::of(0, 7)) && late.is_whole(9));
        assert_eq!(Ranges::of(3, 3), Ranges::default());
        assert!(Ranges::of(3, 9).reaches(9) && !Ranges::of(3, 8).reaches(9) && !Ranges::default().reaches(0));
    }

    #[test]
    fn holes_are_bounded() {
        let mut seen = Ranges::default();
        for number in 0..STRETCHES_MAX as u64 {
            assert!(seen.add(number * 2, number * 2 + 1));
        }
        assert!(!seen.add(1_000_000, 1_000_001), "one more");
        assert!(seen.add(1, 2), "one that fills a hole");
    }
}
