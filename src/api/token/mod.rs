//! Tokens of API and channels.

pub mod create;
pub mod list;
pub mod revoke;
