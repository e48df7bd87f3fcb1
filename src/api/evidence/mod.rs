//! Evidence of AS2 messages, to be kept elsewhere and checked without us.

pub mod get;
