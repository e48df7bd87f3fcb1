//! Channels: whether the other side can be reached and answers as it should. What they are is a resource.

pub mod test;
