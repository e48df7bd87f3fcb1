//! Control numbers that have been used, to tell one that comes twice. Most count on by one, so what is kept is where a row
//! began and how far it has come, not each number: a million documents that count on take no more room than ten.

use std::collections::{BTreeMap, HashSet};

/// Digits that a number may have to be counted in a row.
const DIGITS_MAX: usize = 18;

/// The numbers used so far.
#[derive(Debug, Default)]
pub struct Numbers {
    /// By width and first number: the last of each unbroken row of numbers of so many digits.
    rows: BTreeMap<(usize, u64), u64>,
    /// What is not made of digits alone.
    others: HashSet<String>,
}

impl Numbers {
    /// Notes a number; `false` when it was there. They are texts: `01` is not `1`.
    pub fn insert(&mut self, text: &str) -> bool {
        let is_number = text.len() <= DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
        let Some(number) = text.parse::<u64>().ok().filter(|_| is_number) else {
            return self.others.insert(text.to_owned());
        };
        let width = text.len();
        let below = self.rows.range((width, 0)..=(width, number)).next_back();
        let below = below.map(|(&(_, first), &last)| (first, last));
        if below.is_some_and(|(_, last)| number <= last) {
            return false;
        }
        let first = below.filter(|(_, last)| last + 1 == number).map_or(number, |(first, _)| first);
        let last = self.rows.remove(&(width, number + 1)).unwrap_or(number);
        self.rows.insert((width, first), last);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_a_number_counts_once_in_whatever_order_they_come() {
        let mut numbers = Numbers::default();
        let mut known = HashSet::new();
        // Up, down, with holes that are filled later, twice, padded and not.
        let up = (1..40).map(|n| format!("{n:04}"));
        let down = (60..90).rev().map(|n| format!("{n:04}"));
        let holes = (1..99).step_by(3).chain(1..99).map(|n: u32| n.to_string());
        let odd = ["A1", "A1", "", "", "0", "00", "999999999999999999", "9999999999999999999", "9999999999999999999"];
        for text in up.chain(down).chain((30..70).map(|n| format!("{n:04}"))).chain(holes).chain(odd.map(str::to_owned))
        {
            assert_eq!(numbers.insert(&text), known.insert(text.clone()), "{text:?}");
        }
    }

    #[test]
    fn ok_a_row_is_kept_by_its_ends() {
        let mut numbers = Numbers::default();
        assert!((1..=100_000).all(|number| numbers.insert(&format!("{number:09}"))));
        assert_eq!(numbers.rows.len(), 1);
        assert!(!numbers.insert("000000001") && !numbers.insert("000100000") && numbers.insert("000100001"));
    }
}
