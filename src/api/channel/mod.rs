//! Channels: how those that send and those that pick files up are doing, and whether the other side can be reached and answers as it should. What they are is a resource.

pub mod list;
pub mod pickups;
pub mod test;
