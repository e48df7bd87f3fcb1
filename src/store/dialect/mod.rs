//! All that differs between databases: how one is opened, how a write begins, how rows are locked.
//! Queries themselves are written once, in the aggregates.

pub(crate) mod sqlite;
