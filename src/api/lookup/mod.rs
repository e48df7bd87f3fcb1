//! Lookup tables: what they lack.

pub mod missing;
