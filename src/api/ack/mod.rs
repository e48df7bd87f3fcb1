//! Acknowledgments.

pub mod unmatched;
