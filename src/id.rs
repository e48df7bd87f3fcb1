//! Identifiers: `<prefix>_<uuid v7>`, sortable by the time they were made.
//! It draws no randomness of its own accord except through [`Random`].

use crate::clock::Timestamp;

/// A source of random bytes; the service uses [`SystemRandom`], tests a seeded one.
pub trait Random: Send + Sync {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator, through the one crypto library of the product.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // The generator fails only when the process cannot reach the kernel's entropy at all;
        // going on without it would make guessable keys.
        aws_lc_rs::rand::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// Makes an identifier such as `doc_0199…`: the prefix, then a version 7 UUID of `now`.
#[must_use]
pub fn new_id(prefix: &str, now: Timestamp, random: &dyn Random) -> String {
    let mut bytes = [0u8; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid();
    format!("{prefix}_{}", uuid.simple())
}

/// When an identifier of ours was made, to the millisecond; `None` where it is none.
#[must_use]
pub fn made_at(id: &str) -> Option<Timestamp> {
    let digits = id.split_once('_')?.1.get(..12)?;
    Timestamp::from_millisecond(i64::from_str_radix(digits, 16).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_tells_when_it_was_made() {
        let now = Timestamp::from_millisecond(1_790_000_000_123).expect("a time");
        assert_eq!(made_at(&new_id("doc", now, &SystemRandom)), Some(now));
        for none in ["", "doc", "doc_12", "doc_not of our own making", "tra_1"] {
            assert_eq!(made_at(none), None, "{none}");
        }
    }
}
