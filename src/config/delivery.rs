//! `[delivery]`: how many go at once, and how long an attempt may take.

use serde::Deserialize;

/// Deliveries.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// Deliveries at once.
    pub workers: u32,
    /// Seconds without a byte taken by the receiver or answered; a body has to go at 8 KiB a second besides.
    pub attempt_seconds: u64,
    /// Seconds between attempts, one after the other; after the last a delivery is parked.
    pub retry_seconds: Vec<u64>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            workers: 16,
            attempt_seconds: 60,
            // Ten attempts over about two days.
            retry_seconds: vec![10, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400],
        }
    }
}
