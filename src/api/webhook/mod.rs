//! Webhooks: how they are doing. What they are is a resource.

pub mod list;
pub mod resume;
pub mod test;
