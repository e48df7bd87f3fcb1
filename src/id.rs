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
