//! What chooses values and damage in tests: seeded, so that a failure can be had again.

/// xorshift64*: small and good enough to choose.
pub struct Dice(u64);

impl Dice {
    /// The dice of a round.
    pub fn new(seed: u64, round: u64) -> Self {
        Dice((seed ^ round.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1)
    }

    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides.max(1)
    }
}

/// A number that the environment may say.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
