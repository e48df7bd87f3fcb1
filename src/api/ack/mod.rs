//! Acknowledgments.

pub mod list;
pub mod unmatched;
