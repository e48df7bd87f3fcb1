//! Words to numbers, for tables that are made once and asked for each value: open addressing, at most half full, so that
//! looking one up is a hash and hardly ever more than one comparison.

use crate::entity::Text;

/// Words with a number each.
#[derive(Debug, Default)]
pub struct Words {
    /// The words in no order; a power of two of places, or none.
    places: Vec<Option<(Text, usize)>>,
}

impl Words {
    /// No words.
    pub const NONE: Words = Words { places: Vec::new() };

    /// The first number that a word is given counts.
    pub fn new<'w>(words: impl Iterator<Item = (&'w str, usize)>) -> Self {
        let words: Vec<_> = words.collect();
        let mut made = Words { places: vec![None; (words.len() * 2).next_power_of_two()] };
        for (word, number) in words {
            let place = made.place(word);
            made.places[place].get_or_insert_with(|| (word.into(), number));
        }
        made
    }

    /// The number of a word.
    #[must_use]
    pub fn find(&self, word: &str) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        self.places[self.place(word)].as_ref().map(|(_, number)| *number)
    }

    /// Where a word stands, or would.
    fn place(&self, word: &str) -> usize {
        let last = self.places.len() - 1;
        let mut at = hash(word.as_bytes()) as usize & last;
        while self.places[at].as_ref().is_some_and(|(there, _)| there.as_str() != word) {
            at = (at + 1) & last;
        }
        at
    }
}

/// Eight bytes at a time, each time multiplied by an odd number and turned, so that all bits come to bear on the low ones.
fn hash(word: &[u8]) -> u64 {
    let mix = |hash: u64, part: u64| (hash ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    let (parts, rest) = word.as_chunks::<8>();
    let hash = parts.iter().fold(word.len() as u64, |hash, part| mix(hash, u64::from_le_bytes(*part)));
    mix(hash, rest.iter().fold(0, |part, byte| part << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_every_word_is_found_and_no_other() {
        let all: Vec<String> = (0..500).map(|number| format!("W{}", number * 7)).collect();
        let words = Words::new(all.iter().map(String::as_str).zip(0..).chain([("W0", 99)]));
        for (number, word) in all.iter().enumerate() {
            assert_eq!(words.find(word), Some(number), "{word}");
        }
        for other in ["", "W", "W1", "w0", "W35000"] {
            assert_eq!(words.find(other), None, "{other}");
        }
        assert_eq!(Words::NONE.find("W0"), None);
    }
}
