//! How the instance is doing.

pub mod get;
