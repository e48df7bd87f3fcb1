//! `[storage]`: what of the disk of the data directory is kept free.

use super::within::within;
use serde::{Deserialize, Deserializer};

/// Megabytes that can be kept free, at most; no disk has more.
pub const RESERVE_MB_MAX: u64 = 1_000_000_000;

/// How the disk is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// Megabytes that stay free for what is here already: below them nothing more is taken in, while what is here is
    /// translated, delivered and acknowledged. 0 keeps none; [`RESERVE_MB_MAX`] at most.
    #[serde(deserialize_with = "reserve_mb")]
    pub reserve_mb: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self { reserve_mb: 256 }
    }
}

fn reserve_mb<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    within(from, (0, RESERVE_MB_MAX), "megabytes")
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn err_a_reserve_that_no_disk_has() {
        let with = |megabytes: &str| Config::parse(&format!("[storage]\nreserve_mb = {megabytes}\n"));
        assert_eq!(with("1000000000").expect("the most").storage.reserve_mb, super::RESERVE_MB_MAX);
        let error = with("17592186044416").expect_err("a number whose bytes are more than there are");
        assert!(error.contains("expected 1000000000 megabytes at most, found 17592186044416"), "{error}");
        assert!(with("-1").is_err());
    }
}
