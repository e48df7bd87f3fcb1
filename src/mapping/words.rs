//! Words to numbers, for tables that are made once and asked for each value: ordered by a hash of the word, so that
//! looking one up compares numbers, and one word in the end.

use crate::entity::Text;

/// Words with a number each.
#[derive(Debug, Default)]
pub struct Words(Vec<(u64, Text, usize)>);

impl Words {
    /// No words.
    pub const NONE: Words = Words(Vec::new());

    /// The first number that a word is given counts.
    pub fn new<'w>(words: impl Iterator<Item = (&'w str, usize)>) -> Self {
        let mut all: Vec<_> = words.map(|(word, number)| (hash(word), Text::from(word), number)).collect();
        all.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        all.dedup_by(|later, first| later.1 == first.1);
        Words(all)
    }

    /// The number of a word.
    pub fn find(&self, word: &str) -> Option<usize> {
        let hash = hash(word);
        let first = self.0.partition_point(|(own, ..)| *own < hash);
        let same = self.0[first..].iter().take_while(|(own, ..)| *own == hash);
        same.into_iter().find(|(_, own, _)| own == word).map(|(.., number)| *number)
    }
}

/// FNV-1a.
fn hash(word: &str) -> u64 {
    word.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
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
