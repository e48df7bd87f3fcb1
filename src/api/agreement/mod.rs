//! Agreements: taking over from another system.

pub mod seed;
pub mod seen;
