//! Secrets: set, listed by name, never read.

pub mod list;
pub mod remove;
pub mod set;
