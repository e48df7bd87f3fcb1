//! Deliveries: what goes out, and how it went.

pub mod get;
pub mod list;
pub mod resubmit;
pub mod steer;
