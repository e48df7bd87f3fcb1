//! Documents: the units of work.

pub mod get;
pub mod list;
