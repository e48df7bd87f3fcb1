//! Who is told of alarms. What they are is a resource.

pub mod test;
