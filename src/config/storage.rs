//! `[storage]`: what of the disk of the data directory is kept free.

use serde::Deserialize;

/// How the disk is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// Megabytes that stay free for what is here already: below them nothing more is taken in, while what is here is
    /// translated, delivered and acknowledged. 0 keeps none.
    pub reserve_mb: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self { reserve_mb: 256 }
    }
}
